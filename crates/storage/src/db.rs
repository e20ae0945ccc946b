//! The two databases behind one type.
//!
//! An [`Operation`] runs on a connection of its own, within a time limit, and again when it lost a race or the
//! database asks for it.

pub(crate) mod connection;
pub(crate) mod operation;
mod postgres;
mod retry;
mod server_probe;
mod sqlite;
mod time_budget;
mod tls;
mod write_queue;

use std::sync::Arc;

use diesel_async::pooled_connection::PoolError as OpenError;
use diesel_async::pooled_connection::deadpool::{Pool, PoolError};
use tokio::time::{Instant, timeout_at};

pub(crate) use self::connection::{Connection, ConnectionRef, execute_together, query};
pub(crate) use self::operation::{Operation, operation};
use self::operation::{OperationFuture, RunOperation};
pub(crate) use self::postgres::{Server as PostgresServer, reason_of};
use self::retry::RetryPolicy;
use self::server_probe::ServerProbe;
pub(crate) use self::sqlite::{Connection as SqliteConnection, DatabaseFile, uri as sqlite_uri};
use self::time_budget::TimeBudget;
pub use self::time_budget::with_time_budget;
use self::write_queue::WriteQueue;
use crate::error::{OperationError, StorageError};
use crate::observer::{Instrumentation, OperationKind, PoolState};
use crate::options::StorageOptions;
use crate::url::{DatabaseUrl, Target};

/// A macro, because the two pools have no type in common.
macro_rules! pool_state {
    ($name:literal, $pool:expr) => {{
        let status = $pool.status();
        let in_use = status.size.saturating_sub(status.available);
        PoolState { name: $name, most: status.max_size, open: status.size, in_use, waiting: status.waiting }
    }};
}

pub(crate) enum Db {
    /// One writer, because SQLite has one write lock: waiting for it in our queue is fair, waiting for it in SQLite is not.
    Sqlite {
        file: DatabaseFile,
        writer: Pool<sqlite::Connection>,
        queue: Arc<WriteQueue>,
        readers: Pool<sqlite::Connection>,
        instrumentation: Instrumentation,
    },
    Postgres {
        server: PostgresServer,
        pool: Pool<postgres::Connection>,
        probe: Arc<ServerProbe>,
        instrumentation: Instrumentation,
    },
}

impl Db {
    pub(crate) fn open(url: &DatabaseUrl, options: &StorageOptions) -> Result<Self, StorageError> {
        match url.target() {
            Target::Sqlite(path) => {
                let file = DatabaseFile::open_or_create(path)?;
                let writer = sqlite::pool(&file, sqlite::ConnectionMode::Writer, 1)?;
                let readers = sqlite::pool(&file, sqlite::ConnectionMode::Reader, options.max_connections)?;
                let queue = Arc::new(WriteQueue::new(file.clone()));
                Ok(Self::Sqlite { file, writer, queue, readers, instrumentation: Instrumentation::default() })
            }
            Target::Postgres(target) => {
                let server = PostgresServer::new(target)?;
                let pool = postgres::pool(&server, options.max_connections)?;
                let probe = ServerProbe::new(server.clone(), pool.clone());
                Ok(Self::Postgres { server, pool, probe, instrumentation: Instrumentation::default() })
            }
        }
    }

    /// Looks at the files that [`Db::open`] would open: the database, or the certificates to know its server by.
    pub(crate) fn check_files(url: &DatabaseUrl) -> Result<(), StorageError> {
        match url.target() {
            Target::Sqlite(path) => DatabaseFile::check(path),
            Target::Postgres(target) => PostgresServer::new(target).map(drop),
        }
    }

