//! What a permission token says.

use std::collections::BTreeSet;

use serde_json::json;
use vestibule_test_support::TestDatabase;
use vestibule_test_support::forge::parts_of;

use super::plugins::PluginFolder;
use super::{authorize, granted};
use crate::world::World;

#[tokio::test(flavor = "multi_thread")]
async fn e2_the_token_says_exactly_what_the_plugin_answered_and_for_whom() {
    let world = World::on(TestDatabase::sqlite()).await;
    let token = world.sign_in("google", "ada").await;
    let id = world.profile(&token).await["id"].clone();
    let permissions = json!({"provider-token": format!("storage-{}", id.as_str().unwrap())});

    let answer = granted(&world, &token, "storage").await;
    assert_eq!((&answer["userid"], &answer["service"]), (&id, &json!("storage")));
    assert_eq!(answer["permissions"], permissions);

    let (header, mut claims) = parts_of(answer["token"].as_str().unwrap());
    let jwks = world.browser().get("/.well-known/jwks.json").await.json();
    assert_eq!(header, json!({"alg": "RS256", "typ": "permission+jwt", "kid": jwks["keys"][0]["kid"]}));
    let mut take = |name: &str| claims.as_object_mut().unwrap().remove(name).unwrap();
    let (issued, expires) = (take("iat").as_i64().unwrap(), take("exp").as_i64().unwrap());
    assert_eq!(expires - issued, 900, "a quarter of an hour");
    assert!(take("jti").as_str().unwrap().len() >= 22, "at least 128 random bits");
    let rest = json!({
        "iss": world.program.base_url(), "sub": id, "userid": id, "service": "storage", "permissions": permissions,
    });
    assert_eq!(claims, rest, "and no audience, which the verifiers of existing services would refuse");
}

/// Numbers of all sizes, as their shortest texts.
fn decimals() -> Vec<f64> {
    let known = [0.1 + 0.2, f64::MAX, f64::MIN_POSITIVE, 5e-324, 2.225_073_858_507_201e-308, 1.0 / 3.0];
    let next = |bits: &u64| {
        Some(bits.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407))
    };
    let others = std::iter::successors(Some(1), next).map(f64::from_bits).filter(|number| number.is_finite());
    known.into_iter().chain(others.take(120)).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn e2_every_decimal_of_an_answer_arrives_as_it_was_in_the_answer_and_in_the_token() {
    let script = json!({"decimals": decimals()}).to_string();
    let folder = PluginFolder::with_scripted(&script);
    let world = World::builder(TestDatabase::sqlite())
        .setting("PLUGIN_PATH", &folder.path())
        .setting("SCRIPT", &folder.script())
        .setting("ALLOWED_SERVICES", "storage:scripted")
        .start()
        .await;
    let token = world.sign_in("google", "ada").await;
    let answer = authorize(&world, &token, "storage").await;
    assert!(answer.body.contains(script.trim_matches(['{', '}'])), "{} in {}", script, answer.body);
    let claims = parts_of(answer.json()["token"].as_str().unwrap()).1;
    let arrived = claims["permissions"]["decimals"].as_array().unwrap().iter();
    let arrived: Vec<_> = arrived.map(|number| number.as_f64().unwrap().to_bits()).collect();
    assert_eq!(arrived, decimals().into_iter().map(f64::to_bits).collect::<Vec<_>>());
}

#[tokio::test(flavor = "multi_thread")]
async fn e2_a_permission_token_holds_no_address_and_no_name() {
    let world = World::on(TestDatabase::sqlite()).await;
    let token = world.sign_in("google", "ada").await;
    let profile = world.profile(&token).await;
    let claims = parts_of(granted(&world, &token, "storage").await["token"].as_str().unwrap()).1.to_string();
    for member in ["email", "name", "avatar_url", "provider_id"] {
        assert!(!claims.contains(profile[member].as_str().unwrap()), "{member} in {claims}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn e2_only_the_user_token_says_who_asks() {
    let world = World::on(TestDatabase::sqlite()).await;
    let (ada, linus) = (world.sign_in("google", "ada").await, world.sign_in("google", "linus").await);
    let id = async |token: &str| world.profile(token).await["id"].as_str().unwrap().to_owned();
    let (ada_id, linus_id) = (id(&ada).await, id(&linus).await);
    for parameter in ["userid", "user_id", "sub", "id", "idhash"] {
        let address = format!("/auth/authorize?service=storage&{parameter}={linus_id}");
        let answer = world.get_as(&ada, &address).await;
        assert_eq!((answer.status.as_u16(), &answer.json()["userid"]), (200, &json!(ada_id)), "{parameter}");
        assert!(!answer.body.contains(&linus_id), "{parameter}: {}", answer.body);
    }
    let anonymous = world.browser().get(&format!("/auth/authorize?service=storage&userid={linus_id}")).await;
    assert_eq!(anonymous.json(), json!({"permissions": {}}));
}

#[tokio::test(flavor = "multi_thread")]
async fn each_service_has_a_token_of_its_own_and_each_person_too() {
    let world = World::on(TestDatabase::sqlite()).await;
    let mut seen = BTreeSet::new();
    for persona in ["ada", "linus"] {
        let token = world.sign_in("google", persona).await;
        for service in ["storage", "reports"] {
            let answer = granted(&world, &token, service).await;
            let claims = parts_of(answer["token"].as_str().unwrap()).1;
            assert_eq!(claims["service"], service);
            let expected = format!("{service}-{}", claims["sub"].as_str().unwrap());
            assert_eq!(claims["permissions"]["provider-token"], expected.as_str());
            assert!(seen.insert(claims["jti"].to_string()), "{persona}, {service}: a token of somebody else");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_with_a_token_is_kept_by_nobody() {
    let world = World::on(TestDatabase::sqlite()).await;
    let token = world.sign_in("google", "ada").await;
    for address in ["storage", "unknown"] {
        let answer = authorize(&world, &token, address).await;
        assert_eq!(answer.header("cache-control"), Some("no-store"));
        assert_eq!(answer.header("referrer-policy"), Some("no-referrer"));
        assert!(answer.header("content-type").unwrap().starts_with("application/json"));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_life_of_a_permission_token_is_a_setting() {
    let world = World::builder(TestDatabase::sqlite()).setting("PERMISSION_TOKEN_TTL", "90s").start().await;
    let token = world.sign_in("google", "ada").await;
    let claims = parts_of(granted(&world, &token, "storage").await["token"].as_str().unwrap()).1;
    assert_eq!(claims["exp"].as_i64().unwrap() - claims["iat"].as_i64().unwrap(), 90);
}
