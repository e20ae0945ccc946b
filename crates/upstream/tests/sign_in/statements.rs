//! What is kept of a person beyond the profile: chosen claims, organizations.

use serde_json::{Value, json};
use vestibule_domain::UpstreamProfile;
use vestibule_provider_emulator::{
    Endpoint, Fault, Issuer, Lasting, Persona, Provider as Emulated, Tampering,
};
use vestibule_upstream::{GithubProvider, GithubSettings, OidcProvider, OidcSettings, OutboundClient};

use crate::stage::{Stage, github_settings, google_settings};

impl Stage {
    /// Google, of whose claims these are kept.
    fn google_keeping(&self, claims: &[&str]) -> OidcProvider {
        let settings = google_settings(&self.emulator.google_issuer(), self.emulator.google_client());
        let claims = claims.iter().map(|claim| (*claim).to_owned()).collect();
        let settings = OidcSettings { claims, ..settings };
        OidcProvider::new(settings, OutboundClient::new().unwrap(), self.clock.clone()).unwrap()
    }

    fn github_with_organizations(&self) -> GithubProvider {
        let settings = GithubSettings { organizations: true, ..github_settings(&self.emulator) };
        GithubProvider::new(settings, OutboundClient::new().unwrap()).unwrap()
    }

    fn at_organizations(&self, fault: Fault) {
        self.control.inject(Emulated::Github, Endpoint::Organizations, fault, Lasting::Once);
    }
}

fn kept(profile: &UpstreamProfile) -> Value {
    Value::Object(profile.claims.as_object().clone())
}

fn organizations(profile: &UpstreamProfile) -> Vec<&str> {
    profile.organizations.iter().map(|organization| organization.login.as_str()).collect()
}

#[tokio::test]
async fn nothing_is_kept_or_asked_for_that_nobody_chose() {
    let stage = Stage::new().await;
    let profile = stage.sign_in(&stage.google, "ada").await.unwrap();
    assert_eq!(kept(&profile), json!({}));
    let profile = stage.sign_in(&stage.github, "ada").await.unwrap();
    assert!(profile.organizations.is_empty());
    assert_eq!(stage.control.requests(Emulated::Github, Endpoint::Organizations), 0);
}

#[tokio::test]
async fn chosen_claims_are_kept_as_they_are() {
    let stage = Stage::new().await;
    let google = stage.google_keeping(&["groups", "hd"]);
    let profile = stage.sign_in(&google, "ada").await.unwrap();
    assert_eq!(kept(&profile), json!({"groups": ["admins", "staff"], "hd": "example.com"}));
    assert_eq!(stage.control.requests(Emulated::Google, Endpoint::Userinfo), 0);
    let profile = stage.sign_in(&google, "grace").await.unwrap();
    assert_eq!(kept(&profile), json!({}));
}

#[tokio::test]
async fn a_chosen_claim_that_the_id_token_lacks_comes_from_the_userinfo_endpoint() {
    let stage = Stage::new().await;
    let google = stage.google_keeping(&["groups"]);
    stage.control.tamper(Issuer::Google, vec![Tampering::remove_claim("groups")]);
    let profile = stage.sign_in(&google, "ada").await.unwrap();
    assert_eq!(kept(&profile), json!({"groups": ["admins", "staff"]}));
}

/// As at Keycloak, whose roles lie inside another claim, and Auth0, whose claims are named by addresses.
#[tokio::test]
async fn a_chosen_claim_may_lie_inside_another_or_have_an_address_for_a_name() {
    let stage = Stage::new().await;
    let names = ["realm_access.roles", "resource_access.vestibule.roles", "https://app.example/roles"];
    let google = stage.google_keeping(&names);
    let mut persona = Persona::ordinary("nested", "Nested", 78);
    persona.google["realm_access"] = json!({"roles": ["staff"]});
    persona.google["resource_access"] =
        json!({"vestibule": {"roles": ["writer"]}, "other": {"roles": ["no"]}});
    persona.google["https://app.example/roles"] = json!(["reader"]);
    stage.control.put_persona(persona);
    let profile = stage.sign_in(&google, "nested").await.unwrap();
    assert_eq!(
        kept(&profile),
        json!({
            "realm_access.roles": ["staff"],
            "resource_access.vestibule.roles": ["writer"],
            "https://app.example/roles": ["reader"],
        })
    );
}

#[tokio::test]
async fn a_claim_beyond_the_bound_is_as_good_as_absent() {
    let stage = Stage::new().await;
    let google = stage.google_keeping(&["groups", "hd"]);
    let mut persona = Persona::ordinary("many", "Many", 77);
    persona.google["groups"] = (0..1_600).map(|number| format!("group-{number:06}")).collect();
    persona.google["hd"] = json!("example.com");
    stage.control.put_persona(persona);
    let profile = stage.sign_in(&google, "many").await.unwrap();
    assert_eq!(kept(&profile), json!({"hd": "example.com"}));
}

#[tokio::test]
async fn organizations_of_all_pages_are_found() {
    let stage = Stage::new().await;
    let github = stage.github_with_organizations();
    let profile = stage.sign_in(&github, "ada").await.unwrap();
    assert_eq!(organizations(&profile), ["acme", "Example-Labs"]);
    let profile = stage.sign_in(&github, "linus").await.unwrap();
    assert_eq!(organizations(&profile).len(), 105);
    assert_eq!(organizations(&profile).last(), Some(&"acme"));
    assert!(stage.sign_in(&github, "grace").await.unwrap().organizations.is_empty());
}

#[tokio::test]
async fn without_access_to_the_organizations_people_sign_in_without_any() {
    let stage = Stage::new().await;
    let github = stage.github_with_organizations();
    for status in [403, 404] {
        stage.at_organizations(Fault::status(status, "{}"));
        assert!(stage.sign_in(&github, "ada").await.unwrap().organizations.is_empty());
    }
}

#[tokio::test]
async fn c9_a_hostile_list_of_organizations_is_cleaned() {
    let stage = Stage::new().await;
    let github = stage.github_with_organizations();
    stage.at_organizations(Fault::json(&json!([
        {"id": 1, "login": "acme"}, {"id": 2, "login": "ac\u{202e}me"}, {"id": 3, "login": 7}, {}, null,
        {"id": 4, "login": "x".repeat(1_000)}, "acme", {"login": "acme"}, {"id": "5", "login": "labs"},
        {"id": -6, "login": "labs"}, {"id": 7.5, "login": "labs"}, {"id": u64::MAX, "login": "labs"},
    ])));
    let profile = stage.sign_in(&github, "ada").await.unwrap();
    assert_eq!(organizations(&profile), ["acme"]);
}
