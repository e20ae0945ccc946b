//! What the issuers' token endpoint refuses.

use reqwest::header::{AUTHORIZATION, CONTENT_TYPE};
use vestibule_provider_emulator::{Client, EmulatorOptions, Provider};

use crate::world::World;

const GOOGLE: Provider = Provider::Google;

#[tokio::test]
async fn each_wrong_field_has_its_error() {
    let world = World::start().await;
    let cases = [
        (400, "invalid_grant", "code", "4/0Anothing"),
        (400, "invalid_grant", "code", ""),
        (400, "invalid_grant", "code_verifier", ""),
        (400, "invalid_grant", "code_verifier", "0123456789012345678901234567890123456789012"),
        (400, "redirect_uri_mismatch", "redirect_uri", "http://127.0.0.1:8000/other"),
        (400, "redirect_uri_mismatch", "redirect_uri", ""),
        (400, "unsupported_grant_type", "grant_type", "password"),
        (400, "invalid_request", "grant_type", ""),
        (401, "invalid_client", "client_id", "corp-client"),
        (401, "invalid_client", "client_id", ""),
        (401, "invalid_client", "client_secret", "wrong"),
        (401, "invalid_client", "client_secret", ""),
    ];
    for (status, error, name, value) in cases {
        let code = world.code(GOOGLE, "ada").await;
        let (given, answer) = world.exchange(GOOGLE, &code, &[(name, value)]).await;
        assert_eq!((given, answer["error"].as_str()), (status, Some(error)), "{name}={value}");
        assert!(answer["error_description"].is_string());
    }
    assert_eq!(world.control().token_exchanges(GOOGLE).succeeded, 0);
}

#[tokio::test]
async fn a_code_is_good_once_even_when_asked_for_in_parallel() {
    let world = World::start().await;
    let code = world.code(GOOGLE, "ada").await;
    let attempts = (0..20).map(|_| world.exchange(GOOGLE, &code, &[]));
    let answers = futures_util::future::join_all(attempts).await;
    assert_eq!(answers.iter().filter(|(status, _)| *status == 200).count(), 1);
    let exchanges = world.control().token_exchanges(GOOGLE);
    assert_eq!((exchanges.attempted, exchanges.succeeded), (20, 1));
}

#[tokio::test]
async fn a_code_is_spent_by_a_wrong_verifier() {
    let world = World::start().await;
    let code = world.code(GOOGLE, "ada").await;
    let wrong = [("code_verifier", "0123456789012345678901234567890123456789012")];
    world.exchange(GOOGLE, &code, &wrong).await;
    assert_eq!(world.exchange(GOOGLE, &code, &[]).await.0, 400);
}

#[tokio::test]
async fn a_code_lives_for_sixty_seconds() {
    let world = World::start().await;
    let code = world.code(GOOGLE, "ada").await;
    world.pass(59);
    assert_eq!(world.exchange(GOOGLE, &code, &[]).await.0, 200);
    let code = world.code(GOOGLE, "ada").await;
    world.pass(60);
    assert_eq!(world.exchange(GOOGLE, &code, &[]).await.0, 400);
}

#[tokio::test]
async fn a_code_of_one_provider_is_nothing_at_another() {
    let world = World::start().await;
    for (from, to) in
        [(GOOGLE, Provider::Corporate), (Provider::Corporate, GOOGLE), (Provider::Github, GOOGLE)]
    {
        let code = world.code(from, "ada").await;
        assert_eq!(world.exchange(to, &code, &[]).await.1["error"], "invalid_grant");
    }
}

#[tokio::test]
async fn http_basic_proves_a_client_whose_id_and_secret_need_encoding() {
    let corporate_client = Client::new("corp:client", "a+b %&é");
    let world = World::start_with(EmulatorOptions { corporate_client, ..Default::default() }).await;
    let no_body = [("client_id", ""), ("client_secret", "")];
    for (user, password, status) in
        [("corp%3Aclient", "a%2Bb+%25%26%C3%A9", 200), ("corp%3Aclient", "other", 401)]
    {
        let code = world.code(Provider::Corporate, "ada").await;
        let request = world.token_request(Provider::Corporate, &code, &no_body);
        let response = request.basic_auth(user, Some(password)).send().await.unwrap();
        assert_eq!(response.status(), status, "{password}");
        assert_eq!(response.headers().contains_key("www-authenticate"), status == 401);
    }
}

#[tokio::test]
async fn two_ways_to_authenticate_at_once_are_refused() {
    let world = World::start().await;
    let code = world.code(GOOGLE, "ada").await;
    let request = world.token_request(GOOGLE, &code, &[]).basic_auth("google-client", Some("google-secret"));
    assert_eq!(request.send().await.unwrap().status(), 400);
    let request = world.token_request(GOOGLE, &code, &[("client_secret", "")]);
    let response = request.header(AUTHORIZATION, "Basic %%%").send().await.unwrap();
    assert_eq!(response.status(), 401);
}

#[tokio::test]
async fn only_a_form_is_read() {
    let world = World::start().await;
    let code = world.code(GOOGLE, "ada").await;
    let mut request = world.token_request(GOOGLE, &code, &[]).build().unwrap();
    request.headers_mut().insert(CONTENT_TYPE, "application/json".parse().unwrap());
    assert_eq!(world.http.execute(request).await.unwrap().status(), 400);
    assert_eq!(world.exchange(GOOGLE, &code, &[]).await.0, 200);
}
