//! The rows of `sessions`, and the way from them to the domain.

use diesel::prelude::*;
use vestibule_domain::{Session, SessionId, SessionKind, Timestamp, UserId};

use crate::error::StorageError;
use crate::schema::sessions;

#[derive(Queryable, Selectable)]
#[diesel(table_name = sessions)]
pub(crate) struct SessionRow {
    id: String,
    user_id: String,
    kind: String,
    provider_id: String,
    created_at: i64,
    signed_in_at: i64,
    auth_time: i64,
    last_seen_at: i64,
    expires_at: i64,
}

/// A program that does not know the column leaves 0 in it.
fn moment_or(micros: i64, created_at: i64) -> Timestamp {
    Timestamp::from_micros(if micros == 0 { created_at } else { micros })
}

impl TryFrom<SessionRow> for Session {
    type Error = StorageError;

    fn try_from(row: SessionRow) -> Result<Self, StorageError> {
        Ok(Self {
            id: SessionId::try_from(row.id).map_err(|_| StorageError::InvalidValue("sessions.id"))?,
            user_id: UserId::try_from(row.user_id)
                .map_err(|_| StorageError::InvalidValue("sessions.user_id"))?,
            kind: SessionKind::parse(&row.kind).ok_or(StorageError::InvalidValue("sessions.kind"))?,
            provider_id: row.provider_id,
            created_at: Timestamp::from_micros(row.created_at),
            signed_in_at: moment_or(row.signed_in_at, row.created_at),
            auth_time: moment_or(row.auth_time, row.created_at),
            last_seen_at: Timestamp::from_micros(row.last_seen_at),
            expires_at: Timestamp::from_micros(row.expires_at),
        })
    }
}
