//! The way through a provider and back.

pub(crate) mod attempt;
mod browser;
mod finish;
pub(crate) mod hints;
mod outcome;
mod provider_refusal;
mod start;

pub use browser::BrowserSecret;
pub use finish::{Callback, FinishedSignIn};
pub use hints::{HintError, SignInHints};
pub use provider_refusal::ProviderRefusal;
pub use start::StartedSignIn;
