//! Attempts to sign in that have reached their callback.

use diesel::prelude::*;
use diesel_async::RunQueryDsl;
use vestibule_domain::{AttemptId, Timestamp};

use crate::db::{operation, query};
use crate::error::StorageError;
use crate::schema::spent_attempts;
use crate::storage::Storage;

impl Storage {
    /// Spends an attempt. True exactly once for each id, however many callbacks and replicas try.
    ///
    /// The attempt is remembered for a while after `expires_at`, from when on its own date refuses it.
    pub async fn spend_attempt(&self, id: &AttemptId, expires_at: Timestamp) -> Result<bool, StorageError> {
        let write = operation!(spend_attempt(id = id.clone(), expires_at), |connection| {
            let row =
                (spent_attempts::id.eq(id.as_str()), spent_attempts::expires_at.eq(expires_at.micros()));
            let insert = diesel::insert_into(spent_attempts::table).values(row).on_conflict_do_nothing();
            Ok(query!(connection, |c| insert.execute(c))? == 1)
        });
        self.db.write(write).await
    }
}
