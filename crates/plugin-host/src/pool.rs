//! The threads of one instance.
//!
//! A call that hangs cannot be ended, only left alone: its thread stays busy, so what it costs is bounded by the number of
//! threads, and for one user by that user's share of them. Once every thread is in a call that has had its time, further
//! calls fail at once.

use std::panic::{self, AssertUnwindSafe};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::Instant;

use crate::error::LoadFault;
use crate::fair_queue::FairQueue;
use crate::job::{Job, Order, Pending};
use crate::observer::CallObserver;
use crate::raw::RawInstance;
use crate::unavailability::Unavailability;

const STACK_BYTES: usize = 8 * 1024 * 1024;

/// Starts a thread that runs code of a plugin: named after the instance, with a stack that C programmers expect.
pub(crate) fn start_thread(
    alias: &str,
    number: usize,
    work: impl FnOnce() + Send + 'static,
) -> Result<thread::JoinHandle<()>, LoadFault> {
    let thread = thread::Builder::new().name(format!("plug-{alias}-{number}")).stack_size(STACK_BYTES);
    thread.spawn(work).map_err(LoadFault::Thread)
}

#[derive(Clone, Copy)]
enum Worker {
    Idle,
    /// With a call about this user, which will have had its time at that moment.
    Busy {
        user: u64,
        until: Instant,
    },
}

impl Worker {
    fn hangs(self, now: Instant) -> bool {
        matches!(self, Self::Busy { until, .. } if until <= now)
    }
}

struct State {
    waiting: FairQueue<Job>,
    workers: Vec<Worker>,
    /// How many threads sleep, and how many of these are being woken.
    sleeping: usize,
    waking: usize,
    /// How many threads have not ended, and whether `destroy` may still run on one of them.
    running: usize,
    closed: bool,
}

impl State {
    fn is_stuck(&self, now: Instant) -> bool {
        self.workers.iter().all(|worker| worker.hangs(now))
    }

    /// Claims the waking of one sleeping thread, if one is needed. One thread wakes at a time, and it wakes the next if there is
    /// more work than it can take: to wake a thread costs more than most calls of a plugin, and often there is no work left for it.
    ///
    /// INVARIANT: while calls wait that may begin and threads sleep, one of them is being woken. So no call ever waits for another
    /// to end while there is a thread for it, but for one of the same user.
    fn claim_wake_up(&mut self) -> bool {
        let wanted = self.waking == 0 && self.sleeping > 0 && self.waiting.is_ready();
        self.waking += usize::from(wanted);
        wanted
    }

    fn idle(&self) -> usize {
        self.workers.iter().filter(|worker| matches!(worker, Worker::Idle)).count()
    }

    /// Records that the call of a worker has ended.
    fn end_call(&mut self, worker: usize) {
        if let Some(Worker::Busy { user, .. }) = self.workers.get(worker) {
            self.waiting.end(*user);
        }
        set(self, worker, Worker::Idle);
    }
}

struct PoolInner {
    alias: String,
    observer: Arc<dyn CallObserver>,
    state: Mutex<State>,
    queue_limit: usize,
    work: Condvar,
    ended: Condvar,
}

impl PoolInner {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Waits for the next call whose caller still waits. `None` when the pool is closed.
    fn next(&self, worker: usize) -> Option<Job> {
        let mut state = self.lock();
        state.end_call(worker);
        loop {
            if state.closed {
                return None;
            }
            match state.waiting.begin() {
                Some((user, job)) if job.is_given_up() => state.waiting.end(user),
                Some((user, job)) => {
                    set(&mut state, worker, Worker::Busy { user, until: job.begin() });
                    self.wake_if_needed(state);
                    return Some(job);
                }
                None => state = self.sleep(state),
            }
        }
    }

    fn sleep<'a>(&self, mut state: MutexGuard<'a, State>) -> MutexGuard<'a, State> {
        state.sleeping += 1;
        while state.waking == 0 && !state.closed {
            state = self.work.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
        state.sleeping -= 1;
        state.waking = state.waking.saturating_sub(1);
        state
    }

    fn wake_if_needed(&self, mut state: MutexGuard<'_, State>) {
        let claim_wake_up = state.claim_wake_up();
        drop(state);
        if claim_wake_up {
            self.work.notify_one();
        }
    }
}

fn set(state: &mut State, worker: usize, to: Worker) {
    if let Some(worker) = state.workers.get_mut(worker) {
        *worker = to;
    }
}

