//! Users, identities and sessions in SQLite or PostgreSQL.
//!
//! **Owns** the tables and their migrations, every query, the two kinds of connection, and the rule by which a sign-in
//! finds or makes its user, because that rule is only true inside one transaction.
//! **Does not own** the words of the business (the domain), the decision when to do what (flows), or any clock:
//! a moment is always an argument.
//!
//! There is one folder for each aggregate: users, identities, sessions, roles, tokens, role accounts, grants. An operation is made with the macro
//! `operation!` and handed to `Db::read`, `Db::write`, `Db::transaction` or, if the audit trail records it,
//! `Storage::write_audited`. Inside it, the macro `query!` expands one query expression for both databases. A write that
//! may race is one conditional statement whose row count is checked, or leaves the decision to a unique key.
//!
//! To add an operation, add a method to [`Storage`] in the folder of its aggregate, and a test in `tests/`, where the
//! macro `on_both_databases!` runs it on both. To change a table, add a file to `migrations/` and a line to
//! `migrations.rs`; a file that has been released is never edited, and what an older replica still reads or writes stays
//! until the release after the next.
//!
//! A cache of sessions or users asks [`Changes`] whether a copy is current. Every write publishes its change there when
//! it ends; triggers publish it for all other processes.
//!
//! Runs on tokio's multi-threaded runtime: an operation on SQLite that is cancelled waits for its blocking part.

#![allow(clippy::ref_option_ref, reason = "what is derived for a row that borrows refers to its fields")]

mod api_tokens;
mod attempts;
mod audit;
mod backup;
mod changes;
mod cleanup;
mod db;
mod diagnosis;
mod error;
mod feed;
#[cfg(any(test, fuzzing))]
#[doc(hidden)]
pub mod fuzzing;
mod grants;
mod health;
mod identities;
mod migrations;
mod observer;
mod options;
mod organizations;
mod random;
mod role_accounts;
mod roles;
mod schema;
mod session_data;
mod sessions;
mod sign_in;
mod storage;
mod url;
mod users;

pub use api_tokens::{
    ApiTokenFilter, ApiTokenPlace, LiveApiToken, NewApiToken, NewSuccessor, TokenChange, TokenCreation,
    TokenRotation,
};
pub use audit::{AuditFilter, RecordedEvent, log_audit_event};
pub use backup::BackupError;
pub use changes::{Change, Changes, LEASE, LastKnown, Point, Record, RecordKind, Version};
pub use cleanup::DeletedRows;
pub use db::with_time_budget;
pub use diagnosis::{
    Connections, DatabaseDiagnosis, MissingRight, PostgresDiagnosis, SchemaVersions, SqliteDiagnosis,
};
pub use error::{Cause, StorageError};
pub use grants::{
    AccessToken, FoundRefreshToken, GrantPage, GrantPlace, LiveAccessToken, LiveGrant, Narrowed, NewGrant,
    NewPair, Refresh, Refreshed, RevocationReason,
};
pub use identities::{Identity, OrphanedIdentities, RemovedIdentities, Unlinking};
pub use observer::{OperationKind, OperationOutcome, PoolState, StorageObserver};
pub use options::StorageOptions;
pub use role_accounts::{RoleAccountChange, RoleAccountChanges, RoleAccountCreation};
pub use session_data::{DataWrite, VersionedData};
pub use sessions::LiveSession;
pub use sign_in::{BrowserCookies, SignIn, SignInOutcome};
pub use storage::Storage;
pub use url::{DatabaseKind, DatabaseUrl, DatabaseUrlError};
pub use users::{PatchedUser, UsernameChoice};
