//! `vestibule serve`: joins the rooms, opens the listeners, and closes them again.

mod audit;
mod background_tasks;
mod descriptors;
mod development;
mod ignored;
mod keys;
mod listeners;
mod observer;
mod plugins;
mod reload;
mod report;
mod shutdown;
mod storage;

use std::sync::Arc;
use std::time::Duration;

use vestibule_domain::{
    Actor, AuditEvent, AuditName, Clock, ProviderName, Randomness, SystemClock, SystemRandomness, Timestamp,
};
use vestibule_flows::{Flows, Parts};
use vestibule_http::{AccessLog, HttpSettings, Metrics, Refusals, RequestTracer, Stopping};
use vestibule_plugin_host::PluginHost;
use vestibule_storage::StorageOptions;
use vestibule_tokens::{KeyRing, TokenService, TokenSettings};
use vestibule_upstream::{
    ExchangeLimit, GithubProvider, GithubSettings, OidcProvider, OidcSettings, OutboundClient, Provider,
    Providers, UpstreamObserver,
};

use crate::error::CommandError;
use crate::logging;
use crate::settings::{ProviderSettings, Settings, Sources};
use crate::telemetry::{HttpTracer, SpanCounts, Telemetry};

use audit::Trail;
use descriptors::Descriptors;
use keys::LoadedKeys;
use listeners::{Answers, Clients};
use observer::{ServiceObserver, Watched};
use report::InForce;
use shutdown::Ending;

pub(crate) use development::emulator_address;
pub(crate) use keys::load as load_keys;
pub(crate) use plugins::{PLUGIN_PROCESS, host_parts, this_program, unusable as unusable_plugin};
pub(crate) use reload::ask_for as ask_for_reload;
pub(crate) use report::describe_addresses;
pub(crate) use storage::connect as connect_storage;

/// How long the plugins have when the service ends.
const PLUGIN_GRACE: Duration = Duration::from_secs(1);

/// Runs until a signal ends it.
pub(crate) fn run(sources: &Sources) -> Result<(), CommandError> {
    let settings = Settings::read(sources)?;
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    let traces = settings.traces.as_ref();
    let telemetry = traces.map(|traces| Telemetry::new(traces, runtime.handle())).transpose()?;
    logging::start(&settings.log, telemetry.as_ref().map(Telemetry::tracer))?;
    let counts = telemetry.as_ref().map(Telemetry::counts);
    let outcome = runtime.block_on(serve(settings, sources, counts));
    if let Some(telemetry) = telemetry {
        telemetry.stop();
    }
    logging::flush();
    if let Err(failure) = &outcome {
        failure.print();
    }
    runtime.shutdown_timeout(PLUGIN_GRACE);
    logging::flush();
    // Plugins may have threads of their own that still run: no destructor of a library may run under them.
    vestibule_plugin_host::exit_now(i32::from(outcome.is_err()))
}

