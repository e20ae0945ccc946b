//! The configuration of an instance: what the operator wrote, with references to secrets, and what the plugin gets.

use std::fmt;
use std::io;
use std::path::Path;

use serde_json::{Map, Value};
use thiserror::Error;
use vestibule_file_permissions::{Reason, Rule};
use zeroize::{Zeroize, Zeroizing};

/// The longest file that a reference may lead to.
const MAX_SECRET_BYTES: u64 = 64 * 1024;
const MAX_DEPTH: usize = 32;

/// Finds variables of the environment by their names.
pub trait Environment: Send + Sync {
    /// The value, if there is one and it is UTF-8.
    fn find(&self, name: &str) -> Option<String>;
}

impl<F: Fn(&str) -> Option<String> + Send + Sync> Environment for F {
    fn find(&self, name: &str) -> Option<String> {
        self(name)
    }
}

/// Why a configuration cannot be given to its plugin. Names places and never values.
#[derive(Debug, Error)]
pub enum ConfigFault {
    /// A reference to a variable that is not there.
    #[error("{path}: the environment has no variable {name}")]
    NoVariable {
        /// The JSON pointer of the reference.
        path: String,
        /// The name of the variable.
        name: String,
    },
    /// A reference to a file that cannot be read.
    #[error("{path}: {file}: {error}")]
    File {
        /// The JSON pointer of the reference.
        path: String,
        /// The file.
        file: String,
        /// Why not.
        error: io::Error,
    },
    /// A reference that is not one.
    #[error("{0}: a reference has the one member \"$env\" or \"$file\", whose value is a text")]
    BadReference(String),
    /// Nested too deeply.
    #[error("{0}: nested deeper than 32 levels")]
    TooDeep(String),
}

/// What the operator wrote under `config`. A value may be a reference, `{"$env": "NAME"}` or `{"$file": "/path"}`, in place of a
/// text; it is looked up each time an instance is made.
#[derive(Clone, Default, PartialEq)]
pub struct PluginConfig(Map<String, Value>);

impl PluginConfig {
    /// Takes an object.
    pub fn new(object: Map<String, Value>) -> Self {
        Self(object)
    }

    /// Replaces each reference by what it refers to. A file's last line break is not part of the secret.
    pub(crate) fn resolve(&self, environment: &dyn Environment) -> Result<ResolvedConfig, ConfigFault> {
        let mut resolved = ResolvedConfig(Map::new());
        for (name, value) in &self.0 {
            let value = resolve(value, &Position { path: format!("/{name}"), depth: 1 }, environment)?;
            resolved.0.insert(name.clone(), value);
        }
        Ok(resolved)
    }
}

impl From<Map<String, Value>> for PluginConfig {
    fn from(object: Map<String, Value>) -> Self {
        Self(object)
    }
}

/// Without the values, which may be secrets.
impl fmt::Debug for PluginConfig {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "PluginConfig({} members)", self.0.len())
    }
}

struct Position {
    path: String,
    depth: usize,
}

impl Position {
    fn inside(&self, name: &str) -> Self {
        Self { path: format!("{}/{name}", self.path), depth: self.depth + 1 }
    }
}

fn resolve(value: &Value, position: &Position, environment: &dyn Environment) -> Result<Value, ConfigFault> {
    if position.depth > MAX_DEPTH {
        return Err(ConfigFault::TooDeep(position.path.clone()));
    }
    match value {
        Value::Object(object) if object.keys().any(|name| name.starts_with('$')) => {
            look_up(object, position, environment)
        }
        Value::Object(object) => {
            let members = object.iter().map(|(name, value)| {
                resolve(value, &position.inside(name), environment).map(|value| (name.clone(), value))
            });
            members.collect::<Result<_, _>>().map(Value::Object)
        }
        Value::Array(items) => {
            let items = items.iter().enumerate();
            let items =
                items.map(|(number, item)| resolve(item, &position.inside(&number.to_string()), environment));
            items.collect::<Result<_, _>>().map(Value::Array)
        }
        plain => Ok(plain.clone()),
    }
}

fn look_up(
    reference: &Map<String, Value>,
    position: &Position,
    environment: &dyn Environment,
) -> Result<Value, ConfigFault> {
    let path = || position.path.clone();
    let mut members = reference.iter();
    match (members.next(), members.next()) {
        (Some((kind, Value::String(name))), None) if kind == "$env" => {
            let value = environment.find(name).map(trimmed).map(Value::String);
            value.ok_or_else(|| ConfigFault::NoVariable { path: path(), name: name.clone() })
        }
        (Some((kind, Value::String(file))), None) if kind == "$file" => {
            let text = read_secret(Path::new(file));
            text.map(Value::String).map_err(|error| ConfigFault::File {
                path: path(),
                file: file.clone(),
                error,
            })
        }
        _ => Err(ConfigFault::BadReference(path())),
    }
}

fn read_secret(file: &Path) -> io::Result<String> {
    use std::io::Read as _;
    let mut text = String::new();
    let opened = Rule::SECRET.open(file).map_err(|fault| match fault.into_reason() {
        Reason::Unreadable(error) => error,
        reason => io::Error::other(reason.to_string()),
    })?;
    opened.take(MAX_SECRET_BYTES + 1).read_to_string(&mut text)?;
    if text.len() as u64 > MAX_SECRET_BYTES {
        text.zeroize();
        return Err(io::Error::other("is longer than 64 KiB"));
    }
    Ok(trimmed(text))
}

/// Takes away what is around a value in a file or in the environment and is no part of it: white space, line ends, and the mark with
/// which some editors begin a file.
fn trimmed(mut text: String) -> String {
    let is_around = |character: char| character.is_whitespace() || character == '\u{feff}';
    text.truncate(text.trim_end_matches(is_around).len());
    let before = text.len() - text.trim_start_matches(is_around).len();
    text.drain(..before);
    text
}

/// A configuration with its secrets. Wiped from memory when it is dropped; not `Debug`.
pub(crate) struct ResolvedConfig(Map<String, Value>);

impl ResolvedConfig {
    /// Reads what [`ResolvedConfig::to_json`] wrote, and wipes it.
    pub(crate) fn from_json(json: Vec<u8>) -> io::Result<Self> {
        let json = Zeroizing::new(json);
        serde_json::from_slice(&json).map(Self).map_err(|_| io::ErrorKind::InvalidInput.into())
    }

    /// The text that the plugin reads.
    pub(crate) fn to_json(&self) -> Zeroizing<String> {
        // An object of texts, numbers and the like can always be written.
        Zeroizing::new(serde_json::to_string(&self.0).unwrap_or_default())
    }

    pub(crate) fn as_object(&self) -> &Map<String, Value> {
        &self.0
    }
}

impl Drop for ResolvedConfig {
    fn drop(&mut self) {
        self.0.values_mut().for_each(wipe);
    }
}

fn wipe(value: &mut Value) {
    match value {
        Value::String(text) => text.zeroize(),
        Value::Array(items) => items.iter_mut().for_each(wipe),
        Value::Object(object) => object.values_mut().for_each(wipe),
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}

#[cfg(test)]
mod tests;
