//! What the authorization endpoints refuse: always with a page, never with a redirect.

use vestibule_provider_emulator::{EmulatorOptions, Provider, RedirectPolicy, RedirectUris};

use crate::world::{REDIRECT_URI, World};

async fn refused(world: &World, provider: Provider, changes: &[(&str, &str)]) -> String {
    let mut changes = changes.to_vec();
    changes.push(("persona", "ada"));
    let response = world.get(world.authorize_url(provider, &changes)).await;
    assert_eq!(response.status(), 400, "{changes:?}");
    assert!(response.headers().get("location").is_none());
    response.text().await.unwrap()
}

#[tokio::test]
async fn an_issuer_refuses_each_missing_or_wrong_parameter() {
    let world = World::start().await;
    let cases = [
        ("client_id", ""),
        ("client_id", "github-client"),
        ("redirect_uri", ""),
        ("redirect_uri", "https://evil.example/callback"),
        ("redirect_uri", "not an address"),
        ("response_type", ""),
        ("response_type", "token"),
        ("scope", "email"),
        ("code_challenge", ""),
        ("code_challenge", "short"),
        ("code_challenge_method", ""),
        ("code_challenge_method", "plain"),
    ];
    for (name, value) in cases {
        let page = refused(&world, Provider::Google, &[(name, value)]).await;
        assert!(page.contains(name) || page.contains("client"), "{name}={value}: {page}");
    }
    assert_eq!(world.control().codes_issued(Provider::Google), 0);
}

#[tokio::test]
async fn github_refuses_each_wrong_parameter() {
    let world = World::start().await;
    let cases = [
        ("client_id", "google-client"),
        ("redirect_uri", "https://evil.example/callback"),
        ("redirect_uri", ""),
        ("code_challenge_method", "plain"),
    ];
    for (name, value) in cases {
        refused(&world, Provider::Github, &[(name, value)]).await;
    }
}

#[tokio::test]
async fn a_redirect_uri_is_registered_at_each_provider_byte_for_byte() {
    let registered = RedirectUris::all(RedirectPolicy::Exact(vec![REDIRECT_URI.to_owned()]));
    let world = World::start_with(EmulatorOptions { redirect_uris: registered, ..Default::default() }).await;
    for provider in [Provider::Google, Provider::Corporate, Provider::Github] {
        world.consent(provider, &[("persona", "ada")]).await;
        let longer = format!("{REDIRECT_URI}/more");
        refused(&world, provider, &[("redirect_uri", &longer)]).await;
    }
    let other = "https://app.example.com/cb";
    world.control().set_redirect_uris(Provider::Google, RedirectPolicy::Exact(vec![other.to_owned()]));
    world.consent(Provider::Google, &[("persona", "ada"), ("redirect_uri", other)]).await;
    refused(&world, Provider::Google, &[]).await;
    refused(&world, Provider::Corporate, &[("redirect_uri", other)]).await;
}

#[tokio::test]
async fn an_oauth_app_of_github_takes_what_is_below_its_registered_address() {
    let world = World::start().await;
    world.control().set_redirect_uris(Provider::Github, RedirectPolicy::Below(REDIRECT_URI.to_owned()));
    for rest in ["", "/partner", "?more=1"] {
        let below = format!("{REDIRECT_URI}{rest}");
        let back = world.consent(Provider::Github, &[("persona", "ada"), ("redirect_uri", &below)]).await;
        assert!(back.contains_key("code"), "{below}");
    }
    let beside = format!("{REDIRECT_URI}/../other");
    refused(&world, Provider::Github, &[("redirect_uri", &beside)]).await;
}

#[tokio::test]
async fn a_parameter_that_comes_twice_is_refused() {
    let world = World::start().await;
    let mut url = world.authorize_url(Provider::Google, &[("persona", "ada")]);
    url.query_pairs_mut().append_pair("state", "another");
    assert_eq!(world.get(url).await.status(), 400);
}

#[tokio::test]
async fn an_unknown_persona_is_refused() {
    let world = World::start().await;
    let response = world.get(world.authorize_url(Provider::Google, &[("persona", "nobody")])).await;
    assert_eq!(response.status(), 400);
}

#[tokio::test]
async fn what_the_page_repeats_is_escaped() {
    let world = World::start().await;
    let page = refused(&world, Provider::Google, &[("client_id", "<script>alert(1)</script>")]).await;
    assert!(page.contains("&lt;script&gt;") && !page.contains("<script>"), "{page}");
    let state = "\"><script>";
    let page =
        world.get(world.authorize_url(Provider::Google, &[("state", state)])).await.text().await.unwrap();
    assert!(!page.contains("<script>"), "{page}");
}

#[tokio::test]
async fn other_methods_are_refused_with_those_that_are_allowed() {
    let world = World::start().await;
    let response = world.http.post(world.authorize_url(Provider::Google, &[])).send().await.unwrap();
    assert_eq!((response.status().as_u16(), &response.headers()["allow"]), (405, &"GET".parse().unwrap()));
    let response = world.get(world.address(Provider::Google, "/token")).await;
    assert_eq!((response.status().as_u16(), &response.headers()["allow"]), (405, &"POST".parse().unwrap()));
    assert_eq!(world.get(world.address(Provider::Google, "/nowhere")).await.status(), 404);
}
