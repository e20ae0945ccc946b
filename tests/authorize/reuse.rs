//! The same words are not signed twice, unless the operator wants it so.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use serde_json::{Value, json};
use vestibule_test_support::forge::parts_of;
use vestibule_test_support::{MovableClock, TestDatabase};

use super::granted;
use super::plugins::PluginFolder;
use crate::world::{World, WorldBuilder};

const MINUTE: Duration = Duration::from_secs(60);

fn with_script(folder: &PluginFolder) -> WorldBuilder {
    World::builder(TestDatabase::sqlite())
        .setting("PLUGIN_PATH", &folder.path())
        .setting("ALLOWED_SERVICES", "storage:scripted")
}

async fn token_for(world: &World, user_token: &str) -> String {
    granted(world, user_token, "storage").await["token"].as_str().unwrap().to_owned()
}

#[tokio::test(flavor = "multi_thread")]
async fn the_same_token_is_given_while_half_of_its_life_is_ahead() {
    let clock = Arc::new(MovableClock::new());
    let world = World::builder(TestDatabase::sqlite()).clock(&clock).start().await;
    let user = world.sign_in("google", "ada").await;
    let first = token_for(&world, &user).await;
    clock.advance(7 * MINUTE);
    assert_eq!(token_for(&world, &user).await, first);
    clock.advance(MINUTE);
    let second = token_for(&world, &user).await;
    assert_ne!(second, first, "eight of fifteen minutes are over");
    assert_eq!(token_for(&world, &user).await, second);
    clock.advance(60 * MINUTE);
    let third = token_for(&world, &user).await;
    assert!(third != first && third != second);
    let expires = parts_of(&third).1["exp"].as_i64().unwrap();
    assert!(expires > clock.now_seconds() + 800, "a whole life is ahead");
    clock.back(30 * MINUTE);
    assert_ne!(token_for(&world, &user).await, third, "it comes from the future");
}

#[tokio::test(flavor = "multi_thread")]
async fn e9_changed_permissions_make_a_new_token_at_once() {
    let folder = PluginFolder::with_scripted(r#"{"admin": true}"#);
    let world = with_script(&folder).start().await;
    let user = world.sign_in("google", "ada").await;
    let first = token_for(&world, &user).await;
    assert_eq!(token_for(&world, &user).await, first);
    folder.write_script(r#"{"admin": false}"#);
    let second = granted(&world, &user, "storage").await;
    assert_eq!(second["permissions"], json!({"admin": false}));
    let claims = parts_of(second["token"].as_str().unwrap()).1;
    assert_eq!(claims["permissions"], json!({"admin": false}));
    // What was taken away counts at most for the rest of the life of the token that grants it.
    let stale = parts_of(&first).1;
    assert_eq!(stale["exp"].as_i64().unwrap() - stale["iat"].as_i64().unwrap(), 900);
    folder.write_script(r#"{"admin": true}"#);
    let back: Value = parts_of(&token_for(&world, &user).await).1;
    assert_eq!(back["permissions"], json!({"admin": true}));
}

#[tokio::test(flavor = "multi_thread")]
async fn the_plugin_is_asked_afresh_each_time_also_when_a_token_could_be_given_again() {
    let folder = PluginFolder::with_scripted(r#"{"read": true}"#);
    let world = with_script(&folder).start().await;
    let user = world.sign_in("google", "ada").await;
    let first = token_for(&world, &user).await;
    folder.write_script("later");
    let answer = super::authorize(&world, &user, "storage").await;
    super::assert_unavailable(&answer, "2", "a kept token does not stand in for an answer");
    folder.write_script(r#"{"read": true}"#);
    assert_eq!(token_for(&world, &user).await, first);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_kept_token_is_given_to_its_owner_alone_and_not_after_the_session() {
    let folder = PluginFolder::with_scripted(r#"{"read": true}"#);
    let world = with_script(&folder).start().await;
    let (ada, linus) = (world.sign_in("google", "ada").await, world.sign_in("google", "linus").await);
    let first = token_for(&world, &ada).await;
    let other = token_for(&world, &linus).await;
    assert_ne!(parts_of(&first).1["sub"], parts_of(&other).1["sub"]);
    world.post_as(&ada, "/auth/logout", &[]).await;
    let answer = super::authorize(&world, &ada, "storage").await;
    assert_eq!(answer.json(), json!({"permissions": {}}));
}

#[tokio::test(flavor = "multi_thread")]
async fn reuse_can_be_switched_off() {
    let world = World::builder(TestDatabase::sqlite()).setting("PERMISSION_TOKEN_REUSE", "off").start().await;
    let user = world.sign_in("google", "ada").await;
    let mut ids = BTreeSet::new();
    for _ in 0..5 {
        ids.insert(parts_of(&token_for(&world, &user).await).1["jti"].to_string());
    }
    assert_eq!(ids.len(), 5);
}
