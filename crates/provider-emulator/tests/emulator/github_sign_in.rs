//! GitHub: a good sign-in end to end, its manners, and its API.

use serde_json::json as value;
use vestibule_provider_emulator::{EmulatorOptions, Provider, RedirectPolicy, RedirectUris};

use crate::world::{REDIRECT_URI, World, json};

const GITHUB: Provider = Provider::Github;

#[tokio::test]
async fn a_person_signs_in_at_github() {
    let world = World::start().await;
    let back = world.consent(GITHUB, &[("persona", "ada")]).await;
    assert_eq!(back["state"], "a state & more");
    let (status, tokens) = world.exchange(GITHUB, &back["code"], &[]).await;
    assert_eq!(status, 200);
    assert_eq!(tokens["token_type"], "bearer");
    assert_eq!(tokens["scope"], "read:user,user:email");

    let user = json(world.api("/user", &tokens).await).await;
    assert_eq!(user["login"], "ada-moreau");
    assert!(user["id"].is_u64());
    let emails = json(world.api("/user/emails", &tokens).await).await;
    assert_eq!(emails.as_array().unwrap().len(), 1);
    assert_eq!(emails[0]["email"], "ada.moreau@example.com");
    assert_eq!((&emails[0]["primary"], &emails[0]["verified"]), (&value!(true), &value!(true)));
}

#[tokio::test]
async fn a_token_is_written_as_a_form_unless_json_is_asked_for() {
    let world = World::start().await;
    let code = world.code(GITHUB, "ada").await;
    let mut request = world.token_request(GITHUB, &code, &[]).build().unwrap();
    request.headers_mut().remove("accept");
    let response = world.http.execute(request).await.unwrap();
    assert!(response.headers()["content-type"].to_str().unwrap().contains("x-www-form-urlencoded"));
    let text = response.text().await.unwrap();
    assert!(
        text.starts_with("access_token=gho_") && text.contains("&scope=read%3Auser%2Cuser%3Aemail"),
        "{text}"
    );
}

#[tokio::test]
async fn every_refusal_is_a_200_that_names_an_error() {
    let world = World::start().await;
    let cases = [
        ("bad_verification_code", &[("code", "deadbeef")][..]),
        ("bad_verification_code", &[("code_verifier", "")]),
        ("bad_verification_code", &[("code_verifier", "0123456789012345678901234567890123456789012")]),
        ("incorrect_client_credentials", &[("client_secret", "wrong")]),
        ("redirect_uri_mismatch", &[("redirect_uri", "http://127.0.0.1:8000/other")]),
    ];
    for (error, changes) in cases {
        let code = world.code(GITHUB, "ada").await;
        let (status, answer) = world.exchange(GITHUB, &code, changes).await;
        assert_eq!((status, answer["error"].as_str()), (200, Some(error)), "{changes:?}");
        assert!(answer["error_description"].is_string() && answer.get("access_token").is_none());
    }
    assert_eq!(world.control().token_exchanges(GITHUB).succeeded, 0);
}

#[tokio::test]
async fn a_client_that_is_not_known_is_not_found() {
    let world = World::start().await;
    let code = world.code(GITHUB, "ada").await;
    let (status, answer) = world.exchange(GITHUB, &code, &[("client_id", "google-client")]).await;
    assert_eq!((status, answer["error"].as_str()), (404, Some("Not Found")));
}

#[tokio::test]
async fn pkce_and_the_redirect_uri_may_be_left_out_at_github() {
    let registered = RedirectUris::all(RedirectPolicy::Exact(vec![REDIRECT_URI.to_owned()]));
    let world = World::start_with(EmulatorOptions { redirect_uris: registered, ..Default::default() }).await;
    let changes = [("persona", "ada"), ("redirect_uri", ""), ("code_challenge", ""), ("state", "")];
    let back = world.consent(GITHUB, &changes).await;
    assert!(!back.contains_key("state"));
    let changes = [("redirect_uri", ""), ("code_verifier", "")];
    let (_, tokens) = world.exchange(GITHUB, &back["code"], &changes).await;
    assert!(tokens["access_token"].is_string(), "{tokens}");
}

#[tokio::test]
async fn a_code_is_good_once_and_for_ten_minutes() {
    let world = World::start().await;
    let code = world.code(GITHUB, "ada").await;
    assert!(world.exchange(GITHUB, &code, &[]).await.1["access_token"].is_string());
    assert_eq!(world.exchange(GITHUB, &code, &[]).await.1["error"], "bad_verification_code");
    let code = world.code(GITHUB, "ada").await;
    world.pass(600);
    assert_eq!(world.exchange(GITHUB, &code, &[]).await.1["error"], "bad_verification_code");
}

