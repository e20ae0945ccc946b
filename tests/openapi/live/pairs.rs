//! Every answer about pairs of tokens and about what was lent.

use vestibule_test_support::{Answer, Client, Method};

use crate::world::World;

const FORM: &str = "application/x-www-form-urlencoded";
const JSON: &str = "application/json";

/// Asks in every way that has an answer of its own.
pub(super) async fn every_answer(world: &World, browser: &Client) -> Vec<(&'static str, Answer)> {
    let send = async |method: Method, path: &str, kind: &str, body: &str| {
        let request = browser.request(method, path).header("sec-fetch-site", "same-origin");
        browser.send(request.header("content-type", kind).body(body.to_owned())).await
    };
    let large = "x".repeat(70_000);
    let mut answers = Vec::new();
    for (id, method, path) in [
        ("create_token_pair", Method::POST, "/auth/token"),
        ("refresh_token_pair", Method::POST, "/auth/token/refresh"),
        ("replace_token_pair", Method::PUT, "/auth/token/refresh"),
        ("revoke_token_pair", Method::POST, "/auth/token/revoke"),
    ] {
        answers.push((id, send(method.clone(), path, FORM, &large).await));
        answers.push((id, send(method.clone(), path, "text/plain", "x").await));
        answers.push((id, send(method, path, FORM, "").await));
    }
    let new = "grant_type=session&client_name=Phone";
    answers.push(("create_token_pair", send(Method::POST, "/auth/token", FORM, new).await));
    answers.push(("list_grants", send(Method::GET, "/auth/grants", JSON, "").await));
    answers.push(("list_grants", send(Method::GET, "/auth/grants?jwt=a&jwt=b", JSON, "").await));
    answers.push(("list_grants", send(Method::GET, "/auth/grants?user=%20", JSON, "").await));
    for (id, method) in [("update_grant", Method::PATCH), ("revoke_grant", Method::DELETE)] {
        answers.push((id, send(method.clone(), "/auth/grants/x", JSON, "{}").await));
        answers.push((id, send(method, "/auth/grants/x?jwt=a&jwt=b", JSON, "{}").await));
    }

    let callback = world.reach_callback(browser, "google", "ada", "/account").await;
    browser.get(callback.as_str()).await;
    let made = send(Method::POST, "/auth/token", FORM, new).await;
    let refresh = made.json()["refresh_token"].as_str().unwrap().to_owned();
    answers.push(("create_token_pair", made));
    for (id, method) in [("refresh_token_pair", Method::POST), ("replace_token_pair", Method::PUT)] {
        let request = browser.request(method.clone(), "/auth/token/refresh").bearer_auth(&refresh);
        answers.push((id, browser.send(request).await));
        let request = browser.request(method, "/auth/token/refresh").bearer_auth(&refresh);
        answers.push((id, browser.send(request.header("content-type", FORM).body("services=nowhere")).await));
    }
    let list = send(Method::GET, "/auth/grants", JSON, "").await;
    let one = format!("/auth/grants/{}", list.json()["grants"][0]["id"].as_str().unwrap());
    answers.push(("list_grants", list));
    answers.push(("update_grant", send(Method::PATCH, &one, JSON, "{}").await));
    answers.push(("update_grant", send(Method::PATCH, "/auth/grants/x", JSON, "{}").await));
    answers.push(("update_grant", send(Method::PATCH, &one, JSON, &large).await));
    answers.push(("update_grant", send(Method::PATCH, &one, "text/plain", "{}").await));
    for path in [one.as_str(), one.as_str()] {
        answers.push(("revoke_grant", send(Method::DELETE, path, JSON, "").await));
    }
    let token = format!("token={refresh}");
    answers.push(("revoke_token_pair", send(Method::POST, "/auth/token/revoke", FORM, &token).await));
    answers
}
