//! What ordinary and less ordinary people look like after a sign-in.

use serde_json::json;
use vestibule_domain::{EmailAddress, EmailKnowledge, UpstreamProfile};
use vestibule_provider_emulator::{Endpoint, Issuer, Persona, Provider as Emulated, Tampering};
use vestibule_upstream::Provider;

use crate::stage::{Stage, is_refused};

fn verified(profile: &UpstreamProfile) -> Vec<&str> {
    profile.verified_email.iter().map(EmailAddress::as_str).collect()
}

#[tokio::test]
async fn an_ordinary_person_signs_in_everywhere() {
    let stage = Stage::new().await;
    for (provider, name, issuer) in [
        (&stage.google as &dyn Provider, "google", stage.emulator.google_issuer()),
        (&stage.corporate, "corporate", stage.emulator.corporate_issuer()),
        (&stage.github, "github", stage.emulator.github_url()),
    ] {
        let profile = stage.sign_in(provider, "ada").await.unwrap();
        assert_eq!(profile.provider.as_str(), name);
        assert_eq!(profile.identity.issuer, issuer);
        assert_eq!(verified(&profile), ["ada.moreau@example.com"]);
        assert_eq!(profile.name.unwrap().as_str(), "Ada Moreau");
        assert!(profile.avatar_url.is_some() && profile.unverified_email.is_none());
    }
    assert_eq!(stage.google.label(), "Google");
    assert_eq!(stage.github.label(), "GitHub");
}

#[tokio::test]
async fn c4_a_renamed_person_keeps_the_identity() {
    let stage = Stage::new().await;
    for provider in [&stage.google as &dyn Provider, &stage.github] {
        let before = stage.sign_in(provider, "renamed").await.unwrap();
        let after = stage.sign_in(provider, "renamed").await.unwrap();
        assert_eq!(before.identity, after.identity);
        assert_ne!(before.name.unwrap().as_str(), after.name.unwrap().as_str());
    }
}

#[tokio::test]
async fn c2_an_address_that_google_has_not_verified_stays_unverified() {
    let stage = Stage::new().await;
    let profile = stage.sign_in(&stage.google, "grace").await.unwrap();
    assert!(profile.verified_email.is_none());
    assert_eq!(profile.unverified_email.unwrap().as_str(), "grace.lindqvist@example.net");
    let mut persona = Persona::ordinary("ada", "Ada", 4_201_017);
    for statement in [json!("false"), json!(1), json!("yes"), json!(null)] {
        persona.google["email_verified"] = statement.clone();
        stage.control.put_persona(persona.clone());
        let profile = stage.sign_in(&stage.google, "ada").await.unwrap();
        assert!(
            profile.verified_email.is_none() && profile.email_knowledge == EmailKnowledge::Complete,
            "{statement}"
        );
    }
    persona.google["email_verified"] = json!("true");
    stage.control.put_persona(persona);
    let profile = stage.sign_in(&stage.google, "ada").await.unwrap();
    assert_eq!(verified(&profile), ["ada@example.com"]);
}

/// As with Authelia, which states the verification at userinfo alone, and Keycloak, whose ID token may say no where userinfo says yes.
#[tokio::test]
async fn c2_userinfo_verifies_the_same_address_and_no_other() {
    let stage = Stage::new().await;
    for flaw in [Tampering::remove_claim("email_verified"), Tampering::set_claim("email_verified", false)] {
        stage.control.tamper(Issuer::Google, vec![flaw]);
        let profile = stage.sign_in(&stage.google, "ada").await.unwrap();
        assert_eq!(verified(&profile), ["ada.moreau@example.com"]);
        stage.control.override_userinfo(Issuer::Google, json!({"email": "ADA.MOREAU@example.com"}));
        assert_eq!(verified(&stage.sign_in(&stage.google, "ada").await.unwrap()), ["ada.moreau@example.com"]);
        stage.control.override_userinfo(Issuer::Google, json!({"email": "other@example.com"}));
        let profile = stage.sign_in(&stage.google, "ada").await.unwrap();
        assert!(profile.verified_email.is_none());
        assert_eq!(profile.unverified_email.unwrap().as_str(), "ada.moreau@example.com");
        stage.control.clear_userinfo(Issuer::Google);
    }
}

