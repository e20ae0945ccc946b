//! `vestibule plugin check`.

use std::ffi::OsStr;
use std::fs;
use std::path::Path;

use serde_json::{Map, Value};
use vestibule_plugin_host::{self as host, CheckRequest};

use crate::commands::support::say;
use crate::error::CommandError;
use crate::serve::this_program;
use crate::settings::Sources;

/// The arguments with which the program runs one check.
const CHILD: [&str; 2] = ["plugin", "check-child"];

pub(super) fn check(file: &Path, config: Option<&Path>, json: bool) -> Result<(), CommandError> {
    let config = config.map_or_else(|| Ok(Map::new()), read)?.into();
    let child = this_program(&CHILD);
    let environment = &*Sources::environment();
    let request = CheckRequest { file, config: &config, environment, child: &child };
    let report = host::check(&request).map_err(CommandError::new)?;
    if json {
        say(report.to_json())?;
    } else {
        say(&report)?;
    }
    if report.has_passed() {
        return Ok(());
    }
    Err(CommandError::new(format_args!("{} has not passed", file.display())))
}

/// Reads the configuration as it is written; references in it are resolved later.
fn read(file: &Path) -> Result<Map<String, Value>, CommandError> {
    let wrong = |reason: &str| CommandError::new(format_args!("{}: {reason}", file.display()));
    let text = fs::read_to_string(file).map_err(|error| wrong(&error.to_string()))?;
    let is_json = file.extension() == Some(OsStr::new("json"));
    let value = if is_json { from_json(&text) } else { from_toml(&text) };
    match value.map_err(|reason| wrong(&reason))? {
        Value::Object(config) => Ok(config),
        _ => Err(wrong("expected an object")),
    }
}

/// The error leaves out the text around a mistake, which may be a secret.
fn from_json(text: &str) -> Result<Value, String> {
    let place =
        |error: serde_json::Error| format!("not JSON, at line {} column {}", error.line(), error.column());
    serde_json::from_str(text).map_err(place)
}

fn from_toml(text: &str) -> Result<Value, String> {
    let table: toml::Table =
        toml::from_str(text).map_err(|error| format!("not TOML: {}", error.message()))?;
    serde_json::to_value(table).map_err(|error| error.to_string())
}
