//! Which calls wait, which are under way in which process, and who gets the next one.

use std::collections::HashMap;
use std::io;
use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::sync::oneshot;

use super::worker::Worker;
use super::{ProcessSpec, wire};
use crate::answer::RawAnswer;
use crate::fair_queue::FairQueue;
use crate::job::{Delivery, Job};
use crate::observer::CallObserver;
use crate::unavailability::Unavailability;

/// How much more than its time a call is given before it counts as one that hangs.
const GRACE: Duration = Duration::from_millis(100);

/// One call that is under way.
struct Call {
    worker: u64,
    user: u64,
    /// When the plugin will have had its time. Its caller may have gone before, if it had to wait for its turn.
    until: Instant,
    answer: oneshot::Sender<Delivery>,
}

/// The process that takes calls, if any.
enum Phase {
    /// This process.
    Running(Arc<Worker>),
    /// One that is being started: calls wait for it.
    Starting,
    /// None, until the pause after too many ends is over: calls fail at once.
    Resting,
    Closed,
}

pub(super) struct State {
    phase: Phase,
    waiting: FairQueue<Job>,
    calls: HashMap<u64, Call>,
    /// Processes with a call that hangs, which still have others to answer.
    retired: Vec<Arc<Worker>>,
    alias: String,
    observer: Arc<dyn CallObserver>,
    threads: usize,
    queue_limit: usize,
    next_call: u64,
    next_worker: u64,
    /// How often a process had to be started since one last answered.
    starts_without_answer: u32,
    watched: bool,
}

impl State {
    pub(super) fn new(spec: &ProcessSpec) -> Self {
        Self {
            phase: Phase::Starting,
            waiting: FairQueue::new(spec.threads),
            calls: HashMap::new(),
            retired: Vec::new(),
            alias: spec.alias.clone(),
            observer: Arc::clone(&spec.observer),
            threads: spec.threads,
            queue_limit: spec.queue_limit,
            next_call: 0,
            next_worker: 0,
            starts_without_answer: 0,
            watched: false,
        }
    }

    pub(super) fn admit(&mut self, job: Job) -> Result<(), Unavailability> {
        match self.phase {
            Phase::Closed => return Err(Unavailability::Closed),
            Phase::Resting => return Err(Unavailability::Restarting),
            Phase::Running(_) | Phase::Starting => {}
        }
        let limit = self.queue_limit + self.idle();
        self.waiting.admit(job, limit)
    }

    fn idle(&self) -> usize {
        match &self.phase {
            Phase::Running(worker) => self.threads.saturating_sub(self.under_way(worker.number())),
            Phase::Starting => self.threads,
            Phase::Resting | Phase::Closed => 0,
        }
    }

    fn under_way(&self, worker: u64) -> usize {
        self.calls.values().filter(|call| call.worker == worker).count()
    }

    /// Sends as many calls as there are idle threads in the process that takes calls.
    pub(super) fn dispatch(&mut self) {
        let Phase::Running(worker) = &self.phase else { return };
        let worker = Arc::clone(worker);
        let mut idle = self.idle();
        while idle > 0 {
            let Some((user, job)) = self.waiting.begin() else { return };
            if job.is_given_up() {
                self.waiting.end(user);
                continue;
            }
            if !self.send(&worker, user, job) {
                return;
            }
            idle -= 1;
        }
    }

    /// Sends one call; false when the process takes nothing now: an answer or its end will bring us here again.
    fn send(&mut self, worker: &Worker, user: u64, job: Job) -> bool {
        let id = self.next_call;
        let left = job.order.deadline.saturating_duration_since(Instant::now());
        match worker.send(&wire::ask(id, left, &job.order.question)) {
            Ok(()) => {
                self.next_call += 1;
                self.observer.waited(&self.alias, job.asked.elapsed());
                let until = job.begin();
                self.calls
                    .insert(id, Call { worker: worker.number(), user, until, answer: job.into_answer() });
                true
            }
            Err(error) if error.raw_os_error() == Some(libc::EMSGSIZE) => {
                job.finish(RawAnswer::fatal("the question is too long for the plugin's process"));
                self.waiting.end(user);
                true
            }
            Err(error) => {
                if error.kind() != io::ErrorKind::WouldBlock {
                    tracing::debug!(%error, "the process of a plugin takes no calls");
                }
                self.waiting.put_back(user, job);
                false
            }
        }
    }

    pub(super) fn answered(&mut self, id: u64, answer: RawAnswer) -> Vec<Arc<Worker>> {
        if let Some(call) = self.end(id) {
            self.starts_without_answer = 0;
            // Nobody may be waiting any more: then the answer comes to nothing.
            drop(call.answer.send(Ok(answer).into()));
        }
        self.dispatch();
        self.take_finished()
    }

