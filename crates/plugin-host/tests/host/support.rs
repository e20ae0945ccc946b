//! Libraries in folders of their own, and hosts made of them.

use std::ffi::OsString;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use serde_json::{Map, Value};
use tempfile::TempDir;
use vestibule_domain::{
    Attributes, DisplayName, EmailAddress, ServiceName, Timestamp, User, UserContext, UserId, UserKind,
};
use vestibule_plugin_host::{
    CacheResult, CallFailure, CallObserver, ChildProgram, HostParts, InstanceSettings, InstanceSpec,
    LoadError, Operation, Outcome, PatchField, PermissionRequest, PluginHost, PluginName, PluginPath,
    PluginPlan,
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

    pub(crate) fn directory(&self) -> &Path {
        self.0.path()
    }

    pub(crate) fn path(&self) -> PluginPath {
        PluginPath::new(vec![self.0.path().to_owned()])
    }

    pub(crate) fn plan(
        &self,
        services: Vec<(ServiceName, InstanceSpec)>,
        extensions: Vec<InstanceSpec>,
    ) -> PluginPlan {
        PluginPlan { path: self.path(), services, extensions, token_handlers: Vec::new() }
    }

    /// A host with one service.
    pub(crate) fn serve(&self, plugin: &str, settings: InstanceSettings) -> Result<PluginHost, LoadError> {
        self.serve_observed(plugin, settings, Arc::new(Recorder::default()))
    }

    /// A host with one service, and somebody who watches it.
    pub(crate) fn serve_observed(
        &self,
        plugin: &str,
        settings: InstanceSettings,
        observer: Arc<Recorder>,
    ) -> Result<PluginHost, LoadError> {
        let plan = self.plan(vec![(service("billing"), spec("billing", plugin, settings))], Vec::new());
        PluginHost::load(&plan, parts_with(observer))
    }

    /// The same from a folder that somebody else has filled.
    pub(crate) fn serve_from(
        folder: &Path,
        plugin: &str,
        settings: InstanceSettings,
    ) -> Result<PluginHost, LoadError> {
        let services = vec![(service("billing"), spec("billing", plugin, settings))];
        let path = PluginPath::new(vec![folder.to_owned()]);
        PluginHost::load(&PluginPlan { path, services, ..PluginPlan::default() }, parts())
    }

    /// A host with these token handlers and nothing else, and somebody who watches it.
    pub(crate) fn handle_tokens(
        &self,
        specs: Vec<InstanceSpec>,
        observer: Arc<Recorder>,
    ) -> Result<PluginHost, LoadError> {
        let plan = PluginPlan { token_handlers: specs, ..self.plan(Vec::new(), Vec::new()) };
        PluginHost::load(&plan, parts_with(observer))
    }

    /// A host with these extensions and nothing else.
    pub(crate) fn extend(&self, specs: Vec<InstanceSpec>) -> Result<PluginHost, LoadError> {
        PluginHost::load(&self.plan(Vec::new(), specs), parts())
    }
}

/// What a host works with in these tests: no variable is in its environment but one.
pub(crate) fn parts() -> HostParts {
    parts_with(Arc::new(Recorder::default()))
}

pub(crate) fn parts_with(observer: Arc<Recorder>) -> HostParts {
    let environment = |name: &str| (name == "TEST_SECRET").then(|| "from the environment".to_owned());
    HostParts { child: this_program(), environment: Arc::new(environment), observer }
}

/// This test program, told to be the process of a plugin.
pub(crate) fn this_program() -> ChildProgram {
    vestibule_plugin_host::disable_dumping().unwrap();
    let arguments = ["--exact", "support::plugin_process", "--nocapture"].map(OsString::from).to_vec();
    ChildProgram { path: std::env::current_exe().unwrap(), arguments }
}

