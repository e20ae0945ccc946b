//! Circuit breaker of an instance that fails repeatedly: calls are refused at once, instead of waiting for a failure and adding
//! to its load.
//!
//! It opens after five failures in a row, or when more than half of the last twenty calls failed. After a pause one call
//! is let through; its success closes the breaker, its failure and that of the next user double the pause.
//!
//! The failures of one user count for no more than those of all others together. Any of them may lie in the data of the one who
//! asked: the plugin is slow, fails, asks to try later, or ends its process for them alone. Otherwise one person could lock
//! all others out by repeated calls. For the same reason a failure of the one call that is let through decides nothing alone: the next call
//! about another user is let through at once.
//!
//! A call that had less than its time, because it waited for others or for its turn, says nothing when it fails.

use std::collections::{BTreeMap, VecDeque};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use vestibule_domain::jitter;

use crate::failure::{CallFailure, FailureKind};
use crate::unavailability::Unavailability;

const FAILURES_IN_A_ROW: usize = 5;
const WINDOW: usize = 20;
const LEAST_SEEN: usize = 10;
const FIRST_PAUSE: Duration = Duration::from_secs(5);
const LONGEST_PAUSE: Duration = Duration::from_secs(60);
/// The wait that callers are told while the one call is under way.
const PROBE_PAUSE: Duration = Duration::from_secs(1);

/// How a call ended, for the breaker.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Ending {
    Success,
    Failure,
    /// It says nothing about the plugin.
    Neither,
}

impl Ending {
    /// A denial and "no opinion" are answers, whether or not they are of use.
    pub(crate) fn of<T>(verdict: &Result<T, CallFailure>, hurried: bool) -> Self {
        match Self::of_verdict(verdict) {
            Self::Failure if hurried => Self::Neither,
            ending => ending,
        }
    }

    fn of_verdict<T>(verdict: &Result<T, CallFailure>) -> Self {
        match verdict {
            Ok(_) | Err(CallFailure::Denied(_)) => Self::Success,
            Err(CallFailure::UnknownService) => Self::Neither,
            Err(CallFailure::Unavailable { cause, .. }) => match cause {
                Unavailability::Timeout | Unavailability::Retry | Unavailability::Crashed => Self::Failure,
                // All threads hang at once or not at all: that is refused without this, and over when one comes back.
                Unavailability::Stuck
                | Unavailability::QueueFull
                | Unavailability::QueueTimeout
                | Unavailability::Restarting
                | Unavailability::Closed
                | Unavailability::Open(_) => Self::Neither,
            },
            Err(CallFailure::Failed { kind, .. }) => match kind {
                FailureKind::NoOpinion | FailureKind::MayNotDeny | FailureKind::MayNotNameUsers => {
                    Self::Success
                }
                FailureKind::Fatal
                | FailureKind::Panic
                | FailureKind::NoReply
                | FailureKind::BadReply(_)
                | FailureKind::BadIdentity(_)
                | FailureKind::UnknownCode(_) => Self::Failure,
            },
        }
    }
}

/// In which state a breaker is, for those who watch.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BreakerState {
    /// Calls go through.
    Closed,
    /// One call is let through.
    HalfOpen,
    /// Calls are refused.
    Open,
}

/// What the end of a call changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Transition {
    Opened(Duration),
    Closed,
}

/// The breaker of one instance.
#[derive(Default)]
pub(crate) struct Breaker(Mutex<Inner>);

#[derive(Default)]
struct Inner {
    state: State,
    /// Counts the changes of the state: what began before a change says nothing about what came after it.
    era: u64,
}

enum State {
    Closed(VecDeque<Seen>),
    Open { until: Instant, pause: Duration, suspect: Option<u64> },
    HalfOpen { pause: Duration, suspect: Option<u64> },
}

impl Default for State {
    fn default() -> Self {
        Self::Closed(VecDeque::with_capacity(WINDOW))
    }
}

/// One call of the past.
#[derive(Clone, Copy)]
enum Seen {
    Success,
    Failure { user: u64 },
}

