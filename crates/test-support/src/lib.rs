//! For tests: a database of its own for each test, the program on a free port, a clock that tests move.
//!
//! **Owns** what a test needs around the part it tests: [`TestDatabase`] and [`TestCluster`], program with its
//! movable clock, and two kinds of client: client behaves like a browser without a window,
//! raw sends any bytes at all. **Does not own** anything that is tested: it depends on no other crate
//! of the workspace, so that every crate can use it.
//!
//! To add one more tool, give it a module of its own, release whatever it takes from the machine in `Drop`, and
//! let it panic with a message that says what to do: its only callers are tests.

#![allow(
    clippy::expect_used,
    clippy::panic,
    clippy::missing_panics_doc,
    reason = "used by tests alone, which may fail loudly"
)]

mod cluster;
mod database;
mod eventually;
mod port;
mod postgres;

pub use cluster::{Shutdown, TestCluster};
pub use database::TestDatabase;
pub use eventually::eventually;
