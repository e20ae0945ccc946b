//! `vestibule keys`.

use std::fs::{DirBuilder, File};
use std::io;
use std::os::unix::fs::DirBuilderExt as _;
use std::path::Path;
use std::time::Duration;

use rustix::fs::{FlockOperation, flock};
use vestibule_domain::{Clock, SystemClock, Timestamp};
use vestibule_tokens::{KeyError, KeyInfo, KeyState, generate_key, list_keys};

use super::support::say;
use crate::arguments::KeysCommand;
use crate::error::CommandError;
use crate::settings::table::PRIVATE_KEY;
use crate::settings::{KeySource, Settings, Sources};

pub(crate) fn keys(sources: &Sources, command: KeysCommand) -> Result<(), CommandError> {
    let (source, longest_token) = Settings::read_keys(sources)?;
    let KeySource::Folder(folder) = source else {
        let setting = PRIVATE_KEY.name();
        let reason = format_args!("{setting} is set, so the folder of keys is not in use; unset it first");
        return Err(CommandError::new(reason));
    };
    match command {
        KeysCommand::Generate => generate(&folder, longest_token),
        KeysCommand::Rotate { activate_in } => {
            rotate(&folder, longest_token, activate_in.unwrap_or_default())
        }
        KeysCommand::List => list(&folder, longest_token),
    }
}

/// Makes the first key, and only the first: a second would be a rotation, which is another word.
fn generate(folder: &Path, longest_token: Duration) -> Result<(), CommandError> {
    let _alone =
        lock(folder).map_err(|error| CommandError::new(format_args!("{}: {error}", folder.display())))?;
    match present_keys(folder, longest_token)?.as_slice() {
        [] => {
            let now = SystemClock.now();
            create(folder, now, now)
        }
        present => Err(CommandError::new(format_args!(
            "{} has {} already; use `vestibule keys rotate` for a new one",
            folder.display(),
            if present.len() == 1 { "a key".to_owned() } else { format!("{} keys", present.len()) },
        ))),
    }
}

/// Held from the look into the folder until the key is in it: of several replicas that are set up at once, one makes the
/// key and the others find it. The lock goes with the value, also when the process is killed.
fn lock(folder: &Path) -> io::Result<File> {
    DirBuilder::new().recursive(true).mode(0o700).create(folder)?;
    let folder = File::open(folder)?;
    flock(&folder, FlockOperation::LockExclusive)?;
    Ok(folder)
}

fn rotate(folder: &Path, longest_token: Duration, activate_in: Duration) -> Result<(), CommandError> {
    let present = present_keys(folder, longest_token)?;
    if present.is_empty() {
        return Err(CommandError::new(format_args!(
            "{} has no key yet; use `vestibule keys generate`",
            folder.display()
        )));
    }
    let now = SystemClock.now();
    create(folder, free_second(&present, now.plus(activate_in)), now)
}

/// The first moment from `wanted` on in whose second no other key becomes active. Activation is told in whole seconds,
/// and of two keys of one second their names, so chance, would decide which signs.
fn free_second(present: &[KeyInfo], wanted: Timestamp) -> Timestamp {
    let mut moment = wanted;
    while present.iter().any(|key| key.active_from.seconds() == moment.seconds()) {
        moment = moment.plus(Duration::from_secs(1));
    }
    moment
}

fn create(folder: &Path, active_from: Timestamp, now: Timestamp) -> Result<(), CommandError> {
    let key = generate_key(folder, active_from, now).map_err(CommandError::new)?;
    say(format_args!("{}: signs from {} on", key.file.display(), key.active_from))
}

fn list(folder: &Path, longest_token: Duration) -> Result<(), CommandError> {
    let keys = present_keys(folder, longest_token)?;
    if keys.is_empty() {
        return Err(CommandError::new(format_args!("{} has no key", folder.display())));
    }
    keys.iter().try_for_each(|key| say(describe(key)))
}

fn describe(key: &KeyInfo) -> String {
    let state = match key.state {
        KeyState::Signing => "signs".to_owned(),
        KeyState::Next => format!("signs from {} on", key.active_from),
        KeyState::Verifying { until: Some(until) } => format!("verifies until {until}"),
        KeyState::Verifying { until: None } => "verifies".to_owned(),
        KeyState::Retired => "retired; the file can be removed".to_owned(),
    };
    format!("{}  {} bits  {state}  {}", key.kid, key.bits, key.file.display())
}

fn present_keys(folder: &Path, longest_token: Duration) -> Result<Vec<KeyInfo>, CommandError> {
    match list_keys(folder, SystemClock.now(), longest_token) {
        Ok(keys) => Ok(keys),
        Err(KeyError::Empty { .. }) => Ok(Vec::new()),
        Err(error) => Err(CommandError::new(error)),
    }
}
