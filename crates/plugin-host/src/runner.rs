//! What brings questions to an instance and answers back. A further kind is a further variant: it gets a question and gives
//! an answer, both of which are plain data.

use std::sync::{Arc, mpsc};
use std::time::Instant;

use crate::config::ResolvedConfig;
use crate::error::LoadFault;
use crate::inline::Inline;
use crate::job::{Order, Pending, Returned};
use crate::library::Library;
use crate::observer::CallObserver;
use crate::pool::{self, Pool};
use crate::process::{CREATE_TIMEOUT, ProcessRunner};
use crate::raw::RawInstance;
use crate::unavailability::Unavailability;
use crate::{InstanceSpec, Isolation};

/// Where the calls of one instance run.
pub(crate) enum Runner {
    Threads(Pool),
    Inline(Inline),
    Process(ProcessRunner),
}

impl Runner {
    /// Makes the instance here, and the threads that run its calls if it is to have any.
    pub(crate) fn in_this_process(
        library: Arc<Library>,
        spec: &InstanceSpec,
        config: ResolvedConfig,
        threads: usize,
        observer: &Arc<dyn CallObserver>,
    ) -> Result<Self, LoadFault> {
        let serial = library.description().serial;
        let instance = create(library, &spec.alias, config)?;
        match spec.settings.isolation {
            Isolation::Inline => Ok(Self::Inline(Inline::new(instance, serial, spec.settings.queue))),
            _ => Pool::start(&spec.alias, threads, spec.settings.queue, instance, Arc::clone(observer))
                .map(Self::Threads),
        }
    }

    /// Starts a call.
    pub(crate) fn begin(&self, order: Order) -> Result<Pending, Unavailability> {
        match self {
            Self::Threads(pool) => pool.ask(order),
            Self::Inline(inline) => inline.ask(order),
            Self::Process(process) => process.ask(order),
        }
    }

    /// Makes a call and waits for its answer, but not beyond the deadline.
    pub(crate) async fn ask(&self, order: Order) -> Returned {
        match self.begin(order) {
            Ok(pending) => pending.wait().await,
            Err(cause) => Returned { answer: Err(cause), hurried: true },
        }
    }

    /// What keeps the instance from being asked, if anything.
    pub(crate) fn unready_reason(&self) -> Option<&'static str> {
        match self {
            Self::Threads(pool) => pool.is_stuck().then_some("all its threads hang"),
            Self::Inline(_) => None,
            Self::Process(process) => process.unready_reason(),
        }
    }

    /// How many threads, or processes, are in calls that have had their time.
    pub(crate) fn stuck_threads(&self) -> usize {
        match self {
            Self::Threads(pool) => pool.stuck_threads(),
            Self::Inline(_) => 0,
            Self::Process(process) => process.hanging(),
        }
    }

    /// Takes no more calls.
    pub(crate) fn close(&self) {
        match self {
            Self::Threads(pool) => pool.close(),
            Self::Inline(inline) => inline.close(),
            Self::Process(process) => process.close(),
        }
    }

    /// Waits until the instance is destroyed; `false` when that takes too long.
    pub(crate) fn wait_until_ended(&self, until: Instant) -> bool {
        match self {
            Self::Threads(pool) => pool.wait_until_ended(until),
            Self::Inline(_) => true,
            Self::Process(process) => process.wait_until_ended(until),
        }
    }
}

/// Runs `create` on a thread of its own, so that one that hangs stops the start with a message instead of for ever.
fn create(library: Arc<Library>, alias: &str, config: ResolvedConfig) -> Result<RawInstance, LoadFault> {
    let (sender, receiver) = mpsc::channel();
    let name = alias.to_owned();
    let deadline = Instant::now() + CREATE_TIMEOUT;
    drop(pool::start_thread(alias, 0, move || {
        drop(sender.send(RawInstance::create(library, &name, &config, deadline)));
    })?);
    receiver.recv_timeout(CREATE_TIMEOUT).unwrap_or(Err(LoadFault::CreateTimeout(CREATE_TIMEOUT)))
}
