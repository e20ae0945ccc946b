//! Bearer tokens that others have made: they stand for whomever a token handler says, with what it lends.
//!
//! INVARIANT: no token of ours comes before a handler, whatever is wrong with it; and nothing but an answer that a handler gave makes a
//! principal.

use std::net::IpAddr;
use std::sync::Arc;

use vestibule_domain::{Attributes, LentLimits, ServiceName, Services, Timestamp, User, UserId, UserKind};
use vestibule_plugin_host::{TokenHolder, TokenIdentity, TokenOutcome, TokenPurpose, TokenQuestion};
use vestibule_storage::StorageError;

use super::principal::LentHolder;
use super::{Authentication, Credentials, InvalidCredential, Principal};
use crate::{FlowError, Flows, Rights};

/// Where a token stands as a bearer: in the header `Authorization`, at an operation at which those of others count.
#[derive(Debug, Clone, Copy)]
pub struct BearerPlace<'a> {
    /// The method of the request.
    pub method: &'a str,
    /// The path of the request, without its query.
    pub path: &'a str,
    /// The address of the client, if it has one.
    pub client: Option<IpAddr>,
    /// The service that is asked for, if one is.
    pub service: Option<&'a str>,
}

/// A bearer that has not the form of ours.
pub(super) struct ForeignBearer<'a> {
    token: &'a str,
    place: BearerPlace<'a>,
}

impl Flows {
    /// The token that the handlers are to be asked about, if the request has one and there are any.
    pub(super) fn foreign_bearer<'a>(&self, credentials: Credentials<'a>) -> Option<ForeignBearer<'a>> {
        let (token, place) = (credentials.token?, credentials.bearer?);
        let is_foreign =
            self.dependencies.plugins.handles_tokens() && !self.dependencies.tokens.is_ours(token);
        is_foreign.then_some(ForeignBearer { token, place })
    }

    /// Asks the handlers whom it stands for.
    pub(super) async fn authenticate_foreign(
        &self,
        bearer: ForeignBearer<'_>,
    ) -> Result<Authentication, FlowError> {
        let ForeignBearer { token, place } = bearer;
        let app = place.service.and_then(|name| self.find_service(name));
        let client = place.client.map(|address| address.to_string()).unwrap_or_default();
        let question = TokenQuestion {
            token,
            purpose: TokenPurpose::Api,
            app: app.as_ref(),
            method: place.method,
            path: place.path,
            client: &client,
            handlers: None,
        };
        let found = match self.dependencies.plugins.resolve_token(&question).await {
            TokenOutcome::Identity(identity) => self.find_holder(&identity, app).await?,
            TokenOutcome::NoOpinion | TokenOutcome::Refused => None,
            TokenOutcome::Unavailable(retry_after) => {
                return Err(FlowError::TokenHandlerUnavailable { retry_after });
            }
        };
        Ok(match found {
            Some(principal) => Authentication::Authenticated(principal),
            None => Authentication::Invalid(self.note(InvalidCredential::NotResolved)),
        })
    }

    /// The one whom a handler has named; `None` when that is to be a person of ours, and there is none who may come in.
    async fn find_holder(
        &self,
        identity: &TokenIdentity,
        app: Option<ServiceName>,
    ) -> Result<Option<Principal>, FlowError> {
        let found = match &identity.holder {
            TokenHolder::RoleAccount(id) => Some((role_account(id, identity), None)),
            TokenHolder::Person(id) => {
                let found = self.find_live_person(id).await?;
                found.map(|(person, used_last)| (person, Some(used_last)))
            }
        };
        let limits = LentLimits {
            services: self.known_services(identity.services.as_ref(), app),
            scopes: identity.scopes.clone(),
        };
        Ok(found.map(|(user, provider_id)| {
            let is_foreign = matches!(identity.holder, TokenHolder::RoleAccount(_));
            let (rights, metadata) = (Rights::Lent(limits), identity.metadata.clone());
            Principal::with_handler_token(Arc::new(LentHolder {
                user,
                rights,
                provider_id,
                is_foreign,
                metadata,
            }))
        }))
    }

    /// The person, if they may come in, with the identity that they used last.
    pub(super) async fn find_live_person(&self, id: &UserId) -> Result<Option<(User, String)>, StorageError> {
        Box::pin(self.dependencies.storage.find_live_person(id)).await
    }

    /// Services that do not exist count for nothing.
    fn known_services(&self, services: Option<&Services>, app: Option<ServiceName>) -> Services {
        match services {
            None => Services::Named(app.into_iter().collect()),
            Some(Services::Every) => Services::Every,
            Some(Services::Named(names)) => {
                let known = names.iter().filter(|name| self.is_service(name));
                Services::Named(known.cloned().collect())
            }
        }
    }
}

/// Whom a handler alone knows, in the form of a user. There is no row of it.
fn role_account(id: &UserId, identity: &TokenIdentity) -> User {
    User {
        id: id.clone(),
        kind: UserKind::Role,
        username: None,
        name: identity.name.clone(),
        email: identity.email.clone(),
        avatar_url: None,
        attributes: Attributes::default(),
        join_date: Timestamp::from_seconds(0),
        disabled_at: None,
    }
}
