//! `vestibule config`.

use std::fmt::Display;
use std::fs;
use std::path::Path;
use std::sync::Arc;

use vestibule_domain::{Clock, SystemClock};
use vestibule_upstream::ExchangeLimit;

use super::support::say;
use crate::arguments::ConfigCommand;
use crate::error::CommandError;
use crate::preflight::find_mistakes;
use crate::redirect_uris::{self, RedirectUri};
use crate::serve::{describe_trust, make_providers};
use crate::settings::{Settings, Sources, write_tables};

pub(crate) fn config(sources: &Sources, command: &ConfigCommand) -> Result<(), CommandError> {
    match command {
        ConfigCommand::Check => check(sources),
        ConfigCommand::Document { file } => write_document(file),
    }
}

fn write_document(file: &Path) -> Result<(), CommandError> {
    let wrong = |reason: &dyn Display| CommandError::new(format_args!("{}: {reason}", file.display()));
    let document = fs::read_to_string(file).map_err(|error| wrong(&error))?;
    say(write_tables(&document).map_err(|reason| wrong(&reason))?.trim_end())
}

fn check(sources: &Sources) -> Result<(), CommandError> {
    if let Some(mistakes) = find_mistakes(sources) {
        return Err(mistakes);
    }
    let settings = Settings::read(sources)?;
    let clock: Arc<dyn Clock> = Arc::new(SystemClock);
    let providers = make_providers(&settings.providers, &clock, ExchangeLimit::MOST, None)?;
    let file = sources.file().map_or_else(|| "the environment".to_owned(), |file| file.display().to_string());
    say(format_args!("the settings of {file} are in order"))?;
    let configured = settings.providers.configured();
    for (name, addresses) in configured.iter().map(|one| (&one.name, describe_trust(one))) {
        say(format_args!("the addresses of {name} {addresses}"))?;
    }
    for RedirectUri { uri, providers } in redirect_uris::list(&settings.flows, &providers) {
        say(format_args!("the redirect URI to register at {} is {uri}", providers.join(" and ")))?;
    }
    redirect_uris::find_risk(&settings.providers).map_or(Ok(()), say)
}
