//! Refreshing: a refresh token is spent, and the next pair takes its place.
//!
//! INVARIANT: of all that present one refresh token one makes its successor, and a grant has one refresh token that is not spent. The
//! first is decided by one conditional statement, the second by the unique key on grant and generation.

use std::time::Duration;

use diesel::dsl::exists;
use diesel::prelude::*;
use diesel_async::RunQueryDsl;
use vestibule_domain::{AuditEvent, GrantId, SecretDigest, Timestamp};

use super::alive::living_grants;
use super::create::insert_pair;
use super::{AccessToken, NewPair, replay};
use crate::audit::Changed;
use crate::changes::Record;
use crate::db::{Connection, operation, query};
use crate::error::{OperationError, StorageError};
use crate::schema::{access_tokens, grants, refresh_tokens, sessions, users};
use crate::storage::Storage;

/// So many generations of refresh tokens of a grant are kept. An older one is not known any more, and ends nothing.
const GENERATIONS_KEPT: i64 = 50;

/// A refresh token that is presented, and what is to take its place.
#[derive(Debug, Clone)]
pub struct Refresh {
    /// What is presented.
    pub presented: SecretDigest,
    /// The grant that it belongs to.
    pub grant: GrantId,
    /// Its place among those of its grant.
    pub generation: i64,
    /// The next tokens.
    pub pair: NewPair,
    /// The next tokens, sealed so that the presented token opens them.
    pub sealed: String,
    /// For how long the same answer is given again.
    pub grace: Duration,
    /// The moment of this call.
    pub now: Timestamp,
}

/// What a refresh comes to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Refreshed {
    /// The next tokens are stored.
    Stored,
    /// It was spent a moment ago, and its successor was not: the same answer is due.
    Again {
        /// What the presented token opens.
        sealed: String,
        /// The refresh token of that answer.
        successor: SecretDigest,
        /// The access tokens of its generation that are alive.
        access: Vec<AccessToken>,
    },
    /// It was spent a moment ago, and so was its successor. Nothing ends.
    Superseded,
    /// It was spent longer ago, and its successor is in use. The grant has ended.
    Reused,
    /// It is not good any more. Nothing ends.
    Invalid,
}

/// That a token came again is recorded, since its grant has ended by it.
impl Changed for Refreshed {
    fn changed(&self) -> bool {
        *self == Self::Reused
    }
}

impl Storage {
    /// Spends a refresh token and stores the next tokens, or says what else the presented token is good for. `reuse` is recorded if the
    /// grant ends by it.
    pub async fn refresh_grant(
        &self,
        refresh: Refresh,
        reuse: &AuditEvent,
    ) -> Result<Refreshed, StorageError> {
        let grant = refresh.grant.clone();
        let _guard = self.changes.publish_on_drop(Record::credential(grant.as_str()));
        let transaction = operation!(refresh_grant(refresh), |connection| {
            if spend(connection, refresh).await? {
                Ok(Refreshed::Stored)
            } else {
                replay::judge(connection, refresh).await
            }
        });
        self.write_audited(reuse, transaction).await
    }

    /// Stores one more access token beside a refresh token that was not used, if its grant is alive.
    pub async fn add_access_token(
        &self,
        token: AccessToken,
        beside: &SecretDigest,
        now: Timestamp,
    ) -> Result<bool, StorageError> {
        let write = operation!(add_access_token(token, hash = beside.to_string(), now), |connection| {
            use diesel::sql_types::{BigInt, Text};

            let of_grant = living_grants!(now).filter(grants::id.eq(refresh_tokens::grant_id));
            let values = refresh_tokens::table
                .find(hash)
                .filter(refresh_tokens::spent_at.is_null())
                .filter(exists(of_grant))
                .select((
                    token.digest.to_string().into_sql::<Text>(),
                    refresh_tokens::grant_id.nullable(),
                    token.limits.services.to_string().into_sql::<Text>(),
                    token.limits.scopes.to_string().into_sql::<Text>(),
                    refresh_tokens::generation,
                    token.created_at.micros().into_sql::<BigInt>(),
                    token.expires_at.micros().into_sql::<BigInt>(),
                ));
            let insert = values.insert_into(access_tokens::table).into_columns((
                access_tokens::hash,
                access_tokens::grant_id,
                access_tokens::services,
                access_tokens::scopes,
                access_tokens::generation,
                access_tokens::created_at,
                access_tokens::expires_at,
            ));
            Ok(query!(connection, |c| insert.execute(c))? == 1)
        });
        self.db.write(write).await
    }
}

/// Spends the presented token and stores the next ones. False when it was spent before, has ended, or its grant has.
async fn spend(connection: &mut Connection, refresh: &Refresh) -> Result<bool, OperationError> {
    let now = refresh.now;
    let of_grant = living_grants!(now).filter(grants::id.eq(refresh_tokens::grant_id));
    let spend = diesel::update(refresh_tokens::table.find(refresh.presented.to_string()))
        .filter(refresh_tokens::spent_at.is_null())
        .filter(refresh_tokens::expires_at.gt(now.micros()))
        .filter(exists(of_grant))
        .set((
            refresh_tokens::spent_at.eq(now.micros()),
            refresh_tokens::successor_sealed.eq(&refresh.sealed),
        ));
    if query!(connection, |c| spend.execute(c))? == 0 {
        return Ok(false);
    }
    let grant = refresh.grant.as_str();
    insert_pair(connection, &refresh.pair, grant, refresh.generation + 1).await?;
    let forgotten = diesel::delete(refresh_tokens::table)
        .filter(refresh_tokens::grant_id.eq(grant))
        .filter(refresh_tokens::generation.le(refresh.generation + 1 - GENERATIONS_KEPT));
    query!(connection, |c| forgotten.execute(c))?;
    note_use(connection, grant, now).await?;
    Ok(true)
}

/// Notes when a grant was used. Never moves that moment back.
pub(super) async fn note_use(
    connection: &mut Connection,
    grant: &str,
    now: Timestamp,
) -> Result<(), OperationError> {
    let note = diesel::update(grants::table.find(grant))
        .filter(grants::last_used_at.lt(now.micros()))
        .set(grants::last_used_at.eq(now.micros()));
    query!(connection, |c| note.execute(c)).map(drop)
}
