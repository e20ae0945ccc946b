//! A browser in which somebody is signed in at the service itself.

use reqwest::Method;
use serde_json::Value;
use vestibule_test_support::{Answer, Client};

use crate::world::World;

/// On plain http; see docs/sessions.md.
pub(crate) const SESSION_COOKIE: &str = "vestibule-session";

/// The browser, on a page of the service.
pub(crate) struct SignedIn(Client);

impl SignedIn {
    /// After a sign-in by this provider, in a browser of its own.
    pub(crate) async fn by(world: &World, provider: &str, persona: &str) -> Self {
        let browser = Self(world.browser());
        browser.sign_in_again(world, provider, persona).await;
        browser
    }

    /// One more sign-in in the same browser.
    pub(crate) async fn sign_in_again(&self, world: &World, provider: &str, persona: &str) {
        let callback = world.reach_callback(&self.0, provider, persona, "/account").await;
        let answer = self.0.get(callback.as_str()).await;
        assert_eq!(answer.status, 303, "{}", answer.body);
    }

    /// The value of the session cookie.
    pub(crate) fn cookie(&self) -> String {
        self.0.cookie(SESSION_COOKIE).expect("a session cookie")
    }

    /// A request of a page of the service, with JSON if there is any.
    pub(crate) async fn ask(&self, method: Method, path: &str, json: Option<&Value>) -> Answer {
        let request = self.0.request(method, path).header("sec-fetch-site", "same-origin");
        let request = json.into_iter().fold(request, |request, json| {
            request.header("content-type", "application/json").body(json.to_string())
        });
        self.0.send(request).await
    }

    /// Makes a token, of the person or, at the address of a role account's tokens, of that.
    pub(crate) async fn make_token(&self, path: &str, asked: &Value) -> Value {
        let made = self.ask(Method::POST, path, Some(asked)).await;
        assert_eq!(made.status, 201, "{}", made.body);
        made.json()
    }

    /// Lends to a program, for as long as may be.
    pub(crate) async fn make_pair(&self, lent: &[(&str, &str)]) -> Value {
        let request = self.0.request(Method::POST, "/auth/token").header("sec-fetch-site", "same-origin");
        let fields = [&[("grant_type", "session"), ("client_name", "Phone")], lent].concat();
        let made = self.0.send(request.form(&fields)).await;
        assert_eq!(made.status, 200, "{}", made.body);
        made.json()
    }
}
