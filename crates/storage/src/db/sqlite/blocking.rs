//! Where a statement to SQLite runs: on the calling thread inside a [`BlockingScope`], otherwise on tokio's blocking threads.

use std::cell::Cell;
use std::error::Error;
use std::pin::{Pin, pin};
use std::task::{Context, Poll, Waker};

use diesel_async::sync_connection_wrapper::SpawnBlocking;
use tokio::runtime::Handle;
use tokio::task::{JoinHandle, block_in_place};

thread_local! {
    static MAY_BLOCK: Cell<bool> = const { Cell::new(false) };
}

/// While it lives, statements run on this thread. To be entered only on a thread that may wait for the disk.
pub(in crate::db) struct BlockingScope {
    before: bool,
}

impl BlockingScope {
    /// Runs a future whose every statement runs on this thread.
    ///
    /// `None` when the future waits for anything but SQLite, which is a fault of the future.
    pub(in crate::db) fn run<T>(future: impl Future<Output = T>) -> Option<T> {
        let _scope = Self::enter();
        match pin!(future).poll(&mut Context::from_waker(Waker::noop())) {
            Poll::Ready(outcome) => Some(outcome),
            Poll::Pending => None,
        }
    }

    fn enter() -> Self {
        Self { before: MAY_BLOCK.replace(true) }
    }
}

impl Drop for BlockingScope {
    fn drop(&mut self) {
        MAY_BLOCK.set(self.before);
    }
}

type Outcome<R> = Result<R, Box<dyn Error + Send + Sync>>;

/// Runs the statements of a connection.
pub(crate) struct Spawner(Handle);

impl SpawnBlocking for Spawner {
    fn spawn_blocking<'a, R: Send + 'static>(
        &mut self,
        task: impl FnOnce() -> R + Send + 'static,
    ) -> Pin<Box<dyn Future<Output = Outcome<R>> + Send + 'a>> {
        if MAY_BLOCK.get() {
            return Box::pin(std::future::ready(Ok(task())));
        }
        Box::pin(BlockingTask { task: self.0.spawn_blocking(task), handle: self.0.clone() })
    }

    fn get_runtime() -> Self {
        Self(Handle::current())
    }
}

/// A statement on another thread. Dropping it waits until the statement ends, because its connection may be reused after that.
struct BlockingTask<R> {
    task: JoinHandle<R>,
    handle: Handle,
}

impl<R> Future for BlockingTask<R> {
    type Output = Outcome<R>;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        Pin::new(&mut self.task).poll(context).map_err(Box::from)
    }
}

impl<R> Drop for BlockingTask<R> {
    fn drop(&mut self) {
        if !self.task.is_finished() {
            let Self { task, handle } = self;
            // The caller has gone; the outcome is not needed.
            block_in_place(|| drop(handle.block_on(task)));
        }
    }
}
