//! The pool of workers of one instance: which are idle, when one is started, and what happens when one fails.

mod backoff;

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::Instant;

use vestibule_plugin_sdk::Logger;

use crate::config::Settings;
use crate::error::WorkerError;
use crate::frame;
use crate::log_pump::LogPump;
use crate::message::{Ready, Reply, Request};
use crate::reaper::Reaper;
use crate::worker::{Worker, readiness};
use backoff::Backoff;

/// The workers of one instance.
pub(crate) struct Workers(Arc<WorkerPool>);

struct WorkerPool {
    alias: String,
    settings: Settings,
    log: Logger,
    log_pump: Arc<LogPump>,
    reaper: Reaper,
    closed: AtomicBool,
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Default)]
struct State {
    idle: Vec<Worker>,
    /// Idle or in a call.
    alive: usize,
    starting: usize,
    /// The threads that start workers, and some that have.
    starters: Vec<JoinHandle<()>>,
    /// Calls that wait for a worker.
    waiting: usize,
    backoff: Backoff,
}

impl Workers {
    /// Starts the first worker, and tells what the module has.
    pub(crate) fn start(alias: &str, settings: Settings, log: Logger) -> Result<(Self, Ready), WorkerError> {
        let log_pump = Arc::new(LogPump::start(alias, log).map_err(WorkerError::Thread)?);
        let reaper = Reaper::start(alias, Arc::clone(&log_pump)).map_err(WorkerError::Thread)?;
        let pool = WorkerPool {
            alias: alias.to_owned(),
            settings,
            log,
            log_pump,
            reaper,
            closed: AtomicBool::new(false),
            state: Mutex::default(),
            changed: Condvar::new(),
        };
        let (worker, ready) = pool.start_worker()?;
        pool.lock().add(worker);
        Ok((Self(Arc::new(pool)), ready))
    }

    /// Asks whichever worker is free first. All of it happens before `until`.
    pub(crate) fn ask(&self, request: &Request<'_>, until: Instant) -> Result<Reply, WorkerError> {
        let function = request.function().name();
        let message = frame::encode(request).ok_or(WorkerError::TooLarge)?;
        let mut worker = self.0.take(until)?;
        match worker.ask(&message, until) {
            Ok(reply) => {
                self.0.give_back(worker);
                interpret(reply, function)
            }
            Err(error) => {
                let failure = worker.put_away(&self.0.reaper, &self.0.log_pump, &error, function);
                self.0.lose_one();
                Err(failure)
            }
        }
    }

    /// Whether there is a worker, or one is about to be. Starts one when that is due.
    pub(crate) fn check(&self) -> Result<(), WorkerError> {
        let mut state = self.0.lock();
        self.0.start_if_needed(&mut state);
        if state.alive > 0 { Ok(()) } else { state.backoff.verdict() }
    }
}

/// A reply that reports a failure of the module is an error.
fn interpret(reply: Reply, function: &'static str) -> Result<Reply, WorkerError> {
    match reply {
        Reply::Unfit(reason) => Err(WorkerError::Unfit { function, reason }),
        Reply::Exception(exception) => Err(WorkerError::Raised { function, exception }),
        reply => Ok(reply),
    }
}

/// Ends all workers. The last call is over.
impl Drop for Workers {
    fn drop(&mut self) {
        self.0.closed.store(true, Ordering::Relaxed);
        let starters = std::mem::take(&mut self.0.lock().starters);
        for starter in starters {
            // It has seen the mark above, or has a worker to show.
            drop(starter.join());
        }
        for worker in std::mem::take(&mut self.0.lock().idle) {
            worker.dismiss(&self.0.reaper);
        }
    }
}

impl State {
    fn add(&mut self, worker: Worker) {
        self.backoff.succeeded();
        self.alive += 1;
        self.idle.push(worker);
    }
}

