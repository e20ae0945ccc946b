//! How long the database may keep one caller waiting.
//!
//! An operation has a limit. A use case that takes several has the same limit for all of them together: whoever waits for it
//! waits no longer when the database is slow at first and silent then.

use std::cell::Cell;
use std::time::Duration;

use tokio::time::Instant;

/// How long an operation may take as its caller sees it, the wait for a connection included: a server that is stopped, a
/// network that swallows packets, or a disk that hangs, answers nothing at all.
const LIMIT: Duration = Duration::from_millis(2_400);

tokio::task_local! {
    /// What the operations of one use case have left.
    static LEFT: Cell<Duration>;
}

/// Lets all that `work` asks of the database take no longer together than one operation may. What it waits for besides, a
/// provider or a plugin, does not count. A future of some size is better pinned by the caller than handed over.
pub fn with_time_budget<F: Future>(work: F) -> impl Future<Output = F::Output> {
    LEFT.scope(Cell::new(left()), work)
}

/// What a use case that begins now, or the next operation of the present one, may take.
fn left() -> Duration {
    LEFT.try_with(Cell::get).unwrap_or(LIMIT)
}

/// The time of one operation. What has gone by when it is dropped is not there for the next one.
pub(super) struct TimeBudget {
    begun: Instant,
    limit: Duration,
}

impl TimeBudget {
    pub(super) fn begin() -> Self {
        Self { begun: Instant::now(), limit: left() }
    }

    /// When the caller must have an answer.
    pub(super) fn deadline(&self) -> Instant {
        self.begun + self.limit
    }

    /// Whether a server that says nothing until then is silent, and not merely slower than what was left.
    pub(super) fn timeout_means_silence(&self) -> bool {
        self.limit >= LIMIT / 2
    }
}

impl Drop for TimeBudget {
    fn drop(&mut self) {
        let left = self.limit.saturating_sub(self.begun.elapsed());
        // Outside of a use case nobody comes after this one.
        let _ = LEFT.try_with(|known| known.set(left));
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
            let left = TimeBudget::begin();
            assert_eq!(left.deadline() - Instant::now(), LIMIT.saturating_sub(Duration::from_millis(100)));
            assert!(left.timeout_means_silence());
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
    async fn operations_by_themselves_have_the_limit_each() {
        for _ in 0..2 {
            let begun = Instant::now();
            assert!(!operation(Duration::from_secs(60)).await);
            assert_eq!(begun.elapsed(), LIMIT);
        }
    }
}
