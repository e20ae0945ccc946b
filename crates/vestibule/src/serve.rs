//! `vestibule serve`: makes the parts of a service, opens the listeners, and closes everything again.

mod audit;
mod background_tasks;
mod components;
mod descriptors;
mod development;
mod ignored;
mod keys;
mod listeners;
mod plugins;
mod providers;
mod reload;
mod report;
mod shutdown;
mod storage;

use std::sync::Arc;
use std::time::Duration;

use tokio::net::TcpListener;
use vestibule_domain::{Actor, AuditEvent, AuditName, SystemRandom};
use vestibule_http::{Refusals, Shutdown};

use crate::error::CommandError;
use crate::logging;
use crate::preflight;
use crate::settings::table::{ADMIN_LISTEN, LISTEN};
use crate::settings::{Settings, Sources};
use crate::telemetry::{SpanCounts, Telemetry};

use audit::AuditTrail;
use background_tasks::BackgroundTasks;
use components::Components;
use listeners::{ClientLimits, PoemHandler};
use report::Report;
use shutdown::ShutdownSignal;

pub(crate) use descriptors::Descriptors;
pub(crate) use keys::load as load_keys;
pub(crate) use plugins::{PLUGIN_PROCESS, describe_load_error, host_parts, this_program};
pub(crate) use providers::make as make_providers;
pub(crate) use reload::request_reload;
pub(crate) use report::describe_trust;
pub(crate) use storage::connect as connect_storage;

/// How long blocking calls of plugins have when the service ends.
const BLOCKING_GRACE: Duration = Duration::from_secs(1);

/// Runs until a signal ends it.
pub(crate) fn run(sources: &Sources) -> Result<(), CommandError> {
    let settings = Settings::read(sources).map_err(|error| preflight::complete(sources, error))?;
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
    if let Err(error) = &outcome {
        error.print();
    }
    runtime.shutdown_timeout(BLOCKING_GRACE);
    logging::flush();
    // Plugins may have threads of their own that still run: no destructor of a library may run under them.
    vestibule_plugin_host::exit_now(i32::from(outcome.is_err()))
}

/// The sockets of the service. Listening comes last, but whether it is possible is worth knowing first.
struct Sockets {
    service: TcpListener,
    admin: Option<TcpListener>,
}

impl Sockets {
    fn bind(settings: &Settings) -> Result<Self, CommandError> {
        let service = listeners::bind(LISTEN.name(), settings.listen)?;
        let admin = settings.admin_listen.map(|address| listeners::bind(ADMIN_LISTEN.name(), address));
        Ok(Self { service, admin: admin.transpose()? })
    }
}

/// What else is wrong, before the error of a start. On a thread that may block: libraries are tried.
async fn complete(sources: &Sources, error: CommandError) -> CommandError {
    let sources = sources.clone();
    let completing = tokio::task::spawn_blocking(move || preflight::complete(&sources, error));
    completing.await.unwrap_or_else(CommandError::new)
}

async fn serve(
    mut settings: Settings,
    sources: &Sources,
    spans: Option<Arc<SpanCounts>>,
) -> Result<(), CommandError> {
    let sockets = Sockets::bind(&settings)?;
    let components = match Components::make(&mut settings, spans).await {
        Ok(components) => components,
        Err(error) => return Err(complete(sources, error).await),
    };
    let ignored = ignored::find(&components.storage).await;
    let report = Report { settings: &settings, sources, components: &components, ignored: &ignored };
    report.print().await;
    let audit = AuditTrail::new(&components.storage, &components.clock);
    let stopping = Shutdown::default();
    let endpoint = components.make_endpoint(&settings, &stopping);
    let mut tasks = BackgroundTasks::start(&components, settings.audit_retention, &audit);
    tasks.add(reload::run(&components.plugins, sources, settings.listen, audit.clone()));
    let identify = |event: AuditEvent| {
        let event = event.with_detail("version", env!("CARGO_PKG_VERSION"));
        let event = event.with_detail("listen", settings.listen.to_string());
        event.with_detail("signing", components.tokens.signing_key_id())
    };
    audit.record(AuditName::ServiceStarted, Actor::Service, identify).await;
    let https = settings.flows.external_address.origin().is_https();
    let refusals = || Refusals::new(https, Arc::new(SystemRandom));
    let metrics = &components.metrics;
    if let Some(socket) = sockets.admin {
        tasks.add(listeners::serve_admin(socket, metrics.clone(), components.arrivals.clone(), refusals()));
    }
    // Before this, a signal ends the program at once: no request is under way.
    let shutdown = ShutdownSignal::listen(settings.drain_delay, stopping.clone())?;
    let max_connections = components.descriptors.affordable(settings.max_connections);
    let clients = ClientLimits { max_connections, proxies: settings.trusted_proxies.clone() };
    if settings.dev {
        tracing::info!("open {} in a browser", settings.flows.external_address.origin());
    }
    let handler = PoemHandler { endpoint, refusals: refusals(), stopping };
    listeners::serve(sockets.service, handler, clients, shutdown, metrics.connections.clone()).await;
    tasks.stop();
    audit.record(AuditName::ServiceStopped, Actor::Service, identify).await;
    components.close().await
}
