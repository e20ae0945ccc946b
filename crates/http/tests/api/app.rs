//! The service as the program assembles it, on a database, a clock and providers of its own.

mod builder;
mod clock;
mod keys;
mod providers;
mod roles;
mod sign_in;

use std::sync::Arc;

use poem::endpoint::BoxEndpoint;
use poem::{Endpoint as _, Response};
use tokio::task::JoinHandle;
use vestibule_flows::Flows;
use vestibule_provider_emulator::{Control, Emulator};
use vestibule_storage::Storage;
use vestibule_test_support::{Answer, Client, TestDatabase};

use crate::clients::{Anonymous, Browser, UserTokenClient, exchange};

pub(crate) use builder::TestAppBuilder;
pub(crate) use clock::TestClock;
pub(crate) use keys::signing_key;
pub(crate) use providers::CORPORATE_LABEL;
pub(crate) use roles::assignment;

use providers::ProviderChoice;

/// Where the service is reachable from outside, as far as it knows.
pub(crate) const EXTERNAL_ADDRESS: &str = "https://auth.example.com";

/// Where the frontend lives: an address of an allowed origin that nothing listens at.
pub(crate) const FRONTEND: &str = "https://app.example.com/welcome";

/// The names of all providers.
pub(crate) const PROVIDERS: [&str; 3] = ["google", "github", "corporate"];

/// A service in this process.
pub(crate) struct TestApp {
    endpoint: BoxEndpoint<'static, Response>,
    /// What the endpoint calls, for what no route gives yet.
    pub(crate) flows: Arc<Flows>,
    providers: ProviderChoice,
    pub(crate) emulator: Emulator,
    pub(crate) clock: Arc<TestClock>,
    pub(crate) storage: Storage,
    /// Makes requests for clients that keep nothing.
    pub(crate) requests: Client,
    feed: JoinHandle<()>,
    /// Removes its files when it is dropped: after everything that uses them.
    database: TestDatabase,
}

impl TestApp {
    /// The usual service, on SQLite: Google, GitHub and a corporate issuer, no plugins, no limits.
    pub(crate) async fn new() -> Self {
        Self::on(TestDatabase::sqlite()).await
    }

    /// The same on another database.
    pub(crate) async fn on(database: TestDatabase) -> Self {
        Self::builder(database).build().await
    }

    /// The usual service, with two services and an extension by the sample plugins.
    pub(crate) async fn with_plugins() -> Self {
        Self::builder(TestDatabase::sqlite()).plugins().build().await
    }

    pub(crate) fn builder(database: TestDatabase) -> TestAppBuilder {
        TestAppBuilder::new(database)
    }

    /// A client that shows no credential.
    pub(crate) fn anonymous(&self) -> Anonymous<'_> {
        Anonymous::new(self)
    }

    /// A client that shows this user token.
    pub(crate) fn with_token(&self, token: impl Into<String>) -> UserTokenClient<'_> {
        UserTokenClient::new(self, token.into())
    }

    /// A client with the token of this persona, who has just signed in by Google.
    pub(crate) async fn signed_in(&self, persona: &str) -> UserTokenClient<'_> {
        self.with_token(self.sign_in("google", persona).await)
    }

    /// A browser without cookies.
    pub(crate) fn browser(&self) -> Browser<'_> {
        Browser::new(self)
    }

    pub(crate) fn control(&self) -> Control {
        self.emulator.control()
    }

    /// What is in the database; see [`TestDatabase::contents`].
    pub(crate) fn written(&self) -> Vec<u8> {
        self.database.contents()
    }

    /// That nobody has become a user.
    pub(crate) async fn assert_no_user(&self) {
        let users = self.storage.list_users(None, 10).await.unwrap();
        assert!(users.is_empty(), "{users:?}");
    }

    /// Gives a request to the service, as the listener would.
    pub(crate) async fn call(&self, request: reqwest::Request) -> Answer {
        let (url, request) = exchange::to_poem(&request);
        let response = self.endpoint.call(request).await.expect("every error is answered");
        exchange::to_answer(url, response).await
    }
}

impl Drop for TestApp {
    fn drop(&mut self) {
        self.feed.abort();
    }
}