    /// Runs an operation that only reads. Several statements of it may see different moments.
    pub(crate) async fn read<A: Sync, T>(&self, operation: Operation<A, T>) -> Result<T, StorageError> {
        let Operation { name, arguments, run } = operation;
        let read = async {
            let budget = TimeBudget::begin();
            let mut connection = self.reader(budget.acquire_deadline()).await?;
            self.run(&mut connection, &budget, &arguments, run).await.map_err(StorageError::from)
        };
        self.instrumentation().instrument(OperationKind::Read, name, read).await
    }

    /// Runs an operation that is one statement and writes.
    pub(crate) async fn write<A, T>(&self, operation: Operation<A, T>) -> Result<T, StorageError>
    where
        A: Send + Sync + 'static,
        T: Send + 'static,
    {
        let name = operation.name;
        let written = self.write_with_retries(operation, WriteKind::Statement);
        self.instrumentation().instrument(OperationKind::Write, name, written).await
    }

    /// Runs an operation whose statements count together or not at all. An error that it returns rolls it back.
    pub(crate) async fn transaction<A, T>(&self, operation: Operation<A, T>) -> Result<T, StorageError>
    where
        A: Send + Sync + 'static,
        T: Send + 'static,
    {
        let name = operation.name;
        let written = self.write_with_retries(operation, WriteKind::Transaction);
        self.instrumentation().instrument(OperationKind::Transaction, name, written).await
    }

    async fn write_with_retries<A, T>(
        &self,
        operation: Operation<A, T>,
        kind: WriteKind,
    ) -> Result<T, StorageError>
    where
        A: Send + Sync + 'static,
        T: Send + 'static,
    {
        let (arguments, run) = (Arc::new(operation.arguments), operation.run);
        let (budget, mut retries) = (TimeBudget::begin(), RetryPolicy::default());
        loop {
            let written = match self {
                Self::Sqlite { queue, .. } => self.write_queued(queue, &budget, &arguments, run).await,
                Self::Postgres { .. } => self.write_directly(&budget, arguments.as_ref(), run, kind).await,
            };
            match written {
                Ok(value) => return Ok(value),
                Err(error) => retries.back_off(error).await?,
            }
        }
    }

    async fn write_directly<A: Sync, T: Send>(
        &self,
        budget: &TimeBudget,
        arguments: &A,
        run: RunOperation<A, T>,
        kind: WriteKind,
    ) -> Result<T, OperationError> {
        let mut connection = self.writer(budget.acquire_deadline()).await?;
        match kind {
            WriteKind::Statement => self.run(&mut connection, budget, arguments, run).await,
            WriteKind::Transaction => self.run(&mut connection, budget, &(arguments, run), transact).await,
        }
    }

    /// Puts the write into the queue. The first caller in the queue that gets the writing connection, perhaps this one, does
    /// all writes that wait.
    async fn write_queued<A, T>(
        &self,
        queue: &Arc<WriteQueue>,
        budget: &TimeBudget,
        arguments: &Arc<A>,
        run: RunOperation<A, T>,
    ) -> Result<T, OperationError>
    where
        A: Send + Sync + 'static,
        T: Send + 'static,
    {
        let mut outcome = queue.push(Arc::clone(arguments), run);
        let done = tokio::select! {
            biased;
            done = &mut outcome => done,
            connection = self.writer(budget.acquire_deadline()) => {
                let (queue, connection) = (Arc::clone(queue), connection?);
                // The queue sends each caller its outcome.
                drop(tokio::task::spawn_blocking(move || queue.drain(connection)));
                let done = timeout_at(budget.deadline(), outcome).await;
                done.map_err(|_| StorageError::unavailable("no answer in time"))?
            }
        };
        done.unwrap_or_else(|_| {
            Err(StorageError::unavailable("the task that wrote the group has failed").into())
        })
    }

    /// What measures every operation.
    pub(crate) fn instrumentation(&self) -> &Instrumentation {
        match self {
            Self::Sqlite { instrumentation, .. } | Self::Postgres { instrumentation, .. } => instrumentation,
        }
    }

