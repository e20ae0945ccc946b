//! The way through a provider and back.

pub(crate) mod attempt;
mod browser;
mod finish;
mod start;

pub use browser::BrowserSecret;
pub use finish::{Callback, FinishedSignIn};
pub use start::StartedSignIn;
