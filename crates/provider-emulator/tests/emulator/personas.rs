//! Who the people are, as the providers tell it.

use std::time::Duration;

use serde_json::{Value, json};
use vestibule_provider_emulator::{Issuer, Persona, Provider};

use crate::world::{World, json as body, peek};

const GITHUB: Provider = Provider::Github;

async fn google_claims(world: &World, persona: &str) -> Value {
    peek(&world.sign_in(Provider::Google, persona).await["id_token"]).1
}

/// GitHub's `/user` and the first page of `/user/emails`.
async fn github_account(world: &World, persona: &str) -> (Value, Value) {
    let tokens = world.sign_in(GITHUB, persona).await;
    let user = body(world.api("/user", &tokens).await).await;
    (user, body(world.api("/user/emails", &tokens).await).await)
}

#[tokio::test]
async fn ada_has_one_verified_address_everywhere() {
    let world = World::start().await;
    let google = google_claims(&world, "ada").await;
    let corporate = peek(&world.sign_in(Provider::Corporate, "ada").await["id_token"]).1;
    let (_, emails) = github_account(&world, "ada").await;
    assert_eq!(google["email"], corporate["email"]);
    assert_eq!(google["email"], emails[0]["email"]);
    assert_eq!((&google["email_verified"], &corporate["email_verified"]), (&json!(true), &json!(true)));
}

#[tokio::test]
async fn grace_has_no_verified_address() {
    let world = World::start().await;
    assert_eq!(google_claims(&world, "grace").await["email_verified"], false);
    let (user, emails) = github_account(&world, "grace").await;
    assert!(user["email"].is_string());
    assert!(emails.as_array().unwrap().iter().all(|entry| entry["verified"] == false));
}

#[tokio::test]
async fn linus_shows_no_address_at_github() {
    let world = World::start().await;
    let (user, emails) = github_account(&world, "linus").await;
    assert_eq!(user["email"], Value::Null);
    assert!(emails.as_array().unwrap().iter().all(|entry| entry["verified"] == false));
}

#[tokio::test]
async fn no_name_has_no_name() {
    let world = World::start().await;
    assert!(google_claims(&world, "no-name").await.get("name").is_none());
    assert_eq!(github_account(&world, "no-name").await.0["name"], Value::Null);
}

#[tokio::test]
async fn renamed_comes_back_under_another_name_with_the_same_id() {
    let world = World::start().await;
    let mut logins = Vec::new();
    let mut ids = Vec::new();
    for _ in 0..3 {
        let (user, _) = github_account(&world, "renamed").await;
        logins.push(user["login"].clone());
        ids.push(user["id"].clone());
    }
    assert!(logins[0] != logins[1] && logins[1] != logins[2] && logins[0] != logins[2], "{logins:?}");
    assert!(ids.iter().all(|id| *id == ids[0]));

    let (before, after) = (google_claims(&world, "renamed").await, google_claims(&world, "renamed").await);
    assert_ne!(before["name"], after["name"]);
    assert_eq!(before["sub"], after["sub"]);
}

#[tokio::test]
async fn slow_takes_as_long_as_told() {
    let world = World::start().await;
    world.control().set_slow_delay(Duration::from_secs(3600));
    for provider in [Provider::Google, GITHUB] {
        let code = world.code(provider, "slow").await;
        let request = world.token_request(provider, &code, &[]).timeout(Duration::from_millis(200));
        assert!(request.send().await.unwrap_err().is_timeout());
    }
    world.control().set_slow_delay(Duration::ZERO);
    world.sign_in(Provider::Google, "slow").await;
}

#[tokio::test]
async fn refuses_comes_back_with_an_error_and_no_code() {
    let world = World::start().await;
    for provider in [Provider::Google, Provider::Corporate, GITHUB] {
        let back = world.consent(provider, &[("persona", "refuses")]).await;
        assert_eq!(back["error"], "access_denied");
        assert_eq!(back["state"], "a state & more");
        assert!(!back.contains_key("code"));
        assert_eq!(back.contains_key("iss"), provider != GITHUB);
        assert_eq!(world.control().codes_issued(provider), 0);
    }
}

#[tokio::test]
async fn a_hostile_persona_is_told_as_it_is() {
    let world = World::start().await;
    let mut persona = Persona::ordinary("mallory", "Mallory", 666);
    let name = "\u{202e}".repeat(400_000);
    persona.google = json!({ "sub": 17, "name": name, "email": null, "email_verified": "false" });
    persona.github.user = json!({ "id": "not a number", "login": ["x"], "name": 5 });
    persona.github.emails = json!({ "message": "not a list" });
    world.control().put_persona(persona);

    let claims = google_claims(&world, "mallory").await;
    assert_eq!(claims["sub"], 17);
    assert_eq!(claims["name"], name.as_str());
    assert_eq!((&claims["email"], &claims["email_verified"]), (&Value::Null, &json!("false")));
    let (user, emails) = github_account(&world, "mallory").await;
    assert_eq!(user, json!({ "id": "not a number", "login": ["x"], "name": 5 }));
    assert_eq!(emails, json!({ "message": "not a list" }));
}

#[tokio::test]
async fn a_known_persona_can_be_changed() {
    let world = World::start().await;
    let control = world.control();
    let mut ada = control.find_persona("ada").unwrap();
    ada.google.as_object_mut().unwrap().remove("sub");
    control.put_persona(ada);
    assert_eq!(world.emulator.personas().iter().filter(|persona| persona.id == "ada").count(), 1);
    let token = world.sign_in(Provider::Google, "ada").await["id_token"].clone();
    let claims = world.verify(Issuer::Google, &token).await.unwrap();
    assert!(claims.get("sub").is_none());
}