#[tokio::test]
async fn the_api_wants_a_user_agent_and_a_good_token() {
    let world = World::start().await;
    let tokens = world.sign_in(GITHUB, "ada").await;
    let token = tokens["access_token"].as_str().unwrap();
    let url = format!("{}/user", world.emulator.github_api_url());
    let nameless = reqwest::Client::builder().build().unwrap();
    assert_eq!(nameless.get(&url).bearer_auth(token).send().await.unwrap().status(), 403);
    assert_eq!(world.get(&url).await.status(), 401);
    assert_eq!(world.http.get(&url).bearer_auth("gho_no").send().await.unwrap().status(), 401);
    let old_scheme = world.http.get(&url).header("authorization", format!("token {token}"));
    assert_eq!(old_scheme.send().await.unwrap().status(), 200);
}

#[tokio::test]
async fn a_token_of_google_opens_nothing_at_github() {
    let world = World::start().await;
    let tokens = world.sign_in(Provider::Google, "ada").await;
    assert_eq!(world.api("/user", &tokens).await.status(), 401);
}

#[tokio::test]
async fn addresses_need_their_scope() {
    let world = World::start().await;
    let back = world.consent(GITHUB, &[("persona", "ada"), ("scope", "read:user")]).await;
    let (_, tokens) = world.exchange(GITHUB, &back["code"], &[]).await;
    assert_eq!(world.api("/user/emails", &tokens).await.status(), 404);
    assert_eq!(world.api("/user", &tokens).await.status(), 200);
}

#[tokio::test]
async fn links_lead_through_all_pages_of_addresses() {
    let world = World::start().await;
    let tokens = world.sign_in(GITHUB, "linus").await;
    let first = world.api("/user/emails?per_page=100", &tokens).await;
    let link = first.headers()["link"].to_str().unwrap().to_owned();
    assert!(link.contains("rel=\"next\"") && link.contains("rel=\"last\""), "{link}");
    let first = json(first).await;
    assert_eq!(first.as_array().unwrap().len(), 100);
    assert!(first.as_array().unwrap().iter().all(|entry| entry["verified"] == false));

    let next = link.split('>').next().unwrap().trim_start_matches('<');
    let path = next.strip_prefix(&world.emulator.github_api_url()).unwrap();
    let second = world.api(path, &tokens).await;
    let link = second.headers()["link"].to_str().unwrap().to_owned();
    assert!(!link.contains("rel=\"next\"") && link.contains("rel=\"prev\""), "{link}");
    let second = json(second).await;
    let verified = second.as_array().unwrap().iter().find(|entry| entry["verified"] == true).unwrap();
    assert_eq!(verified["email"], "linus.aaltonen@example.org");
}

#[tokio::test]
async fn a_page_holds_thirty_addresses_by_default_and_a_hundred_at_most() {
    let world = World::start().await;
    let tokens = world.sign_in(GITHUB, "linus").await;
    for (query, count) in [("", 30), ("?per_page=1000", 100), ("?per_page=0", 30), ("?page=5", 0)] {
        let page = json(world.api(&format!("/user/emails{query}"), &tokens).await).await;
        assert_eq!(page.as_array().unwrap().len(), count, "{query}");
    }
}

#[tokio::test]
async fn organizations_need_their_scope() {
    let world = World::start().await;
    let tokens = world.sign_in(GITHUB, "ada").await;
    assert_eq!(world.api("/user/orgs", &tokens).await.status(), 403);
    let back = world.consent(GITHUB, &[("persona", "ada"), ("scope", "read:user read:org")]).await;
    let (_, tokens) = world.exchange(GITHUB, &back["code"], &[]).await;
    let organizations = json(world.api("/user/orgs", &tokens).await).await;
    let logins: Vec<_> = organizations.as_array().unwrap().iter().map(|entry| &entry["login"]).collect();
    assert_eq!(logins, ["acme", "Example-Labs"]);
}

#[tokio::test]
async fn links_lead_through_all_pages_of_organizations() {
    let world = World::start().await;
    let back = world.consent(GITHUB, &[("persona", "linus"), ("scope", "read:org")]).await;
    let (_, tokens) = world.exchange(GITHUB, &back["code"], &[]).await;
    let first = world.api("/user/orgs?per_page=100", &tokens).await;
    let link = first.headers()["link"].to_str().unwrap().to_owned();
    let next = link.split('>').next().unwrap().trim_start_matches('<');
    let path = next.strip_prefix(&world.emulator.github_api_url()).unwrap();
    assert!(path.starts_with("/user/orgs?"), "{path}");
    let second = json(world.api(path, &tokens).await).await;
    assert_eq!(json(first).await.as_array().unwrap().len(), 100);
    assert_eq!(second.as_array().unwrap().last().unwrap()["login"], "acme");
}
