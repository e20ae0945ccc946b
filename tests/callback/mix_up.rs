//! The answer of one provider at the address of another (RFC 9700 section 4.4).

mod evil;

use serde_json::Value;
use url::Url;
use vestibule_provider_emulator::{Provider, RedirectPolicy};
use vestibule_test_support::{
    Answer, Client, RawConnection, TestDatabase, assert_refusal_page, parameter, with_parameter,
    without_parameter,
};

use super::{NONE, ONE, assert_finishes, consented, exchanges};
use crate::world::{APP, PROVIDERS, World, on_both_databases};
use evil::EvilProvider;

const WRONG: &str = "This sign-in cannot be finished";
const EMULATED: [Provider; 3] = [Provider::Google, Provider::Github, Provider::Corporate];

/// The same answer at another path.
fn at(callback: &Url, path: &str) -> Url {
    let mut moved = callback.clone();
    moved.set_path(path);
    moved
}

/// A browser in which Ada has consented, and what brings her back: with a code, and with an error.
async fn both_answers(world: &World, provider: &str) -> (Client, Url, Url) {
    let browser = world.browser();
    let consent = world.start_sign_in(&browser, provider, APP).await.location();
    let good = browser.get(with_parameter(&consent, "persona", "ada").as_str()).await.location();
    let refusal = browser.get(with_parameter(&consent, "persona", "refuses").as_str()).await.location();
    (browser, good, refusal)
}

/// What the evil provider may ask another one to send the victim back to. GitHub takes the first few.
fn addresses(base: &str, evil: &EvilProvider) -> Vec<String> {
    let shared = format!("{base}/auth/oauth_callback");
    let below = ["", "/", "/partner", "//partner", "/..%2fcallback%2fpartner", "/../callback/partner"];
    let queries =
        [format!("?iss={}", evil.issuer()), "?error=access_denied".to_owned(), "?state=x".to_owned()];
    let names = ["partner", "partner/", "", "github", "google", "corporate", "corporate/../partner"];
    let shared = below.map(str::to_owned).into_iter().chain(queries).map(|rest| format!("{shared}{rest}"));
    shared.chain(names.map(|name| format!("{base}/auth/callback/{name}"))).collect()
}

/// The victim comes to the evil provider, is sent on to an honest one with the challenge of the attacker, and consents, as
/// to any sign-in here; the answer of the service, if the honest one sends them back to it.
async fn bring_the_victim(
    world: &World,
    evil: &EvilProvider,
    attackers: &Url,
    redirect_uri: &str,
) -> Option<Answer> {
    evil.lure_to(with_parameter(&without_parameter(attackers, "state"), "redirect_uri", redirect_uri));
    let victim = world.browser();
    let at_evil = world.start_sign_in(&victim, "partner", APP).await.location();
    let honest = victim.get(at_evil.as_str()).await.location();
    let consented = victim.get(with_parameter(&honest, "persona", "ada").as_str()).await;
    match consented.status.as_u16() {
        302 => Some(victim.get(consented.location().as_str()).await),
        _ => None,
    }
}

/// The attacker brings a code to the sign-in that they have begun themselves; who they are then.
async fn finish_as_attacker(world: &World, attacker: &Client, attackers: &Url, code: &str) -> Value {
    let mut callback = Url::parse(&parameter(attackers, "redirect_uri").unwrap()).unwrap();
    let state = parameter(attackers, "state").unwrap();
    callback.query_pairs_mut().append_pair("state", &state).append_pair("code", code);
    let end = attacker.get(callback.as_str()).await;
    match end.location_parameter("jwt") {
        Some(token) => world.profile(&token).await["name"].clone(),
        None => Value::Null,
    }
}

