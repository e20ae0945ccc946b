//! Why a sign-in cannot begin or finish.

use thiserror::Error;
use vestibule_domain::NextError;
use vestibule_upstream::{ProviderBusy, ProviderError};

use crate::HintError;

/// Why a sign-in cannot begin or finish.
#[derive(Debug, Error)]
pub enum SignInError {
    /// The caller: `next` leads where it may not.
    #[error("next refused: {0}")]
    InvalidNext(#[from] NextError),
    /// The caller: what the provider is to be asked is nothing that it would understand.
    #[error(transparent)]
    InvalidHint(#[from] HintError),
    /// The caller: there is no provider of this name.
    #[error("there is no such provider")]
    UnknownProvider,
    /// The caller's mistake, or that of the page that sent them: the callback does not belong to a sign-in that this browser began.
    #[error("callback refused: {0}")]
    Callback(#[from] CallbackRefusal),
    /// Us, for a moment: more sign-ins come back from a provider than can be finished.
    #[error(transparent)]
    ProviderBusy(#[from] ProviderBusy),
}

/// What is wrong with a callback. Shown to the person on a plain page, never as a redirect.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum CallbackRefusal {
    /// No `state`.
    #[error("the state parameter is missing")]
    StateMissing,
    /// No `state`, but the provider says that the person said no.
    #[error("the provider says that the sign-in was declined, and sent no state parameter")]
    DeclinedWithoutState,
    /// No `state`, but the provider says no by itself.
    #[error("the provider refuses the sign-in, and sent no state parameter")]
    RefusedWithoutState,
    /// A `state` that we did not make.
    #[error("the state parameter is not one of ours")]
    StateForged,
    /// More than ten minutes have passed.
    #[error("the sign-in took too long and has expired")]
    StateExpired,
    /// This sign-in is already finished.
    #[error("this sign-in has already been used")]
    StateReplayed,
    /// Another provider was told to send the browser here: no provider may receive the code of another (RFC 9700 section
    /// 4.4).
    #[error("the answer came to the address of another provider")]
    WrongCallback,
    /// The browser is not the one that began, or has lost its cookie.
    #[error("this sign-in was started in another browser")]
    OtherBrowser,
    /// Neither a code nor an error.
    #[error("the provider sent neither a code nor an error")]
    CodeMissing,
    /// A code that no provider would make.
    #[error("the code parameter is too long")]
    CodeTooLong,
    /// The provider is no longer configured.
    #[error("the provider of this sign-in is no longer configured")]
    ProviderGone,
}

impl CallbackRefusal {
    /// For a label of a metric.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::StateMissing => "state_missing",
            Self::DeclinedWithoutState => "declined_without_state",
            Self::RefusedWithoutState => "refused_without_state",
            Self::StateForged => "state_forged",
            Self::StateExpired => "state_expired",
            Self::StateReplayed => "state_replayed",
            Self::WrongCallback => "wrong_callback",
            Self::OtherBrowser => "other_browser",
            Self::CodeMissing => "code_missing",
            Self::CodeTooLong => "code_too_long",
            Self::ProviderGone => "provider_gone",
        }
    }
}

/// The `error` parameter that a frontend gets when a sign-in that it began cannot be finished.
pub(crate) fn error_code_of(error: &ProviderError) -> &'static str {
    match error {
        ProviderError::Unavailable { .. } => "temporarily_unavailable",
        ProviderError::Refused { .. } => "sign_in_failed",
    }
}
