//! ID tokens, good and flawed. The persona is without fault: it is the token alone that decides.

use serde_json::{Value, json};
use vestibule_provider_emulator::{
    Endpoint, Fault, Issuer, Lasting, Persona, Provider, Signature, Tampering,
};

use crate::app::TestApp;

const HOUR: i64 = 3600;

fn set(name: &str, value: impl Into<Value>) -> Vec<Tampering> {
    vec![Tampering::set_claim(name, value)]
}

fn header(name: &str, value: Value) -> Vec<Tampering> {
    vec![Tampering::SetHeader(name.to_owned(), value)]
}

fn sign(signature: Signature) -> Vec<Tampering> {
    vec![Tampering::Sign(signature)]
}

/// Every flaw, with the client id that the issuer knows us by.
fn flaws(client: &str) -> Vec<Vec<Tampering>> {
    let mut flaws = vec![
        set("iss", "https://evil.tld"),
        set("iss", json!(["https://evil.tld"])),
        set("aud", "somebody-else"),
        set("aud", json!([])),
        set("aud", json!([7])),
        set("aud", format!("{client}2")),
        set("azp", "somebody-else"),
        set("nonce", "somebody-elses"),
        set("nonce", ""),
        set("nonce", 7),
        set("sub", ""),
        set("sub", 7),
        set("sub", "x".repeat(256)),
        set("exp", "never"),
        set("exp", 0),
        set("exp", -1),
        set("exp", 1.5),
        set("iat", "now"),
        set("nbf", "9999999999"),
        set("nbf", 9_999_999_999_i64),
        set("at_hash", "AAAAAAAAAAAAAAAAAAAAAA"),
        set("at_hash", 7),
        vec![Tampering::shift_claim("exp", -HOUR - 120)],
        vec![Tampering::shift_claim("iat", 600)],
        // Several audiences, and nobody says for whom of them the token was made.
        vec![Tampering::set_claim("aud", json!([client, "somebody-else"])), Tampering::remove_claim("azp")],
        sign(Signature::Damaged),
        sign(Signature::None),
        sign(Signature::Hs256ClientSecret),
        sign(Signature::Hs256PublicPem),
        sign(Signature::Es256),
        header("alg", json!("none")),
        header("alg", json!("NonE")),
        header("alg", json!("HS256")),
        header("alg", json!("RS512")),
        header("alg", json!("PS256")),
        header("crit", json!(["exp"])),
        header("kid", json!(["x"])),
        vec![Tampering::unknown_key_id()],
    ];
    flaws
        .extend(["iss", "aud", "exp", "iat", "sub", "nonce"].map(|name| vec![Tampering::remove_claim(name)]));
    flaws
}

