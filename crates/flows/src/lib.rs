//! The use cases of the service: start a sign-in, finish it, check a session, authorize a service, choose a username,
//! look up a profile, sign out; and what an administrator does ([`Administration`]).
//!
//! **Owns** the order in which things happen and every decision about who may do what. **Does not own** HTTP: an error
//! says who is at fault ([`FlowError`]), never which status that becomes.
//!
//! To add a use case, give it a file in the folder of its area, with one public method on [`Flows`]. A use case that acts for
//! somebody takes a [`Principal`] or a narrower proof, which only `authn` can make; none takes a token.

mod account;
mod admin;
mod authn;
mod error;
#[cfg(any(test, fuzzing))]
#[doc(hidden)]
pub mod fuzzing;
mod grants;
mod limits;
mod observer;
mod permissions;
mod readiness;
mod role_accounts;
mod sessions;
mod sign_in;
#[cfg(test)]
mod testing;
mod tokens;

use std::sync::Arc;
use std::time::Duration;

use vestibule_domain::{
    AccountLinking, AllowedOrigins, Apps, Clock, ExternalAddress, OnceEach, PublicUrls, SecureRandom, UserId,
    UserIdScheme,
};
use vestibule_plugin_host::PluginHost;
use vestibule_storage::{Change, Record, RecordKind, Storage};
use vestibule_tokens::TokenService;
use vestibule_upstream::Providers;

pub use account::{PublicProfile, UsernameOutcome};
pub use admin::{
    AdminError, Administration, AuditSelection, ExplainedPermissions, GrantedRole, IdentityDetails,
    IdentityStanding, Leftovers, NamedOrganization, NamedSubject, NamedUser, ReservedServiceRule,
    RoleDetails, RoleRequest, UserDetails, describe_user, require_configured_provider,
};
pub use authn::{
    Act, Acting, Administrator, Authentication, Authority, BearerPlace, Changing, Credentials, Ending,
    FreshActing, FullPerson, InvalidCredential, Looking, Making, Pausing, Principal, Rights, SessionCookie,
    SessionNarrowing, SessionToEnd, View, Whose,
};
pub use error::{CallbackRefusal, FlowError, PermissionError, SignInError};
pub use grants::{CurrentToken, GrantNarrowing, GrantRequest, GrantRules, Lender, TokenPair};
pub use limits::{AccountRates, RateLimiter, TokenRates};
pub use observer::{AuthorizationResult, FlowObserver, IssuedToken, SignInResult};
pub use permissions::{PermissionDecision, PermissionGrant};
pub use readiness::Readiness;
pub use role_accounts::{
    RoleAccountAuthority, RoleAccountError, RoleAccountMaker, RoleAccountMakers, RoleAccountRequest,
};
pub use sessions::{
    DataChange, DataOutcome, ProviderLink, ProviderTitle, SeenVersion, SessionCheck, SessionDataWriter,
    SessionRecord,
};
pub use sign_in::{
    BrowserSecret, Callback, FinishedSignIn, HintError, OwnSignIn, ProviderRefusal, SignInHints,
    StartedSignIn, StepUpNotice,
};
pub use tokens::{MadeToken, RotationRequest, TokenError, TokenLife, TokenRequest, TokenRules, TokenTerms};
// Lets all that a request asks of the database take no longer together than its time budget. Belongs around a request, once.
pub use vestibule_storage::{
    ApiTokenPlace, GrantPage, GrantPlace, RoleAccountChanges, VersionedData, with_time_budget,
};
// Parts of our answers, so that `http` need not know the crate that makes them.
pub use vestibule_tokens::{Jwk, JwkSet, PublishedKeys};

use authn::{SessionCache, TokenCredentials};
use permissions::TokenCache;

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
    /// How long the session of a user token lasts.
    pub session_ttl: Duration,
    /// Whether pages of the service itself know people by a cookie.
    pub session_cookie: bool,
    /// The apps behind the service.
    pub apps: Apps,
    /// How recent a fresh sign-in is.
    pub step_up_age: Duration,
    /// For how long after it was last known to be alive a session still counts for a check while the database does not
    /// answer. Zero: it does not.
    pub outage_grace: Duration,
    /// Whether an unchanged permission token is given again while half of its life is ahead.
    pub permission_token_reuse: bool,
    /// How often one account may ask for what costs something.
    pub account_rates: AccountRates,
    /// Who makes role accounts.
    pub role_accounts: RoleAccountMakers,
    /// How long tokens of people and role accounts live.
    pub token_rules: TokenRules,
    /// How long access tokens and refresh tokens live.
    pub grant_rules: GrantRules,
    /// How often they may be used.
    pub token_rates: TokenRates,
}

impl FlowSettings {
    /// The addresses of the service that others are told.
    pub fn urls(&self) -> PublicUrls<'_> {
        PublicUrls(&self.external_address)
    }

    /// Where the session cookies of browsers belong to; `None` where there are none.
    pub fn cookie_address(&self) -> Option<&ExternalAddress> {
        self.session_cookie.then_some(&self.external_address)
    }
}

/// What the flows work with.
pub struct Dependencies {
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
    pub randomness: Arc<dyn SecureRandom>,
    /// Counts what people do.
    pub observer: Arc<dyn FlowObserver>,
}

/// Cached answers of plugins about a user are dropped when another replica changes the user, as it is when this one does.
fn forget_what_changes(dependencies: &Dependencies) {
    if !dependencies.storage.may_have_replicas() {
        return;
    }
    // Not owned: the plugins end when the service drops them, also while observers remain.
    let plugins = Arc::downgrade(&dependencies.plugins);
    dependencies.storage.changes().subscribe(move |change| {
        let Some(plugins) = plugins.upgrade() else { return };
        match change {
            Change::Of(Record { kind: RecordKind::User, id }) => match UserId::parse(id) {
                Ok(user) => plugins.forget_user(&user),
                Err(_) => plugins.forget_everybody(),
            },
            Change::Everything => plugins.forget_everybody(),
            // An answer of one session is not used in another, nor one of a credential.
            Change::Of(Record { kind: RecordKind::Session | RecordKind::Credential, .. }) => {}
        }
    });
}

/// The use cases, ready to run.
pub struct Flows {
    settings: FlowSettings,
    dependencies: Dependencies,
    token_cache: TokenCache,
    limiter: RateLimiter,
    session_cache: SessionCache,
    token_credentials: TokenCredentials,
    /// The providers with a person whose address counts for nothing because it is not verified.
    unverified_emails: OnceEach,
}

impl Flows {
    /// Joins the dependencies under these settings.
    pub fn new(settings: FlowSettings, dependencies: Dependencies) -> Self {
        let session_cache = SessionCache::new(dependencies.storage.clone());
        let token_credentials = TokenCredentials::new(dependencies.storage.clone());
        forget_what_changes(&dependencies);
        Self {
            settings,
            dependencies,
            token_cache: TokenCache::new(),
            limiter: RateLimiter::new(),
            session_cache,
            token_credentials,
            unverified_emails: OnceEach::default(),
        }
    }

    /// What the operator decided.
    pub fn settings(&self) -> &FlowSettings {
        &self.settings
    }

    /// The token service, for its public keys.
    pub fn tokens(&self) -> &TokenService {
        &self.dependencies.tokens
    }
}
