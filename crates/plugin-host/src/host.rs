//! All plugins of the service.

use std::collections::BTreeMap;
use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

use serde_json::{Map, Value};
use vestibule_domain::{ServiceName, User};

use crate::error::LoadError;
use crate::failure::{CallFailure, FailureKind};
use crate::hooks::{self, Hook, HookOutcome};
use crate::instance::Instance;
use crate::loader::{Loader, Role};
use crate::observer::{CallObserver, NoObserver, Operation};
use crate::question::Question;
use crate::{InstanceSpec, Isolation, PluginPath, describe};

/// Who wants permissions, and where.
#[derive(Clone, Copy)]
pub struct PermissionRequest<'a> {
    /// The service that the token is for.
    pub service: &'a ServiceName,
    /// The user.
    pub user: &'a User,
    /// The identity that the user came with.
    pub provider_id: &'a str,
}

/// What is known about one instance.
#[derive(Debug, Clone)]
pub struct PluginInfo {
    /// The name that logs and metrics know it by; for a permission provider, the service.
    pub alias: String,
    /// The plugin's own name.
    pub name: String,
    /// The plugin's version.
    pub version: String,
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

/// All plugins of the service, loaded and able to work.
///
/// Dropping it lets the threads end and unloads nothing; see the crate's documentation for how a process ends.
pub struct PluginHost {
    services: BTreeMap<ServiceName, Instance>,
    extensions: Vec<Instance>,
}

impl PluginHost {
    /// Loads every plugin that is configured, or says which one cannot be and why: its alias, its file, the reason.
    ///
    /// The order of the extensions is the order in which they hear of events.
    pub fn load(
        path: &PluginPath,
        services: Vec<(ServiceName, InstanceSpec)>,
        extensions: Vec<InstanceSpec>,
        observer: Arc<dyn CallObserver>,
    ) -> Result<Self, LoadError> {
        let mut loader = Loader::new(path, observer);
        let (names, specs): (Vec<_>, Vec<_>) = services.into_iter().unzip();
        let providers = loader.start_all(specs, Role::Permissions)?;
        let extensions = loader.start_all(extensions, Role::Extension)?;
        Ok(Self { services: names.into_iter().zip(providers).collect(), extensions })
    }

    /// Says whether [`PluginHost::load`] would get as far as making instances: files, pins and what each plugin provides.
    pub fn check(
        path: &PluginPath,
        services: &[(ServiceName, InstanceSpec)],
        extensions: &[InstanceSpec],
    ) -> Result<(), LoadError> {
        let mut loader = Loader::new(path, Arc::new(NoObserver));
        loader.check_all(services.iter().map(|(_, spec)| spec), Role::Permissions)?;
        loader.check_all(extensions.iter(), Role::Extension)
    }

    /// Whether a plugin answers for this service.
    pub fn offers(&self, service: &ServiceName) -> bool {
        self.services.contains_key(service)
    }

    /// What the user may do at the service, asked afresh. Anything but an answer is a failure, never an empty object.
    pub async fn permissions(
        &self,
        request: &PermissionRequest<'_>,
    ) -> Result<Map<String, Value>, CallFailure> {
        let provider = self.services.get(request.service).ok_or(CallFailure::UnknownService)?;
        let question = Question::Permissions {
            service: request.service.as_str().to_owned(),
            user_id: request.user.id.as_str().to_owned(),
            context_json: describe::permission_context(request.user, request.provider_id),
        };
        answer_of(provider, question).await
    }

    /// What the user may do at the service and why, in the plugin's own words; `None` when the plugin does not explain.
    pub async fn explain(
        &self,
        request: &PermissionRequest<'_>,
    ) -> Result<Option<Map<String, Value>>, CallFailure> {
        let provider = self.services.get(request.service).ok_or(CallFailure::UnknownService)?;
        if !provider.provides(Operation::Explain) {
            return Ok(None);
        }
        let question = Question::Explain {
            service: request.service.as_str().to_owned(),
            user_id: request.user.id.as_str().to_owned(),
            context_json: describe::permission_context(request.user, request.provider_id),
        };
        answer_of(provider, question).await.map(Some)
    }

    /// Tells the extensions of an event. Each sees the user as the earlier ones left it.
    pub async fn run_hook(&self, hook: Hook, user: User, provider_id: &str) -> HookOutcome {
        hooks::run(&self.extensions, hook, user, provider_id).await
    }

    /// What is loaded: the providers by the names of their services, then the extensions in their order.
    pub fn list(&self) -> Vec<PluginInfo> {
        self.instances().map(describe_instance).collect()
    }

    /// What keeps a plugin from working, if anything. Never waits: a plugin that is asked about its health answers the next
    /// inquiry.
    pub fn health(&self) -> Result<(), String> {
        let unwell: Vec<_> = self.instances().filter_map(|instance| instance.health().err()).collect();
        if unwell.is_empty() { Ok(()) } else { Err(unwell.join("; ")) }
    }

    /// Takes no more calls, waits for those that run and for the plugins' own clean-up, but no longer than `grace`, and
    /// names those that did not come to an end. Blocks its thread.
    pub fn close(&self, grace: Duration) -> Vec<String> {
        let until = Instant::now() + grace;
        self.instances().for_each(Instance::close);
        let unfinished = self.instances().filter(|instance| !instance.wait_until_ended(until));
        unfinished.map(|instance| instance.alias().to_owned()).collect()
    }

    fn instances(&self) -> impl Iterator<Item = &Instance> {
        self.services.values().chain(&self.extensions)
    }
}

async fn answer_of(provider: &Instance, question: Question) -> Result<Map<String, Value>, CallFailure> {
    let settings = provider.settings();
    let answer = provider.ask(question, Instant::now() + settings.timeout, settings.may_deny).await?;
    answer
        .ok_or_else(|| CallFailure::Failed { alias: provider.alias().to_owned(), kind: FailureKind::NoReply })
}

fn describe_instance(instance: &Instance) -> PluginInfo {
    let description = instance.description();
    PluginInfo {
        alias: instance.alias().to_owned(),
        name: description.name.clone(),
        version: description.version.clone(),
        file: description.file.clone(),
        sha256: hex::encode(description.sha256),
        isolation: instance.settings().isolation,
        capabilities: description.provides.iter().map(|operation| operation.as_str()).collect(),
        build_info: description.build_info.clone(),
    }
}

impl fmt::Debug for PluginHost {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_list().entries(self.instances().map(Instance::alias)).finish()
    }
}
