//! Keys that are made once for all tests: making one takes longer than a test.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;

use vestibule_domain::Timestamp;
use vestibule_tokens::{KeyRing, generate_key};

/// Where cargo lets tests keep files from one run to the next.
fn folder(name: &str) -> PathBuf {
    Path::new(env!("CARGO_TARGET_TMPDIR")).join(name)
}

/// The keys of the emulator's issuers.
pub(crate) fn emulator_keys() -> PathBuf {
    folder("emulator-keys")
}

/// The signing key of the service, in PEM.
pub(crate) fn signing_key() -> &'static str {
    static KEY: OnceLock<String> = OnceLock::new();
    KEY.get_or_init(|| {
        let kept = folder("signing-key");
        if !kept.exists() {
            make(&kept);
        }
        let mut files = fs::read_dir(kept).expect("the folder of the key");
        fs::read_to_string(files.next().expect("one key").expect("a file").path()).expect("a key")
    })
}

pub(crate) fn signing_ring() -> KeyRing {
    KeyRing::from_pem(&signing_key().to_owned().into(), None).expect("a key that can sign")
}

/// Makes the key in another folder and renames that: of several processes at once one wins, and all read the same key.
fn make(kept: &Path) {
    let folder = kept.with_extension(std::process::id().to_string());
    let beginning = Timestamp::from_seconds(0);
    generate_key(&folder, beginning, beginning).expect("a key");
    if fs::rename(&folder, kept).is_err() {
        fs::remove_dir_all(&folder).expect("our own folder");
    }
}
