//! One worker: a process that has imported the module and answers one call at a time.

use std::io;
use std::os::unix::net::UnixStream;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use rustix::event::PollFlags;

use crate::config::Settings;
use crate::failure::Failure;
use crate::frame::{self, FrameError};
use crate::keeper::Keeper;
use crate::message::{Hello, Ready, Reply};
use crate::process::Process;
use crate::scribe::Scribe;

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
        scribe: &Scribe,
        until: Instant,
    ) -> io::Result<Self> {
        let (process, channel, output) = Process::start(alias, settings, until)?;
        scribe.follow(process.id(), output)?;
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

    /// Whether it has ended while nobody asked it.
    pub(crate) fn has_ended(&self) -> bool {
        self.process.has_ended()
    }

    /// Lets it go: it ends when nobody listens to it any more, or is made to.
    pub(crate) fn dismiss(self, keeper: &Keeper) {
        drop(self.channel);
        keeper.take(self.process, GRACE);
    }

    /// Kills it for this error, which came while it was in `function`.
    pub(crate) fn put_away(
        self,
        keeper: &Keeper,
        scribe: &Scribe,
        error: &FrameError,
        function: &'static str,
    ) -> Failure {
        match error {
            FrameError::Late => {
                keeper.take(self.process, Duration::ZERO);
                Failure::Hung { function }
            }
            FrameError::Rubbish => {
                keeper.take(self.process, Duration::ZERO);
                Failure::Rubbish
            }
            FrameError::Gone => self.bury(scribe, function),
        }
    }

    /// It has hung up, so it ends just now, and how is worth waiting for.
    fn bury(self, scribe: &Scribe, function: &'static str) -> Failure {
        let worker = self.process.id();
        let ended = self.process.end();
        scribe.forget(worker);
        ended.map_or(Failure::Rubbish, |status| Failure::Ended { function, status })
    }
}

/// What the answer to the introduction means.
pub(crate) fn readiness(reply: Reply) -> Result<Ready, Failure> {
    match reply {
        Reply::Ready(ready) => Ok(ready),
        Reply::Exception(exception) => Err(Failure::Raised { function: "the import", exception }),
        _ => Err(Failure::Rubbish),
    }
}
