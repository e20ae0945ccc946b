//! The threads that sign.
//!
//! A signature takes a third of a millisecond in which its thread does nothing else. On the threads that serve
//! connections, a flood of them would make everybody wait; here they wait among themselves, in a queue with an end.

use std::collections::VecDeque;
use std::num::NonZero;
use std::panic::{self, AssertUnwindSafe};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, Once, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use tokio::sync::oneshot;

/// How many signatures wait at most: with a key of 2048 bits about a sixth of a second for one thread. Who comes then is
/// told to come again.
const QUEUE_LIMIT: usize = 512;

/// How long all that waits for a signature may be at most. Tokens are about a kilobyte, but may have a hundred.
const QUEUE_BYTES: usize = 8 * 1024 * 1024;

/// Large keys sign slowly: what has waited so long is not begun any more.
const PATIENCE: Duration = Duration::from_secs(2);

/// How much later the scheduler lets these threads run than those that serve connections, when both want to.
const NICENESS: i32 = 5;

/// Whose turn comes first.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Urgency {
    /// Somebody's browser waits at the end of a sign-in.
    SignIn,
    /// A program waits, and asks again.
    Permission,
}

/// Too much work waits already.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Busy;

type Job = Box<dyn FnOnce() + Send>;

#[derive(Default)]
struct Line {
    jobs: VecDeque<(Job, usize)>,
    bytes: usize,
}

impl Line {
    fn has_room(&self, bytes: usize, limit: usize) -> bool {
        self.jobs.len() < limit && self.bytes + bytes <= QUEUE_BYTES
    }

    fn push(&mut self, job: Job, bytes: usize) {
        self.bytes += bytes;
        self.jobs.push_back((job, bytes));
    }

    fn pop(&mut self) -> Option<Job> {
        let (job, bytes) = self.jobs.pop_front()?;
        self.bytes -= bytes;
        Some(job)
    }
}

#[derive(Default)]
struct Queue {
    sign_in: Line,
    permission: Line,
    closed: bool,
}

impl Queue {
    fn next(&mut self) -> Option<Job> {
        self.sign_in.pop().or_else(|| self.permission.pop())
    }

    fn of(&mut self, urgency: Urgency) -> &mut Line {
        match urgency {
            Urgency::SignIn => &mut self.sign_in,
            Urgency::Permission => &mut self.permission,
        }
    }
}

#[derive(Default)]
struct Shared {
    queue: Mutex<Queue>,
    work: Condvar,
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, Queue> {
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Waits for a job; `None` when there will be no more.
    fn take(&self) -> Option<Job> {
        let mut queue = self.lock();
        loop {
            if let Some(job) = queue.next() {
                return Some(job);
            }
            if queue.closed {
                return None;
            }
            queue = self.work.wait(queue).unwrap_or_else(PoisonError::into_inner);
        }
    }
}

/// Half as many threads as there are processors, at least one. They start with the first job, and end with the pool.
pub(super) struct SigningPool {
    shared: Arc<Shared>,
    started: Once,
    limit: usize,
}

impl SigningPool {
    pub(super) fn new() -> Self {
        Self::with_limit(QUEUE_LIMIT)
    }

    fn with_limit(limit: usize) -> Self {
        Self { shared: Arc::default(), started: Once::new(), limit }
    }

    /// Runs a job that holds so many bytes on one of the threads, unless too much waits already. A job that nobody waits for
    /// any more is skipped. `None` when the job panicked.
    pub(super) async fn run<T: Send + 'static>(
        &self,
        urgency: Urgency,
        bytes: usize,
        job: impl FnOnce() -> T + Send + 'static,
    ) -> Result<Option<T>, Busy> {
        let (answer, receiver) = oneshot::channel();
        let asked = Instant::now();
        let job = move || {
            if answer.is_closed() {
                return;
            }
            let outcome = if asked.elapsed() > PATIENCE { Err(Busy) } else { Ok(job()) };
            drop(answer.send(outcome));
        };
        self.put(urgency, Box::new(job), bytes)?;
        receiver.await.map_or(Ok(None), |outcome| outcome.map(Some))
    }

    fn put(&self, urgency: Urgency, job: Job, bytes: usize) -> Result<(), Busy> {
        self.started.call_once(|| self.start());
        let mut queue = self.shared.lock();
        if queue.closed || !queue.of(urgency).has_room(bytes, self.limit) {
            return Err(Busy);
        }
        queue.of(urgency).push(job, bytes);
        drop(queue);
        self.shared.work.notify_one();
        Ok(())
    }

    fn start(&self) {
        let processors = thread::available_parallelism().map_or(1, NonZero::get);
        for number in 0..(processors / 2).max(1) {
            let shared = Arc::clone(&self.shared);
            let thread = thread::Builder::new().name(format!("sign-{number}")).stack_size(STACK_BYTES);
            // INVARIANT: a pool without a thread is closed, so that nobody waits in it.
            if thread.spawn(move || work(&shared)).is_err() && number == 0 {
                self.shared.lock().closed = true;
            }
        }
    }
}

/// Big numbers of a signature lie on the heap.
const STACK_BYTES: usize = 256 * 1024;

impl Drop for SigningPool {
    fn drop(&mut self) {
        self.shared.lock().closed = true;
        self.shared.work.notify_all();
    }
}

fn work(shared: &Shared) {
    // What the system does not allow changes nothing but who goes first.
    let _: Result<i32, _> = rustix::process::nice(NICENESS);
    while let Some(job) = shared.take() {
        drop(panic::catch_unwind(AssertUnwindSafe(job)));
    }
}

#[cfg(test)]
mod tests;
