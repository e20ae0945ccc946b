//! The environment. The program takes it at its first moment, keeps it in memory that no other process can read, and wipes it from the
//! place where the kernel shows it.

use std::collections::BTreeMap;
use std::sync::OnceLock;

use super::table;
use crate::error::CommandError;

/// Variables that stay in the environment, because the C library, the standard library and others look them up there. None of them
/// is expected to hold a secret.
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
/// All variables whose names begin so stay as well.
const KEPT_FAMILIES: &[&str] = &["LC_", "OTEL_BSP_", "OTEL_SPAN_"];

/// The environment that the program was started with.
static TAKEN: OnceLock<BTreeMap<String, String>> = OnceLock::new();

/// Takes the environment. To be called before the process has another thread.
pub(crate) fn take() -> Result<(), CommandError> {
    let taken = vestibule_plugin_host::take_environment(is_kept);
    let taken = taken.map_err(CommandError::while_doing("the environment"))?;
    let mut variables = BTreeMap::new();
    let mut unreadable = Vec::new();
    for (name, value) in taken {
        let Ok(name) = name.into_string() else { continue };
        match value.into_string() {
            // If a variable is there twice, the first counts, as with getenv(3).
            Ok(value) => drop(variables.entry(name).or_insert(value)),
            Err(_) if table::is_known(&name) => unreadable.push(format!("{name}: it is not text in UTF-8")),
            Err(_) => {}
        }
    }
    if !unreadable.is_empty() {
        return Err(CommandError::from_texts(unreadable));
    }
    TAKEN.get_or_init(|| variables);
    Ok(())
}

/// A variable, if it was there and is text. `None` if the environment was not taken, as in tests of parts of the program.
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
        for row in table::rows() {
            for name in [row.name.to_owned(), row.file_name()] {
                assert!(!is_kept(name.as_bytes()), "{name}");
            }
        }
        assert!(is_kept(b"PATH") && is_kept(b"LC_ALL") && !is_kept(b"PATHS"));
    }
}
