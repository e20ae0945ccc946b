//! Every flow, well and badly ended, with secrets that are known.

use serde_json::json;
use url::Url;
use vestibule_provider_emulator::{
    Endpoint, Fault, Issuer, Lasting, Persona, Provider, Signature, Tampering,
};
use vestibule_test_support::{Answer, Client, Method};

use super::Canaries;
use crate::world::{APP, World};

const PROVIDERS: [&str; 3] = ["google", "github", "corporate"];

/// Runs all of them, notes the secrets that pass by, and answers the bodies of all refusals.
pub(super) async fn run(world: &World, canaries: &mut Canaries) -> String {
    put_people(world, canaries);
    let mut bodies = sign_in_everywhere(world, canaries).await;
    bodies.push_str(&spoil_callbacks(world, canaries).await);
    bodies.push_str(&send_bad_tokens(world, canaries).await);
    fail_at_providers(world, canaries).await;
    bodies
}

/// People whose addresses and names are nowhere else.
fn put_people(world: &World, canaries: &mut Canaries) {
    for (number, id) in (881_u32..).zip(["canary", "unverified"]) {
        let mut persona = Persona::ordinary(id, &format!("K4n4ry Person {id}"), number);
        let address = format!("k4n4ry.{id}@mail.example");
        for claims in [&mut persona.google, &mut persona.corporate, &mut persona.github.user] {
            claims["email"] = json!(address);
        }
        let verified = id != "unverified";
        persona.google["email_verified"] = json!(verified);
        persona.github.emails = json!([{"email": address, "primary": true, "verified": verified}]);
        world.control().put_persona(persona);
        canaries.add(&format!("the address of {id}"), &address);
        canaries.add(&format!("the name of {id}"), &format!("K4n4ry Person {id}"));
    }
}

/// From the login address to the callback, noting what passes by.
async fn reach_callback(world: &World, browser: &Client, provider: &str, canaries: &mut Canaries) -> String {
    let next = format!("{APP}?secret=k4n4ry-of-the-frontend");
    canaries.add("the frontend's own secret", "k4n4ry-of-the-frontend");
    let callback = world.reach_callback(browser, provider, "canary", &next).await;
    for (name, value) in callback.query_pairs().filter(|(name, _)| name == "state" || name == "code") {
        canaries.add(&format!("a {name} of {provider} {}", value.len()), &value);
    }
    canaries.add(&format!("the cookie of {provider}"), &browser.cookie("vestibule-sign-in").unwrap());
    callback.into()
}

async fn sign_in_everywhere(world: &World, canaries: &mut Canaries) -> String {
    let mut bodies = String::new();
    for provider in PROVIDERS {
        let browser = world.browser();
        let callback = reach_callback(world, &browser, provider, canaries).await;
        let token = browser.get(&callback).await.location_parameter("jwt").unwrap();
        canaries.add_token(&format!("the user token of {provider}"), &token);
        let replayed = browser.get(&callback).await;
        assert_eq!(replayed.status, 400);
        bodies.push_str(&replayed.body);
        use_token(world, &token, provider, canaries).await;
    }
    world.sign_in("google", "unverified").await;
    world.sign_in("github", "unverified").await;
    bodies
}

/// Whatever a token is good for, by every way of sending it.
async fn use_token(world: &World, token: &str, provider: &str, canaries: &mut Canaries) {
    let granted = world.get_as(token, "/auth/authorize?service=storage").await.json();
    canaries.add_token(&format!("the permission token of {provider}"), granted["token"].as_str().unwrap());
    let browser = world.browser();
    assert_eq!(browser.get(&format!("/auth/check?jwt={token}")).await.json()["authenticated"], true);
    let request = browser.request(Method::GET, "/auth/check").header("Auth-Token", token);
    assert_eq!(browser.send(request).await.json()["authenticated"], true);
    browser.post_form("/auth/update", &[("jwt", token), ("username", "k4n4ry")]).await;
    assert_eq!(browser.get("/auth/get_profile?username=k4n4ry").await.json()["found"], true);
    assert_eq!(browser.post_form("/auth/logout", &[("jwt", token)]).await.status, 200);
    assert_eq!(browser.get(&format!("/auth/check?jwt={token}")).await.json()["authenticated"], false);
}

