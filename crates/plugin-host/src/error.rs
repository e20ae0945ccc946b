//! Why a plugin is not loaded. Any of these stops the start: nothing is ever left out in silence.

use std::fmt;
use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use thiserror::Error;
use vestibule_file_permissions::{Fault, Reason};

use crate::config::ConfigFault;
use crate::{PluginName, SchemaFault};

/// Why a plugin is not loaded: the alias it was configured under, the file, and the fault.
#[derive(Debug)]
pub struct LoadError {
    alias: Option<String>,
    file: Option<PathBuf>,
    fault: Box<LoadFault>,
}

impl LoadError {
    /// What is wrong.
    pub fn fault(&self) -> &LoadFault {
        &self.fault
    }

    /// What it is configured as, when it is.
    pub fn alias(&self) -> Option<&str> {
        self.alias.as_deref()
    }

    /// The library in question, when one was found.
    pub fn file(&self) -> Option<&Path> {
        self.file.as_deref()
    }

    pub(crate) fn in_file(mut self, file: &Path) -> Self {
        self.file.get_or_insert_with(|| file.to_owned());
        self
    }

    pub(crate) fn under_alias(mut self, alias: &str) -> Self {
        self.alias.get_or_insert_with(|| alias.to_owned());
        self
    }
}

impl From<LoadFault> for LoadError {
    fn from(fault: LoadFault) -> Self {
        Self { alias: None, file: None, fault: Box::new(fault) }
    }
}

impl From<Fault> for LoadFault {
    fn from(fault: Fault) -> Self {
        match fault.into_reason() {
            Reason::Unreadable(error) => Self::Unreadable(error),
            reason => Self::Untrusted(reason),
        }
    }
}

impl fmt::Display for LoadError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(alias) = &self.alias {
            write!(formatter, "plugin {alias:?}: ")?;
        }
        if let Some(file) = &self.file {
            write!(formatter, "{}: ", file.display())?;
        }
        self.fault.fmt(formatter)
    }
}

impl std::error::Error for LoadError {}

/// What is wrong with a plugin, its file or its settings.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum LoadFault {
    /// No folder has it.
    #[error("no {} in {}", file_names(.plugin), folders(.searched))]
    NotFound {
        /// The plugin that is asked for.
        plugin: PluginName,
        /// The folders that were searched.
        searched: Vec<PathBuf>,
    },
    /// The operating system does not let us.
    #[error("cannot be read: {0}")]
    Unreadable(io::Error),
    /// Others may change the file, or what is on the way to it, or it is no file.
    #[error("{0}")]
    Untrusted(Reason),
    /// The file is not the one that the operator pinned.
    #[error("has the SHA-256 {found}, but {expected} is configured")]
    Pin {
        /// What the operator wrote.
        expected: String,
        /// What the file has.
        found: String,
    },
    /// The file is not a library for this machine, or not a whole one.
    #[error("is not a library that can be loaded: {0}")]
    NotALibrary(&'static str),
    /// A private copy of the file could not be made.
    #[error("cannot be copied into memory: {0}")]
    Copy(io::Error),
    /// The dynamic loader refuses it.
    #[error("cannot be loaded: {0}")]
    Refused(String),
    /// It does not export the function that every plugin exports.
    #[error("is not a plugin of this version: it does not export vestibule_plugin_v1")]
    NoEntrySymbol,
    /// It was made for another version of the ABI.
    #[error(
        "was made for version {major}.{minor} of the plugin ABI; this program has {}.{}",
        vestibule_plugin_abi::MAJOR,
        vestibule_plugin_abi::MINOR
    )]
    OtherAbi {
        /// The major version that it wants.
        major: u16,
        /// The least minor version that it wants.
        minor: u16,
    },
    /// Its table breaks the rules of the ABI.
    #[error("its table is not valid: {0}")]
    Table(&'static str),
    /// It does not do what it is configured for.
    #[error("provides {0}")]
    Provides(&'static str),
    /// Code was reloaded more often than the memory for it should be taken.
    #[error("would be library number {} in this process, which never gives one up: restart the service", .0 + 1)]
    TooManyLibraries(usize),
    /// Two instances have one alias.
    #[error("the alias is used twice")]
    DuplicateAlias,
    /// A setting makes no sense.
    #[error("{0}")]
    Setting(&'static str),
    /// The configuration is not what the plugin's schema demands, or the schema is of no use.
    #[error("{0}")]
    Schema(#[from] SchemaFault),
    /// The plugin did not make the instance.
    #[error("{ending}{}{message}", if .message.is_empty() { "" } else { ": " })]
    Create {
        /// How it ended.
        ending: &'static str,
        /// What the plugin says about it.
        message: String,
    },
    /// The plugin does not come back from making the instance.
    #[error("has not started within {} seconds", .0.as_secs())]
    CreateTimeout(Duration),
    /// Its configuration cannot be given to it.
    #[error("config{0}")]
    Config(#[from] ConfigFault),
    /// A process for it could not be started.
    #[error("no process could be started for it: {0}")]
    Process(io::Error),
    /// What the process that loads it first found wrong.
    #[error("{0}")]
    Reported(String),
    /// It ended the process that was started for it.
    #[error("ended its process {moment}: {how}")]
    Ended {
        /// When.
        moment: &'static str,
        /// By which signal or with which status.
        how: String,
    },
    /// The process that was started for it does not come back.
    #[error("does not come back {moment}: it was given {} seconds", .after.as_secs())]
    Hangs {
        /// When.
        moment: &'static str,
        /// How long it was given.
        after: Duration,
    },
    /// The process that was started for it sent an unexpected packet.
    #[error("its process does not keep to the rules")]
    Misbehaves,
    /// A thread could not be started.
    #[error("no thread could be started: {0}")]
    Thread(io::Error),
}

fn file_names(plugin: &PluginName) -> String {
    let [plain, cargo] = plugin.file_names();
    if plain == cargo { plain } else { format!("{plain} or {cargo}") }
}

fn folders(searched: &[PathBuf]) -> String {
    if searched.is_empty() {
        return "any folder: the plugin path is empty".to_owned();
    }
    searched.iter().map(|folder| folder.display().to_string()).collect::<Vec<_>>().join(", ")
}
