//! Access tokens and the refresh tokens beside them, over HTTP.

mod administrators;
mod issuing;
mod refreshing;
mod revoking;

use reqwest::Method;
use serde_json::Value;
use vestibule_test_support::Answer;

use crate::app::TestApp;
use crate::clients::{ApiClient as _, Browser};
use crate::own_tokens::bearer;

/// Asks for a new pair as a page of ours does.
async fn ask_by_cookie(browser: &Browser<'_>, fields: &[(&str, &str)]) -> Answer {
    let request = browser.request(Method::POST, "/auth/token").header("sec-fetch-site", "same-origin");
    browser.send(request.form(&[&[("grant_type", "session")], fields].concat())).await
}

/// Asks for a new pair with a user token.
async fn ask_by_user_token(app: &TestApp, token: &str, fields: &[(&str, &str)]) -> Answer {
    let client = app.with_token(token);
    client.post("/auth/token", &[&[("grant_type", "session")], fields].concat()).await
}

/// The texts of a pair, and what else was answered.
struct Pair {
    access: String,
    refresh: String,
    answer: Value,
}

fn pair(answer: &Answer) -> Pair {
    assert_eq!(answer.status, 200, "{}", answer.body);
    let answer = answer.json();
    let text = |name: &str| answer[name].as_str().unwrap().to_owned();
    Pair { access: text("access_token"), refresh: text("refresh_token"), answer }
}

/// A whole and lasting pair of this person.
async fn whole(browser: &Browser<'_>) -> Pair {
    pair(&ask_by_cookie(browser, &[("client_name", "Phone")]).await)
}

/// Refreshes as clients of OAuth do.
async fn refresh(app: &TestApp, token: &str, fields: &[(&str, &str)]) -> Answer {
    let fields = [&[("grant_type", "refresh_token"), ("refresh_token", token)], fields].concat();
    app.anonymous().post("/auth/token", &fields).await
}

/// The status of a request to read the session with this bearer.
async fn status(app: &TestApp, token: &str) -> u16 {
    bearer(app, token, Method::GET, "/auth/session", None).await.status.as_u16()
}