/// Callbacks of other browsers, with forged states, odd codes and errors in words.
async fn spoil_callbacks(world: &World, canaries: &mut Canaries) -> String {
    let mut bodies = String::new();
    canaries.add("a code that was made up", "k4n4ry-made-up-code");
    canaries.add("a state that was made up", "k4n4ry-made-up-state");
    canaries.add("what the provider says", "k4n4ry-error-words");
    for provider in PROVIDERS {
        let browser = world.browser();
        let callback = reach_callback(world, &browser, provider, canaries).await;
        bodies.push_str(&world.browser().get(&callback).await.body);
        let state = callback.split("state=").nth(1).unwrap().split('&').next().unwrap();
        let path = Url::parse(&callback).unwrap().path().to_owned();
        let forged = format!("{path}?state=x{state}&code=k4n4ry-made-up-code");
        bodies.push_str(&browser.get(&forged).await.body);
        let odd = format!("{path}?state={state}&code=k4n4ry-made-up-code&iss=https://k4n4ry.example");
        assert_eq!(browser.get(&odd).await.status, 303);
    }
    let browser = world.browser();
    for query in [
        "state=k4n4ry-made-up-state&code=k4n4ry-made-up-code",
        "error=access_denied&error_description=k4n4ry-error-words&state=k4n4ry-made-up-state",
        "code=k4n4ry-made-up-code",
        "code=k4n4ry-made-up-code&code=k4n4ry-made-up-code",
        "state=k4n4ry-made-up-state&state=k4n4ry-made-up-state",
    ] {
        for path in ["/auth/oauth_callback", "/auth/callback/corporate"] {
            bodies.push_str(&refused(browser.get(&format!("{path}?{query}")).await));
        }
    }
    bodies
}

fn refused(answer: Answer) -> String {
    assert_eq!(answer.status, 400, "{answer:?}");
    answer.body
}

/// Tokens that are none, in every place and on every endpoint that takes one.
async fn send_bad_tokens(world: &World, canaries: &mut Canaries) -> String {
    let mut bodies = String::new();
    let good = world.sign_in("google", "canary").await;
    canaries.add_token("a token that is spoilt", &good);
    canaries.add("a token that was made up", "k4n4ry.made.up");
    let spoilt =
        [good.clone() + "x", good.replace('.', ".x"), "k4n4ry.made.up".to_owned(), format!("{good}.{good}")];
    for token in &spoilt {
        for address in ["/auth/check", "/auth/authorize?service=storage"] {
            bodies.push_str(&world.get_as(token, address).await.body);
        }
        for address in ["/auth/update", "/auth/logout"] {
            bodies.push_str(
                &world.browser().post_form(address, &[("jwt", token), ("username", "x1")]).await.body,
            );
        }
        let two = format!("/auth/check?jwt={token}");
        bodies.push_str(&refused(world.get_as(&good, &two).await));
    }
    bodies
}

/// Providers that fail at every step, in words that hold secrets.
async fn fail_at_providers(world: &World, canaries: &mut Canaries) {
    canaries.add("what a provider's failure says", "k4n4ry-upstream-words");
    let words = json!({"error": "invalid_grant", "error_description": "k4n4ry-upstream-words"});
    let faults = [
        Fault::json(&words),
        Fault::status(500, "k4n4ry-upstream-words"),
        Fault::truncated_json(),
        Fault::Close,
    ];
    let control = world.control();
    for (provider, emulated, endpoints) in [
        ("google", Provider::Google, [Endpoint::Token, Endpoint::Jwks]),
        ("corporate", Provider::Corporate, [Endpoint::Token, Endpoint::Userinfo]),
        ("github", Provider::Github, [Endpoint::Token, Endpoint::User]),
        ("github", Provider::Github, [Endpoint::Emails, Endpoint::Emails]),
    ] {
        for (endpoint, fault) in
            endpoints.iter().flat_map(|endpoint| faults.iter().map(move |fault| (endpoint, fault)))
        {
            control.inject(emulated, *endpoint, fault.clone(), Lasting::UntilCleared);
            let browser = world.browser();
            let callback = reach_callback(world, &browser, provider, canaries).await;
            assert_eq!(browser.get(&callback).await.status, 303, "{provider} {endpoint:?}");
            control.clear_faults();
        }
    }
    for flaw in [
        Tampering::Sign(Signature::Damaged),
        Tampering::Sign(Signature::None),
        Tampering::set_claim("nonce", "k4n4ry-upstream-words"),
        Tampering::set_claim("aud", "k4n4ry-upstream-words"),
        Tampering::remove_claim("sub"),
        Tampering::unknown_key_id(),
    ] {
        control.tamper(Issuer::Google, vec![flaw]);
        let browser = world.browser();
        let callback = reach_callback(world, &browser, "google", canaries).await;
        let answer = browser.get(&callback).await;
        assert!(answer.location_parameter("error").is_some(), "{}", answer.location());
    }
    control.clear_tampering(Issuer::Google);
}
