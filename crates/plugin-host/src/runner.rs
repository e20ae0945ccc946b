//! What brings questions to an instance and answers back. A further kind, such as a child process, is a further variant:
//! it gets a [`Question`] and gives a [`RawAnswer`], both of which are plain data.

use std::sync::{Arc, mpsc};
use std::time::{Duration, Instant};

use tokio::sync::oneshot;
use tokio::time::timeout_at;

use crate::answer::RawAnswer;
use crate::error::LoadFault;
use crate::failure::Unavailability;
use crate::inline::Inline;
use crate::library::Library;
use crate::observer::CallObserver;
use crate::pool::{self, Pool};
use crate::question::Question;
use crate::raw::RawInstance;
use crate::{InstanceSpec, Isolation};

/// How long `create` may take. Longer than a call: it may have to reach a directory or a database.
const CREATE_TIMEOUT: Duration = Duration::from_secs(30);

/// Where the calls of one instance run.
pub(crate) enum Runner {
    Threads(Pool),
    Inline(Inline),
}

impl Runner {
    /// Makes the instance and whatever runs its calls.
    pub(crate) fn start(
        library: Arc<Library>,
        spec: &InstanceSpec,
        observer: &Arc<dyn CallObserver>,
    ) -> Result<Self, LoadFault> {
        let serial = library.description().serial;
        let instance = create(library, spec)?;
        let settings = &spec.settings;
        match settings.isolation {
            Isolation::Inline => Ok(Self::Inline(Inline::new(instance, serial))),
            Isolation::Thread => {
                let threads = if serial { 1 } else { settings.concurrency };
                Pool::start(&spec.alias, threads, settings.queue, instance, Arc::clone(observer))
                    .map(Self::Threads)
            }
        }
    }

    /// Starts a call; the answer comes through the channel, or never.
    pub(crate) fn begin(
        &self,
        question: Question,
        deadline: Instant,
    ) -> Result<oneshot::Receiver<RawAnswer>, Unavailability> {
        match self {
            Self::Threads(pool) => pool.ask(question, deadline),
            Self::Inline(inline) => inline.ask(&question, deadline),
        }
    }

    /// Makes a call and waits for its answer, but not beyond the deadline.
    pub(crate) async fn ask(
        &self,
        question: Question,
        deadline: Instant,
    ) -> Result<RawAnswer, Unavailability> {
        let answer = self.begin(question, deadline)?;
        match timeout_at(deadline.into(), answer).await {
            Ok(Ok(answer)) => Ok(answer),
            // The sender is gone without an answer: thrown out of the queue, or the call broke down on our side.
            Ok(Err(_)) if Instant::now() < deadline => Err(Unavailability::Closed),
            Ok(Err(_)) | Err(_) => Err(Unavailability::Timeout),
        }
    }

    pub(crate) fn is_stuck(&self) -> bool {
        match self {
            Self::Threads(pool) => pool.is_stuck(),
            Self::Inline(_) => false,
        }
    }

    /// How many threads are in calls that nobody waits for any more.
    pub(crate) fn stuck_threads(&self) -> usize {
        match self {
            Self::Threads(pool) => pool.stuck_threads(),
            Self::Inline(_) => 0,
        }
    }

    /// Takes no more calls.
    pub(crate) fn close(&self) {
        match self {
            Self::Threads(pool) => pool.close(),
            Self::Inline(inline) => inline.close(),
        }
    }

    /// Waits until the instance is destroyed; `false` when that takes too long.
    pub(crate) fn wait_until_ended(&self, until: Instant) -> bool {
        match self {
            Self::Threads(pool) => pool.wait_until_ended(until),
            Self::Inline(_) => true,
        }
    }
}

/// Runs `create` on a thread of its own, so that one that hangs stops the start with a message instead of for ever.
fn create(library: Arc<Library>, spec: &InstanceSpec) -> Result<RawInstance, LoadFault> {
    let (sender, receiver) = mpsc::channel();
    let (alias, config) = (spec.alias.clone(), spec.settings.config.clone());
    let deadline = Instant::now() + CREATE_TIMEOUT;
    pool::start_thread(&spec.alias, 0, move || {
        drop(sender.send(RawInstance::create(library, &alias, &config, deadline)));
    })?;
    receiver.recv_timeout(CREATE_TIMEOUT).unwrap_or(Err(LoadFault::CreateTimeout(CREATE_TIMEOUT)))
}
