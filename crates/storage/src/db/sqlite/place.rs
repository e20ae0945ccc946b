//! Where a statement to SQLite runs: on this thread if it may wait for the disk, else on one that may.

use std::cell::Cell;
use std::error::Error;
use std::pin::{Pin, pin};
use std::task::{Context, Poll, Waker};

use diesel_async::sync_connection_wrapper::SpawnBlocking;
use tokio::runtime::Handle;
use tokio::task::{JoinHandle, block_in_place};

thread_local! {
    static MAY_WAIT: Cell<bool> = const { Cell::new(false) };
}

/// Does work whose every statement runs there and then. To be called on a thread that may wait for the disk.
///
/// Nothing when the work waits for anything but SQLite, which is a fault of the work.
pub(super) fn do_here<T>(work: impl Future<Output = T>) -> Option<T> {
    let _may_wait = MayWait::new();
    match pin!(work).poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(outcome) => Some(outcome),
        Poll::Pending => None,
    }
}

/// While it lives, this thread may wait.
struct MayWait {
    before: bool,
}

impl MayWait {
    fn new() -> Self {
        Self { before: MAY_WAIT.replace(true) }
    }
}

impl Drop for MayWait {
    fn drop(&mut self) {
        MAY_WAIT.set(self.before);
    }
}

type Outcome<R> = Result<R, Box<dyn Error + Send + Sync>>;

/// What a connection asks where to run.
pub(crate) struct Place(Handle);

impl SpawnBlocking for Place {
    fn spawn_blocking<'a, R: Send + 'static>(
        &mut self,
        task: impl FnOnce() -> R + Send + 'static,
    ) -> Pin<Box<dyn Future<Output = Outcome<R>> + Send + 'a>> {
        if MAY_WAIT.get() {
            return Box::pin(std::future::ready(Ok(task())));
        }
        Box::pin(Elsewhere { task: self.0.spawn_blocking(task), handle: self.0.clone() })
    }

    fn get_runtime() -> Self {
        Self(Handle::current())
    }
}

/// A statement on another thread. It ends before whoever waits for it can go away: its connection may be lent again then.
struct Elsewhere<R> {
    task: JoinHandle<R>,
    handle: Handle,
}

impl<R> Future for Elsewhere<R> {
    type Output = Outcome<R>;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        Pin::new(&mut self.task).poll(context).map_err(Box::from)
    }
}

impl<R> Drop for Elsewhere<R> {
    fn drop(&mut self) {
        if !self.task.is_finished() {
            let Self { task, handle } = self;
            // What came of it is nobody's any more.
            block_in_place(|| drop(handle.block_on(task)));
        }
    }
}
