//! K8, F7: how often one address and one account may ask.

use std::collections::BTreeMap;
use std::sync::Arc;

use tokio::task::JoinSet;
use url::form_urlencoded;
use vestibule_test_support::{Answer, Method, TestDatabase};

use crate::world::{APP, World, WorldBuilder};

/// The tests are on loopback, which is the proxy; clients are who it says they are.
pub(super) fn behind_a_proxy() -> WorldBuilder {
    World::builder(TestDatabase::sqlite()).setting("TRUSTED_PROXIES", "127.0.0.1")
}

/// So slow that nothing is earned back while a test runs.
const FIVE: &str = "5/20h";

async fn ask_from(world: &World, forwarded: &str, address: &str) -> Answer {
    let browser = world.browser();
    browser.send(browser.request(Method::GET, address).header("x-forwarded-for", forwarded)).await
}

pub(super) fn login() -> String {
    let next: String = form_urlencoded::byte_serialize(APP.as_bytes()).collect();
    format!("/auth/login/google?next={next}")
}

/// How often each status is among the answers.
async fn burst<F: Future<Output = Answer> + Send + 'static>(
    count: u32,
    ask: impl Fn(u32) -> F,
) -> BTreeMap<u16, u32> {
    let answers: JoinSet<Answer> = (0..count).map(ask).collect();
    let mut statuses = BTreeMap::new();
    for answer in answers.join_all().await {
        *statuses.entry(answer.status.as_u16()).or_default() += 1;
        if answer.status == 429 {
            assert_refused(&answer);
        }
    }
    statuses
}

fn assert_refused(answer: &Answer) {
    assert_eq!(answer.status, 429, "{}", answer.body);
    let wait: u64 = answer.header("retry-after").expect("a refusal says when to come back").parse().unwrap();
    assert!((1..=20 * 60 * 60).contains(&wait), "{wait}");
    assert_eq!(answer.json()["error"], "too_many_requests", "{}", answer.body);
    assert_eq!(answer.header("cache-control"), Some("no-store"));
}

