//! When an operation that failed runs again.

use std::time::Duration;

use vestibule_domain::jitter;

use crate::error::{OperationError, StorageError};

/// How often an operation is repeated after a serialization failure or a deadlock.
const MAX_REPETITIONS: u32 = 3;
/// How often an operation begins anew after a lost race. The winner has committed by then, so one more look nearly always ends it.
const MAX_LOST_RACES: u32 = 8;
/// The shortest pause before the next round, and how much longer it may be for each round so far.
const SHORTEST_PAUSE: Duration = Duration::from_millis(1);
const PAUSE_PER_ROUND: Duration = Duration::from_millis(10);

/// Counts the repetitions of an operation, and waits for a random time before the next one.
#[derive(Default)]
pub(super) struct RetryPolicy {
    repetitions: u32,
    lost_races: u32,
}

impl RetryPolicy {
    /// Waits before the next run, or fails with the error if there is to be none.
    pub(super) async fn back_off(&mut self, error: OperationError) -> Result<(), StorageError> {
        let again = if matches!(error, OperationError::LostRace) {
            self.lost_races += 1;
            self.lost_races <= MAX_LOST_RACES
        } else {
            self.repetitions += 1;
            error.is_worth_repeating() && self.repetitions <= MAX_REPETITIONS
        };
        if !again {
            return Err(error.into());
        }
        let rounds = self.lost_races + self.repetitions;
        tokio::time::sleep(SHORTEST_PAUSE + jitter(PAUSE_PER_ROUND * rounds, 0.0, 1.0)).await;
        Ok(())
    }
}
