//! Reads settings by their rows, and collects every mistake under the name of its setting.

use std::fmt::Display;
use std::path::Path;

use toml::Table;
use vestibule_file_permissions::Rule;

use super::kinds::Reasons;
use super::kinds::words::trimmed;
use super::setting::{Optional, Row, Setting};
use super::sources::{Place, Sources};
use crate::error::CommandError;

/// What is known of a setting.
pub(super) enum Found<T> {
    Absent,
    /// There is something, and it cannot be used. The mistake is reported already, so nothing that follows from it should be.
    Unusable,
    Value(T),
}

impl<T> Found<T> {
    pub(super) fn value(self) -> Option<T> {
        match self {
            Self::Value(value) => Some(value),
            Self::Absent | Self::Unusable => None,
        }
    }

    pub(super) fn is_absent(&self) -> bool {
        matches!(self, Self::Absent)
    }

    /// The same, with another value in the place of this one.
    pub(super) fn map<U>(self, change: impl FnOnce(T) -> U) -> Found<U> {
        match self {
            Self::Value(value) => Found::Value(change(value)),
            Self::Absent => Found::Absent,
            Self::Unusable => Found::Unusable,
        }
    }
}

/// What stands for a setting, and what the place is called where it does.
struct Written {
    name: String,
    text: String,
}

/// Reads settings one by one and remembers what was wrong.
pub(super) struct Reader<'a> {
    sources: &'a Sources,
    mistakes: Vec<String>,
}

impl<'a> Reader<'a> {
    pub(super) fn new(sources: &'a Sources) -> Self {
        Self { sources, mistakes: Vec::new() }
    }

    pub(super) fn dev(&self) -> bool {
        self.sources.dev()
    }

    /// A table of the settings file.
    pub(super) fn table(&self, name: &str) -> Option<&'a Table> {
        self.sources.find_table(name)
    }

    /// The value of a setting that always has one. `None` is a mistake, which is reported.
    pub(super) fn read<T>(&mut self, setting: &Setting<T>) -> Option<T> {
        self.understand(&setting.row(), |text| setting.parse(text)).value()
    }

    /// The value of a setting that may be absent.
    pub(super) fn find<T>(&mut self, setting: &Optional<T>) -> Found<T> {
        self.understand(&setting.row(), |text| setting.parse(text))
    }

    fn understand<T>(&mut self, row: &Row, parse: impl FnOnce(&str) -> Result<T, Reasons>) -> Found<T> {
        let written = match self.find_written(row) {
            Found::Absent => match row.default_text(self.dev()) {
                Some(text) => Written { name: row.name.to_owned(), text: text.to_owned() },
                None => return Found::Absent,
            },
            Found::Value(written) => written,
            Found::Unusable => return Found::Unusable,
        };
        match parse(&written.text) {
            Ok(value) => Found::Value(value),
            Err(reasons) => {
                self.report_all(&written.name, &reasons);
                Found::Unusable
            }
        }
    }

    /// What an operator wrote, in its place or, if it is a secret, in a file of its own. Of several places the first counts that
    /// has either.
    fn find_written(&mut self, row: &Row) -> Found<Written> {
        for place in Place::ALL {
            let text = self.sources.find_in(place, row.name);
            let file = if row.is_secret { self.sources.find_in(place, &row.file_name()) } else { None };
            match (text, file) {
                (None, None) => {}
                (Some(text), None) => {
                    return Found::Value(Written { name: row.name.to_owned(), text: text.to_owned() });
                }
                (Some(_), Some(_)) => {
                    self.report(row.name, &format_args!("given twice, also as {}", row.file_name()));
                    return Found::Unusable;
                }
                (None, Some(path)) => match self.read_file(row, Path::new(path)) {
                    Found::Absent => {}
                    found => return found,
                },
            }
        }
        Found::Absent
    }

    /// A file with nothing in it counts as absent, as an empty value does anywhere.
    fn read_file(&mut self, row: &Row, path: &Path) -> Found<Written> {
        let name = row.file_name();
        match Rule::SECRET.read(path) {
            Ok(text) if trimmed(&text).is_empty() => Found::Absent,
            Ok(text) => Found::Value(Written { name, text }),
            Err(fault) => {
                self.report(&name, &fault);
                Found::Unusable
            }
        }
    }

    /// Whether what is read has no mistake of its own.
    pub(super) fn is_sound<T>(&mut self, read: impl FnOnce(&mut Self) -> T) -> bool {
        let before = self.mistakes.len();
        read(self);
        self.mistakes.len() == before
    }

    /// Reports a setting that must be there and is not.
    pub(super) fn report_missing(&mut self, name: &str, meaning: &str) {
        self.mistakes.push(format!("{name} is not set: {meaning}"));
    }

    /// Reports what is wrong with a setting.
    pub(super) fn report(&mut self, name: &str, reason: &dyn Display) {
        self.mistakes.push(format!("{name}: {reason}"));
    }

    /// Reports several mistakes of one setting or table.
    pub(super) fn report_all(&mut self, name: &str, reasons: &[String]) {
        self.mistakes.extend(reasons.iter().map(|reason| format!("{name}: {reason}")));
    }

    /// The value, if there was no mistake.
    pub(super) fn finish<T>(self, value: Option<T>) -> Result<T, CommandError> {
        match value {
            Some(value) if self.mistakes.is_empty() => Ok(value),
            _ => Err(CommandError::from_texts(self.mistakes)),
        }
    }
}
