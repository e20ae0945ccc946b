//! The beginning of a grant, with its first pair of tokens.

use diesel::dsl::exists;
use diesel::prelude::*;
use diesel::sql_types::{BigInt, Nullable, Text};
use diesel_async::RunQueryDsl;
use vestibule_domain::{AuditEvent, AuditName, Grant, SessionId, Timestamp};

use super::NewPair;
use super::alive::living_grants;
use super::revoke::RevocationReason;
use crate::audit::{self, log_audit_event};
use crate::changes::{Change, Record};
use crate::db::{Connection, operation, query};
use crate::error::{OperationError, StorageError};
use crate::schema::{access_tokens, grants, refresh_tokens, sessions, users};
use crate::sessions::alive::has_not_ended;
use crate::storage::Storage;
use crate::users::lock::lock_user;

/// How many grants of one person live at once. One more ends the one that was unused longest.
const MOST_OF_A_USER: usize = 50;

/// A grant to be made.
#[derive(Debug, Clone)]
pub struct NewGrant {
    /// The grant.
    pub grant: Grant,
    /// The session in which its person makes it. It must be alive; the grant need not hang on it.
    pub made_in: SessionId,
    /// The first tokens.
    pub pair: NewPair,
}

impl Storage {
    /// Makes a grant with its first tokens. False when the session in which it is made, or everything of its user, has ended.
    ///
    /// INVARIANT: the statement that makes the grant also reads the generation of its user, and makes none if that is not the
    /// session's. So a concurrent statement that ends everything of the user ends this grant too, whichever commits first.
    pub async fn create_grant(&self, new: NewGrant, event: &AuditEvent) -> Result<bool, StorageError> {
        let transaction = operation!(create_grant(new, event = event.clone()), |connection| {
            create(connection, new, event).await
        });
        let Some(events) = self.db.transaction(transaction).await? else { return Ok(false) };
        for (ended, event) in &events {
            self.changes.publish(Change::Of(Record::credential(ended)));
            log_audit_event(event);
        }
        log_audit_event(event);
        Ok(true)
    }
}

async fn create(
    connection: &mut Connection,
    new: &NewGrant,
    event: &AuditEvent,
) -> Result<Option<Vec<(String, AuditEvent)>>, OperationError> {
    // Orders those of one user: of several at once none sees too few.
    let user = lock_user(connection, new.grant.user_id.as_str()).await?;
    if user.is_none() || !insert_grant(connection, &new.grant, &new.made_in).await? {
        return Ok(None);
    }
    insert_pair(connection, &new.pair, new.grant.id.as_str(), 0).await?;
    audit::insert(connection, event).await?;
    end_surplus(connection, &new.grant, event).await.map(Some)
}

/// Inserts the row, if the session and its user are alive.
async fn insert_grant(
    connection: &mut Connection,
    grant: &Grant,
    made_in: &SessionId,
) -> Result<bool, OperationError> {
    let made_in = sessions::table
        .filter(sessions::id.eq(made_in.as_str()))
        .filter(sessions::user_id.eq(users::id))
        .filter(has_not_ended!(grant.created_at));
    let user = users::table
        .find(grant.user_id.as_str())
        .filter(users::disabled_at.is_null())
        .filter(exists(made_in));
    let values = user.select((
        grant.id.as_str().into_sql::<Text>(),
        users::id,
        users::generation,
        grant.session_id.as_ref().map(SessionId::as_str).into_sql::<Nullable<Text>>(),
        grant.client_name.as_str().into_sql::<Text>(),
        grant.limits.services.to_string().into_sql::<Text>(),
        grant.limits.scopes.to_string().into_sql::<Text>(),
        grant.provider_id.as_str().into_sql::<Text>(),
        grant.auth_time.micros().into_sql::<BigInt>(),
        grant.created_at.micros().into_sql::<BigInt>(),
        grant.last_used_at.micros().into_sql::<BigInt>(),
        grant.expires_at.micros().into_sql::<BigInt>(),
        grant.user_agent.as_deref().into_sql::<Nullable<Text>>(),
        grant.ip.as_deref().into_sql::<Nullable<Text>>(),
    ));
    let insert = values.insert_into(grants::table).into_columns((
        grants::id,
        grants::user_id,
        grants::user_generation,
        grants::session_id,
        grants::client_name,
        grants::services,
        grants::scopes,
        grants::provider_id,
        grants::auth_time,
        grants::created_at,
        grants::last_used_at,
        grants::expires_at,
        grants::user_agent,
        grants::ip,
    ));
    Ok(query!(connection, |c| insert.execute(c))? == 1)
}

/// Inserts both tokens of a generation.
pub(super) async fn insert_pair(
    connection: &mut Connection,
    pair: &NewPair,
    grant: &str,
    generation: i64,
) -> Result<(), OperationError> {
    let refresh = diesel::insert_into(refresh_tokens::table).values((
        refresh_tokens::hash.eq(pair.refresh.to_string()),
        refresh_tokens::grant_id.eq(grant),
        refresh_tokens::generation.eq(generation),
        refresh_tokens::created_at.eq(pair.access.created_at.micros()),
        refresh_tokens::expires_at.eq(pair.refresh_expires_at.micros()),
    ));
    query!(connection, |c| refresh.execute(c))?;
    insert_access_token(connection, pair, grant, generation).await
}

/// Inserts the access token alone.
pub(super) async fn insert_access_token(
    connection: &mut Connection,
    pair: &NewPair,
    grant: &str,
    generation: i64,
) -> Result<(), OperationError> {
    let token = &pair.access;
    let access = diesel::insert_into(access_tokens::table).values((
        access_tokens::hash.eq(token.digest.to_string()),
        access_tokens::grant_id.eq(grant),
        access_tokens::services.eq(token.limits.services.to_string()),
        access_tokens::scopes.eq(token.limits.scopes.to_string()),
        access_tokens::generation.eq(generation),
        access_tokens::created_at.eq(token.created_at.micros()),
        access_tokens::expires_at.eq(token.expires_at.micros()),
    ));
    query!(connection, |c| access.execute(c)).map(drop)
}

/// Ends the grants that are too many, those first that were unused longest; with the event of each.
async fn end_surplus(
    connection: &mut Connection,
    new: &Grant,
    event: &AuditEvent,
) -> Result<Vec<(String, AuditEvent)>, OperationError> {
    let now: Timestamp = new.created_at;
    let others = living_grants!(now)
        .filter(grants::user_id.eq(new.user_id.as_str()))
        .filter(grants::id.ne(new.id.as_str()))
        .order((grants::last_used_at.desc(), grants::created_at.desc()));
    let others = query!(connection, |c| others.select(grants::id).load::<String>(c))?;
    let because = RevocationReason::TooMany.as_str();
    let mut ended = Vec::new();
    for surplus in others.into_iter().skip(MOST_OF_A_USER - 1) {
        let end = diesel::update(grants::table.find(&surplus))
            .set((grants::revoked_at.eq(now.micros()), grants::revoked_because.eq(because)));
        query!(connection, |c| end.execute(c))?;
        let event = AuditEvent::by_user(AuditName::GrantRevoked, &new.user_id, &event.client, now)
            .with_detail("grant", surplus.as_str())
            .with_detail("because", because);
        audit::insert(connection, &event).await?;
        ended.push((surplus, event));
    }
    Ok(ended)
}
