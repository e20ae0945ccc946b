//! Tokens that get a successor.

use diesel::dsl::exists;
use diesel::prelude::*;
use diesel_async::RunQueryDsl;
use vestibule_domain::{ApiToken, ApiTokenId, AuditEvent, SecretDigest, Timestamp, UserId};

use crate::api_tokens::change::read_living;
use crate::api_tokens::create::{count_living, insert};
use crate::audit::Changed;
use crate::changes::Record;
use crate::db::{Connection, operation, query};
use crate::error::{OperationError, StorageError};
use crate::schema::{api_tokens, users};
use crate::storage::Storage;
use crate::users::lock::lock_user;

/// The successor of a token, as far as the token does not decide what it is.
#[derive(Debug, Clone)]
pub struct NewSuccessor {
    /// Its id.
    pub id: ApiTokenId,
    /// By what its text is found.
    pub digest: SecretDigest,
    /// The last characters of its text.
    pub hint: String,
    /// Who makes it.
    pub created_by: String,
    /// When.
    pub created_at: Timestamp,
    /// When it ends.
    pub expires_at: Option<Timestamp>,
    /// When the token before it ends at the latest.
    pub predecessor_ends_at: Timestamp,
    /// How many tokens its user may have that are alive, this one included.
    pub most: u32,
}

/// The outcome of a rotation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum TokenRotation {
    /// The successor, which is called as the token before it, and lends the same.
    Rotated(Box<ApiToken>),
    /// It has a successor already.
    AlreadyRotated,
    /// Its user has too many tokens.
    LimitReached,
    /// The user has no such token that is alive.
    Unknown,
}

impl Changed for TokenRotation {
    fn changed(&self) -> bool {
        matches!(self, Self::Rotated(_))
    }
}

impl Storage {
    /// Makes the one successor of a token of this user, and lets the token itself end soon.
    pub async fn rotate_api_token(
        &self,
        user: &UserId,
        id: &ApiTokenId,
        new: &NewSuccessor,
        event: &AuditEvent,
    ) -> Result<TokenRotation, StorageError> {
        let _guard = self.changes.publish_on_drop(Record::credential(id.as_str()));
        let change = operation!(
            rotate_api_token(user = user.clone(), id = id.clone(), new = new.clone()),
            |connection| {
                // Orders all rotations of this user's tokens: the second sees the successor of the first.
                if lock_user(connection, user.as_str()).await?.is_none() {
                    return Ok(TokenRotation::Unknown);
                }
                if has_successor(connection, user, id).await? {
                    return Ok(TokenRotation::AlreadyRotated);
                }
                let Some(before) = read_living(connection, user, id, new.created_at).await? else {
                    return Ok(TokenRotation::Unknown);
                };
                if count_living(connection, user, new.created_at).await? >= i64::from(new.most) {
                    return Ok(TokenRotation::LimitReached);
                }
                replace(connection, before, new).await
            }
        );
        self.write_audited(event, change).await
    }
}

/// Whether a token that was not revoked has a successor.
async fn has_successor(
    connection: &mut Connection,
    user: &UserId,
    id: &ApiTokenId,
) -> Result<bool, OperationError> {
    let successors = diesel::alias!(api_tokens as successors);
    let of_token = successors.filter(successors.field(api_tokens::rotated_from).eq(id.as_str()));
    let same_generation = users::table
        .filter(users::id.eq(api_tokens::user_id))
        .filter(users::token_generation.eq(api_tokens::token_generation));
    let rotated = api_tokens::table
        .find(id.as_str())
        .filter(api_tokens::user_id.eq(user.as_str()))
        .filter(api_tokens::revoked_at.is_null())
        .filter(exists(same_generation))
        .filter(exists(of_token));
    let select = diesel::select(exists(rotated));
    query!(connection, |c| select.get_result::<bool>(c))
}

async fn replace(
    connection: &mut Connection,
    before: ApiToken,
    new: &NewSuccessor,
) -> Result<TokenRotation, OperationError> {
    let (old, end) = (before.id.clone(), new.predecessor_ends_at.micros());
    let token = ApiToken {
        id: new.id.clone(),
        hint: new.hint.clone(),
        created_at: new.created_at,
        created_by: new.created_by.clone(),
        expires_at: new.expires_at,
        last_used_at: None,
        last_used_ip: None,
        ..before
    };
    if !insert(connection, new.digest, &token, Some(old.as_str())).await? {
        return Ok(TokenRotation::Unknown);
    }
    let update = diesel::update(api_tokens::table.find(old.as_str()))
        .filter(api_tokens::expires_at.is_null().or(api_tokens::expires_at.gt(end)))
        .set(api_tokens::expires_at.eq(end));
    query!(connection, |c| update.execute(c))?;
    Ok(TokenRotation::Rotated(Box::new(token)))
}
