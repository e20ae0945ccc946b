//! What a sign-in can do without: an answer that does not come takes nothing from what is validated.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use serde_json::{Value, json};
use vestibule_domain::{EmailKnowledge, ProviderName, UpstreamProfile};
use vestibule_provider_emulator::{Endpoint, Fault, Issuer, Lasting, Provider as Emulated, Tampering};
use vestibule_upstream::{
    GithubProvider, GithubSettings, OidcProvider, OidcSettings, OutboundClient, Provider, Step,
    UpstreamObserver, UpstreamOutcome,
};

use crate::stage::{Stage, github_settings, google_settings};

/// Notes what sign-ins went on without.
#[derive(Default)]
struct Noted(Mutex<Vec<(String, Step)>>);

impl Noted {
    fn take(&self) -> Vec<(String, Step)> {
        std::mem::take(&mut self.0.lock().unwrap())
    }
}

impl UpstreamObserver for Noted {
    fn request(&self, _: &ProviderName, _: UpstreamOutcome, _: Duration) {}

    fn incomplete(&self, provider: &ProviderName, step: Step) {
        self.0.lock().unwrap().push((provider.to_string(), step));
    }
}

/// Google with a chosen claim, and GitHub with organizations.
struct Wishing {
    stage: Stage,
    google: OidcProvider,
    github: GithubProvider,
    noted: Arc<Noted>,
}

impl Wishing {
    async fn new() -> Self {
        Self::with(Stage::new().await, &OutboundClient::new().unwrap())
    }

    fn with(stage: Stage, client: &OutboundClient) -> Self {
        let noted = Arc::new(Noted::default());
        let google = google_settings(&stage.emulator.google_issuer(), stage.emulator.google_client());
        let google = OidcSettings { claims: vec!["groups".to_owned()], ..google };
        let observed = client.observed_for(&google.name, noted.clone());
        let google = OidcProvider::new(google, observed, stage.clock.clone()).unwrap();
        let github = GithubSettings { organizations: true, ..github_settings(&stage.emulator) };
        let observed = client.observed_for(&GithubSettings::name(), noted.clone());
        Self { google, github: GithubProvider::new(github, observed).unwrap(), noted, stage }
    }

    async fn at(&self, provider: &dyn Provider, endpoint: Endpoint, fault: Fault) -> UpstreamProfile {
        let emulated = if provider.name().as_str() == "github" { Emulated::Github } else { Emulated::Google };
        self.stage.control.inject(emulated, endpoint, fault, Lasting::Once);
        let profile = self.stage.sign_in(provider, "ada").await.unwrap();
        assert_eq!(self.stage.control.trapped(), 0);
        profile
    }

    /// Lets the ID token say nothing of these.
    fn leave_out(&self, claims: &[&str]) {
        let flaws = claims.iter().map(|claim| Tampering::remove_claim(claim)).collect();
        self.stage.control.tamper(Issuer::Google, flaws);
    }
}

fn outages() -> Vec<Fault> {
    vec![Fault::status(500, "oops"), Fault::too_many_requests(60), Fault::Close]
}

fn useless() -> Vec<Fault> {
    vec![
        Fault::status(403, "{}"),
        Fault::html(),
        Fault::truncated_json(),
        Fault::json(&json!("hello")),
        Fault::HugeBody { mebibytes: 100 },
    ]
}

fn kept(profile: &UpstreamProfile) -> Value {
    Value::Object(profile.claims.as_object().clone())
}

#[tokio::test]
async fn b9_a_name_or_claim_that_userinfo_does_not_tell_takes_nothing_from_the_rest() {
    let wishing = Wishing::new().await;
    wishing.leave_out(&["name", "groups"]);
    for fault in [outages(), useless()].concat() {
        let profile = wishing.at(&wishing.google, Endpoint::Userinfo, fault.clone()).await;
        assert_eq!(profile.verified_email.unwrap().as_str(), "ada.moreau@example.com");
        assert!(profile.name.is_none() && profile.email_knowledge == EmailKnowledge::Complete, "{fault:?}");
        assert_eq!(
            profile.claims.as_object().len(),
            0,
            "what decides permissions is never more than was stated now"
        );
        assert_eq!(wishing.noted.take(), [("google".to_owned(), Step::UserInfo)]);
    }
    let profile = wishing.stage.sign_in(&wishing.google, "ada").await.unwrap();
    assert_eq!(profile.name.as_ref().unwrap().as_str(), "Ada Moreau");
    assert_eq!(kept(&profile), json!({"groups": ["admins", "staff"]}));
    assert_eq!(wishing.noted.take(), []);
}

