//! Three replicas, their database, a provider and the proxy.

use std::path::PathBuf;

use reqwest::Method;
use tempfile::TempDir;
use url::Url;
use vestibule_provider_emulator::{Control, Emulator, Persona};
use vestibule_test_support::{
    Answer, Client, Program, ProgramBuilder, TestDatabase, login_address, with_parameter,
};

use super::haproxy::Haproxy;
use crate::world::{APP, TRUSTED, emulator_options, point_at, registered_at};

/// What the replicas share, from which any number of them can be made.
pub(crate) struct Site {
    pub(super) proxy: Haproxy,
    pub(super) emulator: Emulator,
    pub(super) database: TestDatabase,
    keys: TempDir,
}

/// A site with replicas that run.
pub(crate) struct Fleet {
    pub(crate) replicas: Vec<Program>,
    pub(crate) site: Site,
}

impl Site {
    /// An empty database, no key, and a proxy that does not run yet.
    pub(crate) async fn new() -> Self {
        Self::on(TestDatabase::postgres()).await
    }

    pub(super) async fn on(database: TestDatabase) -> Self {
        let proxy = Haproxy::new();
        let redirect_uris = registered_at(&proxy.base_url());
        let options = emulator_options(redirect_uris);
        let emulator = Emulator::start(options).await.expect("a free port");
        Self { proxy, emulator, database, keys: tempfile::tempdir().unwrap() }
    }

    /// One more replica, not started: it differs from the others in its own port and folder alone.
    pub(crate) fn replica(&self) -> ProgramBuilder {
        let program = Program::builder()
            .setting("EXTERNAL_ADDRESS", &self.proxy.base_url())
            .setting("DATABASE_URL", self.database.url())
            .setting("KEYS_DIR", &self.keys_dir().display().to_string())
            .setting("ALLOWED_ORIGINS", "https://app.example.com")
            .setting("ALLOWED_SERVICES", "storage:sample-permissions")
            .setting("TRUSTED_PROXIES", "127.0.0.1")
            // Few people ask for everything here.
            .setting("RATE_LIMIT_SIGN_IN_PER_ADDRESS", "off")
            .setting("RATE_LIMIT_SIGN_IN_PER_ACCOUNT", "off")
            .setting("RATE_LIMIT_AUTHORIZE_PER_ADDRESS", "off")
            .setting("RATE_LIMIT_UPDATE_PER_ADDRESS", "off")
            // Longer than the documented proxy needs to notice.
            .setting("DRAIN_DELAY", "3s");
        point_at(program, &self.emulator, "", TRUSTED)
    }

    pub(super) fn keys_dir(&self) -> PathBuf {
        self.keys.path().join("keys")
    }

    pub(crate) async fn generate_keys(&self) {
        let made = self.replica().run(&["keys", "generate"]).await;
        assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
    }

    pub(super) fn control(&self) -> Control {
        self.emulator.control()
    }

    /// A browser that knows the service by its proxy.
    pub(super) fn browser(&self) -> Client {
        Client::new(&self.proxy.base_url())
    }

    /// An ordinary person whom nobody else is.
    pub(super) fn person(&self, number: u32) -> String {
        let id = format!("person-{number}");
        self.control().put_persona(Persona::ordinary(&id, &format!("Person {number}"), number + 1));
        id
    }
}

impl Fleet {
    /// Three replicas that started one after the other, without the proxy.
    pub(super) async fn new() -> Self {
        Self::at(Site::new().await).await
    }

    async fn at(site: Site) -> Self {
        site.generate_keys().await;
        let mut replicas = Vec::new();
        for _ in 0..3 {
            replicas.push(site.replica().start().await);
        }
        Self { replicas, site }
    }

    /// The same behind the proxy, which has found all three.
    pub(super) async fn behind_proxy() -> Self {
        Self::behind_proxy_on(TestDatabase::postgres()).await
    }

    pub(super) async fn behind_proxy_on(database: TestDatabase) -> Self {
        let mut fleet = Self::at(Site::on(database).await).await;
        let addresses: Vec<_> = fleet.replicas.iter().map(Program::base_url).collect();
        fleet.site.proxy.start(&addresses).await;
        fleet
    }

    /// The address of a replica, past the proxy.
    pub(super) fn address(&self, replica: usize) -> String {
        self.replicas[replica % self.replicas.len()].base_url()
    }

    /// A sign-in in a browser of its own that begins and ends at these replicas; the user token.
    pub(crate) async fn sign_in(&self, persona: &str, begin: usize, end: usize) -> String {
        let browser = self.site.browser();
        let callback = reach_callback(&browser, &self.address(begin), persona).await.expect("a callback");
        let answer = browser.get(&moved(&callback, &self.address(end))).await;
        assert_eq!(answer.status, 303, "{}", answer.body);
        answer.location_parameter("jwt").expect("a token")
    }

    /// What a replica says of a token.
    pub(super) async fn is_signed_in(&self, replica: usize, token: &str) -> bool {
        let browser = self.site.browser();
        let address = format!("{}/auth/check", self.address(replica));
        let answer = browser.send(browser.request(Method::GET, &address).bearer_auth(token)).await;
        assert_eq!(answer.status, 200, "{}", answer.body);
        answer.json()["authenticated"] == true
    }
}

/// Goes from the login address of the service at `base_url` to the provider, as this person; the address of the
/// callback, or the answer of the service that should have led to it and did not.
pub(super) async fn reach_callback(browser: &Client, base_url: &str, persona: &str) -> Result<Url, String> {
    let login = login_address(base_url, "google", APP);
    let answer = browser.try_send(browser.request(Method::GET, login.as_str())).await;
    let answer = answer.map_err(|error| format!("{error:?}")).and_then(|answer| with_status(answer, 303))?;
    let consent = with_parameter(&answer.location(), "persona", persona);
    Ok(browser.get(consent.as_str()).await.location())
}

/// The same address at another replica.
pub(super) fn moved(callback: &Url, base_url: &str) -> String {
    format!("{base_url}{}?{}", callback.path(), callback.query().unwrap())
}

pub(super) fn with_status(answer: Answer, status: u16) -> Result<Answer, String> {
    if answer.status == status { Ok(answer) } else { Err(format!("{}: {}", answer.status, answer.body)) }
}
