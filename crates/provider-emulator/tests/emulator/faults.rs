//! Each way to fail.

use std::time::Duration;

use serde_json::json;
use vestibule_provider_emulator::{Emulator, EmulatorOptions, Endpoint, Fault, Lasting, Provider};

use crate::world::{World, json as body};

const MEBIBYTE: usize = 1024 * 1024;
const REQUEST_TIMEOUT: Duration = Duration::from_millis(200);

/// Asks Google for its discovery document, which fails as told.
async fn ask(world: &World, fault: Fault) -> reqwest::Result<reqwest::Response> {
    world.control().inject(Provider::Google, Endpoint::Discovery, fault, Lasting::Once);
    let url = world.address(Provider::Google, "/.well-known/openid-configuration");
    world.http.get(url).timeout(Duration::from_secs(20)).send().await
}

#[tokio::test]
async fn answers_are_given_as_told() {
    let world = World::start().await;
    let response = ask(&world, Fault::status(500, "broken")).await.unwrap();
    assert_eq!((response.status().as_u16(), response.text().await.unwrap().as_str()), (500, "broken"));
    let response = ask(&world, Fault::too_many_requests(30)).await.unwrap();
    assert_eq!(
        (response.status().as_u16(), &response.headers()["retry-after"]),
        (429, &"30".parse().unwrap())
    );
    let response = ask(&world, Fault::html()).await.unwrap();
    assert!(response.headers()["content-type"].to_str().unwrap().starts_with("text/html"));
    let text = ask(&world, Fault::truncated_json()).await.unwrap().text().await.unwrap();
    assert!(serde_json::from_str::<serde_json::Value>(&text).is_err());
    let told = json!({ "error": "temporarily_unavailable" });
    assert_eq!(body(ask(&world, Fault::json(&told)).await.unwrap()).await, told);
}

#[tokio::test]
async fn a_redirect_leads_into_the_trap_and_following_is_counted() {
    let world = World::start().await;
    let control = world.control();
    let response = ask(&world, Fault::redirect(&control.trap_url())).await.unwrap();
    assert_eq!((response.status().as_u16(), control.trapped()), (302, 0));
    world.get(response.headers()["location"].to_str().unwrap()).await;
    assert_eq!(control.trapped(), 1);
}

#[tokio::test]
async fn a_hanging_endpoint_never_answers() {
    let world = World::start().await;
    let control = world.control();
    control.inject(Provider::Github, Endpoint::User, Fault::Hang, Lasting::Once);
    let request = world.http.get(format!("{}/user", world.emulator.github_api_url()));
    assert!(request.timeout(REQUEST_TIMEOUT).send().await.unwrap_err().is_timeout());
}

#[tokio::test]
async fn a_body_can_hang_after_its_first_byte() {
    let world = World::start().await;
    let mut response = ask(&world, Fault::HangInBody).await.unwrap();
    assert_eq!(response.status(), 200);
    assert_eq!(response.chunk().await.unwrap().unwrap().as_ref(), b"{");
    assert!(tokio::time::timeout(REQUEST_TIMEOUT, response.chunk()).await.is_err());
}

#[tokio::test]
async fn a_connection_is_reset_before_any_answer() {
    let world = World::start().await;
    let error = ask(&world, Fault::Close).await.unwrap_err();
    assert!(error.is_request() && error.status().is_none(), "{error:?}");
    let url = world.address(Provider::Google, "/.well-known/openid-configuration");
    assert_eq!(world.get(url).await.status(), 200);
}

#[tokio::test]
async fn a_huge_body_and_a_gzip_bomb_are_as_large_as_told() {
    let world = World::start().await;
    let huge = ask(&world, Fault::HugeBody { mebibytes: 3 }).await.unwrap();
    assert_eq!((huge.content_length(), huge.bytes().await.unwrap().len()), (None, 3 * MEBIBYTE));

    let bomb = ask(&world, Fault::GzipBomb { mebibytes: 3 }).await.unwrap();
    assert_eq!(bomb.bytes().await.unwrap().len(), 3 * MEBIBYTE);
}

#[tokio::test]
async fn faults_wait_in_line_and_one_stays_until_it_is_cleared() {
    let world = World::start().await;
    let control = world.control();
    let url = world.address(Provider::Corporate, "/jwks");
    let at = |fault, lasting| control.inject(Provider::Corporate, Endpoint::Jwks, fault, lasting);
    at(Fault::status(500, ""), Lasting::Once);
    at(Fault::status(502, ""), Lasting::Once);
    at(Fault::status(503, ""), Lasting::UntilCleared);
    for status in [500, 502, 503, 503] {
        assert_eq!(world.get(&url).await.status(), status);
    }
    assert_eq!(world.get(world.address(Provider::Google, "/jwks")).await.status(), 200);
    control.clear_faults();
    assert_eq!(world.get(&url).await.status(), 200);
    assert_eq!(control.requests(Provider::Corporate, Endpoint::Jwks), 5);
}

#[tokio::test]
async fn a_fault_at_the_token_endpoint_leaves_the_code_alone() {
    let world = World::start().await;
    let code = world.code(Provider::Google, "ada").await;
    let fault = Fault::json(&json!({}));
    world.control().inject(Provider::Google, Endpoint::Token, fault, Lasting::Once);
    assert_eq!(world.exchange(Provider::Google, &code, &[]).await, (200, json!({})));
    assert!(world.exchange(Provider::Google, &code, &[]).await.1["id_token"].is_string());
}

#[tokio::test]
async fn stopping_ends_a_request_that_hangs_and_frees_the_port() {
    let world = World::start().await;
    let control = world.control();
    control.inject(Provider::Google, Endpoint::Jwks, Fault::Hang, Lasting::UntilCleared);
    let url = world.address(Provider::Google, "/jwks");
    let hanging = tokio::spawn(world.http.get(url).send());
    while control.requests(Provider::Google, Endpoint::Jwks) == 0 {
        tokio::task::yield_now().await;
    }
    let listen = world.emulator.address();
    world.emulator.stop().await.unwrap();
    assert!(hanging.await.unwrap().is_err());
    let again = Emulator::start(EmulatorOptions { listen, ..Default::default() }).await.unwrap();
    assert_eq!(again.address(), listen);
}
