//! Group commit: the writes to SQLite that wait at one moment are done in one transaction.
//!
//! A commit waits for the disk, and a change of threads costs more than most statements. So the caller that gets the
//! writing connection takes all waiting writes with it: they are one transaction on one thread, and every caller is answered
//! when that is on the disk.
//!
//! INVARIANT: each caller gets the outcome that it would have got alone. If one write fails, the common transaction is rolled
//! back, and each write runs again in a transaction of its own.

use std::collections::VecDeque;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use diesel::result::Error as DieselError;
use tokio::sync::oneshot;

use super::connection::Connection;
use super::operation::RunOperation;
use super::sqlite::DatabaseFile;
use super::sqlite::blocking::BlockingScope;
use crate::error::{OperationError, StorageError};

/// The most writes of one transaction, so that the first does not wait long for the last.
const MAX_GROUP: usize = 64;

/// Writes that wait for the connection that writes, the oldest first.
pub(crate) struct WriteQueue {
    file: DatabaseFile,
    waiting: Mutex<VecDeque<Box<dyn QueuedWrite>>>,
}

impl WriteQueue {
    pub(crate) fn new(file: DatabaseFile) -> Self {
        Self { file, waiting: Mutex::default() }
    }

    /// Puts a write at the end of the queue. Its outcome comes through the returned receiver; a write whose receiver was dropped
    /// before it began is not done.
    pub(crate) fn push<A, T>(
        &self,
        arguments: Arc<A>,
        run: RunOperation<A, T>,
    ) -> oneshot::Receiver<Result<T, OperationError>>
    where
        A: Send + Sync + 'static,
        T: Send + 'static,
    {
        let (reply, outcome) = oneshot::channel();
        self.lock().push_back(Box::new(PendingWrite { arguments, run, outcome: None, reply }));
        outcome
    }

    /// Does the waiting writes until there are none, on a thread that may wait for the disk. Stops early if the connection can
    /// no longer be used: the remaining callers then wait for another one.
    pub(crate) fn drain(&self, mut connection: Connection) {
        loop {
            let writes = self.next_group();
            if writes.is_empty() {
                return;
            }
            commit_group(&mut connection, writes);
            if connection.is_closed() || !self.file.is_in_place() {
                return;
            }
        }
    }

    fn next_group(&self) -> Vec<Box<dyn QueuedWrite>> {
        let mut waiting = self.lock();
        let count = waiting.len().min(MAX_GROUP);
        waiting.drain(..count).collect()
    }

    fn lock(&self) -> MutexGuard<'_, VecDeque<Box<dyn QueuedWrite>>> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A write in the queue, with its types erased.
trait QueuedWrite: Send {
    /// Whether the caller still waits for the outcome.
    fn is_awaited(&self) -> bool;

    /// Runs it within a transaction, and returns whether the transaction may be committed.
    fn run<'c>(
        &'c mut self,
        connection: &'c mut Connection,
    ) -> Pin<Box<dyn Future<Output = bool> + Send + 'c>>;

    /// Whether it failed in a way after which the connection must be closed.
    fn spoils_connection(&self) -> bool;

    /// Sends the caller the outcome, given that of the transaction.
    fn reply(self: Box<Self>, transaction: Result<(), StorageError>);
}

struct PendingWrite<A, T> {
    arguments: Arc<A>,
    run: RunOperation<A, T>,
    outcome: Option<Result<T, OperationError>>,
    reply: oneshot::Sender<Result<T, OperationError>>,
}

impl<A, T> QueuedWrite for PendingWrite<A, T>
where
    A: Send + Sync,
    T: Send,
{
    fn is_awaited(&self) -> bool {
        !self.reply.is_closed()
    }

    fn run<'c>(
        &'c mut self,
        connection: &'c mut Connection,
    ) -> Pin<Box<dyn Future<Output = bool> + Send + 'c>> {
        Box::pin(async move {
            let outcome = (self.run)(connection, &self.arguments).await;
            self.outcome.insert(outcome).is_ok()
        })
    }

    fn spoils_connection(&self) -> bool {
        matches!(&self.outcome, Some(Err(failure)) if failure.spoils_connection())
    }

    fn reply(self: Box<Self>, transaction: Result<(), StorageError>) {
        let outcome = match (self.outcome, transaction) {
            (Some(Ok(_)) | None, Err(error)) => Err(error.into()),
            (Some(outcome), _) => outcome,
            (None, Ok(())) => Err(StorageError::unavailable("nothing was done").into()),
        };
        // The caller may have gone.
        drop(self.reply.send(outcome));
    }
}

/// Does all writes in one transaction or, if one of them fails, each in its own; and replies to every caller.
fn commit_group(connection: &mut Connection, mut writes: Vec<Box<dyn QueuedWrite>>) {
    if writes.len() > 1 {
        match transact(connection, &mut writes) {
            Ok(GroupOutcome::RolledBack) => {}
            Ok(GroupOutcome::Committed) => return writes.into_iter().for_each(|write| write.reply(Ok(()))),
            Err(error) => return writes.into_iter().for_each(|write| write.reply(Err(error.clone()))),
        }
    }
    let mut is_spoilt = false;
    for write in writes {
        let mut alone = [write];
        let transaction = transact(connection, &mut alone).map(drop);
        let [write] = alone;
        is_spoilt |= write.spoils_connection();
        write.reply(transaction);
    }
    if is_spoilt {
        connection.discard();
    }
}

/// How a transaction ended in which the database itself did not fail.
enum GroupOutcome {
    Committed,
    /// A write failed, and holds its error. Nothing was written.
    RolledBack,
}

/// All writes in one transaction.
fn transact(
    connection: &mut Connection,
    writes: &mut [Box<dyn QueuedWrite>],
) -> Result<GroupOutcome, StorageError> {
    let done = BlockingScope::run(async {
        connection.begin().await?;
        // Callers may have given up while this waited for the lock.
        for write in writes.iter_mut().filter(|write| write.is_awaited()) {
            if !write.run(connection).await {
                connection.rollback().await;
                return Ok(GroupOutcome::RolledBack);
            }
        }
        connection.commit().await.map(|()| GroupOutcome::Committed)
    });
    let end = done.unwrap_or(Err(DieselError::BrokenTransactionManager));
    end.map_err(|error| {
        connection.discard();
        error.into()
    })
}
