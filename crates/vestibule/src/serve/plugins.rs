//! The plugins of a service that runs.

use std::sync::Arc;
use std::time::Duration;

use vestibule_metrics::Metrics;
use vestibule_plugin_host::{
    CallObserver, ChildProgram, HostParts, LoadError, LoadFault, PluginHost, PluginPlan,
};

use crate::error::CommandError;
use crate::settings::Sources;
use crate::settings::table::{ALLOWED_SERVICES, INSTALLED_EXTENSIONS, PLUGIN_PATH, TOKEN_HANDLERS};

/// What a plugin's process is started with as its first argument; [`crate::main`] looks for it before anything else.
pub(crate) const PLUGIN_PROCESS: &str = "plugin-process";

/// How long plugins have when the service ends.
const GRACE: Duration = Duration::from_secs(1);

/// Loads the plugins, on a thread that may block.
pub(super) async fn load(plan: &PluginPlan, metrics: &Metrics) -> Result<Arc<PluginHost>, CommandError> {
    let (plan, parts) = (plan.clone(), host_parts(metrics.plugins.clone()));
    let loading = tokio::task::spawn_blocking(move || {
        PluginHost::load(&plan, parts).map_err(|error| describe_load_error(&plan, &error))
    });
    let loaded = loading.await.map_err(CommandError::while_doing("loading the plugins"))?;
    let host = loaded.map(Arc::new)?;
    metrics.watch_plugins(&host);
    Ok(host)
}

/// Ends the plugins, for which they have a moment.
pub(super) async fn close(plugins: Arc<PluginHost>) {
    match tokio::task::spawn_blocking(move || plugins.close(GRACE)).await {
        Ok(unfinished) if unfinished.is_empty() => {}
        Ok(unfinished) => {
            tracing::warn!(plugins = unfinished.join(", "), "plugins are still at work and are left behind");
        }
        Err(error) => tracing::error!(%error, "the plugins were not closed"),
    }
}

/// Why a plugin cannot be used, under the name of the setting that asks for it.
pub(crate) fn describe_load_error(plan: &PluginPlan, error: &LoadError) -> CommandError {
    let alias = error.alias().unwrap_or_default();
    let list = if plan.services.iter().any(|(_, spec)| spec.alias == alias) {
        ALLOWED_SERVICES.name()
    } else if plan.token_handlers.iter().any(|spec| spec.alias == alias) {
        TOKEN_HANDLERS.name()
    } else {
        INSTALLED_EXTENSIONS.name()
    };
    match error.fault() {
        LoadFault::NotFound { .. } => {
            let path = PLUGIN_PATH.name();
            CommandError::new(format_args!("{list}: {error}; {path} names the folders that are searched"))
        }
        LoadFault::Pin { .. } => CommandError::new(format_args!("[plugin.{alias}] sha256: {error}")),
        _ => CommandError::new(format_args!("{list}: {error}")),
    }
}

/// What plugins are loaded with, by the service and by the commands.
pub(crate) fn host_parts(observer: Arc<dyn CallObserver>) -> HostParts {
    HostParts { child: this_program(&[PLUGIN_PROCESS]), environment: Sources::environment(), observer }
}

/// The running program with these arguments, also if another version has replaced its file by now.
pub(crate) fn this_program(arguments: &[&str]) -> ChildProgram {
    let running = std::path::Path::new("/proc/self/exe");
    let path = if running.exists() { Ok(running.to_owned()) } else { std::env::current_exe() };
    let arguments = arguments.iter().map(Into::into).collect();
    ChildProgram { path: path.unwrap_or_default(), arguments }
}
