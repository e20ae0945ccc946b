//! Administrators, and the role accounts of others.

use std::time::Duration;

use reqwest::Method;
use serde_json::{Value, json};
use vestibule_domain::{Actor, AuditEvent, AuditName, Clock as _, RoleSubject, UserId};
use vestibule_test_support::{TestDatabase, on_both_databases};

use super::{ALL, acts, make, make_token, not_found, open, reads};
use crate::app::assignment;
use crate::clients::{ApiClient as _, refusal};

on_both_databases! {
    async fn h19_each_role_does_what_it_says_to_a_role_account_and_no_more(database) {
        let app = open(database).await;
        let ada = app.own_browser("ada").await;
        let expected = [
            ("linus", "Reader", [200, 200, 403, 403, 403, 403, 403, 403]),
            ("no-name", "Moderator", [200, 200, 403, 204, 204, 200, 403, 403]),
            // It is disabled then.
            ("grace", "Administrator", [200, 200, 200, 204, 204, 200, 409, 409]),
        ];
        for (persona, role, expected) in expected {
            let account = make(&ada, &format!("of-{persona}")).await;
            let (token, _) = make_token(&ada, &account).await;
            let browser = app.administrator(persona, role).await;
            let mut statuses = Vec::new();
            for (method, address, body) in acts(&account, &token) {
                let answer = browser.own(method, &address, body).await;
                if answer.status == 403 {
                    assert_eq!(refusal(&answer), (403, json!("scope"), json!("requirements_not_met")));
                }
                statuses.push(answer.status.as_u16());
            }
            assert_eq!(statuses, expected, "{role}");
            let both = browser.own(Method::PATCH, &format!("{ALL}/{account}"), Some(json!({"disabled": false, "name": "x"}))).await;
            assert_eq!(both.status, if role == "Administrator" { 200 } else { 403 }, "{role}");
        }
    }

    async fn an_administrator_makes_role_accounts_for_others_and_says_whose_they_are(database) {
        let app = open(database).await;
        let (ada, boss) = (app.own_browser("ada").await, app.administrator("linus", "Administrator").await);
        let (ada_id, boss_id) = (app.id_of(&ada).await, app.id_of(&boss).await);
        let made = boss.own(Method::POST, &format!("{ALL}?user={ada_id}"), Some(json!({"username": "backup"}))).await.json();
        assert_eq!((&made["owner"], &made["created_by"]), (&json!(ada_id.as_str()), &json!(boss_id.as_str())));
        let account = made["id"].as_str().unwrap();
        let one = format!("{ALL}/{account}");
        assert_eq!(ada.own(Method::GET, &one, None).await.status, 200);
        let (_, text) = make_token(&ada, account).await;
        let given = boss.own(Method::PATCH, &one, Some(json!({"owner": null}))).await.json();
        assert_eq!(given["owner"], Value::Null);
        assert!(not_found(&ada.own(Method::GET, &one, None).await) && reads(&app, &text).await);
        assert_eq!(boss.own(Method::GET, ALL, None).await.json()["role_accounts"], json!([]), "his own");
        for address in [format!("{ALL}?all=true"), one.clone()] {
            assert_eq!(boss.own(Method::GET, &address, None).await.status, 200);
        }
        let event = AuditEvent::new(AuditName::UserDisabled, Actor::Operator, app.clock.now());
        app.storage.disable_user(&ada_id, app.clock.now(), &event).await.unwrap();
        for owner in [json!(ada_id.as_str()), json!(account), json!("nobody")] {
            let refused = boss.own(Method::PATCH, &one, Some(json!({"name": "half", "owner": owner}))).await;
            assert_eq!(refusal(&refused), (400, json!("request"), json!("invalid_request")), "{owner}");
        }
        assert_eq!(boss.own(Method::GET, &one, None).await.json()["name"], Value::Null, "nothing of it");
        let unfit = boss.own(Method::POST, &format!("{ALL}?user={account}"), Some(json!({"username": "nested"}))).await;
        assert_eq!(refusal(&unfit), (400, json!("request"), json!("invalid_request")), "a role account owns none");
        let unknown = boss.own(Method::POST, &format!("{ALL}?user=nobody"), Some(json!({"username": "nested"}))).await;
        assert!(not_found(&unknown));
        let mine = boss.own(Method::PATCH, &one, Some(json!({"owner": boss_id.as_str()}))).await.json();
        assert_eq!(mine["owner"], json!(boss_id.as_str()));
        let acts = app.acts_of(&boss_id, &UserId::parse(account).unwrap()).await;
        assert_eq!(acts, ["role_account.changed", "role_account.changed", "role_account.created"]);
    }

    async fn h20_an_administrator_lets_a_role_account_judge_for_services_that_are_named(database) {
        let app = open(database).await;
        let (ada, boss) = (app.own_browser("ada").await, app.administrator("linus", "Administrator").await);
        let account = make(&ada, "judge").await;
        let tokens = format!("{ALL}/{account}/tokens");
        let every = json!({"name": "a", "services": ["*"], "scopes": ["introspect"]});
        assert_eq!(boss.own(Method::POST, &tokens, Some(every)).await.status, 400);
        let named = json!({"name": "a", "services": ["storage"], "scopes": ["introspect"]});
        let made = boss.own(Method::POST, &tokens, Some(named)).await.json();
        // The text of a successor would be the owner's.
        let rotate = format!("{tokens}/{}/rotate", made["id"].as_str().unwrap());
        let refused = ada.own(Method::POST, &rotate, Some(json!({}))).await;
        assert_eq!(refusal(&refused), (403, json!("scope"), json!("requirements_not_met")));
        let (moderator, own) = (app.administrator("grace", "Moderator").await, make(&boss, "own-judge").await);
        let refused = moderator.own(Method::POST, &rotate, Some(json!({}))).await;
        assert_eq!(refusal(&refused), (403, json!("scope"), json!("requirements_not_met")));
        let named = json!({"name": "a", "services": ["storage"], "scopes": ["oauth1:verify"]});
        let of_own = boss.own(Method::POST, &format!("{ALL}/{own}/tokens"), Some(named)).await;
        assert_eq!(of_own.status, 201, "an administrator is one at what is his own, too");
        assert_eq!(boss.own(Method::POST, &rotate, Some(json!({}))).await.status, 201);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn h19_an_administrator_is_one_in_the_browser_fresh_with_a_role_that_counts_now() {
    let app = open(TestDatabase::sqlite()).await;
    let ada = app.own_browser("ada").await;
    let account = make(&ada, "backup").await;
    let (token, text) = make_token(&ada, &account).await;
    let everywhere = app.own_browser("grace").await;
    let subject = RoleSubject::User(app.id_of(&everywhere).await);
    app.grant_role(&assignment("Administrator", subject, None)).await;
    let boss = app.administrator("linus", "Administrator").await;
    let by_token = app.signed_in("linus").await;
    for (method, address, body) in acts(&account, &token) {
        assert!(
            not_found(&everywhere.own(method.clone(), &address, body.clone()).await),
            "{method} {address}"
        );
        let refused = by_token.ask(method.clone(), &address, body).await;
        assert!([403, 404].contains(&refused.status.as_u16()), "{method} {address}");
    }
    app.clock.advance(Duration::from_secs(15 * 60 + 1));
    for (method, address, body) in acts(&account, &token) {
        let answer = boss.own(method.clone(), &address, body).await;
        assert_eq!(answer.status, if method == Method::GET { 200 } else { 401 }, "{method} {address}");
    }
    let role = assignment("Administrator", RoleSubject::User(app.id_of(&boss).await), Some("vestibule"));
    app.revoke_role(&role).await;
    assert!(not_found(&boss.own(Method::GET, &format!("{ALL}/{account}"), None).await));
    assert!(reads(&app, &text).await);
}

#[tokio::test(flavor = "multi_thread")]
async fn role_accounts_of_everybody_and_of_nobody_are_listed_for_a_reader() {
    let app = open(TestDatabase::sqlite()).await;
    let (ada, reader) = (app.own_browser("ada").await, app.administrator("linus", "Reader").await);
    make(&ada, "backup").await;
    make(&reader, "deploy").await;
    let names = async |address: &str| {
        let listed = reader.own(Method::GET, address, None).await.json();
        listed["role_accounts"]
            .as_array()
            .unwrap()
            .iter()
            .map(|account| account["username"].clone())
            .collect::<Vec<_>>()
    };
    assert_eq!(names(ALL).await, ["deploy"]);
    assert_eq!(names(&format!("{ALL}?user={}", app.id_of(&ada).await)).await, ["backup"]);
    assert_eq!(names(&format!("{ALL}?all=true")).await, ["backup", "deploy"]);
    let refused = ada.own(Method::GET, &format!("{ALL}?all=true"), None).await;
    assert_eq!(refusal(&refused), (403, json!("scope"), json!("requirements_not_met")));
    let everybodys =
        reader.own(Method::POST, &format!("{ALL}?all=true"), Some(json!({"username": "x-y"}))).await;
    assert_eq!(everybodys.status, 400);
}
