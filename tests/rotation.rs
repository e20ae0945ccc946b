//! Keys come, sign, retire and are revoked while the service runs.

mod files;
mod forms;
mod listing;

use std::collections::BTreeSet;
use std::fs;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use rsa::RsaPrivateKey;
use rsa::pkcs8::{DecodePrivateKey as _, EncodePublicKey as _, LineEnding};
use serde_json::json;
use vestibule_test_support::forge::parts_of;
use vestibule_test_support::{Forge, MovableClock, TestDatabase, eventually};

use crate::authorize::granted;
use crate::world::{APP, World, WorldBuilder, pem_in};

const MINUTE: Duration = Duration::from_secs(60);
const DAY: Duration = Duration::from_secs(24 * 60 * 60);

/// The key that signs now, as whoever holds a user token sees it.
async fn signing_key(world: &World, token: &str) -> String {
    key_of(granted(world, token, "storage").await["token"].as_str().unwrap())
}

fn key_of(token: &str) -> String {
    parts_of(token).0["kid"].as_str().unwrap().to_owned()
}

/// The ids in the key set, in its order.
async fn published(world: &World) -> Vec<String> {
    let set = world.browser().get("/.well-known/jwks.json").await.json();
    set["keys"].as_array().unwrap().iter().map(|key| key["kid"].as_str().unwrap().to_owned()).collect()
}

/// The key files, sorted by name, which is by activation.
fn key_files(world: &World) -> Vec<PathBuf> {
    let entries = fs::read_dir(world.program.keys_dir()).unwrap().map(|entry| entry.unwrap().path());
    entries.collect::<BTreeSet<_>>().into_iter().collect()
}

/// The public half of the key in a file, as the service shows it.
fn public_pem(file: &PathBuf) -> String {
    let private = RsaPrivateKey::from_pkcs8_pem(&fs::read_to_string(file).unwrap()).unwrap();
    private.to_public_key().to_public_key_pem(LineEnding::LF).unwrap()
}

