//! A module in a folder, an instance that runs it, and patience.

use std::fs;
use std::path::Path;
use std::process::Command;
use std::sync::OnceLock;
use std::thread;
use std::time::{Duration, Instant};

use rustix::process::{DumpableBehavior, set_dumpable_behavior};
use tempfile::TempDir;
use vestibule_plugin_sdk::abi::code;
use vestibule_plugin_sdk::testing::{Answer, Harness};
use vestibule_plugin_sdk::{Value, json};

use crate::Python;

/// What the service does before anything else.
fn conceal() {
    set_dumpable_behavior(DumpableBehavior::NotDumpable).unwrap();
}

/// The interpreter behind `python3`, which may be a script that takes its time to find it.
pub(super) fn python() -> &'static str {
    static FOUND: OnceLock<String> = OnceLock::new();
    FOUND.get_or_init(|| {
        let output =
            Command::new("python3").args(["-c", "import sys; print(sys.executable)"]).output().unwrap();
        String::from_utf8(output.stdout).unwrap().trim().to_owned()
    })
}

/// A module named `acme.access` and an instance that runs it.
pub(super) struct Stage {
    pub(super) plugin: Harness<Python>,
    pub(super) folder: TempDir,
}

impl Stage {
    /// One worker, unless `with` says otherwise.
    pub(super) fn new(source: &str, with: Value) -> Self {
        Self::try_new(source, with).unwrap_or_else(|refused| panic!("{refused:?}"))
    }

    pub(super) fn try_new(source: &str, with: Value) -> Result<Self, Answer> {
        let folder = tempfile::tempdir().unwrap();
        write_module(folder.path(), source);
        let plugin = Harness::new(&config(folder.path(), with))?;
        Ok(Self { plugin, folder })
    }

    /// Asks again and again while the answer is that there is none yet, as on a busy machine.
    pub(super) fn permissions(&self, service: &str, user: &str) -> Answer {
        patiently(|| self.plugin.get_permissions(service, user).unwrap())
    }

    /// The reply, of which there must be one.
    pub(super) fn reply(&self, service: &str) -> Value {
        let answer = self.permissions(service, "u1");
        answer.reply.clone().unwrap_or_else(|| panic!("{answer:?}"))
    }

    /// Asks until the answer is a failure that says this.
    pub(super) fn fails_with(&self, service: &str, part: &str) -> Answer {
        let mut last = None;
        eventually(part, || {
            let answer = self.plugin.get_permissions(service, "u1").unwrap();
            let found = answer.error.as_ref().is_some_and(|error| error.contains(part));
            let _ = last.insert(answer);
            found
        });
        last.unwrap()
    }

    /// The lines of the log as level, text and details.
    pub(super) fn log_has(&self, level: i32, text: &str) -> bool {
        self.plugin.log().iter().any(|(at, message, _)| *at == level && message == text)
    }
}

pub(super) fn write_module(folder: &Path, source: &str) {
    fs::create_dir_all(folder.join("acme")).unwrap();
    fs::write(folder.join("acme/__init__.py"), "").unwrap();
    fs::write(folder.join("acme/access.py"), source).unwrap();
}

pub(super) fn config(folder: &Path, with: Value) -> Value {
    conceal();
    let mut config = json!({
        "module": "acme.access", "path": [folder], "python": python(), "workers": 1, "start_timeout": "2m",
        // Two versions of a module within a second would look the same to the cache of compiled modules.
        "env": {"PYTHONDONTWRITEBYTECODE": "1"},
    });
    if let (Value::Object(config), Value::Object(with)) = (&mut config, with) {
        config.extend(with);
    }
    config
}

pub(super) fn patiently(mut ask: impl FnMut() -> Answer) -> Answer {
    let mut last = ask();
    eventually("an answer", || {
        if last.code == code::RETRY {
            last = ask();
        }
        last.code != code::RETRY
    });
    last
}

/// Waits for a condition, far longer than it should take.
pub(super) fn eventually(what: &str, mut condition: impl FnMut() -> bool) {
    let until = Instant::now() + Duration::from_secs(120);
    while !condition() {
        assert!(Instant::now() < until, "never came: {what}");
        thread::sleep(Duration::from_millis(5));
    }
}

/// Whether there is such a process, be it a zombie.
pub(super) fn exists(process: &Value) -> bool {
    Path::new(&format!("/proc/{process}")).exists()
}
