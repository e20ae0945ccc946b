//! What a refresh token is good for that was spent before.
//!
//! Whether the answer to it has arrived decides, not the time alone: as long as nothing of the answer was used, its holder may have lost
//! it, and gets another. Once it was used, a second holder of the old token is a thief, or the first was.

use diesel::dsl::exists;
use diesel::prelude::*;
use diesel_async::RunQueryDsl;
use vestibule_domain::Timestamp;

use super::alive::living_grants;
use super::create::insert_access_token;
use super::refresh::{Refresh, Refreshed, note_use};
use super::revoke::RevocationReason;
use super::row::{AccessTokenRow, RefreshTokenRow, read_digest};
use crate::db::{Connection, ConnectionRef, query};
use crate::error::{OperationError, optional};
use crate::schema::{access_tokens, grants, refresh_tokens, sessions, users};

/// Judges a token that could not be spent.
pub(super) async fn judge(
    connection: &mut Connection,
    refresh: &Refresh,
) -> Result<Refreshed, OperationError> {
    let Some(presented) = lock_presented(connection, refresh).await? else { return Ok(Refreshed::Invalid) };
    // Not spent, and yet it could not be spent: another transaction has changed it in between.
    let Some(spent_at) = presented.spent_at else { return Err(OperationError::LostRace) };
    let Some(successor) = find_successor(connection, refresh).await? else { return Ok(Refreshed::Invalid) };
    let is_in_grace = refresh.now <= Timestamp::from_micros(spent_at).plus(refresh.grace);
    match presented.successor_sealed {
        _ if is_in_grace && successor.spent_at.is_some() => Ok(Refreshed::Superseded),
        Some(sealed) if is_in_grace => again(connection, refresh, sealed, &successor).await,
        // What a longer grace would open was cleared under a shorter one: as after the grace.
        _ if successor.is_seen() => end(connection, refresh).await,
        _ => replace(connection, refresh, &successor).await,
    }
}

/// Reads the presented token, if neither it nor its grant has ended, and locks it: those who present it are judged one after the other.
async fn lock_presented(
    connection: &mut Connection,
    refresh: &Refresh,
) -> Result<Option<RefreshTokenRow>, OperationError> {
    let now = refresh.now;
    let of_grant = living_grants!(now).filter(grants::id.eq(refresh_tokens::grant_id));
    let select = refresh_tokens::table
        .filter(refresh_tokens::hash.eq(refresh.presented.to_string()))
        .filter(refresh_tokens::expires_at.gt(now.micros()))
        .filter(exists(of_grant));
    let row = match connection.inner() {
        ConnectionRef::Sqlite(c) => select.select(RefreshTokenRow::as_select()).get_result(c).await,
        ConnectionRef::Postgres(c) => {
            select.select(RefreshTokenRow::as_select()).for_no_key_update().get_result(c).await
        }
        ConnectionRef::Closed => Err(diesel::result::Error::BrokenTransactionManager),
    };
    optional(row.map_err(OperationError::from))
}

async fn find_successor(
    connection: &mut Connection,
    refresh: &Refresh,
) -> Result<Option<RefreshTokenRow>, OperationError> {
    let select = refresh_tokens::table
        .filter(refresh_tokens::grant_id.eq(refresh.grant.as_str()))
        .filter(refresh_tokens::generation.eq(refresh.generation + 1));
    let rows =
        query!(connection, |c| select.select(RefreshTokenRow::as_select()).load::<RefreshTokenRow>(c))?;
    Ok(rows.into_iter().next())
}

/// The answer that was given before.
async fn again(
    connection: &mut Connection,
    refresh: &Refresh,
    sealed: String,
    successor: &RefreshTokenRow,
) -> Result<Refreshed, OperationError> {
    let select = access_tokens::table
        .filter(access_tokens::grant_id.eq(refresh.grant.as_str()))
        .filter(access_tokens::generation.eq(refresh.generation + 1))
        .filter(access_tokens::revoked_at.is_null())
        .filter(access_tokens::expires_at.gt(refresh.now.micros()));
    let rows = query!(connection, |c| select.select(AccessTokenRow::as_select()).load::<AccessTokenRow>(c))?;
    let access = rows.into_iter().map(TryFrom::try_from).collect::<Result<_, _>>()?;
    Ok(Refreshed::Again { sealed, successor: read_digest(&successor.hash)?, access })
}

/// Puts other tokens into the place of those that were never used. Of two holders of the presented token only one can go on: the texts
/// of the other are good for nothing from now on.
async fn replace(
    connection: &mut Connection,
    refresh: &Refresh,
    unused: &RefreshTokenRow,
) -> Result<Refreshed, OperationError> {
    let (now, pair) = (refresh.now, &refresh.pair);
    let of_grant = living_grants!(now).filter(grants::id.eq(refresh_tokens::grant_id));
    let other = diesel::update(refresh_tokens::table.find(&unused.hash))
        .filter(refresh_tokens::seen_at.is_null())
        .filter(refresh_tokens::spent_at.is_null())
        .filter(exists(of_grant))
        .set((
            refresh_tokens::hash.eq(pair.refresh.to_string()),
            refresh_tokens::created_at.eq(now.micros()),
            refresh_tokens::expires_at.eq(pair.refresh_expires_at.micros()),
        ));
    if query!(connection, |c| other.execute(c))? == 0 {
        return Err(OperationError::LostRace);
    }
    let (grant, generation) = (refresh.grant.as_str(), refresh.generation + 1);
    let spent_now = diesel::update(refresh_tokens::table.find(refresh.presented.to_string())).set((
        refresh_tokens::spent_at.eq(now.micros()),
        refresh_tokens::successor_sealed.eq(&refresh.sealed),
    ));
    query!(connection, |c| spent_now.execute(c))?;
    let unused_access = diesel::update(access_tokens::table)
        .filter(access_tokens::grant_id.eq(grant))
        .filter(access_tokens::generation.eq(generation))
        .filter(access_tokens::revoked_at.is_null())
        .set(access_tokens::revoked_at.eq(now.micros()));
    query!(connection, |c| unused_access.execute(c))?;
    insert_access_token(connection, pair, grant, generation).await?;
    note_use(connection, grant, now).await?;
    Ok(Refreshed::Stored)
}

/// Ends the grant: two hold its tokens.
async fn end(connection: &mut Connection, refresh: &Refresh) -> Result<Refreshed, OperationError> {
    let end = diesel::update(grants::table.find(refresh.grant.as_str()))
        .filter(grants::revoked_at.is_null())
        .set((
            grants::revoked_at.eq(refresh.now.micros()),
            grants::revoked_because.eq(RevocationReason::Reused.as_str()),
        ));
    let is_ended = query!(connection, |c| end.execute(c))? == 1;
    Ok(if is_ended { Refreshed::Reused } else { Refreshed::Invalid })
}
