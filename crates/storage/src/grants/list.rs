//! The grants of a person.

use diesel::prelude::*;
use diesel_async::RunQueryDsl;
use vestibule_domain::{Grant, GrantId, Timestamp, UserId};

use super::alive::{GrantParts, grant_parts, living_grants};
use super::row::GrantRow;
use crate::db::{operation, query};
use crate::error::StorageError;
use crate::identities::row::IdentityRow;
use crate::schema::{grants, identities, sessions, users};
use crate::sessions::row::SessionRow;
use crate::storage::Storage;
use crate::users::row::UserRow;

impl Storage {
    /// Lists the grants of a user that are alive, the one used last first.
    pub async fn list_grants(&self, user: &UserId, now: Timestamp) -> Result<Vec<Grant>, StorageError> {
        let read = operation!(list_grants(user, now), |connection| {
            let select = living_grants!(now)
                .inner_join(identities::table.on(identities::user_id.eq(grants::user_id)))
                .filter(grants::user_id.eq(user.as_str()))
                .order((grants::last_used_at.desc(), grants::created_at.desc(), grants::id));
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
        Ok(alive)
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