/// Not a test of anything: what the program above runs. Among the tests its standard input is no such socket, and it is over.
#[test]
fn plugin_process() {
    if rustix::net::sockopt::socket_type(std::io::stdin()) == Ok(rustix::net::SocketType::SEQPACKET) {
        vestibule_plugin_host::run_plugin_process();
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
    InstanceSettings { config: config.as_object().unwrap().clone().into(), ..InstanceSettings::default() }
}

/// Settings for calls that are to run out of time, of which the way to a thread takes little also on a busy machine.
pub(crate) fn impatient() -> InstanceSettings {
    InstanceSettings { timeout: Duration::from_secs(1), ..InstanceSettings::default() }
}

/// Settings for calls that must not run out of time, however slow the machine.
pub(crate) fn patient() -> InstanceSettings {
    InstanceSettings { timeout: Duration::from_secs(120), ..InstanceSettings::default() }
}

pub(crate) fn user(id: &str) -> User {
    User {
        id: UserId::parse(id).unwrap(),
        kind: UserKind::Person,
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
    let request = PermissionRequest {
        service: &service,
        user: &user,
        provider_id: Some("google:1"),
        session: None,
        user_context: Some(&UserContext::default()),
        memo: None,
    };
    host.permissions(&request).await
}

pub(crate) async fn explain(
    host: &PluginHost,
    name: &str,
    user_id: &str,
) -> Result<Option<Map<String, Value>>, CallFailure> {
    let (service, user) = (service(name), user(user_id));
    host.explain(&PermissionRequest {
        service: &service,
        user: &user,
        provider_id: Some("google:1"),
        session: None,
        user_context: Some(&UserContext::default()),
        memo: None,
    })
    .await
}

/// Asks a plugin that hangs until every thread of it is lost, each time for somebody else: one user never gets all of them.
/// Under load a call may run out of time before a thread has taken it up, so it can take more calls than there are
/// threads, and the rest that it is given in between.
pub(crate) async fn exhaust(host: &PluginHost, name: &str) {
    let mut users = 0..;
    let all_hang = async || {
        let user = format!("user-{}", users.next().unwrap());
        let answer = ask(host, name, &user).await;
        assert!(matches!(answer, Err(CallFailure::Unavailable { .. })), "{answer:?}");
        host.health().is_err_and(|reason| reason.contains("all its threads hang"))
    };
    eventually("all threads hang", all_hang).await;
}

/// Waits until something is so.
pub(crate) async fn eventually(what: &str, mut is_so: impl AsyncFnMut() -> bool) {
    let started = Instant::now();
    while !is_so().await {
        assert!(started.elapsed() < Duration::from_secs(120), "in vain: {what}");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

/// Keeps what it observes.
#[derive(Default)]
pub(crate) struct Recorder {
    calls: Mutex<Vec<(String, Operation, Outcome)>>,
    cache: Mutex<Vec<CacheResult>>,
    rejected: Mutex<Vec<(String, PatchField)>>,
    taken_up: AtomicUsize,
}

impl Recorder {
    pub(crate) fn seen(&self) -> Vec<(String, Operation, Outcome)> {
        self.calls.lock().unwrap().clone()
    }

    /// How many calls ended in this way.
    pub(crate) fn count(&self, outcome: Outcome) -> usize {
        self.calls.lock().unwrap().iter().filter(|seen| seen.2 == outcome).count()
    }

    pub(crate) fn cache_results(&self) -> Vec<CacheResult> {
        self.cache.lock().unwrap().clone()
    }

    pub(crate) fn rejected(&self) -> Vec<(String, PatchField)> {
        self.rejected.lock().unwrap().clone()
    }

    /// How many calls have found a thread.
    pub(crate) fn taken_up(&self) -> usize {
        self.taken_up.load(Ordering::SeqCst)
    }
}

impl CallObserver for Recorder {
    fn observe(&self, alias: &str, operation: Operation, outcome: Outcome, _duration: Duration) {
        self.calls.lock().unwrap().push((alias.to_owned(), operation, outcome));
    }

    fn waited(&self, _alias: &str, _duration: Duration) {
        self.taken_up.fetch_add(1, Ordering::SeqCst);
    }

    fn cache(&self, _alias: &str, result: CacheResult) {
        self.cache.lock().unwrap().push(result);
    }

    fn patch_rejected(&self, alias: &str, field: PatchField) {
        self.rejected.lock().unwrap().push((alias.to_owned(), field));
    }
}
