//! All plugins of the service.

use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use arc_swap::ArcSwap;
use serde_json::{Map, Value};
use vestibule_domain::{PatchError, ServiceName, SessionId, User, UserContext, UserId};

use crate::checkup::{self, Health};
use crate::describe::ContextMemo;
use crate::error::LoadError;
use crate::failure::CallFailure;
use crate::gauges::PluginGauges;
use crate::hooks::{self, Hook, HookOutcome};
use crate::instance::Instance;
use crate::loaded::{Loaded, PluginInfo};
use crate::loader::{Libraries, Loader, PluginKind};
use crate::plan::{HostParts, PluginPlan};
use crate::tokens::{self, TokenOutcome, TokenQuestion};

/// Who wants permissions, and where.
#[derive(Clone, Copy)]
pub struct PermissionRequest<'a> {
    /// The service that the token is for.
    pub service: &'a ServiceName,
    /// The user.
    pub user: &'a User,
    /// The identity that the user came with, if a person came.
    pub provider_id: Option<&'a str>,
    /// The session that the user came with. An answer that was given in one session is not used in another, so that it is
    /// gone at a sign-out also where another process has served that.
    pub session: Option<&'a SessionId>,
    /// What is known of the user's identities, for a plugin that [wants it](PluginHost::wants_identities); no other is
    /// told.
    pub user_context: Option<&'a UserContext>,
    /// Where the context without identities is kept between requests. It belongs to this user and this identity alone.
    pub memo: Option<&'a ContextMemo>,
}

/// All plugins of the service, loaded and able to work.
///
/// Dropping it lets the threads end and unloads nothing; see the crate's documentation for how a process ends.
pub struct PluginHost {
    parts: HostParts,
    libraries: Libraries,
    loaded: ArcSwap<Loaded>,
    /// Held by the one who reloads.
    reloading: Mutex<()>,
}

impl PluginHost {
    /// Loads every plugin of the plan, or says which one cannot be and why: its alias, its file, the reason. Blocks its
    /// thread, which must belong to a runtime if a plugin is to have a process of its own.
    pub fn load(plan: &PluginPlan, parts: HostParts) -> Result<Self, LoadError> {
        let libraries = Libraries::default();
        let loaded = ArcSwap::from_pointee(Loaded::load(plan, &parts, &libraries)?);
        Ok(Self { parts, libraries, loaded, reloading: Mutex::new(()) })
    }

    /// Puts another plan in the place of the present one, with whatever the files hold by now. Calls that are under way are
    /// finished by the instances that they began with; if anything of the plan cannot be loaded, all stays as it was.
    /// Blocks its thread, as [`PluginHost::load`] does.
    pub fn reload(&self, plan: &PluginPlan) -> Result<(), LoadError> {
        let _one_at_a_time = self.reloading.lock().unwrap_or_else(PoisonError::into_inner);
        let loaded = Loaded::load(plan, &self.parts, &self.libraries)?;
        // The last call that holds the earlier instances lets them end.
        self.loaded.store(Arc::new(loaded));
        Ok(())
    }

    /// Says whether [`PluginHost::load`] would get as far as making instances: files, pins, what each plugin provides, and
    /// its configuration. Answers what is wrong with each that cannot be used. Blocks its thread.
    pub fn check(plan: &PluginPlan, parts: &HostParts) -> Vec<LoadError> {
        let libraries = Libraries::default();
        let mut loader = Loader::new(&plan.path, parts, &libraries);
        let mut errors =
            loader.check_all(plan.services.iter().map(|(_, spec)| spec), PluginKind::Permissions);
        errors.extend(loader.check_all(plan.extensions.iter(), PluginKind::Extension));
        errors.extend(loader.check_all(plan.token_handlers.iter(), PluginKind::TokenHandler));
        errors
    }

    /// Whether a plugin answers for this service.
    pub fn offers(&self, service: &ServiceName) -> bool {
        self.loaded.load().services.contains_key(service)
    }

