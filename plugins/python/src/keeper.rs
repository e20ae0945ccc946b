//! One thread of an instance waits for the end of workers, so that no call has to.

use std::io;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use crate::process::Process;
use crate::scribe::Scribe;

/// How often it looks whether a process has ended, while one is about to.
const LOOK: Duration = Duration::from_millis(20);

/// A process that is to end, and when it is made to.
struct Leaving {
    process: Process,
    kill_at: Instant,
}

/// The thread, as seen by the others.
pub(crate) struct Keeper {
    inbox: Option<Sender<Leaving>>,
    thread: Option<JoinHandle<()>>,
}

impl Keeper {
    /// The scribe is told of the end of each.
    pub(crate) fn start(alias: &str, scribe: Arc<Scribe>) -> io::Result<Self> {
        let (sender, inbox) = channel();
        let thread = thread::Builder::new().name(format!("py-{alias}-end"));
        let thread = thread.spawn(move || work(&inbox, &scribe))?;
        Ok(Self { inbox: Some(sender), thread: Some(thread) })
    }

    /// Waits for the end of a process, and brings it about when the time is over.
    pub(crate) fn take(&self, process: Process, grace: Duration) {
        if grace.is_zero() {
            process.kill();
        }
        let leaving = Leaving { process, kill_at: Instant::now() + grace };
        // Without the thread the process ends where it is dropped.
        drop(self.inbox.as_ref().map(|inbox| inbox.send(leaving)));
    }
}

/// Returns when every process has ended.
impl Drop for Keeper {
    fn drop(&mut self) {
        self.inbox = None;
        drop(self.thread.take().map(JoinHandle::join));
    }
}

fn work(inbox: &Receiver<Leaving>, scribe: &Scribe) {
    let (mut leaving, mut open) = (Vec::new(), true);
    while open || !leaving.is_empty() {
        match receive(inbox, open, leaving.is_empty()) {
            Ok(more) => leaving.push(more),
            Err(RecvTimeoutError::Timeout) => {}
            Err(RecvTimeoutError::Disconnected) => open = false,
        }
        look(&mut leaving, scribe);
    }
}

fn receive(inbox: &Receiver<Leaving>, open: bool, idle: bool) -> Result<Leaving, RecvTimeoutError> {
    match (open, idle) {
        (true, true) => inbox.recv().map_err(|_| RecvTimeoutError::Disconnected),
        (true, false) => inbox.recv_timeout(LOOK),
        (false, _) => {
            thread::sleep(LOOK);
            Err(RecvTimeoutError::Timeout)
        }
    }
}

fn look(leaving: &mut Vec<Leaving>, scribe: &Scribe) {
    for gone in leaving.extract_if(.., |one| one.process.has_ended()) {
        let worker = gone.process.id();
        drop(gone.process.end());
        scribe.forget(worker);
    }
    leaving.iter().filter(|one| one.kill_at <= Instant::now()).for_each(|one| one.process.kill());
}
