//! Administrators in their browsers: whose things they see, and what they may do to them.

use std::time::Duration;

use reqwest::Method;
use serde_json::{Value, json};
use vestibule_domain::{Actor, AuditEvent, AuditName, Clock as _, EmailDomain, RoleSubject, UserId};
use vestibule_test_support::{Answer, TestDatabase, on_both_databases};

use crate::app::{TestApp, assignment};
use crate::clients::{ApiClient as _, Browser, refusal};

const ROLES: [&str; 3] = ["Reader", "Moderator", "Administrator"];

/// A token of this person; its id and its text.
async fn make(browser: &Browser<'_>) -> (String, String) {
    let asked = json!({"name": "build", "services": ["storage"], "scopes": ["profile", "read"]});
    let made = browser.own(Method::POST, "/auth/tokens", Some(asked)).await.json();
    let text = |name: &str| made[name].as_str().unwrap().to_owned();
    (text("id"), text("token"))
}

/// What an administrator can ask about the tokens of another, the least first: each with a body.
fn acts(user: &UserId, id: &str) -> [(Method, String, Option<Value>); 4] {
    [
        (Method::GET, format!("/auth/tokens?user={user}"), None),
        (Method::PATCH, format!("/auth/tokens/{id}?user={user}"), Some(json!({"scopes": ["read"]}))),
        (Method::DELETE, format!("/auth/tokens/{id}?user={user}"), None),
        (Method::DELETE, format!("/auth/tokens?user={user}"), None),
    ]
}

async fn statuses(browser: &Browser<'_>, user: &UserId, id: &str) -> Vec<u16> {
    let mut statuses = Vec::new();
    for (method, address, body) in acts(user, id) {
        statuses.push(browser.own(method, &address, body).await.status.as_u16());
    }
    statuses
}

/// That somebody is told that this takes a role, and nothing more, whatever they ask.
async fn assert_no_administrator(browser: &Browser<'_>, user: &UserId, id: &str) {
    let everybody = (Method::GET, "/auth/tokens?all=true".to_owned(), None);
    for (method, address, body) in acts(user, id).into_iter().chain([everybody]) {
        let refused = browser.own(method.clone(), &address, body).await;
        assert_eq!(
            refusal(&refused),
            (403, json!("scope"), json!("requirements_not_met")),
            "{method} {address}"
        );
    }
}

fn is_alive(answer: &Answer) -> bool {
    answer.status == 200
}

