//! What a test works with: a migrated database of its own, people, and a fixed point in time.

use std::sync::Arc;

use tokio::sync::Barrier;
use tokio::task::JoinSet;
use vestibule_domain::{
    AccountLinking, Actor, AddressTrust, AuditEvent, AuditName, AvatarUrl, ClientInfo, ConfiguredProvider,
    ConfiguredProviders, DisplayName, EmailAddress, EmailKnowledge, IdentityKey, ProviderName, Session,
    SessionId, SystemRandom, Timestamp, UpstreamClaims, UpstreamProfile, User, UserId, UserIdScheme,
};
use vestibule_storage::{DatabaseUrl, SignIn, SignInOutcome, Storage, StorageOptions};
use vestibule_test_support::TestDatabase;

/// Writes a test once and runs it on SQLite and on PostgreSQL, each on a database of its own.
macro_rules! on_both_databases {
    ($(async fn $name:ident($bench:ident: &Bench) $body:block)*) => {
        $(mod $name {
            #[allow(unused_imports, reason = "each test uses some of its file's imports")]
            use super::*;
            use $crate::bench::{Bench, on_database};
            use vestibule_test_support::TestDatabase;

            async fn test($bench: &Bench) $body

            #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn sqlite() {
                on_database(TestDatabase::sqlite(), async |bench| test(bench).await).await;
            }

            #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn postgres() {
                on_database(TestDatabase::postgres(), async |bench| test(bench).await).await;
            }
        })*
    };
}
pub(crate) use on_both_databases;

pub(crate) const GOOGLE: &str = "https://accounts.google.com";
pub(crate) const GITHUB: &str = "https://github.com";
pub(crate) const THIRD: &str = "https://third.example";

/// One hour, in seconds.
pub(crate) const HOUR: i64 = 3_600;

/// So many seconds after the moment at which tests happen.
pub(crate) fn at(seconds: i64) -> Timestamp {
    Timestamp::from_seconds(1_900_000_000 + seconds)
}

/// An event for a write whose audit trail a test does not look at.
pub(crate) fn event() -> AuditEvent {
    AuditEvent::new(AuditName::ServiceStarted, Actor::Service, at(0))
}

pub(crate) struct Bench {
    pub(crate) storage: Storage,
    pub(crate) database: TestDatabase,
}

pub(crate) async fn on_database(database: TestDatabase, test: impl AsyncFnOnce(&Bench)) {
    let bench = Bench { storage: connect(&database), database };
    bench.storage.migrate().await.expect("an empty database can be migrated");
    test(&bench).await;
    bench.database.assert_consistent();
}

pub(crate) fn connect(database: &TestDatabase) -> Storage {
    connect_without_providers(database).with_providers(all_trusted())
}

/// The same, where nothing counts.
pub(crate) fn connect_without_providers(database: &TestDatabase) -> Storage {
    let url = DatabaseUrl::parse(database.url()).expect("an address");
    Storage::connect(&url, &StorageOptions::default()).expect("connections")
}

/// The providers of the tests, all of whose addresses count.
pub(crate) fn all_trusted() -> ConfiguredProviders {
    let all = [GOOGLE, GITHUB, THIRD].map(|issuer| configured(issuer, AddressTrust::VERIFIED));
    ConfiguredProviders::new(all.into())
}

/// A provider of the tests.
pub(crate) fn configured(issuer: &str, addresses: AddressTrust) -> ConfiguredProvider {
    ConfiguredProvider { name: name_of(issuer), issuer: issuer.to_owned(), addresses }
}

/// Under which name the tests have an issuer.
pub(crate) fn name_of(issuer: &str) -> ProviderName {
    let name = match issuer {
        GOOGLE => "google",
        GITHUB => "github",
        _ => "third",
    };
    ProviderName::parse(name).expect("a name")
}

/// A sign-in that came through.
#[derive(Debug, Clone)]
pub(crate) struct SignedIn {
    pub(crate) user: User,
    pub(crate) session: Session,
    pub(crate) is_new: bool,
}

