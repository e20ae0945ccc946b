//! A small tokio runtime, for plugins that use asynchronous libraries.

use std::future::Future;
use std::sync::OnceLock;
use std::time::Duration;

use tokio::runtime::{Builder, Handle, Runtime as Tokio};
use tokio::time::timeout;

use crate::{CallCtx, Error, Logger, Result};

/// How long the end of an instance waits for tasks that block.
const SHUTDOWN: Duration = Duration::from_secs(1);

/// A tokio runtime of the instance's own, with one worker thread, timers and sockets. Nothing is started before the first
/// use. The host's runtime is another copy of tokio and out of reach.
///
/// Keep it in the plugin and block on it from operations. Never block on it inside of a future, which panics. The thread of
/// an operation runs its future itself, so several operations do not wait for each other; the worker thread is for
/// what is spawned. Dropping it gives up all tasks.
///
/// ```
/// use std::time::Duration;
/// use vestibule_plugin_sdk::{
///     CallCtx, Logger, Map, PermissionProvider, PermissionRequest, Plugin, Result, Runtime, Value, export_plugin,
/// };
///
/// struct Remote(Runtime);
///
/// impl Plugin for Remote {
///     type Config = Map<String, Value>;
///
///     fn create(alias: &str, _config: Self::Config, log: Logger) -> Result<Self> {
///         Ok(Self(Runtime::new(alias, log)))
///     }
/// }
///
/// impl PermissionProvider for Remote {
///     fn get_permissions(&self, call: &CallCtx<'_>, request: &PermissionRequest<'_>) -> Result<Map<String, Value>> {
///         let rights = self.0.block_on_within(call, look_up(request.user_id()))?;
///         Ok(Map::from_iter([("rights".to_owned(), rights.into())]))
///     }
/// }
///
/// /// Stands for a request to a directory.
/// async fn look_up(user_id: &str) -> String {
///     tokio::time::sleep(Duration::from_millis(1)).await;
///     format!("those of {user_id}")
/// }
///
/// export_plugin!(Remote: permissions);
///
/// use vestibule_plugin_sdk::{json, testing::Harness};
/// let plugin = Harness::<Remote>::new(&json!({})).unwrap();
/// let answer = plugin.get_permissions("billing", "ada").unwrap();
/// assert_eq!(answer.reply, Some(json!({"rights": "those of ada"})));
/// ```
pub struct Runtime {
    name: String,
    log: Logger,
    built: OnceLock<Tokio>,
}

impl Runtime {
    /// A runtime whose threads bear `name`, best the alias of the instance, and write to its log.
    pub fn new(name: impl Into<String>, log: Logger) -> Self {
        Self { name: name.into(), log, built: OnceLock::new() }
    }

    /// Runs a future to its end on this thread. Nothing bounds it: see [`Runtime::block_on_within`].
    pub fn block_on<F: Future>(&self, future: F) -> Result<F::Output> {
        Ok(self.tokio()?.block_on(future))
    }

    /// Runs a future on this thread for as long as the host waits for the operation. [`Error::Retry`] when that is over; the
    /// future is then dropped.
    pub fn block_on_within<F: Future>(&self, call: &CallCtx<'_>, future: F) -> Result<F::Output> {
        let late = || Error::retry("it would have taken longer than the service waits");
        let left = call.remaining();
        if left.is_zero() {
            return Err(late());
        }
        // A little earlier, so that the service hears of it before it gives up and counts the thread as lost.
        let bounded = async { timeout(left.mul_f64(0.95), future).await };
        self.block_on(bounded)?.map_err(|_| late())
    }

    /// For what is to run beside the operations: `runtime.handle()?.spawn(...)`.
    pub fn handle(&self) -> Result<Handle> {
        Ok(self.tokio()?.handle().clone())
    }

    fn tokio(&self) -> Result<&Tokio> {
        if let Some(built) = self.built.get() {
            return Ok(built);
        }
        let log = self.log;
        let runtime = Builder::new_multi_thread()
            .worker_threads(1)
            .thread_name(&self.name)
            .on_thread_start(move || log.take_thread())
            .enable_all()
            .build()
            .map_err(|error| Error::retry(format!("no thread for a runtime: {error}")))?;
        // Of two threads that come here at once, one drops the runtime that it has just built.
        Ok(self.built.get_or_init(|| runtime))
    }
}

impl Drop for Runtime {
    fn drop(&mut self) {
        if let Some(runtime) = self.built.take() {
            runtime.shutdown_timeout(SHUTDOWN);
        }
    }
}
