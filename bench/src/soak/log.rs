//! What came back, for each line of the table and over the whole time.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use hdrhistogram::Histogram;

/// What happened since the last line.
#[derive(Debug, Default, PartialEq)]
pub(super) struct Counts {
    pub(super) requests: u64,
    pub(super) server_errors: u64,
    /// Anything but what the request should bring, server errors included.
    pub(super) unexpected: u64,
    pub(super) p50_ms: f64,
    pub(super) p99_ms: f64,
}

#[derive(Default)]
pub(super) struct Log(Mutex<State>);

#[derive(Default)]
struct State {
    counts: Counts,
    latencies: Option<Histogram<u64>>,
    /// For each kind of request: how many, and how many of them unexpected.
    kinds: BTreeMap<&'static str, (u64, u64)>,
    first_surprise: Option<String>,
}

impl Log {
    /// Notes an answer: of which kind of request, how long it took, its status (none: there was no answer), and whether
    /// it was what it should be.
    pub(super) fn note(&self, kind: &'static str, waited: Duration, status: Option<u16>, is_good: bool) {
        let mut state = self.lock();
        let micros = u64::try_from(waited.as_micros()).unwrap_or(u64::MAX);
        if state.latencies.is_none() {
            state.latencies = Histogram::new_with_max(60_000_000, 2).ok();
        }
        if let Some(latencies) = &mut state.latencies {
            latencies.saturating_record(micros);
        }
        state.counts.requests += 1;
        state.counts.server_errors += u64::from(status.is_some_and(|status| status >= 500));
        state.counts.unexpected += u64::from(!is_good);
        let (requests, surprises) = state.kinds.entry(kind).or_default();
        *requests += 1;
        *surprises += u64::from(!is_good);
        if !is_good && state.first_surprise.is_none() {
            let status = status.map_or_else(|| "no answer".to_owned(), |status| status.to_string());
            state.first_surprise = Some(format!("{kind}: {status}"));
        }
    }

    /// What happened since this was last asked.
    #[expect(clippy::cast_precision_loss, reason = "a minute at most")]
    pub(super) fn take(&self) -> Counts {
        let mut state = self.lock();
        let mut counts = std::mem::take(&mut state.counts);
        if let Some(latencies) = state.latencies.take() {
            counts.p50_ms = latencies.value_at_percentile(50.0) as f64 / 1000.0;
            counts.p99_ms = latencies.value_at_percentile(99.0) as f64 / 1000.0;
        }
        counts
    }

    /// Prints how many requests of each kind there were.
    pub(super) fn tell(&self) {
        let state = self.lock();
        println!("\n| kind          |  requests | unexpected |\n| ------------- | --------: | ---------: |");
        for (kind, (requests, unexpected)) in &state.kinds {
            println!("| {kind:13} | {requests:9} | {unexpected:10} |");
        }
        if let Some(surprise) = &state.first_surprise {
            println!("\nthe first that was unexpected: {surprise}");
        }
        println!();
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_line_tells_of_its_own_time_alone() {
        let log = Log::default();
        log.note("check", Duration::from_millis(2), Some(200), true);
        log.note("check", Duration::from_millis(2), Some(503), false);
        log.note("update", Duration::from_millis(2), None, false);
        let counts = log.take();
        assert_eq!((counts.requests, counts.server_errors, counts.unexpected), (3, 1, 2));
        assert!((counts.p99_ms - 2.0).abs() < 0.1);
        assert_eq!(log.take(), Counts::default());
        assert_eq!(log.lock().kinds["check"], (2, 1));
        assert_eq!(log.lock().first_surprise.as_deref(), Some("check: 503"));
    }
}
