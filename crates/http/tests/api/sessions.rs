//! Whether somebody is signed in, and the end of that.

use reqwest::Method;
use serde_json::json;
use vestibule_test_support::{Answer, on_both_databases};

use crate::app::TestApp;
use crate::clients::ApiClient as _;
use crate::snapshot::assert_answer;

fn assert_done(answer: &Answer) {
    assert_eq!((answer.status.as_u16(), answer.json()), (200, json!({"success": true})));
}

on_both_databases! {
    /// This session, and no other.
    async fn a_sign_out_ends_this_session_alone(database) {
        let app = TestApp::builder(database).plugins().build().await;
        let (here, there) = (app.sign_in("google", "ada").await, app.sign_in("google", "ada").await);
        let other = app.sign_in("google", "linus").await;
        assert_done(&app.with_token(&here).post("/auth/logout", &[]).await);
        assert!(!app.is_signed_in(&here).await);
        assert!(app.is_signed_in(&there).await);
        assert!(app.is_signed_in(&other).await);
        let update = app.with_token(&here).post("/auth/update", &[("username", "ada")]).await.json();
        assert_eq!(update, json!({"success": false, "error": "not signed in"}));
        let authorize = app.with_token(&here).get("/auth/authorize?service=storage").await.json();
        assert_eq!(authorize, json!({"permissions": {}}));
    }

    /// Every session of this user, also of other providers, and nobody else's.
    async fn d9_signing_out_everywhere_ends_all_sessions_of_the_user(database) {
        let app = TestApp::on(database).await;
        let mut sessions = Vec::new();
        for provider in ["google", "github", "corporate", "google"] {
            sessions.push(app.sign_in(provider, "ada").await);
        }
        let other = app.sign_in("google", "linus").await;
        assert_done(&app.with_token(&sessions[0]).post("/auth/logout", &[("all", "true")]).await);
        for session in &sessions {
            assert!(!app.is_signed_in(session).await);
        }
        assert!(app.is_signed_in(&other).await);
        assert!(app.is_signed_in(&app.sign_in("google", "ada").await).await, "a new sign-in counts");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_token_and_all_may_come_in_the_query_the_form_or_a_header() {
    let app = TestApp::new().await;
    for all in [false, true] {
        let suffix = if all { "&all=true" } else { "&all=false" };
        for place in ["query", "form", "bearer", "auth-token", "multipart"] {
            let (mine, mine_too) = (app.sign_in("google", "ada").await, app.sign_in("google", "ada").await);
            let browser = app.browser();
            let post = |address: &str| browser.request(Method::POST, address);
            let switch = if all { "true" } else { "" };
            let multipart = format!(
                "--x\r\nContent-Disposition: form-data; name=\"jwt\"\r\n\r\n{mine}\r\n\
                 --x\r\nContent-Disposition: form-data; name=\"all\"\r\n\r\n{switch}\r\n--x--\r\n"
            );
            let request = match place {
                "query" => post(&format!("/auth/logout?jwt={mine}{suffix}")),
                "form" => post("/auth/logout").form(&[("jwt", mine.as_str()), ("all", switch)]),
                "bearer" => post(&format!("/auth/logout?{suffix}")).bearer_auth(&mine),
                "auth-token" => post("/auth/logout").header("Auth-Token", &mine).form(&[("all", switch)]),
                _ => post("/auth/logout")
                    .header("content-type", "multipart/form-data; boundary=x")
                    .body(multipart),
            };
            assert_done(&browser.send(request).await);
            assert!(!app.is_signed_in(&mine).await, "{place}");
            assert_eq!(app.is_signed_in(&mine_too).await, !all, "{place}, all: {all}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn two_different_tokens_end_neither_session() {
    let app = TestApp::new().await;
    let (one, two) = (app.sign_in("google", "ada").await, app.sign_in("google", "linus").await);
    let answer = app.with_token(&one).post("/auth/logout", &[("jwt", &two)]).await;
    assert_eq!((answer.status.as_u16(), &answer.json()["error"]), (400, &json!("invalid_request")));
    assert!(app.is_signed_in(&one).await && app.is_signed_in(&two).await);
}

#[tokio::test(flavor = "multi_thread")]
async fn g5_get_ends_nothing() {
    let app = TestApp::new().await;
    let token = app.sign_in("google", "ada").await;
    let answer = app.with_token(&token).get("/auth/logout?all=true").await;
    assert_eq!((answer.status.as_u16(), answer.header("allow")), (405, Some("POST")));
    assert!(app.is_signed_in(&token).await);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_check_without_a_token_tells_where_to_sign_in() {
    let app = TestApp::new().await;
    assert_answer!(app.anonymous().get("/auth/check").await);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_check_with_a_token_tells_who_it_is() {
    let app = TestApp::new().await;
    assert_answer!(app.signed_in("ada").await.get("/auth/check").await);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_sign_out_succeeds() {
    let app = TestApp::new().await;
    assert_answer!(app.signed_in("ada").await.post("/auth/logout", &[]).await);
}
