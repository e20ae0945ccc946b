//! What the tests of flows share: a database of their own, people who have signed in, and a clock that stands still.

use vestibule_domain::{
    AccountLinking, AddressTrust, ClientInfo, Clock, ConfiguredProvider, ConfiguredProviders, DisplayName,
    EmailAddress, EmailKnowledge, IdentityKey, ProviderName, Session, SessionId, SystemRandom, Timestamp,
    UpstreamClaims, UpstreamProfile, User, UserId, UserIdScheme,
};
use vestibule_storage::{DatabaseUrl, SignIn, SignInOutcome, Storage, StorageOptions};
use vestibule_test_support::TestDatabase;

pub(crate) const GOOGLE: &str = "https://accounts.google.com";
pub(crate) const GITHUB: &str = "https://github.com";

/// So many seconds after the moment at which tests happen.
pub(crate) fn at(seconds: i64) -> Timestamp {
    Timestamp::from_seconds(1_900_000_000 + seconds)
}

/// A clock that stands still.
pub(crate) struct StoppedClock(pub(crate) Timestamp);

impl Clock for StoppedClock {
    fn now(&self) -> Timestamp {
        self.0
    }
}

/// Connects to a database, where Google and GitHub are configured.
pub(crate) fn connect(database: &TestDatabase) -> Storage {
    connect_with(database, &[GOOGLE, GITHUB])
}

/// The same, with these providers alone.
pub(crate) fn connect_with(database: &TestDatabase, issuers: &[&str]) -> Storage {
    let configured = |issuer: &&str| ConfiguredProvider {
        name: name_of(issuer),
        issuer: (*issuer).to_owned(),
        addresses: AddressTrust::VERIFIED,
    };
    let url = DatabaseUrl::parse(database.url()).unwrap();
    let storage = Storage::connect(&url, &StorageOptions::default()).unwrap();
    storage.with_providers(ConfiguredProviders::new(issuers.iter().map(configured).collect()))
}

fn name_of(issuer: &str) -> ProviderName {
    ProviderName::parse(if issuer == GITHUB { "github" } else { "google" }).unwrap()
}

/// A person at a provider, without an address.
pub(crate) fn person(issuer: &str, subject: &str) -> UpstreamProfile {
    UpstreamProfile {
        provider: name_of(issuer),
        identity: IdentityKey { issuer: issuer.to_owned(), subject: subject.to_owned() },
        login: None,
        name: DisplayName::clean("Ada Lovelace"),
        avatar_url: None,
        verified_email: None,
        unverified_email: None,
        email_knowledge: EmailKnowledge::Complete,
        auth_time: None,
        claims: UpstreamClaims::default(),
        organizations: Vec::new(),
    }
}

/// The same, with an address that the provider verified.
pub(crate) fn verified(issuer: &str, subject: &str, address: &str) -> UpstreamProfile {
    UpstreamProfile { verified_email: Some(EmailAddress::parse(address).unwrap()), ..person(issuer, subject) }
}

/// Signs a person in for an hour, under this id if it is the first time.
pub(crate) async fn sign_in_as(storage: &Storage, profile: UpstreamProfile, id: &str) -> (User, Session) {
    let sign_in = SignIn {
        profile,
        client: ClientInfo::default(),
        linking: AccountLinking::VerifiedEmail,
        id_scheme: UserIdScheme::Random,
        new_user_id: UserId::parse(id).unwrap(),
        session_id: SessionId::random(&SystemRandom),
        now: at(0),
        expires_at: at(3600),
        browser: None,
    };
    match storage.finish_sign_in(sign_in).await.unwrap() {
        SignInOutcome::SignedIn { user, session, .. } => (user, session),
        SignInOutcome::Disabled => panic!("the user is disabled"),
        SignInOutcome::EmailUnknown => panic!("the address is not known"),
    }
}
