//! How a service is put together, and what a test may want otherwise.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use poem::EndpointExt as _;
use vestibule_domain::{
    AccountLinking, AddressTrust, AllowedOrigins, Apps, Clock, ConfiguredProviders, ExternalAddress, Origin,
    SecureRandom, ServiceName, SystemRandom, UserIdScheme,
};
use vestibule_flows::{
    AccountRates, Dependencies, FlowSettings, Flows, GrantRules, RoleAccountMakers, TokenRates, TokenRules,
};
use vestibule_http::{AccessLog, AddressRates, Arrivals, HttpSettings, Shutdown, TrustedProxies};
use vestibule_metrics::Metrics;
use vestibule_plugin_host::{
    HostParts, InstanceSettings, InstanceSpec, PluginHost, PluginName, PluginPath, PluginPlan,
};
use vestibule_provider_emulator::{Emulator, EmulatorOptions};
use vestibule_storage::{DatabaseUrl, Storage, StorageOptions};
use vestibule_test_support::{Client, TestDatabase};
use vestibule_tokens::{TokenService, TokenSettings};

use super::clock::TestClock;
use super::providers::{self, ProviderChoice};
use super::{EXTERNAL_ADDRESS, TestApp, keys};
use crate::plugin_process::this_program;

/// What the program's settings are by default.
const SESSION_TTL: Duration = Duration::from_secs(14 * 24 * 3600);
const PERMISSION_TTL: Duration = Duration::from_secs(15 * 60);

/// A service that is not there yet.
pub(crate) struct TestAppBuilder {
    flows: FlowSettings,
    http: HttpSettings,
    emulator: EmulatorOptions,
    providers: ProviderChoice,
    plan: PluginPlan,
    clock: Arc<TestClock>,
    database: TestDatabase,
}

impl TestAppBuilder {
    pub(super) fn new(database: TestDatabase) -> Self {
        let clock = TestClock::new();
        let origins = ["https://app.example.com", "http://localhost:3000"];
        let flows = FlowSettings {
            external_address: ExternalAddress::parse(EXTERNAL_ADDRESS).expect("an address"),
            allowed_origins: AllowedOrigins::new(origins.map(|text| Origin::parse(text).unwrap()).to_vec()),
            account_linking: AccountLinking::default(),
            user_id_scheme: UserIdScheme::default(),
            session_ttl: SESSION_TTL,
            session_cookie: true,
            apps: Apps::default(),
            step_up_age: Duration::from_secs(15 * 60),
            outage_grace: Duration::ZERO,
            permission_token_reuse: true,
            account_rates: AccountRates::default(),
            role_accounts: RoleAccountMakers::default(),
            token_rules: TokenRules::default(),
            grant_rules: GrantRules::default(),
            token_rates: TokenRates::default(),
        };
        let http = HttpSettings {
            arrivals: Arrivals::default(),
            trusted_proxies: TrustedProxies::default(),
            address_rates: AddressRates::default(),
            demo_services: None,
            tracer: None,
            access_log: AccessLog::new(None),
            shutdown: Shutdown::default(),
        };
        let emulator = EmulatorOptions {
            redirect_uris: providers::registered_redirect_uris(),
            clock: clock.of_emulator(),
            keys_dir: Some(keys::emulator_keys()),
            ..EmulatorOptions::default()
        };
        let providers = ProviderChoice { has_github: true, corporate_trust: AddressTrust::VERIFIED };
        Self { flows, http, emulator, providers, plan: PluginPlan::default(), clock, database }
    }

    /// Changes what the operator decided about the flows.
    pub(crate) fn flows(mut self, change: impl FnOnce(&mut FlowSettings)) -> Self {
        change(&mut self.flows);
        self
    }

    /// Leaves out GitHub.
    pub(crate) fn without_github(mut self) -> Self {
        self.providers.has_github = false;
        self
    }

    /// Offers the services `storage` and `reports`, and tells an extension of sign-ins: the sample plugins, on threads.
    pub(crate) fn plugins(mut self) -> Self {
        let services = ["storage", "reports"];
        let spec = |alias: &str, plugin: &str| InstanceSpec {
            alias: alias.to_owned(),
            plugin: PluginName::parse(plugin).expect("a name"),
            settings: InstanceSettings::default(),
        };
        let service = |name| (ServiceName::parse(name).expect("a name"), spec(name, "sample-permissions"));
        let extensions = vec![spec("sample-extension", "sample-extension")];
        let path = PluginPath::new(vec![built_plugins()]);
        self.plan = PluginPlan { path, services: services.map(service).to_vec(), extensions, ..self.plan };
        self
    }

