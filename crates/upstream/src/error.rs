//! What can go wrong with a provider, in words that hold nothing secret.
//!
//! INVARIANT: no variant carries text that came from outside. What a log shows of a failure is chosen from the
//! sentences of this crate, so that no code, token, secret or body can leak through it.

use std::fmt;

use thiserror::Error;
use vestibule_domain::ProviderName;

use crate::{AddressError, AlgorithmName, AlgorithmSet};

/// Why a sign-in at a provider did not work.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum ProviderError {
    /// The provider could not be asked, or gave an answer that makes no sense, or does not accept our settings.
    /// Trying later may help.
    #[error("{provider} {} at the step {step}: {reason}", reason.kind_of_failure())]
    Unavailable {
        /// Which provider.
        provider: ProviderName,
        /// Where in the sign-in.
        step: Step,
        /// What happened.
        reason: Reason,
    },
    /// The provider, or our examination of what it said, refuses this sign-in. Trying the same again cannot help.
    #[error("{provider} sign-in refused at the step {step}: {reason}")]
    Refused {
        /// Which provider.
        provider: ProviderName,
        /// Where in the sign-in.
        step: Step,
        /// What happened.
        reason: Reason,
    },
}

/// The part of a sign-in in which a failure arose.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Step {
    /// Making the address that the browser is sent to.
    AuthorizationRequest,
    /// Reading what the browser brought back.
    AuthorizationResponse,
    /// Reading the issuer's metadata.
    Discovery,
    /// Reading the issuer's public keys.
    Keys,
    /// Redeeming the code.
    CodeExchange,
    /// Examining the ID token.
    IdToken,
    /// Asking the userinfo endpoint, or GitHub's `/user`.
    UserInfo,
    /// Asking GitHub's `/user/emails`.
    Emails,
    /// Asking GitHub's `/user/orgs`.
    Organizations,
    /// All requests of one exchange together.
    Exchange,
}

impl Step {
    /// For a label of a metric.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::AuthorizationRequest => "authorization_request",
            Self::AuthorizationResponse => "authorization_response",
            Self::Discovery => "discovery",
            Self::Keys => "keys",
            Self::CodeExchange => "code_exchange",
            Self::IdToken => "id_token",
            Self::UserInfo => "userinfo",
            Self::Emails => "emails",
            Self::Organizations => "organizations",
            Self::Exchange => "exchange",
        }
    }
}

impl fmt::Display for Step {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::AuthorizationRequest => "authorization request",
            Self::AuthorizationResponse => "authorization response",
            Self::Discovery => "discovery",
            Self::Keys => "signing keys",
            Self::CodeExchange => "code exchange",
            Self::IdToken => "id token",
            Self::UserInfo => "user info",
            Self::Emails => "e-mail addresses",
            Self::Organizations => "organizations",
            Self::Exchange => "exchange as a whole",
        })
    }
}

/// What happened.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum Reason {
    /// No complete answer within the limit.
    #[error("no complete answer in time")]
    Timeout,
    /// The name could not be resolved, the connection was refused, or the TLS handshake failed.
    #[error("no connection (name, network or certificate)")]
    Connection,
    /// The connection ended, or the compression was damaged, before the answer was complete.
    #[error("the answer broke off")]
    Interrupted,
    /// The answer is larger than anything that we would have to read.
    #[error("the answer is larger than 1 MiB")]
    TooLarge,
    /// An answer with a status that says neither yes nor no. A redirect counts as such.
    #[error("the answer has the status {0}")]
    Status(u16),
    /// The provider does not know us: a matter for the operator.
    #[error(
        "the provider does not accept our settings ({code}, where the client authenticated by {method}); check the client id, \
         secret and callback address, and whether the client is registered for this method"
    )]
    Settings {
        /// The provider's error code, out of those that we know.
        code: &'static str,
        /// How the client authenticated, by the name that RFC 7591 gives.
        method: &'static str,
    },
    /// What the provider says does not fit our settings: a matter for the operator.
    #[error("{0}")]
    Mismatch(&'static str),
    /// The issuer lists no way for a client to authenticate that we have: a matter for the operator.
    #[error(
        "the issuer lists neither client_secret_basic nor client_secret_post; register another client, or set \
         token_endpoint_auth_method"
    )]
    ClientAuthentication,
    /// The provider's own error code, out of those that we know.
    #[error("the provider says {0}")]
    Code(&'static str),
    /// The ID token is signed in another way than it may be.
    #[error("the id token is signed with {found}, and this issuer's may be signed with {taken}")]
    Algorithm {
        /// What its header names.
        found: AlgorithmName,
        /// What is taken.
        taken: AlgorithmSet,
    },
    /// The issuer lists no signature for its ID tokens that is taken.
    #[error("the issuer signs ID tokens in no way that is taken here: it lists {listed}; taken are {taken}")]
    Algorithms {
        /// The first that it lists.
        listed: AlgorithmName,
        /// What is taken.
        taken: AlgorithmSet,
    },
    /// What is wrong with an answer or a request.
    #[error("{0}")]
    Text(&'static str),
}

impl Reason {
    /// What the log says of a provider that cannot be used for this reason.
    const fn kind_of_failure(self) -> &'static str {
        match self {
            Self::Settings { .. }
            | Self::Mismatch(_)
            | Self::ClientAuthentication
            | Self::Algorithms { .. } => "cannot be used with these settings,",
            _ => "is unavailable",
        }
    }
}

