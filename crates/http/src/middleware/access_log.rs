//! The one line of a request, and how many of them are written in a flood.
//!
//! Any client can cause lines by sending requests. So each outcome has a budget of lines for a period; beyond it one of
//! [`ONE_OF`] is written, and says so, and the others are counted. A flood of one outcome takes no line from the others.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use poem::http::Method;
use tracing::Level;
use vestibule_domain::Rate;

use super::trace::method_name;
use crate::operations::Operation;

/// Of so many lines beyond the budget one is written.
const ONE_OF: u32 = 100;

/// How requests end, as far as budgets go: answered, refused, failed.
const OUTCOMES: usize = 3;

/// Decides which lines of requests are written, and counts the others. All clones are the same.
#[derive(Debug, Clone)]
pub struct AccessLog(Arc<Budgets>);

#[derive(Debug)]
struct Budgets {
    rate: Option<Rate>,
    began: Instant,
    of_outcomes: [Budget; OUTCOMES],
    left_out: AtomicU64,
}

/// What was asked of a budget in the period that runs.
#[derive(Debug, Default)]
struct Budget {
    period: AtomicU64,
    asked: AtomicU32,
}

/// What becomes of the lines of a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Verdict {
    /// They are written.
    Written,
    /// They are written, and stand for so many.
    Sampled(u32),
    /// They are left out.
    LeftOut,
}

impl AccessLog {
    /// So many lines of each outcome in a period; without a rate all of them.
    pub fn new(rate: Option<Rate>) -> Self {
        let (began, of_outcomes) = (Instant::now(), Default::default());
        Self(Arc::new(Budgets { rate, began, of_outcomes, left_out: AtomicU64::new(0) }))
    }

    /// Of how many requests no line was written, since the beginning.
    pub fn left_out(&self) -> u64 {
        self.0.left_out.load(Ordering::Relaxed)
    }

    /// What becomes of the lines of a request. To be asked once for each.
    pub(super) fn judge(&self, operation: &Operation, status: u16) -> Verdict {
        // Nothing is taken from a budget, and nothing is counted, for lines that the log's level leaves out.
        if is_read(operation, status) {
            self.judge_at(status, self.0.began.elapsed())
        } else {
            Verdict::Written
        }
    }

    fn judge_at(&self, status: u16, since_beginning: Duration) -> Verdict {
        let Some(rate) = self.0.rate else { return Verdict::Written };
        let [answered, refused, failed] = &self.0.of_outcomes;
        let budget = match status {
            ..400 => answered,
            400..500 => refused,
            500.. => failed,
        };
        let verdict = budget.judge(rate, since_beginning);
        if verdict == Verdict::LeftOut {
            self.0.left_out.fetch_add(1, Ordering::Relaxed);
        }
        verdict
    }
}

impl Budget {
    /// Of requests that come in the moment in which a period ends, some may be taken for one of the other period.
    fn judge(&self, rate: Rate, since_beginning: Duration) -> Verdict {
        let period = since_beginning.as_nanos() / rate.period().as_nanos().max(1);
        let period = u64::try_from(period).unwrap_or(u64::MAX);
        if self.period.swap(period, Ordering::Relaxed) != period {
            self.asked.store(0, Ordering::Relaxed);
        }
        let before = self.asked.fetch_add(1, Ordering::Relaxed);
        match before.checked_sub(rate.count()) {
            None => Verdict::Written,
            Some(beyond) if beyond % ONE_OF == 0 => Verdict::Sampled(ONE_OF),
            Some(_) => Verdict::LeftOut,
        }
    }
}

/// What is told of a request.
pub(super) struct Access<'a> {
    pub(super) method: &'a Method,
    pub(super) operation: &'static Operation,
    pub(super) status: u16,
    pub(super) request_id: &'a str,
    pub(super) error: Option<&'a str>,
    pub(super) duration: Duration,
}

impl Access<'_> {
    /// Writes the line, unless it is left out.
    pub(super) fn write(&self, verdict: Verdict) {
        let Self { method, operation, status, request_id, error, duration } = *self;
        let method = method_name(method);
        let sampled = match verdict {
            Verdict::Written => None,
            Verdict::Sampled(one_of) => Some(one_of),
            Verdict::LeftOut => return,
        };
        let micros = u64::try_from(duration.as_micros()).unwrap_or(u64::MAX);
        let (is_routine, operation) = (is_routine(operation, status), operation.id);
        if is_routine {
            tracing::debug!(target: "vestibule::access", method, operation, status, request_id, error, micros, sampled, "request");
        } else {
            tracing::info!(target: "vestibule::access", method, operation, status, request_id, error, micros, sampled, "request");
        }
    }
}

/// True for a success of an operation that machines call all the time.
fn is_routine(operation: &Operation, status: u16) -> bool {
    status < 400 && operation.is_routine
}

fn is_read(operation: &Operation, status: u16) -> bool {
    if is_routine(operation, status) {
        tracing::enabled!(target: "vestibule::access", Level::DEBUG)
    } else {
        tracing::enabled!(target: "vestibule::access", Level::INFO)
            || status >= 400 && tracing::enabled!(target: "vestibule_http::middleware", Level::INFO)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    fn log(count: u32) -> AccessLog {
        AccessLog::new(Some(Rate::new(count, SECOND).unwrap()))
    }

    fn verdicts(log: &AccessLog, status: u16, at: Duration, count: usize) -> Vec<Verdict> {
        (0..count).map(|_| log.judge_at(status, at)).collect()
    }

    #[test]
    fn k12_beyond_the_budget_one_of_a_hundred_is_written_and_the_others_are_counted() {
        let log = log(10);
        let verdicts = verdicts(&log, 200, Duration::ZERO, 1010);
        let count = |wanted| verdicts.iter().filter(|verdict| **verdict == wanted).count();
        assert_eq!(verdicts[..10], [Verdict::Written; 10]);
        assert_eq!((count(Verdict::Sampled(ONE_OF)), count(Verdict::LeftOut)), (10, 990));
        assert_eq!(log.left_out(), 990);
    }

    #[test]
    fn k12_a_flood_of_one_outcome_takes_no_line_from_another_nor_from_the_next_period() {
        let log = log(10);
        verdicts(&log, 200, Duration::ZERO, 5000);
        assert_eq!(verdicts(&log, 404, Duration::ZERO, 10), [Verdict::Written; 10]);
        assert_eq!(verdicts(&log, 503, Duration::ZERO, 10), [Verdict::Written; 10]);
        assert_eq!(verdicts(&log, 200, SECOND, 10), [Verdict::Written; 10]);
    }

    #[test]
    fn without_a_rate_every_line_is_written() {
        let log = AccessLog::new(None);
        assert!(verdicts(&log, 200, Duration::ZERO, 5000).iter().all(|verdict| *verdict == Verdict::Written));
        assert_eq!(log.left_out(), 0);
    }
}