impl Bench {
    /// Another program on the same database.
    pub(crate) fn replica(&self) -> Storage {
        connect(&self.database)
    }

    pub(crate) async fn sign_in(&self, profile: &UpstreamProfile) -> SignedIn {
        self.sign_in_as(profile, |_| {}).await
    }

    pub(crate) async fn sign_in_as(
        &self,
        profile: &UpstreamProfile,
        change: impl FnOnce(&mut SignIn),
    ) -> SignedIn {
        signed_in(try_sign_in(&self.storage, profile, change).await)
    }

    pub(crate) async fn is_live(&self, signed_in: &SignedIn, now: Timestamp) -> bool {
        let found = self.storage.find_live_session(&signed_in.session.id, &signed_in.user.id, now).await;
        found.expect("an answer").is_some()
    }

    pub(crate) async fn user(&self, id: &UserId) -> User {
        self.storage.find_user(id).await.expect("an answer").expect("a user")
    }

    pub(crate) async fn count_users(&self) -> usize {
        self.storage.list_users(None, 1_000).await.expect("users").len()
    }
}

pub(crate) fn signed_in(outcome: SignInOutcome) -> SignedIn {
    match outcome {
        SignInOutcome::SignedIn { user, session, is_new } => SignedIn { user, session, is_new },
        SignInOutcome::Disabled => panic!("the user is disabled"),
        SignInOutcome::EmailUnknown => panic!("the address is not known"),
    }
}

/// Signs in with linking by verified address, random ids and a session of a day, changed as the test likes.
pub(crate) async fn try_sign_in(
    storage: &Storage,
    profile: &UpstreamProfile,
    change: impl FnOnce(&mut SignIn),
) -> SignInOutcome {
    let mut sign_in = SignIn {
        profile: profile.clone(),
        client: ClientInfo::new(Some("test"), Some("192.0.2.1".to_owned())),
        linking: AccountLinking::VerifiedEmail,
        id_scheme: UserIdScheme::Random,
        new_user_id: UserId::random(&SystemRandom),
        session_id: SessionId::random(&SystemRandom),
        now: at(0),
        expires_at: at(24 * HOUR),
        browser: None,
    };
    change(&mut sign_in);
    storage.finish_sign_in(sign_in).await.expect("a sign-in")
}

/// A person at a provider, without an address.
pub(crate) fn person(issuer: &str, subject: &str) -> UpstreamProfile {
    UpstreamProfile {
        provider: name_of(issuer),
        identity: IdentityKey { issuer: issuer.to_owned(), subject: subject.to_owned() },
        login: Some(format!("login-{subject}")),
        name: DisplayName::clean("Ada Lovelace"),
        avatar_url: AvatarUrl::clean("https://pictures.example/ada.png"),
        verified_email: None,
        unverified_email: None,
        email_knowledge: EmailKnowledge::Complete,
        auth_time: None,
        claims: UpstreamClaims::default(),
        organizations: Vec::new(),
    }
}

/// A person with an address that the provider verified.
pub(crate) fn verified(issuer: &str, subject: &str, text: &str) -> UpstreamProfile {
    UpstreamProfile { verified_email: Some(address(text)), ..person(issuer, subject) }
}

pub(crate) fn address(text: &str) -> EmailAddress {
    EmailAddress::parse(text).expect("an address")
}

/// Starts everything at once and waits for all of it.
pub(crate) async fn all_at_once<F>(tasks: Vec<F>) -> Vec<F::Output>
where
    F: Future<Output: Send> + Send + 'static,
{
    let barrier = Arc::new(Barrier::new(tasks.len()));
    let mut running = JoinSet::new();
    for task in tasks {
        let barrier = Arc::clone(&barrier);
        running.spawn(async move {
            barrier.wait().await;
            task.await
        });
    }
    running.join_all().await
}