impl WorkerPool {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn start_worker(&self) -> Result<(Worker, Ready), WorkerError> {
        let until = Instant::now() + self.settings.start_timeout;
        let worker = Worker::start(&self.alias, &self.settings, &self.log_pump, until);
        let mut worker = worker.map_err(WorkerError::Spawn)?;
        match worker.introduce(&self.settings, until, &self.closed).map(readiness) {
            Ok(Ok(ready)) => Ok((worker, ready)),
            Ok(Err(failure)) => {
                worker.dismiss(&self.reaper);
                Err(failure)
            }
            Err(error) => Err(worker.put_away(&self.reaper, &self.log_pump, &error, "its start")),
        }
    }
}

impl WorkerPool {
    /// Waits for a worker, and has one started when all are busy and there may be more.
    fn take(self: &Arc<Self>, until: Instant) -> Result<Worker, WorkerError> {
        let mut state = self.lock();
        state.waiting += 1;
        loop {
            let found = self.find(&mut state, until);
            if let Some(found) = found {
                state.waiting -= 1;
                return found;
            }
            let now = Instant::now();
            let next = state.backoff.pause_until(now).map_or(until, |moment| moment.min(until));
            let waited = self.changed.wait_timeout(state, next.saturating_duration_since(now));
            state = waited.unwrap_or_else(PoisonError::into_inner).0;
        }
    }

    /// A worker, a reason to give up, or nothing yet.
    fn find(self: &Arc<Self>, state: &mut State, until: Instant) -> Option<Result<Worker, WorkerError>> {
        while let Some(worker) = state.idle.pop() {
            if !worker.has_ended() {
                return Some(Ok(worker));
            }
            state.alive -= 1;
            worker.dismiss(&self.reaper);
        }
        let now = Instant::now();
        let hopeless = state.alive == 0 && state.starting == 0;
        if hopeless && state.backoff.pause_until(now).is_some_and(|moment| moment > until) {
            return Some(Err(state.backoff.verdict().err().unwrap_or(WorkerError::Slow)));
        }
        if now >= until {
            return Some(Err(if state.alive == 0 { WorkerError::Slow } else { WorkerError::Busy }));
        }
        self.start_if_needed(state);
        None
    }

    /// Starts one more worker if a call waits for it, or if there is none.
    fn start_if_needed(self: &Arc<Self>, state: &mut State) {
        let wanted = state.waiting > state.starting || state.alive + state.starting == 0;
        let allowed = state.alive + state.starting < self.settings.workers;
        if wanted && allowed && state.backoff.pause_until(Instant::now()).is_none() {
            state.starting += 1;
            let pool = Arc::clone(self);
            let thread = thread::Builder::new().name(format!("py-{}-start", self.alias));
            state.starters.retain(|starter| !starter.is_finished());
            match thread.spawn(move || pool.finish_start(pool.start_worker())) {
                Ok(starter) => state.starters.push(starter),
                Err(error) => {
                    state.starting -= 1;
                    state.backoff.failed(WorkerError::Thread(error).to_string(), Instant::now());
                }
            }
        }
    }

    fn finish_start(&self, started: Result<(Worker, Ready), WorkerError>) {
        let mut state = self.lock();
        state.starting -= 1;
        match started {
            Ok((worker, _)) => state.add(worker),
            Err(failure) if !self.closed.load(Ordering::Relaxed) => {
                self.log.warn(&format!("a worker cannot be started: {failure}"));
                state.backoff.failed(failure.to_string(), Instant::now());
            }
            Err(_) => {}
        }
        drop(state);
        self.changed.notify_all();
    }

    fn give_back(self: &Arc<Self>, worker: Worker) {
        if worker.is_worn(&self.settings) {
            worker.dismiss(&self.reaper);
            return self.lose_one();
        }
        self.lock().idle.push(worker);
        self.changed.notify_one();
    }

    /// Removes a worker that has ended. The last one is replaced at once, so that the next call need not wait for a start.
    fn lose_one(self: &Arc<Self>) {
        let mut state = self.lock();
        state.alive -= 1;
        self.start_if_needed(&mut state);
        drop(state);
        self.changed.notify_one();
    }
}
