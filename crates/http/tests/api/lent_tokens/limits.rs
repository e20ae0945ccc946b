//! What a token lends, and for how long.

use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Value, json};
use vestibule_domain::{Actor, ApiTokenChanges, AuditEvent, AuditName, Clock as _, Scopes};
use vestibule_flows::{Administration, Administrator};

use super::{DAY, get, granting, is_signed_in, permissions, personal, role};
use crate::app::TestApp;
use crate::clients::ApiClient as _;

/// The claims of the permission token of an answer.
fn claims(answer: &Value) -> Value {
    let payload = answer["token"].as_str().unwrap().split('.').nth(1).unwrap();
    serde_json::from_slice(&URL_SAFE_NO_PAD.decode(payload).unwrap()).unwrap()
}

fn administration(app: &TestApp) -> Administration<'_> {
    Administration::new(&app.storage, &*app.clock, Administrator::operator())
}

#[tokio::test(flavor = "multi_thread")]
async fn h13_a_token_lends_what_it_names_at_the_services_that_it_names() {
    let app = granting().await;
    let nothing = json!({"permissions": {}});
    for (services, scopes, expected) in [
        ("storage", "admin", json!({"admin": true})),
        ("*", "admin", json!({"admin": true})),
        ("storage", "", json!({})),
        ("storage", "read profile email", json!({})),
    ] {
        let lent = personal(&app, "ada", services, scopes).await;
        let answer = permissions(&app, &lent, "storage").await;
        assert_eq!(
            (&answer["permissions"], &answer["userid"]),
            (&expected, &json!(lent.user)),
            "{services} {scopes}"
        );
        assert_eq!(claims(&answer)["permissions"], expected);
        assert!(claims(&answer).get("roleaccount").is_none(), "persons' tokens keep the contract's claims");
    }
    let whole = personal(&app, "ada", "storage", "permissions").await;
    let all = permissions(&app, &whole, "storage").await["permissions"].clone();
    assert!(all["admin"] == true && all["provider-token"].is_string(), "{all}");
    for services in ["reports", "", "gone"] {
        let lent = personal(&app, "ada", services, "permissions").await;
        assert_eq!(permissions(&app, &lent, "storage").await, nothing, "{services}");
    }
    let unknown = personal(&app, "ada", "*", "permissions").await;
    assert_eq!(permissions(&app, &unknown, "nowhere").await, nothing);
}

