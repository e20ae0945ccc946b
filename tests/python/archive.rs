//! The source archive of dgp-oauth2, from which the samples are taken as they are.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::Command;

use rustix::fs::{FlockOperation, flock};

use crate::verifiers::interpreters::{python, run_well};

/// Which archive, with the hash of its bytes.
const REQUIREMENTS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/python/requirements.txt");
/// What is taken out of it.
const SAMPLES: [&str; 2] = ["sample_permission_provider", "sample_extension"];

/// The folder that has the samples as Python packages. They are fetched once, beside the other things that are built.
pub(super) fn samples() -> PathBuf {
    let place = Path::new(env!("CARGO_TARGET_TMPDIR")).join("dgp-oauth2");
    // Several tests may need it first at the same moment.
    let lock = File::create(place.with_extension("lock")).expect("the target folder is writable");
    flock(&lock, FlockOperation::LockExclusive).expect("a file can be locked");
    if fs::read(stamp(&place)).ok() != fs::read(REQUIREMENTS).ok() {
        fetch(&place);
    }
    place
}

fn fetch(place: &Path) {
    if place.exists() {
        fs::remove_dir_all(place).expect("our own folder");
    }
    fs::create_dir(place).expect("a writable folder");
    let mut download = python();
    // The archive is Python's own form of source, so that these are the files as their authors have them.
    download.args(["-m", "pip", "download", "--quiet", "--no-deps", "--no-binary=:all:", "--require-hashes"]);
    download.args(["--requirement", REQUIREMENTS, "--dest"]).arg(place);
    run_well(download);
    unpack(place);
    fs::copy(REQUIREMENTS, stamp(place)).expect("a writable folder");
}

fn unpack(place: &Path) {
    let archive = "dgp-oauth2-1.3.4";
    let mut unpack = Command::new("tar");
    unpack.current_dir(place).args([
        "-xzf",
        &format!("{archive}.tar.gz"),
        "--strip-components=1",
        "--no-same-owner",
    ]);
    unpack.args(SAMPLES.map(|sample| format!("{archive}/{sample}")));
    run_well(unpack);
}

fn stamp(place: &Path) -> PathBuf {
    place.join("requirements.txt")
}