async fn serve(
    mut settings: Settings,
    sources: &Sources,
    spans: Option<Arc<SpanCounts>>,
) -> Result<(), CommandError> {
    // Listening comes last, but whether it is possible is worth knowing first.
    let listener = listeners::bind("LISTEN", settings.listen)?;
    let admin = match settings.admin_listen {
        Some(address) => Some(listeners::bind("ADMIN_LISTEN", address)?),
        None => None,
    };
    let clock: Arc<dyn Clock> = Arc::new(SystemClock);
    let metrics = Metrics::new(env!("CARGO_PKG_VERSION"), clock.now());
    let observer = ServiceObserver::new(metrics.service());
    let upstream: Arc<dyn UpstreamObserver> = observer.clone();
    // INVARIANT: nothing is written, neither a key nor a row, before everything that can be wrong with settings and plugins
    // has been looked at.
    let emulator = development::start_emulator(&mut settings).await?;
    let descriptors = Descriptors::share_out(&settings);
    let providers = make_providers(&settings.providers, &clock, descriptors.exchanges, Some(&upstream))?;
    let plugins = plugins::load(&settings.plugins, &metrics).await?;
    let keys = load_keys_aside(&settings, clock.now()).await?;
    let options =
        StorageOptions { max_connections: settings.database_connections, ..StorageOptions::default() };
    let storage = connect_storage(&settings.database, &options, settings.dev).await?;
    let storage = storage.counting(settings.providers.configured());
    storage.observe_with(observer.clone());
    let tokens = make_tokens(&settings, keys.ring, &clock);
    let access_log = AccessLog::new(settings.log.access_rate);
    let watched = Watched { tokens: &tokens, clock: &clock, spans, access_log: &access_log };
    observer::watch(&metrics, &storage, watched);
    let unheeded = ignored::find(&storage).await;
    report::print(&InForce {
        settings: &settings,
        sources,
        plugins: &plugins,
        providers: &providers,
        emulator: emulator.as_ref(),
        tokens: &tokens,
        unheeded: &unheeded,
    })?;
    let parts = Parts {
        storage: storage.clone(),
        tokens: Arc::clone(&tokens),
        providers,
        plugins: Arc::clone(&plugins),
        clock: Arc::clone(&clock),
        randomness: Arc::new(SystemRandomness),
        observer,
    };
    let flows = Arc::new(Flows::new(settings.flows.clone(), parts));
    let demo_services =
        settings.dev.then(|| settings.plugins.services.iter().map(|(name, _)| name.clone()).collect());
    let stopping = Stopping::default();
    let http = HttpSettings {
        trusted_proxies: settings.trusted_proxies.clone(),
        address_rates: settings.address_rates,
        demo_services,
        tracer: settings.traces.as_ref().map(|_| Arc::new(HttpTracer::default()) as Arc<dyn RequestTracer>),
        access_log: access_log.clone(),
        stopping: stopping.clone(),
    };
    let endpoint = vestibule_http::endpoint(flows, http, metrics.clone(), Arc::new(SystemRandomness));
    let chores = background_tasks::start(keys.folder, &tokens, &storage, &clock, settings.audit_retention);
    let telling = tokio::spawn(logging::report_lost_lines(access_log));
    let trail = Trail::new(&storage, &clock);
    let reloading = reload::start(&plugins, sources, settings.listen, trail.clone());
    let identify = |event: AuditEvent| {
        let event =
            event.with("version", env!("CARGO_PKG_VERSION")).with("listen", settings.listen.to_string());
        event.with("signing", tokens.signing_key_id())
    };
    trail.tell(AuditName::ServiceStarted, Actor::Service, identify).await;
    let https = settings.flows.external_address.origin().is_https();
    let refusals = || Refusals::new(https, Arc::new(SystemRandomness));
    let admin = admin.map(|socket| tokio::spawn(listeners::serve_admin(socket, metrics.clone(), refusals())));
    // Until here a signal ends the program at once: nothing is under way.
    let ending = Ending::listen(settings.drain_delay, stopping.clone())?;
    let max_connections = descriptors.affordable(settings.max_connections);
    let clients = Clients { max_connections, proxies: settings.trusted_proxies };
    let answers = Answers { endpoint, refusals: refusals(), stopping };
    listeners::serve(listener, answers, clients, ending, metrics).await;
    if let Some(admin) = admin {
        admin.abort();
    }
    chores.stop();
    reloading.abort();
    telling.abort();
    trail.tell(AuditName::ServiceStopped, Actor::Service, identify).await;
    close_plugins(plugins).await;
    if let Some(emulator) = emulator {
        emulator.stop().await?;
    }
    Ok(())
}

/// On a thread that may wait: in development a key may have to be made, which takes a while.
async fn load_keys_aside(settings: &Settings, now: Timestamp) -> Result<LoadedKeys, CommandError> {
    let (source, dev) = (settings.keys.clone(), settings.dev);
    let loading = tokio::task::spawn_blocking(move || load_keys(&source, now, dev));
    loading.await.map_err(CommandError::while_doing("the keys"))?
}

fn make_tokens(settings: &Settings, ring: KeyRing, clock: &Arc<dyn Clock>) -> Arc<TokenService> {
    let token_settings = TokenSettings {
        issuer: settings.flows.external_address.issuer().to_owned(),
        user_token_ttl: settings.flows.session_ttl,
        permission_token_ttl: settings.permission_token_ttl,
    };
    let randomness: Arc<dyn Randomness> = Arc::new(SystemRandomness);
    Arc::new(TokenService::new(ring, token_settings, Arc::clone(clock), randomness))
}

/// Gives the plugins a moment to put their affairs in order.
async fn close_plugins(plugins: Arc<PluginHost>) {
    match tokio::task::spawn_blocking(move || plugins.close(PLUGIN_GRACE)).await {
        Ok(unfinished) if unfinished.is_empty() => {}
        Ok(unfinished) => {
            tracing::warn!(plugins = unfinished.join(", "), "plugins are still at work and are left behind");
        }
        Err(error) => tracing::error!(%error, "the plugins were not closed"),
    }
}

/// In the order in which people see them: Google, GitHub, then the others by name.
pub(crate) fn make_providers(
    settings: &ProviderSettings,
    clock: &Arc<dyn Clock>,
    limit: ExchangeLimit,
    observer: Option<&Arc<dyn UpstreamObserver>>,
) -> Result<Providers, CommandError> {
    let client = OutboundClient::new().map_err(CommandError::while_doing("the client for providers"))?;
    let client = client.limited_to(limit);
    let client = |name: &ProviderName| match observer {
        Some(observer) => client.observed_for(name, Arc::clone(observer)),
        None => client.clone(),
    };
    let oidc = |settings: &OidcSettings| {
        OidcProvider::new(settings.clone(), client(&settings.name), Arc::clone(clock))
            .map(|provider| Arc::new(provider) as Arc<dyn Provider>)
    };
    let github = |settings: &GithubSettings| {
        GithubProvider::new(settings.clone(), client(&GithubSettings::name()))
            .map(|provider| Arc::new(provider) as Arc<dyn Provider>)
    };
    let all = settings
        .google
        .iter()
        .map(oidc)
        .chain(settings.github.iter().map(github))
        .chain(settings.others.iter().map(oidc));
    let providers = all.collect::<Result<_, _>>().map_err(CommandError::new)?;
    Providers::new(providers).map_err(CommandError::while_doing("the providers"))
}
