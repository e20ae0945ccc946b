//! The instances of one plan.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Instant;

use vestibule_domain::ServiceName;

use crate::Isolation;
use crate::error::LoadError;
use crate::instance::Instance;
use crate::loader::{Libraries, Loader, PluginKind};
use crate::plan::{HostParts, PluginPlan};
use crate::tokens::TokenHandler;

/// What is known about one instance.
#[derive(Debug, Clone)]
pub struct PluginInfo {
    /// The name that logs and metrics know it by; for a permission provider, the service.
    pub alias: String,
    /// The plugin's own name.
    pub name: String,
    /// The plugin's version.
    pub version: String,
    /// The version of the ABI that it needs: major, minor.
    pub abi: (u16, u16),
    /// Where it was loaded from.
    pub file: PathBuf,
    /// The SHA-256 of the file, in hexadecimal.
    pub sha256: String,
    /// Where its calls run.
    pub isolation: Isolation,
    /// The operations that it provides, by their names in the ABI.
    pub capabilities: Vec<&'static str>,
    /// How it was built; may be empty.
    pub build_info: String,
}

/// The instances of one plan. A caller of one holds all of them, so that a reload ends none that is being called.
pub(crate) struct Loaded {
    pub(crate) services: BTreeMap<ServiceName, Arc<Instance>>,
    pub(crate) extensions: Vec<Instance>,
    pub(crate) token_handlers: Vec<Arc<TokenHandler>>,
}

impl Loaded {
    pub(crate) fn load(
        plan: &PluginPlan,
        parts: &HostParts,
        libraries: &Libraries,
    ) -> Result<Self, LoadError> {
        let mut loader = Loader::new(&plan.path, parts, libraries);
        let providers =
            loader.start_all(plan.services.iter().map(|(_, spec)| spec), PluginKind::Permissions)?;
        let extensions = loader.start_all(plan.extensions.iter(), PluginKind::Extension)?;
        let handlers = loader.start_all(plan.token_handlers.iter(), PluginKind::TokenHandler)?;
        let names = plan.services.iter().map(|(name, _)| name.clone());
        Ok(Self {
            services: names.zip(providers.into_iter().map(Arc::new)).collect(),
            extensions,
            token_handlers: handlers
                .into_iter()
                .map(|handler| Arc::new(TokenHandler::new(handler)))
                .collect(),
        })
    }

    pub(crate) fn instances(&self) -> impl Iterator<Item = &Instance> {
        let handlers = self.token_handlers.iter().map(|handler| &handler.instance);
        self.services.values().map(Arc::as_ref).chain(&self.extensions).chain(handlers)
    }

    /// The providers by the names of their services, then the extensions and the token handlers in their order.
    pub(crate) fn list(&self) -> Vec<PluginInfo> {
        self.instances().map(describe).collect()
    }

    pub(crate) fn health(&self) -> Result<(), String> {
        let unwell: Vec<_> = self.instances().filter_map(|instance| instance.health().err()).collect();
        if unwell.is_empty() { Ok(()) } else { Err(unwell.join("; ")) }
    }

    /// Closes all, waits, and names those that did not come to an end.
    pub(crate) fn close(&self, until: Instant) -> Vec<String> {
        self.instances().for_each(Instance::close);
        let unfinished = self.instances().filter(|instance| !instance.wait_until_ended(until));
        unfinished.map(|instance| instance.alias().to_owned()).collect()
    }
}

fn describe(instance: &Instance) -> PluginInfo {
    let description = instance.description();
    PluginInfo {
        alias: instance.alias().to_owned(),
        name: description.name.clone(),
        version: description.version.clone(),
        abi: description.abi,
        file: description.file.clone(),
        sha256: hex::encode(description.sha256),
        isolation: instance.settings().isolation,
        capabilities: description.provides.iter().map(|operation| operation.as_str()).collect(),
        build_info: description.build_info.clone(),
    }
}
