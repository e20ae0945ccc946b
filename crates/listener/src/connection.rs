//! What one connection is waiting for, and since when: one atomic number.

use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::time::Duration;

use crate::limits::Limits;
use crate::observer::Refusal;

/// The time between two looks over all connections, in which their moments are counted.
pub(crate) const TICK: Duration = Duration::from_millis(250);

/// A moment, in ticks since the listener began. Wraps after four years.
pub(crate) type Tick = u32;

const PHASE_BITS: u32 = 3;

/// What a connection waits for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Phase {
    /// The client, which has not said anything yet.
    Fresh = 0,
    /// The rest of a head.
    Head = 1,
    /// Us.
    Serving = 2,
    /// The client's network: the answer is on its way.
    Answered = 3,
    /// The next request.
    Idle = 4,
    /// Nothing any more; no request begins.
    Closing = 5,
}

impl Phase {
    fn of(word: u32) -> Self {
        match word & ((1 << PHASE_BITS) - 1) {
            0 => Self::Fresh,
            1 => Self::Head,
            2 => Self::Serving,
            3 => Self::Answered,
            4 => Self::Idle,
            _ => Self::Closing,
        }
    }
}

/// Shared by the task of a connection and the one that looks over all.
pub(crate) struct Connection {
    word: AtomicU32,
    /// The tick since which the client takes nothing, plus one; zero while it does.
    blocked: AtomicU32,
    /// A request may be framed in two ways.
    doubtful: AtomicBool,
}

impl Connection {
    pub(crate) fn new(now: Tick) -> Self {
        Self {
            word: AtomicU32::new(word(Phase::Fresh, now)),
            blocked: AtomicU32::new(0),
            doubtful: AtomicBool::new(false),
        }
    }

    /// Bytes of the client have come.
    pub(crate) fn heard(&self, now: Tick) {
        self.change(|phase, since| match phase {
            Phase::Fresh => Some((Phase::Head, since)),
            Phase::Answered | Phase::Idle => Some((Phase::Head, now)),
            Phase::Head | Phase::Serving | Phase::Closing => None,
        });
    }

    /// The answer is out, or somebody wants to read and there is nothing.
    pub(crate) fn waiting(&self, now: Tick) {
        self.change(|phase, _| (phase == Phase::Answered).then_some((Phase::Idle, now)));
    }

    /// A request begins, unless the connection has been given up.
    pub(crate) fn begin(&self, now: Tick) -> bool {
        self.change(|phase, _| (phase != Phase::Closing).then_some((Phase::Serving, now)))
    }

    /// Its answer is ready.
    pub(crate) fn answered(&self, now: Tick) {
        self.change(|phase, _| (phase == Phase::Serving).then_some((Phase::Answered, now)));
    }

    /// A request is under way, or its answer is.
    pub(crate) fn is_serving(&self) -> bool {
        matches!(Phase::of(self.word.load(Ordering::Relaxed)), Phase::Serving | Phase::Answered)
    }

    /// Nothing on this connection is answered any more but with 400.
    pub(crate) fn doubt(&self) {
        self.doubtful.store(true, Ordering::Relaxed);
    }

    pub(crate) fn is_doubtful(&self) -> bool {
        self.doubtful.load(Ordering::Relaxed)
    }

    pub(crate) fn set_blocked(&self, now: Tick) {
        let _ = self.blocked.compare_exchange(0, now.wrapping_add(1), Ordering::Relaxed, Ordering::Relaxed);
    }

    pub(crate) fn clear_blocked(&self) {
        // A load is cheaper than a store that other processors must hear of.
        if self.blocked.load(Ordering::Relaxed) != 0 {
            self.blocked.store(0, Ordering::Relaxed);
        }
    }

    /// Gives the connection up if it has kept us waiting for too long.
    pub(crate) fn overdue(&self, now: Tick, limits: &Limits) -> Option<Refusal> {
        let blocked = self.blocked.load(Ordering::Relaxed);
        if blocked != 0 && now.wrapping_sub(blocked.wrapping_sub(1)) > ticks(limits.write_time) {
            self.word.store(word(Phase::Closing, now), Ordering::Relaxed);
            return Some(Refusal::SlowReader);
        }
        let mut reason = None;
        self.change(|phase, since| {
            let age = now.wrapping_sub(since);
            reason = match phase {
                Phase::Fresh | Phase::Head if age > ticks(limits.head_time) => Some(Refusal::SlowRequest),
                _ => None,
            };
            let idle = matches!(phase, Phase::Answered | Phase::Idle) && age > ticks(limits.idle_time);
            (reason.is_some() || idle).then_some((Phase::Closing, now))
        });
        reason
    }

    /// Gives the connection up if no request is under way and nothing of one has come for so long.
    pub(crate) fn give_up_if_resting(&self, now: Tick, at_least: Tick) -> bool {
        if self.is_writing() {
            return false;
        }
        self.change(|phase, since| {
            let resting = matches!(phase, Phase::Fresh | Phase::Idle) && now.wrapping_sub(since) >= at_least;
            resting.then_some((Phase::Closing, now))
        })
    }

    /// How readily it would make place for another: the greater the readier. Nothing while a request is under way.
    pub(crate) fn expendable(&self, now: Tick) -> Option<(bool, Tick)> {
        if self.is_writing() {
            return None;
        }
        let word = self.word.load(Ordering::Relaxed);
        let age = now.wrapping_sub(word >> PHASE_BITS);
        match Phase::of(word) {
            // Whoever has just come has had no chance to say anything.
            Phase::Fresh | Phase::Head => Some((age > ticks(Duration::from_secs(1)), age)),
            Phase::Idle => Some((false, age)),
            Phase::Serving | Phase::Answered | Phase::Closing => None,
        }
    }

    /// Gives the connection up, unless a request is under way.
    pub(crate) fn displace(&self, now: Tick) -> bool {
        self.change(|phase, _| {
            matches!(phase, Phase::Fresh | Phase::Head | Phase::Idle).then_some((Phase::Closing, now))
        })
    }

    /// Part of an answer has not gone out yet, although the next request may already be waited for.
    fn is_writing(&self) -> bool {
        self.blocked.load(Ordering::Relaxed) != 0
    }

    pub(crate) fn is_closing(&self) -> bool {
        Phase::of(self.word.load(Ordering::Relaxed)) == Phase::Closing
    }

    fn change(&self, next: impl FnMut(Phase, Tick) -> Option<(Phase, Tick)>) -> bool {
        let mut next = next;
        let outcome = self.word.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |known| {
            next(Phase::of(known), known >> PHASE_BITS).map(|(phase, since)| word(phase, since))
        });
        outcome.is_ok()
    }
}

/// INVARIANT: the ticks wrap at 29 bits, which `>> PHASE_BITS` and the differences above leave consistent for four years.
fn word(phase: Phase, since: Tick) -> u32 {
    (since << PHASE_BITS) | phase as u32
}

fn ticks(time: Duration) -> Tick {
    u32::try_from(time.as_millis() / TICK.as_millis()).unwrap_or(Tick::MAX)
}

#[cfg(test)]
mod tests;
