//! Write a Vestibule plugin in safe Rust.
//!
//! **Owns** the plugin's half of the ABI: the traits that an author implements, the macro that exports them, and the
//! fence that keeps a panic from ending the whole service. **Does not own** any behaviour of the host, and no
//! runtime: calls are blocking, several may run at once, and the host's async runtime is out of reach by design.
//!
//! To add an operation to the SDK: a trait beside the others in `plugin`, an entry point in `entry`, a method on
//! [`export::Table`], a method on [`testing::Harness`].
//!
//! Features, of which none is on by itself: `log` and `tracing` send what is written through these crates to the host's log
//! (see [`Logger`]); `rt` has a small tokio runtime for asynchronous libraries.
//!
//! ```
//! use vestibule_plugin_sdk::{
//!     CallCtx, Error, Logger, Map, PermissionProvider, PermissionRequest, Plugin, Result, Value, export_plugin,
//! };
//!
//! #[derive(serde::Deserialize)]
//! #[serde(deny_unknown_fields)]
//! struct Config {
//!     admins: Vec<String>,
//! }
//!
//! struct Admins(Vec<String>);
//!
//! impl Plugin for Admins {
//!     type Config = Config;
//!
//!     fn create(_alias: &str, config: Config, _log: Logger) -> Result<Self> {
//!         if config.admins.is_empty() { Err(Error::fatal("nobody is an admin")) } else { Ok(Self(config.admins)) }
//!     }
//! }
//!
//! impl PermissionProvider for Admins {
//!     fn get_permissions(&self, _call: &CallCtx<'_>, request: &PermissionRequest<'_>) -> Result<Map<String, Value>> {
//!         let admin = self.0.iter().any(|id| id == request.user_id());
//!         Ok(Map::from_iter([("admin".to_owned(), admin.into())]))
//!     }
//! }
//!
//! export_plugin!(Admins: permissions);
//!
//! use vestibule_plugin_sdk::{json, testing::Harness};
//! let harness = Harness::<Admins>::new(&json!({"admins": ["ada"]})).unwrap();
//! assert_eq!(harness.get_permissions("billing", "ada").unwrap().reply, Some(json!({"admin": true})));
//! ```
#![allow(unsafe_code, reason = "this crate is the safe face of a C interface")]

mod context;
mod current;
mod entry;
mod error;
mod explanation;
pub mod export;
mod fence;
#[cfg(any(feature = "log", feature = "tracing"))]
mod forward;
mod identity;
mod logger;
mod patch;
mod plugin;
mod raw;
mod request;
#[cfg(feature = "rt")]
mod runtime;
pub mod testing;
mod token;
mod user;

pub use context::CallCtx;
pub use error::{Error, Result, hide_texts};
pub use explanation::{Explanation, Reason};
pub use identity::{AssignedRole, Identity, Organization};
pub use logger::{Level, Logger};
pub use patch::Patch;
pub use plugin::{
    Explain, Health, OnNewUser, OnUserLogin, OnUserLogout, PermissionProvider, Plugin, TokenHandler,
};
pub use request::PermissionRequest;
#[cfg(feature = "rt")]
pub use runtime::Runtime;
pub use serde_json::{Map, Value, json};
pub use token::{TokenContext, TokenIdentity, TokenRequest};
pub use user::User;
pub use vestibule_plugin_abi as abi;

/// The guide for authors, so that its code is compiled and run.
#[cfg(doctest)]
#[doc = include_str!("../../../docs/plugins/rust.md")]
mod guide {}

/// The page about tests, for the same reason.
#[cfg(doctest)]
#[doc = include_str!("../../../docs/plugins/testing.md")]
mod testing_guide {}
