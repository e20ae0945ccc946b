//! Reads one table of `vestibule.toml` by its keys, and collects every mistake.

use std::fmt::Display;
use std::path::{Path, PathBuf};

use secrecy::{ExposeSecret as _, SecretString};
use toml::Table;
use vestibule_file_permissions::Rule;

use super::keys::{Key, KeyRow};
use super::kinds::words::{SECRET, trimmed};
use super::reader::Found;
use super::suggestions::unknown_key;

/// Reads the keys of a table one by one and remembers what was wrong.
pub(super) struct TableReader<'a> {
    table: &'a Table,
    mistakes: Vec<String>,
    /// Keys that another one is likely to be meant for. That they are absent follows from that.
    meant: Vec<&'static str>,
}

impl<'a> TableReader<'a> {
    /// Of a table that may have these keys. Each other one is a mistake, which is told with the key that may be meant.
    pub(super) fn new(table: &'a Table, rows: &[KeyRow]) -> Self {
        let mut reader = Self { table, mistakes: Vec::new(), meant: Vec::new() };
        for key in table.keys().filter(|key| rows.iter().all(|row| row.name != key.as_str())) {
            let absent = rows.iter().map(|row| row.name).filter(|name| !table.contains_key(*name));
            let (reason, meant) = unknown_key(key, absent);
            reader.mistakes.push(reason);
            reader.meant.extend(meant);
        }
        reader
    }

    /// The value under this key.
    pub(super) fn find<T>(&mut self, key: &Key<T>) -> Found<T> {
        match key.find(self.table) {
            Ok(Some(value)) => Found::Value(value),
            Ok(None) if self.meant.contains(&key.name) => Found::Unusable,
            Ok(None) => Found::Absent,
            Err(reason) => {
                self.mistakes.push(reason);
                Found::Unusable
            }
        }
    }

    /// The value under this key, or the default of its type.
    pub(super) fn find_or<T>(&mut self, key: &Key<T>, default: T) -> T {
        self.find(key).value().unwrap_or(default)
    }

    /// The text under this key, where there must be one.
    pub(super) fn require(&mut self, key: &Key<String>) -> Option<String> {
        match self.find(key) {
            Found::Value(text) if !text.is_empty() => return Some(text),
            Found::Value(_) | Found::Absent => self.refuse(format_args!("{} is not set", key.name)),
            Found::Unusable => {}
        }
        None
    }

    /// The secret under the one key, or in the file under the other.
    pub(super) fn find_secret(
        &mut self,
        key: &Key<SecretString>,
        file: &Key<PathBuf>,
    ) -> Found<SecretString> {
        match (self.find(key), self.find(file)) {
            (Found::Value(secret), Found::Absent) if secret.expose_secret().is_empty() => Found::Absent,
            (found, Found::Absent) => found,
            (Found::Absent, Found::Value(path)) => self.read_secret(file.name, &path),
            (Found::Value(_), Found::Value(_)) => {
                self.refuse(format_args!("{}: given twice, also as {}", key.name, file.name));
                Found::Unusable
            }
            (Found::Unusable, _) | (_, Found::Unusable) => Found::Unusable,
        }
    }

    fn read_secret(&mut self, key: &str, path: &Path) -> Found<SecretString> {
        let text = Rule::SECRET.read(path).map_err(|fault| vec![fault.to_string()]);
        match text.and_then(|text| SECRET.parse(trimmed(&text))) {
            Ok(secret) if secret.expose_secret().is_empty() => Found::Absent,
            Ok(secret) => Found::Value(secret),
            Err(reasons) => {
                self.mistakes.extend(reasons.iter().map(|reason| format!("{key}: {reason}")));
                Found::Unusable
            }
        }
    }

    /// Remembers another mistake.
    pub(super) fn refuse(&mut self, reason: impl Display) {
        self.mistakes.push(reason.to_string());
    }

    /// What was made of the table, or every mistake in it.
    pub(super) fn finish<T>(self, value: Option<T>) -> Result<T, Vec<String>> {
        value.filter(|_| self.mistakes.is_empty()).ok_or(self.mistakes)
    }
}

#[cfg(test)]
mod tests {
    use super::super::keys::{plugin, provider};
    use super::*;

    fn table(text: &str) -> Table {
        text.parse().unwrap()
    }

    #[test]
    fn each_unknown_key_is_named_with_the_nearest() {
        let table = table("timout = '3s'\nqeue = 1\nzzz = 1\nlisten = 'x'");
        let mistakes = plugin::read(&table).finish(Some(())).unwrap_err();
        assert_eq!(mistakes.len(), 4, "{mistakes:?}");
        for mistake in [
            "unknown key \"timout\"; did you mean timeout?",
            "unknown key \"qeue\"; did you mean queue?",
            "unknown key \"zzz\"",
        ] {
            assert!(mistakes.iter().any(|named| named == mistake), "{mistakes:?}");
        }
    }

    #[test]
    fn what_follows_from_a_misspelt_key_is_not_told_beside_it() {
        let table = table("isuer = 'https://id.example'\nclient_id = ''");
        let mut reader = provider::read(&table);
        assert_eq!((reader.require(&provider::ISSUER), reader.require(&provider::CLIENT_ID)), (None, None));
        let mistakes = reader.finish(Some(())).unwrap_err();
        assert_eq!(mistakes, ["unknown key \"isuer\"; did you mean issuer?", "client_id is not set"]);
    }

    #[test]
    fn a_table_without_a_mistake_is_what_was_made_of_it() {
        let table = table("client_id = 'a'");
        let mut reader = provider::read(&table);
        let id = reader.require(&provider::CLIENT_ID);
        assert_eq!(reader.finish(id), Ok("a".to_owned()));
    }
}
