//! The commands besides `serve`, one file each.

mod administration;
mod audit;
mod backup;
mod config;
mod database;
mod doctor;
mod grants;
mod healthcheck;
mod keys;
mod migrate;
mod openapi;
mod permissions;
mod plugin;
mod providers;
mod role_accounts;
mod roles;
mod support;
mod tokens;
mod users;

pub(crate) use audit::audit;
pub(crate) use backup::backup;
pub(crate) use config::config;
pub(crate) use doctor::doctor;
pub(crate) use grants::grants;
pub(crate) use healthcheck::healthcheck;
pub(crate) use keys::keys;
pub(crate) use migrate::migrate;
pub(crate) use openapi::print_openapi;
pub(crate) use permissions::permissions;
pub(crate) use plugin::plugin;
pub(crate) use providers::providers;
pub(crate) use role_accounts::role_accounts;
pub(crate) use roles::roles;
pub(crate) use tokens::tokens;
pub(crate) use users::users;
