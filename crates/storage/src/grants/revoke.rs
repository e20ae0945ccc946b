//! Ending grants and access tokens.

use diesel::prelude::*;
use diesel_async::RunQueryDsl;
use vestibule_domain::{AuditEvent, GrantId, SecretDigest, Timestamp, UserId};

use crate::changes::Record;
use crate::db::{operation, query};
use crate::error::StorageError;
use crate::schema::{access_tokens, grants};
use crate::storage::Storage;

/// Why a grant ended before its time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RevocationReason {
    /// Its person ended it.
    Revoked,
    /// Its program did, with a token of it.
    ByHolder,
    /// A refresh token came again after its successor was used.
    Reused,
    /// Its person made too many others.
    TooMany,
}

impl RevocationReason {
    /// The word that is stored and recorded.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Revoked => "revoked",
            Self::ByHolder => "by_holder",
            Self::Reused => "reused",
            Self::TooMany => "too_many",
        }
    }
}

impl Storage {
    /// Ends a grant of this user, and with it every token of it. False when it had been ended, or is not theirs.
    pub async fn revoke_grant(
        &self,
        (user, grant): (&UserId, &GrantId),
        because: RevocationReason,
        now: Timestamp,
        event: &AuditEvent,
    ) -> Result<bool, StorageError> {
        let _guard = self.changes.publish_on_drop(Record::credential(grant.as_str()));
        let revoke = operation!(
            revoke_grant(user = user.clone(), grant = grant.clone(), because, now),
            |connection| {
                let update = diesel::update(grants::table.find(grant.as_str()))
                    .filter(grants::user_id.eq(user.as_str()))
                    .filter(grants::revoked_at.is_null())
                    .set((grants::revoked_at.eq(now.micros()), grants::revoked_because.eq(because.as_str())));
                Ok(query!(connection, |c| update.execute(c))? == 1)
            }
        );
        self.write_audited(event, revoke).await
    }

    /// Ends one access token. False when there is none, or it had been ended.
    pub async fn revoke_access_token(
        &self,
        digest: &SecretDigest,
        now: Timestamp,
    ) -> Result<bool, StorageError> {
        let id = digest.to_string();
        let _guard = self.changes.publish_on_drop(Record::credential(&id));
        let revoke = operation!(revoke_access_token(hash = id.clone(), now), |connection| {
            let update = diesel::update(access_tokens::table.find(hash))
                .filter(access_tokens::revoked_at.is_null())
                .set(access_tokens::revoked_at.eq(now.micros()));
            Ok(query!(connection, |c| update.execute(c))? == 1)
        });
        self.db.write(revoke).await
    }
}