#[tokio::test]
async fn b9_an_address_is_unknown_while_userinfo_is_out_of_order_and_missing_if_it_has_nothing_to_say() {
    let wishing = Wishing::new().await;
    wishing.leave_out(&["email_verified"]);
    let never_answered = wishing.at(&wishing.google, Endpoint::Userinfo, Fault::Close).await;
    let partial = EmailKnowledge::Partial;
    assert_eq!(never_answered.email_knowledge, partial, "it may be one that a firewall keeps away");
    wishing.stage.sign_in(&wishing.google, "ada").await.unwrap();
    for fault in outages() {
        let profile = wishing.at(&wishing.google, Endpoint::Userinfo, fault.clone()).await;
        assert!(
            profile.email_knowledge == EmailKnowledge::Unknown && profile.verified_email.is_none(),
            "{fault:?}"
        );
    }
    for fault in useless() {
        let profile = wishing.at(&wishing.google, Endpoint::Userinfo, fault.clone()).await;
        assert!(
            profile.email_knowledge == EmailKnowledge::Complete && profile.verified_email.is_none(),
            "{fault:?}"
        );
        assert_eq!(profile.unverified_email.unwrap().as_str(), "ada.moreau@example.com");
    }
}

#[tokio::test]
async fn b9_whatever_fails_at_github_after_the_user_is_known_takes_nothing_from_the_sign_in() {
    let wishing = Wishing::new().await;
    for fault in
        [outages(), useless()].concat().into_iter().filter(|fault| *fault != Fault::status(403, "{}"))
    {
        let profile = wishing.at(&wishing.github, Endpoint::Emails, fault.clone()).await;
        assert!(
            profile.email_knowledge == EmailKnowledge::Unknown && profile.verified_email.is_none(),
            "{fault:?}"
        );
        assert_eq!(profile.organizations.len(), 2);
        assert_eq!(wishing.noted.take(), [("github".to_owned(), Step::Emails)]);
        let profile = wishing.at(&wishing.github, Endpoint::Organizations, fault.clone()).await;
        assert!(
            profile.email_knowledge == EmailKnowledge::Complete && profile.verified_email.is_some(),
            "{fault:?}"
        );
        assert!(
            profile.organizations.is_empty(),
            "what decides permissions is never more than was stated now"
        );
        assert_eq!(wishing.noted.take(), [("github".to_owned(), Step::Organizations)]);
    }
}

#[tokio::test]
async fn b9_who_has_no_right_to_read_is_counted_as_such() {
    let wishing = Wishing::new().await;
    for endpoint in [Endpoint::Emails, Endpoint::Organizations] {
        let step = if endpoint == Endpoint::Emails { Step::Emails } else { Step::Organizations };
        for status in [403, 404] {
            let profile = wishing.at(&wishing.github, endpoint, Fault::status(status, "{}")).await;
            assert!(profile.email_knowledge == EmailKnowledge::Complete);
            assert_eq!(wishing.noted.take(), [("github".to_owned(), step)]);
        }
    }
}

#[tokio::test]
async fn b9_an_address_that_only_userinfo_has_is_unknown_from_the_first_outage_on() {
    let wishing = Wishing::new().await;
    wishing.leave_out(&["email", "email_verified"]);
    let profile = wishing.at(&wishing.google, Endpoint::Userinfo, Fault::Close).await;
    assert!(profile.email_knowledge == EmailKnowledge::Unknown);
}

#[tokio::test]
async fn b9_a_wish_that_hangs_is_given_up_and_the_sign_in_is_not() {
    let client = OutboundClient::with_timeout(Duration::from_millis(600)).unwrap();
    let wishing = Wishing::with(Stage::new().await, &client);
    wishing.leave_out(&["name"]);
    for fault in [Fault::Hang, Fault::HangInBody] {
        let profile = wishing.at(&wishing.google, Endpoint::Userinfo, fault.clone()).await;
        assert!(profile.name.is_none() && profile.verified_email.is_some());
        let profile = wishing.at(&wishing.github, Endpoint::Emails, fault).await;
        assert!(profile.email_knowledge == EmailKnowledge::Unknown);
    }
}
