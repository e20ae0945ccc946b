//! Python and Node, as the services of others run them.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use rustix::fs::{FlockOperation, flock};

const REQUIREMENTS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/verifiers/requirements.txt");

/// A Python that has what `requirements.txt` names. It is installed once, beside the other things that are built.
pub(crate) fn python() -> Command {
    let place = Path::new(env!("CARGO_TARGET_TMPDIR")).join("python");
    // Several tests may need it first at the same moment.
    let lock = File::create(place.with_extension("lock")).expect("the target folder is writable");
    flock(&lock, FlockOperation::LockExclusive).expect("a file can be locked");
    if !is_installed(&place) {
        install(&place);
    }
    Command::new(interpreter(&place))
}

/// The same Python with another version of `PyJWT`, which is all Python and needs nothing more.
pub(crate) fn python_with_pyjwt(version: &str) -> Command {
    let mut command = python();
    command.env("PYTHONPATH", package("pyjwt", version));
    command
}

/// The folder with one package of `PyPI`, apart from all others. It is installed once.
pub(crate) fn package(name: &str, version: &str) -> PathBuf {
    let package = format!("{name}=={version}");
    install_apart(&format!("{name}-{version}"), package.as_bytes(), &["--no-deps", "--upgrade", &package])
}

/// The folder with the packages that a file of requirements names, apart from all others. They are installed once.
pub(crate) fn packages(name: &str, requirements: &Path) -> PathBuf {
    let file = requirements.to_str().expect("a path in UTF-8");
    let stamp = fs::read(requirements).expect("a file of requirements");
    install_apart(&format!("{name}-packages"), &stamp, &["--no-deps", "--requirement", file])
}

/// A folder into which this was installed, whatever else there is. The stamp says what that was.
fn install_apart(folder: &str, content: &[u8], what: &[&str]) -> PathBuf {
    let place = Path::new(env!("CARGO_TARGET_TMPDIR")).join(folder);
    let lock = File::create(place.with_extension("lock")).expect("the target folder is writable");
    flock(&lock, FlockOperation::LockExclusive).expect("a file can be locked");
    let stamp = place.join("installed");
    if fs::read(&stamp).ok().as_deref() != Some(content) {
        if place.exists() {
            fs::remove_dir_all(&place).expect("our own folder");
        }
        let mut packages = python();
        packages.args(["-m", "pip", "install", "--quiet", "--only-binary=:all:"]);
        packages.arg("--target").arg(&place).args(what);
        run_well(packages);
        fs::write(stamp, content).expect("a writable folder");
    }
    place
}

/// The Node of this machine.
pub(crate) fn node() -> Command {
    Command::new("node")
}

/// Runs a program to its end.
pub(crate) fn run(mut command: Command) -> Output {
    let output = command.stdin(Stdio::null()).output();
    output.unwrap_or_else(|error| panic!("{command:?}: {error}: run `make test-needs`"))
}

/// Runs a program that has to succeed; what it prints.
pub(crate) fn run_well(command: Command) -> String {
    let output = run(command);
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).expect("UTF-8")
}

fn is_installed(place: &Path) -> bool {
    let complete =
        fs::read(stamp(place)).is_ok_and(|stamp| stamp == fs::read(REQUIREMENTS).expect("our own file"));
    let mut works = Command::new(interpreter(place));
    works.args(["-c", "import jwt, cryptography"]).stderr(Stdio::null());
    complete && works.status().is_ok_and(|status| status.success())
}

fn install(place: &Path) {
    if place.exists() {
        fs::remove_dir_all(place).expect("our own folder");
    }
    let mut environment = Command::new("python3");
    environment.args(["-m", "venv"]).arg(place);
    run_well(environment);
    let mut packages = Command::new(interpreter(place));
    packages.args(["-m", "pip", "install", "--quiet", "--only-binary=:all:", "--requirement", REQUIREMENTS]);
    run_well(packages);
    fs::copy(REQUIREMENTS, stamp(place)).expect("a writable folder");
}

fn interpreter(place: &Path) -> PathBuf {
    place.join("bin/python")
}

fn stamp(place: &Path) -> PathBuf {
    place.join("requirements.txt")
}
