//! The state of one connection: its phase and when that began, in one atomic number.

use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::time::Duration;

use crate::limits::Limits;
use crate::observer::CloseReason;

/// The time between two sweeps over all connections, and the unit of their clock.
pub(crate) const TICK: Duration = Duration::from_millis(250);

/// A moment, in ticks since the listener started. Wraps after four years.
pub(crate) type Tick = u32;

const PHASE_BITS: u32 = 3;

/// What a connection is waiting for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Phase {
    /// The first byte of the client.
    Fresh = 0,
    /// The rest of a request's head.
    Head = 1,
    /// The handler.
    Serving = 2,
    /// The client's network: the response is being sent.
    Answered = 3,
    /// The next request.
    Idle = 4,
    /// Nothing: no further request is served.
    Closing = 5,
}

impl Phase {
    fn from_word(word: u32) -> Self {
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

/// Shared by the task of a connection and the sweep.
pub(crate) struct Connection {
    word: AtomicU32,
    /// The tick since which the client has read nothing, plus one; zero while it reads.
    blocked: AtomicU32,
    /// A request was framed in a way that two parsers may read differently.
    ambiguous: AtomicBool,
}

impl Connection {
    pub(crate) fn new(now: Tick) -> Self {
        Self {
            word: AtomicU32::new(word(Phase::Fresh, now)),
            blocked: AtomicU32::new(0),
            ambiguous: AtomicBool::new(false),
        }
    }

    /// Bytes of the client have arrived.
    pub(crate) fn heard(&self, now: Tick) {
        self.change(|phase, since| match phase {
            Phase::Fresh => Some((Phase::Head, since)),
            Phase::Answered | Phase::Idle => Some((Phase::Head, now)),
            Phase::Head | Phase::Serving | Phase::Closing => None,
        });
    }

    /// The response is sent, or there is nothing to read.
    pub(crate) fn waiting(&self, now: Tick) {
        self.change(|phase, _| (phase == Phase::Answered).then_some((Phase::Idle, now)));
    }

    /// A request begins. False if the connection is closing.
    pub(crate) fn begin(&self, now: Tick) -> bool {
        self.change(|phase, _| (phase != Phase::Closing).then_some((Phase::Serving, now)))
    }

    /// Its response is ready.
    pub(crate) fn answered(&self, now: Tick) {
        self.change(|phase, _| (phase == Phase::Serving).then_some((Phase::Answered, now)));
    }

    /// A request is being served, or its response is being sent.
    pub(crate) fn is_serving(&self) -> bool {
        matches!(Phase::from_word(self.word.load(Ordering::Relaxed)), Phase::Serving | Phase::Answered)
    }

    /// From now on every request on this connection is answered with 400.
    pub(crate) fn mark_ambiguous(&self) {
        self.ambiguous.store(true, Ordering::Relaxed);
    }

    pub(crate) fn is_ambiguous(&self) -> bool {
        self.ambiguous.load(Ordering::Relaxed)
    }

    pub(crate) fn set_blocked(&self, now: Tick) {
        let _ = self.blocked.compare_exchange(0, now.wrapping_add(1), Ordering::Relaxed, Ordering::Relaxed);
    }

    pub(crate) fn clear_blocked(&self) {
        // A load is cheaper than a store, which invalidates the cache line of other processors.
        if self.blocked.load(Ordering::Relaxed) != 0 {
            self.blocked.store(0, Ordering::Relaxed);
        }
    }

    /// Closes the connection if the client has taken too long, and says why.
    pub(crate) fn overdue(&self, now: Tick, limits: &Limits) -> Option<CloseReason> {
        let blocked = self.blocked.load(Ordering::Relaxed);
        if blocked != 0 && now.wrapping_sub(blocked.wrapping_sub(1)) > ticks(limits.write_time) {
            self.word.store(word(Phase::Closing, now), Ordering::Relaxed);
            return Some(CloseReason::SlowReader);
        }
        let mut reason = None;
        self.change(|phase, since| {
            let age = now.wrapping_sub(since);
            reason = match phase {
                Phase::Fresh | Phase::Head if age > ticks(limits.head_time) => Some(CloseReason::SlowRequest),
                _ => None,
            };
            let idle = matches!(phase, Phase::Answered | Phase::Idle) && age > ticks(limits.idle_time);
            (reason.is_some() || idle).then_some((Phase::Closing, now))
        });
        reason
    }

    /// Closes the connection if no request is under way and nothing has arrived for `at_least` ticks.
    pub(crate) fn close_if_resting(&self, now: Tick, at_least: Tick) -> bool {
        if self.is_writing() {
            return false;
        }
        self.change(|phase, since| {
            let resting = matches!(phase, Phase::Fresh | Phase::Idle) && now.wrapping_sub(since) >= at_least;
            resting.then_some((Phase::Closing, now))
        })
    }

    /// Rank for eviction, the greatest first. `None` while a request is under way.
    pub(crate) fn eviction_rank(&self, now: Tick) -> Option<(bool, Tick)> {
        if self.is_writing() {
            return None;
        }
        let word = self.word.load(Ordering::Relaxed);
        let age = now.wrapping_sub(word >> PHASE_BITS);
        match Phase::from_word(word) {
            // A new connection has had no time to send anything.
            Phase::Fresh | Phase::Head => Some((age > ticks(Duration::from_secs(1)), age)),
            Phase::Idle => Some((false, age)),
            Phase::Serving | Phase::Answered | Phase::Closing => None,
        }
    }

    /// Closes the connection, unless a request is under way.
    pub(crate) fn evict(&self, now: Tick) -> bool {
        self.change(|phase, _| {
            matches!(phase, Phase::Fresh | Phase::Head | Phase::Idle).then_some((Phase::Closing, now))
        })
    }

    /// Part of a response is still to be sent, although the connection may already wait for the next request.
    fn is_writing(&self) -> bool {
        self.blocked.load(Ordering::Relaxed) != 0
    }

    pub(crate) fn is_closing(&self) -> bool {
        Phase::from_word(self.word.load(Ordering::Relaxed)) == Phase::Closing
    }

    fn change(&self, next: impl FnMut(Phase, Tick) -> Option<(Phase, Tick)>) -> bool {
        let mut next = next;
        let outcome = self.word.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |known| {
            next(Phase::from_word(known), known >> PHASE_BITS).map(|(phase, since)| word(phase, since))
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
