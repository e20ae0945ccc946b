//! The target of the fuzzer for the settings file.

#![allow(clippy::missing_panics_doc, reason = "a target that finds something fails loudly")]

use super::{Settings, Sources};

/// A target, behind its name.
pub(crate) type Target = (&'static str, fn(&[u8]));

/// All of them.
pub(crate) const TARGETS: &[Target] = &[("settings_files", settings_files)];

const SECRETS: &str = "
github_secret = 'hunter2-a'
google_secret = 'hunter2-b'
private_key = 'hunter2-c'
otel_exporter_otlp_headers = 'authorization=hunter2-d'
";

/// Reading any settings file ends with settings or with mistakes, and no mistake shows a secret.
pub(crate) fn settings_files(bytes: &[u8]) {
    let Ok(text) = str::from_utf8(bytes) else { return };
    // A setting may name a file to read, and this machine has files that never end.
    if text.to_ascii_lowercase().contains("_file") || text.contains("hunter2") {
        return;
    }
    for dev in [true, false] {
        for file in [text.to_owned(), format!("{SECRETS}{text}"), format!("{text}{SECRETS}")] {
            let settings = Sources::of_text(&file, dev).map(|sources| Settings::read(&sources));
            let shown = match settings {
                Ok(Ok(settings)) => format!("{:?} {:?}", settings.database, settings.flows),
                Ok(Err(failure)) => failure.to_string(),
                Err(mistake) => mistake,
            };
            assert!(!shown.contains("hunter2"), "{shown}");
        }
    }
}

#[cfg(test)]
#[path = "../../../../fuzz/replay.rs"]
mod replay;