impl Breaker {
    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Lets a call for a user through, or says how long the rest is. The user is a hash.
    pub(crate) fn enter(&self, user: u64, now: Instant) -> Result<Pass<'_>, Duration> {
        let mut inner = self.lock();
        match inner.state {
            State::Closed(_) => {}
            State::HalfOpen { .. } => return Err(PROBE_PAUSE),
            State::Open { until, pause, suspect } => {
                if now < until && suspect.is_none_or(|suspect| suspect == user) {
                    return Err(until.saturating_duration_since(now));
                }
                inner.change(State::HalfOpen { pause, suspect });
            }
        }
        Ok(Pass { breaker: self, user, era: inner.era, ended: false })
    }

    pub(crate) fn state(&self) -> BreakerState {
        match self.lock().state {
            State::Closed(_) => BreakerState::Closed,
            State::HalfOpen { .. } => BreakerState::HalfOpen,
            State::Open { .. } => BreakerState::Open,
        }
    }
}

/// A call that was let through. Dropped without [`Pass::end`] it leaves no trace: if it was the one call of a breaker
/// that is half open, the next call is.
pub(crate) struct Pass<'a> {
    breaker: &'a Breaker,
    user: u64,
    era: u64,
    ended: bool,
}

impl Pass<'_> {
    pub(crate) fn end(mut self, ending: Ending, now: Instant) -> Option<Transition> {
        self.ended = true;
        self.breaker.lock().note(self.era, self.user, ending, now)
    }
}

impl Drop for Pass<'_> {
    fn drop(&mut self) {
        if !self.ended {
            self.breaker.lock().note(self.era, self.user, Ending::Neither, Instant::now());
        }
    }
}

impl Inner {
    fn change(&mut self, to: State) {
        self.state = to;
        self.era += 1;
    }

    fn note(&mut self, era: u64, user: u64, ending: Ending, now: Instant) -> Option<Transition> {
        if era != self.era {
            return None;
        }
        match &mut self.state {
            State::Closed(window) => {
                remember(window, user, ending);
                fails(window).then(|| self.open(FIRST_PAUSE, None, now))
            }
            State::HalfOpen { pause, suspect } => {
                let (pause, suspect) = (*pause, *suspect);
                self.conclude(pause, suspect, user, ending, now)
            }
            State::Open { .. } => None,
        }
    }

    /// The end of the one call that was let through.
    fn conclude(
        &mut self,
        pause: Duration,
        suspect: Option<u64>,
        user: u64,
        ending: Ending,
        now: Instant,
    ) -> Option<Transition> {
        match ending {
            Ending::Success => {
                self.change(State::default());
                Some(Transition::Closed)
            }
            Ending::Failure if suspect.is_some_and(|suspect| suspect != user) => {
                Some(self.open((pause * 2).min(LONGEST_PAUSE), None, now))
            }
            Ending::Failure => Some(self.open(pause, Some(user), now)),
            Ending::Neither => {
                self.change(State::Open { until: now, pause, suspect });
                None
            }
        }
    }

    fn open(&mut self, pause: Duration, suspect: Option<u64>, now: Instant) -> Transition {
        let rest = jitter(pause, 0.8, 1.2);
        self.change(State::Open { until: now + rest, pause, suspect });
        Transition::Opened(rest)
    }
}

fn remember(window: &mut VecDeque<Seen>, user: u64, ending: Ending) {
    let seen = match ending {
        Ending::Success => Seen::Success,
        Ending::Failure => Seen::Failure { user },
        Ending::Neither => return,
    };
    if window.len() == WINDOW {
        window.pop_front();
    }
    window.push_back(seen);
}

fn fails(window: &VecDeque<Seen>) -> bool {
    let in_a_row = window.iter().rev().take_while(|seen| !matches!(seen, Seen::Success));
    let enough_in_a_row = count_failures(in_a_row) >= FAILURES_IN_A_ROW;
    let successes = window.iter().filter(|seen| matches!(seen, Seen::Success)).count();
    let failures = count_failures(window.iter());
    enough_in_a_row || (successes + failures >= LEAST_SEEN && failures > successes)
}

/// How many failures count: those of one user no more than those of all others together.
fn count_failures<'a>(seen: impl Iterator<Item = &'a Seen>) -> usize {
    let mut by_user = BTreeMap::new();
    for one in seen {
        if let Seen::Failure { user } = one {
            *by_user.entry(user).or_insert(0) += 1;
        }
    }
    let most = by_user.values().copied().max().unwrap_or(0);
    let others = by_user.values().sum::<usize>() - most;
    others + most.min(others)
}

#[cfg(test)]
mod tests;
