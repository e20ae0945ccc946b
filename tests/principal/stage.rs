//! A service with somebody who has a credential of each kind, on a clock that the test moves.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use aws_lc_rs::digest::{SHA256, digest};
use reqwest::{Method, RequestBuilder};
use serde_json::{Value, json};
use vestibule_test_support::{Answer, Client, MovableClock, TestDatabase};

use super::credentials::{Credential, Kind, Lends, Way};
use super::handle::session_handle;
use crate::signed_in::SignedIn;
use crate::world::{World, pem_in};

/// A little more than `STEP_UP_AGE`.
const NOT_FRESH_ANY_MORE: Duration = Duration::from_secs(16 * 60);
/// Where the app lives whose pages may keep data in a session.
pub(super) const APP_ORIGIN: &str = "https://app.example.com";
/// Ada, as a page of the service shows her.
pub(super) const PERSON: &str = "Ada Moreau";

/// The service, and what there is until an act has ended it.
pub(super) struct Stage {
    pub(super) world: World,
    clock: Arc<MovableClock>,
    /// Sends all requests; it has no cookies of its own.
    client: Client,
    /// The id of another person. The first is an administrator.
    pub(super) another: String,
    credentials: BTreeMap<(Kind, Lends), Credential>,
    /// Another browser of the person, which makes tokens, and when the person signed in there.
    maker: Option<(SignedIn, i64)>,
    /// A user token of the same person, which looks at what came of an act.
    observer: Option<String>,
    /// The id of a personal token for acts to act upon.
    target: Option<String>,
    /// The id of a grant of the person.
    grant: Option<String>,
    /// The id of a role account of the person, once it is made.
    role_account: Option<String>,
    /// The id of a token of it.
    role_target: Option<String>,
}

impl Stage {
    pub(super) async fn set(database: TestDatabase) -> Self {
        let clock = Arc::new(MovableClock::new());
        let world = World::builder(database)
            .clock(&clock)
            .setting("TOKEN_HANDLERS", "keys:sample-tokens")
            .setting("ROLE_ACCOUNTS", "users")
            .setting("RATE_LIMIT_TOKEN_CREATE_PER_ACCOUNT", "1000/1m")
            .setting("RATE_LIMIT_TOKEN_FAILURE_PER_ADDRESS", "off")
            .config(&settings())
            .without_limits()
            .start()
            .await;
        world.command(&["role-accounts", "create", "backup"]).await;
        let ada = world.profile(&world.sign_in("google", "ada").await).await["id"].clone();
        let grant = ["roles", "grant", "--role", "Administrator", "--service", "vestibule", "--user"];
        world.command(&[&grant[..], &[ada.as_str().unwrap()]].concat()).await;
        let another = world.profile(&world.sign_in("google", "linus").await).await["id"].clone();
        let client = world.browser();
        let another = another.as_str().unwrap().to_owned();
        Self {
            world,
            clock,
            client,
            another,
            credentials: BTreeMap::new(),
            maker: None,
            observer: None,
            target: None,
            grant: None,
            role_account: None,
            role_target: None,
        }
    }

    /// A living credential for this way of using it.
    pub(super) async fn credential(&mut self, kind: Kind, way: Way) -> Credential {
        let (key, now) = ((kind, way.lends), self.clock.now_seconds());
        let known = self.credentials.get(&key).filter(|known| match kind {
            Kind::BrowserCookie => !way.is_fresh || is_fresh(known.since, now),
            // These live a quarter of an hour at most.
            Kind::PermissionToken | Kind::SessionHandle => false,
            // It lives for an hour.
            Kind::AccessToken => self.clock.now_seconds() - known.since < 30 * 60,
            _ => true,
        });
        let credential = match known {
            Some(known) => known.clone(),
            None => self.make(kind, way.lends).await,
        };
        if kind == Kind::BrowserCookie && !way.is_fresh && is_fresh(credential.since, now) {
            self.clock.advance(NOT_FRESH_ANY_MORE);
        }
        self.credentials.insert(key, credential.clone());
        credential
    }

