//! Tokens of people and role accounts: finding, listing and noting the use of those that are alive. How they are made, changed and
//! ended is in files of their own.
//!
//! A token is alive while it is not revoked, its time has not come, and it has its user's `token_generation`.

mod change;
mod create;
mod list;
mod revoke;
mod rotate;
mod row;

use diesel::prelude::*;
use diesel_async::RunQueryDsl;
use vestibule_domain::{ApiToken, ApiTokenId, SecretDigest, Timestamp, User, UserId, UserKind};

use crate::api_tokens::row::ApiTokenRow;
use crate::db::{operation, query};
use crate::error::{StorageError, optional};
use crate::identities::row::{IdentityRow, first_trusted};
use crate::schema::{api_tokens, identities, role_accounts, users};
use crate::storage::Storage;
use crate::users::row::{UserRow, with_trusted_email};

pub use change::TokenChange;
pub use create::{NewApiToken, TokenCreation};
pub use list::{ApiTokenFilter, ApiTokenPlace};
pub use rotate::{NewSuccessor, TokenRotation};

pub(crate) use row::{read_metadata, write_metadata};

/// Tokens that are alive at a moment, with their users. A macro, because the type of the query would be a page.
macro_rules! living_tokens {
    ($now:expr) => {
        api_tokens::table
            .inner_join(users::table)
            .filter(api_tokens::revoked_at.is_null())
            .filter(api_tokens::expires_at.is_null().or(api_tokens::expires_at.gt($now.micros())))
            .filter(api_tokens::token_generation.eq(users::token_generation))
    };
}
pub(crate) use living_tokens;

/// A token that was alive when it was read, and as whom its holder acts.
#[derive(Debug, Clone, PartialEq)]
pub struct LiveApiToken {
    /// The token.
    pub token: ApiToken,
    /// Its user, who is not disabled.
    pub user: User,
    /// The owner of the role account; `None` for a person, or a role account without one.
    pub owner: Option<UserId>,
    /// The identity that a person used last, as `provider:subject`.
    pub provider_id: Option<String>,
}

impl Storage {
    /// Finds a token that is alive by its digest, with its user, who is not disabled. One query, so that nothing changes in between. A
    /// person counts only with an identity of a trusted provider, as at a sign-in.
    pub async fn find_live_api_token(
        &self,
        digest: &SecretDigest,
        now: Timestamp,
    ) -> Result<Option<LiveApiToken>, StorageError> {
        // One row for each identity, or one without.
        let read = operation!(find_live_api_token(hash = digest.to_string(), now), |connection| {
            let select = living_tokens!(now)
                .left_join(role_accounts::table.on(role_accounts::user_id.eq(users::id)))
                .left_join(identities::table.on(identities::user_id.eq(users::id)))
                .filter(api_tokens::hash.eq(hash))
                .filter(users::disabled_at.is_null())
                .order((identities::last_used_at.desc(), identities::issuer, identities::subject));
            query!(connection, |c| select
                .select((
                    ApiTokenRow::as_select(),
                    UserRow::as_select(),
                    role_accounts::owner_id.nullable(),
                    Option::<IdentityRow>::as_select(),
                ))
                .load::<FoundRow>(c))
        });
        let rows = self.db.read(read).await?;
        self.read_live_api_token(rows)
    }

    fn read_live_api_token(&self, rows: Vec<FoundRow>) -> Result<Option<LiveApiToken>, StorageError> {
        let stated: Vec<IdentityRow> = rows.iter().filter_map(|(.., stated)| stated.clone()).collect();
        let Some((token, user, owner, _)) = rows.into_iter().next() else { return Ok(None) };
        let (token, user) = (ApiToken::try_from(token)?, User::try_from(user)?);
        let provider_id = first_trusted(&stated, &self.providers);
        if user.kind == UserKind::Person && provider_id.is_none() {
            return Ok(None);
        }
        let owner = owner.map(UserId::try_from).transpose();
        let owner = owner.map_err(|_| StorageError::InvalidValue("role_accounts.owner_id"))?;
        let user = with_trusted_email(user, &stated, &self.providers);
        Ok(Some(LiveApiToken { token, user, owner, provider_id }))
    }

    /// Finds a token that is alive, by its id.
    pub async fn find_api_token(
        &self,
        id: &ApiTokenId,
        now: Timestamp,
    ) -> Result<Option<ApiToken>, StorageError> {
        let read = operation!(find_api_token(id, now), |connection| {
            let select = living_tokens!(now).filter(api_tokens::id.eq(id.as_str()));
            optional(query!(connection, |c| select
                .select(ApiTokenRow::as_select())
                .get_result::<ApiTokenRow>(c)))
        });
        self.db.read(read).await?.map(ApiToken::try_from).transpose()
    }

    /// Finds those of the tokens with these digests that are alive.
    pub async fn find_api_tokens_by_digest(
        &self,
        digests: &[SecretDigest],
        now: Timestamp,
    ) -> Result<Vec<ApiToken>, StorageError> {
        let hashes: Vec<String> = digests.iter().map(SecretDigest::to_string).collect();
        let read = operation!(find_api_tokens_by_digest(hashes, now), |connection| {
            let select = living_tokens!(now).filter(api_tokens::hash.eq_any(hashes)).order(api_tokens::id);
            query!(connection, |c| select.select(ApiTokenRow::as_select()).load::<ApiTokenRow>(c))
        });
        self.db.read(read).await?.into_iter().map(ApiToken::try_from).collect()
    }

    /// Stores when and from where a token was last used. Never moves that moment back.
    pub async fn touch_api_token(
        &self,
        id: &ApiTokenId,
        ip: Option<&str>,
        now: Timestamp,
    ) -> Result<(), StorageError> {
        let write =
            operation!(touch_api_token(id = id.clone(), ip = ip.map(str::to_owned), now), |connection| {
                let update = diesel::update(api_tokens::table.find(id.as_str()))
                    .filter(api_tokens::last_used_at.is_null().or(api_tokens::last_used_at.lt(now.micros())))
                    .set((
                        api_tokens::last_used_at.eq(now.micros()),
                        api_tokens::last_used_ip.eq(ip.as_deref()),
                    ));
                query!(connection, |c| update.execute(c)).map(drop)
            });
        self.db.write(write).await
    }
}

/// A token with its user, the owner of its role account, and one of the user's identities.
type FoundRow = (ApiTokenRow, UserRow, Option<String>, Option<IdentityRow>);
