//! The suite of the storage: every rule, on both databases.
//!
//! A test is written once inside `on_both_databases!`. When it ends, the consistency of the whole database is checked,
//! whatever the test was about.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::similar_names,
    reason = "tests may fail loudly"
)]

mod api_tokens;
mod attempts;
mod audit;
mod backup;
mod bench;
mod browser_sessions;
mod changes;
mod cleanup;
mod consistency;
mod deletion;
mod grants;
mod linking;
mod migrations;
mod postgres;
mod races;
mod refreshing;
mod role_accounts;
mod roles;
mod session_data;
mod sessions;
mod sign_in;
mod sqlite;
mod tls;
mod unlinking;
mod usernames;
mod users;
