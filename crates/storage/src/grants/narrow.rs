//! Making what a grant lends smaller.

use diesel::prelude::*;
use diesel_async::RunQueryDsl;
use vestibule_domain::{
    AuditEvent, Grant, GrantId, LentLimits, NarrowingError, Scopes, Services, Timestamp, UserId,
};

use crate::changes::Record;
use crate::db::{operation, query};
use crate::error::StorageError;
use crate::schema::grants;
use crate::storage::Storage;

/// What became of a grant that was to be made smaller.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Narrowed {
    /// It lends this now.
    Done(Box<Grant>),
    /// What was asked for is more than it lends.
    Wider(NarrowingError),
    /// The user has no such grant that is alive.
    NotFound,
}

impl Storage {
    /// Lets a grant of this user lend less; what is not named stays. Its access tokens lend less at once.
    pub async fn narrow_grant(
        &self,
        (user, id): (&UserId, &GrantId),
        (services, scopes): (Option<Services>, Option<Scopes>),
        now: Timestamp,
        event: &AuditEvent,
    ) -> Result<Narrowed, StorageError> {
        let _guard = self.changes.publish_on_drop(Record::credential(id.as_str()));
        loop {
            let Some(grant) = self.find_grant(user, id, now).await? else {
                return Ok(Narrowed::NotFound);
            };
            let limits = match grant.limits.narrowed_to(services.clone(), scopes.clone()) {
                Ok(limits) => limits,
                Err(wider) => return Ok(Narrowed::Wider(wider)),
            };
            // Otherwise another call was first, and what it left is judged anew. Each round is of a grant that has become smaller.
            if self.write_limits(&grant, &limits, event).await? {
                return Ok(Narrowed::Done(Box::new(Grant { limits, ..grant })));
            }
        }
    }

    /// Writes what a grant lends, if it lends what was read.
    async fn write_limits(
        &self,
        grant: &Grant,
        limits: &LentLimits,
        event: &AuditEvent,
    ) -> Result<bool, StorageError> {
        let old = grant.limits.clone();
        let write =
            operation!(narrow_grant(id = grant.id.clone(), old, new = limits.clone()), |connection| {
                let update = diesel::update(grants::table.find(id.as_str()))
                    .filter(grants::revoked_at.is_null())
                    .filter(grants::services.eq(old.services.to_string()))
                    .filter(grants::scopes.eq(old.scopes.to_string()))
                    .set((
                        grants::services.eq(new.services.to_string()),
                        grants::scopes.eq(new.scopes.to_string()),
                    ));
                Ok(query!(connection, |c| update.execute(c))? == 1)
            });
        self.write_audited(event, write).await
    }
}