#[tokio::test(flavor = "multi_thread")]
async fn h13_two_tokens_of_one_person_never_get_each_others_permission_token() {
    let app = granting().await;
    let narrow = personal(&app, "ada", "storage", "").await;
    let wide = personal(&app, "ada", "storage", "admin").await;
    for _ in 0..3 {
        assert_eq!(permissions(&app, &wide, "storage").await["permissions"], json!({"admin": true}));
        assert_eq!(permissions(&app, &narrow, "storage").await["permissions"], json!({}));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn h13_a_permission_token_ends_no_later_than_the_token_that_it_is_for() {
    let app = granting().await;
    let lent = personal(&app, "ada", "storage", "admin").await;
    app.clock.advance(DAY.saturating_sub(Duration::from_secs(60)));
    let answer = permissions(&app, &lent, "storage").await;
    assert_eq!(claims(&answer)["exp"], json!(app.clock.now().seconds() + 60));
    app.clock.advance(Duration::from_secs(60));
    assert_eq!(permissions(&app, &lent, "storage").await, json!({"permissions": {}}));
}

#[tokio::test(flavor = "multi_thread")]
async fn h13_who_it_is_and_the_address_are_told_as_far_as_they_are_lent() {
    let app = TestApp::new().await;
    let lent = personal(&app, "ada", "*", "profile").await;
    let check = get(&app, &lent, "/auth/check").await.json();
    assert_eq!((&check["profile"]["id"], &check["profile"]["email"]), (&json!(lent.user), &Value::Null));
    let session = get(&app, &lent, "/auth/session").await.json();
    assert_eq!(
        (&session["uid"], &session["email"], &session["session"], &session["services"], &session["scopes"]),
        (&json!(lent.user), &Value::Null, &Value::Null, &json!(["*"]), &json!(["profile"]))
    );
    let told = personal(&app, "ada", "*", "openid email").await;
    assert_eq!(get(&app, &told, "/auth/check").await.json()["profile"]["email"], "ada.moreau@example.com");
    let silent = personal(&app, "ada", "*", "permissions email").await;
    assert!(!is_signed_in(&app, &silent).await);
    let refused = get(&app, &silent, "/auth/session").await;
    assert_eq!((refused.status.as_u16(), &refused.json()["error"]), (403, &json!("insufficient_scope")));
}

#[tokio::test(flavor = "multi_thread")]
async fn h12_a_role_account_is_told_as_one_and_is_no_person() {
    let app = granting().await;
    let lent = role(&app, "backup", "storage", "profile email admin").await;
    let profile = get(&app, &lent, "/auth/check").await.json()["profile"].clone();
    assert_eq!(
        (&profile["roleaccount"], &profile["username"], &profile["email"], profile.get("provider_id")),
        (&json!(true), &json!("backup"), &Value::Null, None)
    );
    let answer = permissions(&app, &lent, "storage").await;
    assert_eq!(
        (&answer["permissions"], &claims(&answer)["roleaccount"]),
        (&json!({"admin": true}), &json!(true))
    );
    assert_eq!(get(&app, &lent, "/auth/session").await.json()["roleaccount"], true);
}

#[tokio::test(flavor = "multi_thread")]
async fn h9_a_token_changes_nothing() {
    let app = TestApp::new().await;
    let lent = personal(&app, "ada", "*", "permissions profile email").await;
    let client = app.with_token(&lent.text);
    let update = client.post("/auth/update", &[("username", "taken-by-token")]).await.json();
    assert_eq!(update["success"], false, "{update}");
    client.post("/auth/logout", &[("all", "true")]).await;
    assert!(is_signed_in(&app, &lent).await, "a token ends no session, and a session no token");
}

#[tokio::test(flavor = "multi_thread")]
async fn h17_a_token_that_is_revoked_narrowed_or_whose_user_is_disabled_is_so_at_once() {
    let app = granting().await;
    let admin = administration(&app);
    let event = AuditEvent::new(AuditName::TokenChanged, Actor::Operator, app.clock.now());
    let lent = personal(&app, "ada", "*", "profile admin").await;
    assert_eq!(permissions(&app, &lent, "storage").await["permissions"], json!({"admin": true}));
    let changes = ApiTokenChanges { scopes: Scopes::parse("profile").ok(), ..ApiTokenChanges::default() };
    app.storage.change_api_token(&lent.user, &lent.id, &changes, app.clock.now(), &event).await.unwrap();
    assert_eq!(permissions(&app, &lent, "storage").await["permissions"], json!({}));
    assert!(is_signed_in(&app, &lent).await);
    admin.revoke_token(&admin.find_token(&lent.id).await.unwrap()).await.unwrap();
    assert!(!is_signed_in(&app, &lent).await);

    let lent = personal(&app, "ada", "*", "profile").await;
    let user = app.storage.find_user(&lent.user).await.unwrap().unwrap();
    assert!(is_signed_in(&app, &lent).await);
    admin.disable_user(&user).await.unwrap();
    assert!(!is_signed_in(&app, &lent).await);
    admin.enable_user(&user).await.unwrap();
    assert!(!is_signed_in(&app, &lent).await, "what a disabled person had made is dead for good");

    let waiting = role(&app, "backup", "*", "profile").await;
    let user = app.storage.find_user(&waiting.user).await.unwrap().unwrap();
    assert!(is_signed_in(&app, &waiting).await);
    admin.disable_user(&user).await.unwrap();
    assert!(!is_signed_in(&app, &waiting).await);
    admin.enable_user(&user).await.unwrap();
    assert!(is_signed_in(&app, &waiting).await, "the tokens of a role account wait");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_last_use_is_noted_once_in_five_minutes() {
    let app = TestApp::new().await;
    let lent = personal(&app, "ada", "*", "profile").await;
    let used =
        async || app.storage.find_api_token(&lent.id, app.clock.now()).await.unwrap().unwrap().last_used_at;
    let first = app.clock.now();
    assert!(used().await.is_none() && is_signed_in(&app, &lent).await);
    assert_eq!(used().await, Some(first));
    app.clock.advance(Duration::from_secs(300));
    is_signed_in(&app, &lent).await;
    assert_eq!(used().await, Some(first));
    app.clock.advance(Duration::from_secs(1));
    is_signed_in(&app, &lent).await;
    assert_eq!(used().await, Some(app.clock.now()));
}
