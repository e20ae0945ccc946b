//! The signing keys: whether they can be read, which of them signs, and since when.

use std::path::Path;
use std::time::Duration;

use vestibule_domain::Timestamp;
use vestibule_tokens::{KeyInfo, KeyState, list_keys};

use super::findings::{Check, Findings};
use crate::serve::load_keys;
use crate::settings::table::{KEYS_DIR, PRIVATE_KEY};
use crate::settings::{KeySource, Understood};

const CHECK: Check = Check::SigningKey;
const DAY: Duration = Duration::from_secs(24 * 60 * 60);
/// A key that has signed for longer should give way to a new one.
const OLD: Duration = Duration::from_secs(365 * 24 * 60 * 60);

pub(super) fn look(settings: &Understood, now: Timestamp) -> Findings {
    let mut findings = Findings::default();
    let (Some(source), Some(longest_token)) = (&settings.keys, settings.longest_token) else {
        return findings;
    };
    match (load_keys(source, now, false), source) {
        (Err(_), KeySource::Folder(folder)) if settings.dev && is_empty(folder) => {
            findings.ok(CHECK, KEYS_DIR.name(), "there is no key yet; `vestibule serve --dev` makes one");
        }
        (Err(error), _) => {
            let mistake = error.to_string();
            let (setting, reason) = mistake.split_once(": ").unwrap_or((KEYS_DIR.name(), &mistake));
            findings.failure(CHECK, setting, reason, "`vestibule serve` does not start with it");
        }
        (Ok(_), KeySource::Pem { .. }) => {
            findings.ok(CHECK, PRIVATE_KEY.name(), "it is a key that signs, and strong enough");
        }
        (Ok(_), KeySource::Folder(folder)) => look_at_folder(&mut findings, folder, now, longest_token),
    }
    findings
}

fn is_empty(folder: &Path) -> bool {
    let mut entries = std::fs::read_dir(folder).into_iter().flatten();
    !entries
        .any(|entry| entry.is_ok_and(|entry| entry.path().extension().is_some_and(|ending| ending == "pem")))
}

fn look_at_folder(findings: &mut Findings, folder: &Path, now: Timestamp, longest_token: Duration) {
    // It was read a moment ago.
    let Ok(keys) = list_keys(folder, now, longest_token) else { return };
    if !keys.iter().any(|key| key.state == KeyState::Signing) {
        let mending =
            "put the private key of one of them there, or run `vestibule keys generate` in an empty folder";
        findings.failure(
            CHECK,
            folder.display(),
            "it has public keys alone, so nothing can be signed",
            mending,
        );
    }
    for key in &keys {
        look_at_key(findings, key, now);
    }
}

fn look_at_key(findings: &mut Findings, key: &KeyInfo, now: Timestamp) {
    let (file, bits) = (key.file.display(), key.bits);
    let age = now.since(key.active_from);
    match key.state {
        KeyState::Signing if age > OLD => {
            let days = age.as_secs() / DAY.as_secs();
            let message = format_args!("{bits} bits, and has signed for {days} days");
            findings.warning(
                CHECK,
                file,
                message,
                "`vestibule keys rotate` makes a new one, and signs nobody out",
            );
        }
        KeyState::Signing => findings.ok(CHECK, file, format_args!("{bits} bits, signs")),
        KeyState::Next => {
            findings.ok(CHECK, file, format_args!("{bits} bits, signs from {} on", key.active_from));
        }
        KeyState::Verifying { until: Some(until) } => {
            findings.ok(CHECK, file, format_args!("{bits} bits, verifies until {until}"));
        }
        KeyState::Verifying { until: None } => {
            findings.ok(CHECK, file, format_args!("{bits} bits, verifies"));
        }
        KeyState::Retired => findings.ok(CHECK, file, "retired; the file can be removed"),
    }
}
