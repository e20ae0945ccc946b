//! One process that has made its instance, and the task that reads what it sends.

use std::io;
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::time::{Duration, Instant};

use tokio::io::Interest;
use tokio::io::unix::AsyncFd;

use super::life::{Process, describe};
use super::link::Link;
use super::spawn::StartingProcess;
use super::wire::{FromChild, MAX_PACKET};
use super::{RunnerInner, restart};
use crate::error::LoadFault;
use crate::log_sink;

/// How long a process may take to be gone after its socket is.
const REAP_TIMEOUT: Duration = Duration::from_secs(1);

/// One process that has made its instance.
pub(super) struct Worker {
    number: u64,
    link: AsyncFd<Link>,
    process: Mutex<Process>,
}

impl Worker {
    pub(super) fn number(&self) -> u64 {
        self.number
    }

    /// Sends a packet without waiting.
    pub(super) fn send(&self, packet: &[u8]) -> io::Result<()> {
        self.link.get_ref().try_send(packet)
    }

    /// Tells it that no more questions will come.
    pub(super) fn finish(&self) {
        self.link.get_ref().end();
    }

    /// Lets it come to its end, or kills it; says whether it came to its end. Blocks its thread.
    pub(super) fn end(&self, until: Instant) -> bool {
        self.finish();
        let mut process = self.process.lock().unwrap_or_else(PoisonError::into_inner);
        let ended = process.wait_until(until).is_some();
        process.kill();
        ended
    }

    /// Kills it. Blocks its thread for a moment.
    pub(super) fn kill(&self) {
        self.process.lock().unwrap_or_else(PoisonError::into_inner).kill();
    }

    async fn receive(&self, buffer: &mut [u8]) -> io::Result<Option<FromChild>> {
        let read = |link: &Link| link.try_receive(buffer).map(|packet| packet.map(FromChild::parse));
        match self.link.async_io(Interest::READABLE, read).await? {
            Some(Ok(message)) => Ok(Some(message)),
            Some(Err(_)) => Err(io::Error::other("it sent what does not belong there")),
            None => Ok(None),
        }
    }

    /// Reaps it, after its socket has closed. Blocks its thread.
    fn reap(&self) -> String {
        let mut process = self.process.lock().unwrap_or_else(PoisonError::into_inner);
        let status = process.wait_until(Instant::now() + REAP_TIMEOUT);
        process.kill();
        status.map_or_else(|| "it closed its socket, and was killed".to_owned(), describe)
    }
}

/// Lets a process that has made its instance take calls.
pub(super) fn install(inner: &Arc<RunnerInner>, starting: StartingProcess) -> Result<(), LoadFault> {
    let number = inner.lock().number_worker();
    let (link, process) = starting.into_parts();
    let id = process.id();
    let link = {
        let _runtime = inner.runtime.enter();
        // SAFETY: a link owns its socket and gives the same one whenever it is asked.
        unsafe { AsyncFd::register_with_interest(link, Interest::READABLE) }
            .map_err(|error| LoadFault::Process(error.into()))?
    };
    let worker = Arc::new(Worker { number, link, process: Mutex::new(process) });
    tracing::debug!(plugin = inner.spec.alias, process = id, "the plugin has a process");
    inner.runtime.spawn(read(Arc::downgrade(inner), Arc::clone(&worker)));
    // One that is not wanted any more is killed as the last owner lets go.
    inner.lock().run(worker);
    Ok(())
}

/// Hands on what the process sends, until it ends.
async fn read(inner: Weak<RunnerInner>, worker: Arc<Worker>) {
    let mut buffer = vec![0; MAX_PACKET];
    let ending = loop {
        match worker.receive(&mut buffer).await {
            Ok(Some(message)) => {
                let Some(inner) = inner.upgrade() else { return };
                take(&inner, message);
            }
            Ok(None) => break None,
            Err(error) => break Some(error),
        }
    };
    let Some(inner) = inner.upgrade() else { return };
    let (lost, start) = inner.lock().lost(worker.number());
    if start {
        restart::restart(&inner);
    }
    let alias = inner.spec.alias.clone();
    let wanted = start || lost > 0;
    drop(inner.runtime.spawn_blocking(move || report_end(&worker, &alias, lost, wanted, ending)));
}

fn take(inner: &Arc<RunnerInner>, message: FromChild) {
    match message {
        FromChild::Answer { id, answer } => {
            let finished = inner.lock().answered(id, answer);
            kill_all(inner, finished);
        }
        FromChild::Log { level, message, fields } => {
            log_sink::write(&inner.spec.alias, level, &message, &fields);
        }
        // Nothing was ordered any more.
        FromChild::Report(_) => {}
    }
}

/// Kills processes that have no call left.
pub(super) fn kill_all(inner: &Arc<RunnerInner>, workers: Vec<Arc<Worker>>) {
    if !workers.is_empty() {
        drop(inner.runtime.spawn_blocking(move || workers.iter().for_each(|worker| worker.kill())));
    }
}

fn report_end(worker: &Worker, plugin: &str, lost: usize, wanted: bool, ending: Option<io::Error>) {
    if let Some(error) = ending {
        worker.kill();
        tracing::error!(plugin, %error, lost_calls = lost, "the process of the plugin was killed");
    }
    let how = worker.reap();
    if wanted {
        tracing::error!(plugin, lost_calls = lost, "the process of the plugin ended: {how}");
    }
}
