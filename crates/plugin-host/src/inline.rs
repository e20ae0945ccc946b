//! Calls on the thread of the request: for plugins that compute and never wait.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::fair_queue::FairQueue;
use crate::job::{Job, Order, Pending};
use crate::pool::run;
use crate::raw::RawInstance;
use crate::unavailability::Unavailability;

/// An instance without threads.
pub(crate) struct Inline {
    state: Mutex<State>,
    queue_limit: usize,
}

struct State {
    /// `None` once it is closed.
    instance: Option<Arc<RawInstance>>,
    waiting: FairQueue<Job>,
    /// How many more calls may run at this moment: one, for a plugin that is called one at a time.
    free: usize,
}

impl Inline {
    pub(crate) fn new(instance: RawInstance, serial: bool, queue_limit: usize) -> Self {
        let free = if serial { 1 } else { usize::MAX };
        let state = State { instance: Some(Arc::new(instance)), waiting: FairQueue::new(free), free };
        Self { state: Mutex::new(state), queue_limit }
    }

    /// Runs the call before it returns, unless others are running: then their thread runs it after them. Nothing
    /// bounds a call: that is what "inline" trades away.
    pub(crate) fn ask(&self, order: Order) -> Result<Pending, Unavailability> {
        let (job, pending) = order.place();
        let mut state = self.lock();
        if state.instance.is_none() {
            return Err(Unavailability::Closed);
        }
        let limit = self.queue_limit + state.free.min(1);
        state.waiting.admit(job, limit)?;
        drop(state);
        while let Some((running, instance, job)) = self.next() {
            job.begin();
            run(job, &instance);
            drop(running);
        }
        Ok(pending)
    }

    /// The next call that may run and whose caller still waits.
    fn next(&self) -> Option<(RunningCall<'_>, Arc<RawInstance>, Job)> {
        let mut state = self.lock();
        let instance = Arc::clone(state.instance.as_ref()?);
        while state.free > 0 {
            let (user, job) = state.waiting.begin()?;
            if job.is_given_up() {
                state.waiting.end(user);
            } else {
                state.free -= 1;
                return Some((RunningCall { inline: self, user }, instance, job));
            }
        }
        None
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes no more calls; the last of those that run destroys the instance.
    pub(crate) fn close(&self) {
        let mut state = self.lock();
        let (instance, waiting) = (state.instance.take(), state.waiting.drain());
        drop(state);
        drop((instance, waiting));
    }
}

/// A call that runs, until this is dropped.
struct RunningCall<'a> {
    inline: &'a Inline,
    user: u64,
}

impl Drop for RunningCall<'_> {
    fn drop(&mut self) {
        let mut state = self.inline.lock();
        state.free = state.free.saturating_add(1);
        state.waiting.end(self.user);
    }
}
