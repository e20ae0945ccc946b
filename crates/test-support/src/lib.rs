//! For tests: a database of its own for each test, the program on a free port, a clock that tests move.
//!
//! **Owns** what a test needs around the part it tests: [`TestDatabase`] and [`TestCluster`], [`Program`] with its
//! [`MovableClock`] and its [`FaultyDisk`], a [`Relay`] for a network that fails, a [`Machine`] that tells how much of the time was not
//! ours, a [`Forge`] of tokens, and two kinds of client: [`Client`] behaves
//! like a browser without a window, [`RawConnection`] sends any bytes at all. **Does not own** anything that is tested: it depends on no other crate
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

mod addresses;
mod client;
mod clock;
mod cluster;
mod consistency;
mod database;
mod disk;
mod eventually;
mod expectations;
pub mod forge;
mod forward_proxy;
mod machine;
mod port;
mod postgres;
mod program;
mod raw;
mod relay;

pub use addresses::{READABLE, WRITABLE, login_address, parameter, with_parameter, without_parameter};
pub use client::{Answer, Client};
pub use clock::MovableClock;
pub use cluster::{Crowd, Shutdown, TestCluster};
pub use consistency::{TableLock, WriteLock};
pub use database::TestDatabase;
pub use disk::{DiskFault, FaultyDisk};
pub use eventually::eventually;
pub use expectations::{
    assert_readable_by, assert_refusal_page, assert_unreadable, sign_in_error, signed_in_token,
};
pub use forge::Forge;
pub use forward_proxy::refusing_forward_proxy;
pub use machine::Machine;
pub use port::free_port;
pub use program::{Ended, Program, ProgramBuilder};
pub use raw::{RawConnection, Received};
pub use relay::{Network, Relay};
pub use reqwest::{Method, StatusCode, header};
