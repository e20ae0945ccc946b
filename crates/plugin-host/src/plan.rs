//! What is to be loaded, and what loading needs.

use std::sync::Arc;

use vestibule_domain::ServiceName;

use crate::{CallObserver, ChildProgram, Environment, InstanceSpec, PluginPath};

/// Which plugins are to be loaded, and from where. Another plan can take its place while the service runs.
#[derive(Debug, Clone, Default)]
pub struct PluginPlan {
    /// Where libraries are.
    pub path: PluginPath,
    /// Who answers for which service.
    pub services: Vec<(ServiceName, InstanceSpec)>,
    /// Who hears of events, in this order.
    pub extensions: Vec<InstanceSpec>,
    /// Who is asked about bearer tokens that are not ours, in this order.
    pub token_handlers: Vec<InstanceSpec>,
}

/// What the host works with, for as long as it lives.
#[derive(Clone)]
pub struct HostParts {
    /// The program that plugins run in when they have a process of their own, and in which every library is tried first.
    pub child: ChildProgram,
    /// Where configurations find the variables that they refer to.
    pub environment: Arc<dyn Environment>,
    /// Hears of calls.
    pub observer: Arc<dyn CallObserver>,
}
