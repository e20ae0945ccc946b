//! `vestibule config`.

use std::sync::Arc;

use vestibule_domain::{Clock, SystemClock};
use vestibule_plugin_host::{NoObserver, PluginHost};
use vestibule_storage::Storage;
use vestibule_upstream::ExchangeLimit;

use super::say;
use crate::arguments::ConfigCommand;
use crate::error::CommandError;
use crate::redirect_uris::{self, RegisteredAddress};
use crate::serve::{describe_addresses, host_parts, load_keys, make_providers, unusable_plugin};
use crate::settings::{Settings, Sources};

pub(crate) fn config(sources: &Sources, command: ConfigCommand) -> Result<(), CommandError> {
    match command {
        ConfigCommand::Check => check(sources),
    }
}

/// Goes as far as a start would without opening a listener or the database, whose files are looked at, and without creating an
/// instance of a plugin.
fn check(sources: &Sources) -> Result<(), CommandError> {
    let settings = Settings::read(sources)?;
    let clock: Arc<dyn Clock> = Arc::new(SystemClock);
    // In the order of the start, which so says the same.
    let providers = make_providers(&settings.providers, &clock, ExchangeLimit::MOST, None)?;
    PluginHost::check(&settings.plugins, &host_parts(Arc::new(NoObserver)))
        .map_err(|error| unusable_plugin(&settings.plugins, &error))?;
    // In development either is made when it is missing.
    if !settings.dev {
        load_keys(&settings.keys, clock.now(), false)?;
        Storage::check_files(&settings.database).map_err(CommandError::while_doing("DATABASE_URL"))?;
    }
    let file = sources.file().map_or_else(|| "the environment".to_owned(), |file| file.display().to_string());
    say(format_args!("the settings of {file} are in order"))?;
    let configured = settings.providers.configured();
    for (name, addresses) in configured.iter().map(|one| (&one.name, describe_addresses(one))) {
        say(format_args!("the addresses of {name} {addresses}"))?;
    }
    for RegisteredAddress { address, providers } in redirect_uris::list_addresses(&settings.flows, &providers)
    {
        say(format_args!("the redirect URI to register at {} is {address}", providers.join(" and ")))?;
    }
    redirect_uris::find_risk(&settings.providers).map_or(Ok(()), say)
}