    /// The id of a personal token that is alive and was not replaced.
    pub(super) async fn target(&mut self) -> String {
        if self.target.is_none() {
            let made = self.make_token(Lends::OtherScope).await;
            self.target = Some(made["id"].as_str().unwrap().to_owned());
        }
        self.target.clone().unwrap()
    }

    /// The id of a grant that is alive.
    pub(super) async fn grant(&mut self) -> String {
        if self.grant.is_none() {
            self.make_pair(Lends::OtherScope).await;
            let observer = self.observer().await;
            let list = self.send(Method::GET, "/auth/grants", |it| it.bearer_auth(&observer)).await.json();
            self.grant = Some(list["grants"][0]["id"].as_str().unwrap().to_owned());
        }
        self.grant.clone().unwrap()
    }

    /// The ids of a role account of the person and of a token of it that is alive and was not replaced.
    pub(super) async fn role_target(&mut self) -> (String, String) {
        if self.role_account.is_none() {
            let observer = self.observer().await;
            let person = self.world.profile(&observer).await["id"].as_str().unwrap().to_owned();
            let made = self.told(&["role-accounts", "create", "deploy", "--owner", &person, "--json"]).await;
            self.role_account = Some(made["id"].as_str().unwrap().to_owned());
        }
        if self.role_target.is_none() {
            self.told(&["role-accounts", "token", "create", "deploy", "--name", "n", "--json"]).await;
            let listed = self.told(&["role-accounts", "token", "list", "deploy", "--json"]).await;
            self.role_target = Some(listed["id"].as_str().unwrap().to_owned());
        }
        (self.role_account.clone().unwrap(), self.role_target.clone().unwrap())
    }

    /// The first object that a command prints.
    async fn told(&self, arguments: &[&str]) -> Value {
        let printed = self.world.command(arguments).await;
        serde_json::from_str(printed.lines().next().unwrap()).unwrap()
    }

    /// What there was of the person and of this credential may have ended: it is made anew when it is needed again.
    pub(super) fn forget(&mut self, ended: Kind) {
        let outlives = |kind: Kind| matches!(kind, Kind::RoleToken | Kind::HandlerToken);
        self.credentials.retain(|(kind, _), _| outlives(*kind) && *kind != ended);
        (self.maker, self.observer) = (None, None);
        (self.target, self.grant, self.role_target) = (None, None, None);
    }

    /// What an act can change: the person, the person's tokens and grants, and whether this credential counts. That a session of the person is
    /// alive is what tells.
    pub(super) async fn state(&mut self, credential: &Credential) -> Value {
        let observer = self.observer().await;
        let see = async |address: &str| {
            self.send(Method::GET, address, |it| it.bearer_auth(&observer)).await.json()
        };
        let (profile, tokens) = (see("/auth/check").await["profile"].clone(), see("/auth/tokens").await);
        let told = |token: &Value| json!([token["id"], token["name"], token["scopes"], token["expires_at"]]);
        let told = |list: Value| -> Vec<_> {
            list["tokens"].as_array().expect("a session").iter().map(told).collect()
        };
        let grants = see("/auth/grants").await;
        let role_accounts = see("/auth/role_accounts").await;
        let of_role_account = match &self.role_account {
            Some(account) => told(see(&format!("/auth/role_accounts/{account}/tokens")).await),
            None => vec![],
        };
        json!({"profile": profile, "tokens": told(tokens), "grants": grants, "role_accounts": role_accounts, "theirs": of_role_account,
            "counts": self.is_alive(credential).await})
    }

    /// Whether a credential is good, whatever it lends.
    pub(super) async fn is_alive(&self, credential: &Credential) -> bool {
        self.send(Method::GET, "/auth/session", |request| credential.put(request, Way::USUAL)).await.status
            != 401
    }

    pub(super) async fn send(
        &self,
        method: Method,
        address: &str,
        build: impl FnOnce(RequestBuilder) -> RequestBuilder,
    ) -> Answer {
        self.client.send(build(self.client.request(method, address))).await
    }

