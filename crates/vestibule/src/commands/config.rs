//! `vestibule config`.

use std::sync::Arc;

use vestibule_domain::{Clock, SystemClock};
use vestibule_plugin_host::{PluginPath, inspect};

use super::say;
use crate::arguments::ConfigCommand;
use crate::failure::Failure;
use crate::serve::{load_keys, make_providers};
use crate::settings::{Settings, Sources};

pub(crate) fn config(sources: &Sources, command: ConfigCommand) -> Result<(), Failure> {
    match command {
        ConfigCommand::Check => check(sources),
    }
}

/// Goes as far as a start would without opening the database or a listener and without creating an instance of a plugin.
fn check(sources: &Sources) -> Result<(), Failure> {
    let settings = Settings::read(sources)?;
    let clock: Arc<dyn Clock> = Arc::new(SystemClock);
    if !settings.dev {
        load_keys(&settings.keys, clock.now(), false)?;
    }
    make_providers(&settings.providers, &clock)?;
    let path = PluginPath::new(settings.plugins.path.clone());
    let services = settings.plugins.services.iter().map(|(_, spec)| spec);
    for spec in services.chain(&settings.plugins.extensions) {
        let file =
            path.find(&spec.plugin).map_err(|error| Failure::new(format_args!("{}: {error}", spec.alias)))?;
        inspect(&file).map_err(|error| Failure::new(format_args!("{}: {error}", spec.alias)))?;
    }
    let file = sources.file().map_or_else(|| "the environment".to_owned(), |file| file.display().to_string());
    say(format_args!("the settings of {file} are in order"))
}
