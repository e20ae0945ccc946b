//! The use cases of the service: start a sign-in, finish it, check a session, authorize a service, choose a username,
//! look somebody up, sign out.
//!
//! **Owns** the order in which things happen and every decision about who may do what. **Does not own** HTTP: an error
//! says who is at fault ([`FlowError`]), never which status that becomes.
//!
//! To add a use case, give it a file with one public method on [`Flows`]. A use case that acts for somebody takes a
//! [`Principal`], which only [`Flows::authenticate`] can make.

mod attempt;
mod authorize;
mod browser;
mod check;
mod error;
mod finish_sign_in;
#[cfg(any(test, fuzzing))]
#[doc(hidden)]
pub mod fuzzing;
mod limits;
mod lookup;
mod observer;
mod principal;
mod readiness;
mod reuse;
mod sessions;
mod sign_out;
mod start_sign_in;
mod username;
mod written;

use std::sync::Arc;
use std::time::Duration;

use vestibule_domain::{
    AccountLinking, AllowedOrigins, CallbackPath, Clock, ExternalAddress, ProviderName, Randomness,
    UserIdScheme,
};
use vestibule_plugin_host::PluginHost;
use vestibule_storage::{Change, Storage};
use vestibule_tokens::TokenService;
use vestibule_upstream::Providers;

pub use authorize::{Authorization, Grant};
pub use browser::BrowserSecret;
pub use check::{ProviderLink, SessionCheck};
pub use error::{CallbackRefusal, FlowError};
pub use finish_sign_in::Callback;
pub use limits::{AccountRates, RateLimiter};
pub use lookup::PublicProfile;
pub use observer::{AuthorizationResult, FlowObserver, IssuedToken, SignInResult};
pub use principal::Principal;
pub use readiness::Readiness;
pub use start_sign_in::StartedSignIn;
pub use username::UsernameOutcome;
pub use written::Written;
// Parts of our answers, so that `http` need not know the crate that makes them.
pub use vestibule_tokens::{Jwk, JwkSet, PublishedKeys};

use reuse::TokenReuse;
use sessions::Sessions;

/// What the operator decided about the flows.
#[derive(Debug, Clone)]
pub struct FlowSettings {
    /// Where the service is reachable from outside.
    pub external_address: ExternalAddress,
    /// Where `next` may lead.
    pub allowed_origins: AllowedOrigins,
    /// What an unknown identity with a known verified address becomes.
    pub account_linking: AccountLinking,
    /// How ids of new users are made.
    pub user_id_scheme: UserIdScheme,
    /// How long a sign-in session lasts.
    pub session_ttl: Duration,
    /// For how long after it was last known to be alive a session still counts for a check while the database does not
    /// answer. Zero: it does not.
    pub outage_grace: Duration,
    /// Whether an unchanged permission token is given again while half of its life is ahead.
    pub permission_token_reuse: bool,
    /// How often one account may ask for what costs something.
    pub account_rates: AccountRates,
}

impl FlowSettings {
    /// The redirect URI that is to be registered at a provider.
    pub fn redirect_uri(&self, provider: &ProviderName) -> String {
        self.external_address.join(&CallbackPath::of(provider).to_string())
    }
}

/// What the flows work with.
pub struct Parts {
    /// Users, identities and sessions.
    pub storage: Storage,
    /// Signs and verifies.
    pub tokens: Arc<TokenService>,
    /// The configured providers.
    pub providers: Providers,
    /// The loaded plugins.
    pub plugins: Arc<PluginHost>,
    /// The time.
    pub clock: Arc<dyn Clock>,
    /// Unpredictable bytes.
    pub randomness: Arc<dyn Randomness>,
    /// Whoever counts.
    pub observer: Arc<dyn FlowObserver>,
}

/// What plugins said about somebody is forgotten when another replica changes the user, as it is when this one does.
fn forget_what_changes(parts: &Parts) {
    if !parts.storage.may_have_replicas() {
        return;
    }
    // Not owned: the plugins end when the service lets them go, whoever still listens.
    let plugins = Arc::downgrade(&parts.plugins);
    parts.storage.changes().subscribe(move |change| {
        let Some(plugins) = plugins.upgrade() else { return };
        match change {
            Change::User(user) => plugins.forget_user(user),
            Change::Anything => plugins.forget_everybody(),
            // An answer of one session is not used in another.
            Change::Session(_) => {}
        }
    });
}

/// The use cases, ready to run.
pub struct Flows {
    settings: FlowSettings,
    parts: Parts,
    reuse: TokenReuse,
    limiter: RateLimiter,
    sessions: Sessions,
}

impl Flows {
    /// Joins the parts under these settings.
    pub fn new(settings: FlowSettings, parts: Parts) -> Self {
        let sessions = Sessions::new(parts.storage.clone());
        forget_what_changes(&parts);
        Self { settings, parts, reuse: TokenReuse::new(), limiter: RateLimiter::new(), sessions }
    }

    /// What the operator decided.
    pub fn settings(&self) -> &FlowSettings {
        &self.settings
    }

    /// The token service, for its public keys.
    pub fn tokens(&self) -> &TokenService {
        &self.parts.tokens
    }

    /// Where a sign-in without `next` ends: the service's own page.
    fn home(&self) -> String {
        self.settings.external_address.join("/")
    }
}
