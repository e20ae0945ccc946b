//! Calls in a process of the plugin's own.
//!
//! The service never maps the library. A child of the same program loads it, makes the instance, and answers questions over a
//! socket, several at once. What the plugin can do to the service is to be silent, and silence has a limit that is real:
//!
//! * A call that is not answered in the time that a plugin has for it makes its process *retire*: it gets no further call, another
//!   one takes its place at once, and it is killed as soon as no other call of it can still be answered in time. So a call that
//!   hangs costs no other call. What a call has lost in the queue before is not the process's.
//! * A process that ends by itself loses the calls that it was at, and no other: those that wait go to the next process.
//! * A process that ends again and again is restarted after growing pauses; meanwhile calls fail at once.

mod child;
mod confine;
mod life;
mod link;
mod output;
mod program;
mod queue;
mod restart;
mod spawn;
mod wire;
mod worker;

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use tokio::runtime::Handle;
use tokio::sync::Notify;

use crate::config::{Environment, PluginConfig};
use crate::error::LoadFault;
use crate::job::{Order, Pending};
use crate::library::LoadableFile;
use crate::observer::CallObserver;
use crate::unavailability::Unavailability;

pub use child::run_plugin_process;
pub(crate) use child::take_socket;
pub(crate) use confine::{Sandbox, enter_sandbox};
pub(crate) use life::Process;
pub(crate) use output::OutputLog;
pub use program::ChildProgram;
use queue::State;
pub(crate) use spawn::{CREATE_TIMEOUT, StartingProcess};
#[cfg(any(test, fuzzing))]
pub use wire::fuzzing::plugin_packets;

/// Everything needed to start the process of an instance.
pub(crate) struct ProcessSpec {
    pub(crate) alias: String,
    pub(crate) output: Arc<OutputLog>,
    pub(crate) program: ChildProgram,
    pub(crate) file: Arc<LoadableFile>,
    pub(crate) config: PluginConfig,
    pub(crate) environment: Arc<dyn Environment>,
    pub(crate) threads: usize,
    pub(crate) sandbox: Sandbox,
    pub(crate) queue_limit: usize,
    pub(crate) observer: Arc<dyn CallObserver>,
}

impl ProcessSpec {
    /// Starts a process and creates the instance in it. Blocks its thread.
    fn spawn(&self) -> Result<StartingProcess, LoadFault> {
        let config = self.config.resolve(&*self.environment)?;
        StartingProcess::load(&self.program, &self.output, &self.file, self.threads, self.sandbox)?
            .create(&config)
    }
}

/// The state that the tasks of one runner share.
struct RunnerInner {
    spec: ProcessSpec,
    runtime: Handle,
    state: Mutex<State>,
    /// Wakes the task that watches the time of calls: some are under way again.
    busy: Notify,
}

impl RunnerInner {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The process of one instance, and the queue before it.
pub(crate) struct ProcessRunner {
    inner: Arc<RunnerInner>,
}

impl ProcessRunner {
    /// Takes over a process that has made its instance.
    pub(crate) fn start(spec: ProcessSpec, starting: StartingProcess) -> Result<Self, LoadFault> {
        let runtime =
            Handle::try_current().map_err(|error| LoadFault::Process(std::io::Error::other(error)))?;
        let state = Mutex::new(State::new(&spec));
        let inner = Arc::new(RunnerInner { spec, runtime, state, busy: Notify::new() });
        worker::install(&inner, starting)?;
        inner.runtime.spawn(restart::watch(Arc::downgrade(&inner)));
        Ok(Self { inner })
    }

    /// Puts a call into the queue. The time in the queue counts towards the deadline of the caller.
    pub(crate) fn ask(&self, order: Order) -> Result<Pending, Unavailability> {
        let (job, pending) = order.place();
        let wake = {
            let mut state = self.inner.lock();
            state.admit(job)?;
            state.dispatch();
            state.wants_watching()
        };
        if wake {
            self.inner.busy.notify_one();
        }
        Ok(pending)
    }

    /// Why the instance is not ready, if it is not.
    pub(crate) fn unready_reason(&self) -> Option<&'static str> {
        self.inner.lock().unready_reason()
    }

    /// How many processes there are in which a call hangs.
    pub(crate) fn hanging(&self) -> usize {
        self.inner.lock().hanging()
    }

    /// Takes no more calls; those that are under way are still answered.
    pub(crate) fn close(&self) {
        self.inner.lock().close();
        self.inner.busy.notify_one();
    }

    /// Waits until the instance is destroyed; `false`, and the process is killed, when that takes too long.
    pub(crate) fn wait_until_ended(&self, until: Instant) -> bool {
        let workers = self.inner.lock().take_workers();
        let unfinished = workers.iter().filter(|worker| !worker.end(until));
        unfinished.count() == 0
    }
}

impl Drop for ProcessRunner {
    fn drop(&mut self) {
        self.close();
        let workers = self.inner.lock().take_workers();
        let until = Instant::now() + spawn::DESTROY_TIMEOUT;
        // If the runtime has ended, the processes are killed right here.
        drop(self.inner.runtime.spawn_blocking(move || {
            for worker in workers {
                worker.end(until);
            }
        }));
    }
}