/// The issuer's answer is refused, whatever it is, with one error for all: an attacker does not learn how near it was.
#[tokio::test(flavor = "multi_thread")]
async fn b6_a_flawed_id_token_of_google_signs_nobody_in() {
    refuse_all_flaws("google", Issuer::Google, Provider::Google).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn b6_a_flawed_id_token_of_another_issuer_signs_nobody_in() {
    refuse_all_flaws("corporate", Issuer::Corporate, Provider::Corporate).await;
}

async fn refuse_all_flaws(name: &str, issuer: Issuer, provider: Provider) {
    let app = TestApp::new().await;
    let client = match issuer {
        Issuer::Google => app.emulator.google_client().id.clone(),
        Issuer::Corporate => app.emulator.corporate_client().id.clone(),
    };
    let flaws = flaws(&client);
    for flaw in &flaws {
        app.control().tamper(issuer, flaw.clone());
        assert_eq!(app.fail_to_sign_in(name, "ada").await, "sign_in_failed", "{flaw:?}");
    }
    // Each of them got as far as a token: it was the token that was refused.
    assert_eq!(app.control().token_exchanges(provider).succeeded, u64::try_from(flaws.len()).unwrap());
    app.assert_no_user().await;
    app.control().clear_tampering(issuer);
    app.sign_in(name, "ada").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn b6_an_unusual_but_good_id_token_signs_in() {
    let app = TestApp::new().await;
    for good in [
        vec![],
        vec![Tampering::no_key_id()],
        set("aud", json!(["google-client"])),
        set("aud", json!(["somebody-else", "google-client"])),
        vec![Tampering::remove_claim("azp")],
        vec![Tampering::remove_claim("at_hash")],
        vec![Tampering::RemoveHeader("typ".to_owned())],
        header("typ", json!("at+jwt")),
        header("jku", json!("https://evil.tld/keys")),
        // Two clocks may be a minute apart.
        vec![Tampering::shift_claim("iat", 30)],
        vec![Tampering::shift_claim("exp", -HOUR - 20)],
        set("acr", json!({"odd": [1, 2]})),
        set("picture", Value::Null),
    ] {
        app.control().tamper(Issuer::Google, good);
        app.sign_in("google", "ada").await;
    }
}

/// Which of several keys is meant must be said.
#[tokio::test(flavor = "multi_thread")]
async fn b6_without_a_key_id_each_key_that_fits_is_tried() {
    let app = TestApp::new().await;
    app.control().publish_extra_key(Issuer::Google).unwrap();
    app.control().tamper(Issuer::Google, vec![Tampering::no_key_id()]);
    app.sign_in("google", "ada").await;
    app.control().tamper(Issuer::Google, vec![Tampering::no_key_id(), Tampering::Sign(Signature::Damaged)]);
    assert_eq!(app.fail_to_sign_in("google", "ada").await, "sign_in_failed");
}

/// An access token of somebody else could be slipped in: userinfo must speak of the same person.
#[tokio::test(flavor = "multi_thread")]
async fn b6_userinfo_about_somebody_else_signs_nobody_in() {
    let app = TestApp::new().await;
    for members in [json!({"sub": "somebody-else"}), json!({"sub": null}), json!({"sub": 7})] {
        app.control().override_userinfo(Issuer::Google, members.clone());
        assert_eq!(app.fail_to_sign_in("google", "no-name").await, "sign_in_failed", "{members}");
    }
    app.assert_no_user().await;
    app.control().override_userinfo(Issuer::Google, json!({"name": "Known to userinfo"}));
    let token = app.sign_in("google", "no-name").await;
    assert_eq!(app.profile(&token).await["name"], "Known to userinfo");
}

/// The verified mark of one address does not move to another.
#[tokio::test(flavor = "multi_thread")]
async fn c2_userinfo_verifies_no_other_address_than_its_own() {
    let app = TestApp::new().await;
    let mut persona = Persona::ordinary("mallory", "Mallory", 31);
    persona.google = json!({"sub": "31", "email": "victim@example.com"});
    app.control().put_persona(persona);
    app.control().override_userinfo(
        Issuer::Google,
        json!({"name": "M", "email": "mallory@example.com", "email_verified": true}),
    );
    let profile = app.profile(&app.sign_in("google", "mallory").await).await;
    assert_eq!((&profile["email"], &profile["name"]), (&Value::Null, &json!("M")));
}

/// A token answer without a token of the right kind, or with GitHub's way of saying no.
#[tokio::test(flavor = "multi_thread")]
async fn b9_a_token_answer_that_says_no_signs_nobody_in() {
    let app = TestApp::new().await;
    for (name, provider, answer, error) in [
        ("google", Provider::Google, json!({"access_token": "x", "token_type": "Bearer"}), "sign_in_failed"),
        (
            "google",
            Provider::Google,
            json!({"access_token": "x", "token_type": "Bearer", "id_token": "x"}),
            "sign_in_failed",
        ),
        (
            "google",
            Provider::Google,
            json!({"access_token": "x", "token_type": "Bearer", "id_token": "a.b.c"}),
            "sign_in_failed",
        ),
        ("google", Provider::Google, json!({"token_type": "Bearer"}), "temporarily_unavailable"),
        ("github", Provider::Github, json!({"error": "bad_verification_code"}), "sign_in_failed"),
        ("github", Provider::Github, json!({"error": "unverified_user_email"}), "sign_in_failed"),
        ("github", Provider::Github, json!({"error": "<script>alert(1)</script>"}), "sign_in_failed"),
        (
            "github",
            Provider::Github,
            json!({"error": "incorrect_client_credentials"}),
            "temporarily_unavailable",
        ),
        (
            "github",
            Provider::Github,
            json!({"access_token": "gho_x\r\nX: y", "token_type": "bearer"}),
            "temporarily_unavailable",
        ),
        (
            "github",
            Provider::Github,
            json!({"access_token": "gho_x", "token_type": "mac"}),
            "temporarily_unavailable",
        ),
        ("github", Provider::Github, json!([]), "temporarily_unavailable"),
    ] {
        app.control().inject(provider, Endpoint::Token, Fault::json(&answer), Lasting::Once);
        assert_eq!(app.fail_to_sign_in(name, "ada").await, error, "{answer}");
    }
    app.assert_no_user().await;
}