    /// Lets the services grant this permission to everybody.
    pub(crate) fn granting(mut self, permission: &str) -> Self {
        for (_, spec) in &mut self.plan.services {
            let config = serde_json::json!({"permission": permission, "granted": true});
            spec.settings.config = config.as_object().expect("an object").clone().into();
        }
        self
    }

    /// Starts the providers and joins everything.
    pub(crate) async fn build(self) -> TestApp {
        let emulator = Emulator::start(self.emulator).await.expect("a free port");
        let clock: Arc<dyn Clock> = self.clock.clone();
        let metrics = Metrics::new("0", clock.now());
        let plugins = load_plugins(self.plan, &metrics).await;
        let on =
            Ground { database: &self.database, emulator: &emulator, choice: self.providers.clone(), clock };
        let (flows, storage) = make_flows(on, self.flows, plugins, &metrics).await;
        let feed = storage.clone();
        let (requests, endpoint_flows) = (metrics.requests.clone(), Arc::clone(&flows));
        TestApp {
            endpoint: vestibule_http::endpoint(endpoint_flows, self.http, requests, Arc::new(SystemRandom))
                .boxed(),
            flows,
            providers: self.providers,
            emulator,
            clock: self.clock,
            storage,
            requests: Client::new(EXTERNAL_ADDRESS),
            feed: tokio::spawn(async move { feed.follow_changes().await }),
            database: self.database,
        }
    }
}

impl TestApp {
    /// Another replica of the service, with the same keys and settings and without plugins.
    pub(crate) async fn replica(&self) -> Arc<Flows> {
        self.replica_with(|_| ()).await
    }

    /// The same, with other settings.
    pub(crate) async fn replica_with(&self, change: impl FnOnce(&mut FlowSettings)) -> Arc<Flows> {
        let mut settings = self.flows.settings().clone();
        change(&mut settings);
        let clock: Arc<dyn Clock> = self.clock.clone();
        let metrics = Metrics::new("0", clock.now());
        let plugins = load_plugins(PluginPlan::default(), &metrics).await;
        let on = Ground {
            database: &self.database,
            emulator: &self.emulator,
            choice: self.providers.clone(),
            clock,
        };
        make_flows(on, settings, plugins, &metrics).await.0
    }
}

/// What replicas share.
struct Ground<'a> {
    database: &'a TestDatabase,
    emulator: &'a Emulator,
    choice: ProviderChoice,
    clock: Arc<dyn Clock>,
}

async fn make_flows(
    Ground { database, emulator, choice, clock }: Ground<'_>,
    settings: FlowSettings,
    plugins: Arc<PluginHost>,
    metrics: &Metrics,
) -> (Arc<Flows>, Storage) {
    let randomness: Arc<dyn SecureRandom> = Arc::new(SystemRandom);
    let (providers, configured) = providers::make(emulator, &clock, choice);
    let storage = connect(database, configured).await;
    let dependencies = Dependencies {
        storage: storage.clone(),
        tokens: Arc::new(make_tokens(&clock, &randomness)),
        providers,
        plugins,
        clock,
        randomness,
        observer: metrics.people.clone(),
    };
    (Arc::new(Flows::new(settings, dependencies)), storage)
}

async fn connect(database: &TestDatabase, providers: ConfiguredProviders) -> Storage {
    let url = DatabaseUrl::parse(database.url()).expect("an address");
    let storage = Storage::connect(&url, &StorageOptions::default()).expect("a new file");
    storage.migrate().await.expect("a schema");
    storage.with_providers(providers)
}

fn make_tokens(clock: &Arc<dyn Clock>, randomness: &Arc<dyn SecureRandom>) -> TokenService {
    let settings = TokenSettings {
        issuer: EXTERNAL_ADDRESS.to_owned(),
        user_token_ttl: SESSION_TTL,
        permission_token_ttl: PERMISSION_TTL,
    };
    TokenService::new(keys::signing_ring(), settings, Arc::clone(clock), Arc::clone(randomness))
}

async fn load_plugins(plan: PluginPlan, metrics: &Metrics) -> Arc<PluginHost> {
    let observer = metrics.plugins.clone();
    let load = move || {
        let environment = Arc::new(|_: &str| None::<String>);
        PluginHost::load(&plan, HostParts { child: this_program(), environment, observer })
    };
    let loaded = tokio::task::spawn_blocking(load).await.expect("no panic");
    Arc::new(loaded.unwrap_or_else(|error| panic!("{error}: run `cargo build --workspace --all-targets`")))
}

/// The folder of plugins that cargo has built.
fn built_plugins() -> PathBuf {
    let test = std::env::current_exe().expect("this program");
    test.parent().and_then(Path::parent).expect("tests run in target/<profile>/deps").to_owned()
}
