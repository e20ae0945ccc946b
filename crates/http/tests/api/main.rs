//! The whole service in the process of the test: every request passes all of it but the listener.
//!
//! A test makes a [`TestApp`](app::TestApp) and asks it as one of the [clients](clients), of which each kind of credential has one.
//! What an answer looks like is a snapshot; what it does, and to whom, is asserted.
//!
//! Here is what one service answers. What needs a process, a socket, PostgreSQL, a browser or a second replica is in the black-box
//! tests, which start the built program.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::string_slice,
    reason = "tests may fail loudly"
)]

mod administrators;
mod app;
mod browser_sessions;
mod callback;
mod clients;
mod cross_origin;
mod health;
mod keys;
mod lent_tokens;
mod linking;
mod next;
mod own_tokens;
mod permissions;
mod plugin_process;
mod role_accounts;
mod session_data;
mod session_handles;
mod sessions;
mod sign_in;
mod snapshot;
mod token_pairs;
mod tokens;
mod upstream;
mod usernames;
