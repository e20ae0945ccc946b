//! Another algorithm, another key, another kind of token.

use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use jsonwebtoken::{Algorithm, EncodingKey, crypto};
use rsa::pkcs1::EncodeRsaPublicKey as _;
use rsa::pkcs8::{EncodePublicKey as _, LineEnding};
use serde_json::{Value, json};
use url::Url;
use vestibule_test_support::forge::{Forge, encode, message, parts_of, with, without};
use vestibule_verifier::Verifier;

use super::{Stage, labelled};
use crate::app::{EXTERNAL_ADDRESS, FRONTEND};
use crate::clients::{ApiClient as _, Browser};

#[tokio::test(flavor = "multi_thread")]
async fn a_forged_token_without_a_fault_is_accepted() {
    let Stage { app, good, forge } = Stage::set().await;
    let forged = forge.sign(&forge.header, &forge.claims);
    assert_ne!(forged, good, "the members stand in another order");
    assert_eq!(app.profile(&forged).await, app.profile(&good).await);
}

#[tokio::test(flavor = "multi_thread")]
async fn d1_a_token_without_a_signature_is_refused_however_none_is_spelt() {
    let stage = Stage::set().await;
    let signature = stage.good.rsplit('.').next().unwrap();
    let mut cases = Vec::new();
    for none in ["none", "None", "NONE", "nOnE", "none ", ""] {
        let header = stage.forge.header_with("alg", json!(none));
        let message = message(header.to_string(), stage.forge.claims.to_string());
        cases.push((format!("{none:?}, empty signature"), format!("{message}.")));
        cases.push((format!("{none:?}, no third part"), message.clone()));
        cases.push((format!("{none:?}, an earlier signature"), format!("{message}.{signature}")));
    }
    stage.assert_refused(&cases).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn d1_the_public_key_is_not_a_shared_secret() {
    let stage = Stage::set().await;
    let public = stage.forge.private.to_public_key();
    let pem = stage.app.anonymous().get("/auth/public-key").await.body;
    let jwks = stage.app.anonymous().get("/.well-known/jwks.json").await;
    let jwk = &jwks.json()["keys"][0];
    let secrets: [(&str, Vec<u8>); 8] = [
        ("the PEM", pem.clone().into()),
        ("the PEM without its last line end", pem.trim_end().into()),
        ("the PEM with CRLF", pem.replace('\n', "\r\n").into()),
        ("the PKCS#1 PEM", public.to_pkcs1_pem(LineEnding::LF).unwrap().into()),
        ("the DER", public.to_public_key_der().unwrap().into_vec()),
        ("the JWK", jwk.to_string().into()),
        ("the key set", jwks.body.clone().into()),
        ("the modulus", BASE64_URL_SAFE_NO_PAD.decode(jwk["n"].as_str().unwrap()).unwrap()),
    ];
    let mut cases = Vec::new();
    for (what, secret) in &secrets {
        for (name, algorithm) in [("HS256", Algorithm::HS256), ("RS256", Algorithm::HS256)] {
            let header = stage.forge.header_with("alg", json!(name));
            let message = message(header.to_string(), stage.forge.claims.to_string());
            let key = EncodingKey::from_secret(secret);
            let signature = crypto::sign(message.as_bytes(), &key, algorithm).unwrap();
            cases.push((format!("{what} as secret, alg {name}"), format!("{message}.{signature}")));
        }
    }
    stage.assert_refused(&cases).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn d1_no_other_algorithm_counts_even_with_the_right_key() {
    let stage = Stage::set().await;
    let forge = &stage.forge;
    let text =
        |alg: &Value| message(forge.header_with("alg", alg.clone()).to_string(), forge.claims.to_string());
    let rsa = [Algorithm::RS384, Algorithm::RS512, Algorithm::PS256, Algorithm::PS384, Algorithm::PS512];
    let honest = rsa.map(|algorithm| {
        let name = json!(algorithm);
        (name.clone(), forge.sign_message(&text(&name), algorithm))
    });
    let disguised = rsa.map(|algorithm| {
        (json!(["RS256 for", algorithm]), forge.sign_message(&text(&json!("RS256")), algorithm))
    });
    let elliptic = ["ES256", "ES384", "EdDSA", "RSA-OAEP", "dir"]
        .map(|name| (json!(name), format!("{}.{}", text(&json!(name)), encode([7; 64]))));
    let odd =
        [json!("rs256"), json!("RS256 "), json!(null), json!(["RS256"]), json!({"RS256": 1}), json!(256)]
            .map(|name| (name.clone(), forge.sign_message(&text(&name), Algorithm::RS256)));
    let cases = honest.into_iter().chain(disguised).chain(elliptic).chain(odd);
    stage.assert_refused(&labelled(cases)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn d1_a_token_of_another_deployments_key_is_refused() {
    let stage = Stage::set().await;
    let stranger = Forge::stranger(&stage.good);
    let (header, claims) = (&stranger.header, &stranger.claims);
    let own_kid = with(header, "kid", json!("Zm9yZWlnbi1rZXk"));
    let cases = [
        ("under our key's id".to_owned(), stranger.sign(header, claims)),
        ("under its own id".to_owned(), stranger.sign(&own_kid, claims)),
        ("without an id".to_owned(), stranger.sign(&without(header, "kid"), claims)),
    ];
    stage.assert_refused(&cases).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn d6_whatever_else_we_make_is_not_a_user_token() {
    let stage = Stage::set().await;
    let Stage { app, good, forge } = &stage;
    let answer = app.with_token(good).get("/auth/authorize?service=storage").await.json();
    let permission = answer["token"].as_str().unwrap();
    let (permission_header, permission_claims) = parts_of(permission);
    assert_eq!(
        (&permission_header["typ"], &forge.header["typ"]),
        (&json!("permission+jwt"), &json!("user+jwt"))
    );

    let browser = app.browser();
    let callback = app.reach_callback(&browser, "google", "linus", FRONTEND).await;
    let parameter = |name: &str| callback.query_pairs().find(|(key, _)| key == name).unwrap().1.into_owned();
    let cases = [
        ("a permission token", permission.to_owned()),
        ("its claims under the user token's header", forge.sign(&forge.header, &permission_claims)),
        ("a user's claims under its header", forge.sign(&permission_header, &forge.claims)),
        ("the state of a sign-in", parameter("state")),
        (
            "the state where a signature belongs",
            format!("{}.{}", good.rsplit_once('.').unwrap().0, parameter("state")),
        ),
        ("the code of a sign-in", parameter("code")),
        ("the cookie of a sign-in", browser.cookie(COOKIE).unwrap()),
        ("the user's id", forge.claims["sub"].as_str().unwrap().to_owned()),
        ("the session's id", forge.claims["sid"].as_str().unwrap().to_owned()),
    ];
    stage.assert_refused(&cases.map(|(what, token)| (what.to_owned(), token))).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn d6_a_user_token_states_its_kind_in_exactly_one_way() {
    let stage = Stage::set().await;
    let forge = &stage.forge;
    let kinds =
        ["JWT", "jwt", "USER+JWT", "application/user+jwt", "user+jwt ", "at+jwt", "permission+jwt", ""];
    let texts = kinds.map(|kind| json!(kind));
    let odd = [json!(null), json!(["user+jwt"]), json!(7), json!(true)];
    let cases = texts.into_iter().chain(odd).map(|kind| {
        let token = forge.sign(&forge.header_with("typ", kind.clone()), &forge.claims);
        (kind, token)
    });
    let mut cases = labelled(cases);
    let kindless = without(&forge.header, "typ");
    cases.push(("no kind at all".to_owned(), forge.sign(&kindless, &forge.claims)));
    stage.assert_refused(&cases).await;
}

/// What the service gives to somebody, and where it is taken back.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    UserToken,
    PermissionToken,
    State,
    Code,
    Cookie,
    UserId,
    SessionId,
}

impl Kind {
    const ALL: [Self; 7] = [
        Self::UserToken,
        Self::PermissionToken,
        Self::State,
        Self::Code,
        Self::Cookie,
        Self::UserId,
        Self::SessionId,
    ];
}

const COOKIE: &str = "__Host-vestibule-sign-in";

/// Somebody who is signed in, and a browser that comes back from a provider.
struct Holder<'a> {
    stage: &'a Stage,
    permission: &'a str,
    verifier: &'a Verifier,
    browser: Browser<'a>,
    callback: Url,
}

impl Holder<'_> {
    fn parameter(&self, name: &str) -> String {
        self.callback.query_pairs().find(|(key, _)| key == name).unwrap().1.into_owned()
    }

    fn give(&self, kind: Kind) -> String {
        let claim = |name: &str| self.stage.forge.claims[name].as_str().unwrap().to_owned();
        match kind {
            Kind::UserToken => self.stage.good.clone(),
            Kind::PermissionToken => self.permission.to_owned(),
            Kind::State => self.parameter("state"),
            Kind::Code => self.parameter("code"),
            Kind::Cookie => self.browser.cookie(COOKIE).unwrap(),
            Kind::UserId => claim("sub"),
            Kind::SessionId => claim("sid"),
        }
    }

    /// Whether this counts where the other kind belongs. The ids belong nowhere: they are names, not proofs.
    async fn is_taken_for(&self, kind: Kind, given: &str) -> bool {
        match kind {
            Kind::UserToken => self.stage.app.is_signed_in(given).await,
            Kind::PermissionToken => {
                let issued = self.stage.forge.claims["iat"].as_u64().unwrap();
                self.verifier.verify(given, issued).is_ok()
            }
            Kind::State | Kind::Code => {
                let name = if kind == Kind::State { "state" } else { "code" };
                let mut callback = self.callback.clone();
                let others = self.callback.query_pairs().filter(|(key, _)| key != name);
                callback.query_pairs_mut().clear().extend_pairs(others).append_pair(name, given);
                brings_a_token(&self.browser, &callback).await
            }
            Kind::Cookie => {
                let browser = self.stage.app.browser();
                browser.set_cookie(&format!("{COOKIE}={given}; Path=/; Secure"));
                brings_a_token(&browser, &self.callback).await
            }
            Kind::UserId | Kind::SessionId => false,
        }
    }
}

async fn brings_a_token(browser: &Browser<'_>, callback: &Url) -> bool {
    let answer = browser.get(callback.as_str()).await;
    answer.status == 303 && answer.location_parameter("jwt").is_some()
}

#[tokio::test(flavor = "multi_thread")]
async fn d6_each_kind_counts_in_its_own_place_and_in_no_other() {
    let stage = Stage::set().await;
    let app = &stage.app;
    let permission =
        app.with_token(&stage.good).get("/auth/authorize?service=storage").await.json()["token"].clone();
    let key_set = app.anonymous().get("/.well-known/jwks.json").await.body;
    let verifier = Verifier::new(EXTERNAL_ADDRESS, "storage").with_jwks(&key_set).unwrap();
    for kind in Kind::ALL {
        for place in Kind::ALL {
            // Another each time: whoever comes back has used up what they had.
            let browser = app.browser();
            let callback = app.reach_callback(&browser, "google", "linus", FRONTEND).await;
            let holder = Holder {
                stage: &stage,
                permission: permission.as_str().unwrap(),
                verifier: &verifier,
                browser,
                callback,
            };
            let taken = holder.is_taken_for(place, &holder.give(kind)).await;
            let belongs = kind == place && !matches!(kind, Kind::UserId | Kind::SessionId);
            assert_eq!(taken, belongs, "{kind:?} in the place of {place:?}");
        }
    }
}