on_both_databases! {
    async fn h19_each_role_does_what_it_says_and_no_more(database) {
        let app = TestApp::builder(database).plugins().build().await;
        let ada = app.own_browser("ada").await;
        let user = app.id_of(&ada).await;
        let expected = [[200, 403, 403, 403], [200, 403, 204, 204], [200, 200, 204, 204]];
        for ((role, persona), expected) in ROLES.iter().zip(["linus", "no-name", "grace"]).zip(expected) {
            let (id, _) = make(&ada).await;
            let browser = app.administrator(persona, role).await;
            assert_eq!(statuses(&browser, &user, &id).await, expected, "{role}");
        }
    }

    async fn what_an_administrator_does_to_a_token_counts_at_once_and_names_who_did_it(database) {
        let app = TestApp::builder(database).plugins().build().await;
        let ada = app.own_browser("ada").await;
        let (user, (id, text), (_, other)) = (app.id_of(&ada).await, make(&ada).await, make(&ada).await);
        let boss = app.administrator("linus", "Administrator").await;
        let one = format!("/auth/tokens/{id}?user={user}");
        let narrowed = boss.own(Method::PATCH, &one, Some(json!({"scopes": ["profile"]}))).await;
        assert_eq!(narrowed.json()["scopes"], json!(["profile"]));
        assert_eq!(boss.own(Method::PATCH, &one, Some(json!({"scopes": ["write"]}))).await.status, 400, "only less");
        let reads = async |text: &str| is_alive(&app.with_token(text).get("/auth/session").await);
        assert!(reads(&text).await && reads(&other).await);
        assert_eq!(boss.own(Method::DELETE, &one, None).await.status, 204);
        assert_eq!(boss.own(Method::DELETE, &one, None).await.status, 404);
        assert_eq!([reads(&text).await, reads(&other).await], [false, true]);
        assert_eq!(boss.own(Method::DELETE, &format!("/auth/tokens?user={user}"), None).await.status, 204);
        assert!(!reads(&other).await);
        let acts = app.acts_of(&app.id_of(&boss).await, &user).await;
        assert_eq!(acts, ["token.changed", "token.revoked", "token.revoked"]);
    }

    async fn h19_only_a_role_at_the_service_itself_makes_an_administrator(database) {
        let app = TestApp::builder(database).plugins().build().await;
        let ada = app.own_browser("ada").await;
        let (user, (id, text)) = (app.id_of(&ada).await, make(&ada).await);
        let linus = app.own_browser("linus").await;
        let subject = RoleSubject::User(app.id_of(&linus).await);
        let domain = RoleSubject::Domain(EmailDomain::parse("example.com").unwrap());
        assert_no_administrator(&linus, &user, &id).await;
        for (role, subject, service) in [
            ("Administrator", &subject, None),
            ("Administrator", &subject, Some("storage")),
            ("Administrator", &subject, Some("Vestibule")),
            ("administrator", &subject, Some("vestibule")),
            ("Writer", &subject, Some("vestibule")),
            ("Administrator", &domain, Some("vestibule")),
        ] {
            app.grant_role(&assignment(role, subject.clone(), service)).await;
            assert_no_administrator(&linus, &user, &id).await;
        }
        assert!(is_alive(&app.with_token(text).get("/auth/session").await));
    }

    async fn h19_a_role_that_is_taken_away_and_a_person_who_is_disabled_count_no_more(database) {
        let app = TestApp::builder(database).plugins().build().await;
        let ada = app.own_browser("ada").await;
        let (user, (id, _)) = (app.id_of(&ada).await, make(&ada).await);
        let boss = app.administrator("linus", "Administrator").await;
        assert_eq!(boss.own(Method::GET, "/auth/tokens?all=true", None).await.status, 200);
        let himself = app.id_of(&boss).await;
        let role = assignment("Administrator", RoleSubject::User(himself.clone()), Some("vestibule"));
        app.revoke_role(&role).await;
        assert_no_administrator(&boss, &user, &id).await;
        app.grant_role(&role).await;
        assert_eq!(boss.own(Method::GET, "/auth/tokens?all=true", None).await.status, 200);
        let event = AuditEvent::new(AuditName::UserDisabled, Actor::Operator, app.clock.now());
        assert!(app.storage.disable_user(&himself, app.clock.now(), &event).await.unwrap());
        assert_eq!(statuses(&boss, &user, &id).await, [401; 4]);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn h19_only_the_browser_acts_as_an_administrator() {
    let app = TestApp::builder(TestDatabase::sqlite()).plugins().build().await;
    let ada = app.own_browser("ada").await;
    let (user, (id, text)) = (app.id_of(&ada).await, make(&ada).await);
    let boss = app.administrator("linus", "Administrator").await;
    let all = json!({"name": "a", "services": ["*"], "scopes": ["profile", "permissions"]});
    let own = boss.own(Method::POST, "/auth/tokens", Some(all)).await.json();
    for token in [app.sign_in("google", "linus").await, own["token"].as_str().unwrap().to_owned()] {
        let client = app.with_token(token);
        for (method, address, body) in acts(&user, &id) {
            let refused = client.ask(method.clone(), &address, body).await;
            assert_eq!(
                refusal(&refused),
                (403, json!("scope"), json!("wrong_credential")),
                "{method} {address}"
            );
        }
        let everybody = client.get("/auth/tokens?all=true").await;
        assert_eq!(refusal(&everybody), (403, json!("scope"), json!("wrong_credential")));
    }
    assert!(is_alive(&app.with_token(text).get("/auth/session").await));
}

#[tokio::test(flavor = "multi_thread")]
async fn g13_an_administrator_looks_at_any_time_and_changes_with_a_fresh_sign_in_alone() {
    let app = TestApp::builder(TestDatabase::sqlite()).plugins().build().await;
    let ada = app.own_browser("ada").await;
    let (user, (id, _)) = (app.id_of(&ada).await, make(&ada).await);
    let boss = app.administrator("linus", "Administrator").await;
    app.clock.advance(Duration::from_secs(15 * 60 + 1));
    for (method, address, body) in acts(&user, &id) {
        let answer = boss.own(method.clone(), &address, body).await;
        if method == Method::GET {
            assert_eq!(answer.status, 200);
        } else {
            assert_eq!(
                refusal(&answer),
                (401, json!("token"), json!("session_not_fresh")),
                "{method} {address}"
            );
        }
    }
    assert_eq!(boss.own(Method::GET, "/auth/tokens", None).await.status, 200);
}

#[tokio::test(flavor = "multi_thread")]
async fn g5_another_site_does_nothing_with_an_administrator() {
    let app = TestApp::builder(TestDatabase::sqlite()).plugins().build().await;
    let ada = app.own_browser("ada").await;
    let (user, (id, text)) = (app.id_of(&ada).await, make(&ada).await);
    let boss = app.administrator("linus", "Administrator").await;
    for (method, address, body) in acts(&user, &id) {
        let request = boss.request(method.clone(), &address).header("sec-fetch-site", "same-site");
        let answer = boss.send(crate::clients::with_json(request, body)).await;
        assert_eq!(answer.status, if method == Method::GET { 401 } else { 403 }, "{method} {address}");
    }
    assert!(is_alive(&app.with_token(text).get("/auth/session").await));
}

#[tokio::test(flavor = "multi_thread")]
async fn everybodys_tokens_are_listed_page_by_page_and_each_says_whose_it_is() {
    let app = TestApp::builder(TestDatabase::sqlite()).plugins().build().await;
    let (ada, grace) = (app.own_browser("ada").await, app.own_browser("grace").await);
    let mut made = Vec::new();
    for browser in [&ada, &grace, &ada] {
        made.insert(0, (make(browser).await.0, app.id_of(browser).await.to_string()));
        app.clock.advance(Duration::from_secs(1));
    }
    let reader = app.administrator("linus", "Reader").await;
    let (mut listed, mut address) = (Vec::new(), "/auth/tokens?all=true&limit=2".to_owned());
    loop {
        let page = reader.own(Method::GET, &address, None).await.json();
        for token in page["tokens"].as_array().unwrap() {
            let text = |name: &str| token[name].as_str().unwrap().to_owned();
            listed.push((text("id"), text("user")));
        }
        let Some(cursor) = page["next_cursor"].as_str() else { break };
        address = format!("/auth/tokens?all=true&limit=2&cursor={cursor}");
    }
    assert_eq!(listed, made);
    let of_ada = reader.own(Method::GET, &format!("/auth/tokens?user={}", app.id_of(&ada).await), None).await;
    assert_eq!(of_ada.json()["tokens"].as_array().unwrap().len(), 2);
    assert_eq!(of_ada.json()["tokens"][0].get("user"), None, "it is who was named");
}

#[tokio::test(flavor = "multi_thread")]
async fn whom_a_request_names_is_one_user_or_everybody_and_nobody_acts_for_another_where_all_act_for_themselves()
 {
    let app = TestApp::builder(TestDatabase::sqlite()).plugins().build().await;
    let boss = app.administrator("linus", "Administrator").await;
    let user = app.id_of(&boss).await;
    for address in ["/auth/tokens?user=nobody", "/auth/tokens?user=a%20b"] {
        let unknown = boss.own(Method::GET, address, None).await;
        assert_eq!(refusal(&unknown), (404, json!("request"), json!("not_found")), "{address}");
    }
    for (method, address, body) in [
        (Method::GET, format!("/auth/tokens?user={user}&all=true"), None),
        (Method::GET, "/auth/tokens?all=1".to_owned(), None),
        (Method::DELETE, "/auth/tokens?all=true".to_owned(), None),
        (Method::DELETE, "/auth/tokens/x?all=true".to_owned(), None),
        (Method::PATCH, "/auth/tokens/x?all=true".to_owned(), Some(json!({}))),
        (Method::POST, format!("/auth/tokens?user={user}"), Some(json!({"name": "a"}))),
        (Method::POST, format!("/auth/tokens/x/rotate?user={user}"), Some(json!({}))),
    ] {
        let refused = boss.own(method.clone(), &address, body).await;
        assert_eq!(
            refusal(&refused),
            (400, json!("request"), json!("invalid_request")),
            "{method} {address}"
        );
    }
}