#[tokio::test(flavor = "multi_thread")]
async fn k8_of_a_parallel_burst_of_sign_ins_exactly_as_many_begin_as_are_allowed() {
    let world = Arc::new(behind_a_proxy().setting("RATE_LIMIT_SIGN_IN_PER_ADDRESS", FIVE).start().await);
    let statuses = burst(40, |number| {
        let world = Arc::clone(&world);
        // Another query each time, and another pretended client in front of the one that the proxy saw.
        let (forwarded, address) =
            (format!("198.51.100.{number}, 203.0.113.9"), format!("{}&n={number}", login()));
        async move { ask_from(&world, &forwarded, &address).await }
    });
    assert_eq!(statuses.await, BTreeMap::from([(303, 5), (429, 35)]));
    assert_eq!(
        ask_from(&world, "203.0.113.10", &login()).await.status,
        303,
        "somebody else is not concerned"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn k8_a_64_is_one_client_and_two_are_two() {
    let world = behind_a_proxy().setting("RATE_LIMIT_SIGN_IN_PER_ADDRESS", FIVE).start().await;
    for number in 0..5 {
        let answer = ask_from(&world, &format!("2001:db8:0:1:{number:x}::{number:x}"), &login()).await;
        assert_eq!(answer.status, 303, "{}", answer.body);
    }
    assert_refused(&ask_from(&world, "2001:db8:0:1:ffff::1", &login()).await);
    assert_eq!(ask_from(&world, "2001:db8:0:2::1", &login()).await.status, 303);
}

#[tokio::test(flavor = "multi_thread")]
async fn k8_beginnings_and_ends_of_sign_ins_count_together_and_failures_count_as_well() {
    let world = behind_a_proxy().setting("RATE_LIMIT_SIGN_IN_PER_ADDRESS", FIVE).start().await;
    let client = "203.0.113.9";
    for address in [
        &login(),
        "/auth/login/nobody",
        "/auth/oauth_callback?code=x",
        "/auth/callback/corporate?error=access_denied",
        "/auth/callback/nobody",
    ] {
        assert_ne!(ask_from(&world, client, address).await.status, 429, "{address}");
    }
    assert_refused(&ask_from(&world, client, &login()).await);
    for path in ["/auth/oauth_callback", "/auth/callback/corporate", "/auth/callback/nobody"] {
        let page = ask_from(&world, client, &format!("{path}?code=x&state=y")).await;
        let form = (page.status.as_u16(), page.header("content-type"));
        assert_eq!(form, (429, Some("text/html; charset=utf-8")), "{path}");
        assert!(page.header("retry-after").is_some());
    }
    assert_eq!(ask_from(&world, client, "/auth/check").await.status, 200, "a check is never limited");
}

#[tokio::test(flavor = "multi_thread")]
async fn k8_f7_whether_a_username_is_taken_cannot_be_asked_without_end() {
    let world = behind_a_proxy()
        .setting("RATE_LIMIT_UPDATE_PER_ACCOUNT", FIVE)
        .setting("RATE_LIMIT_LOOKUP_PER_ADDRESS", FIVE)
        .start()
        .await;
    let world = Arc::new(world);
    let token = world.sign_in("google", "ada").await;
    let statuses = burst(30, |number| {
        let (world, token) = (Arc::clone(&world), token.clone());
        async move {
            // What is refused for its form counts like what succeeds.
            let username = if number % 2 == 0 { "-".to_owned() } else { format!("name-{number}") };
            world.post_as(&token, "/auth/update", &[("username", &username)]).await
        }
    });
    assert_eq!(statuses.await, BTreeMap::from([(200, 5), (429, 25)]));
    let statuses = burst(30, |number| {
        let world = Arc::clone(&world);
        let operation = if number % 2 == 0 { "resolve" } else { "get_profile" };
        async move { ask_from(&world, "203.0.113.9", &format!("/auth/{operation}?username=name-{number}")).await }
    });
    assert_eq!(statuses.await, BTreeMap::from([(200, 5), (429, 25)]));
}

#[tokio::test(flavor = "multi_thread")]
async fn k8_an_account_has_its_number_of_permission_tokens_from_wherever_it_asks() {
    let world = behind_a_proxy().setting("RATE_LIMIT_AUTHORIZE_PER_ACCOUNT", FIVE).start().await;
    let world = Arc::new(world);
    let (token, second_session) =
        (world.sign_in("google", "ada").await, world.sign_in("google", "ada").await);
    let statuses = burst(30, |number| {
        let world = Arc::clone(&world);
        let token = if number % 2 == 0 { token.clone() } else { second_session.clone() };
        async move {
            ask_from(
                &world,
                &format!("203.0.113.{number}"),
                &format!("/auth/authorize?service=storage&jwt={token}"),
            )
            .await
        }
    });
    assert_eq!(statuses.await, BTreeMap::from([(200, 5), (429, 25)]));
    let other = world.sign_in("google", "grace").await;
    assert_eq!(world.get_as(&other, "/auth/authorize?service=storage").await.status, 200);
    assert!(world.is_signed_in(&token).await, "a check is never limited");
}

#[tokio::test(flavor = "multi_thread")]
async fn k8_an_address_has_its_number_of_requests_for_permission_tokens_and_of_updates() {
    let world = behind_a_proxy()
        .setting("RATE_LIMIT_AUTHORIZE_PER_ADDRESS", FIVE)
        .setting("RATE_LIMIT_UPDATE_PER_ADDRESS", FIVE)
        .start()
        .await;
    for operation in
        [(Method::GET, "/auth/authorize?service=storage"), (Method::POST, "/auth/update?username=x")]
    {
        let (method, address) = operation;
        let browser = world.browser();
        let ask = async |client: &str| {
            browser.send(browser.request(method.clone(), address).header("x-forwarded-for", client)).await
        };
        for _ in 0..5 {
            assert_eq!(
                ask("203.0.113.9").await.status,
                200,
                "{address}: nobody is signed in, which is an answer"
            );
        }
        assert_refused(&ask("203.0.113.9").await);
        assert_eq!(ask("203.0.113.10").await.status, 200, "{address}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn k8_an_account_of_a_provider_signs_in_so_often_and_leaves_nothing_behind_beyond() {
    let world = behind_a_proxy().setting("RATE_LIMIT_SIGN_IN_PER_ACCOUNT", "3/20h").start().await;
    for _ in 0..3 {
        world.sign_in("google", "ada").await;
    }
    let page = world.finish_sign_in("google", "ada").await;
    assert_eq!((page.status.as_u16(), page.header("location")), (429, None), "{}", page.body);
    assert!(page.header("retry-after").is_some());
    world.sign_in("google", "grace").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn k8_limits_can_be_switched_off() {
    let world = behind_a_proxy().setting("RATE_LIMIT_SIGN_IN_PER_ADDRESS", "off").start().await;
    let world = Arc::new(world);
    let statuses = burst(400, |_| {
        let world = Arc::clone(&world);
        async move { ask_from(&world, "203.0.113.9", &login()).await }
    });
    assert_eq!(statuses.await, BTreeMap::from([(303, 400)]));
}
