//! The health of an instance, asked without ever waiting for it.

use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use tokio::sync::oneshot::error::TryRecvError;
use vestibule_plugin_abi::code;

use crate::job::{Order, Pending};
use crate::question::Question;
use crate::unavailability::Unavailability;

/// Minimum time between two probes of an instance, however often its health is asked for.
const PAUSE: Duration = Duration::from_secs(1);
/// How long an instance may think about it.
const TIMEOUT: Duration = Duration::from_secs(2);

/// In place of the hash of a user.
const NO_USER: u64 = 0;

/// The last verdict, and the question that is under way.
#[derive(Default)]
pub(crate) struct Probe(Mutex<State>);

#[derive(Default)]
struct State {
    unwell: Option<&'static str>,
    asked_at: Option<Instant>,
    running: Option<Pending>,
}

impl Probe {
    /// What is known by now; starts the next question when it is time. The news is thus one inquiry old. What the plugin
    /// says about its state goes to the log, once for each change.
    pub(crate) fn check(
        &self,
        alias: &str,
        begin: impl FnOnce(Order) -> Result<Pending, Unavailability>,
    ) -> Result<(), &'static str> {
        let mut state = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        state.collect(alias);
        if state.running.is_none() && state.asked_at.is_none_or(|at| at.elapsed() >= PAUSE) {
            let now = Instant::now();
            state.asked_at = Some(now);
            match begin(question(now)) {
                Ok(pending) => state.running = Some(pending),
                // Much is asked of it, which says nothing about its health.
                Err(Unavailability::QueueFull) => {}
                Err(cause) => state.conclude(alias, Some("it cannot be asked"), &cause.to_string()),
            }
            state.collect(alias);
        }
        state.unwell.map_or(Ok(()), Err)
    }
}

/// A probe is about no user, and waits for its turn like the call of one more user.
fn question(now: Instant) -> Order {
    Order { question: Question::Health, user: NO_USER, deadline: now + TIMEOUT, time: TIMEOUT }
}

impl State {
    /// Takes the answer if it is there. That it is late is a verdict as well, unless the question never reached the plugin.
    fn collect(&mut self, alias: &str) {
        let Some(pending) = &mut self.running else { return };
        let late = self.asked_at.is_some_and(|at| at.elapsed() >= TIMEOUT);
        let has_begun = pending.has_begun();
        match pending.try_take() {
            Ok(Err(Unavailability::QueueFull)) => {}
            Err(_) if late && !has_begun => {}
            Ok(Ok(answer)) if answer.code == code::OK => self.conclude(alias, None, ""),
            Ok(Err(cause)) => self.conclude(alias, Some("it cannot be asked"), &cause.to_string()),
            Ok(Ok(answer)) => self.conclude(alias, Some("it says so"), &answer.error),
            Err(TryRecvError::Empty) if !late => return,
            Err(_) => self.conclude(alias, Some("it does not answer"), ""),
        }
        self.running = None;
    }

    fn conclude(&mut self, plugin: &str, verdict: Option<&'static str>, said: &str) {
        if self.unwell != verdict {
            match verdict {
                None => tracing::info!(plugin, "the plugin is able to work again"),
                Some(reason) => tracing::warn!(plugin, said, "the plugin is not able to work: {reason}"),
            }
        }
        self.unwell = verdict;
    }
}