#[tokio::test]
async fn people_of_all_the_world_have_their_names_and_addresses() {
    let stage = Stage::new().await;
    for (id, name, address) in [
        ("mahsa", "مهسا می\u{200c}خواهد", "mahsa@xn--mgba3a4f16a.example"),
        ("kshitij", "क्षितिज श्रीवास्तव", "kshitij@xn--h2brj9c.example"),
        ("yoshino", "𠮷野家 太郎", "taro@xn--r8jz45g.jp"),
    ] {
        let profile = stage.sign_in(&stage.corporate, id).await.unwrap();
        assert_eq!(profile.name.as_ref().unwrap().as_str(), name);
        assert_eq!(verified(&profile), [address]);
    }
    let parts = stage.sign_in(&stage.corporate, "parts").await.unwrap();
    assert_eq!(parts.name.unwrap().as_str(), "Małgorzata Wiśniewska-Nowak");
}

#[tokio::test]
async fn c9_hostile_claims_become_harmless_or_absent() {
    let stage = Stage::new().await;
    let mut persona = Persona::ordinary("mallory", "Mallory", 66);
    for (name, picture, email) in [
        (json!("M\u{202e}al\r\n<script>"), json!("javascript:alert(1)"), json!("a@evil.com@corp.com")),
        (json!("x".repeat(30_000)), json!("http://169.254.169.254/"), json!(["ada@example.com"])),
        (json!(7), json!({"url": "https://a.example"}), json!("\u{0}@example.com")),
        (json!(null), json!("data:image/svg+xml,<svg/>"), json!("x".repeat(300))),
    ] {
        for member in [&mut persona.google, &mut persona.github.user] {
            member["name"] = name.clone();
            member["picture"] = picture.clone();
            member["avatar_url"] = picture.clone();
            member["email"] = email.clone();
        }
        persona.github.emails = json!([{"email": email, "verified": true, "primary": true}, 7, null]);
        stage.control.put_persona(persona.clone());
        for provider in [&stage.google as &dyn Provider, &stage.github] {
            let profile = stage.sign_in(provider, "mallory").await.unwrap();
            assert!(profile.verified_email.is_none() && profile.unverified_email.is_none());
            assert!(profile.avatar_url.is_none());
            let name = profile.name.as_ref().map_or("", |name| name.as_str());
            assert!(name.chars().count() <= 200 && !name.contains(['\u{202e}', '\r', '\n']));
        }
    }
}

#[tokio::test]
async fn what_the_id_token_leaves_out_comes_from_the_userinfo_endpoint() {
    let stage = Stage::new().await;
    let asked = || stage.control.requests(Emulated::Google, Endpoint::Userinfo);
    stage.sign_in(&stage.google, "ada").await.unwrap();
    assert_eq!(asked(), 0);
    let flaws = ["email", "email_verified", "name"].map(Tampering::remove_claim).to_vec();
    stage.control.tamper(Issuer::Google, flaws);
    let profile = stage.sign_in(&stage.google, "ada").await.unwrap();
    assert_eq!(asked(), 1);
    assert_eq!(verified(&profile), ["ada.moreau@example.com"]);
    assert_eq!(profile.name.unwrap().as_str(), "Ada Moreau");
}

#[tokio::test]
async fn b6_a_userinfo_answer_about_somebody_else_is_refused() {
    let stage = Stage::new().await;
    for sub in [json!("somebody-else"), json!(null), json!(7)] {
        stage.control.override_userinfo(Issuer::Google, json!({"sub": sub}));
        assert!(is_refused(&stage.sign_in(&stage.google, "no-name").await));
    }
    stage.control.clear_userinfo(Issuer::Google);
    assert!(stage.sign_in(&stage.google, "no-name").await.unwrap().name.is_none());
}
