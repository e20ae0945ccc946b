//! Where settings come from: flags over environment over file.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use toml::{Table, Value};
use vestibule_file_permissions::{Rule, is_readable_by_others};
use vestibule_plugin_host::Environment;

use super::environment;
use super::kinds::words::trimmed;
use super::suggestions::unknown_setting;
use super::table;
use crate::error::CommandError;

const DEFAULT_FILE: &str = "vestibule.toml";
/// What the file may have besides settings.
const TABLES: [&str; 3] = ["providers", "apps", "plugin"];

/// A place where settings come from.
#[derive(Debug, Clone, Copy)]
pub(super) enum Place {
    /// The command line.
    Flags,
    Environment,
    /// `vestibule.toml`.
    File,
}

impl Place {
    /// All of them; what an earlier one has counts more.
    pub(super) const ALL: [Self; 3] = [Self::Flags, Self::Environment, Self::File];
}

/// What the operator wrote, not yet understood.
#[derive(Clone)]
pub(crate) struct Sources {
    dev: bool,
    /// The file that `--config` names.
    requested: Option<PathBuf>,
    flags: BTreeMap<&'static str, String>,
    file: Option<PathBuf>,
    texts: BTreeMap<String, String>,
    tables: Table,
}

impl Sources {
    /// Reads the settings file, if there is one, and refuses keys that are not known.
    pub(crate) fn read(config: Option<&Path>, dev: bool) -> Result<Self, CommandError> {
        let (sources, mistakes) = Self::read_with_mistakes(config, dev)?;
        if mistakes.is_empty() { Ok(sources) } else { Err(CommandError::from_texts(mistakes)) }
    }

    /// What a settings file says that may have mistakes, and the mistakes. An error if nothing of it can be read.
    pub(crate) fn read_with_mistakes(
        config: Option<&Path>,
        dev: bool,
    ) -> Result<(Self, Vec<String>), CommandError> {
        let mut sources = Self {
            dev,
            requested: config.map(Path::to_owned),
            flags: BTreeMap::new(),
            file: None,
            texts: BTreeMap::new(),
            tables: Table::new(),
        };
        let path = config.unwrap_or(Path::new(DEFAULT_FILE));
        let mut mistakes = Vec::new();
        if config.is_some() || path.symlink_metadata().is_ok() {
            let wrong = |mistake: String| format!("{}: {mistake}", path.display());
            let text = Rule::DECIDES.read(path).map_err(CommandError::new)?;
            sources.file = Some(path.to_owned());
            mistakes = sources.take_file(&text).map_err(|error| CommandError::new(wrong(error)))?;
            mistakes.extend(sources.require_secrecy(path).err());
            mistakes = mistakes.into_iter().map(wrong).collect();
        }
        Ok((sources, mistakes))
    }

    /// Refuses a file that has a secret in it and that others may read.
    fn require_secrecy(&self, path: &Path) -> Result<(), String> {
        let Some(secret) = self.secret_in_file() else { return Ok(()) };
        match is_readable_by_others(path) {
            Ok(false) => Ok(()),
            Ok(true) => Err(format!(
                "others may read it, and it has {secret}; take the right away with chmod go-rwx, or name a file of its \
                 own for the secret with {secret}_file"
            )),
            Err(error) => Err(error.to_string()),
        }
    }

    /// The name of a secret that the file itself has.
    fn secret_in_file(&self) -> Option<String> {
        let text = table::rows().find(|row| row.is_secret && self.texts.contains_key(row.name));
        let providers = || self.find_table("providers").into_iter().flatten();
        let in_provider = || providers().find(|(_, table)| table.get("client_secret").is_some());
        text.map(|row| row.name.to_ascii_lowercase())
            .or_else(|| in_provider().map(|(name, _)| format!("[providers.{name}] client_secret")))
    }

    /// What a file of this text would say.
    #[cfg(any(test, fuzzing))]
    pub(super) fn of_text(text: &str, dev: bool) -> Result<Self, String> {
        let (flags, texts, tables) = (BTreeMap::new(), BTreeMap::new(), Table::new());
        let mut sources = Self { dev, requested: None, flags, file: None, texts, tables };
        let mistakes = sources.take_file(text)?;
        if mistakes.is_empty() { Ok(sources) } else { Err(mistakes.join("; ")) }
    }

    /// Reads the settings file again. The environment of a process stays what it was.
    pub(crate) fn read_again(&self) -> Result<Self, CommandError> {
        let again = Self::read(self.requested.as_deref(), self.dev)?;
        Ok(Self { flags: self.flags.clone(), ..again })
    }

    /// The environment, for what plugins are configured with.
    pub(crate) fn environment() -> Arc<dyn Environment> {
        Arc::new(|name: &str| environment::find(name).map(str::to_owned))
    }

