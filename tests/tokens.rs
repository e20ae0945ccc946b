//! Tokens of every wrong kind and shape, on every endpoint that takes one.

mod claims;
pub(crate) mod clocks;
mod forge;
mod headers;
mod kinds;
mod places;
mod revocation;
mod sizes;
mod time;

pub(crate) use forge::{Forge, message, parts_of, without};

use reqwest::Method;
use serde_json::{Value, json};
use url::form_urlencoded;
use vestibule_test_support::TestDatabase;

use crate::world::World;

/// A world with one person signed in, and what it takes to forge tokens of that person.
struct Stage {
    world: World,
    good: String,
    forge: Forge,
}

impl Stage {
    async fn set() -> Self {
        let world = World::on(TestDatabase::sqlite()).await;
        let good = world.sign_in("google", "ada").await;
        let forge = Forge::new(&world.program.keys_dir(), &good);
        Self { world, good, forge }
    }

    /// Every endpoint treats each of these tokens as nobody's, wherever it stands in the request. At the end the real
    /// one still counts, and nothing was done in its owner's name.
    async fn assert_refused(&self, cases: &[(String, String)]) {
        for (what, token) in cases {
            self.assert_refused_everywhere(what, token).await;
        }
        let profile = self.world.profile(&self.good).await;
        assert!(profile.get("username").is_none(), "{profile}");
    }

    async fn assert_refused_everywhere(&self, what: &str, token: &str) {
        let browser = self.world.browser();
        let request = browser.request(Method::GET, "/auth/check").bearer_auth(token);
        let answer = browser.send(request).await;
        assert_eq!(answer.status, 200, "{what}: {}", answer.body);
        assert_signed_out(&answer.json(), what);

        let request = browser.request(Method::GET, "/auth/authorize?service=storage");
        let answer = browser.send(request.header("Auth-Token", token)).await;
        assert_eq!((answer.status.as_u16(), answer.json()), (200, json!({"permissions": {}})), "{what}");

        let answer = browser.post_form("/auth/update", &[("jwt", token), ("username", "mallory")]).await;
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
