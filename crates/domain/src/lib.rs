//! The words of the business: who a user is, what a session is, where a sign-in may lead.
//!
//! **Owns** the types that carry the rules: ids, e-mail addresses, usernames, origins, `next`, profiles, and
//! the two arguments that everything else takes instead of asking the machine: [`Clock`] and [`SecureRandom`].
//! **Does not own** any I/O, storage layout, token format or HTTP.
//!
//! To add a rule about a value, give the value a type here whose only way in is a parsing function; the rest of
//! the workspace then cannot hold a value that breaks the rule.

mod administrator_role;
mod app;
mod audit;
mod callback;
mod clock;
mod clock_reading;
mod configured;
mod credential;
mod destination;
mod email;
mod epoch_table;
mod error_chain;
#[cfg(any(test, fuzzing))]
#[doc(hidden)]
pub mod fuzzing;
mod grant;
mod identity;
mod ids;
mod jitter;
mod json_depth;
mod lent;
mod log_throttle;
mod memory;
mod next;
mod once_each;
mod organization;
mod origin;
mod own_page;
mod patch;
mod profile;
mod rate;
mod role;
mod role_account;
mod scope;
mod secret_digest;
mod secure_random;
mod service;
mod services;
mod session;
mod session_data;
mod text_list;
mod upstream_claims;
mod urls;
mod user;
mod user_context;
mod username;

pub use administrator_role::AdministratorRole;
pub use app::{App, Apps};
pub use audit::{Actor, AuditEvent, AuditName, UnknownEvent};
pub use callback::CallbackPath;
pub use clock::{Clock, SystemClock, Timestamp};
pub use clock_reading::{ClockDifference, ClockReading};
pub use configured::{AddressSet, AddressTrust, ConfiguredProvider, ConfiguredProviders, EmailVerification};
pub use credential::CredentialKind;
pub use destination::Destination;
pub use email::{EmailAddress, EmailError};
pub use epoch_table::EpochTable;
pub use error_chain::error_chain;
pub use grant::Grant;
pub use identity::{
    AccountLinking, EmailKnowledge, IdentityKey, ProviderName, ProviderNameError, UpstreamProfile,
    UserIdScheme,
};
pub use ids::{
    ApiTokenId, AttemptId, GrantId, IdError, RoleAssignmentId, SessionId, TokenId, UserId, looks_like_user_id,
};
pub use jitter::jitter;
pub use lent::{
    ApiToken, ApiTokenChanges, ApiTokenKind, LentLimits, Metadata, MetadataError, NarrowingError, TokenName,
    TokenNameError, lent_permissions,
};
pub use log_throttle::LogThrottle;
pub use memory::heap_bytes;
pub use next::{Next, NextError, NextUrl};
pub use once_each::OnceEach;
pub use organization::{Membership, Organization, OrganizationError, OrganizationId, OrganizationLogin};
pub use origin::{AllowedOrigins, ExternalAddress, Origin, OriginError};
pub use own_page::OwnPage;
pub use patch::{PatchError, UserPatch};
pub use profile::{Attributes, AvatarUrl, DisplayName};
pub use rate::{Rate, RateError};
pub use role::{EmailDomain, EmailDomainError, RoleAssignment, RoleName, RoleNameError, RoleSubject};
pub use role_account::{Description, DescriptionError, RoleAccount};
pub use scope::{Scope, ScopeError, Scopes};
pub use secret_digest::SecretDigest;
pub use secure_random::{SecureRandom, SystemRandom};
pub use service::{ServiceName, ServiceNameError};
pub use services::{Services, ServicesError};
pub use session::{ClientInfo, Session, SessionKind, SessionLimits};
pub use session_data::{SessionData, SessionDataError};
pub use upstream_claims::{ClaimError, UpstreamClaims, find_claim};
pub use urls::PublicUrls;
pub use user::{User, UserKind};
pub use user_context::{LinkedIdentity, UserContext};
pub use username::{Username, UsernameError};
