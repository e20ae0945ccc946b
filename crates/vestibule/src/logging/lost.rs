//! Counts the lines that were not written, and logs how many there were.

use std::time::Duration;

use tokio::time::{MissedTickBehavior, interval};
use vestibule_http::AccessLog;

use super::writer;

/// How often the counts are looked at.
const INTERVAL: Duration = Duration::from_secs(1);

/// Lines that were not written since the start.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub(crate) struct LostLines {
    /// Of requests, because the settings let no more through.
    sampled: u64,
    /// Of requests, because there was no room.
    requests: u64,
    /// All others, because there was no room.
    others: u64,
}

impl LostLines {
    /// The present counts.
    pub(crate) fn read(access_log: &AccessLog) -> Self {
        let writer::LineCounts { access, others } = writer::lost();
        Self { sampled: access_log.left_out(), requests: access, others }
    }

    /// For the metrics: which lines, why, how many.
    pub(crate) fn to_readings(self) -> Vec<(&'static str, &'static str, u64)> {
        vec![
            ("access", "sampled", self.sampled),
            ("access", "no_room", self.requests),
            ("other", "no_room", self.others),
        ]
    }

    fn since(self, earlier: Self) -> Self {
        Self {
            sampled: self.sampled - earlier.sampled,
            requests: self.requests - earlier.requests,
            others: self.others - earlier.others,
        }
    }
}

/// Logs how many lines were left out: once in a while during a flood; when there was no room, as soon as there is some again. Runs
/// until it is stopped.
pub(crate) async fn report_lost_lines(access_log: AccessLog) {
    let mut reported = LostLines::default();
    let mut ticks = interval(INTERVAL);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Skip);
    loop {
        ticks.tick().await;
        let now = LostLines::read(&access_log);
        if now == reported || !writer::has_room() {
            continue;
        }
        report(now.since(reported));
        reported = now;
    }
}

fn report(lost: LostLines) {
    let LostLines { sampled, requests, others } = lost;
    if requests + others > 0 {
        tracing::warn!(sampled, requests, others, "lines of the log were lost: standard error took no more");
    } else {
        tracing::info!(sampled, "lines of requests were left out");
    }
}