/// With this honest provider, which sends people back to so many of the addresses.
async fn assert_attack_fails(linking: &str, honest: &str, emulated: Provider, arrivals: usize) {
    let evil = EvilProvider::start();
    let world = World::builder(TestDatabase::sqlite()).setting("ACCOUNT_LINKING", linking);
    let world = world.config(&evil.table("partner")).start().await;
    world.sign_in(honest, "ada").await;
    let before = world.written();
    let mut arrived = 0;
    for redirect_uri in addresses(&world.program.base_url(), &evil) {
        let attacker = world.browser();
        let attackers = world.start_sign_in(&attacker, honest, APP).await.location();
        let end = bring_the_victim(&world, &evil, &attackers, &redirect_uri).await;
        if let Some(code) = evil.take_codes().pop() {
            let who = finish_as_attacker(&world, &attacker, &attackers, &code).await;
            panic!("{linking}, {redirect_uri}: with the code of the victim the attacker is {who}");
        }
        if let Some(end) = end {
            arrived += 1;
            assert!([400, 404].contains(&end.status.as_u16()), "{redirect_uri}: {end:?}");
            assert!(end.header("location").is_none() && end.header("set-cookie").is_none(), "{end:?}");
        }
        assert!(world.written() == before, "{redirect_uri}: something is spent");
    }
    assert_eq!(arrived, arrivals, "{honest}");
    assert_eq!(exchanges(&world, emulated), ONE);
}

/// The code of the victim never reaches the evil provider, so that there is nothing with which the attacker could finish.
#[tokio::test(flavor = "multi_thread")]
async fn b12_an_evil_provider_that_sends_the_browser_on_to_another_one_gets_no_code() {
    for linking in ["verified-email", "explicit"] {
        // All but the one that leads out of what is below.
        assert_attack_fails(linking, "github", Provider::Github, 8).await;
        assert_attack_fails(linking, "google", Provider::Google, 1).await;
        assert_attack_fails(linking, "corporate", Provider::Corporate, 1).await;
    }
}

on_both_databases! {
    /// Nothing is spent, written or sent, whatever the answer is; at its own address it is as good as before.
    async fn b12_an_answer_at_the_address_of_another_provider_is_refused_before_anything_happens(database) {
        let evil = EvilProvider::start();
        let world = World::builder(database).config(&evil.table("partner")).start().await;
        for (provider, others) in [
            ("google", ["/auth/callback/corporate", "/auth/callback/partner"]),
            ("github", ["/auth/callback/corporate", "/auth/callback/partner"]),
            ("corporate", ["/auth/oauth_callback", "/auth/callback/partner"]),
        ] {
            let (browser, good, refusal) = both_answers(&world, provider).await;
            let before = world.written();
            for other in others {
                for answer in [&good, &refusal, &without_parameter(&good, "code"), &with_parameter(&good, "iss", &evil.issuer())] {
                    assert_refusal_page(&browser.get(at(answer, other).as_str()).await, WRONG);
                }
                // The path comes before whose browser it is.
                assert_refusal_page(&world.browser().get(at(&good, other).as_str()).await, WRONG);
            }
            assert!(world.written() == before, "{provider}");
            assert_finishes(&browser, &good).await;
        }
        assert_eq!(EMULATED.map(|provider| exchanges(&world, provider)), [ONE; 3]);
        assert_eq!(evil.take_codes(), Vec::<String>::new());
    }
}

