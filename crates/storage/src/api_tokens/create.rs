//! The beginning of a token.
//!
//! INVARIANT: the statement that makes a token also reads its user's `token_generation`, and makes none for a user who is disabled or of
//! another kind. So what ends the user's tokens at the same time ends this one too, whichever of the two commits first.

use diesel::dsl::count_star;
use diesel::pg::Pg;
use diesel::prelude::*;
use diesel::query_builder::{QueryFragment, QueryId};
use diesel::sql_types::{BigInt, Nullable, Text};
use diesel::sqlite::Sqlite;
use diesel_async::RunQueryDsl;
use vestibule_domain::{ApiToken, ApiTokenKind, AuditEvent, SecretDigest, Timestamp, UserId, UserKind};

use crate::api_tokens::living_tokens;
use crate::api_tokens::row::write_metadata;
use crate::audit::Changed;
use crate::db::{Connection, operation, query};
use crate::error::{OperationError, StorageError};
use crate::schema::{api_tokens, users};
use crate::storage::Storage;
use crate::users::lock::lock_user;

/// A token to be made.
#[derive(Debug, Clone)]
pub struct NewApiToken {
    /// By what its text is found.
    pub digest: SecretDigest,
    /// The token. It was never used.
    pub token: ApiToken,
    /// How many tokens its user may have that are alive, this one included.
    pub most: u32,
}

/// The outcome of making a token.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TokenCreation {
    /// It is alive.
    Created,
    /// Its user has too many.
    LimitReached,
    /// There is no such user of its kind, or the user is disabled.
    UnknownUser,
}

impl Changed for TokenCreation {
    fn changed(&self) -> bool {
        *self == Self::Created
    }
}

impl Storage {
    /// Makes a token.
    pub async fn create_api_token(
        &self,
        new: &NewApiToken,
        event: &AuditEvent,
    ) -> Result<TokenCreation, StorageError> {
        let change = operation!(create_api_token(new = new.clone()), |connection| {
            let NewApiToken { digest, token, most } = new;
            // Without the lock, two of them could each see the room that the other takes.
            if lock_user(connection, token.user_id.as_str()).await?.is_none() {
                return Ok(TokenCreation::UnknownUser);
            }
            if count_living(connection, &token.user_id, token.created_at).await? >= i64::from(*most) {
                return Ok(TokenCreation::LimitReached);
            }
            let is_made = insert(connection, *digest, token, None).await?;
            Ok(if is_made { TokenCreation::Created } else { TokenCreation::UnknownUser })
        });
        self.write_audited(event, change).await
    }
}

/// How many tokens of a user are alive.
pub(super) async fn count_living(
    connection: &mut Connection,
    user: &UserId,
    now: Timestamp,
) -> Result<i64, OperationError> {
    let living = living_tokens!(now).filter(api_tokens::user_id.eq(user.as_str()));
    query!(connection, |c| living.select(count_star()).get_result::<i64>(c))
}

/// Inserts a token, as the successor of another if that is named. False when its user is disabled or of another kind, or there is none.
pub(super) async fn insert(
    connection: &mut Connection,
    digest: SecretDigest,
    token: &ApiToken,
    rotated_from: Option<&str>,
) -> Result<bool, OperationError> {
    let texts = Texts {
        hash: digest.to_string(),
        services: token.limits.services.to_string(),
        scopes: token.limits.scopes.to_string(),
        metadata: write_metadata(&token.metadata),
    };
    let insert = token_to_insert(token, &texts, rotated_from);
    Ok(query!(connection, |c| insert.execute(c))? == 1)
}

/// What is written of a token as a text.
struct Texts {
    hash: String,
    services: String,
    scopes: String,
    metadata: String,
}

fn token_to_insert<'q>(
    token: &'q ApiToken,
    texts: &'q Texts,
    rotated_from: Option<&'q str>,
) -> impl QueryFragment<Sqlite> + QueryFragment<Pg> + QueryId + Send + 'q {
    let user = users::table
        .find(token.user_id.as_str())
        .filter(users::disabled_at.is_null())
        .filter(users::kind.eq(kind_of_user(token)));
    let values = user.select((
        token.id.as_str().into_sql::<Text>(),
        texts.hash.as_str().into_sql::<Text>(),
        token.kind.as_str().into_sql::<Text>(),
        users::id,
        token.name.as_str().into_sql::<Text>(),
        texts.services.as_str().into_sql::<Text>(),
        texts.scopes.as_str().into_sql::<Text>(),
        texts.metadata.as_str().into_sql::<Text>(),
        token.hint.as_str().into_sql::<Text>(),
        users::token_generation,
        token.created_at.micros().into_sql::<BigInt>(),
        token.created_by.as_str().into_sql::<Text>(),
        token.expires_at.map(Timestamp::micros).into_sql::<Nullable<BigInt>>(),
        rotated_from.into_sql::<Nullable<Text>>(),
    ));
    let columns = (
        api_tokens::id,
        api_tokens::hash,
        api_tokens::kind,
        api_tokens::user_id,
        api_tokens::name,
        api_tokens::services,
        api_tokens::scopes,
        api_tokens::metadata,
        api_tokens::hint,
        api_tokens::token_generation,
        api_tokens::created_at,
        api_tokens::created_by,
        api_tokens::expires_at,
        api_tokens::rotated_from,
    );
    values.insert_into(api_tokens::table).into_columns(columns)
}

/// People have personal tokens, role accounts tokens of theirs.
fn kind_of_user(token: &ApiToken) -> &'static str {
    match token.kind {
        ApiTokenKind::Personal => UserKind::Person.as_str(),
        ApiTokenKind::Role => UserKind::Role.as_str(),
    }
}
