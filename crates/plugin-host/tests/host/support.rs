//! Libraries in folders of their own, and hosts made of them.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use serde_json::{Map, Value};
use tempfile::TempDir;
use vestibule_domain::{Attributes, DisplayName, EmailAddress, ServiceName, Timestamp, User, UserId};
use vestibule_plugin_host::{
    CallFailure, CallObserver, InstanceSettings, InstanceSpec, LoadError, Operation, Outcome,
    PermissionRequest, PluginHost, PluginName, PluginPath, Unavailability,
};

/// A folder of plugins.
pub(crate) struct Folder(TempDir);

impl Folder {
    pub(crate) fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    /// A folder with one plugin in C, named `variant`, with these `-D` options.
    pub(crate) fn with_variant(defines: &[&str]) -> Self {
        let folder = Self::new();
        folder.compile("variant.c", "variant", defines);
        folder
    }

    /// A folder with copies of plugins of this workspace.
    pub(crate) fn with_built(names: &[&str]) -> Self {
        let folder = Self::new();
        for name in names {
            let file = folder.file(&name.replace('-', "_"));
            let built = target_folder().join(file.file_name().unwrap());
            fs::copy(&built, &file)
                .unwrap_or_else(|_| panic!("{} is missing: run `make test`", built.display()));
            fs::set_permissions(&file, fs::Permissions::from_mode(0o755)).unwrap();
        }
        folder
    }

    pub(crate) fn compile(&self, source: &str, name: &str, defines: &[&str]) {
        let root = Path::new(env!("CARGO_MANIFEST_DIR"));
        let status = Command::new("cc")
            .args(["-std=gnu11", "-Wall", "-Wextra", "-Werror", "-Wno-unused", "-O1", "-fPIC", "-shared"])
            .args(["-fvisibility=hidden", "-pthread", "-I"])
            .arg(root.join("../plugin-abi/include"))
            .args(defines.iter().map(|define| format!("-D{define}")))
            .arg(root.join("tests/fixtures").join(source))
            .arg("-o")
            .arg(self.file(name))
            .status();
        assert!(status.expect("cc can be run").success(), "{source} with {defines:?}");
        fs::set_permissions(self.file(name), fs::Permissions::from_mode(0o755)).unwrap();
    }

    pub(crate) fn file(&self, name: &str) -> PathBuf {
        self.0.path().join(format!("lib{name}.so"))
    }

    pub(crate) fn path(&self) -> PluginPath {
        PluginPath::new(vec![self.0.path().to_owned()])
    }

    /// A host with one service.
    pub(crate) fn serve(&self, plugin: &str, settings: InstanceSettings) -> Result<PluginHost, LoadError> {
        let services = vec![(service("billing"), spec("billing", plugin, settings))];
        PluginHost::load(&self.path(), services, Vec::new(), Arc::new(Recorder::default()))
    }

    /// A host with these extensions and nothing else.
    pub(crate) fn extend(&self, specs: Vec<InstanceSpec>) -> Result<PluginHost, LoadError> {
        PluginHost::load(&self.path(), Vec::new(), specs, Arc::new(Recorder::default()))
    }
}

fn target_folder() -> PathBuf {
    let program = std::env::current_exe().unwrap();
    program.parent().and_then(Path::parent).expect("tests run in target/<profile>/deps").to_owned()
}

pub(crate) fn service(name: &str) -> ServiceName {
    ServiceName::parse(name).unwrap()
}

pub(crate) fn spec(alias: &str, plugin: &str, settings: InstanceSettings) -> InstanceSpec {
    InstanceSpec { alias: alias.to_owned(), plugin: PluginName::parse(plugin).unwrap(), settings }
}

pub(crate) fn config(config: &Value) -> InstanceSettings {
    InstanceSettings { config: config.as_object().unwrap().clone(), ..InstanceSettings::default() }
}

/// Settings for calls that are to run out of time.
pub(crate) fn impatient() -> InstanceSettings {
    InstanceSettings { timeout: Duration::from_millis(50), ..InstanceSettings::default() }
}

/// Settings for calls that must not run out of time, however slow the machine.
pub(crate) fn patient() -> InstanceSettings {
    InstanceSettings { timeout: Duration::from_secs(120), ..InstanceSettings::default() }
}

pub(crate) fn user(id: &str) -> User {
    User {
        id: UserId::parse(id).unwrap(),
        username: None,
        name: DisplayName::clean("Ada Lovelace"),
        email: EmailAddress::parse("ada@example.org").ok(),
        avatar_url: None,
        attributes: Attributes::default(),
        join_date: Timestamp::from_seconds(0),
        disabled_at: None,
    }
}

pub(crate) async fn ask(
    host: &PluginHost,
    name: &str,
    user_id: &str,
) -> Result<Map<String, Value>, CallFailure> {
    let (service, user) = (service(name), user(user_id));
    let request = PermissionRequest { service: &service, user: &user, provider_id: "google:1" };
    host.permissions(&request).await
}

pub(crate) async fn explain(
    host: &PluginHost,
    name: &str,
    user_id: &str,
) -> Result<Option<Map<String, Value>>, CallFailure> {
    let (service, user) = (service(name), user(user_id));
    host.explain(&PermissionRequest { service: &service, user: &user, provider_id: "google:1" }).await
}

/// Asks a plugin that hangs until every thread of it is lost. Under load a call may run out of time before a thread has
/// taken it up, so it can take more calls than there are threads.
pub(crate) async fn exhaust(host: &PluginHost, name: &str) {
    let failure = |cause| Err(CallFailure::Unavailable { alias: name.to_owned(), cause });
    for _ in 0..1_000 {
        let answer = ask(host, name, "ada").await;
        if answer == failure(Unavailability::Stuck) {
            return;
        }
        assert_eq!(answer, failure(Unavailability::Timeout));
    }
    panic!("the threads of {name} never hung");
}

/// Keeps what it observes.
#[derive(Default)]
pub(crate) struct Recorder(Mutex<Vec<(String, Operation, Outcome)>>);

impl Recorder {
    pub(crate) fn seen(&self) -> Vec<(String, Operation, Outcome)> {
        self.0.lock().unwrap().clone()
    }
}

impl CallObserver for Recorder {
    fn observe(&self, alias: &str, operation: Operation, outcome: Outcome, _duration: Duration) {
        self.0.lock().unwrap().push((alias.to_owned(), operation, outcome));
    }
}
