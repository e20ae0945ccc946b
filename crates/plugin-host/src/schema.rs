//! A plugin's configuration, held against the JSON Schema that the plugin declares.
//!
//! The configuration may hold secrets, so a fault says where something is wrong and what is expected there, and never what
//! was found. The schema comes from the plugin: it is compiled without fetching anything, and the work is done on a thread of its
//! own with a limit of time and a large stack, since references can multiply and nest as they like.

mod compile;
#[cfg(any(test, fuzzing))]
pub(crate) mod fuzzing;
mod violation;

use std::fmt;
use std::sync::mpsc::{self, RecvTimeoutError};
use std::thread;
use std::time::Duration;

use serde_json::{Map, Value};
use thiserror::Error;

pub use violation::Violation;

/// How many violations are listed; the rest is counted.
const LISTED: usize = 8;
/// How long the comparison may take. An honest schema takes milliseconds.
const TIME_LIMIT: Duration = Duration::from_secs(5);
/// Room for 64 KiB of references that lead to one another.
const STACK_BYTES: usize = 256 * 1024 * 1024;

/// Why a configuration is not accepted. Holds nothing of its values.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum SchemaFault {
    /// The schema is not JSON.
    #[error("the plugin's configuration schema is not JSON: {0}")]
    NotJson(String),
    /// The schema is JSON and not a JSON Schema, or leads to another document, which is never fetched.
    #[error("the plugin's configuration schema is of no use: {0}")]
    NotASchema(String),
    /// The configuration violates the schema.
    #[error("the configuration does not fit: {}", ListOf(.listed, *.more))]
    Violations {
        /// The first of them.
        listed: Vec<Violation>,
        /// How many there are besides.
        more: usize,
    },
    /// The comparison came to no end.
    #[error("the plugin's configuration schema takes too long to check")]
    TooSlow,
    /// The comparison broke down.
    #[error("the plugin's configuration schema cannot be checked")]
    Unchecked,
}

/// Says whether a configuration fits a schema. An empty schema accepts everything.
pub(crate) fn validate(schema_text: &str, config: &Map<String, Value>) -> Result<(), SchemaFault> {
    if schema_text.trim().is_empty() {
        return Ok(());
    }
    let (schema, config) = (schema_text.to_owned(), Value::Object(config.clone()));
    aside(TIME_LIMIT, move || compile::compile(&schema)?.validate(&config))
}

/// Says whether a text is a schema at all.
pub(crate) fn check_schema(schema_text: &str) -> Result<(), SchemaFault> {
    let schema = schema_text.to_owned();
    aside(TIME_LIMIT, move || compile::compile(&schema).map(drop))
}

/// Does the work on a thread that can be given up.
fn aside(
    limit: Duration,
    work: impl FnOnce() -> Result<(), SchemaFault> + Send + 'static,
) -> Result<(), SchemaFault> {
    let (sender, receiver) = mpsc::channel();
    let run = move || drop(sender.send(work()));
    let thread = thread::Builder::new().name("schema".to_owned()).stack_size(STACK_BYTES).spawn(run);
    if thread.is_err() {
        return Err(SchemaFault::Unchecked);
    }
    receiver.recv_timeout(limit).unwrap_or_else(|error| match error {
        RecvTimeoutError::Timeout => Err(SchemaFault::TooSlow),
        RecvTimeoutError::Disconnected => Err(SchemaFault::Unchecked),
    })
}

struct ListOf<'a>(&'a [Violation], usize);

impl fmt::Display for ListOf<'_> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (number, violation) in self.0.iter().enumerate() {
            write!(formatter, "{}{violation}", if number > 0 { "; " } else { "" })?;
        }
        if self.1 > 0 { write!(formatter, "; and {} more", self.1) } else { Ok(()) }
    }
}

#[cfg(test)]
mod tests;
