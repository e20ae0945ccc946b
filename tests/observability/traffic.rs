//! A day in the life of a service, in a second: something of everything that is counted and told of.

use vestibule_provider_emulator::{Endpoint, Fault, Lasting, Provider};
use vestibule_test_support::{Method, TestDatabase};

use crate::authorize::granted;
use crate::world::{APP, World, WorldBuilder};

/// A stage on which everything can be seen.
pub(super) fn stage(database: TestDatabase) -> WorldBuilder {
    World::builder(database)
        .setting("LOG_FORMAT", "json")
        .setting("LOG", "info,vestibule=debug")
        .with_metrics()
}

/// Runs it, and answers the metrics at its end.
pub(super) async fn run(world: &World) -> String {
    let token = sign_in(world).await;
    fail_to_sign_in(world).await;
    send_bad_tokens(world).await;
    let other = world.sign_in("google", "ada").await;
    for token in [&token, &other] {
        granted(world, token, "storage").await;
    }
    world.get_as(&token, "/auth/authorize?service=nowhere").await;
    world.post_as(&token, "/auth/logout", &[("all", "true")]).await;
    let rotated = world.program.run(&["keys", "rotate", "--activate-in", "1h"]).await;
    assert!(rotated.status.success());
    vestibule_test_support::eventually("the next key is known", async || {
        metrics(world).await.contains("vestibule_keys{state=\"next\"} 1")
    })
    .await;
    metrics(world).await
}

pub(super) async fn metrics(world: &World) -> String {
    world.admin().get("/metrics").await.body
}

/// Twice by one person, who chooses a username and signs out of one session.
async fn sign_in(world: &World) -> String {
    let token = world.sign_in("google", "ada").await;
    world.post_as(&token, "/auth/update", &[("username", "ada")]).await;
    let github = world.sign_in("github", "ada").await;
    world.post_as(&github, "/auth/logout", &[]).await;
    token
}

/// Of a provider that is down, of a person who says no, and by a callback that comes again or is another browser's.
async fn fail_to_sign_in(world: &World) {
    let browser = world.browser();
    let callback = world.reach_callback(&browser, "corporate", "ada", APP).await;
    assert_eq!(world.browser().get(callback.as_str()).await.status, 400);
    assert_eq!(browser.get(callback.as_str()).await.status, 303);
    assert_eq!(browser.get(callback.as_str()).await.status, 400);
    let control = world.control();
    control.inject(Provider::Github, Endpoint::Token, Fault::status(500, ""), Lasting::UntilCleared);
    world.fail_to_sign_in("github", "ada").await;
    control.clear_faults();
    assert_eq!(browser.get("/auth/oauth_callback?state=x&code=y").await.status, 400);
}

async fn send_bad_tokens(world: &World) {
    let browser = world.browser();
    for token in ["x", "a.b.c", &"x".repeat(5_000)] {
        let request = browser.request(Method::GET, "/auth/check").bearer_auth(token);
        assert_eq!(browser.send(request).await.json()["authenticated"], false);
    }
    browser.get("/auth/check?next=https://evil.example").await;
    browser.get("/auth/public-key").await;
    browser.get("/nowhere").await;
}
