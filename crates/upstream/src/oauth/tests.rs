use std::collections::{BTreeMap, HashMap};

use super::*;
use crate::error::ProviderError;
use crate::oidc::TokenEndpointAuthMethod::ClientSecretPost;
use vestibule_domain::ProviderName;

const VERIFIER: &str = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";

fn registration() -> Registration {
    Registration {
        client_id: "vestibule".into(),
        client_secret: Some("a secret".into()),
        scopes: vec!["openid".into(), "email".into()],
        parameters: BTreeMap::new(),
    }
}

fn request(code_verifier: &str) -> AuthorizationRequest<'_> {
    AuthorizationRequest {
        state: "a state & more",
        code_verifier,
        nonce: "a nonce",
        redirect_uri: "https://auth.example.com/auth/oauth_callback",
        prompt: None,
        login_hint: None,
        max_age: None,
    }
}

#[test]
fn b5_the_address_carries_the_challenge_and_never_the_verifier() {
    let endpoint = Endpoint::parse("https://id.example/authorize?tenant=1").unwrap();
    let url = registration()
        .authorization_url(&endpoint, &request(VERIFIER), &[("nonce", Some("a nonce")), ("prompt", None)])
        .unwrap();
    let parameters: HashMap<_, _> = url.query_pairs().into_owned().collect();
    let expected = [
        ("tenant", "1"),
        ("response_type", "code"),
        ("client_id", "vestibule"),
        ("state", "a state & more"),
        // The pair of RFC 7636 appendix B.
        ("code_challenge", "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM"),
        ("code_challenge_method", "S256"),
        ("redirect_uri", "https://auth.example.com/auth/oauth_callback"),
        ("scope", "openid email"),
        ("nonce", "a nonce"),
    ];
    assert_eq!(parameters, expected.map(|(name, value)| (name.to_owned(), value.to_owned())).into());
    assert!(!url.as_str().contains(VERIFIER) && !url.as_str().contains("secret"));
}

#[test]
fn b5_a_verifier_that_is_too_short_or_odd_is_never_used() {
    let endpoint = Endpoint::parse("https://id.example/authorize").unwrap();
    let long = "a".repeat(129);
    let odd = format!("{}+", "a".repeat(43));
    for bad in ["", VERIFIER.trim_start_matches('d'), &long, &odd] {
        assert!(registration().authorization_url(&endpoint, &request(bad), &[]).is_err());
    }
}

#[test]
fn an_error_code_tells_whose_matter_it_is() {
    let google = ProviderName::parse("google").unwrap();
    let is_refused = |code| {
        matches!(failure_of_code(code, ClientSecretPost).at_provider(&google), ProviderError::Refused { .. })
    };
    for code in ["invalid_grant", "bad_verification_code", "something_else", ""] {
        assert!(is_refused(code), "{code}");
    }
    for code in [
        "invalid_client",
        "incorrect_client_credentials",
        "redirect_uri_mismatch",
        "Not Found",
        "temporarily_unavailable",
    ] {
        assert!(!is_refused(code), "{code}");
    }
    let settings =
        failure_of_code("incorrect_client_credentials", ClientSecretPost).at_provider(&google).to_string();
    assert!(settings.starts_with("google cannot be used with these settings"), "{settings}");
    assert!(settings.contains("check the client id, secret"), "{settings}");
    assert!(settings.contains("authenticated by client_secret_post"), "{settings}");
}

#[test]
fn n1_what_a_provider_writes_into_an_error_is_not_repeated() {
    let failure = failure_of_code("the code was 4711", ClientSecretPost);
    assert!(!failure.to_string().contains("4711"));
}

#[test]
fn what_the_operator_adds_goes_along_and_counts_before_a_wish_of_the_browser() {
    let endpoint = Endpoint::parse("https://id.example/authorize").unwrap();
    let added = [("hd", "corp.example"), ("prompt", "select_account")];
    let registration = Registration {
        parameters: added.map(|(name, value)| (name.to_owned(), value.to_owned())).into(),
        ..registration()
    };
    let wishes = [("prompt", Some("login")), ("login_hint", Some("ada@corp.example"))];
    let url = registration.authorization_url(&endpoint, &request(VERIFIER), &wishes).unwrap();
    let values = |wanted: &str| -> Vec<String> {
        url.query_pairs().filter(|(name, _)| name == wanted).map(|(_, value)| value.into_owned()).collect()
    };
    assert_eq!(values("hd"), ["corp.example"]);
    assert_eq!(values("prompt"), ["select_account"]);
    assert_eq!(values("login_hint"), ["ada@corp.example"]);
}
