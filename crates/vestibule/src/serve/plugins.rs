//! The plugins of a service that runs.

use std::sync::Arc;

use vestibule_http::Metrics;
use vestibule_plugin_host::{
    CallObserver, ChildProgram, HostParts, LoadError, LoadFault, PluginHost, PluginPlan,
};

use super::observer::{self, PluginObserver};
use crate::error::CommandError;
use crate::settings::Sources;

/// What a plugin's process is started with as its first argument; [`crate::main`] looks for it before anything else.
pub(crate) const PLUGIN_PROCESS: &str = "plugin-process";

/// Loads the plugins. They may take their time, so the runtime goes on meanwhile.
pub(super) async fn load(plan: &PluginPlan, metrics: &Metrics) -> Result<Arc<PluginHost>, CommandError> {
    let (plan, parts) = (plan.clone(), host_parts(Arc::new(PluginObserver::new(metrics.plugins().clone()))));
    let loading = tokio::task::spawn_blocking(move || {
        PluginHost::load(&plan, parts).map_err(|error| unusable(&plan, &error))
    });
    let loaded = loading.await.map_err(CommandError::while_doing("loading the plugins"))?;
    let host = loaded.map(Arc::new)?;
    observer::watch_plugins(metrics.plugins(), &host);
    Ok(host)
}

/// Why a plugin is of no use, behind the setting that asks for it.
pub(crate) fn unusable(plan: &PluginPlan, error: &LoadError) -> CommandError {
    let alias = error.alias().unwrap_or_default();
    let is_service = plan.services.iter().any(|(_, spec)| spec.alias == alias);
    let list = if is_service { "ALLOWED_SERVICES" } else { "INSTALLED_EXTENSIONS" };
    match error.fault() {
        LoadFault::NotFound { .. } => CommandError::new(format_args!(
            "{list}: {error}; PLUGIN_PATH names the folders that are searched"
        )),
        LoadFault::Pin { .. } => CommandError::new(format_args!("[plugin.{alias}] sha256: {error}")),
        _ => CommandError::new(format_args!("{list}: {error}")),
    }
}

/// What plugins are loaded with, whatever for.
pub(crate) fn host_parts(observer: Arc<dyn CallObserver>) -> HostParts {
    HostParts { child: this_program(&[PLUGIN_PROCESS]), environment: Sources::environment(), observer }
}

/// The program that runs, also when another version has taken its place on the disk by now, with these arguments.
pub(crate) fn this_program(arguments: &[&str]) -> ChildProgram {
    let running = std::path::Path::new("/proc/self/exe");
    let path = if running.exists() { Ok(running.to_owned()) } else { std::env::current_exe() };
    let arguments = arguments.iter().map(Into::into).collect();
    ChildProgram { path: path.unwrap_or_default(), arguments }
}
