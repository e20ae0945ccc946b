//! Tokens that are renamed, or lend less than before.

use diesel::prelude::*;
use diesel_async::RunQueryDsl;
use vestibule_domain::{
    ApiToken, ApiTokenChanges, ApiTokenId, AuditEvent, NarrowingError, Timestamp, UserId,
};

use crate::api_tokens::living_tokens;
use crate::api_tokens::row::{ApiTokenRow, write_metadata};
use crate::audit::Changed;
use crate::changes::Record;
use crate::db::{Connection, operation, query};
use crate::error::{OperationError, StorageError, optional};
use crate::schema::{api_tokens, users};
use crate::storage::Storage;

/// The outcome of changing a token.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum TokenChange {
    /// How it is now.
    Changed(Box<ApiToken>),
    /// It would lend more, or longer.
    Refused(NarrowingError),
    /// The user has no such token that is alive.
    Unknown,
}

impl Changed for TokenChange {
    fn changed(&self) -> bool {
        matches!(self, Self::Changed(_))
    }
}

impl Storage {
    /// Changes a token of this user, which may only lend less and end earlier.
    pub async fn change_api_token(
        &self,
        user: &UserId,
        id: &ApiTokenId,
        changes: &ApiTokenChanges,
        now: Timestamp,
        event: &AuditEvent,
    ) -> Result<TokenChange, StorageError> {
        let _guard = self.changes.publish_on_drop(Record::credential(id.as_str()));
        let change = operation!(
            change_api_token(user = user.clone(), id = id.clone(), changes = changes.clone(), now),
            |connection| {
                let Some(before) = read_living(connection, user, id, *now).await? else {
                    return Ok(TokenChange::Unknown);
                };
                match before.changed(changes) {
                    Err(refused) => Ok(TokenChange::Refused(refused)),
                    Ok(after) => {
                        write_changes(connection, &before, &after).await?;
                        Ok(TokenChange::Changed(Box::new(after)))
                    }
                }
            }
        );
        self.write_audited(event, change).await
    }
}

/// Reads a token that is alive.
pub(super) async fn read_living(
    connection: &mut Connection,
    user: &UserId,
    id: &ApiTokenId,
    now: Timestamp,
) -> Result<Option<ApiToken>, OperationError> {
    let select = living_tokens!(now)
        .filter(api_tokens::id.eq(id.as_str()))
        .filter(api_tokens::user_id.eq(user.as_str()));
    let row = query!(connection, |c| select.select(ApiTokenRow::as_select()).get_result::<ApiTokenRow>(c));
    Ok(optional(row)?.map(ApiToken::try_from).transpose()?)
}

/// Writes what differs from the row as it was read. Another change that came in between is a lost race: what it took away stays away.
async fn write_changes(
    connection: &mut Connection,
    before: &ApiToken,
    after: &ApiToken,
) -> Result<(), OperationError> {
    let expires_at = after.expires_at.map(Timestamp::micros);
    let ends_no_earlier =
        api_tokens::expires_at.is_null().or(api_tokens::expires_at.ge(expires_at.unwrap_or(i64::MAX)));
    let update = diesel::update(api_tokens::table.find(before.id.as_str()))
        .filter(api_tokens::revoked_at.is_null())
        .filter(api_tokens::services.eq(before.limits.services.to_string()))
        .filter(api_tokens::scopes.eq(before.limits.scopes.to_string()))
        .filter(ends_no_earlier)
        .set((
            api_tokens::name.eq(after.name.as_str()),
            api_tokens::services.eq(after.limits.services.to_string()),
            api_tokens::scopes.eq(after.limits.scopes.to_string()),
            api_tokens::metadata.eq(write_metadata(&after.metadata)),
            api_tokens::expires_at.eq(expires_at),
        ));
    match query!(connection, |c| update.execute(c))? {
        1 => Ok(()),
        _ => Err(OperationError::LostRace),
    }
}
