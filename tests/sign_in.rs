//! A person signs in: through each provider, as each persona of the emulator.

use serde_json::json;
use vestibule_test_support::TestDatabase;

use crate::world::{APP, World, on_both_databases};

on_both_databases! {
    /// The ordinary way: Google states who it is, the frontend gets a token, check answers the profile.
    async fn an_ordinary_person_signs_in_with_google(database) {
        let world = World::on(database).await;
        let token = world.sign_in("google", "ada").await;
        let profile = world.profile(&token).await;
        let persona = world.control().find_persona("ada").unwrap();
        assert_eq!(profile["name"], persona.google["name"]);
        assert_eq!(profile["email"], persona.google["email"]);
        assert_eq!(profile["provider_id"], json!(format!("google:{}", persona.google["sub"].as_str().unwrap())));
        assert_eq!(profile["id"], profile["idhash"]);
        assert!(profile.get("username").is_none(), "{profile}");
        assert!(profile["join_date"].as_str().unwrap().ends_with('Z'));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_is_not_signed_in_learns_where_they_can() {
    let world = World::on(TestDatabase::sqlite()).await;
    let browser = world.browser();
    let answer = browser.get(&format!("/auth/check?jwt=&next={APP}")).await.json();
    let base = world.program.base_url();
    let link = |provider: &str| json!({"url": format!("{base}/auth/login/{provider}?next=https%3A%2F%2Fapp.example.com%2Fwelcome")});
    let providers = json!({"google": link("google"), "github": link("github"), "corporate": link("corporate")});
    assert_eq!(answer, json!({"authenticated": false, "providers": providers}));
}
