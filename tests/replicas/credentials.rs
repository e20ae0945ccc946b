//! What is revoked, narrowed, disabled or taken away at one replica is so at all of them, for every kind of credential, while each answers
//! from memory; also at one whose connections to the database a firewall forgets at that moment, so that it is told of nothing.

use std::time::Instant;

use reqwest::Method;
use serde_json::{Value, json};
use tempfile::TempDir;
use url::Url;
use vestibule_test_support::{Answer, Client, Relay, eventually, login_address, with_parameter};

use super::stage::{Fleet, Site, moved};
use crate::signed_in::SESSION_COOKIE;

/// Questions that are asked before an act, so that the answer comes from memory, and after it, so that it is for good.
const OFTEN: usize = 20;
/// The replica behind the network that fails.
const BEHIND_RELAY: usize = 2;

/// What stands for somebody.
enum Holder {
    Cookie(String),
    Bearer(String),
}

/// Three replicas, of which the last has a network of its own to the database.
struct Trio {
    fleet: Fleet,
    relay: Relay,
    is_cut: bool,
    _rules: TempDir,
}

impl Trio {
    async fn start(is_cut: bool) -> Self {
        let rules = tempfile::tempdir().unwrap();
        let file = rules.path().join("roles.toml");
        std::fs::write(&file, "database = true\n").unwrap();
        let config = format!("[plugin.storage]\nconfig = {{ file = \"{}\" }}\n", file.display());
        let site = Site::new().await;
        site.generate_keys().await;
        let port = Url::parse(site.database.url()).unwrap().port().expect("a port");
        let relay = Relay::to(port).await;
        let mut replicas = Vec::new();
        for number in 0..3 {
            let replica = site.replica().setting("ALLOWED_SERVICES", "storage:roles").config(&config);
            let replica = if number == BEHIND_RELAY {
                replica.setting("DATABASE_URL", &relay.before(site.database.url()))
            } else {
                replica
            };
            replicas.push(replica.start().await);
        }
        Self { fleet: Fleet { replicas, site }, relay, is_cut, _rules: rules }
    }

    /// The cookie of a browser in which somebody signed in at the first replica.
    async fn cookie(&self, persona: &str) -> Holder {
        let browser = self.fleet.site.browser();
        let login = login_address(&self.fleet.address(0), "google", "/account");
        let consent = browser.get(login.as_str()).await.location();
        let callback = browser.get(with_parameter(&consent, "persona", persona).as_str()).await.location();
        let answer = browser.get(&moved(&callback, &self.fleet.address(0))).await;
        assert_eq!(answer.status, 303, "{}", answer.body);
        Holder::Cookie(browser.cookie(SESSION_COOKIE).expect("a session cookie"))
    }

    async fn user_token(&self, persona: &str) -> Holder {
        Holder::Bearer(self.fleet.sign_in(persona, 0, 0).await)
    }

    /// A personal token of whoever holds the cookie: its id, and itself.
    async fn personal_token(&self, cookie: &Holder) -> (String, Holder) {
        let asked = json!({"name": "a", "services": ["storage"], "scopes": ["profile", "permissions"]});
        let made = self.send(0, cookie, Method::POST, "/auth/tokens", Some(asked)).await;
        assert_eq!(made.status, 201, "{}", made.body);
        let text = |member: &str| made.json()[member].as_str().unwrap().to_owned();
        (text("id"), Holder::Bearer(text("token")))
    }

    /// The access token of what is lent for long by whoever holds the cookie.
    async fn access_token(&self, cookie: &str) -> Holder {
        let client = Client::new(&self.fleet.address(0));
        let request = client.request(Method::POST, "/auth/token").header("sec-fetch-site", "same-origin");
        let request = request.header("cookie", format!("{SESSION_COOKIE}={cookie}"));
        let pair = client.send(request.form(&[("grant_type", "session"), ("client_name", "Phone")])).await;
        assert_eq!(pair.status, 200, "{}", pair.body);
        Holder::Bearer(pair.json()["access_token"].as_str().unwrap().to_owned())
    }

    async fn send(
        &self,
        replica: usize,
        holder: &Holder,
        method: Method,
        path: &str,
        json: Option<Value>,
    ) -> Answer {
        let client = Client::new(&self.fleet.address(replica));
        let request = client.request(method, path);
        let request = match holder {
            Holder::Cookie(cookie) => {
                let request = request.header("cookie", format!("{SESSION_COOKIE}={cookie}"));
                request.header("sec-fetch-site", "same-origin")
            }
            Holder::Bearer(token) => request.bearer_auth(token),
        };
        let request = json.into_iter().fold(request, |request, json| {
            request.header("content-type", "application/json").body(json.to_string())
        });
        client.send(request).await
    }

    async fn get(&self, replica: usize, holder: &Holder, path: &str) -> Answer {
        self.send(replica, holder, Method::GET, path, None).await
    }

    /// Runs a command of the program: one process more.
    async fn command(&self, arguments: &[&str]) -> String {
        let output = self.fleet.replicas[0].run(arguments).await;
        assert!(output.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).unwrap().trim_end().to_owned()
    }

