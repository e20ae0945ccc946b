//! The parts of a service, made and joined.

use std::sync::Arc;

use poem::{Endpoint, Response};
use tokio::runtime::Handle;
use vestibule_domain::{Clock, SecureRandom, SystemClock, SystemRandom, Timestamp};
use vestibule_flows::{Dependencies, Flows};
use vestibule_http::{AccessLog, Arrivals, HttpSettings, RequestTracer, Shutdown};
use vestibule_metrics::Metrics;
use vestibule_plugin_host::PluginHost;
use vestibule_provider_emulator::Emulator;
use vestibule_storage::{Storage, StorageOptions};
use vestibule_tokens::{KeyRing, TokenService, TokenSettings};
use vestibule_upstream::{Providers, UpstreamObserver};

use super::descriptors::Descriptors;
use super::development::start_emulator;
use super::keys::{self, KeyFolder, LoadedKeys};
use super::{plugins, providers, storage};
use crate::error::CommandError;
use crate::logging::LostLines;
use crate::settings::Settings;
use crate::telemetry::{HttpTracer, SpanCounts};

/// The parts of a service.
pub(super) struct Components {
    pub(super) clock: Arc<dyn Clock>,
    pub(super) metrics: Metrics,
    pub(super) access_log: AccessLog,
    pub(super) arrivals: Arrivals,
    pub(super) emulator: Option<Emulator>,
    pub(super) descriptors: Descriptors,
    pub(super) providers: Providers,
    pub(super) plugins: Arc<PluginHost>,
    pub(super) key_folder: Option<KeyFolder>,
    pub(super) storage: Storage,
    pub(super) tokens: Arc<TokenService>,
}

impl Components {
    /// Makes all parts. Those that write, a key or a row, come last.
    ///
    /// INVARIANT: nothing is written before settings, providers and plugins are checked.
    pub(super) async fn make(
        settings: &mut Settings,
        spans: Option<Arc<SpanCounts>>,
    ) -> Result<Self, CommandError> {
        let clock: Arc<dyn Clock> = Arc::new(SystemClock);
        let metrics = Metrics::new(env!("CARGO_PKG_VERSION"), clock.now());
        let upstream: Arc<dyn UpstreamObserver> = metrics.upstream.clone();
        let emulator = start_emulator(settings).await?;
        let descriptors = Descriptors::divide(settings);
        let providers = providers::make(&settings.providers, &clock, descriptors.exchanges, Some(&upstream))?;
        let plugins = plugins::load(&settings.plugins, &metrics).await?;
        let LoadedKeys { ring, folder } = load_keys(settings, clock.now()).await?;
        let storage = connect(settings).await?;
        storage.observe_with(metrics.database.clone());
        let tokens = make_tokens(settings, ring, &clock);
        let access_log = AccessLog::new(settings.log.access_rate);
        metrics.watch_database(&storage);
        metrics.watch_keys(&tokens, &clock);
        metrics.watch_runtime(Handle::current());
        watch_output(&metrics, spans, access_log.clone());
        Ok(Self {
            clock,
            metrics,
            access_log,
            arrivals: Arrivals::default(),
            emulator,
            descriptors,
            providers,
            plugins,
            key_folder: folder,
            storage,
            tokens,
        })
    }

    /// Joins the parts to an endpoint that answers requests.
    pub(super) fn make_endpoint(
        &self,
        settings: &Settings,
        stopping: &Shutdown,
    ) -> impl Endpoint<Output = Response> + 'static + use<> {
        let randomness: Arc<dyn SecureRandom> = Arc::new(SystemRandom);
        let dependencies = Dependencies {
            storage: self.storage.clone(),
            tokens: Arc::clone(&self.tokens),
            providers: self.providers.clone(),
            plugins: Arc::clone(&self.plugins),
            clock: Arc::clone(&self.clock),
            randomness: Arc::clone(&randomness),
            observer: self.metrics.people.clone(),
        };
        let flows = Arc::new(Flows::new(settings.flows.clone(), dependencies));
        let services = || settings.plugins.services.iter().map(|(name, _)| name.clone()).collect();
        let tracer = || Arc::new(HttpTracer::default()) as Arc<dyn RequestTracer>;
        let http = HttpSettings {
            trusted_proxies: settings.trusted_proxies.clone(),
            address_rates: settings.address_rates,
            demo_services: settings.dev.then(services),
            tracer: settings.traces.as_ref().map(|_| tracer()),
            access_log: self.access_log.clone(),
            arrivals: self.arrivals.clone(),
            shutdown: stopping.clone(),
        };
        vestibule_http::endpoint(flows, http, self.metrics.requests.clone(), randomness)
    }

    /// Ends what does not end by itself.
    pub(super) async fn close(self) -> Result<(), CommandError> {
        plugins::close(self.plugins).await;
        match self.emulator {
            Some(emulator) => Ok(emulator.stop().await?),
            None => Ok(()),
        }
    }
}

/// Makes each scrape read what became of spans, if they are exported, and of lines of the log.
fn watch_output(metrics: &Metrics, spans: Option<Arc<SpanCounts>>, access_log: AccessLog) {
    if let Some(spans) = spans {
        metrics.watch_spans(move || spans.read());
    }
    metrics.watch_lost_lines(move || LostLines::read(&access_log).to_readings());
}

/// On a thread that may block: in development a key may have to be made, which takes a while.
async fn load_keys(settings: &Settings, now: Timestamp) -> Result<LoadedKeys, CommandError> {
    let (source, dev) = (settings.keys.clone(), settings.dev);
    let loading = tokio::task::spawn_blocking(move || keys::load(&source, now, dev));
    loading.await.map_err(CommandError::while_doing("the keys"))?
}

async fn connect(settings: &Settings) -> Result<Storage, CommandError> {
    let options = StorageOptions { max_connections: settings.database_connections };
    let storage = storage::connect(&settings.database, &options, settings.dev).await?;
    Ok(storage.with_providers(settings.providers.configured()).with_session_limits(settings.session_limits))
}

fn make_tokens(settings: &Settings, ring: KeyRing, clock: &Arc<dyn Clock>) -> Arc<TokenService> {
    let token_settings = TokenSettings {
        issuer: settings.flows.external_address.issuer().to_owned(),
        user_token_ttl: settings.flows.session_ttl,
        permission_token_ttl: settings.permission_token_ttl,
    };
    let randomness: Arc<dyn SecureRandom> = Arc::new(SystemRandom);
    Arc::new(TokenService::new(ring, token_settings, Arc::clone(clock), randomness))
}
