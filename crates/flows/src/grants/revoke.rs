//! The end of what is lent, by whoever holds it.

use std::net::IpAddr;

use vestibule_domain::{Actor, AuditEvent, AuditName, ClientInfo, GrantId, SecretDigest, UserId};
use vestibule_storage::RevocationReason;
use vestibule_tokens::{OpaqueKind, OpaqueText};

use crate::authn::{Credentials, InvalidCredential, LentGrant, LiveToken};
use crate::{FlowError, Flows, Principal};

/// What asks to be ended. Made by [`Flows::find_current_token`] alone.
#[derive(Debug)]
pub enum CurrentToken {
    /// Whoever holds a token.
    Token(Principal),
    /// Whoever holds a refresh token of this grant.
    Grant(LentGrant),
}

impl Flows {
    /// Ends the token of this text, whichever of ours it is: an access token and one of a person or a role account alone, a refresh token
    /// with its grant (RFC 7009 section 2.1). A text that is none of these, or over, is nothing to end, which is a success.
    pub async fn revoke_presented(
        &self,
        text: &str,
        (address, client): (Option<IpAddr>, &ClientInfo),
    ) -> Result<(), FlowError> {
        let Ok(text) = OpaqueText::parse(text) else { return Ok(()) };
        self.admit_unknown_token(address)?;
        let is_known = match text.kind() {
            OpaqueKind::AccessToken => self.end_presented_access_token(&text.digest()).await?,
            OpaqueKind::RefreshToken => self.end_grant_of(&text.digest(), client).await?,
            OpaqueKind::PersonalToken | OpaqueKind::RoleToken => {
                self.end_presented_api_token(&text.digest(), client).await?
            }
            OpaqueKind::ClientSecret
            | OpaqueKind::Registration
            | OpaqueKind::DeviceCode
            | OpaqueKind::AuthorizationCode => false,
        };
        if is_known {
            self.forgive_unknown_token(address);
        }
        Ok(())
    }

    async fn end_presented_access_token(&self, digest: &SecretDigest) -> Result<bool, FlowError> {
        let now = self.dependencies.clock.now();
        let Some(found) = self.dependencies.storage.find_access_token(digest, now).await? else {
            return Ok(false);
        };
        self.end_access_token(digest, &found.live.user.id).await.map(|()| true)
    }

    async fn end_presented_api_token(
        &self,
        digest: &SecretDigest,
        client: &ClientInfo,
    ) -> Result<bool, FlowError> {
        let now = self.dependencies.clock.now();
        let Some(found) = self.dependencies.storage.find_live_api_token(digest, now).await? else {
            return Ok(false);
        };
        self.end_api_token(&found.token, client).await.map(|()| true)
    }

    /// Finds what asks to be ended: a token, or by its refresh token a grant.
    pub async fn find_current_token(&self, credentials: Credentials<'_>) -> Result<CurrentToken, FlowError> {
        let text = credentials.token.filter(|_| !credentials.is_exposed);
        let text = text.and_then(|text| OpaqueText::parse(text).ok());
        let Some(refresh) = text.filter(|text| text.kind() == OpaqueKind::RefreshToken) else {
            return Ok(CurrentToken::Token(self.authenticate(credentials).await?.require()?));
        };
        self.admit_unknown_token(credentials.client)?;
        let found = self.dependencies.storage.find_grant_of_refresh_token(&refresh.digest()).await?;
        let (user, grant) = found.ok_or_else(|| self.refused(InvalidCredential::UnknownToken))?;
        self.forgive_unknown_token(credentials.client);
        Ok(CurrentToken::Grant(LentGrant { user, grant }))
    }

    /// Ends what asks for it.
    pub async fn end_current_token(
        &self,
        current: &CurrentToken,
        client: &ClientInfo,
    ) -> Result<(), FlowError> {
        match current {
            CurrentToken::Grant(LentGrant { user, grant }) => {
                let is_ended = self.end_held_grant(user, grant, client).await?;
                if is_ended { Ok(()) } else { Err(self.refused(InvalidCredential::UnknownToken)) }
            }
            CurrentToken::Token(principal) => {
                match principal.lent_token().ok_or(FlowError::WrongCredential)? {
                    LiveToken::Api(live) => self.end_api_token(&live.token, client).await,
                    LiveToken::Access(live) => {
                        self.end_access_token(&live.token.digest, &live.live.user.id).await
                    }
                }
            }
        }
    }

    async fn end_grant_of(&self, digest: &SecretDigest, client: &ClientInfo) -> Result<bool, FlowError> {
        let found = self.dependencies.storage.find_grant_of_refresh_token(digest).await?;
        let Some((user, grant)) = found else { return Ok(false) };
        self.end_held_grant(&user, &grant, client).await
    }

    /// Ends one access token, whose holder asks for it. The refresh token beside it stays good.
    pub(crate) async fn end_access_token(
        &self,
        digest: &SecretDigest,
        user: &UserId,
    ) -> Result<(), FlowError> {
        let now = self.dependencies.clock.now();
        self.dependencies.storage.revoke_access_token(digest, now).await?;
        self.dependencies.plugins.forget_user(user);
        Ok(())
    }

    /// Ends a grant because a holder of one of its tokens asks for it. False when it had ended.
    pub(crate) async fn end_held_grant(
        &self,
        user: &UserId,
        grant: &GrantId,
        client: &ClientInfo,
    ) -> Result<bool, FlowError> {
        let by = (Actor::User(user.clone()), RevocationReason::ByHolder);
        self.end_grant((user, grant), by, client).await
    }

    /// Ends a grant with every token of it. False when it had ended.
    pub(super) async fn end_grant(
        &self,
        (user, grant): (&UserId, &GrantId),
        (actor, because): (Actor, RevocationReason),
        client: &ClientInfo,
    ) -> Result<bool, FlowError> {
        let now = self.dependencies.clock.now();
        let event = AuditEvent::new(AuditName::GrantRevoked, actor, now)
            .for_user(user)
            .from_client(client)
            .with_detail("grant", grant.as_str())
            .with_detail("because", because.as_str());
        let is_ended = self.dependencies.storage.revoke_grant((user, grant), because, now, &event).await?;
        self.dependencies.plugins.forget_user(user);
        Ok(is_ended)
    }
}
