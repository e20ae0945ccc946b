//! Lines that were not written: how many there are, and the line that says so.

use std::time::Duration;

use tokio::time::{MissedTickBehavior, interval};
use vestibule_http::AccessLog;

use super::writer;

/// How often it is looked whether there is something to tell.
const EVERY: Duration = Duration::from_secs(1);

/// Lines that were not written, since the beginning.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub(crate) struct LostLines {
    /// Of requests, because there were more than the settings let through.
    sampled: u64,
    /// Of requests, because there was no room.
    requests: u64,
    /// All others, because there was no room.
    others: u64,
}

impl LostLines {
    /// What is true now.
    pub(crate) fn read(access_log: &AccessLog) -> Self {
        let writer::Lost { access, others } = writer::lost();
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

/// Says how many lines were left out: while there is a flood once in a while, and when there was no room as soon as there is
/// again. Runs until it is stopped.
pub(crate) async fn tell_of_lost_lines(access_log: AccessLog) {
    let mut told = LostLines::default();
    let mut ticks = interval(EVERY);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Skip);
    loop {
        ticks.tick().await;
        let now = LostLines::read(&access_log);
        if now == told || !writer::has_room() {
            continue;
        }
        tell(now.since(told));
        told = now;
    }
}

fn tell(lost: LostLines) {
    let LostLines { sampled, requests, others } = lost;
    if requests + others > 0 {
        tracing::warn!(sampled, requests, others, "lines of the log were lost: nobody took them");
    } else {
        tracing::info!(sampled, "lines of requests were left out");
    }
}
