//! Listing the grants that are alive.

use diesel::prelude::*;
use diesel_async::RunQueryDsl;
use vestibule_domain::{Grant, GrantId, Timestamp, UserId};

use super::alive::{GrantParts, grant_parts, living_grants};
use super::row::GrantRow;
use crate::db::{operation, query};
use crate::error::{StorageError, optional};
use crate::identities::row::IdentityRow;
use crate::schema::{grants, identities, sessions, users};
use crate::sessions::row::SessionRow;
use crate::storage::Storage;
use crate::users::row::UserRow;

/// A place in a list of grants: behind the grant that was made then and has this id.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GrantPlace {
    /// When it was made.
    pub created_at: Timestamp,
    /// Its id.
    pub id: GrantId,
}

/// A part of a list of grants.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct GrantPage {
    /// The grants, the latest first. There may be fewer than were asked for also where the list goes on.
    pub grants: Vec<Grant>,
    /// Where the list goes on.
    pub next: Option<GrantPlace>,
}

impl Storage {
    /// Lists at most `limit` grants that are alive behind a place, the latest first: those of a user, or of everybody.
    pub async fn list_grants(
        &self,
        user: Option<&UserId>,
        after: Option<&GrantPlace>,
        limit: u32,
        now: Timestamp,
    ) -> Result<GrantPage, StorageError> {
        let places = self.list_grant_places(user, after, limit, now).await?;
        let is_full = u32::try_from(places.len()).is_ok_and(|count| count >= limit);
        let ids: Vec<&str> = places.iter().map(|(_, id)| id.as_str()).collect();
        let read = operation!(list_grants(ids, now), |connection| {
            let select = living_grants!(now)
                .inner_join(identities::table.on(identities::user_id.eq(grants::user_id)))
                .filter(grants::id.eq_any(ids.iter().copied()))
                .order((grants::created_at.desc(), grants::id));
            query!(connection, |c| select.select((grants::id, grant_parts!())).load(c))
        });
        let rows: Vec<(String, GrantParts)> = self.db.read(read).await?;
        let (mut groups, mut last) = (Vec::<Vec<GrantParts>>::new(), None);
        for (id, part) in rows {
            match groups.last_mut() {
                Some(group) if last.as_ref() == Some(&id) => group.push(part),
                _ => groups.push(vec![part]),
            }
            last = Some(id);
        }
        let mut alive = Vec::new();
        for group in groups {
            alive.extend(self.read_live_grant(group, now)?.map(|live| live.grant));
        }
        let next = places.into_iter().last().filter(|_| is_full).map(|(created_at, id)| {
            let id = GrantId::try_from(id).map_err(|_| StorageError::InvalidValue("grants.id"))?;
            Ok::<_, StorageError>(GrantPlace { created_at: Timestamp::from_micros(created_at), id })
        });
        Ok(GrantPage { grants: alive, next: next.transpose()? })
    }

    /// The moments and ids of the grants on a page. They are read apart: a grant has a row for each identity of its user.
    async fn list_grant_places(
        &self,
        user: Option<&UserId>,
        after: Option<&GrantPlace>,
        limit: u32,
        now: Timestamp,
    ) -> Result<Vec<(i64, String)>, StorageError> {
        let read = operation!(list_grant_places(user, after, limit = i64::from(limit), now), |connection| {
            query!(connection, |c| {
                let mut select = living_grants!(now)
                    .select((grants::created_at, grants::id))
                    .order((grants::created_at.desc(), grants::id))
                    .limit(*limit)
                    .into_boxed();
                if let Some(user) = user {
                    select = select.filter(grants::user_id.eq(user.as_str()));
                }
                if let Some(GrantPlace { created_at, id }) = after {
                    let made_then = grants::created_at.eq(created_at.micros());
                    let earlier = grants::created_at.lt(created_at.micros());
                    select = select.filter(earlier.or(made_then.and(grants::id.gt(id.as_str()))));
                }
                select.load::<(i64, String)>(c)
            })
        });
        self.db.read(read).await
    }

    /// Lists the grants of a user that have not ended, the latest first: also those that count for nothing now, because the provider
    /// of their identity is not configured here. For whoever ends them.
    pub async fn list_stored_grants(
        &self,
        user: &UserId,
        now: Timestamp,
    ) -> Result<Vec<Grant>, StorageError> {
        let read = operation!(list_stored_grants(user, now), |connection| {
            let select = living_grants!(now)
                .filter(grants::user_id.eq(user.as_str()))
                .order((grants::created_at.desc(), grants::id));
            query!(connection, |c| select.select(GrantRow::as_select()).load::<GrantRow>(c))
        });
        self.db.read(read).await?.into_iter().map(Grant::try_from).collect()
    }

    /// Finds such a grant by its id, whosever it is.
    pub async fn find_stored_grant(
        &self,
        grant: &GrantId,
        now: Timestamp,
    ) -> Result<Option<Grant>, StorageError> {
        let read = operation!(find_stored_grant(grant, now), |connection| {
            let select = living_grants!(now).filter(grants::id.eq(grant.as_str()));
            optional(query!(connection, |c| select.select(GrantRow::as_select()).first::<GrantRow>(c)))
        });
        self.db.read(read).await?.map(Grant::try_from).transpose()
    }

    /// Finds a grant of a user, if it is alive.
    pub async fn find_grant(
        &self,
        user: &UserId,
        grant: &GrantId,
        now: Timestamp,
    ) -> Result<Option<Grant>, StorageError> {
        let read = operation!(find_grant(user, grant, now), |connection| {
            let select = living_grants!(now)
                .inner_join(identities::table.on(identities::user_id.eq(grants::user_id)))
                .filter(grants::id.eq(grant.as_str()))
                .filter(grants::user_id.eq(user.as_str()));
            query!(connection, |c| select.select(grant_parts!()).load(c))
        });
        let rows: Vec<GrantParts> = self.db.read(read).await?;
        Ok(self.read_live_grant(rows, now)?.map(|live| live.grant))
    }
}
