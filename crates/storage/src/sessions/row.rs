//! The rows of `sessions`, and the way from them to the domain.

use diesel::prelude::*;
use vestibule_domain::{Session, SessionId, Timestamp, UserId};

use crate::error::StorageError;
use crate::schema::sessions;

#[derive(Queryable, Selectable)]
#[diesel(table_name = sessions)]
pub(crate) struct SessionRow {
    id: String,
    user_id: String,
    provider_id: String,
    created_at: i64,
    last_seen_at: i64,
    expires_at: i64,
}

impl TryFrom<SessionRow> for Session {
    type Error = StorageError;

    fn try_from(row: SessionRow) -> Result<Self, StorageError> {
        Ok(Self {
            id: SessionId::try_from(row.id).map_err(|_| StorageError::InvalidValue("sessions.id"))?,
            user_id: UserId::try_from(row.user_id)
                .map_err(|_| StorageError::InvalidValue("sessions.user_id"))?,
            provider_id: row.provider_id,
            created_at: Timestamp::from_micros(row.created_at),
            last_seen_at: Timestamp::from_micros(row.last_seen_at),
            expires_at: Timestamp::from_micros(row.expires_at),
        })
    }
}