/// The threads of one instance and the queue before them.
pub(crate) struct Pool {
    inner: Arc<PoolInner>,
}

impl Pool {
    /// Starts the threads. They own the instance: it is destroyed on the last of them, after the last call.
    pub(crate) fn start(
        alias: &str,
        threads: usize,
        queue_limit: usize,
        instance: RawInstance,
        observer: Arc<dyn CallObserver>,
    ) -> Result<Self, LoadFault> {
        let state = State {
            waiting: FairQueue::new(threads),
            workers: vec![Worker::Idle; threads],
            sleeping: 0,
            waking: 0,
            running: threads,
            closed: false,
        };
        let inner = PoolInner {
            alias: alias.to_owned(),
            observer,
            state: Mutex::new(state),
            queue_limit,
            work: Condvar::new(),
            ended: Condvar::new(),
        };
        // Dropping the pool on an error closes it, which ends the threads that are already there.
        let pool = Self { inner: Arc::new(inner) };
        let instance = Arc::new(instance);
        for number in 0..threads {
            let (inner, instance) = (Arc::clone(&pool.inner), Arc::clone(&instance));
            drop(start_thread(alias, number, move || work(&inner, instance, number))?);
        }
        Ok(pool)
    }

    /// Puts a call into the queue. The time in the queue counts towards the deadline of the caller.
    pub(crate) fn ask(&self, order: Order) -> Result<Pending, Unavailability> {
        let mut state = self.inner.lock();
        if state.closed {
            return Err(Unavailability::Closed);
        }
        if state.is_stuck(Instant::now()) {
            return Err(Unavailability::Stuck);
        }
        let (job, pending) = order.place();
        let limit = self.inner.queue_limit + state.idle();
        state.waiting.admit(job, limit)?;
        self.inner.wake_if_needed(state);
        Ok(pending)
    }

    /// How many threads are in calls that have had their time.
    pub(crate) fn stuck_threads(&self) -> usize {
        let now = Instant::now();
        self.inner.lock().workers.iter().filter(|worker| worker.hangs(now)).count()
    }

    /// Whether every thread is in a call that has had its time.
    pub(crate) fn is_stuck(&self) -> bool {
        self.inner.lock().is_stuck(Instant::now())
    }

    /// Takes no more calls and lets the threads end.
    pub(crate) fn close(&self) {
        let mut state = self.inner.lock();
        state.closed = true;
        let waiting = state.waiting.drain();
        drop(state);
        drop(waiting);
        self.inner.work.notify_all();
    }

    /// Waits until the instance is destroyed; `false` when that takes too long.
    pub(crate) fn wait_until_ended(&self, until: Instant) -> bool {
        let mut state = self.inner.lock();
        while state.running > 0 {
            let left = until.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return false;
            }
            let waited = self.inner.ended.wait_timeout(state, left);
            state = waited.unwrap_or_else(PoisonError::into_inner).0;
        }
        true
    }
}

impl Drop for Pool {
    fn drop(&mut self) {
        self.close();
    }
}

/// Asks the scheduler not to let this thread interrupt one that runs, as one that serves connections does when it has just put
/// a call into the queue: that one goes on to its next connection, and several calls are then made in a row.
fn let_others_finish() {
    let parameters = libc::sched_param { sched_priority: 0 };
    // SAFETY: 0 is the calling thread, and the parameters live until the call returns. What the system does not allow
    // changes nothing but who goes first.
    let _: i32 = unsafe { libc::sched_setscheduler(0, libc::SCHED_BATCH, &raw const parameters) };
}

/// Makes a call on this thread. If its caller has gone, the answer is dropped.
pub(crate) fn run(job: Job, instance: &RawInstance) {
    let answer = job.span.in_scope(|| instance.ask(&job.order.question, job.order.deadline));
    job.finish(answer);
}

fn work(inner: &PoolInner, instance: Arc<RawInstance>, number: usize) {
    let_others_finish();
    while let Some(job) = inner.next(number) {
        // A panic of our own code (a log sink, say) costs this call, not the thread.
        drop(panic::catch_unwind(AssertUnwindSafe(|| {
            inner.observer.waited(&inner.alias, job.asked.elapsed());
            run(job, &instance);
        })));
    }
    drop(instance);
    inner.lock().running -= 1;
    inner.ended.notify_all();
}