    /// Notes that a call is under way no more.
    fn end(&mut self, id: u64) -> Option<Call> {
        let call = self.calls.remove(&id)?;
        self.waiting.end(call.user);
        Some(call)
    }

    /// The number of the next process.
    pub(super) fn number_worker(&mut self) -> u64 {
        self.next_worker += 1;
        self.next_worker
    }

    /// Lets a process take calls; false when it is not wanted any more.
    pub(super) fn run(&mut self, worker: Arc<Worker>) -> bool {
        if matches!(self.phase, Phase::Closed) {
            return false;
        }
        self.phase = Phase::Running(worker);
        self.dispatch();
        true
    }

    /// Notes that a process has ended, and tells the callers that it leaves behind. Says how many those are, and whether
    /// another process has to be started.
    pub(super) fn lost(&mut self, number: u64) -> (usize, bool) {
        let lost: Vec<u64> =
            self.calls.iter().filter(|(_, call)| call.worker == number).map(|(id, _)| *id).collect();
        for id in &lost {
            if let Some(call) = self.end(*id) {
                drop(call.answer.send(Err(Unavailability::Crashed).into()));
            }
        }
        self.retired.retain(|worker| worker.number() != number);
        let current = matches!(&self.phase, Phase::Running(worker) if worker.number() == number);
        if current {
            self.phase = Phase::Starting;
        }
        (lost.len(), current)
    }

    /// How many starts there were without an answer, this one not counted.
    pub(super) fn count_start(&mut self) -> u32 {
        let before = self.starts_without_answer;
        self.starts_without_answer = before.saturating_add(1);
        before
    }

    /// Lets calls fail until the next process is started.
    pub(super) fn rest(&mut self) {
        if matches!(self.phase, Phase::Starting) {
            self.phase = Phase::Resting;
        }
        for job in self.waiting.drain() {
            job.refuse(Unavailability::Restarting);
        }
    }

    /// Lets calls wait for the process that is started now; false when none is wanted any more.
    pub(super) fn begin_start(&mut self) -> bool {
        if matches!(self.phase, Phase::Resting) {
            self.phase = Phase::Starting;
        }
        matches!(self.phase, Phase::Starting)
    }

    /// Retires the processes of calls that hang. Returns those without any call left, and whether a process has to be
    /// started in place of the one that took calls.
    pub(super) fn expire(&mut self, now: Instant) -> (Vec<Arc<Worker>>, bool) {
        let overdue: Vec<u64> =
            self.calls.iter().filter(|(_, call)| call.until + GRACE <= now).map(|(id, _)| *id).collect();
        let hanging: Vec<u64> =
            overdue.into_iter().filter_map(|id| self.end(id)).map(|call| call.worker).collect();
        let mut start = false;
        if let Phase::Running(worker) = &self.phase
            && hanging.contains(&worker.number())
        {
            self.retired.push(Arc::clone(worker));
            self.phase = Phase::Starting;
            start = true;
        }
        (self.take_finished(), start)
    }

    /// Takes out the retired processes that have no call to answer.
    fn take_finished(&mut self) -> Vec<Arc<Worker>> {
        // After the close they are left to come to their own end.
        if self.retired.is_empty() || self.is_closed() {
            return Vec::new();
        }
        let busy: Vec<u64> = self.calls.values().map(|call| call.worker).collect();
        let is_busy = |worker: &Arc<Worker>| busy.contains(&worker.number());
        let (kept, finished) = std::mem::take(&mut self.retired).into_iter().partition(is_busy);
        self.retired = kept;
        finished
    }

    /// True if the watching task has to be woken; true once until [`State::unwatch`].
    pub(super) fn wants_watching(&mut self) -> bool {
        let wanted = !self.watched && !self.calls.is_empty();
        self.watched |= wanted;
        wanted
    }

    /// Whether there is nothing to watch for now.
    pub(super) fn unwatch(&mut self) -> bool {
        self.watched = !self.calls.is_empty();
        !self.watched
    }

    pub(super) fn unready_reason(&self) -> Option<&'static str> {
        match self.phase {
            Phase::Resting => Some("its process ends again and again"),
            Phase::Running(_) | Phase::Starting | Phase::Closed => None,
        }
    }

    pub(super) fn hanging(&self) -> usize {
        if self.is_closed() { 0 } else { self.retired.len() }
    }

    pub(super) fn is_closed(&self) -> bool {
        matches!(self.phase, Phase::Closed)
    }

    pub(super) fn close(&mut self) {
        if let Phase::Running(worker) = std::mem::replace(&mut self.phase, Phase::Closed) {
            worker.finish();
            self.retired.push(worker);
        }
        // Their callers see that the instance is closed.
        drop(self.waiting.drain());
    }

    /// Every process that is still there.
    pub(super) fn take_workers(&mut self) -> Vec<Arc<Worker>> {
        std::mem::take(&mut self.retired)
    }
}
