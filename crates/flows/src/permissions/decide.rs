//! What may this person do at a service? The answer is a signed permission token.

use std::sync::Arc;

use serde_json::{Map, Value};
use vestibule_domain::{Actor, AuditEvent, AuditName, ServiceName, UserContext, UserId};
use vestibule_plugin_host::{CallFailure, PermissionRequest};
use vestibule_storage::log_audit_event;
use vestibule_tokens::{PermissionHolder, PermissionToken, SignError};

use super::token_cache::Narrowing;
use crate::{Authentication, AuthorizationResult, FlowError, Flows, IssuedToken, PermissionError, Principal};

/// The answer to a request for permissions.
#[derive(Debug)]
pub enum PermissionDecision {
    /// The permissions, and a token that carries them.
    Granted(Arc<PermissionGrant>),
    /// Nobody is signed in, or the service is not one of ours: no permissions and no token.
    Nothing,
}

/// What a person may do at a service. The same one is given again while nothing about it changes.
#[derive(Debug)]
pub struct PermissionGrant {
    /// The token that proves it.
    pub token: PermissionToken,
    /// Whose it is.
    pub user_id: UserId,
    /// What the service's plugin answered.
    pub permissions: Map<String, Value>,
    /// The service, under the name that the client used.
    pub service: ServiceName,
}

impl Flows {
    /// Asks the service's plugin, unless it lets an answer of this session be used again, and signs its answer. Fails closed:
    /// when the plugin does not answer there is no token, never one with an empty set.
    ///
    /// The credentials are looked at only for a service that is configured.
    pub async fn authorize_service(
        &self,
        authentication: impl Future<Output = Result<Authentication, FlowError>>,
        service: Option<&str>,
    ) -> Result<PermissionDecision, FlowError> {
        let service = service.and_then(|name| self.find_service(name));
        let outcome = match &service {
            Some(service) => self.authorize_known(authentication, service).await,
            None => Ok(PermissionDecision::Nothing),
        };
        let result = AuthorizationResult::of(&outcome, service.is_some());
        self.dependencies.observer.authorized(service.as_ref(), result);
        outcome
    }

    async fn authorize_known(
        &self,
        authentication: impl Future<Output = Result<Authentication, FlowError>>,
        service: &ServiceName,
    ) -> Result<PermissionDecision, FlowError> {
        let Some(principal) = authentication.await?.into_principal() else {
            return Ok(PermissionDecision::Nothing);
        };
        // The service is not among those that the credential was lent for.
        if !principal.fits(service.as_str()) {
            return Ok(PermissionDecision::Nothing);
        }
        self.admit_authorization(&principal.user().id)?;
        let permissions = principal.lent(self.ask_permissions(&principal, service).await?);
        let grant = self.sign_or_reuse(principal, service, permissions).await?;
        Ok(grant.map_or(PermissionDecision::Nothing, PermissionDecision::Granted))
    }

    /// The services that tokens are made for are those of the settings, and no others.
    pub(crate) fn find_service(&self, name: &str) -> Option<ServiceName> {
        ServiceName::parse(name).ok().filter(|service| self.dependencies.plugins.offers(service))
    }

    async fn ask_permissions(
        &self,
        principal: &Principal,
        service: &ServiceName,
    ) -> Result<Map<String, Value>, FlowError> {
        if principal.is_foreign() {
            // The service knows nothing more of it.
            return self.ask_plugin(principal, service, Some(&UserContext::default())).await;
        }
        if self.dependencies.plugins.wants_identities(service) {
            // In a box: it is large, and most plugins do not want it.
            Box::pin(self.ask_with_identities(principal, service)).await
        } else {
            self.ask_plugin(principal, service, None).await
        }
    }

    async fn ask_with_identities(
        &self,
        principal: &Principal,
        service: &ServiceName,
    ) -> Result<Map<String, Value>, FlowError> {
        let find_user_context = || self.dependencies.storage.find_user_context(&principal.user().id);
        let before = find_user_context().await?;
        let answer = self.ask_plugin(principal, service, Some(&before)).await?;
        // INVARIANT: no token is given for an identity or a role that was taken away while the plugin thought about it.
        let after = find_user_context().await?;
        if after == before { Ok(answer) } else { self.ask_plugin(principal, service, Some(&after)).await }
    }

    async fn ask_plugin(
        &self,
        principal: &Principal,
        service: &ServiceName,
        user_context: Option<&UserContext>,
    ) -> Result<Map<String, Value>, FlowError> {
        let request = PermissionRequest {
            service,
            user: principal.user(),
            provider_id: principal.provider_id(),
            session: principal.asker(),
            user_context,
            memo: principal.context_memo(),
        };
        self.dependencies.plugins.permissions(&request).await.map_err(|failure| match failure {
            CallFailure::Denied(_) => {
                self.tell_of_denial(principal, service);
                PermissionError::Denied.into()
            }
            other => PermissionError::Unavailable(other).into(),
        })
    }

    /// In the log alone: a person who is denied may ask any number of times, and the database must not grow from it.
    fn tell_of_denial(&self, principal: &Principal, service: &ServiceName) {
        let user = &principal.user().id;
        let event = AuditEvent::new(
            AuditName::AccessDenied,
            Actor::User(user.clone()),
            self.dependencies.clock.now(),
        );
        let event = event.for_user(user).refused("denied_by_plugin");
        let event = match principal.session() {
            Some(session) => event.in_session(&session.id),
            None => event,
        };
        log_audit_event(&event.with_detail("service", service.as_str()));
    }

    /// A token, if the person is still signed in after the wait for the plugin and after the wait for a signature; else `None`.
    async fn sign_or_reuse(
        &self,
        principal: Principal,
        service: &ServiceName,
        permissions: Map<String, Value>,
    ) -> Result<Option<Arc<PermissionGrant>>, FlowError> {
        let Some(principal) = self.refresh(principal).await? else { return Ok(None) };
        let user = &principal.user().id;
        let narrowing = Narrowing::of(&principal);
        if let Some(earlier) = self.find_earlier(user, service, &narrowing, &permissions) {
            self.dependencies.observer.token_issued(IssuedToken::ReusedPermission);
            return Ok(Some(earlier));
        }
        let (tokens, is_role_account) = (&self.dependencies.tokens, principal.is_role_account());
        let holder = PermissionHolder { user, is_role_account, ends_at: principal.ends_at() };
        let token = match tokens.issue_permission_token_queued(&holder, service, &permissions).await {
            // The credential ends before a whole second has passed.
            Err(SignError::Ended) => return Ok(None),
            token => token?,
        };
        let Some(principal) = self.refresh(principal).await? else { return Ok(None) };
        self.dependencies.observer.token_issued(IssuedToken::SignedPermission);
        let (user_id, service) = (principal.user().id.clone(), service.clone());
        let grant = Arc::new(PermissionGrant { token, user_id, permissions, service });
        if self.settings.permission_token_reuse {
            self.token_cache.insert(narrowing, &grant);
        }
        Ok(Some(grant))
    }

    fn find_earlier(
        &self,
        user: &UserId,
        service: &ServiceName,
        narrowing: &Narrowing,
        permissions: &Map<String, Value>,
    ) -> Option<Arc<PermissionGrant>> {
        if !self.settings.permission_token_reuse {
            return None;
        }
        let (keys, now) = (self.dependencies.tokens.published_keys(), self.dependencies.clock.now());
        self.token_cache.find((user, service, narrowing), permissions, &keys.signing_key_id, now)
    }
}
