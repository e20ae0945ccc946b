//! Finding tokens by their digest.

use std::collections::BTreeSet;

use diesel::prelude::*;
use diesel_async::RunQueryDsl;
use vestibule_domain::{GrantId, SecretDigest, Timestamp, UserId, error_chain};

use super::alive::{GrantParts, grant_parts, living_grants};
use super::row::{AccessTokenRow, GrantRow};
use super::{AccessToken, FoundRefreshToken, LiveAccessToken};
use crate::db::{operation, query};
use crate::error::{StorageError, optional};
use crate::identities::row::IdentityRow;
use crate::schema::{access_tokens, grants, identities, refresh_tokens, sessions, users};
use crate::sessions::row::SessionRow;
use crate::storage::Storage;
use crate::users::row::UserRow;

impl Storage {
    /// Finds an access token that is alive, with its grant, session and user: one query, and one update when it is the first use of
    /// its generation. From then on the refresh token before that generation is good for nothing.
    pub async fn find_access_token(
        &self,
        digest: &SecretDigest,
        now: Timestamp,
    ) -> Result<Option<LiveAccessToken>, StorageError> {
        let Some((found, unseen)) = self.read_access_token(digest, now).await? else { return Ok(None) };
        let Some(unseen) = unseen else { return Ok(Some(found)) };
        match self.note_first_use(&unseen, now).await {
            Ok(true) => Ok(Some(found)),
            // Another use was first, or the generation was replaced in this moment, and the token with it.
            Ok(false) => Ok(self.read_access_token(digest, now).await?.map(|(found, _)| found)),
            Err(error) => {
                tracing::warn!(error = error_chain(&error), "the first use of an access token was not noted");
                Ok(Some(found))
            }
        }
    }

    /// The token, and the stored form of the refresh token beside it if neither was used.
    async fn read_access_token(
        &self,
        digest: &SecretDigest,
        now: Timestamp,
    ) -> Result<Option<(LiveAccessToken, Option<String>)>, StorageError> {
        let read = operation!(find_access_token(digest, now), |connection| {
            let beside = refresh_tokens::grant_id
                .eq(grants::id)
                .and(refresh_tokens::generation.eq(access_tokens::generation))
                .and(refresh_tokens::seen_at.is_null())
                .and(refresh_tokens::spent_at.is_null());
            let select = living_grants!(now)
                .inner_join(access_tokens::table.on(access_tokens::grant_id.eq(grants::id.nullable())))
                .inner_join(identities::table.on(identities::user_id.eq(grants::user_id)))
                .left_join(refresh_tokens::table.on(beside))
                .filter(access_tokens::hash.eq(digest.to_string()))
                .filter(access_tokens::revoked_at.is_null())
                .filter(access_tokens::expires_at.gt(now.micros()));
            query!(connection, |c| select
                .select((AccessTokenRow::as_select(), refresh_tokens::hash.nullable(), grant_parts!()))
                .load(c))
        });
        let rows: Vec<(AccessTokenRow, Option<String>, GrantParts)> = self.db.read(read).await?;
        let (mut head, mut parts) = (None, Vec::new());
        for (token, unseen, part) in rows {
            head = Some((token, unseen));
            parts.push(part);
        }
        let Some((token, unseen)) = head else { return Ok(None) };
        let Some(live) = self.read_live_grant(parts, now)? else { return Ok(None) };
        Ok(Some((LiveAccessToken { token: AccessToken::try_from(token)?, live }, unseen)))
    }

    /// Notes that a generation is in use. By the stored form of its refresh token, which is another once the generation is replaced.
    async fn note_first_use(&self, refresh_hash: &str, now: Timestamp) -> Result<bool, StorageError> {
        let write = operation!(note_first_use(hash = refresh_hash.to_owned(), now), |connection| {
            let update = diesel::update(refresh_tokens::table.find(hash))
                .filter(refresh_tokens::seen_at.is_null())
                .set(refresh_tokens::seen_at.eq(now.micros()));
            Ok(query!(connection, |c| update.execute(c))? == 1)
        });
        self.db.write(write).await
    }

    /// Finds a refresh token that has not expired, also one that was used, if its grant is alive.
    pub async fn find_refresh_token(
        &self,
        digest: &SecretDigest,
        now: Timestamp,
    ) -> Result<Option<FoundRefreshToken>, StorageError> {
        let read = operation!(find_refresh_token(digest, now), |connection| {
            let select = living_grants!(now)
                .inner_join(refresh_tokens::table.on(refresh_tokens::grant_id.eq(grants::id)))
                .inner_join(identities::table.on(identities::user_id.eq(grants::user_id)))
                .filter(refresh_tokens::hash.eq(digest.to_string()))
                .filter(refresh_tokens::expires_at.gt(now.micros()));
            query!(connection, |c| select.select((refresh_tokens::generation, grant_parts!())).load(c))
        });
        let rows: Vec<(i64, GrantParts)> = self.db.read(read).await?;
        let Some(generation) = rows.iter().map(|(generation, _)| *generation).next() else { return Ok(None) };
        let parts = rows.into_iter().map(|(_, part)| part).collect();
        let Some(live) = self.read_live_grant(parts, now)? else { return Ok(None) };
        Ok(Some(FoundRefreshToken { digest: *digest, generation, live }))
    }

    /// The grant that a refresh token belongs to, with its user, whatever has become of them: its holder may end it.
    pub async fn find_grant_of_refresh_token(
        &self,
        digest: &SecretDigest,
    ) -> Result<Option<(UserId, GrantId)>, StorageError> {
        let read = operation!(find_grant_of_refresh_token(digest), |connection| {
            let select = refresh_tokens::table
                .inner_join(grants::table)
                .filter(refresh_tokens::hash.eq(digest.to_string()))
                .select((grants::user_id, grants::id));
            optional(query!(connection, |c| select.first::<(String, String)>(c)))
        });
        let Some((user, grant)) = self.db.read(read).await? else { return Ok(None) };
        let user = UserId::try_from(user).map_err(|_| StorageError::InvalidValue("grants.user_id"))?;
        let grant = GrantId::try_from(grant).map_err(|_| StorageError::InvalidValue("grants.id"))?;
        Ok(Some((user, grant)))
    }

    /// The grants that these access and refresh tokens belong to, each once, whatever has become of them.
    pub async fn find_grants_of_tokens(
        &self,
        digests: &[SecretDigest],
    ) -> Result<BTreeSet<GrantId>, StorageError> {
        let hashes: Vec<String> = digests.iter().map(SecretDigest::to_string).collect();
        let read = operation!(find_grants_of_tokens(hashes), |connection| {
            let access = access_tokens::table
                .filter(access_tokens::hash.eq_any(hashes))
                .filter(access_tokens::grant_id.is_not_null())
                .select(access_tokens::grant_id.assume_not_null());
            let refresh = refresh_tokens::table
                .filter(refresh_tokens::hash.eq_any(hashes))
                .select(refresh_tokens::grant_id);
            let mut ids = query!(connection, |c| access.load::<String>(c))?;
            ids.extend(query!(connection, |c| refresh.load::<String>(c))?);
            Ok(ids)
        });
        let ids: Vec<String> = self.db.read(read).await?;
        let read = |id| GrantId::try_from(id).map_err(|_| StorageError::InvalidValue("grants.id"));
        ids.into_iter().map(read).collect()
    }
}
