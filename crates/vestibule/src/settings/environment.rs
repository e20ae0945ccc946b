//! The environment: taken at the first moment, kept in memory that no other process reads, and wiped from where the kernel shows it.

use std::collections::BTreeMap;
use std::sync::OnceLock;

use super::names::{SECRETS, TEXTS};
use crate::error::CommandError;

/// What stays in the environment for the C library, the standard library and others, who look it up there. No secret is expected
/// under any of these.
const KEPT: &[&str] = &[
    "PATH",
    "HOME",
    "USER",
    "LOGNAME",
    "TMPDIR",
    "SQLITE_TMPDIR",
    "LANG",
    "LANGUAGE",
    "TZ",
    "TZDIR",
    "TERM",
    "COLUMNS",
    "NO_COLOR",
    "CLICOLOR",
    "CLICOLOR_FORCE",
    "HOSTALIASES",
    "LOCALDOMAIN",
    "RES_OPTIONS",
    "SSL_CERT_DIR",
    "SSL_CERT_FILE",
    "RUST_BACKTRACE",
    "RUST_LIB_BACKTRACE",
    "RUST_MIN_STACK",
    "TOKIO_WORKER_THREADS",
    "OTEL_RESOURCE_ATTRIBUTES",
];
/// The same for all whose names begin so.
const KEPT_FAMILIES: &[&str] = &["LC_", "OTEL_BSP_", "OTEL_SPAN_"];

/// The environment that the program was started with. There is one for each process, as of what it replaces.
static TAKEN: OnceLock<BTreeMap<String, String>> = OnceLock::new();

/// Takes the environment. The first thing that the program does but for concealing itself: the process has no other thread yet.
pub(crate) fn take() -> Result<(), CommandError> {
    let taken = vestibule_plugin_host::take_environment(is_kept);
    let taken = taken.map_err(CommandError::while_doing("the environment"))?;
    let mut variables = BTreeMap::new();
    let mut unreadable = Vec::new();
    for (name, value) in taken {
        let Ok(name) = name.into_string() else { continue };
        match value.into_string() {
            // Of one that is there twice, the first counts, as with getenv(3).
            Ok(value) => drop(variables.entry(name).or_insert(value)),
            Err(_) if is_setting(&name) => unreadable.push(format!("{name}: it is not text in UTF-8")),
            Err(_) => {}
        }
    }
    if !unreadable.is_empty() {
        return Err(CommandError::from_texts(unreadable));
    }
    TAKEN.get_or_init(|| variables);
    Ok(())
}

/// Whether a variable is a setting, or the file of one.
fn is_setting(name: &str) -> bool {
    TEXTS.contains(&name) || SECRETS.contains(&name.strip_suffix("_FILE").unwrap_or(name))
}

/// A variable, if it was there and is text. None, where the environment was not taken: in tests of parts of the program.
pub(super) fn find(name: &str) -> Option<&'static str> {
    TAKEN.get()?.get(name).map(String::as_str)
}

fn is_kept(name: &[u8]) -> bool {
    KEPT.iter().any(|known| known.as_bytes() == name)
        || KEPT_FAMILIES.iter().any(|start| name.starts_with(start.as_bytes()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn n5_no_secret_stays_in_the_environment() {
        for name in SECRETS {
            assert!(!is_kept(name.as_bytes()) && !is_kept(format!("{name}_FILE").as_bytes()), "{name}");
        }
        assert!(is_kept(b"PATH") && is_kept(b"LC_ALL") && !is_kept(b"PATHS"));
    }
}