    /// What the pools of connections are doing.
    pub(crate) fn pools(&self) -> Vec<PoolState> {
        match self {
            Self::Sqlite { writer, readers, .. } => {
                vec![pool_state!("writer", writer), pool_state!("readers", readers)]
            }
            Self::Postgres { pool, .. } => vec![pool_state!("all", pool)],
        }
    }

    /// A connection that may write.
    pub(crate) async fn writer(&self, acquire_deadline: Instant) -> Result<Connection, StorageError> {
        match self {
            Self::Sqlite { writer, .. } => {
                acquire(writer.get(), acquire_deadline).await.map(Connection::sqlite)
            }
            Self::Postgres { probe, .. } if probe.is_away() => {
                Err(StorageError::unavailable("the server does not answer"))
            }
            Self::Postgres { pool, probe, .. } => {
                let acquired = acquire(postgres::get(pool), acquire_deadline).await;
                acquired.inspect_err(|_| probe.start()).map(Connection::postgres)
            }
        }
    }

    /// A connection to SQLite for something that takes long; `None` when the database is PostgreSQL.
    pub(crate) async fn sqlite_reader(&self) -> Result<Option<Connection>, StorageError> {
        match self {
            Self::Sqlite { .. } => self.reader(TimeBudget::begin().acquire_deadline()).await.map(Some),
            Self::Postgres { .. } => Ok(None),
        }
    }

    async fn reader(&self, acquire_deadline: Instant) -> Result<Connection, StorageError> {
        match self {
            Self::Sqlite { readers, .. } => {
                acquire(readers.get(), acquire_deadline).await.map(Connection::sqlite)
            }
            Self::Postgres { .. } => self.writer(acquire_deadline).await,
        }
    }

    /// Runs an operation once. A connection that did not answer, or that can no longer be used, is closed.
    async fn run<A, T>(
        &self,
        connection: &mut Connection,
        budget: &TimeBudget,
        arguments: &A,
        run: RunOperation<A, T>,
    ) -> Result<T, OperationError> {
        let Ok(result) = timeout_at(budget.deadline(), run(connection, arguments)).await else {
            connection.discard();
            if budget.timeout_means_silence() {
                self.note_silence();
            }
            return Err(StorageError::unavailable("no answer in time").into());
        };
        if result.as_ref().is_err_and(OperationError::spoils_connection) {
            connection.discard();
        }
        result
    }

    /// A connection was silent for the whole time limit. The others may be dead as well.
    fn note_silence(&self) {
        if let Self::Postgres { probe, .. } = self {
            probe.close_idle();
            probe.start();
        }
    }
}

/// Whether a write needs a transaction around it.
#[derive(Clone, Copy)]
enum WriteKind {
    /// No: it is one statement. In SQLite it is part of a transaction all the same.
    Statement,
    /// Yes.
    Transaction,
}

/// An operation with a transaction around it.
fn transact<'c, A: Sync, T: Send>(
    connection: &'c mut Connection,
    (arguments, run): &'c (&A, RunOperation<A, T>),
) -> OperationFuture<'c, T> {
    Box::pin(async move {
        connection.begin().await?;
        match run(connection, arguments).await {
            Ok(value) => connection.commit().await.map(|()| value).map_err(OperationError::from),
            Err(error) => {
                connection.rollback().await;
                Err(error)
            }
        }
    })
}

async fn acquire<T>(
    connection: impl Future<Output = Result<T, PoolError>>,
    acquire_deadline: Instant,
) -> Result<T, StorageError> {
    match timeout_at(acquire_deadline, connection).await {
        Ok(Ok(connection)) => Ok(connection),
        Ok(Err(PoolError::Backend(OpenError::ConnectionError(error)))) => Err(error.into()),
        Ok(Err(_)) => Err(StorageError::unavailable("the connection pool gave no connection")),
        Err(_) => Err(StorageError::unavailable("no connection became free in time")),
    }
}
