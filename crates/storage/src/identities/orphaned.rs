//! What providers left that are configured no more.

use diesel::dsl::{count, count_star, exists, not};
use diesel::prelude::*;
use diesel_async::RunQueryDsl;
use vestibule_domain::{IdentityKey, ProviderName, Timestamp, UserId};

use crate::changes::Record;
use crate::db::{Connection, operation, query};
use crate::error::{OperationError, StorageError, optional};
use crate::identities::detach::end_sessions_and_release_emails;
use crate::schema::identities;
use crate::storage::Storage;
use crate::users::lock::lock_user;

/// How many identities are removed in one transaction.
const BATCH: i64 = 100;

/// Identities that are not trusted, because no configured provider has their issuer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OrphanedIdentities {
    /// The name of the provider when they last signed in.
    pub provider: String,
    /// Their issuer.
    pub issuer: String,
    /// How many.
    pub identities: u64,
}

/// How much was removed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct RemovedIdentities {
    /// Identities.
    pub identities: u64,
    /// Sessions that began with them.
    pub sessions: u64,
}

type OwnedIdentity = (UserId, IdentityKey);

impl Storage {
    /// Lists the identities whose issuer no configured provider has. An issuer whose provider was renamed is not among them:
    /// its identities count again when they sign in.
    ///
    /// There are few issuers, and they are the first column of a key, so finding each is one index lookup, however many
    /// identities there are.
    pub async fn list_orphaned_identities(&self) -> Result<Vec<OrphanedIdentities>, StorageError> {
        let configured = self.configured_issuers();
        let (mut left, mut issuer) = (Vec::new(), String::new());
        while let Some(next) = self.find_issuer_after(&issuer).await? {
            if !configured.contains(&next) {
                left.extend(self.count_identities_of(&next).await?);
            }
            issuer = next;
        }
        left.sort_by(|one, other| (&one.provider, &one.issuer).cmp(&(&other.provider, &other.issuer)));
        Ok(left)
    }

    async fn find_issuer_after(&self, issuer: &str) -> Result<Option<String>, StorageError> {
        let read = operation!(find_issuer_after(issuer), |connection| {
            let select = identities::table
                .filter(identities::issuer.gt(issuer))
                .order(identities::issuer)
                .select(identities::issuer);
            optional(query!(connection, |c| select.first::<String>(c)))
        });
        let next = self.db.read(read);
        next.await
    }

    /// How many identities an issuer has under each name.
    async fn count_identities_of(&self, issuer: &str) -> Result<Vec<OrphanedIdentities>, StorageError> {
        let read = operation!(count_identities_of(issuer), |connection| {
            let select = identities::table
                .filter(identities::issuer.eq(issuer))
                .group_by(identities::provider)
                .select((identities::provider, count_star()));
            query!(connection, |c| select.load::<(String, i64)>(c))
        });
        let rows = self.db.read(read);
        let left = |(provider, count): (String, i64)| OrphanedIdentities {
            provider,
            issuer: issuer.to_owned(),
            identities: u64::try_from(count).unwrap_or_default(),
        };
        Ok(rows.await?.into_iter().map(left).collect())
    }

    /// Counts the users who have no other way to sign in than the orphaned identities of this provider.
    pub async fn count_users_without_another_identity(
        &self,
        provider: &ProviderName,
    ) -> Result<u64, StorageError> {
        let read = operation!(
            count_users_without_another_identity(provider, issuers = self.configured_issuers()),
            |connection| {
                let others = diesel::alias!(identities as others);
                let stays = others
                    .field(identities::provider)
                    .ne(provider.as_str())
                    .or(others.field(identities::issuer).eq_any(issuers));
                let another =
                    others.filter(others.field(identities::user_id).eq(identities::user_id)).filter(stays);
                let select = identities::table
                    .filter(identities::provider.eq(provider.as_str()))
                    .filter(identities::issuer.ne_all(issuers))
                    .filter(not(exists(another)))
                    .select(count(identities::user_id).aggregate_distinct());
                query!(connection, |c| select.first::<i64>(c))
            }
        );
        let count = self.db.read(read);
        Ok(u64::try_from(count.await?).unwrap_or_default())
    }

    /// Removes the orphaned identities of this provider, with the sessions that began with them and the addresses that only
    /// they stated. Their users stay. Works in batches; when it is interrupted, it can be run again.
    pub async fn remove_orphaned_identities(
        &self,
        provider: &ProviderName,
        now: Timestamp,
    ) -> Result<RemovedIdentities, StorageError> {
        let mut forgotten = RemovedIdentities::default();
        loop {
            let page = self.find_orphaned_identities(provider).await?;
            if page.is_empty() {
                return Ok(forgotten);
            }
            let (identities, sessions) = self.remove_identities(page, now).await?;
            forgotten.identities += identities;
            forgotten.sessions += sessions;
        }
    }

    async fn find_orphaned_identities(
        &self,
        provider: &ProviderName,
    ) -> Result<Vec<OwnedIdentity>, StorageError> {
        let read = operation!(
            find_orphaned_identities(provider, issuers = self.configured_issuers()),
            |connection| {
                let select = identities::table
                    .filter(identities::provider.eq(provider.as_str()))
                    .filter(identities::issuer.ne_all(issuers))
                    .select((identities::user_id, identities::issuer, identities::subject))
                    // Users are locked in the order of their ids.
                    .order((identities::user_id, identities::issuer, identities::subject))
                    .limit(BATCH);
                query!(connection, |c| select.load::<(String, String, String)>(c))
            }
        );
        let rows = self.db.read(read);
        let place = |(user, issuer, subject): (String, String, String)| {
            let user =
                UserId::try_from(user).map_err(|_| StorageError::InvalidValue("identities.user_id"))?;
            Ok((user, IdentityKey { issuer, subject }))
        };
        rows.await?.into_iter().map(place).collect()
    }

    async fn remove_identities(
        &self,
        page: Vec<OwnedIdentity>,
        now: Timestamp,
    ) -> Result<(u64, u64), StorageError> {
        let users: Vec<_> = page.iter().map(|(user, _)| user.clone()).collect();
        let _guards: Vec<_> =
            users.iter().map(|user| self.changes.publish_on_drop(Record::user(user))).collect();
        let transaction = operation!(remove_identities(page, now), |connection| {
            let (mut identities, mut sessions) = (0, 0);
            for (user, identity) in page {
                if let Some(ended) = remove(connection, user, identity, *now).await? {
                    identities += 1;
                    sessions += ended;
                }
            }
            Ok((identities, sessions))
        });
        let removed = self.db.transaction(transaction);
        removed.await
    }
}

/// Removes an identity if it still exists, and returns how many sessions ended with it.
async fn remove(
    connection: &mut Connection,
    user: &UserId,
    identity: &IdentityKey,
    now: Timestamp,
) -> Result<Option<u64>, OperationError> {
    if lock_user(connection, user.as_str()).await?.is_none() {
        return Ok(None);
    }
    let delete = diesel::delete(identities::table.find((&identity.issuer, &identity.subject)))
        .filter(identities::user_id.eq(user.as_str()));
    if query!(connection, |c| delete.execute(c))? == 0 {
        return Ok(None);
    }
    end_sessions_and_release_emails(connection, user, identity, now).await.map(Some)
}