    async fn id_of(&self, holder: &Holder) -> String {
        self.get(0, holder, "/auth/session").await.json()["uid"].as_str().unwrap().to_owned()
    }

    /// That every replica answers from memory as before the act, until the act, and never after it.
    async fn sees(
        &self,
        what: &str,
        holder: &Holder,
        path: &str,
        is_as_before: fn(&Answer) -> bool,
        act: impl AsyncFnOnce(),
    ) {
        for replica in 0..3 {
            eventually(what, async || is_as_before(&self.get(replica, holder, path).await)).await;
            for _ in 0..OFTEN {
                assert!(is_as_before(&self.get(replica, holder, path).await), "{what}: before, at {replica}");
            }
        }
        if self.is_cut {
            self.relay.forget_connections();
        }
        act().await;
        for replica in 0..3 {
            let began = Instant::now();
            eventually(what, async || {
                let answer = self.get(replica, holder, path).await;
                // Who cannot ask the database says so, and believes nothing.
                answer.status != 503 && !is_as_before(&answer)
            })
            .await;
            println!("{what}, at {replica}: {:?}", began.elapsed());
        }
        for replica in 0..3 {
            for _ in 0..OFTEN {
                let answer = self.get(replica, holder, path).await;
                assert!(!is_as_before(&answer), "{what}: after, at {replica}: {}", answer.body);
            }
        }
    }
}

fn is_found(answer: &Answer) -> bool {
    answer.status == 200
}

fn may_write(answer: &Answer) -> bool {
    answer.status == 200 && answer.json()["permissions"]["write"] == true
}

const SESSION: &str = "/auth/session";

async fn sessions_and_people(trio: &Trio) {
    let cookie = trio.cookie("ada").await;
    trio.sees("a cookie after a sign-out", &cookie, SESSION, is_found, async || {
        trio.send(0, &cookie, Method::POST, "/auth/logout?session=cookie", None).await;
    })
    .await;
    let token = trio.user_token("ada").await;
    trio.sees("a user token after a sign-out", &token, SESSION, is_found, async || {
        trio.send(0, &token, Method::POST, "/auth/logout", None).await;
    })
    .await;
    let (cookie, other) = (trio.cookie("ada").await, trio.user_token("ada").await);
    trio.sees("a session that ends from elsewhere", &cookie, SESSION, is_found, async || {
        trio.send(0, &other, Method::POST, "/auth/logout?all=true", None).await;
    })
    .await;
    let cookie = trio.cookie("grace").await;
    let (id, (_, token)) = (trio.id_of(&cookie).await, trio.personal_token(&cookie).await);
    for replica in 0..3 {
        assert!(is_found(&trio.get(replica, &token, SESSION).await));
    }
    trio.sees("the cookie of a person who is disabled", &cookie, SESSION, is_found, async || {
        trio.command(&["users", "disable", &id]).await;
    })
    .await;
    for replica in 0..3 {
        assert_eq!(trio.get(replica, &token, SESSION).await.status, 401, "and that of the program");
    }
}

async fn tokens(trio: &Trio) {
    let cookie = trio.cookie("linus").await;
    let ((_, token), person) = (trio.personal_token(&cookie).await, trio.id_of(&cookie).await);
    let authorize = "/auth/authorize?service=storage";
    trio.command(&["roles", "grant", "--role", "Writer", "--user", &person]).await;
    trio.sees("a role that is taken away", &token, authorize, may_write, async || {
        trio.command(&["roles", "revoke", "--role", "Writer", "--user", &person]).await;
    })
    .await;
    let (id, token) = trio.personal_token(&cookie).await;
    trio.sees("a token that lends less", &token, SESSION, is_found, async || {
        let less = json!({"scopes": ["permissions"]});
        trio.send(0, &cookie, Method::PATCH, &format!("/auth/tokens/{id}"), Some(less)).await;
    })
    .await;
    let (id, token) = trio.personal_token(&cookie).await;
    trio.sees("a token that is revoked", &token, SESSION, is_found, async || {
        trio.send(0, &cookie, Method::DELETE, &format!("/auth/tokens/{id}"), None).await;
    })
    .await;
    let Holder::Cookie(text) = &cookie else { unreachable!("it is a cookie") };
    let access = trio.access_token(text).await;
    trio.sees("what was lent, after its program has signed out", &access, SESSION, is_found, async || {
        trio.send(0, &access, Method::POST, "/auth/logout", None).await;
    })
    .await;
    trio.command(&["role-accounts", "create", "backup"]).await;
    let make =
        ["role-accounts", "token", "create", "backup", "--name", "n", "--scope", "profile", "--service", "*"];
    let token = Holder::Bearer(trio.command(&make).await);
    trio.sees("the token of a role account that is disabled", &token, SESSION, is_found, async || {
        trio.command(&["role-accounts", "disable", "backup"]).await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn h17_what_is_over_at_one_replica_is_over_at_all() {
    let trio = Trio::start(false).await;
    sessions_and_people(&trio).await;
    tokens(&trio).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn h17_what_is_over_is_over_also_where_nothing_is_told() {
    let trio = Trio::start(true).await;
    sessions_and_people(&trio).await;
    tokens(&trio).await;
}
