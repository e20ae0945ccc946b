//! The pool of signing threads.
//!
//! A signature occupies its thread for a third of a millisecond. On the threads that serve connections, a flood of
//! signatures would delay every request; here they delay only each other, in a bounded queue.

use std::collections::VecDeque;
use std::num::NonZero;
use std::panic::{self, AssertUnwindSafe};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, Once, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use tokio::sync::oneshot;

/// Maximum number of waiting signatures: about a sixth of a second of work for one thread with a key of 2048 bits. Beyond it
/// a request is refused and may be repeated.
const QUEUE_LIMIT: usize = 512;

/// Maximum total size of the waiting tokens. A token is about a kilobyte, but may have a hundred.
const QUEUE_BYTES: usize = 8 * 1024 * 1024;

/// A signature that has waited this long is refused: large keys sign slowly.
const MAX_WAIT: Duration = Duration::from_secs(2);

/// Niceness of the signing threads, so that the scheduler prefers those that serve connections.
const NICENESS: i32 = 5;

/// The order in which waiting signatures are made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Priority {
    /// First: a browser waits at the end of a sign-in.
    SignIn,
    /// Second: a program waits, and can ask again.
    Permission,
}

/// The queue is full, or the signature waited too long.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Busy;

type Job = Box<dyn FnOnce() + Send>;

#[derive(Default)]
struct Lane {
    jobs: VecDeque<(Job, usize)>,
    bytes: usize,
}

impl Lane {
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

/// Waiting jobs, a lane for each priority.
#[derive(Default)]
struct Lanes {
    sign_in: Lane,
    permission: Lane,
    closed: bool,
}

impl Lanes {
    fn next(&mut self) -> Option<Job> {
        self.sign_in.pop().or_else(|| self.permission.pop())
    }

    fn lane(&mut self, priority: Priority) -> &mut Lane {
        match priority {
            Priority::SignIn => &mut self.sign_in,
            Priority::Permission => &mut self.permission,
        }
    }
}

/// The queue between the callers and the signing threads.
#[derive(Default)]
struct JobQueue {
    lanes: Mutex<Lanes>,
    not_empty: Condvar,
}

impl JobQueue {
    fn lock(&self) -> MutexGuard<'_, Lanes> {
        self.lanes.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Waits for a job. `None` once the queue is closed and empty.
    fn take(&self) -> Option<Job> {
        let mut lanes = self.lock();
        loop {
            if let Some(job) = lanes.next() {
                return Some(job);
            }
            if lanes.closed {
                return None;
            }
            lanes = self.not_empty.wait(lanes).unwrap_or_else(PoisonError::into_inner);
        }
    }
}

/// Threads that start with the first job, and end with the pool.
pub(super) struct SigningPool {
    queue: Arc<JobQueue>,
    started: Once,
    limit: usize,
}

impl SigningPool {
    pub(super) fn new() -> Self {
        Self::with_limit(QUEUE_LIMIT)
    }

    fn with_limit(limit: usize) -> Self {
        Self { queue: Arc::default(), started: Once::new(), limit }
    }

    /// Runs a job that holds `bytes` bytes on one of the threads, unless the queue is full. A job whose caller has gone is
    /// skipped. `None` if the job panicked.
    pub(super) async fn run<T: Send + 'static>(
        &self,
        priority: Priority,
        bytes: usize,
        job: impl FnOnce() -> T + Send + 'static,
    ) -> Result<Option<T>, Busy> {
        let (answer, receiver) = oneshot::channel();
        let queued_at = Instant::now();
        let job = move || {
            if answer.is_closed() {
                return;
            }
            let outcome = if is_too_late(queued_at.elapsed()) { Err(Busy) } else { Ok(job()) };
            drop(answer.send(outcome));
        };
        self.put(priority, Box::new(job), bytes)?;
        receiver.await.map_or(Ok(None), |outcome| outcome.map(Some))
    }

    fn put(&self, priority: Priority, job: Job, bytes: usize) -> Result<(), Busy> {
        self.started.call_once(|| self.start());
        let mut lanes = self.queue.lock();
        if lanes.closed || !lanes.lane(priority).has_room(bytes, self.limit) {
            return Err(Busy);
        }
        lanes.lane(priority).push(job, bytes);
        drop(lanes);
        self.queue.not_empty.notify_one();
        Ok(())
    }

    fn start(&self) {
        for number in 0..thread_count(thread::available_parallelism().map_or(1, NonZero::get)) {
            let queue = Arc::clone(&self.queue);
            let thread = thread::Builder::new().name(format!("sign-{number}")).stack_size(STACK_BYTES);
            // INVARIANT: a pool without a thread is closed, so that no job waits in it.
            if thread.spawn(move || run_jobs(&queue)).is_err() && number == 0 {
                self.queue.lock().closed = true;
            }
        }
    }
}

/// Small, since the big numbers of a signature are on the heap.
const STACK_BYTES: usize = 256 * 1024;

impl Drop for SigningPool {
    fn drop(&mut self) {
        self.queue.lock().closed = true;
        self.queue.not_empty.notify_all();
    }
}

/// Half as many threads as there are processors, at least one.
fn thread_count(processors: usize) -> usize {
    (processors / 2).max(1)
}

fn is_too_late(waited: Duration) -> bool {
    waited > MAX_WAIT
}

fn run_jobs(queue: &JobQueue) {
    // A refusal by the system is harmless: only the order of threads depends on it.
    let _: Result<i32, _> = rustix::process::nice(NICENESS);
    while let Some(job) = queue.take() {
        drop(panic::catch_unwind(AssertUnwindSafe(job)));
    }
}

#[cfg(test)]
mod tests;