    /// Takes what makes sense by itself. The rest are mistakes, each of one key.
    fn take_file(&mut self, text: &str) -> Result<Vec<String>, String> {
        let table: Table = text.parse().map_err(|error: toml::de::Error| explain(&error, text))?;
        let mut mistakes = Vec::new();
        for (key, value) in table {
            match value {
                Value::Table(table) if TABLES.contains(&key.as_str()) => {
                    self.tables.insert(key, Value::Table(table));
                }
                value => mistakes.extend(self.take_text(&key, &value).err()),
            }
        }
        Ok(mistakes)
    }

    fn take_text(&mut self, key: &str, value: &Value) -> Result<(), String> {
        let name = key.to_ascii_uppercase();
        if !table::is_known(&name) {
            return Err(unknown_setting(key, if value.is_table() { &TABLES } else { &[] }));
        }
        let text = text_of(value, table::find(&name).map_or("", |row| row.separator))
            .ok_or_else(|| format!("{key}: expected a text or a list of texts"))?;
        match self.texts.insert(name, text) {
            None => Ok(()),
            Some(_) => Err(format!("{key}: given twice, in capitals and in small letters")),
        }
    }

    /// Sets what a flag of the command line says.
    pub(crate) fn set_flag(&mut self, name: &'static str, value: String) {
        self.flags.insert(name, value);
    }

    /// Whether `--dev` is given.
    pub(crate) fn dev(&self) -> bool {
        self.dev
    }

    /// The settings file in use.
    pub(crate) fn file(&self) -> Option<&Path> {
        self.file.as_deref()
    }

    /// The text that a setting has in a place, without white space around it; empty counts as absent.
    pub(super) fn find_in(&self, place: Place, name: &str) -> Option<&str> {
        let text = match place {
            Place::Flags => self.flags.get(name).map(String::as_str),
            Place::Environment => environment::find(name),
            Place::File => self.texts.get(name).map(String::as_str),
        };
        text.map(trimmed).filter(|text| !text.is_empty())
    }

    /// A table of the file.
    pub(super) fn find_table(&self, name: &str) -> Option<&Table> {
        self.tables.get(name).and_then(Value::as_table)
    }
}

/// A value as the environment would give it.
fn text_of(value: &Value, separator: &str) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Integer(number) => Some(number.to_string()),
        Value::Float(number) => Some(number.to_string()),
        Value::Boolean(true) => Some("on".to_owned()),
        Value::Boolean(false) => Some("off".to_owned()),
        Value::Array(items) => {
            items.iter().map(Value::as_str).collect::<Option<Vec<_>>>().map(|items| items.join(separator))
        }
        Value::Datetime(_) | Value::Table(_) => None,
    }
}

/// What is wrong and in which line. The parser's own text quotes the line, which may hold a secret.
fn explain(error: &toml::de::Error, text: &str) -> String {
    let before = error.span().and_then(|span| text.get(..span.start)).unwrap_or_default();
    format!("line {}: {}", before.matches('\n').count() + 1, error.message())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<Sources, String> {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("vestibule.toml");
        std::fs::write(&path, text).unwrap();
        Sources::read(Some(&path), false).map_err(|failure| failure.to_string())
    }

    #[test]
    fn l16_an_unknown_key_is_named() {
        let error = read("listen = '127.0.0.1:1'\nlisten_on = 'x'").err().unwrap();
        assert!(error.contains("listen_on"), "{error}");
        let error = read("[provider.x]\nissuer = 'https://a.example'").err().unwrap();
        assert!(error.contains("provider"), "{error}");
    }

    #[test]
    fn several_mistakes_are_named_at_once_and_the_rest_is_taken() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("vestibule.toml");
        std::fs::write(&path, "listen_on = 'x'\nlog = 'info'\n[provider.x]\nissuer = 'y'").unwrap();
        let (sources, mistakes) = Sources::read_with_mistakes(Some(&path), false).unwrap();
        assert!(mistakes[0].contains("listen_on") && mistakes[1].contains("provider"), "{mistakes:?}");
        assert_eq!((mistakes.len(), sources.find_in(Place::File, "LOG")), (2, Some("info")));
    }

    #[test]
    fn a_mistake_in_the_file_is_found_without_showing_the_line() {
        let error = read("listen = 'x'\ngithub_secret = \"hunter2\n").err().unwrap();
        assert!(error.contains("line 2") && !error.contains("hunter2"), "{error}");
    }

    #[test]
    fn lists_and_switches_become_the_texts_of_the_environment() {
        let sources = read(
            "allowed_origins = ['https://a.example', 'https://b.example']\nPERMISSION_TOKEN_REUSE = false\n\
             otel_traces_sampler_arg = 0.5",
        )
        .unwrap();
        let find = |name| sources.find_in(Place::File, name);
        assert_eq!(find("ALLOWED_ORIGINS").unwrap(), "https://a.example;https://b.example");
        assert_eq!(find("PERMISSION_TOKEN_REUSE").unwrap(), "off");
        assert_eq!(find("OTEL_TRACES_SAMPLER_ARG").unwrap(), "0.5");
        assert!(find("LISTEN").is_none());
    }
}
