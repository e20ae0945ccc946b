//! What the flows report, to be counted.

use vestibule_domain::ServiceName;

use crate::{CallbackRefusal, FlowError, PermissionDecision, PermissionError, ProviderRefusal};

/// What a sign-in came to, once its callback was found to be in order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum SignInResult {
    /// A known user signed in.
    SignedIn,
    /// A new user signed in.
    NewUser,
    /// The person said no at the provider, or was needed there and not asked.
    DeclinedAtProvider,
    /// The provider said no by itself: its settings, ours, or the rules of an organization.
    RefusedByProvider,
    /// The provider could not be asked, or made no sense.
    ProviderUnavailable,
    /// Too many exchanges with the provider were under way; nothing was spent, and the callback may come again.
    ProviderBusy,
    /// What the provider stated is not to be believed.
    StatementRefused,
    /// The operator has disabled the user.
    AccountDisabled,
    /// An extension refused the user.
    DeniedByExtension,
    /// The account signed in too often.
    RateLimited,
    /// We failed.
    Failed,
}

impl SignInResult {
    /// For a label of a metric.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::SignedIn => "signed_in",
            Self::NewUser => "new_user",
            Self::DeclinedAtProvider => "declined_at_provider",
            Self::RefusedByProvider => "refused_by_provider",
            Self::ProviderUnavailable => "provider_unavailable",
            Self::ProviderBusy => "provider_busy",
            Self::StatementRefused => "statement_refused",
            Self::AccountDisabled => "account_disabled",
            Self::DeniedByExtension => "denied_by_extension",
            Self::RateLimited => "rate_limited",
            Self::Failed => "failed",
        }
    }
}

/// What a request for permissions came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum AuthorizationResult {
    /// A token.
    Granted,
    /// The caller was not signed in.
    NotSignedIn,
    /// The service is none of ours.
    UnknownService,
    /// The plugin refused the user.
    Denied,
    /// The plugin or the database did not answer.
    Unavailable,
    /// The account asked too often.
    RateLimited,
    /// We failed.
    Failed,
}

impl AuthorizationResult {
    /// For a label of a metric.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Granted => "granted",
            Self::NotSignedIn => "not_signed_in",
            Self::UnknownService => "unknown_service",
            Self::Denied => "denied",
            Self::Unavailable => "unavailable",
            Self::RateLimited => "rate_limited",
            Self::Failed => "failed",
        }
    }

    /// `known` is whether the service is one of ours.
    pub(crate) fn of(outcome: &Result<PermissionDecision, FlowError>, known: bool) -> Self {
        match outcome {
            Ok(PermissionDecision::Granted(_)) => Self::Granted,
            Ok(PermissionDecision::Nothing) if known => Self::NotSignedIn,
            Ok(PermissionDecision::Nothing) => Self::UnknownService,
            Err(FlowError::Permission(PermissionError::Denied)) => Self::Denied,
            Err(
                FlowError::Permission(PermissionError::Unavailable(_))
                | FlowError::StorageUnavailable(_)
                | FlowError::Busy,
            ) => Self::Unavailable,
            Err(FlowError::TooManyRequests { .. }) => Self::RateLimited,
            Err(_) => Self::Failed,
        }
    }
}

/// A token that was issued.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum IssuedToken {
    /// A user token, which is always new.
    User,
    /// A permission token, freshly signed.
    SignedPermission,
    /// A permission token that was given before.
    ReusedPermission,
}

/// Hears of what people do. Called on the threads of requests: be quick. Names of providers and services come from the
/// settings, everything else from fixed sets, so all of it may be a label.
pub trait FlowObserver: Send + Sync {
    /// A browser was sent to a provider.
    fn sign_in_started(&self, _provider: &str) {}

    /// A sign-in came to its end.
    fn sign_in_finished(&self, _provider: &str, _result: SignInResult) {}

    /// A provider sent this in the place of a code.
    fn provider_refused(&self, _provider: &str, _refusal: ProviderRefusal) {}

    /// A callback belongs to no sign-in of that browser.
    fn callback_refused(&self, _reason: CallbackRefusal) {}

    /// A person signed out, of one session or of all.
    fn signed_out(&self, _everywhere: bool) {}

    /// A caller asked for permissions; `None` when the service is not configured.
    fn authorized(&self, _service: Option<&ServiceName>, _result: AuthorizationResult) {}

    /// A token was given.
    fn token_issued(&self, _token: IssuedToken) {}

    /// A user token was refused for this reason.
    fn token_refused(&self, _reason: &'static str) {}
}
