//! What GitHub says in its own way.

use serde_json::{Value, json};
use vestibule_domain::{EmailAddress, EmailKnowledge};
use vestibule_provider_emulator::{Answer, Endpoint, Fault, Lasting, Persona, Provider as Emulated};
use vestibule_upstream::{GithubProvider, GithubSettings, OutboundClient, ProviderError, Reason};

use crate::stage::{Stage, github_settings, is_refused, is_unavailable};

impl Stage {
    fn at_emails(&self, fault: Fault, lasting: Lasting) {
        self.control.inject(Emulated::Github, Endpoint::Emails, fault, lasting);
    }

    /// The person has signed in, and nobody says that they have no address.
    async fn assert_email_unknown(&self) {
        let profile = self.sign_in(&self.github, "ada").await.unwrap();
        assert!(profile.verified_email.is_none() && profile.email_knowledge == EmailKnowledge::Unknown);
    }
}

/// A status, one header, and a JSON body.
fn answer(status: u16, (name, value): (&str, &str), body: &Value) -> Fault {
    let headers =
        vec![("content-type".to_owned(), "application/json".to_owned()), (name.to_owned(), value.to_owned())];
    Fault::Answer(Answer { status, headers, body: body.to_string().into_bytes() })
}

#[tokio::test]
async fn c1_a_verified_address_on_the_second_page_is_found() {
    let stage = Stage::new().await;
    let profile = stage.sign_in(&stage.github, "linus").await.unwrap();
    assert_eq!(profile.verified_email.unwrap().as_str(), "linus.aaltonen@example.org");
    assert_eq!(stage.control.requests(Emulated::Github, Endpoint::Emails), 2);
}

#[tokio::test]
async fn c1_neither_an_unverified_nor_the_public_address_counts() {
    let stage = Stage::new().await;
    let mut persona = Persona::ordinary("mallory", "Mallory", 66);
    persona.github.user["email"] = json!("victim@example.com");
    for emails in [
        json!([{"email": "victim@example.com", "primary": true, "verified": false}]),
        json!([{"email": "victim@example.com", "primary": true, "verified": "true"}]),
        json!([{"email": "victim@example.com", "primary": true}]),
        json!([]),
    ] {
        persona.github.emails = emails;
        stage.control.put_persona(persona.clone());
        let profile = stage.sign_in(&stage.github, "mallory").await.unwrap();
        assert!(profile.verified_email.is_none());
        assert_eq!(profile.unverified_email.unwrap().as_str(), "victim@example.com");
    }
}

#[tokio::test]
async fn c1_the_primary_address_counts_if_it_is_verified_and_no_other() {
    let stage = Stage::new().await;
    let mut persona = Persona::ordinary("many", "Many", 67);
    persona.github.emails = json!([
        {"email": "second@example.com", "primary": false, "verified": true},
        {"email": "no@example.com", "primary": false, "verified": false},
        {"email": "first@example.com", "primary": true, "verified": true},
        {"email": "third@example.com", "primary": false, "verified": true},
    ]);
    stage.control.put_persona(persona);
    let profile = stage.sign_in(&stage.github, "many").await.unwrap();
    assert_eq!(profile.verified_email.as_ref().map(EmailAddress::as_str), Some("first@example.com"));
}

#[tokio::test]
async fn c1_without_access_to_the_addresses_people_sign_in_without_one() {
    let stage = Stage::new().await;
    for fault in [Fault::status(403, "{}"), Fault::status(404, "{}")] {
        stage.at_emails(fault, Lasting::Once);
        let profile = stage.sign_in(&stage.github, "ada").await.unwrap();
        assert!(profile.verified_email.is_none() && profile.email_knowledge == EmailKnowledge::Complete);
    }
}

#[tokio::test]
async fn c1_a_rate_limit_is_an_outage_and_not_a_person_without_address() {
    let stage = Stage::new().await;
    for header in [("x-ratelimit-remaining", "0"), ("retry-after", "60")] {
        stage.at_emails(answer(403, header, &json!({"message": "slow down"})), Lasting::Once);
        stage.assert_email_unknown().await;
    }
}

#[tokio::test]
async fn c1_a_later_page_that_fails_is_an_outage() {
    let stage = Stage::new().await;
    let next = format!(r#"<{}/user/emails?page=2>; rel="next""#, stage.emulator.github_api_url());
    stage.at_emails(answer(200, ("link", &next), &json!([])), Lasting::Once);
    stage.at_emails(Fault::status(403, "{}"), Lasting::Once);
    stage.assert_email_unknown().await;
}

#[tokio::test]
async fn c1_pages_elsewhere_are_not_asked_for() {
    let stage = Stage::new().await;
    for target in [stage.control.trap_url(), format!("{}/../../trap", stage.emulator.github_api_url())] {
        let link = format!(r#"<{target}>; rel="next""#);
        let page = json!([{"email": "ada@example.com", "verified": true, "primary": true}]);
        stage.at_emails(answer(200, ("link", &link), &page), Lasting::Once);
        let profile = stage.sign_in(&stage.github, "ada").await.unwrap();
        assert!(profile.verified_email.is_some());
    }
    assert_eq!(stage.control.trapped(), 0);
}

#[tokio::test]
async fn c1_pages_without_end_end_after_ten() {
    let stage = Stage::new().await;
    let link = format!(r#"<{}/user/emails?page=2>; rel="next""#, stage.emulator.github_api_url());
    stage.at_emails(answer(200, ("link", &link), &json!([])), Lasting::UntilCleared);
    assert!(stage.sign_in(&stage.github, "ada").await.unwrap().verified_email.is_none());
    assert_eq!(stage.control.requests(Emulated::Github, Endpoint::Emails), 10);
}

#[tokio::test]
async fn who_has_no_name_goes_by_the_login() {
    let stage = Stage::new().await;
    let profile = stage.sign_in(&stage.github, "no-name").await.unwrap();
    assert_eq!(profile.name.unwrap().as_str(), "k7xq2");
    assert_eq!(profile.login.as_deref(), Some("k7xq2"));
    assert_eq!(profile.identity.subject, "7770001");
}

#[tokio::test]
async fn b9_an_error_with_status_200_is_sorted_by_what_it_says() {
    let stage = Stage::new().await;
    let token_says = |error: Value| {
        stage.control.inject(Emulated::Github, Endpoint::Token, Fault::json(&error), Lasting::Once);
    };
    token_says(json!({"error": "bad_verification_code", "error_description": "expired"}));
    assert!(is_refused(&stage.sign_in(&stage.github, "ada").await));
    token_says(json!({"error": "bad_verification_code", "access_token": "x", "token_type": "bearer"}));
    assert!(is_refused(&stage.sign_in(&stage.github, "ada").await));
    token_says(json!({"error": ["odd"]}));
    assert!(is_unavailable(&stage.sign_in(&stage.github, "ada").await));
}

#[tokio::test]
async fn b9_a_wrong_client_secret_is_our_operators_matter() {
    let stage = Stage::new().await;
    let settings = GithubSettings { client_secret: "wrong".into(), ..github_settings(&stage.emulator) };
    let github = GithubProvider::new(settings, OutboundClient::new().unwrap()).unwrap();
    let error = stage.sign_in(&github, "ada").await.unwrap_err();
    assert!(matches!(
        error,
        ProviderError::Unavailable {
            reason: Reason::Settings { code: "incorrect_client_credentials", .. },
            ..
        }
    ));
}
