//! One connection of the pool to either database, and the macros that run queries on it.

use diesel::QueryResult;
use diesel::result::Error as DieselError;
use diesel_async::SimpleAsyncConnection;
use diesel_async::pooled_connection::deadpool::Object;

use super::{postgres, sqlite};

/// Runs one query, written once, on whichever database the connection belongs to.
///
/// `query!(connection, |c| users::table.find(id).first::<UserRow>(c))` expands the expression once per database, each
/// time with `c` of that database's type, and gives a `Result<_, OperationError>`.
macro_rules! query {
    ($connection:expr, |$c:ident| $query:expr) => {
        match $connection.inner() {
            $crate::db::connection::ConnectionRef::Sqlite($c) => $query.await,
            $crate::db::connection::ConnectionRef::Postgres($c) => $query.await,
            $crate::db::connection::ConnectionRef::Closed => {
                Err(::diesel::result::Error::BrokenTransactionManager)
            }
        }
        .map_err($crate::error::OperationError::from)
    };
}
pub(crate) use query;

/// Runs statements that do not depend on each other, and returns how many rows each of them changed.
///
/// PostgreSQL receives all of them before it answers the first: one round trip instead of several. After an error the others
/// may or may not have run, so this is for transactions only.
macro_rules! execute_together {
    ($connection:expr, [$($statement:expr),+ $(,)?]) => {
        match $connection.inner() {
            $crate::db::connection::ConnectionRef::Sqlite(c) => {
                async { Ok(($(::diesel_async::RunQueryDsl::execute($statement, &mut *c).await?,)+)) }.await
            }
            $crate::db::connection::ConnectionRef::Postgres(c) => {
                let c = &*c;
                ::tokio::try_join!($(::diesel_async::RunQueryDsl::execute($statement, &mut &*c)),+)
            }
            $crate::db::connection::ConnectionRef::Closed => Err(::diesel::result::Error::BrokenTransactionManager),
        }
        .map_err($crate::error::OperationError::from)
    };
}
pub(crate) use execute_together;

/// A connection that goes back to its pool when it is dropped, unless it was discarded or has a transaction open.
pub(crate) struct Connection {
    pooled: Pooled,
    in_transaction: bool,
}

#[expect(clippy::large_enum_variant, reason = "lives on the stack of one operation")]
enum Pooled {
    Sqlite(Object<sqlite::Connection>),
    Postgres(Object<postgres::Connection>),
    Closed,
}

/// A connection of one of the databases.
pub(crate) enum ConnectionRef<'c> {
    Sqlite(&'c mut sqlite::Connection),
    Postgres(&'c mut postgres::Connection),
    Closed,
}

impl Connection {
    pub(super) fn sqlite(object: Object<sqlite::Connection>) -> Self {
        Self { pooled: Pooled::Sqlite(object), in_transaction: false }
    }

    pub(super) fn postgres(object: Object<postgres::Connection>) -> Self {
        Self { pooled: Pooled::Postgres(object), in_transaction: false }
    }

    pub(crate) fn inner(&mut self) -> ConnectionRef<'_> {
        match &mut self.pooled {
            Pooled::Sqlite(object) => ConnectionRef::Sqlite(object),
            Pooled::Postgres(object) => ConnectionRef::Postgres(object),
            Pooled::Closed => ConnectionRef::Closed,
        }
    }

    /// Starts a transaction. SQLite takes its write lock here: a transaction that reads first and asks for the lock
    /// later fails at once when another has written in between, whatever the busy timeout.
    pub(crate) async fn begin(&mut self) -> QueryResult<()> {
        let statement = match self.pooled {
            Pooled::Sqlite(_) => "BEGIN IMMEDIATE",
            Pooled::Postgres(_) | Pooled::Closed => "BEGIN ISOLATION LEVEL READ COMMITTED",
        };
        self.in_transaction = true;
        self.execute(statement).await
    }

    pub(crate) async fn commit(&mut self) -> QueryResult<()> {
        self.execute("COMMIT").await?;
        self.in_transaction = false;
        Ok(())
    }

    /// Rolls the transaction back; if that fails, closes the connection.
    pub(crate) async fn rollback(&mut self) {
        match self.execute("ROLLBACK").await {
            Ok(()) => self.in_transaction = false,
            Err(_) => self.discard(),
        }
    }

    /// Statements without parameters or results.
    pub(crate) async fn execute(&mut self, statements: &str) -> QueryResult<()> {
        match self.inner() {
            ConnectionRef::Sqlite(connection) => connection.batch_execute(statements).await,
            ConnectionRef::Postgres(connection) => connection.batch_execute(statements).await,
            ConnectionRef::Closed => Err(DieselError::BrokenTransactionManager),
        }
    }

    pub(super) fn is_closed(&self) -> bool {
        matches!(self.pooled, Pooled::Closed)
    }

    /// Closes the connection instead of giving it back.
    pub(crate) fn discard(&mut self) {
        match std::mem::replace(&mut self.pooled, Pooled::Closed) {
            Pooled::Sqlite(object) => drop(Object::take(object)),
            Pooled::Postgres(object) => drop(Object::take(object)),
            Pooled::Closed => {}
        }
        self.in_transaction = false;
    }
}

impl Drop for Connection {
    /// A caller that is cancelled in a transaction would leave its locks in the pool.
    fn drop(&mut self) {
        if self.in_transaction {
            self.discard();
        }
    }
}
