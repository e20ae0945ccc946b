//! Deleting a user.
//!
//! What a user has very much of is deleted first and in batches, so that no other write waits for all of it. The rest goes with the
//! user's own row.

use diesel::prelude::*;
use diesel_async::RunQueryDsl;
use vestibule_domain::{AuditEvent, UserId};

use crate::audit::{self, Changed};
use crate::changes::Record;
use crate::db::{Connection, operation, query};
use crate::error::{OperationError, StorageError};
use crate::role_accounts::orphan_role_accounts;
use crate::schema::{access_tokens, api_tokens, grants, refresh_tokens, sessions, users};
use crate::storage::Storage;

/// How many rows one statement deletes.
const BATCH: i64 = 1_000;

/// What a user may have many of.
#[derive(Clone, Copy)]
enum Belongings {
    AccessTokens,
    RefreshTokens,
    Grants,
    Sessions,
    ApiTokens,
}

impl Belongings {
    /// Each before what it belongs to itself.
    const ALL: [Self; 5] =
        [Self::AccessTokens, Self::RefreshTokens, Self::Grants, Self::Sessions, Self::ApiTokens];
}

impl Storage {
    /// Deletes a user with all identities, addresses, sessions, grants and tokens. Their events stay in the audit trail, without addresses
    /// and user agents. Their role accounts live on without an owner, which is an event of each. False when there is no such user.
    ///
    /// When it is interrupted, the user may have lost sessions and tokens; it can be run again.
    pub async fn delete_user(&self, user: &UserId, event: &AuditEvent) -> Result<bool, StorageError> {
        let _guard = self.changes.publish_on_drop(Record::user(user));
        for belongings in Belongings::ALL {
            while self.has_many(user, belongings).await? {
                self.delete_belongings(user, belongings).await?;
            }
        }
        let change = operation!(delete_user(user = user.clone(), event = event.clone()), |connection| {
            audit::remove_client_data(connection, user).await?;
            let orphaned = orphan_role_accounts(connection, user, event).await?;
            let delete = diesel::delete(users::table.find(user.as_str()));
            let is_deleted = query!(connection, |c| delete.execute(c))? == 1;
            Ok(Deletion { is_deleted, orphaned })
        });
        let Deletion { is_deleted, orphaned } = self.write_audited(event, change).await?;
        orphaned.iter().for_each(audit::log_audit_event);
        Ok(is_deleted)
    }

    /// Whether there is more than a batch.
    async fn has_many(&self, user: &UserId, belongings: Belongings) -> Result<bool, StorageError> {
        let read = operation!(has_many(user, belongings), |connection| {
            has_more_than_a_batch(connection, user, *belongings).await
        });
        self.db.read(read).await
    }

    /// Deletes a batch.
    async fn delete_belongings(&self, user: &UserId, belongings: Belongings) -> Result<(), StorageError> {
        let write = operation!(delete_belongings(user = user.clone(), belongings), |connection| {
            delete_batch(connection, user, *belongings).await.map(drop)
        });
        self.db.write(write).await
    }
}

/// Deletes a batch of the rows of a table of which the condition is true. A macro, because tables have no common type.
macro_rules! delete_some {
    ($connection:expr, $table:ident::$key:ident, |$row:ident| $is_theirs:expr) => {{
        let $row = diesel::alias!($table as belongings);
        let some = $row.select($row.field($table::$key)).filter($is_theirs).limit(BATCH);
        let delete = diesel::delete($table::table.filter($table::$key.eq_any(some)));
        query!($connection, |c| delete.execute(c))
    }};
}

/// Whether the condition is true of more than a batch of the rows of a table.
macro_rules! has_more {
    ($connection:expr, $table:ident::$key:ident, $is_theirs:expr) => {{
        let beyond = $table::table.filter($is_theirs).select($table::$key).offset(BATCH).limit(1);
        query!($connection, |c| beyond.load::<String>(c)).map(|rows| !rows.is_empty())
    }};
}

async fn has_more_than_a_batch(
    connection: &mut Connection,
    user: &UserId,
    belongings: Belongings,
) -> Result<bool, OperationError> {
    let user = user.as_str();
    let their_grants = grants::table.filter(grants::user_id.eq(user)).select(grants::id);
    match belongings {
        Belongings::AccessTokens => {
            let their_grants = their_grants.select(grants::id.nullable());
            has_more!(connection, access_tokens::hash, access_tokens::grant_id.eq_any(their_grants))
        }
        Belongings::RefreshTokens => {
            has_more!(connection, refresh_tokens::hash, refresh_tokens::grant_id.eq_any(their_grants))
        }
        Belongings::Grants => has_more!(connection, grants::id, grants::user_id.eq(user)),
        Belongings::Sessions => has_more!(connection, sessions::id, sessions::user_id.eq(user)),
        Belongings::ApiTokens => has_more!(connection, api_tokens::id, api_tokens::user_id.eq(user)),
    }
}

async fn delete_batch(
    connection: &mut Connection,
    user: &UserId,
    belongings: Belongings,
) -> Result<usize, OperationError> {
    let user = user.as_str();
    let their_grants = grants::table.filter(grants::user_id.eq(user)).select(grants::id);
    match belongings {
        Belongings::AccessTokens => {
            let their_grants = their_grants.select(grants::id.nullable());
            delete_some!(connection, access_tokens::hash, |row| row
                .field(access_tokens::grant_id)
                .eq_any(their_grants))
        }
        Belongings::RefreshTokens => {
            delete_some!(connection, refresh_tokens::hash, |row| row
                .field(refresh_tokens::grant_id)
                .eq_any(their_grants))
        }
        Belongings::Grants => {
            delete_some!(connection, grants::id, |row| row.field(grants::user_id).eq(user))
        }
        Belongings::Sessions => {
            delete_some!(connection, sessions::id, |row| row.field(sessions::user_id).eq(user))
        }
        Belongings::ApiTokens => {
            delete_some!(connection, api_tokens::id, |row| row.field(api_tokens::user_id).eq(user))
        }
    }
}

/// What became of a user who was to be deleted.
struct Deletion {
    is_deleted: bool,
    /// What happened to the user's role accounts.
    orphaned: Vec<AuditEvent>,
}

impl Changed for Deletion {
    fn changed(&self) -> bool {
        self.is_deleted
    }
}
