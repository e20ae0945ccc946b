//! Sign-in at Google, GitHub and any OpenID Connect issuer.
//!
//! **Owns** the [`Provider`] trait and its implementations: where a browser is sent, how a code becomes an
//! [`UpstreamProfile`](vestibule_domain::UpstreamProfile), what of an ID token is believed; and [`OutboundClient`], the
//! one way in which the service makes requests of its own, with its limits on time, size and redirects; and how many exchanges may
//! be under way at once ([`ExchangeLimit`]).
//! **Does not own** state, cookies, `next`, users or who joins whom: `flows` does, with what comes out of here.
//!
//! To add a provider that speaks OpenID Connect, nothing is needed but settings ([`OidcSettings`]). To add one that does
//! not: a module beside [`github`](GithubProvider) with a settings struct and an `impl Provider`, built upon
//! `oauth::Registration` (the authorization address and the code exchange) and [`OutboundClient`] (everything after),
//! whose profile goes through the cleaning constructors of the domain; a line here, and one in the program's settings.

mod cache;
mod diagnosis;
mod endpoint;
mod error;
mod exchanges;
#[cfg(any(test, fuzzing))]
#[doc(hidden)]
pub mod fuzzing;
mod github;
mod oauth;
mod observer;
mod oidc;
mod outbound;
mod provider;
mod proxy;
mod registry;
mod wishes;

pub use diagnosis::{Diagnosis, RegistrationDiagnosis, RegistrationVerdict, UsableKeys};
pub use endpoint::AddressError;
pub use error::{ProviderError, Reason, SettingsError, Step};
pub use exchanges::{ExchangeLimit, ExchangePermit, ProviderBusy};
pub use github::{GithubProvider, GithubSettings};
pub use observer::{UpstreamObserver, UpstreamOutcome};
pub use oidc::{
    AlgorithmName, AlgorithmSet, CLOCK_LEEWAY, IssuerReach, OidcProvider, OidcSettings,
    TokenEndpointAuthMethod, UnknownAuthMethod,
};
pub use outbound::{OutboundClient, OutboundError};
pub use provider::{AuthorizationRequest, CodeExchange, Provider};
pub use proxy::{OutboundProxy, OutboundProxyError};
pub use registry::{DuplicateProvider, Providers};
