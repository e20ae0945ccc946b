//! What a token was found to be.

use serde_json::{Map, Value};
use smallvec::{SmallVec, smallvec};
use vestibule_domain::{ApiTokenKind, CredentialKind, LentLimits, SessionLimits, Timestamp, User};
use vestibule_storage::{LiveAccessToken, LiveApiToken, Record};

/// A token that was alive when it was read, with its user.
#[derive(Debug, PartialEq)]
pub(crate) enum LiveToken {
    /// A token that a person made, or one of a role account.
    Api(LiveApiToken),
    /// The access token of a program, with the grant that it belongs to.
    Access(LiveAccessToken),
}

impl LiveToken {
    pub(crate) fn kind(&self) -> CredentialKind {
        match self {
            Self::Api(live) => match live.token.kind {
                ApiTokenKind::Personal => CredentialKind::PersonalToken,
                ApiTokenKind::Role => CredentialKind::RoleToken,
            },
            Self::Access(_) => CredentialKind::AccessToken,
        }
    }

    pub(crate) fn user(&self) -> &User {
        match self {
            Self::Api(live) => &live.user,
            Self::Access(live) => &live.live.user,
        }
    }

    /// By what logs and plugins know it: the id of the token, or of the grant.
    pub(crate) fn id(&self) -> &str {
        match self {
            Self::Api(live) => live.token.id.as_str(),
            Self::Access(live) => live.live.grant.id.as_str(),
        }
    }

    /// What it lends.
    pub(super) fn limits(&self) -> LentLimits {
        match self {
            Self::Api(live) => live.token.limits.clone(),
            Self::Access(live) => live.limits(),
        }
    }

    /// What is kept with it, for apps.
    pub(crate) fn metadata(&self) -> Option<&Map<String, Value>> {
        match self {
            Self::Api(live) => Some(live.token.metadata.as_object()),
            Self::Access(_) => None,
        }
    }

    /// The identity that the person came with.
    pub(crate) fn provider_id(&self) -> Option<&str> {
        match self {
            Self::Api(live) => live.provider_id.as_deref(),
            Self::Access(live) => Some(&live.live.grant.provider_id),
        }
    }

    /// When the person last showed who they are; `None` where it is not known.
    pub(crate) fn auth_time(&self) -> Option<Timestamp> {
        match self {
            Self::Api(_) => None,
            Self::Access(live) => Some(live.live.grant.auth_time),
        }
    }

    /// When it ends by itself.
    pub(crate) fn ends_at(&self) -> Option<Timestamp> {
        match self {
            Self::Api(live) => live.token.expires_at,
            Self::Access(live) => {
                let session = live.live.session.as_ref().map(|session| session.expires_at);
                let ends = [Some(live.token.expires_at), Some(live.live.grant.expires_at), session];
                ends.into_iter().flatten().min()
            }
        }
    }

    /// True if it has not ended by itself. No change is published when it does.
    pub(super) fn is_running(&self, now: Timestamp, limits: &SessionLimits) -> bool {
        let session = match self {
            Self::Api(_) => None,
            Self::Access(live) => live.live.session.as_ref(),
        };
        self.ends_at().is_none_or(|end| end > now)
            && session.is_none_or(|session| session.is_running(now, limits))
    }

    /// The records that it is a copy of. `digest` is what an access token is known by in the change feed.
    pub(super) fn records<'a>(&'a self, digest: &'a str) -> SmallVec<[Record<'a>; 4]> {
        let user = Record::user(&self.user().id);
        match self {
            Self::Api(live) => smallvec![Record::credential(live.token.id.as_str()), user],
            Self::Access(live) => {
                let grant = &live.live.grant;
                let own = [Record::credential(digest), Record::credential(grant.id.as_str()), user];
                own.into_iter().chain(grant.session_id.as_ref().map(Record::session)).collect()
            }
        }
    }
}
