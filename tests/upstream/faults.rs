//! Providers that fail: the sign-in ends with an error that the frontend understands, and nothing else suffers.

use std::sync::Arc;
use std::time::Duration;

use serde_json::{Value, json};
use vestibule_provider_emulator::{Answer, Control, Endpoint, Fault, Issuer, Lasting, Provider};
use vestibule_test_support::{MovableClock, TestDatabase, assert_refusal_page, eventually};

use super::assert_no_user;
use crate::world::{APP, World};

const UNAVAILABLE: &str = "temporarily_unavailable";
const MEBIBYTE: u64 = 1024 * 1024;

/// Everything but silence, which takes the whole limit to notice.
fn quick_faults(control: &Control) -> Vec<Fault> {
    vec![
        Fault::Close,
        Fault::status(500, "broken"),
        Fault::status(502, "{}"),
        Fault::too_many_requests(30),
        Fault::redirect(&control.trap_url()),
        Fault::HugeBody { mebibytes: 100 },
        Fault::GzipBomb { mebibytes: 200 },
        Fault::html(),
        Fault::truncated_json(),
        Fault::status(200, ""),
    ]
}

async fn assert_each_fault_ends_the_sign_in_only(
    name: &str,
    provider: Provider,
    endpoint: Endpoint,
    persona: &str,
) {
    let world = World::on(TestDatabase::sqlite()).await;
    let control = world.control();
    let faults = quick_faults(&control);
    let memory = world.program.resident_memory();
    for (fault, number) in faults.iter().zip(1..) {
        control.inject(provider, endpoint, fault.clone(), Lasting::Once);
        assert_eq!(world.fail_to_sign_in(name, persona).await, UNAVAILABLE, "{fault:?}");
        // A code is sent once; nothing is tried again behind the person's back.
        assert_eq!(control.token_exchanges(provider).attempted, number, "{fault:?}");
    }
    assert_eq!(control.trapped(), 0);
    let grown = world.program.resident_memory().saturating_sub(memory);
    assert!(grown < 50 * MEBIBYTE, "{grown} bytes more than before");
    assert_no_user(&world).await;
    world.sign_in(name, persona).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn b9_a_token_endpoint_that_fails_ends_the_sign_in_only() {
    assert_each_fault_ends_the_sign_in_only("google", Provider::Google, Endpoint::Token, "ada").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn b9_a_token_endpoint_of_github_that_fails_ends_the_sign_in_only() {
    assert_each_fault_ends_the_sign_in_only("github", Provider::Github, Endpoint::Token, "ada").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn b9_a_userinfo_endpoint_that_fails_takes_nothing_from_the_sign_in() {
    let world = World::on(TestDatabase::sqlite()).await;
    let control = world.control();
    for fault in quick_faults(&control) {
        control.inject(Provider::Google, Endpoint::Userinfo, fault.clone(), Lasting::Once);
        let profile = world.profile(&world.sign_in("google", "no-name").await).await;
        assert_eq!(profile["email"], "k7xq2@example.com", "{fault:?}");
    }
    assert_eq!(control.trapped(), 0);
    let line = "a sign-in goes on without a part of what the provider was asked for";
    assert!(world.program.logs().contains(line), "{}", world.program.logs());
}

/// The address decides whose account it is, so that a person who is new waits until it can be asked for.
#[tokio::test(flavor = "multi_thread")]
async fn b9_while_the_address_is_unknown_people_sign_in_who_are_known_and_nobody_else() {
    let world = World::on(TestDatabase::sqlite()).await;
    let control = world.control();
    let outage = || Fault::status(503, "");
    control.override_userinfo(Issuer::Google, json!({"email_verified": true}));
    for (name, provider, endpoint, persona) in [
        ("google", Provider::Google, Endpoint::Userinfo, "unstated"),
        ("github", Provider::Github, Endpoint::Emails, "linus"),
    ] {
        world.sign_in(name, "no-name").await;
        control.inject(provider, endpoint, outage(), Lasting::Once);
        assert_eq!(world.fail_to_sign_in(name, persona).await, UNAVAILABLE);
        let before = world.profile(&world.sign_in(name, persona).await).await;
        assert!(before["email"].is_string(), "{before}");
        control.inject(provider, endpoint, outage(), Lasting::Once);
        let after = world.profile(&world.sign_in(name, persona).await).await;
        assert_eq!((&after["id"], &after["email"]), (&before["id"], &before["email"]), "it stays as it was");
    }
}

/// After a start nothing is known of an endpoint that perhaps a firewall keeps away.
#[tokio::test(flavor = "multi_thread")]
async fn b9_an_address_that_userinfo_verified_stays_so_while_it_is_away_after_a_restart() {
    let mut world = World::on(TestDatabase::sqlite()).await;
    world.control().override_userinfo(Issuer::Google, json!({"email_verified": true}));
    let before = world.profile(&world.sign_in("google", "unstated").await).await;
    assert!(before["email"].is_string(), "{before}");
    world.program.restart().await;
    world.control().inject(Provider::Google, Endpoint::Userinfo, Fault::status(503, ""), Lasting::Once);
    let after = world.profile(&world.sign_in("google", "unstated").await).await;
    assert_eq!((&after["id"], &after["email"]), (&before["id"], &before["email"]));
}

#[tokio::test(flavor = "multi_thread")]
async fn b9_githubs_user_that_fails_ends_the_sign_in_only() {
    assert_each_fault_ends_the_sign_in_only("github", Provider::Github, Endpoint::User, "ada").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn b9_githubs_addresses_that_fail_end_the_sign_in_only() {
    assert_each_fault_ends_the_sign_in_only("github", Provider::Github, Endpoint::Emails, "ada").await;
}

/// The issuer's own documents are fetched before anybody has a token; a failure is remembered for some seconds.
#[tokio::test(flavor = "multi_thread")]
async fn b9_an_issuer_without_metadata_or_keys_ends_the_sign_in_only() {
    let clock = Arc::new(MovableClock::new());
    let world = World::builder(TestDatabase::sqlite()).clock(&clock).start().await;
    let control = world.control();
    for fault in quick_faults(&control) {
        control.inject(Provider::Google, Endpoint::Discovery, fault.clone(), Lasting::Once);
        let start = world.start_sign_in(&world.browser(), "google", APP).await;
        assert_eq!(start.location().as_str(), format!("{APP}?error={UNAVAILABLE}"), "{fault:?}");
        // Whoever comes next does not make the provider's trouble worse, nor wait for it.
        let start = world.start_sign_in(&world.browser(), "google", APP).await;
        assert_eq!(start.location().as_str(), format!("{APP}?error={UNAVAILABLE}"), "{fault:?}");
        world.start_sign_in(&world.browser(), "github", APP).await;
        clock.advance(Duration::from_secs(6));
    }
    let faults = quick_faults(&control);
    assert_eq!(control.requests(Provider::Google, Endpoint::Discovery), u64::try_from(faults.len()).unwrap());
    for fault in faults {
        control.inject(Provider::Google, Endpoint::Jwks, fault.clone(), Lasting::Once);
        assert_eq!(world.fail_to_sign_in("google", "ada").await, UNAVAILABLE, "{fault:?}");
        clock.advance(Duration::from_secs(6));
    }
    assert_eq!(control.trapped(), 0);
    assert_no_user(&world).await;
    world.sign_in("google", "ada").await;
}

/// A document that is well-formed and wrong: it would send the client secret, or people, to somebody else.
#[tokio::test(flavor = "multi_thread")]
async fn b9_metadata_that_lies_begins_no_sign_in() {
    let clock = Arc::new(MovableClock::new());
    let world = World::builder(TestDatabase::sqlite()).clock(&clock).start().await;
    let control = world.control();
    let issuer = world.emulator.google_issuer();
    let honest = world.browser().get(&format!("{issuer}/.well-known/openid-configuration")).await.json();
    for (member, lie) in [
        ("issuer", json!("https://evil.tld")),
        ("issuer", json!(format!("{issuer}/"))),
        ("issuer", json!(world.emulator.corporate_issuer())),
        ("issuer", Value::Null),
        ("authorization_endpoint", json!("javascript:alert(1)")),
        ("authorization_endpoint", json!("http://evil.tld/authorize")),
        ("token_endpoint", json!("http://evil.tld/token")),
        ("token_endpoint", json!("/token")),
        ("userinfo_endpoint", json!("http://169.254.169.254/")),
        ("jwks_uri", json!("file:///etc/passwd")),
        ("jwks_uri", Value::Null),
        ("token_endpoint_auth_methods_supported", json!(["none"])),
    ] {
        let mut document = honest.clone();
        document[member] = lie;
        control.inject(Provider::Google, Endpoint::Discovery, Fault::json(&document), Lasting::Once);
        let start = world.start_sign_in(&world.browser(), "google", APP).await;
        assert_eq!(start.location().as_str(), format!("{APP}?error={UNAVAILABLE}"), "{document}");
        clock.advance(Duration::from_secs(6));
    }
    world.sign_in("google", "ada").await;
}

/// GitHub says where the next page is; the access token goes nowhere but to its API, and not for ever.
#[tokio::test(flavor = "multi_thread")]
async fn b9_the_next_page_of_addresses_is_followed_at_the_api_alone() {
    let world = World::on(TestDatabase::sqlite()).await;
    let control = world.control();
    let api = world.emulator.github_api_url();
    let page = |link: &str| {
        let header = ("link".to_owned(), format!("<{link}>; rel=\"next\""));
        let body = b"[{\"email\": \"ada@example.com\", \"primary\": true, \"verified\": true}]";
        Fault::Answer(Answer { status: 200, headers: vec![header], body: body.to_vec() })
    };
    for elsewhere in [
        control.trap_url(),
        format!("{api}/../../trap"),
        format!("{api}.evil.tld/"),
        "https://evil.tld/".to_owned(),
    ] {
        control.reset_counters();
        control.inject(Provider::Github, Endpoint::Emails, page(&elsewhere), Lasting::Once);
        let profile = world.profile(&world.sign_in("github", "ada").await).await;
        assert_eq!(profile["email"], "ada@example.com", "{elsewhere}");
        assert_eq!(
            (control.trapped(), control.requests(Provider::Github, Endpoint::Emails)),
            (0, 1),
            "{elsewhere}"
        );
    }
    control.reset_counters();
    let endless = page(&format!("{api}/user/emails?page=2"));
    control.inject(Provider::Github, Endpoint::Emails, endless, Lasting::UntilCleared);
    world.sign_in("github", "ada").await;
    assert_eq!(control.requests(Provider::Github, Endpoint::Emails), 10);
}

/// Three silent endpoints at once: each sign-in is given up within its limit, while everybody else goes on.
#[tokio::test(flavor = "multi_thread")]
async fn b9_a_silent_provider_is_given_up_and_holds_up_nobody() {
    let world = World::on(TestDatabase::sqlite()).await;
    let control = world.control();
    let token = world.sign_in("google", "linus").await;
    control.reset_counters();
    for (provider, endpoint, fault) in [
        (Provider::Google, Endpoint::Token, Fault::Hang),
        (Provider::Github, Endpoint::User, Fault::HangInBody),
        (Provider::Corporate, Endpoint::Discovery, Fault::Hang),
    ] {
        control.inject(provider, endpoint, fault, Lasting::Once);
    }
    let mut waiting = Vec::new();
    for (provider, emulated, endpoint) in
        [("google", Provider::Google, Endpoint::Token), ("github", Provider::Github, Endpoint::User)]
    {
        let browser = world.browser();
        let callback = world.reach_callback(&browser, provider, "ada", APP).await;
        waiting.push(tokio::spawn(async move { browser.get(callback.as_str()).await }));
        eventually("the provider is asked", async || control.requests(emulated, endpoint) == 1).await;
    }
    let browser = world.browser();
    waiting
        .push(tokio::spawn(async move { browser.get(&format!("/auth/login/corporate?next={APP}")).await }));
    let discovery = async || control.requests(Provider::Corporate, Endpoint::Discovery) == 1;
    eventually("the issuer is asked", discovery).await;

    assert!(world.is_signed_in(&token).await);
    world.sign_in("google", "grace").await;
    world.sign_in("github", "grace").await;
    let answer = world.get_as(&token, "/auth/authorize?service=storage").await;
    assert_eq!(answer.json()["service"], "storage");

    for answer in waiting {
        let answer = answer.await.unwrap();
        assert_eq!(answer.status, 303, "{}", answer.body);
        assert_eq!(answer.location().as_str(), format!("{APP}?error={UNAVAILABLE}"));
    }
}

/// A person who closes the browser while the provider is slow leaves nothing behind that others would feel.
#[tokio::test(flavor = "multi_thread")]
async fn b9_a_person_who_gives_up_has_spent_the_state() {
    let world = World::on(TestDatabase::sqlite()).await;
    let control = world.control();
    control.inject(Provider::Google, Endpoint::Token, Fault::Hang, Lasting::Once);
    let browser = Arc::new(world.browser());
    let callback = world.reach_callback(&browser, "google", "ada", APP).await;
    let impatient = {
        let (browser, callback) = (Arc::clone(&browser), callback.clone());
        tokio::spawn(async move { browser.get(callback.as_str()).await })
    };
    eventually("the provider is asked", async || control.token_exchanges(Provider::Google).attempted == 1)
        .await;
    impatient.abort();
    let again = browser.get(callback.as_str()).await;
    assert_refusal_page(&again, "This sign-in link was used already");
    assert_no_user(&world).await;
    world.sign_in("google", "ada").await;
}