/// Settings that cannot work.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum SettingsError {
    /// An address that is not fit for a provider.
    #[error("provider {provider}: {field} {problem}")]
    Address {
        /// Which provider.
        provider: ProviderName,
        /// Which of its settings.
        field: &'static str,
        /// What is wrong.
        problem: AddressError,
    },
    /// A setting without a value.
    #[error("provider {provider}: {field} is empty")]
    Empty {
        /// Which provider.
        provider: ProviderName,
        /// Which of its settings.
        field: &'static str,
    },
    /// A name of a claim that no claim can have.
    #[error("provider {provider}: the name of a claim has 1 to 128 characters")]
    Claims {
        /// Which provider.
        provider: ProviderName,
    },
    /// A parameter of the authorization request that is made by us, or has no name or value.
    #[error(
        "provider {provider}: {parameter:?} is not a parameter that can be added: {}",
        "the name has 1 to 64 letters, digits, hyphens, dots or underscores, the value 1 to 1024 characters, and what the sign-in \
         itself sends is reserved"
    )]
    Parameter {
        /// Which provider.
        provider: ProviderName,
        /// The name of the parameter.
        parameter: String,
    },
    /// A public client has no secret, any other has one.
    #[error("provider {provider}: client_secret {problem}")]
    ClientSecret {
        /// Which provider.
        provider: ProviderName,
        /// What is wrong.
        problem: &'static str,
    },
    /// Without the scope `openid` there is no ID token (OpenID Connect Core section 3.1.2.1).
    #[error("provider {provider}: scopes must contain openid, and each must be a single word")]
    Scopes {
        /// Which provider.
        provider: ProviderName,
    },
}

/// A [`ProviderError`] without the name of the provider.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[error("{step}: {reason}")]
pub(crate) struct StepError {
    step: Step,
    reason: Reason,
    refused: bool,
}

impl StepError {
    pub(crate) fn unavailable(step: Step, reason: Reason) -> Self {
        Self { step, reason, refused: false }
    }

    pub(crate) fn refused(step: Step, reason: Reason) -> Self {
        Self { step, reason, refused: true }
    }

    /// Whether what was asked is unknown for now. Otherwise the answer is one that would come again.
    pub(crate) fn is_outage(self) -> bool {
        match self.reason {
            Reason::Timeout | Reason::Connection | Reason::Interrupted => true,
            Reason::Status(status) => status >= 500 || matches!(status, 408 | 425 | 429),
            _ => false,
        }
    }

    /// An answer that is not what the protocol says it is.
    pub(crate) fn malformed(step: Step, what: &'static str) -> Self {
        Self::unavailable(step, Reason::Text(what))
    }

    pub(crate) fn at_provider(self, provider: &ProviderName) -> ProviderError {
        let (provider, step, reason) = (provider.clone(), self.step, self.reason);
        if self.refused {
            ProviderError::Refused { provider, step, reason }
        } else {
            ProviderError::Unavailable { provider, step, reason }
        }
    }
}