/// GitHub takes every path below the registered one, so there is none; and a path is written in one way.
#[tokio::test(flavor = "multi_thread")]
async fn b12_no_other_path_is_a_callback() {
    let world = World::on(TestDatabase::sqlite()).await;
    let mut callbacks = Vec::new();
    for provider in PROVIDERS {
        callbacks.push(consented(&world, provider).await);
    }
    for path in [
        "/auth/oauth_callback/",
        "/auth/oauth_callback/corporate",
        "/auth/oauth_callback//corporate",
        "/auth/oauth_callback/..%2fcallback%2fcorporate",
        "/auth/oauth_callback%2fcorporate",
        "/auth/oauth_callback%2f",
        "/auth/oauth_callback;corporate",
        "/auth/%6fauth_callback",
        "/auth/OAUTH_CALLBACK",
        "/auth/callback",
        "/auth/callback/",
        "/auth/callback//corporate",
        "/auth/callback/corporate/",
        "/auth/callback/corporate/x",
        "/auth/callback/corporate%2f",
        "/auth/callback/corporate%00",
        "/auth/callback/corporate;x",
        "/auth/callback/%63orporate",
        "/auth/callback/Corporate",
        "/auth/callback/CORPORATE",
        "/auth/callback/nobody",
        // Their answers come to the shared one.
        "/auth/callback/google",
        "/auth/callback/github",
    ] {
        for (browser, callback) in &callbacks {
            let target = format!("{path}?{}", callback.query().unwrap());
            let cookie = browser.cookie("vestibule-sign-in").unwrap();
            let request = format!(
                "GET {target} HTTP/1.1\r\nHost: x\r\nCookie: vestibule-sign-in={cookie}\r\nConnection: close\r\n\r\n"
            );
            let answer = RawConnection::exchange(&world.program.base_url(), request).await;
            assert_eq!(answer.statuses(), [404], "{path}");
            assert!(!answer.text().to_ascii_lowercase().contains("\nlocation:"), "{path}");
        }
    }
    assert_eq!(EMULATED.map(|provider| exchanges(&world, provider)), [NONE; 3]);
    for (browser, callback) in &callbacks {
        assert_finishes(browser, callback).await;
    }
}

/// Another settings file, as the operator writes it, and the restart that it takes.
async fn change_settings(world: &mut World, change: impl Fn(&str) -> String) {
    let file = world.program.directory().join("vestibule.toml");
    let text = std::fs::read_to_string(&file).unwrap();
    std::fs::write(&file, change(&text)).unwrap();
    world.program.restart().await;
}

/// The name makes the provider, not the issuer: each of the two has a client of its own there.
#[tokio::test(flavor = "multi_thread")]
async fn b12_two_names_of_one_issuer_have_an_address_each() {
    let mut world = World::on(TestDatabase::sqlite()).await;
    change_settings(&mut world, |text| {
        let (_, corporate) = text.split_once("[providers.corporate]").unwrap();
        format!("{text}\n[providers.subsidiary]{corporate}")
    })
    .await;
    let paths = ["/auth/callback/corporate", "/auth/callback/subsidiary"];
    let registered = paths.map(|path| format!("{}{path}", world.program.base_url())).to_vec();
    world.control().set_redirect_uris(Provider::Corporate, RedirectPolicy::Exact(registered));
    for (provider, other) in [("corporate", paths[1]), ("subsidiary", paths[0])] {
        let (browser, callback) = consented(&world, provider).await;
        assert_eq!(callback.path(), format!("/auth/callback/{provider}"));
        assert_refusal_page(&browser.get(at(&callback, other).as_str()).await, WRONG);
        assert_eq!(exchanges(&world, Provider::Corporate), NONE);
        assert_finishes(&browser, &callback).await;
        world.control().reset_counters();
    }
}

/// A sign-in that is under way ends on a page, under the old name as under the new one.
#[tokio::test(flavor = "multi_thread")]
async fn b12_a_provider_that_is_renamed_meanwhile_gets_no_code_under_its_new_name() {
    let mut world = World::on(TestDatabase::sqlite()).await;
    let (browser, callback) = consented(&world, "corporate").await;
    change_settings(&mut world, |text| text.replace("[providers.corporate]", "[providers.renamed]")).await;
    assert_refusal_page(&browser.get(at(&callback, "/auth/callback/renamed").as_str()).await, WRONG);
    let gone = "This way to sign in is not offered any more";
    assert_refusal_page(&browser.get(callback.as_str()).await, gone);
    // Without a state that says so, it is an address of nobody.
    let nobody = browser.get("/auth/callback/corporate?code=x").await;
    assert_eq!(
        (nobody.status.as_u16(), nobody.header("content-type")),
        (404, Some("text/html; charset=utf-8"))
    );
    assert_eq!(exchanges(&world, Provider::Corporate), NONE);
}
