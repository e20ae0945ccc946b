//! The workers of one instance: who is free, who is started when, and what becomes of those that fail.

mod backoff;

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::Instant;

use vestibule_plugin_sdk::Logger;

use crate::config::Settings;
use crate::failure::Failure;
use crate::frame;
use crate::keeper::Keeper;
use crate::message::{Ready, Reply, Request};
use crate::scribe::Scribe;
use crate::worker::{Worker, readiness};
use backoff::Backoff;

/// The workers of one instance.
pub(crate) struct Workers(Arc<Shared>);

struct Shared {
    alias: String,
    settings: Settings,
    log: Logger,
    scribe: Arc<Scribe>,
    keeper: Keeper,
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
    pub(crate) fn start(alias: &str, settings: Settings, log: Logger) -> Result<(Self, Ready), Failure> {
        let scribe = Arc::new(Scribe::start(alias, log).map_err(Failure::Thread)?);
        let keeper = Keeper::start(alias, Arc::clone(&scribe)).map_err(Failure::Thread)?;
        let shared = Shared {
            alias: alias.to_owned(),
            settings,
            log,
            scribe,
            keeper,
            closed: AtomicBool::new(false),
            state: Mutex::default(),
            changed: Condvar::new(),
        };
        let (worker, ready) = shared.start_worker()?;
        shared.lock().add(worker);
        Ok((Self(Arc::new(shared)), ready))
    }

    /// Asks whichever worker is free first. All of it happens before `until`.
    pub(crate) fn ask(&self, request: &Request<'_>, until: Instant) -> Result<Reply, Failure> {
        let function = request.function().name();
        let message = frame::encode(request).ok_or(Failure::TooLarge)?;
        let mut worker = self.0.take(until)?;
        match worker.ask(&message, until) {
            Ok(reply) => {
                self.0.give_back(worker);
                judge(reply, function)
            }
            Err(error) => {
                let failure = worker.put_away(&self.0.keeper, &self.0.scribe, &error, function);
                self.0.lose_one();
                Err(failure)
            }
        }
    }

    /// Whether there is a worker, or one is about to be. Starts one when that is due.
    pub(crate) fn check(&self) -> Result<(), Failure> {
        let mut state = self.0.lock();
        self.0.start_if_needed(&mut state);
        if state.alive > 0 { Ok(()) } else { state.backoff.verdict() }
    }
}

/// What the module failed to do is a failure as well.
fn judge(reply: Reply, function: &'static str) -> Result<Reply, Failure> {
    match reply {
        Reply::Unfit(reason) => Err(Failure::Unfit { function, reason }),
        Reply::Exception(exception) => Err(Failure::Raised { function, exception }),
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
            worker.dismiss(&self.0.keeper);
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

impl Shared {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn start_worker(&self) -> Result<(Worker, Ready), Failure> {
        let until = Instant::now() + self.settings.start_timeout;
        let worker = Worker::start(&self.alias, &self.settings, &self.scribe, until);
        let mut worker = worker.map_err(Failure::Spawn)?;
        match worker.introduce(&self.settings, until, &self.closed).map(readiness) {
            Ok(Ok(ready)) => Ok((worker, ready)),
            Ok(Err(failure)) => {
                worker.dismiss(&self.keeper);
                Err(failure)
            }
            Err(error) => Err(worker.put_away(&self.keeper, &self.scribe, &error, "its start")),
        }
    }
}

impl Shared {
    /// Waits for a worker, and has one started when all are busy and there may be more.
    fn take(self: &Arc<Self>, until: Instant) -> Result<Worker, Failure> {
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
    fn find(self: &Arc<Self>, state: &mut State, until: Instant) -> Option<Result<Worker, Failure>> {
        while let Some(worker) = state.idle.pop() {
            if !worker.has_ended() {
                return Some(Ok(worker));
            }
            state.alive -= 1;
            worker.dismiss(&self.keeper);
        }
        let now = Instant::now();
        let hopeless = state.alive == 0 && state.starting == 0;
        if hopeless && state.backoff.pause_until(now).is_some_and(|moment| moment > until) {
            return Some(Err(state.backoff.verdict().err().unwrap_or(Failure::Slow)));
        }
        if now >= until {
            return Some(Err(if state.alive == 0 { Failure::Slow } else { Failure::Busy }));
        }
        self.start_if_needed(state);
        None
    }

    /// Starts one more when somebody waits for it, or when there is none.
    fn start_if_needed(self: &Arc<Self>, state: &mut State) {
        let wanted = state.waiting > state.starting || state.alive + state.starting == 0;
        let allowed = state.alive + state.starting < self.settings.workers;
        if wanted && allowed && state.backoff.pause_until(Instant::now()).is_none() {
            state.starting += 1;
            let shared = Arc::clone(self);
            let thread = thread::Builder::new().name(format!("py-{}-start", self.alias));
            state.starters.retain(|starter| !starter.is_finished());
            match thread.spawn(move || shared.finish_start(shared.start_worker())) {
                Ok(starter) => state.starters.push(starter),
                Err(error) => {
                    state.starting -= 1;
                    state.backoff.failed(Failure::Thread(error).to_string(), Instant::now());
                }
            }
        }
    }

    fn finish_start(&self, started: Result<(Worker, Ready), Failure>) {
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
            worker.dismiss(&self.keeper);
            return self.lose_one();
        }
        self.lock().idle.push(worker);
        self.changed.notify_one();
    }

    /// One is gone. The last one is replaced at once, so that the next call need not wait for a start.
    fn lose_one(self: &Arc<Self>) {
        let mut state = self.lock();
        state.alive -= 1;
        self.start_if_needed(&mut state);
        drop(state);
        self.changed.notify_one();
    }
}
