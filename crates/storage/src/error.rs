//! What can go wrong, by what the caller does about it.

use std::fmt;

use diesel::result::{ConnectionError, DatabaseErrorKind, Error as DieselError};
use thiserror::Error;

/// Why an operation on the database failed. `Display` holds neither statements nor values.
#[derive(Debug, Clone, Error)]
pub enum StorageError {
    /// Out of reach, overloaded, locked, read-only or full: the same call may succeed later.
    #[error("the database cannot be used at the moment")]
    Unavailable(#[source] Cause),
    /// The file or the server's settings do not let this program begin.
    #[error("the database cannot be opened")]
    Open(#[source] Cause),
    /// The file is not a database, or parts of it are lost.
    #[error("the database is damaged")]
    Damaged(#[source] Cause),
    /// A later version of the program has migrated the database.
    #[error("the database has schema version {found}, this program knows versions up to {known}")]
    SchemaTooNew {
        /// The version in the database.
        found: i32,
        /// The newest version that this program knows.
        known: i32,
    },
    /// The database has not been migrated to the version that this program needs.
    #[error("the database has schema version {found}, this program needs version {known}")]
    SchemaTooOld {
        /// The version in the database; 0 when it is empty.
        found: i32,
        /// The newest version that this program knows.
        known: i32,
    },
    /// A column holds what the program never writes.
    #[error("the column {0} holds a value that breaks its rule")]
    InvalidValue(&'static str),
    /// A provider stated an issuer or subject that cannot be a key.
    #[error("the provider's issuer or subject is empty, too long, or has control characters")]
    UnusableIdentity,
    /// The database refused a statement.
    #[error("the database refused a statement")]
    Failed(#[source] Cause),
}

impl StorageError {
    /// Whether the fault lies in the state of the database and may pass; the caller answers 503.
    pub fn is_unavailable(&self) -> bool {
        matches!(self, Self::Unavailable(_))
    }

    pub(crate) fn unavailable(cause: impl Into<String>) -> Self {
        Self::Unavailable(Cause(cause.into()))
    }

    pub(crate) fn open(cause: impl Into<String>) -> Self {
        Self::Open(Cause(cause.into()))
    }

    pub(crate) fn damaged(cause: impl Into<String>) -> Self {
        Self::Damaged(Cause(cause.into()))
    }
}

/// The database's message, for the log: its primary message, which holds no bound values, or the name of a constraint.
#[derive(Debug, Clone)]
pub struct Cause(String);

impl fmt::Display for Cause {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0)
    }
}

impl std::error::Error for Cause {}

/// Messages of SQLite and PostgreSQL after which a later attempt may succeed. diesel keeps neither SQLite's result codes nor
/// the SQLSTATE of most errors, so the English messages have to be compared.
const PASSING: &[&str] = &[
    "database is locked",
    "database table is locked",
    "attempt to write a readonly database",
    "database or disk is full",
    "disk I/O error",
    "unable to open database file",
    "canceling statement due to",
    "deadlock detected",
    "terminating connection due to",
    "the database system is",
    "too many clients",
    "remaining connection slots are reserved",
    "No space left on device",
];

const DAMAGE: &[&str] = &["database disk image is malformed", "file is not a database"];

impl From<DieselError> for StorageError {
    fn from(error: DieselError) -> Self {
        match &error {
            DieselError::DatabaseError(kind, information) => {
                let message = information.message();
                if may_pass(*kind, message) {
                    Self::unavailable(message)
                } else if is_one_of(message, DAMAGE) {
                    Self::damaged(message)
                } else {
                    Self::Failed(Cause(information.constraint_name().unwrap_or(message).to_owned()))
                }
            }
            DieselError::BrokenTransactionManager => Self::unavailable("the connection is gone"),
            DieselError::DeserializationError(_) => Self::InvalidValue("of a row that was read"),
            _ => Self::Failed(Cause("a statement that the database was never sent".to_owned())),
        }
    }
}

impl From<ConnectionError> for StorageError {
    fn from(error: ConnectionError) -> Self {
        match error {
            ConnectionError::CouldntSetupConfiguration(error) => error.into(),
            ConnectionError::BadConnection(message) => Self::unavailable(message),
            _ => Self::unavailable("no connection could be made"),
        }
    }
}

fn may_pass(kind: DatabaseErrorKind, message: &str) -> bool {
    use DatabaseErrorKind::{
        ClosedConnection, ReadOnlyTransaction, SerializationFailure, UnableToSendCommand,
    };

    matches!(kind, ClosedConnection | ReadOnlyTransaction | SerializationFailure | UnableToSendCommand)
        || is_one_of(message, PASSING)
}

fn is_one_of(message: &str, parts: &[&str]) -> bool {
    parts.iter().any(|part| message.contains(part))
}

/// Why one run of an operation failed. `Db` decides whether to run it again.
#[derive(Debug)]
pub(crate) enum OperationError {
    /// Another transaction was first: run again and see the new state.
    LostRace,
    /// The database refused.
    Query(DieselError),
    /// Everything else.
    Storage(StorageError),
}

impl OperationError {
    /// Whether the operation may succeed if it is repeated at once. PostgreSQL rolls a failed transaction back as a whole, so
    /// repeating is safe. A deadlock cannot be distinguished from other unknown errors, since diesel drops its SQLSTATE.
    pub(crate) fn is_worth_repeating(&self) -> bool {
        match self {
            Self::Query(DieselError::DatabaseError(DatabaseErrorKind::SerializationFailure, _)) => true,
            Self::Query(DieselError::DatabaseError(DatabaseErrorKind::Unknown, information)) => {
                let message = information.message();
                message.contains("deadlock") || !is_one_of(message, PASSING) && !is_one_of(message, DAMAGE)
            }
            Self::LostRace | Self::Query(_) | Self::Storage(_) => false,
        }
    }

    /// Whether the connection should be closed: the server went away, became read-only, or the file did.
    pub(crate) fn spoils_connection(&self) -> bool {
        match self {
            Self::Query(DieselError::DatabaseError(kind, information)) => {
                may_pass(*kind, information.message())
            }
            Self::LostRace | Self::Query(_) | Self::Storage(_) => false,
        }
    }
}

impl From<DieselError> for OperationError {
    fn from(error: DieselError) -> Self {
        Self::Query(error)
    }
}

impl From<StorageError> for OperationError {
    fn from(error: StorageError) -> Self {
        Self::Storage(error)
    }
}

impl From<OperationError> for StorageError {
    fn from(failure: OperationError) -> Self {
        match failure {
            OperationError::LostRace => Self::unavailable("too many concurrent changes of the same rows"),
            OperationError::Query(error) => error.into(),
            OperationError::Storage(error) => error,
        }
    }
}

/// A missing row is not an error.
pub(crate) fn optional<T>(result: Result<T, OperationError>) -> Result<Option<T>, OperationError> {
    match result {
        Ok(value) => Ok(Some(value)),
        Err(OperationError::Query(DieselError::NotFound)) => Ok(None),
        Err(error) => Err(error),
    }
}

/// The unique rules whose violation is an outcome, not an error.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum UniqueRule {
    /// One user per username.
    Username,
}

impl UniqueRule {
    /// Whether this rule was violated. PostgreSQL names the constraint, SQLite its columns.
    pub(crate) fn is_violated(self, failure: &OperationError) -> bool {
        let OperationError::Query(DieselError::DatabaseError(
            DatabaseErrorKind::UniqueViolation,
            information,
        )) = failure
        else {
            return false;
        };
        let (name, columns) = match self {
            Self::Username => ("users_username_key_unique", "users.username_key"),
        };
        match information.constraint_name() {
            Some(violated) => violated == name,
            None => information.message().rsplit(": ").next() == Some(columns),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn database_error(kind: DatabaseErrorKind, message: &str) -> DieselError {
        DieselError::DatabaseError(kind, Box::new(message.to_owned()))
    }

    #[test]
    fn l4_a_lock_a_full_disk_and_a_lost_connection_may_pass() {
        for message in
            ["database is locked", "database or disk is full", "attempt to write a readonly database"]
        {
            let error = StorageError::from(database_error(DatabaseErrorKind::Unknown, message));
            assert!(error.is_unavailable(), "{message}");
        }
        let lost = database_error(DatabaseErrorKind::UnableToSendCommand, "connection closed");
        assert!(StorageError::from(lost).is_unavailable());
        let damaged = database_error(DatabaseErrorKind::Unknown, "database disk image is malformed");
        assert!(matches!(StorageError::from(damaged), StorageError::Damaged(_)));
    }

    #[test]
    fn n2_what_is_displayed_holds_no_message_of_the_database() {
        let error = StorageError::from(database_error(DatabaseErrorKind::Unknown, "no such table: secrets"));
        assert_eq!(error.to_string(), "the database refused a statement");
    }

    #[test]
    fn l9_a_deadlock_is_worth_repeating_and_a_timeout_is_not() {
        let failure = |message| OperationError::Query(database_error(DatabaseErrorKind::Unknown, message));
        assert!(failure("deadlock detected").is_worth_repeating());
        assert!(failure("Verklemmung entdeckt").is_worth_repeating());
        assert!(!failure("canceling statement due to statement timeout").is_worth_repeating());
        assert!(!failure("database is locked").is_worth_repeating());
    }

    #[test]
    fn a_unique_rule_is_known_by_its_columns_in_sqlite() {
        let of = |columns: &str| {
            OperationError::Query(database_error(
                DatabaseErrorKind::UniqueViolation,
                &format!("UNIQUE constraint failed: {columns}"),
            ))
        };
        assert!(UniqueRule::Username.is_violated(&of("users.username_key")));
        assert!(!UniqueRule::Username.is_violated(&of("users.id")));
    }
}
