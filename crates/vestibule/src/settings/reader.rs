//! From texts to values, collecting every mistake under the name of its setting.

use std::fmt::Display;
use std::net::IpAddr;
use std::path::Path;
use std::time::Duration;

use secrecy::SecretString;
use toml::Table;
use url::{Host, Url};
use vestibule_file_permissions::Rule;

use super::Sources;
use super::names::SECRETS;
use crate::error::CommandError;

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

    pub(super) fn table(&self, name: &str) -> Option<&'a Table> {
        self.sources.find_table(name)
    }

    /// A text, which for a secret may stand in a file of its own.
    pub(super) fn text(&mut self, name: &str) -> Option<String> {
        let direct = self.sources.find(name);
        let Some(path) = self.sources.find(&format!("{name}_FILE")) else { return direct };
        if direct.is_some() {
            self.wrong(name, &format_args!("given twice, also as {name}_FILE"));
            return direct;
        }
        let rule = if SECRETS.contains(&name) { Rule::SECRET } else { Rule::DECIDES };
        match rule.read(Path::new(&path)) {
            Ok(text) => Some(text.trim().to_owned()),
            Err(fault) => {
                self.wrong(&format!("{name}_FILE"), &fault);
                None
            }
        }
    }

    pub(super) fn secret(&mut self, name: &str) -> Option<SecretString> {
        self.text(name).map(Into::into)
    }

    pub(super) fn parse<T, E: Display>(
        &mut self,
        name: &str,
        parse: impl FnOnce(&str) -> Result<T, E>,
    ) -> Option<T> {
        let text = self.text(name)?;
        parse(text.trim()).map_err(|error| self.wrong(name, &error)).ok()
    }

    pub(super) fn parse_or<T, E: Display>(
        &mut self,
        name: &str,
        default: &str,
        parse: impl FnOnce(&str) -> Result<T, E>,
    ) -> Option<T> {
        let text = self.text(name).unwrap_or_else(|| default.to_owned());
        parse(text.trim()).map_err(|error| self.wrong(name, &error)).ok()
    }

    pub(super) fn missing(&mut self, name: &str, meaning: &str) {
        self.mistakes.push(format!("{name} is not set: {meaning}"));
    }

    pub(super) fn wrong(&mut self, name: &str, reason: &dyn Display) {
        self.mistakes.push(format!("{name}: {reason}"));
    }

    /// The value, if there was no mistake.
    pub(super) fn finish<T>(self, value: Option<T>) -> Result<T, CommandError> {
        match value {
            Some(value) if self.mistakes.is_empty() => Ok(value),
            _ => Err(CommandError::from_texts(self.mistakes)),
        }
    }
}

/// The life of a token or session: `15m`, `14d`, or a number of seconds. At least ten seconds, at most ten years.
pub(super) fn parse_ttl(text: &str) -> Result<Duration, String> {
    let duration = parse_duration(text)?;
    let bounds = Duration::from_secs(10)..=Duration::from_secs(10 * 365 * 24 * 60 * 60);
    if bounds.contains(&duration) {
        Ok(duration)
    } else {
        Err("expected between 10s and 10 years".to_owned())
    }
}

/// How long something outlasts a fault: at most an hour.
pub(super) fn parse_grace(text: &str) -> Result<Duration, String> {
    let duration = parse_duration(text)?;
    if duration <= Duration::from_secs(60 * 60) {
        Ok(duration)
    } else {
        Err("expected at most 1h".to_owned())
    }
}

/// `2s`, `500ms`, `1h 30m`, or a number of seconds.
pub(super) fn parse_duration(text: &str) -> Result<Duration, String> {
    match text.parse::<u64>() {
        Ok(seconds) => Ok(Duration::from_secs(seconds)),
        Err(_) => humantime::parse_duration(text).map_err(|error| error.to_string()),
    }
}

pub(super) fn parse_switch(text: &str) -> Result<bool, &'static str> {
    match text {
        "on" | "true" => Ok(true),
        "off" | "false" => Ok(false),
        _ => Err("expected on or off"),
    }
}

/// Whether an address is one of this machine alone.
pub(super) fn is_loopback(url: &Url) -> bool {
    match url.host() {
        Some(Host::Domain(name)) => name == "localhost",
        Some(Host::Ipv4(address)) => IpAddr::from(address).is_loopback(),
        Some(Host::Ipv6(address)) => IpAddr::from(address).is_loopback(),
        None => false,
    }
}
