//! A host with one instance for each way to answer, and a key that signs.

use std::env;
use std::fs;
use std::io;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::rsa::{KeyPair, KeySize};
use aws_lc_rs::signature::RSA_PKCS1_SHA256;
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::runtime::Runtime;
use tracing_subscriber::fmt::writer::MakeWriterExt as _;
use vestibule_domain::{
    Attributes, DisplayName, EmailAddress, ServiceName, Timestamp, User, UserId, UserKind,
};
use vestibule_plugin_host::{
    ChildProgram, HostParts, InstanceSettings, InstanceSpec, Isolation, NoObserver, PluginHost, PluginName,
    PluginPath, PluginPlan,
};

use crate::receiver;

/// The first argument of this program when it is the process of a plugin.
pub(crate) const CHILD: &str = "plugin-process";

const MODULE: &str = "import os, time
def get_permissions(service, userid):
    if userid == 'warm-up':
        time.sleep(0.1)
        return {'pid': os.getpid()}
    if userid == 'waits':
        time.sleep(0.002)
    return {'provider-token': service + '-' + userid}
";

/// A token has a few hundred bytes before its signature.
const MESSAGE: [u8; 500] = [b'x'; 500];

/// What calls run on. Cheap to clone.
#[derive(Clone)]
pub(crate) struct Stage(Arc<Parts>);

struct Parts {
    runtime: Runtime,
    host: PluginHost,
    key: KeyPair,
    _module: TempDir,
}

impl Stage {
    /// Loads the plugins, which are built beforehand.
    pub(crate) fn build() -> Self {
        // A service has a log, so calls have spans.
        let log = io::stderr.with_max_level(tracing::Level::WARN);
        tracing_subscriber::fmt().with_writer(log).with_max_level(tracing::Level::INFO).init();
        let runtime = Runtime::new().expect("a runtime");
        let module = tempfile::tempdir().expect("a folder");
        fs::write(module.path().join("bench.py"), MODULE).expect("a module");
        let host = {
            let _runtime = runtime.enter();
            PluginHost::load(&plan(module.path()), parts()).expect("plugins, built as the Makefile says")
        };
        let key = KeyPair::generate(KeySize::Rsa2048).expect("a key");
        Self(Arc::new(Parts { runtime, host, key, _module: module }))
    }

    pub(crate) fn host(&self) -> &PluginHost {
        &self.0.host
    }

    pub(crate) fn runtime(&self) -> &Runtime {
        &self.0.runtime
    }

    /// As tokens are signed.
    pub(crate) fn sign(&self) {
        let mut signature = vec![0; self.0.key.public_modulus_len()];
        let signed = self.0.key.sign(&RSA_PKCS1_SHA256, &SystemRandom::new(), &MESSAGE, &mut signature);
        signed.expect("a signature");
        std::hint::black_box(signature);
    }

    /// Ends the plugins.
    pub(crate) fn close(&self) {
        self.0.host.close(Duration::from_secs(10));
    }
}

/// Somebody with a name and an address.
pub(crate) fn user(id: &str) -> User {
    User {
        id: UserId::parse(id).expect("the id of a user"),
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

/// The services, one for each way to answer.
fn plan(module: &Path) -> PluginPlan {
    let python = |with: Value| {
        let mut config = json!({"module": "bench", "path": [module]});
        if let (Some(config), Value::Object(with)) = (config.as_object_mut(), with) {
            config.extend(with);
        }
        config
    };
    let webhook = json!({"url": receiver::start(), "secrets": [receiver::SECRET]});
    let threads = |concurrency| (Isolation::Thread, concurrency);
    let services = vec![
        service("inline", "sample-permissions", (Isolation::Inline, 4), json!({})),
        service("thread", "sample-permissions", threads(4), json!({})),
        service("process", "sample-permissions", (Isolation::Process, 4), json!({})),
        service("python", "python", threads(4), python(json!({"workers": 4}))),
        service("python-1", "python", threads(1), python(json!({"workers": 1}))),
        service("python-8", "python", threads(8), python(json!({"workers": 8}))),
        service("cached", "python", threads(1), python(json!({"workers": 1, "cache_seconds": 300}))),
        service("webhook", "webhook", threads(4), webhook),
    ];
    PluginPlan { path: PluginPath::new(vec![built()]), services, ..PluginPlan::default() }
}

fn service(
    name: &str,
    plugin: &str,
    (isolation, concurrency): (Isolation, usize),
    config: Value,
) -> (ServiceName, InstanceSpec) {
    let Value::Object(config) = config else { unreachable!("every configuration above is an object") };
    let settings = InstanceSettings {
        isolation,
        concurrency,
        timeout: Duration::from_secs(60),
        config: config.into(),
        ..InstanceSettings::default()
    };
    let plugin = PluginName::parse(plugin).expect("the name of a plugin");
    let spec = InstanceSpec { alias: name.to_owned(), plugin, settings };
    (ServiceName::parse(name).expect("the name of a service"), spec)
}

fn parts() -> HostParts {
    let path = env::current_exe().expect("this program has a path");
    vestibule_plugin_host::disable_dumping().expect("the system lets us");
    let child = ChildProgram { path, arguments: vec![CHILD.into()] };
    HostParts { child, environment: Arc::new(|_: &str| None), observer: Arc::new(NoObserver) }
}

/// Where cargo puts libraries: this program is in the folder `deps` of that.
fn built() -> std::path::PathBuf {
    let program = env::current_exe().expect("this program has a path");
    program
        .parent()
        .and_then(Path::parent)
        .expect("programs of cargo are in target/<profile>/deps")
        .to_owned()
}
