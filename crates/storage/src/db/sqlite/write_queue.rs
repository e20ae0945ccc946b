//! What waits to be written to SQLite.
//!
//! A commit waits for the disk, and a change of threads costs more than most statements. So whoever has the connection
//! that writes takes along what others want to write at this moment: all of it is one transaction, on one thread, and
//! everybody is answered when it is on the disk.
//!
//! INVARIANT: what is told to a caller is what they would have been told alone. If one write fails, nothing of the
//! common transaction stays, and each write is done again in a transaction of its own.

use std::collections::VecDeque;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use diesel::result::Error as DieselError;
use tokio::sync::oneshot;

use super::DatabaseFile;
use super::blocking::BlockingScope;
use crate::db::{Connection, Operation};
use crate::error::{OperationError, StorageError};

/// How much goes into one transaction, so that the first does not wait long for the last.
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

    /// Puts a write at the end. Its outcome comes through what is returned; whoever drops that before it has begun
    /// takes it out again.
    pub(crate) fn push<A, T>(
        &self,
        arguments: Arc<A>,
        operation: Operation<A, T>,
    ) -> oneshot::Receiver<Result<T, OperationError>>
    where
        A: Send + Sync + 'static,
        T: Send + 'static,
    {
        let (reply, outcome) = oneshot::channel();
        self.lock().push_back(Box::new(PendingWrite { arguments, operation, outcome: None, reply }));
        outcome
    }

    /// Does what waits until nothing does, on a thread that may wait for the disk. Stops early if the connection is of
    /// no use any more: each of those who are left waits for another one.
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

/// Something that was asked for, whatever its types are.
trait QueuedWrite: Send {
    /// Whether anybody still waits for the outcome.
    fn is_awaited(&self) -> bool;

    /// Does it within a transaction, and answers whether what it wrote may stay.
    fn run<'c>(
        &'c mut self,
        connection: &'c mut Connection,
    ) -> Pin<Box<dyn Future<Output = bool> + Send + 'c>>;

    /// Whether it is of a kind after which the connection is better closed.
    fn spoils_connection(&self) -> bool;

    /// Tells the caller how it ended, given how the transaction did.
    fn reply(self: Box<Self>, transaction: Result<(), StorageError>);
}

struct PendingWrite<A, T> {
    arguments: Arc<A>,
    operation: Operation<A, T>,
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
            let outcome = (self.operation)(connection, &self.arguments).await;
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
        // Whoever has gone away does not hear it.
        drop(self.reply.send(outcome));
    }
}

/// Does all of it or, if that is not possible, each by itself; and tells everybody.
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

/// How a transaction ended that the database did not object to.
enum GroupOutcome {
    Committed,
    /// A write failed, and has what it says. Nothing was written.
    RolledBack,
}

/// All of it in one transaction.
fn transact(
    connection: &mut Connection,
    writes: &mut [Box<dyn QueuedWrite>],
) -> Result<GroupOutcome, StorageError> {
    let done = BlockingScope::run(async {
        connection.begin().await?;
        // The lock may have been waited for, and some of those who wait give up meanwhile.
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
