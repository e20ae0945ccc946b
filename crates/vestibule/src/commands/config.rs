//! `vestibule config`.

use std::fmt::Display;
use std::fs;
use std::path::Path;
use std::sync::Arc;

use vestibule_domain::{Clock, SystemClock};
use vestibule_plugin_host::{NoObserver, PluginHost};
use vestibule_storage::Storage;
use vestibule_upstream::ExchangeLimit;

use super::support::say;
use crate::arguments::ConfigCommand;
use crate::error::CommandError;
use crate::redirect_uris::{self, RedirectUri};
use crate::serve::{describe_load_error, describe_trust, host_parts, load_keys, make_providers};
use crate::settings::table::DATABASE_URL;
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

/// Goes as far as a start would without opening a listener or the database, whose files are looked at, and without creating an
/// instance of a plugin.
fn check(sources: &Sources) -> Result<(), CommandError> {
    let settings = Settings::read(sources)?;
    let clock: Arc<dyn Clock> = Arc::new(SystemClock);
    // In the order of the start, which so says the same.
    let providers = make_providers(&settings.providers, &clock, ExchangeLimit::MOST, None)?;
    PluginHost::check(&settings.plugins, &host_parts(Arc::new(NoObserver)))
        .map_err(|error| describe_load_error(&settings.plugins, &error))?;
    // In development either is made when it is missing.
    if !settings.dev {
        load_keys(&settings.keys, clock.now(), false)?;
        Storage::check_files(&settings.database).map_err(CommandError::while_doing(DATABASE_URL.name()))?;
    }
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
