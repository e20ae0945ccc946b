//! Calls in a process of the plugin's own.
//!
//! The service never maps the library. A child of the same program loads it, makes the instance, and answers questions over a
//! socket, several at once. What the plugin can do to the service is to be silent, and silence has a limit that is real:
//!
//! * A call that is not answered in the time that a plugin has for it makes its process *retire*: it gets no further call, another
//!   one takes its place at once, and it is killed as soon as no other call of it can still be answered in time. So a call that
//!   hangs costs no other call. What a call has lost in the queue before is not the process's.
//! * A process that ends by itself loses the calls that it was at, and no other: those that wait go to the next process.
//! * A process that ends again and again is started after pauses that grow; meanwhile calls fail at once.

mod child;
mod confine;
mod life;
mod link;
mod newborn;
mod output;
mod program;
mod queue;
mod restart;
mod wire;
mod worker;

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use tokio::runtime::Handle;
use tokio::sync::Notify;

use crate::config::{Environment, PluginConfig};
use crate::error::LoadFault;
use crate::failure::Unavailability;
use crate::job::{Order, Pending};
use crate::library::LoadableFile;
use crate::observer::CallObserver;

pub use child::run_plugin_process;
pub(crate) use child::take_socket;
pub(crate) use confine::{Rights, give_up_rights};
pub(crate) use life::Process;
pub(crate) use newborn::{CREATE_TIMEOUT, Newborn};
pub(crate) use output::OutputLog;
pub use program::ChildProgram;
use queue::State;
#[cfg(any(test, fuzzing))]
pub use wire::fuzzing::plugin_packets;

/// What it takes to start the process of an instance again.
pub(crate) struct Seed {
    pub(crate) alias: String,
    pub(crate) output: Arc<OutputLog>,
    pub(crate) program: ChildProgram,
    pub(crate) file: Arc<LoadableFile>,
    pub(crate) config: PluginConfig,
    pub(crate) environment: Arc<dyn Environment>,
    pub(crate) threads: usize,
    pub(crate) rights: Rights,
    pub(crate) queue_limit: usize,
    pub(crate) observer: Arc<dyn CallObserver>,
}

impl Seed {
    /// A process that has made the instance. Blocks its thread.
    fn grow(&self) -> Result<Newborn, LoadFault> {
        let config = self.config.resolve(&*self.environment)?;
        Newborn::load(&self.program, &self.output, &self.file, self.threads, self.rights)?.create(&config)
    }
}

/// What the tasks of one runner share.
struct Shared {
    seed: Seed,
    runtime: Handle,
    state: Mutex<State>,
    /// Calls are under way again, so somebody has to watch their time.
    busy: Notify,
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The process of one instance, and the queue before it.
pub(crate) struct ProcessRunner {
    shared: Arc<Shared>,
}

impl ProcessRunner {
    /// Takes over a process that has made its instance.
    pub(crate) fn start(seed: Seed, newborn: Newborn) -> Result<Self, LoadFault> {
        let runtime =
            Handle::try_current().map_err(|error| LoadFault::Process(std::io::Error::other(error)))?;
        let state = Mutex::new(State::new(&seed));
        let shared = Arc::new(Shared { seed, runtime, state, busy: Notify::new() });
        worker::install(&shared, newborn)?;
        shared.runtime.spawn(restart::watch(Arc::downgrade(&shared)));
        Ok(Self { shared })
    }

    /// Puts a call into the queue. The wait for its turn is part of the caller's time.
    pub(crate) fn ask(&self, order: Order) -> Result<Pending, Unavailability> {
        let (job, pending) = order.place();
        let wake = {
            let mut state = self.shared.lock();
            state.admit(job)?;
            state.dispatch();
            state.wants_watching()
        };
        if wake {
            self.shared.busy.notify_one();
        }
        Ok(pending)
    }

    /// What keeps the instance from working, if anything.
    pub(crate) fn hindrance(&self) -> Option<&'static str> {
        self.shared.lock().hindrance()
    }

    /// How many processes there are in which a call hangs.
    pub(crate) fn hanging(&self) -> usize {
        self.shared.lock().hanging()
    }

    /// Takes no more calls; those that are under way are still answered.
    pub(crate) fn close(&self) {
        self.shared.lock().close();
        self.shared.busy.notify_one();
    }

    /// Waits until the instance is destroyed; `false`, and the process is killed, when that takes too long.
    pub(crate) fn wait_until_ended(&self, until: Instant) -> bool {
        let workers = self.shared.lock().take_workers();
        let unfinished = workers.iter().filter(|worker| !worker.end(until));
        unfinished.count() == 0
    }
}

impl Drop for ProcessRunner {
    fn drop(&mut self) {
        self.close();
        let workers = self.shared.lock().take_workers();
        let until = Instant::now() + newborn::DESTROY_TIMEOUT;
        // If the runtime has ended, the processes are killed right here.
        drop(self.shared.runtime.spawn_blocking(move || {
            for worker in workers {
                worker.end(until);
            }
        }));
    }
}
