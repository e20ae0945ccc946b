//! Tokens of every wrong kind and shape, on every endpoint that takes one.

mod claims;
mod headers;
mod kinds;
mod places;
mod sizes;

use reqwest::Method;
use serde_json::{Value, json};
use url::form_urlencoded;
use vestibule_test_support::Forge;

use crate::app::{TestApp, signing_key};
use crate::clients::ApiClient as _;

/// A service with one person signed in, and what it takes to forge tokens of that person.
struct Stage {
    app: TestApp,
    good: String,
    forge: Forge,
}

impl Stage {
    async fn set() -> Self {
        let app = TestApp::with_plugins().await;
        let good = app.sign_in("google", "ada").await;
        let forge = Forge::new(signing_key(), &good);
        Self { app, good, forge }
    }

    /// Every endpoint treats each of these tokens as nobody's, wherever it stands in the request. At the end the real
    /// one still counts, and nothing was done in its owner's name.
    async fn assert_refused(&self, cases: &[(String, String)]) {
        for (what, token) in cases {
            self.assert_refused_everywhere(what, token).await;
        }
        let profile = self.app.profile(&self.good).await;
        assert!(profile.get("username").is_none(), "{profile}");
    }

    async fn assert_refused_everywhere(&self, what: &str, token: &str) {
        let answer = self.app.with_token(token).get("/auth/check").await;
        assert_eq!(answer.status, 200, "{what}: {}", answer.body);
        assert_signed_out(&answer.json(), what);

        let browser = self.app.anonymous();
        let request = browser.request(Method::GET, "/auth/authorize?service=storage");
        let answer = browser.send(request.header("Auth-Token", token)).await;
        assert_eq!((answer.status.as_u16(), answer.json()), (200, json!({"permissions": {}})), "{what}");

        let answer = browser.post("/auth/update", &[("jwt", token), ("username", "mallory")]).await;
        let refused = json!({"success": false, "error": "not signed in"});
        assert_eq!((answer.status.as_u16(), answer.json()), (200, refused), "{what}");

        let escaped: String = form_urlencoded::byte_serialize(token.as_bytes()).collect();
        let request = browser.request(Method::POST, &format!("/auth/logout?all=true&jwt={escaped}"));
        let answer = browser.send(request).await;
        assert_eq!((answer.status.as_u16(), answer.json()), (200, json!({"success": true})), "{what}");
    }
}

fn assert_signed_out(answer: &Value, what: &str) {
    assert_eq!(answer["authenticated"], false, "{what}: {answer}");
    let providers: Vec<_> = answer["providers"].as_object().expect(what).keys().collect();
    assert_eq!(providers, ["corporate", "github", "google"], "{what}");
    assert_eq!(answer.as_object().unwrap().len(), 2, "{what}: {answer}");
}

/// The cases of a table whose labels are the values themselves.
fn labelled(cases: impl IntoIterator<Item = (Value, String)>) -> Vec<(String, String)> {
    cases.into_iter().map(|(label, token)| (label.to_string(), token)).collect()
}
