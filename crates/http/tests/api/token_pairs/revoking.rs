//! The end of what is lent, by whoever holds it.

use reqwest::Method;
use serde_json::json;
use vestibule_test_support::{TestDatabase, on_both_databases};

use super::{pair, refresh, status, whole};
use crate::app::TestApp;
use crate::clients::{ApiClient as _, refusal};

async fn revoke(app: &TestApp, token: &str) {
    let answer = app.anonymous().post("/auth/token/revoke", &[("token", token)]).await;
    assert_eq!((answer.status.as_u16(), answer.json()), (200, json!({"success": true})));
}

on_both_databases! {
    async fn h7_an_access_token_ends_alone_and_a_refresh_token_with_its_grant(database) {
        let app = TestApp::builder(database).plugins().build().await;
        let first = whole(&app.own_browser("ada").await).await;
        assert_eq!(status(&app, &first.access).await, 200);
        revoke(&app, &first.access).await;
        assert_eq!(status(&app, &first.access).await, 401);
        let second = pair(&refresh(&app, &first.refresh, &[]).await);
        revoke(&app, &first.refresh).await;
        assert_eq!(status(&app, &second.access).await, 401, "also by a token that was spent");
        assert_eq!(refresh(&app, &second.refresh, &[]).await.status, 401);
        for nothing in [first.refresh.as_str(), second.access.as_str(), "x"] {
            revoke(&app, nothing).await;
        }
    }

    async fn a_personal_token_ends_as_well(database) {
        let app = TestApp::builder(database).plugins().build().await;
        let ada = app.own_browser("ada").await;
        let made = ada.own(Method::POST, "/auth/tokens", Some(json!({"name": "a", "scopes": ["profile"]}))).await.json();
        let token = made["token"].as_str().unwrap();
        assert_eq!(status(&app, token).await, 200);
        revoke(&app, token).await;
        assert_eq!(status(&app, token).await, 401);
    }

    async fn a_sign_out_with_an_access_token_ends_its_grant_and_nothing_else(database) {
        let app = TestApp::builder(database).plugins().build().await;
        let ada = app.own_browser("ada").await;
        let user = app.sign_in("google", "ada").await;
        for address in ["/auth/logout", "/auth/logout?all=true"] {
            let (one, other) = (whole(&ada).await, whole(&ada).await);
            let out = app.with_token(&one.access).post(address, &[]).await;
            assert_eq!((out.status.as_u16(), out.json()), (200, json!({"success": true})));
            assert_eq!(status(&app, &one.access).await, 401);
            assert_eq!(refresh(&app, &one.refresh, &[]).await.status, 401);
            assert_eq!([status(&app, &other.access).await, status(&app, &user).await], [200, 200], "{address}");
        }
        assert_eq!(ada.own(Method::GET, "/auth/session", None).await.status, 200);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn h2_in_an_address_or_a_form_an_access_token_signs_nobody_out() {
    let app = TestApp::builder(TestDatabase::sqlite()).plugins().build().await;
    let made = whole(&app.own_browser("ada").await).await;
    let client = app.anonymous();
    client.post(&format!("/auth/logout?jwt={}", made.access), &[]).await;
    client.post("/auth/logout", &[("jwt", &made.access)]).await;
    let exposed = client.post(&format!("/auth/token/revoke?token={}", made.refresh), &[]).await;
    assert_eq!(refusal(&exposed), (400, json!("request"), json!("invalid_request")));
    assert_eq!(
        refusal(&client.post("/auth/token/revoke", &[]).await),
        (400, json!("request"), json!("invalid_request"))
    );
    assert_eq!(status(&app, &made.access).await, 200);
}
