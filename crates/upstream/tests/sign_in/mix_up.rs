//! Codes and responses that belong to somebody else.

use url::Url;
use vestibule_provider_emulator::{Endpoint, Provider as Emulated};
use vestibule_upstream::{Provider, ProviderError, Step};

use crate::stage::{Attempt, Stage, is_refused, redeem};

#[tokio::test]
async fn b4_a_wrong_or_missing_iss_is_refused_before_the_code_is_sent() {
    let stage = Stage::new().await;
    let attempt = Attempt::new(1);
    for (provider, emulated, issuers) in [
        (
            &stage.corporate as &dyn Provider,
            Emulated::Corporate,
            vec![None, Some("http://evil.example"), Some("")],
        ),
        (&stage.google, Emulated::Google, vec![Some("http://evil.example"), Some("")]),
        (&stage.github, Emulated::Github, vec![Some("http://evil.example"), Some("")]),
    ] {
        for issuer in issuers {
            let address = provider.authorization_url(&attempt.request()).await.unwrap();
            let mut callback = stage.consent(address, "ada").await;
            callback.issuer = issuer.map(str::to_owned);
            let outcome = redeem(provider, &attempt.exchange(&callback)).await;
            assert!(matches!(outcome, Err(ProviderError::Refused { step: Step::AuthorizationResponse, .. })));
        }
        assert_eq!(stage.control.token_exchanges(emulated).attempted, 0);
    }
}

#[tokio::test]
async fn b4_the_right_iss_passes_whether_promised_or_not() {
    let stage = Stage::new().await;
    let attempt = Attempt::new(1);
    for (provider, issuer) in [
        (&stage.corporate as &dyn Provider, stage.emulator.corporate_issuer()),
        (&stage.google, stage.emulator.google_issuer()),
        (&stage.github, stage.emulator.github_url()),
        (&stage.github, format!("{}/login/oauth", stage.emulator.github_url())),
    ] {
        let address = provider.authorization_url(&attempt.request()).await.unwrap();
        let mut callback = stage.consent(address, "ada").await;
        callback.issuer = Some(issuer);
        assert!(redeem(provider, &attempt.exchange(&callback)).await.is_ok());
    }
}

#[tokio::test]
async fn b4_a_code_of_another_provider_is_worth_nothing() {
    let stage = Stage::new().await;
    let attempt = Attempt::new(1);
    let address = stage.github.authorization_url(&attempt.request()).await.unwrap();
    let callback = stage.consent(address, "ada").await;
    assert!(is_refused(&redeem(&stage.google, &attempt.exchange(&callback)).await));
    assert_eq!(stage.control.token_exchanges(Emulated::Github).attempted, 0);
}

#[tokio::test]
async fn b5_codes_of_two_browsers_cannot_be_swapped() {
    let stage = Stage::new().await;
    for provider in [&stage.google as &dyn Provider, &stage.corporate, &stage.github] {
        let (mine, theirs) = (Attempt::new(1), Attempt::new(2));
        let address = provider.authorization_url(&theirs.request()).await.unwrap();
        let stolen = stage.consent(address, "ada").await;
        assert!(is_refused(&redeem(provider, &mine.exchange(&stolen)).await));
    }
}

#[tokio::test]
async fn b5_every_address_has_an_s256_challenge_and_no_verifier() {
    let stage = Stage::new().await;
    let attempt = Attempt::new(1);
    for provider in [&stage.google as &dyn Provider, &stage.corporate, &stage.github] {
        let url: Url = provider.authorization_url(&attempt.request()).await.unwrap();
        let has = |name: &str, value: &str| url.query_pairs().any(|(n, v)| n == name && v == value);
        assert!(has("code_challenge_method", "S256") && has("state", &attempt.state));
        assert!(url.query_pairs().any(|(name, value)| name == "code_challenge" && value.len() == 43));
        assert!(!url.as_str().contains(&attempt.code_verifier));
    }
}

#[tokio::test]
async fn b2_a_code_is_sent_once_and_is_spent_then() {
    let stage = Stage::new().await;
    let attempt = Attempt::new(1);
    let address = stage.google.authorization_url(&attempt.request()).await.unwrap();
    let callback = stage.consent(address, "ada").await;
    assert!(redeem(&stage.google, &attempt.exchange(&callback)).await.is_ok());
    assert_eq!(stage.control.requests(Emulated::Google, Endpoint::Token), 1);
    assert!(is_refused(&redeem(&stage.google, &attempt.exchange(&callback)).await));
}