    async fn observer(&mut self) -> String {
        if self.observer.is_none() {
            self.observer = Some(self.world.sign_in("google", "ada").await);
        }
        self.observer.clone().unwrap()
    }

    async fn make(&mut self, kind: Kind, lends: Lends) -> Credential {
        let since = self.clock.now_seconds();
        let text = match kind {
            Kind::BrowserCookie => SignedIn::by(&self.world, "google", "ada").await.cookie(),
            Kind::UserToken => self.world.sign_in("google", "ada").await,
            Kind::PermissionToken => self.permission_token().await,
            Kind::SessionHandle => self.session_handle().await,
            Kind::PersonalToken => self.make_token(lends).await["token"].as_str().unwrap().to_owned(),
            Kind::RoleToken => self.role_token(lends).await,
            Kind::AccessToken => self.make_pair(lends).await["access_token"].as_str().unwrap().to_owned(),
            Kind::RefreshToken => self.make_pair(lends).await["refresh_token"].as_str().unwrap().to_owned(),
            Kind::HandlerToken => foreign(lends).to_owned(),
        };
        Credential { kind, text, since }
    }

    async fn permission_token(&mut self) -> String {
        let observer = self.observer().await;
        let granted = self.world.get_as(&observer, "/auth/authorize?service=storage").await.json();
        granted["token"].as_str().unwrap().to_owned()
    }

    async fn session_handle(&mut self) -> String {
        let observer = self.observer().await;
        let key = pem_in(&self.world.program.keys_dir());
        session_handle(&key, &observer, "wiki", self.clock.now_seconds())
    }

    /// Another browser of the person, who has just signed in there.
    async fn maker(&mut self) -> &SignedIn {
        let now = self.clock.now_seconds();
        let maker = match self.maker.take().filter(|(_, since)| is_fresh(*since, now)) {
            Some(maker) => maker,
            None => (SignedIn::by(&self.world, "google", "ada").await, now),
        };
        &self.maker.insert(maker).0
    }

    /// A pair of tokens, which no session ends.
    async fn make_pair(&mut self, lends: Lends) -> Value {
        let lent = [("services", lends.service()), ("scope", &lends.scopes().join(" "))];
        self.maker().await.make_pair(&lent).await
    }

    /// A personal token.
    async fn make_token(&mut self, lends: Lends) -> Value {
        let asked = json!({"name": "a", "services": [lends.service()], "scopes": lends.scopes()});
        self.maker().await.make_token("/auth/tokens", &asked).await
    }

    async fn role_token(&self, lends: Lends) -> String {
        let command =
            ["role-accounts", "token", "create", "backup", "--name", "n", "--service", lends.service()];
        let scopes = lends.scopes().iter().flat_map(|scope| ["--scope", scope]);
        let arguments: Vec<&str> = command.into_iter().chain(scopes).collect();
        self.world.command(&arguments).await
    }
}

/// Whether a sign-in counts as fresh for some time to come.
fn is_fresh(sign_in: i64, now: i64) -> bool {
    now - sign_in < 14 * 60
}

/// A token that others have made, by what the handler says that it lends.
fn foreign(lends: Lends) -> &'static str {
    match lends {
        Lends::Fitting => "ghp_fitting",
        Lends::OtherScope => "ghp_other_scope",
        Lends::OtherService => "ghp_other_service",
    }
}

/// An app, and what the token handler knows.
fn settings() -> String {
    let lines = Lends::ALL.map(|lends| {
        let digest = digest(&SHA256, foreign(lends).as_bytes());
        let digest = digest.as_ref().iter().fold(String::new(), |text, byte| text + &format!("{byte:02x}"));
        let (service, scopes) = (lends.service(), lends.scopes());
        format!("{digest:?} = {{ uid = \"builds\", services = [{service:?}], scopes = {scopes:?} }}\n")
    });
    format!("[apps.wiki]\norigin = {APP_ORIGIN:?}\n[plugin.keys.config.tokens]\n{}", lines.concat())
}
