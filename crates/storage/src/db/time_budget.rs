//! How long a caller may wait for the database.
//!
//! Each operation has a time limit. A use case with several operations has the same limit for all of them together, so it
//! takes no longer when the database is slow at first and then silent.

use std::cell::Cell;
use std::time::Duration;

use tokio::time::Instant;

/// How long an operation may take, the wait for a connection included: a stopped server, a network that drops packets or a disk
/// that hangs never answers.
const LIMIT: Duration = Duration::from_millis(2_400);
/// An operation that waits for a connection does not begin with less than this. It would be cut off, and its connection closed for
/// nothing: under overload, less and less would be done.
const MIN_OPERATION_TIME: Duration = Duration::from_millis(400);

tokio::task_local! {
    /// The time that remains for the operations of one use case.
    static REMAINING: Cell<Duration>;
}

/// Gives all database operations of `work` together the time of one operation. Time spent on other things, such as a provider or
/// a plugin, does not count. The caller should pin a large future and pass it by reference.
pub fn with_time_budget<F: Future>(work: F) -> impl Future<Output = F::Output> {
    REMAINING.scope(Cell::new(remaining()), work)
}

/// The time that remains for a use case that begins now, or for the next operation of the present one.
fn remaining() -> Duration {
    REMAINING.try_with(Cell::get).unwrap_or(LIMIT)
}

/// The time of one operation. When this is dropped, the elapsed time is taken from the budget of the use case.
pub(super) struct TimeBudget {
    begun: Instant,
    limit: Duration,
}

impl TimeBudget {
    pub(super) fn begin() -> Self {
        Self { begun: Instant::now(), limit: remaining() }
    }

    /// When the caller must get an answer.
    pub(super) fn deadline(&self) -> Instant {
        self.begun + self.limit
    }

    /// Until when the caller may wait for a connection. When this is over already, only an idle one is taken.
    pub(super) fn acquire_deadline(&self) -> Instant {
        self.begun + self.limit.saturating_sub(MIN_OPERATION_TIME)
    }

    /// Whether a timeout shows that the server is silent, and not merely that little time remained.
    pub(super) fn timeout_means_silence(&self) -> bool {
        self.limit >= LIMIT / 2
    }
}

impl Drop for TimeBudget {
    fn drop(&mut self) {
        let remaining = self.limit.saturating_sub(self.begun.elapsed());
        // Outside a use case there is no next operation.
        let _ = REMAINING.try_with(|cell| cell.set(remaining));
    }
}

#[cfg(test)]
mod tests {
    use tokio::time::{sleep, timeout_at};

    use super::*;

    /// An operation that is answered after so long; whether that was in time.
    async fn operation(answered_after: Duration) -> bool {
        let budget = TimeBudget::begin();
        timeout_at(budget.deadline(), sleep(answered_after)).await.is_ok()
    }

    #[tokio::test(start_paused = true)]
    async fn l7_operations_of_one_use_case_share_one_limit() {
        let begun = Instant::now();
        with_time_budget(async {
            assert!(operation(Duration::from_secs(1)).await);
            assert!(operation(Duration::from_secs(1)).await);
            assert!(!operation(Duration::from_secs(60)).await, "silent from now on");
            assert!(!operation(Duration::from_secs(60)).await);
        })
        .await;
        assert_eq!(begun.elapsed(), LIMIT);
    }

    #[tokio::test(start_paused = true)]
    async fn what_a_use_case_waits_for_besides_does_not_count() {
        with_time_budget(async {
            assert!(operation(Duration::from_millis(100)).await);
            sleep(Duration::from_secs(10)).await;
            let budget = TimeBudget::begin();
            assert_eq!(budget.deadline() - Instant::now(), LIMIT.saturating_sub(Duration::from_millis(100)));
            assert!(budget.timeout_means_silence());
        })
        .await;
    }

    #[tokio::test(start_paused = true)]
    async fn a_use_case_within_another_has_no_more_than_it() {
        with_time_budget(async {
            assert!(operation(Duration::from_secs(2)).await);
            let begun = Instant::now();
            assert!(!with_time_budget(operation(Duration::from_secs(60))).await);
            assert_eq!(begun.elapsed(), LIMIT.saturating_sub(Duration::from_secs(2)));
        })
        .await;
    }

    #[tokio::test(start_paused = true)]
    async fn l5_the_wait_for_a_connection_leaves_time_for_the_operation() {
        with_time_budget(async {
            let budget = TimeBudget::begin();
            assert_eq!(budget.deadline() - budget.acquire_deadline(), MIN_OPERATION_TIME);
            drop(budget);
            assert!(operation(LIMIT.saturating_sub(MIN_OPERATION_TIME / 2)).await);
            let budget = TimeBudget::begin();
            assert_eq!(budget.acquire_deadline(), Instant::now(), "no wait");
            assert!(budget.deadline() > Instant::now(), "what is idle can be used");
        })
        .await;
    }

    #[tokio::test(start_paused = true)]
    async fn operations_by_themselves_have_the_limit_each() {
        for _ in 0..2 {
            let begun = Instant::now();
            assert!(!operation(Duration::from_secs(60)).await);
            assert_eq!(begun.elapsed(), LIMIT);
        }
    }
}
