//! A good sign-in at the two issuers, end to end.

use vestibule_provider_emulator::{Endpoint, Issuer, Provider};

use crate::world::{NONCE, REDIRECT_URI, World, json, peek};

#[tokio::test]
async fn discovery_names_endpoints_under_the_issuer() {
    let world = World::start().await;
    for provider in [Provider::Google, Provider::Corporate] {
        let response = world.get(world.address(provider, "/.well-known/openid-configuration")).await;
        assert!(response.headers()["cache-control"].to_str().unwrap().contains("max-age"));
        let document = json(response).await;
        assert_eq!(document["issuer"], world.address(provider, ""));
        assert_eq!(document["authorization_endpoint"], world.address(provider, "/authorize"));
        assert_eq!(document["token_endpoint"], world.address(provider, "/token"));
        assert_eq!(document["jwks_uri"], world.address(provider, "/jwks"));
        let promises_iss = provider == Provider::Corporate;
        assert_eq!(document["authorization_response_iss_parameter_supported"], promises_iss);
    }
}

#[tokio::test]
async fn a_person_signs_in_at_google() {
    let world = World::start().await;
    let back = world.consent(Provider::Google, &[("persona", "ada")]).await;
    assert_eq!(back["state"], "a state & more");
    assert!(back["code"].starts_with("4/"), "{}", back["code"]);
    assert_eq!(back["iss"], world.emulator.google_issuer(), "sent, and not promised");

    let (status, tokens) = world.exchange(Provider::Google, &back["code"], &[]).await;
    assert_eq!(status, 200);
    assert_eq!(tokens["token_type"], "Bearer");
    let claims = world.verify(Issuer::Google, &tokens["id_token"]).await.unwrap();
    assert_eq!(claims["nonce"], NONCE);
    assert_eq!(claims["azp"], "google-client");
    assert_eq!(claims["email"], "ada.moreau@example.com");
    assert_eq!(claims["email_verified"], true);
    assert_eq!(claims["name"], "Ada Moreau");
    assert_eq!(claims["at_hash"].as_str().unwrap().len(), 22);

    let userinfo = world.userinfo(Provider::Google, &tokens).await;
    assert_eq!(userinfo["sub"], claims["sub"]);
    assert_eq!(userinfo["picture"], claims["picture"]);
}

#[tokio::test]
async fn the_corporate_issuer_has_its_own_keys_and_subjects_and_sends_iss() {
    let world = World::start().await;
    let back = world.consent(Provider::Corporate, &[("persona", "ada")]).await;
    assert_eq!(back["iss"], world.emulator.corporate_issuer());
    let (_, corporate) = world.exchange(Provider::Corporate, &back["code"], &[]).await;
    let google = world.sign_in(Provider::Google, "ada").await;
    let at_work = world.verify(Issuer::Corporate, &corporate["id_token"]).await.unwrap();
    assert_ne!(at_work["sub"], peek(&google["id_token"]).1["sub"]);
    assert_eq!(at_work["email"], peek(&google["id_token"]).1["email"]);
    assert!(world.verify(Issuer::Corporate, &google["id_token"]).await.is_err());
}

#[tokio::test]
async fn a_scope_that_was_not_asked_for_tells_nothing() {
    let world = World::start().await;
    let back = world.consent(Provider::Google, &[("persona", "ada"), ("scope", "openid")]).await;
    let (_, tokens) = world.exchange(Provider::Google, &back["code"], &[]).await;
    let claims = world.verify(Issuer::Google, &tokens["id_token"]).await.unwrap();
    assert!(claims.get("email").is_none() && claims.get("name").is_none(), "{claims}");
}

#[tokio::test]
async fn userinfo_wants_a_token_of_its_own_issuer() {
    let world = World::start().await;
    let tokens = world.sign_in(Provider::Google, "ada").await;
    assert_eq!(world.userinfo(Provider::Corporate, &tokens).await["error"], "invalid_token");
    let response = world.get(world.address(Provider::Google, "/userinfo")).await;
    assert_eq!(response.status(), 401);
    assert!(response.headers()["www-authenticate"].to_str().unwrap().starts_with("Bearer"));
    world.pass(3600);
    assert_eq!(world.userinfo(Provider::Google, &tokens).await["error"], "invalid_token");
}

#[tokio::test]
async fn the_page_links_to_every_persona_and_a_link_gives_a_code() {
    let world = World::start().await;
    let response = world.get(world.authorize_url(Provider::Google, &[])).await;
    assert_eq!(response.status(), 200);
    let policy = response.headers()["content-security-policy"].to_str().unwrap().to_owned();
    assert!(policy.contains("default-src 'none'") && policy.contains("style-src 'sha256-"), "{policy}");
    let page = response.text().await.unwrap();
    assert!(!page.contains("<script"));
    for persona in world.emulator.personas() {
        assert!(page.contains(&persona.explanation.replace('\'', "&#39;")), "{}", persona.id);
    }

    let link = page.split('"').find(|text| text.ends_with("persona=ada")).unwrap().replace("&amp;", "&");
    let followed = world.get(format!("http://{}{link}", world.emulator.address())).await;
    assert_eq!(followed.status(), 302);
    assert!(followed.headers()["location"].to_str().unwrap().starts_with(REDIRECT_URI));
}

#[tokio::test]
async fn counters_tell_what_was_asked() {
    let world = World::start().await;
    let tokens = world.sign_in(Provider::Google, "ada").await;
    world.exchange(Provider::Google, "no such code", &[]).await;
    world.verify(Issuer::Google, &tokens["id_token"]).await.unwrap();
    let control = world.control();
    assert_eq!(control.requests(Provider::Google, Endpoint::Authorize), 1);
    assert_eq!(control.codes_issued(Provider::Google), 1);
    let exchanges = control.token_exchanges(Provider::Google);
    assert_eq!((exchanges.attempted, exchanges.succeeded), (2, 1));
    assert_eq!(control.requests(Provider::Google, Endpoint::Jwks), 1);
    assert_eq!(control.token_exchanges(Provider::Corporate).attempted, 0);
    control.reset_counters();
    assert_eq!(control.token_exchanges(Provider::Google).attempted, 0);
}
