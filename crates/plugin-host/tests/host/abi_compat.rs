//! Plugins of earlier versions of the ABI, built from the sources that `tests/abi_compat` keeps: each gives the answers that it
//! always gave.

use std::path::Path;
use std::process::Command;
use std::thread;
use std::time::{Duration, Instant};

use serde_json::json;
use vestibule_plugin_host::{
    CallFailure, FailureKind, Hook, InstanceSettings, Isolation, Operation, PluginHost, Unavailability,
    inspect,
};

use crate::support::{Folder, ask, config, explain, patient, spec, this_program, user};

/// Where the calls run.
const ISOLATIONS: &[Isolation] = &[Isolation::Thread, Isolation::Process, Isolation::Inline];

/// The plugins, by name and by file, with the version that they were made for.
const PLUGINS: &[(&str, &str, (u16, u16))] = &[
    ("museum-c-1-0", "museum-c-1-0", (1, 0)),
    ("museum-rust-1-0", "museum_rust_1_0", (1, 0)),
    ("museum-c-1-1", "museum-c-1-1", (1, 1)),
    ("museum-rust-1-1", "museum_rust_1_1", (1, 1)),
];

const LONG: Duration = Duration::from_secs(60);

/// One plugin under one isolation.
struct Exhibit<'a> {
    folder: &'a Folder,
    plugin: &'static str,
    abi: (u16, u16),
    isolation: Isolation,
}

// One test, since to build them takes longer than to ask them.
#[tokio::test]
async fn plugins_of_every_earlier_version_answer_as_they_did() {
    let folder = build_old_plugins();
    for &(plugin, file, abi) in PLUGINS {
        assert_described(&folder, plugin, file, abi);
        for &isolation in ISOLATIONS {
            let exhibit = Exhibit { folder: &folder, plugin, abi, isolation };
            exhibit.answers_permissions().await;
            exhibit.fails_in_every_way().await;
            exhibit.hears_of_events().await;
            exhibit.knows_its_health();
            exhibit.may_refuse_to_start();
        }
    }
}

fn build_old_plugins() -> Folder {
    let folder = Folder::new();
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let mut script = Command::new(root.join("scripts/build-abi-compat.sh"));
    let output =
        script.arg(folder.directory()).env("CARGO", env!("CARGO")).output().expect("the script can be run");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    folder
}

fn assert_described(folder: &Folder, plugin: &str, file: &str, abi: (u16, u16)) {
    let description = inspect(&folder.file(file), &this_program()).unwrap();
    assert_eq!((description.name.as_str(), description.version.as_str()), (plugin, "0.1.0"));
    assert_eq!((description.abi, description.config_schema.as_str()), (abi, "{}"), "{plugin}");
    let mut all = vec![
        Operation::Permissions,
        Operation::NewUser,
        Operation::UserLogin,
        Operation::UserLogout,
        Operation::Health,
    ];
    all.extend((abi >= (1, 1)).then_some(Operation::Explain));
    assert_eq!(description.provides, all, "{plugin}");
    assert!(description.serial && description.wants_identities == (abi >= (1, 1)), "{plugin}");
}

impl Exhibit<'_> {
    fn settings(&self, mood: &str) -> InstanceSettings {
        let config = config(&json!({ "mood": mood })).config;
        InstanceSettings { isolation: self.isolation, config, ..patient() }
    }

    fn serve(&self, mood: &str) -> PluginHost {
        self.folder.serve(self.plugin, self.settings(mood)).unwrap()
    }

    fn name(&self) -> String {
        format!("{} {:?}", self.plugin, self.isolation)
    }

    async fn answers_permissions(&self) {
        let host = self.serve("well");
        let answer = ask(&host, "billing", "ada").await.unwrap();
        assert_eq!(
            json!(answer),
            json!({"service": "billing", "user": "ada", "named": true}),
            "{}",
            self.name()
        );
        let because = json!([{"rule": "museum", "gave": [], "text": "it always did"}]);
        let explanation = json!({"permissions": answer, "because": because}).as_object().cloned();
        let explained = if self.abi >= (1, 1) { explanation } else { None };
        assert_eq!(explain(&host, "billing", "ada").await, Ok(explained), "{}", self.name());
        assert_eq!(host.close(LONG), Vec::<String>::new(), "{}: it is destroyed", self.name());
    }

    async fn fails_in_every_way(&self) {
        let alias = || "billing".to_owned();
        let failed = |kind| CallFailure::Failed { alias: alias(), kind };
        let host = self.serve("well");
        for (user, failure) in [
            ("retry", CallFailure::Unavailable { alias: alias(), cause: Unavailability::Retry }),
            ("deny", failed(FailureKind::MayNotDeny)),
            ("fatal", failed(FailureKind::Fatal)),
            ("silent", failed(FailureKind::NoOpinion)),
            ("panic", failed(FailureKind::Panic)),
        ] {
            assert_eq!(ask(&host, "billing", user).await, Err(failure), "{}: {user}", self.name());
        }
        let settings = InstanceSettings { may_deny: true, ..self.settings("well") };
        let host = self.folder.serve(self.plugin, settings).unwrap();
        let denied = CallFailure::Denied("not you".to_owned());
        assert_eq!(ask(&host, "billing", "deny").await, Err(denied), "{}", self.name());
    }

    async fn hears_of_events(&self) {
        let host = self.folder.extend(vec![spec("audit", self.plugin, self.settings("well"))]).unwrap();
        let mut person = user("ada");
        for (hook, changed, noted) in [
            (Hook::NewUser, true, "new"),
            (Hook::UserLogin, true, "login"),
            (Hook::UserLogout, false, "login"),
        ] {
            let outcome = host.run_hook(hook, person, "google:1").await;
            assert_eq!(
                (!outcome.patches.is_empty(), &outcome.denied),
                (changed, &None),
                "{} {hook:?}",
                self.name()
            );
            assert_eq!(
                json!(outcome.user.attributes.as_object()),
                json!({"museum": noted}),
                "{}",
                self.name()
            );
            person = outcome.user;
        }
    }

    /// The answer may arrive with a later inquiry.
    fn knows_its_health(&self) {
        let host = self.serve("unwell");
        let started = Instant::now();
        while host.health().is_ok() {
            assert!(started.elapsed() < LONG, "{} never said so", self.name());
            thread::yield_now();
        }
        assert_eq!(self.serve("well").health(), Ok(()), "{}", self.name());
    }

    fn may_refuse_to_start(&self) {
        let error = self.folder.serve(self.plugin, self.settings("refuse")).unwrap_err().to_string();
        assert!(error.contains("cannot start: it refuses"), "{}: {error}", self.name());
    }
}