    /// Whether the service's plugin decides by more than the user: then a request must carry the user context.
    pub fn wants_identities(&self, service: &ServiceName) -> bool {
        self.loaded.load().services.get(service).is_some_and(|provider| provider.wants_identities())
    }

    /// What the user may do at the service; the plugin says whether its answer may be used again. Anything but an answer is a
    /// failure, never an empty object.
    pub async fn permissions(
        &self,
        request: &PermissionRequest<'_>,
    ) -> Result<Map<String, Value>, CallFailure> {
        let loaded = self.loaded.load_full();
        let provider = loaded.services.get(request.service).ok_or(CallFailure::UnknownService)?;
        provider.permissions(request).await
    }

    /// What the user may do at the service and why, in the plugin's own words; `None` when the plugin does not explain.
    pub async fn explain(
        &self,
        request: &PermissionRequest<'_>,
    ) -> Result<Option<Map<String, Value>>, CallFailure> {
        let loaded = self.loaded.load_full();
        let provider = loaded.services.get(request.service).ok_or(CallFailure::UnknownService)?;
        provider.explain(request).await
    }

    /// Forgets what plugins said about a user: from now on they are asked afresh.
    pub fn forget_user(&self, user: &UserId) {
        self.loaded.load().services.values().for_each(|provider| provider.forget(user));
    }

    /// Forgets the answers about every user, for when it is unknown which users have changed.
    pub fn forget_everybody(&self) {
        self.loaded.load().services.values().for_each(|provider| provider.forget_everybody());
    }

    /// Tells the extensions of an event. Each sees the user as the earlier ones left it.
    pub async fn run_hook(&self, hook: Hook, user: User, provider_id: &str) -> HookOutcome {
        hooks::run(&self.loaded.load_full().extensions, hook, user, provider_id).await
    }

    /// Whether there is anybody to ask about tokens that are not ours.
    pub fn handles_tokens(&self) -> bool {
        !self.loaded.load().token_handlers.is_empty()
    }

    /// Whom a bearer token stands for that is not ours: the handlers are asked in their order until one has an opinion. The caller
    /// sees to it that no token of ours comes here.
    pub async fn resolve_token(&self, question: &TokenQuestion<'_>) -> TokenOutcome {
        tokens::resolve(&self.loaded.load_full().token_handlers, question).await
    }

    /// Notes that a part of what an extension changed could not be kept, because the user was another by then.
    pub fn refuse_patch(&self, alias: &str, error: PatchError) {
        hooks::note_refusals(self.parts.observer.as_ref(), alias, &[error]);
    }

    /// What is loaded: the providers by the names of their services, then the extensions and the token handlers in their order.
    pub fn list(&self) -> Vec<PluginInfo> {
        self.loaded.load().list()
    }

    /// What is true of each instance at this moment, in the order of [`PluginHost::list`].
    pub fn gauges(&self) -> Vec<PluginGauges> {
        self.loaded.load().instances().map(Instance::gauges).collect()
    }

    /// What keeps a plugin from working, if anything. Never waits: a plugin that is asked about its health answers the next
    /// inquiry.
    pub fn health(&self) -> Result<(), String> {
        self.loaded.load().health()
    }

    /// Asks each instance about its health, one after the other, and waits for the answer: of each its alias and what it says.
    pub async fn ask_health(&self) -> Vec<(String, Health)> {
        let loaded = self.loaded.load_full();
        let mut said = Vec::new();
        for instance in loaded.instances() {
            said.push((instance.alias().to_owned(), checkup::ask(instance).await));
        }
        said
    }

    /// Takes no more calls, waits for those that run and for the plugins' own clean-up, but no longer than `grace`, and
    /// names those that did not come to an end. Blocks its thread.
    pub fn close(&self, grace: Duration) -> Vec<String> {
        self.loaded.load().close(Instant::now() + grace)
    }
}

impl fmt::Debug for PluginHost {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_list().entries(self.loaded.load().instances().map(Instance::alias)).finish()
    }
}
