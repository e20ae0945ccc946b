//! What is done with a connection.

use std::pin::Pin;

use super::connection::Connection;
use crate::error::OperationError;

/// An operation on the database. It keeps its arguments apart from what it does, because it may have to run again: after a
/// lost race, or when the database asks for it.
pub(crate) struct Operation<A, T> {
    /// For traces: the name of the method that the operation belongs to.
    pub(crate) name: &'static str,
    pub(crate) arguments: A,
    pub(crate) run: RunOperation<A, T>,
}

/// A closure that captures nothing. (An async closure would read better, but the compiler cannot yet see that its future
/// is `Send`.)
pub(crate) type RunOperation<A, T> = for<'c> fn(&'c mut Connection, &'c A) -> OperationFuture<'c, T>;
/// What an operation returns.
pub(crate) type OperationFuture<'c, T> = Pin<Box<dyn Future<Output = Result<T, OperationError>> + Send + 'c>>;

/// Makes an [`Operation`]: its name, its arguments, and a body that has a reference to each of them.
///
/// `operation!(touch_session(session = session.clone(), now), |connection| { .. })` takes the clone of a session's id and the
/// variable `now`. A write may run on another thread, so it owns its arguments; a read may borrow them.
macro_rules! operation {
    (@value $argument:ident) => { $argument };
    (@value $argument:ident = $value:expr) => { $value };
    ($name:ident($($argument:ident $(= $value:expr)?),* $(,)?), |$connection:ident| $body:expr) => {
        $crate::db::operation::Operation {
            name: stringify!($name),
            arguments: ($($crate::db::operation::operation!(@value $argument $(= $value)?),)*),
            run: |$connection, ($($argument,)*)| Box::pin(async move { $body }),
        }
    };
}
pub(crate) use operation;
