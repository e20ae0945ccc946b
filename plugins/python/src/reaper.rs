//! The thread of an instance that waits for workers to end, so that no call has to.

use std::io;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use crate::log_pump::LogPump;
use crate::process::Process;

/// How often a process that is about to end is polled.
const POLL_INTERVAL: Duration = Duration::from_millis(20);

/// A process that is to end, and the moment at which it is killed.
struct EndingProcess {
    process: Process,
    kill_at: Instant,
}

/// The handle of the thread.
pub(crate) struct Reaper {
    inbox: Option<Sender<EndingProcess>>,
    thread: Option<JoinHandle<()>>,
}

impl Reaper {
    /// Starts the thread. It has the log pump finish each worker that ends.
    pub(crate) fn start(alias: &str, log_pump: Arc<LogPump>) -> io::Result<Self> {
        let (sender, inbox) = channel();
        let thread = thread::Builder::new().name(format!("py-{alias}-end"));
        let thread = thread.spawn(move || work(&inbox, &log_pump))?;
        Ok(Self { inbox: Some(sender), thread: Some(thread) })
    }

    /// Waits in the background for a process to end, and kills it after the grace period.
    pub(crate) fn take(&self, process: Process, grace: Duration) {
        if grace.is_zero() {
            process.kill();
        }
        let ending = EndingProcess { process, kill_at: Instant::now() + grace };
        // Without the thread the process ends where it is dropped.
        drop(self.inbox.as_ref().map(|inbox| inbox.send(ending)));
    }
}

/// Waits until every process has ended.
impl Drop for Reaper {
    fn drop(&mut self) {
        self.inbox = None;
        drop(self.thread.take().map(JoinHandle::join));
    }
}

fn work(inbox: &Receiver<EndingProcess>, log_pump: &LogPump) {
    let (mut ending, mut open) = (Vec::new(), true);
    while open || !ending.is_empty() {
        match receive(inbox, open, ending.is_empty()) {
            Ok(more) => ending.push(more),
            Err(RecvTimeoutError::Timeout) => {}
            Err(RecvTimeoutError::Disconnected) => open = false,
        }
        reap_ended(&mut ending, log_pump);
    }
}

fn receive(
    inbox: &Receiver<EndingProcess>,
    open: bool,
    idle: bool,
) -> Result<EndingProcess, RecvTimeoutError> {
    match (open, idle) {
        (true, true) => inbox.recv().map_err(|_| RecvTimeoutError::Disconnected),
        (true, false) => inbox.recv_timeout(POLL_INTERVAL),
        (false, _) => {
            thread::sleep(POLL_INTERVAL);
            Err(RecvTimeoutError::Timeout)
        }
    }
}

fn reap_ended(ending: &mut Vec<EndingProcess>, log_pump: &LogPump) {
    for gone in ending.extract_if(.., |one| one.process.has_ended()) {
        let worker = gone.process.id();
        drop(gone.process.end());
        log_pump.finish(worker);
    }
    ending.iter().filter(|one| one.kill_at <= Instant::now()).for_each(|one| one.process.kill());
}
