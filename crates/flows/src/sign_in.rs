//! The way through a provider and back.

mod arrival;
pub(crate) mod attempt;
mod browser;
mod finish;
mod finished;
pub(crate) mod hints;
mod outcome;
mod own;
mod provider_refusal;
mod start;

pub use browser::BrowserSecret;
pub use finish::Callback;
pub use finished::{FinishedSignIn, StepUpNotice};
pub use hints::{HintError, SignInHints};
pub use own::OwnSignIn;
pub use provider_refusal::ProviderRefusal;
pub use start::StartedSignIn;
