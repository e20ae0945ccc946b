//! Find, check, load and call plugins.
//!
//! **Owns** the host's half of the plugin ABI: where libraries may come from, what is refused before a line of them runs,
//! the threads that calls run on, how long a caller waits, and what each kind of failure means. **Does not own** what an
//! answer is used for (`flows`), nor what is configured (the program). The `unsafe` of the host is in `library`,
//! `callbacks`, `raw`, `text`, `crash` and `hardening`, but for a few lines of `process` about sockets and about what is taken from a child.
//!
//! Who calls what: [`PluginHost`] holds an `Instance` for each configured alias; an instance looks whether it knows the
//! answer (`cache`; `tokens` has its own), whether the same call is under way (`single_flight`) and whether the plugin may be asked (`breaker`), and asks
//! its `Runner`, which brings the question to the plugin, when it is its turn (`fair_queue`), and the answer back; `failure` turns
//! the answer into a value or a failure.
//! Questions and answers are plain data, so that a runner can be threads, nothing at all (`inline`), or a child (`process`).
//! A `Loader` makes the instances of a [`PluginPlan`]; a reload puts those of another plan in their place.
//!
//! To add an operation: a nullable pointer in the ABI, a variant of [`Operation`], of `Question` and of `RawInstance::ask`.
//! To add a way to isolate plugins: a variant of [`Isolation`] and of `Runner`.
//!
//! To add a check for authors: a variant of `check::plan::Check` and a file in `check/checks`.
//!
//! Libraries are never unloaded, and a call that hangs on a thread cannot be ended. So a process that has loaded plugins must not
//! end by returning from `main`, which would run the libraries' destructors under their threads: flush, then [`exit_now`].
#![allow(unsafe_code, reason = "this crate is the host's side of a C interface")]

mod answer;
mod bad_reply;
mod breaker;
mod cache;
mod callbacks;
mod check;
mod checkup;
mod config;
mod crash;
mod deadline_probe;
mod describe;
mod error;
mod exit;
mod failure;
mod fair_queue;
#[cfg(any(test, fuzzing))]
#[doc(hidden)]
pub mod fuzzing;
mod gauges;
mod hardening;
mod hooks;
mod host;
mod identity;
mod inline;
mod inspect;
mod instance;
mod job;
mod json;
mod library;
mod loaded;
mod loader;
mod log_sink;
mod observer;
mod permissions;
mod plan;
mod pool;
mod probe;
mod process;
mod question;
mod raw;
mod runner;
mod schema;
mod search;
mod secret;
mod settings;
mod signal;
mod single_flight;
mod text;
mod tokens;
mod unavailability;

pub use bad_reply::BadReply;
pub use breaker::BreakerState;
pub use cache::DEFAULT_MAX_TTL;
pub use check::{CheckError, CheckReport, CheckRequest, check, run_check_child};
pub use checkup::Health;
pub use config::{ConfigFault, Environment, PluginConfig};
pub use crash::before_last_line;
pub use describe::ContextMemo;
pub use error::{LoadError, LoadFault};
pub use exit::exit_now;
pub use failure::{CallFailure, FailureKind};
pub use gauges::PluginGauges;
pub use hardening::{disable_dumping, take_environment};
pub use hooks::{ExtensionPatch, Hook, HookOutcome};
pub use host::{PermissionRequest, PluginHost};
pub use identity::{BadIdentity, TokenHolder, TokenIdentity};
pub use inspect::inspect;
pub use library::PluginDescription;
pub use loaded::PluginInfo;
pub use observer::{CacheResult, CallObserver, NoObserver, Operation, Outcome, PatchField};
pub use plan::{HostParts, PluginPlan};
pub use process::{ChildProgram, run_plugin_process};
pub use schema::{SchemaFault, Violation};
pub use search::{PluginName, PluginNameError, PluginPath};
pub use settings::{InstanceSettings, InstanceSpec, Isolation, IsolationError};
pub use text::printable;
pub use tokens::{DEFAULT_MAX_TOKEN_TTL, TokenOutcome, TokenPurpose, TokenQuestion};
pub use unavailability::Unavailability;
