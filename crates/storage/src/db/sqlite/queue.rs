//! What waits to be written to SQLite.
//!
//! A commit waits for the disk, and a change of threads costs more than most statements. So whoever has the connection
//! that writes takes along what others want to write at this moment: all of it is one transaction, on one thread, and
//! everybody is answered when it is on the disk.
//!
//! INVARIANT: what is told to a caller is what they would have been told alone. If one piece of work fails, nothing of the
//! common transaction stays, and each piece is done again in a transaction of its own.

use std::collections::VecDeque;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use diesel::result::Error as DieselError;
use tokio::sync::oneshot;

use super::DatabaseFile;
use super::place::do_here;
use crate::db::{Connection, Work};
use crate::error::{Failure, StorageError};

/// How much goes into one transaction, so that the first does not wait long for the last.
const MOST_TOGETHER: usize = 64;

/// Pieces of work that wait for the connection that writes, the oldest first.
pub(crate) struct Queue {
    file: DatabaseFile,
    waiting: Mutex<VecDeque<Box<dyn Piece>>>,
}

impl Queue {
    pub(crate) fn new(file: DatabaseFile) -> Self {
        Self { file, waiting: Mutex::default() }
    }

    /// Puts work at the end. Its outcome comes through what is returned; whoever drops that before the work has begun
    /// takes it out again.
    pub(crate) fn push<A, T>(
        &self,
        arguments: Arc<A>,
        work: Work<A, T>,
    ) -> oneshot::Receiver<Result<T, Failure>>
    where
        A: Send + Sync + 'static,
        T: Send + 'static,
    {
        let (reply, outcome) = oneshot::channel();
        self.lock().push_back(Box::new(Asked { arguments, work, outcome: None, reply }));
        outcome
    }

    /// Does what waits until nothing does, on a thread that may wait for the disk. Stops early if the connection is of
    /// no use any more: each of those who are left waits for another one.
    pub(crate) fn work_off(&self, mut connection: Connection) {
        loop {
            let pieces = self.next_together();
            if pieces.is_empty() {
                return;
            }
            together(&mut connection, pieces);
            if connection.is_closed() || !self.file.is_in_place() {
                return;
            }
        }
    }

    fn next_together(&self) -> Vec<Box<dyn Piece>> {
        let mut waiting = self.lock();
        let count = waiting.len().min(MOST_TOGETHER);
        waiting.drain(..count).collect()
    }

    fn lock(&self) -> MutexGuard<'_, VecDeque<Box<dyn Piece>>> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Something that was asked for, whatever its types are.
trait Piece: Send {
    /// Whether anybody still waits for the outcome.
    fn is_wanted(&self) -> bool;

    /// Does it within a transaction, and answers whether what it wrote may stay.
    fn run<'c>(
        &'c mut self,
        connection: &'c mut Connection,
    ) -> Pin<Box<dyn Future<Output = bool> + Send + 'c>>;

    /// Whether it is of a kind after which the connection is better closed.
    fn spoils_connection(&self) -> bool;

    /// Tells the caller how it ended, given how the transaction did.
    fn answer(self: Box<Self>, transaction: Result<(), StorageError>);
}

struct Asked<A, T> {
    arguments: Arc<A>,
    work: Work<A, T>,
    outcome: Option<Result<T, Failure>>,
    reply: oneshot::Sender<Result<T, Failure>>,
}

impl<A, T> Piece for Asked<A, T>
where
    A: Send + Sync,
    T: Send,
{
    fn is_wanted(&self) -> bool {
        !self.reply.is_closed()
    }

    fn run<'c>(
        &'c mut self,
        connection: &'c mut Connection,
    ) -> Pin<Box<dyn Future<Output = bool> + Send + 'c>> {
        Box::pin(async move {
            let outcome = (self.work)(connection, &self.arguments).await;
            self.outcome.insert(outcome).is_ok()
        })
    }

    fn spoils_connection(&self) -> bool {
        matches!(&self.outcome, Some(Err(failure)) if failure.spoils_connection())
    }

    fn answer(self: Box<Self>, transaction: Result<(), StorageError>) {
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
fn together(connection: &mut Connection, mut pieces: Vec<Box<dyn Piece>>) {
    if pieces.len() > 1 {
        match transact(connection, &mut pieces) {
            Ok(End::Undone) => {}
            Ok(End::Committed) => return pieces.into_iter().for_each(|piece| piece.answer(Ok(()))),
            Err(error) => return pieces.into_iter().for_each(|piece| piece.answer(Err(error.clone()))),
        }
    }
    let mut is_spoilt = false;
    for piece in pieces {
        let mut alone = [piece];
        let transaction = transact(connection, &mut alone).map(drop);
        let [piece] = alone;
        is_spoilt |= piece.spoils_connection();
        piece.answer(transaction);
    }
    if is_spoilt {
        connection.discard();
    }
}

/// How a transaction ended that the database did not object to.
enum End {
    Committed,
    /// A piece of work failed, and has what it says. Nothing was written.
    Undone,
}

/// All of it in one transaction.
fn transact(connection: &mut Connection, pieces: &mut [Box<dyn Piece>]) -> Result<End, StorageError> {
    let done = do_here(async {
        connection.begin().await?;
        // The lock may have been waited for, and some of those who wait give up meanwhile.
        for piece in pieces.iter_mut().filter(|piece| piece.is_wanted()) {
            if !piece.run(connection).await {
                connection.rollback().await;
                return Ok(End::Undone);
            }
        }
        connection.commit().await.map(|()| End::Committed)
    });
    let end = done.unwrap_or(Err(DieselError::BrokenTransactionManager));
    end.map_err(|error| {
        connection.discard();
        error.into()
    })
}
