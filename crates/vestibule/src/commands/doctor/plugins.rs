//! The plugins: each is loaded as `serve` would load it, by itself, so that one that fails hides no other, and asked about its health.

use std::sync::Arc;
use std::time::Duration;

use tokio::runtime::Handle;
use tokio::task::JoinHandle;
use tokio::time::timeout;
use vestibule_plugin_host::{Health, InstanceSpec, LoadError, NoObserver, PluginHost, PluginPlan};

use super::findings::{Check, Findings};
use crate::serve::{describe_load_error, host_parts};
use crate::settings::Understood;

const CHECK: Check = Check::Plugin;
/// How long a plugin may take to be loaded and to make its instance, as at a start.
const LOAD_LIMIT: Duration = Duration::from_secs(65);
/// How long it has to clean up.
const GRACE: Duration = Duration::from_secs(1);

/// What came of loading a plugin.
struct Loaded {
    what: String,
    health: Health,
}

pub(super) async fn look(settings: &Understood) -> Findings {
    let mut findings = Findings::default();
    let looks: Vec<_> = one_each(&settings.plugins).map(begin).collect();
    for look in looks {
        finish(&mut findings, look).await;
    }
    findings
}

/// A plan for each instance.
fn one_each(plan: &PluginPlan) -> impl Iterator<Item = (InstanceSpec, PluginPlan)> {
    let nothing = || PluginPlan { path: plan.path.clone(), ..PluginPlan::default() };
    let services = plan
        .services
        .iter()
        .map(move |one| (one.1.clone(), PluginPlan { services: vec![one.clone()], ..nothing() }));
    let extensions = plan
        .extensions
        .iter()
        .map(move |one| (one.clone(), PluginPlan { extensions: vec![one.clone()], ..nothing() }));
    let handlers = plan
        .token_handlers
        .iter()
        .map(move |one| (one.clone(), PluginPlan { token_handlers: vec![one.clone()], ..nothing() }));
    services.chain(extensions).chain(handlers)
}

struct Look {
    spec: InstanceSpec,
    plan: PluginPlan,
    loading: JoinHandle<Result<Loaded, LoadError>>,
}

fn begin((spec, plan): (InstanceSpec, PluginPlan)) -> Look {
    let alone = plan.clone();
    Look { spec, plan, loading: tokio::task::spawn_blocking(move || load(&alone)) }
}

/// On a thread that may block: also the answer may come on it, from a plugin that has no threads of its own.
fn load(plan: &PluginPlan) -> Result<Loaded, LoadError> {
    let host = PluginHost::load(plan, host_parts(Arc::new(NoObserver)))?;
    let what: Vec<_> =
        host.list().iter().map(|plugin| format!("{} {}", plugin.name, plugin.version)).collect();
    let health =
        Handle::current().block_on(host.ask_health()).pop().map_or(Health::Unstated, |(_, health)| health);
    host.close(GRACE);
    Ok(Loaded { what: what.join(", "), health })
}

async fn finish(findings: &mut Findings, Look { spec, plan, loading }: Look) {
    let (alias, isolation) = (&spec.alias, spec.settings.isolation.as_str());
    let Ok(Ok(outcome)) = timeout(LOAD_LIMIT + spec.settings.timeout, loading).await else {
        let mending = "it hangs; with isolation = \"process\" it could be ended";
        return findings.failure(CHECK, alias, "it did not come back when it was loaded and asked", mending);
    };
    match outcome {
        Err(error) => {
            let mistake = describe_load_error(&plan, &error).to_string();
            findings.failure(CHECK, alias, mistake, "`vestibule serve` does not start with it");
        }
        Ok(Loaded { what, health: Health::Well }) => {
            findings.ok(
                CHECK,
                alias,
                format_args!("{what} is loaded (isolation {isolation}) and able to work"),
            );
        }
        Ok(Loaded { what, health: Health::Unstated }) => {
            findings.ok(CHECK, alias, format_args!("{what} is loaded (isolation {isolation})"));
        }
        Ok(Loaded { what, health: Health::Unwell(reason) }) => {
            let message = format_args!("{what} is loaded, and not able to work: {reason}");
            let mending =
                "see what it depends on; until then /readyz says no, and what it decides is refused";
            findings.failure(CHECK, alias, message, mending);
        }
    }
}
