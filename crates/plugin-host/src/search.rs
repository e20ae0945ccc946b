//! Where plugins are: names, and the folders that are searched.

use std::env::consts::{DLL_PREFIX, DLL_SUFFIX};
use std::fmt;
use std::path::{self, PathBuf};

use thiserror::Error;
use vestibule_file_permissions::{Rule, Writers};

use crate::error::{LoadError, LoadFault};

/// A text that cannot name a plugin.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[error(
    "a plugin's name has 1 to 32 lower-case letters, digits, hyphens or underscores, and starts with a letter"
)]
pub struct PluginNameError;

/// The name of a plugin, from which the name of its file is made. It cannot leave a folder.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct PluginName(String);

impl PluginName {
    /// Takes 1 to 32 characters of `a-z0-9_-`, the first a letter.
    pub fn parse(text: &str) -> Result<Self, PluginNameError> {
        let fits = (1..=32).contains(&text.len())
            && text.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_' || b == b'-')
            && text.bytes().next().is_some_and(|b| b.is_ascii_lowercase());
        if fits { Ok(Self(text.to_owned())) } else { Err(PluginNameError) }
    }

    /// The text itself.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// `lib<name>.so`, and the same as cargo would write it, with underscores.
    pub(crate) fn file_names(&self) -> [String; 2] {
        [self.0.clone(), self.0.replace('-', "_")].map(|name| format!("{DLL_PREFIX}{name}{DLL_SUFFIX}"))
    }
}

impl fmt::Display for PluginName {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0)
    }
}

/// The folders that plugins come from, in the order of preference. There is no other way to a library.
#[derive(Debug, Clone, Default)]
pub struct PluginPath {
    folders: Vec<PathBuf>,
    writers: Writers,
}

impl PluginPath {
    /// Relative folders are taken from where the process is.
    pub fn new(folders: Vec<PathBuf>) -> Self {
        let folders = folders.into_iter().map(|folder| path::absolute(&folder).unwrap_or(folder)).collect();
        Self { folders, writers: Writers::Owner }
    }

    /// Also takes files and folders that their group may write: for development, where libraries lie where they were built.
    #[must_use]
    pub fn dangerous_trusting_the_group(self) -> Self {
        Self { writers: Writers::AnyGroup, ..self }
    }

    pub(crate) fn writers(&self) -> Writers {
        self.writers
    }

    /// The absolute path of the first file that has the plugin's name, in a folder that no other user can change; links on the
    /// way to the folder are followed. Whether the file is fit to be loaded is seen later: a bad file hides a good one in a
    /// later folder, rather than being passed over in silence.
    pub fn find(&self, plugin: &PluginName) -> Result<PathBuf, LoadError> {
        let names = plugin.file_names();
        let candidates = self.folders.iter().flat_map(|folder| names.iter().map(move |name| (folder, name)));
        let mut found = candidates.filter(|(folder, _)| folder.is_absolute());
        let found = found.find(|(folder, name)| folder.join(name).symlink_metadata().is_ok());
        let (folder, name) = found.ok_or_else(|| {
            LoadError::from(LoadFault::NotFound { plugin: plugin.clone(), searched: self.folders.clone() })
        })?;
        let rule = Rule::DECIDES.with_writers(self.writers);
        let safe = rule.check_closed_folder(folder).map(|real| real.join(name)).map_err(LoadFault::from);
        safe.map_err(|fault| LoadError::from(fault).in_file(&folder.join(name)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;

    #[test]
    fn e1_a_name_cannot_leave_its_folder() {
        for good in ["acl", "a", "a-b_c9", &"x".repeat(32)] {
            assert!(PluginName::parse(good).is_ok(), "{good}");
        }
        for bad in ["", "../x", "a/b", "a.so", "A", "9a", "-a", "a\0", "ä", "a b", "*", &"x".repeat(33)] {
            assert_eq!(PluginName::parse(bad), Err(PluginNameError), "{bad:?}");
        }
    }

    #[test]
    fn the_first_folder_wins_and_cargo_s_spelling_counts() {
        let (first, second) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        let path = PluginPath::new(vec![first.path().into(), second.path().into()]);
        let name = PluginName::parse("a-b").unwrap();
        fs::write(second.path().join("liba_b.so"), "").unwrap();
        assert_eq!(path.find(&name).unwrap(), second.path().join("liba_b.so"));
        fs::write(first.path().join("liba-b.so"), "").unwrap();
        assert_eq!(path.find(&name).unwrap(), first.path().join("liba-b.so"));
    }

    #[test]
    fn a_missing_plugin_is_reported_with_the_folders() {
        let path = PluginPath::new(vec!["/nowhere/a".into(), "/nowhere/b".into()]);
        let error = path.find(&PluginName::parse("a-b").unwrap()).unwrap_err().to_string();
        assert_eq!(error, "no liba-b.so or liba_b.so in /nowhere/a, /nowhere/b");
    }
}
