//! One worker: a process that has imported the module and answers one call at a time.

use std::io;
use std::os::unix::net::UnixStream;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use rustix::event::PollFlags;

use crate::config::Settings;
use crate::error::WorkerError;
use crate::frame::{self, FrameError};
use crate::log_pump::LogPump;
use crate::message::{Hello, Ready, Reply};
use crate::process::Process;
use crate::reaper::Reaper;

/// How long a worker may take to end by itself: the module may have something to put in order.
const GRACE: Duration = Duration::from_secs(1);
/// How often a start looks whether the instance is being closed.
const LOOK: Duration = Duration::from_millis(50);

/// A worker that has been started and is not known to be broken.
pub(crate) struct Worker {
    process: Process,
    channel: UnixStream,
    calls: u64,
}

impl Worker {
    /// Starts the interpreter. It imports the module when it is [introduced](Self::introduce) to it.
    pub(crate) fn start(
        alias: &str,
        settings: &Settings,
        log_pump: &LogPump,
        until: Instant,
    ) -> io::Result<Self> {
        let (process, channel, output) = Process::start(alias, settings, until)?;
        log_pump.follow(process.id(), output)?;
        Ok(Self { process, channel, calls: 0 })
    }

    /// Waits until it has imported the module, the time is over, or the instance is closed.
    pub(crate) fn introduce(
        &mut self,
        settings: &Settings,
        until: Instant,
        closed: &AtomicBool,
    ) -> Result<Reply, FrameError> {
        let hello = Hello { module: &settings.module, path: &settings.path, retry_on: &settings.retry_on };
        let hello = frame::encode(&hello).ok_or(FrameError::Rubbish)?;
        frame::send(&self.channel, &hello, until)?;
        // INVARIANT: no message is begun here, so nothing is lost when the time of one look is over.
        while let Err(error) = frame::wait(&self.channel, PollFlags::IN, until.min(Instant::now() + LOOK)) {
            if !matches!(error, FrameError::Late) || closed.load(Ordering::Relaxed) || Instant::now() >= until
            {
                return Err(error);
            }
        }
        frame::receive(&self.channel, until)
    }

    /// One call. After an error the worker is to be [put away](Self::put_away).
    pub(crate) fn ask(&mut self, request: &[u8], until: Instant) -> Result<Reply, FrameError> {
        self.calls = self.calls.saturating_add(1);
        frame::send(&self.channel, request, until)?;
        frame::receive(&self.channel, until)
    }

    /// Whether it has answered as many calls as it may.
    pub(crate) fn is_worn(&self, settings: &Settings) -> bool {
        settings.max_requests.is_some_and(|most| self.calls >= most)
    }

    /// Whether it has ended while it was idle.
    pub(crate) fn has_ended(&self) -> bool {
        self.process.has_ended()
    }

    /// Lets it end: its pipes are closed, and it is killed after the grace period.
    pub(crate) fn dismiss(self, reaper: &Reaper) {
        drop(self.channel);
        reaper.take(self.process, GRACE);
    }

    /// Kills it for this error, which came while it was in `function`.
    pub(crate) fn put_away(
        self,
        reaper: &Reaper,
        log_pump: &LogPump,
        error: &FrameError,
        function: &'static str,
    ) -> WorkerError {
        match error {
            FrameError::Late => {
                reaper.take(self.process, Duration::ZERO);
                WorkerError::Hung { function }
            }
            FrameError::Rubbish => {
                reaper.take(self.process, Duration::ZERO);
                WorkerError::Rubbish
            }
            FrameError::Gone => self.reap(log_pump, function),
        }
    }

    /// It has hung up, so it ends just now, and how is worth waiting for.
    fn reap(self, log_pump: &LogPump, function: &'static str) -> WorkerError {
        let worker = self.process.id();
        let ended = self.process.end();
        log_pump.finish(worker);
        ended.map_or(WorkerError::Rubbish, |status| WorkerError::Ended { function, status })
    }
}

/// What the answer to the introduction means.
pub(crate) fn readiness(reply: Reply) -> Result<Ready, WorkerError> {
    match reply {
        Reply::Ready(ready) => Ok(ready),
        Reply::Exception(exception) => Err(WorkerError::Raised { function: "the import", exception }),
        _ => Err(WorkerError::Rubbish),
    }
}