async fn keys(world: &World, arguments: &[&str]) -> String {
    let output = world.program.run(&[&["keys"], arguments].concat()).await;
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

async fn until_signed_by_another(world: &World, token: &str, old: &str) -> String {
    eventually("the new key signs", async || signing_key(world, token).await != old).await;
    signing_key(world, token).await
}

fn under(clock: &Arc<MovableClock>) -> WorldBuilder {
    World::builder(TestDatabase::sqlite()).clock(clock)
}

#[tokio::test(flavor = "multi_thread")]
async fn m2_a_rotation_takes_effect_in_a_running_service_and_nobody_notices() {
    let mut world = World::on(TestDatabase::sqlite()).await;
    let token = world.sign_in("google", "ada").await;
    let old = key_of(&token);
    let browser = world.browser();
    let begun = world.reach_callback(&browser, "github", "linus", APP).await;

    keys(&world, &["rotate"]).await;
    let new = until_signed_by_another(&world, &token, &old).await;
    assert_eq!(published(&world).await, [old.clone(), new.clone()]);
    let newest = key_files(&world).pop().unwrap();
    assert_eq!(world.browser().get("/auth/public-key").await.body, public_pem(&newest));

    assert!(world.is_signed_in(&token).await, "a token of the old key is as good as before");
    let finished = browser.get(begun.as_str()).await.location_parameter("jwt").expect("a token");
    assert_eq!(key_of(&finished), new, "a sign-in that was begun before finishes after");
    assert_eq!(key_of(&world.sign_in("google", "ada").await), new);
    world.program.restart().await;
    assert!(world.is_signed_in(&token).await && world.is_signed_in(&finished).await);
    assert_eq!(published(&world).await, [old, new]);
}

#[tokio::test(flavor = "multi_thread")]
async fn m2_each_of_several_rotations_in_a_row_takes_the_key_before_it_out_of_use() {
    let world = World::on(TestDatabase::sqlite()).await;
    let token = world.sign_in("google", "ada").await;
    for _ in 0..3 {
        keys(&world, &["rotate"]).await;
    }
    let newest = public_pem(&key_files(&world).pop().unwrap());
    let newest_shown = async || world.browser().get("/auth/public-key").await.body == newest;
    eventually("the last of them signs", newest_shown).await;
    assert_eq!(published(&world).await.len(), 4);
    assert_eq!(signing_key(&world, &token).await, *published(&world).await.last().unwrap());
}

#[tokio::test(flavor = "multi_thread")]
async fn m2_a_key_can_be_published_before_it_signs() {
    let clock = Arc::new(MovableClock::new());
    let world = under(&clock).start().await;
    let token = world.sign_in("google", "ada").await;
    let old = key_of(&token);
    keys(&world, &["rotate", "--activate-in", "1h"]).await;
    eventually("both are published", async || published(&world).await.len() == 2).await;
    clock.advance(59 * MINUTE);
    assert_eq!(key_of(&world.sign_in("google", "ada").await), old);
    clock.advance(MINUTE + Duration::from_secs(1));
    let fresh = world.sign_in("google", "ada").await;
    assert_eq!(vec![old, key_of(&fresh)], published(&world).await);
    assert!(world.is_signed_in(&token).await);
}

#[tokio::test(flavor = "multi_thread")]
async fn m2_an_old_key_retires_when_its_last_token_has_ended() {
    let clock = Arc::new(MovableClock::new());
    let world = under(&clock).start().await;
    let token = world.sign_in("google", "ada").await;
    let forge = Forge::new(&pem_in(&world.program.keys_dir()), &token);
    let old = key_of(&token);
    keys(&world, &["rotate"]).await;
    until_signed_by_another(&world, &token, &old).await;

    clock.advance(14 * DAY);
    clock.back(MINUTE);
    assert_eq!(published(&world).await.len(), 2);
    let fresh = world.sign_in("google", "ada").await;
    // What the thief of the old key would make: the claims of a good, young token.
    let stolen = forge.sign(&forge.header, &parts_of(&fresh).1);
    assert!(world.is_signed_in(&stolen).await, "the old key still counts, which the next step takes away");
    clock.advance(3 * MINUTE);
    assert!(!world.is_signed_in(&stolen).await && world.is_signed_in(&fresh).await);
    assert_eq!(published(&world).await, [key_of(&fresh)]);
}

#[tokio::test(flavor = "multi_thread")]
async fn m3_removing_a_key_ends_its_tokens_at_once_and_no_others() {
    let mut world = World::on(TestDatabase::sqlite()).await;
    let ended = world.sign_in("google", "ada").await;
    let old = key_of(&ended);
    keys(&world, &["rotate"]).await;
    let new = until_signed_by_another(&world, &ended, &old).await;
    let kept = world.sign_in("google", "ada").await;
    fs::remove_file(&key_files(&world)[0]).unwrap();
    eventually("the tokens of the removed key are dead", async || !world.is_signed_in(&ended).await).await;
    assert!(world.is_signed_in(&kept).await);
    assert_eq!(published(&world).await, [new]);
    world.program.restart().await;
    assert!(!world.is_signed_in(&ended).await && world.is_signed_in(&kept).await);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_folder_that_becomes_unusable_changes_nothing_but_the_log() {
    let world = World::on(TestDatabase::sqlite()).await;
    let token = world.sign_in("google", "ada").await;
    let before = published(&world).await;
    let rubbish = world.program.keys_dir().join("rubbish.pem");
    fs::write(&rubbish, "this is no key").unwrap();
    let complaint = async || world.program.logs().contains("the keys have changed and cannot be used");
    eventually("the log says so", complaint).await;
    assert!(world.program.logs().contains("rubbish.pem"), "{}", world.program.logs());
    assert_eq!(published(&world).await, before);
    assert!(world.is_signed_in(&token).await);
    assert_eq!(world.browser().get("/readyz").await.status, 200);

    fs::remove_file(rubbish).unwrap();
    keys(&world, &["rotate"]).await;
    until_signed_by_another(&world, &token, &before[0]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn m4_the_key_set_tells_public_numbers_and_nothing_else() {
    let world = World::on(TestDatabase::sqlite()).await;
    let answer = world.browser().get("/.well-known/jwks.json").await;
    let set = answer.json();
    assert_eq!(set.as_object().unwrap().keys().collect::<Vec<_>>(), ["keys"]);
    let key = &set["keys"][0];
    assert_eq!(key.as_object().unwrap().keys().collect::<Vec<_>>(), ["alg", "e", "kid", "kty", "n", "use"]);
    let expected =
        json!({"alg": "RS256", "e": "AQAB", "kid": key["kid"], "kty": "RSA", "n": key["n"], "use": "sig"});
    assert_eq!(*key, expected);
    assert_eq!(key["n"].as_str().unwrap().len(), 342, "2048 bits");
}
