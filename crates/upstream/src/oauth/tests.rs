use std::collections::HashMap;

use super::*;
use crate::error::ProviderError;
use vestibule_domain::ProviderName;

const VERIFIER: &str = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";

fn registration() -> Registration {
    Registration {
        client_id: "vestibule".into(),
        client_secret: "a secret".into(),
        scopes: vec!["openid".into(), "email".into()],
    }
}

fn request(code_verifier: &str) -> AuthorizationRequest<'_> {
    AuthorizationRequest {
        state: "a state & more",
        code_verifier,
        nonce: "a nonce",
        redirect_uri: "https://auth.example.com/auth/oauth_callback",
    }
}

#[test]
fn b5_the_address_carries_the_challenge_and_never_the_verifier() {
    let endpoint = Endpoint::parse("https://id.example/authorize?tenant=1").unwrap();
    let url =
        registration().authorization_url(&endpoint, &request(VERIFIER), &[("nonce", "a nonce")]).unwrap();
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
    let is_refused =
        |code| matches!(failure_of_code(code).at_provider(&google), ProviderError::Refused { .. });
    for code in ["invalid_grant", "bad_verification_code", "something_else", ""] {
        assert!(is_refused(code), "{code}");
    }
    for code in
        ["invalid_client", "incorrect_client_credentials", "redirect_uri_mismatch", "temporarily_unavailable"]
    {
        assert!(!is_refused(code), "{code}");
    }
    let settings = failure_of_code("incorrect_client_credentials").at_provider(&google).to_string();
    assert!(settings.contains("check the client id, secret"), "{settings}");
}

#[test]
fn n1_what_a_provider_writes_into_an_error_is_not_repeated() {
    let failure = failure_of_code("the code was 4711");
    assert!(!failure.to_string().contains("4711"));
}
