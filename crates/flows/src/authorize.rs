//! What may this person do at a service? The answer is a signed permission token.

use std::pin::pin;
use std::sync::Arc;

use serde_json::{Map, Value};
use vestibule_domain::{Actor, AuditEvent, AuditName, ServiceName, UserContext, UserId};
use vestibule_plugin_host::{CallFailure, PermissionRequest};
use vestibule_storage::{log_audit_event, within_one_limit};
use vestibule_tokens::PermissionToken;

use crate::{AuthorizationResult, FlowError, Flows, IssuedToken, Principal, Written};

/// The answer to a request for permissions.
#[derive(Debug)]
pub enum Authorization {
    /// The permissions, and a token that carries them.
    Granted(Arc<Grant>),
    /// Nobody is signed in, or the service is not one of ours: no permissions and no token.
    Nothing,
}

/// What a person may do at a service. The same one is given again while nothing about it changes.
#[derive(Debug)]
pub struct Grant {
    /// The token that proves it.
    pub token: PermissionToken,
    /// Whose it is.
    pub user_id: UserId,
    /// What the service's plugin answered.
    pub permissions: Map<String, Value>,
    /// The service, under the name that the client used.
    pub service: ServiceName,
    /// How others are told of it.
    pub written: Written,
}

impl Flows {
    /// Asks the service's plugin, unless it lets an answer of this session be used again, and signs its answer. Fails closed:
    /// when the plugin does not answer there is no token, never one with an empty set.
    pub async fn authorize_service(
        &self,
        token: Option<&str>,
        service: Option<&str>,
    ) -> Result<Authorization, FlowError> {
        let service = service.and_then(|name| self.find_service(name));
        let outcome = within_one_limit(pin!(self.authorize_known(token, service.clone()))).await;
        let result = AuthorizationResult::of(&outcome, service.is_some());
        self.parts.observer.authorized(service.as_ref(), result);
        outcome
    }

    async fn authorize_known(
        &self,
        token: Option<&str>,
        service: Option<ServiceName>,
    ) -> Result<Authorization, FlowError> {
        let Some(service) = service else { return Ok(Authorization::Nothing) };
        let Some(principal) = self.authenticate(token).await? else {
            return Ok(Authorization::Nothing);
        };
        self.admit_authorization(&principal.user().id)?;
        let permissions = self.ask_permissions(&principal, &service).await?;
        let grant = self.sign_or_reuse(principal, service, permissions).await?;
        Ok(grant.map_or(Authorization::Nothing, Authorization::Granted))
    }

    /// The services that tokens are made for are those of the settings, and no others.
    fn find_service(&self, name: &str) -> Option<ServiceName> {
        ServiceName::parse(name).ok().filter(|service| self.parts.plugins.offers(service))
    }

    async fn ask_permissions(
        &self,
        principal: &Principal,
        service: &ServiceName,
    ) -> Result<Map<String, Value>, FlowError> {
        if !self.parts.plugins.wants_identities(service) {
            return self.ask_plugin(principal, service, None).await;
        }
        let find_user_context = || self.parts.storage.find_user_context(&principal.user().id);
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
            provider_id: &principal.session().provider_id,
            session: Some(&principal.session().id),
            user_context,
            memo: Some(principal.context_memo()),
        };
        self.parts.plugins.permissions(&request).await.map_err(|failure| match failure {
            CallFailure::Denied(_) => {
                self.tell_of_denial(principal, service);
                FlowError::Denied
            }
            other => FlowError::PermissionsUnavailable(other),
        })
    }

    /// In the log alone: whoever is denied may ask as often as they like.
    fn tell_of_denial(&self, principal: &Principal, service: &ServiceName) {
        let (user, session) = (&principal.user().id, &principal.session().id);
        let event =
            AuditEvent::new(AuditName::AccessDenied, Actor::User(user.clone()), self.parts.clock.now());
        let event = event.about(user).in_session(session).refused("denied_by_plugin");
        log_audit_event(&event.with("service", service.as_str()));
    }

    /// A token for somebody who is still there after the wait for the plugin, and after that for a signature; else `None`.
    async fn sign_or_reuse(
        &self,
        principal: Principal,
        service: ServiceName,
        permissions: Map<String, Value>,
    ) -> Result<Option<Arc<Grant>>, FlowError> {
        let Some(principal) = self.look_again(principal).await? else { return Ok(None) };
        let user = &principal.user().id;
        if let Some(earlier) = self.find_earlier(user, &service, &permissions) {
            self.parts.observer.token_issued(IssuedToken::ReusedPermission);
            return Ok(Some(earlier));
        }
        let token = self.parts.tokens.issue_permission_token_in_turn(user, &service, &permissions).await?;
        let Some(principal) = self.look_again(principal).await? else { return Ok(None) };
        self.parts.observer.token_issued(IssuedToken::SignedPermission);
        let (user_id, written) = (principal.user().id.clone(), Written::default());
        let grant = Arc::new(Grant { token, user_id, permissions, service, written });
        if self.settings.permission_token_reuse {
            self.reuse.keep(&grant);
        }
        Ok(Some(grant))
    }

    fn find_earlier(
        &self,
        user: &UserId,
        service: &ServiceName,
        permissions: &Map<String, Value>,
    ) -> Option<Arc<Grant>> {
        if !self.settings.permission_token_reuse {
            return None;
        }
        let (keys, now) = (self.parts.tokens.published_keys(), self.parts.clock.now());
        self.reuse.find(user, service, permissions, &keys.signing_key_id, now)
    }
}
