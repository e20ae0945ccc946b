//! The commands besides `serve`, one file each.

mod audit;
mod backup;
mod config;
mod database;
mod find_user;
mod healthcheck;
mod keys;
mod migrate;
mod openapi;
mod permissions;
mod plugin;
mod providers;
mod roles;
mod users;

pub(crate) use audit::audit;
pub(crate) use backup::backup;
pub(crate) use config::config;
pub(crate) use healthcheck::healthcheck;
pub(crate) use keys::keys;
pub(crate) use migrate::migrate;
pub(crate) use openapi::print_openapi;
pub(crate) use permissions::permissions;
pub(crate) use plugin::plugin;
pub(crate) use providers::providers;
pub(crate) use roles::roles;
pub(crate) use users::users;

use std::fmt::Display;
use std::future::Future;
use std::io::Write as _;

use crate::error::CommandError;

/// Writes a line to standard output. A reader that has gone away is no failure of ours.
fn say(line: impl Display) -> Result<(), CommandError> {
    match writeln!(std::io::stdout(), "{line}") {
        Err(error) if error.kind() != std::io::ErrorKind::BrokenPipe => Err(error.into()),
        _ => Ok(()),
    }
}

/// Runs something asynchronous to its end.
fn block_on<T>(task: impl Future<Output = Result<T, CommandError>>) -> Result<T, CommandError> {
    tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build()?.block_on(task)
}
