//! Everything that is wrong with what a start would use, found without changing anything: what `vestibule config check` says, and a start
//! that fails.

use std::sync::Arc;

use vestibule_domain::{Clock, SystemClock};
use vestibule_plugin_host::{NoObserver, PluginHost};
use vestibule_storage::Storage;

use crate::error::CommandError;
use crate::serve::{describe_load_error, host_parts, load_keys};
use crate::settings::table::DATABASE_URL;
use crate::settings::{Settings, Sources};

/// Goes as far as a start would without opening a listener or the database, whose files are looked at, and without creating an
/// instance of a plugin. A part whose settings cannot be used is left out: that is reported already.
///
/// Blocks its thread.
pub(crate) fn find_mistakes(sources: &Sources) -> Option<CommandError> {
    let mut mistakes = Settings::read(sources).err();
    let mut add = |outcome: Result<(), CommandError>| {
        if let Err(error) = outcome {
            mistakes = Some(match mistakes.take() {
                Some(earlier) => earlier.and(error),
                None => error,
            });
        }
    };
    add(check_plugins(sources));
    // In development either is made when it is missing.
    if !sources.dev() {
        add(check_keys(sources));
        add(check_database(sources));
    }
    mistakes
}

/// The error of a start, behind everything else that is wrong.
pub(crate) fn complete(sources: &Sources, error: CommandError) -> CommandError {
    match find_mistakes(sources) {
        Some(mistakes) => mistakes.and(error),
        None => error,
    }
}

fn check_plugins(sources: &Sources) -> Result<(), CommandError> {
    let Ok(plan) = Settings::read_plugins(sources) else { return Ok(()) };
    let errors = PluginHost::check(&plan, &host_parts(Arc::new(NoObserver)));
    let described = errors.iter().map(|error| describe_load_error(&plan, error));
    described.reduce(CommandError::and).map_or(Ok(()), Err)
}

fn check_keys(sources: &Sources) -> Result<(), CommandError> {
    let Ok(keys) = Settings::read_key_source(sources) else { return Ok(()) };
    load_keys(&keys, SystemClock.now(), false).map(drop)
}

fn check_database(sources: &Sources) -> Result<(), CommandError> {
    let Ok(database) = Settings::read_database(sources) else { return Ok(()) };
    Storage::check_files(&database).map_err(CommandError::while_doing(DATABASE_URL.name()))
}
