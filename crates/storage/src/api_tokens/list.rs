//! Listing the tokens that are alive.

use diesel::prelude::*;
use diesel_async::RunQueryDsl;
use vestibule_domain::{ApiToken, ApiTokenId, ApiTokenKind, Timestamp, UserId};

use crate::api_tokens::living_tokens;
use crate::api_tokens::row::ApiTokenRow;
use crate::db::{operation, query};
use crate::error::StorageError;
use crate::schema::{api_tokens, users};
use crate::storage::Storage;

/// Which tokens are listed; no restriction lists all.
#[derive(Debug, Clone, Default)]
pub struct ApiTokenFilter {
    /// Those of this user.
    pub user: Option<UserId>,
    /// Those of people, or of role accounts.
    pub kind: Option<ApiTokenKind>,
    /// Those that this user made.
    pub created_by: Option<UserId>,
}

/// A place in a list of tokens: behind the token that was made then and has this id.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ApiTokenPlace {
    /// When it was made.
    pub created_at: Timestamp,
    /// Its id.
    pub id: ApiTokenId,
}

impl Storage {
    /// Lists at most `limit` tokens that are alive behind a place, the latest first.
    pub async fn list_api_tokens(
        &self,
        filter: &ApiTokenFilter,
        after: Option<&ApiTokenPlace>,
        limit: u32,
        now: Timestamp,
    ) -> Result<Vec<ApiToken>, StorageError> {
        let read = operation!(list_api_tokens(filter, after, limit = i64::from(limit), now), |connection| {
            query!(connection, |c| {
                let mut select = living_tokens!(now)
                    .select(ApiTokenRow::as_select())
                    .order((api_tokens::created_at.desc(), api_tokens::id))
                    .limit(*limit)
                    .into_boxed();
                if let Some(user) = &filter.user {
                    select = select.filter(api_tokens::user_id.eq(user.as_str()));
                }
                if let Some(kind) = filter.kind {
                    select = select.filter(api_tokens::kind.eq(kind.as_str()));
                }
                if let Some(maker) = &filter.created_by {
                    select = select.filter(api_tokens::created_by.eq(maker.as_str()));
                }
                if let Some(ApiTokenPlace { created_at, id }) = after {
                    let made_then = api_tokens::created_at.eq(created_at.micros());
                    let earlier = api_tokens::created_at.lt(created_at.micros());
                    select = select.filter(earlier.or(made_then.and(api_tokens::id.gt(id.as_str()))));
                }
                select.load::<ApiTokenRow>(c)
            })
        });
        self.db.read(read).await?.into_iter().map(ApiToken::try_from).collect()
    }
}
