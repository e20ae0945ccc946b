//! Role accounts over HTTP: their owners, and whoever is neither owner nor administrator.

mod administrators;

use std::time::Duration;

use reqwest::Method;
use serde_json::{Value, json};
use vestibule_domain::{Rate, UserId};
use vestibule_flows::RoleAccountMakers;
use vestibule_test_support::{Answer, TestDatabase, on_both_databases};

use crate::app::TestApp;
use crate::clients::{ApiClient as _, Browser, refusal, with_json};

const ALL: &str = "/auth/role_accounts";

/// A service at which everybody makes role accounts.
async fn open(database: TestDatabase) -> TestApp {
    let users = TestApp::builder(database).plugins();
    users.flows(|flows| flows.role_accounts = RoleAccountMakers::Users).build().await
}

/// Makes a role account; its id.
async fn make(browser: &Browser<'_>, username: &str) -> String {
    let made = browser.own(Method::POST, ALL, Some(json!({"username": username}))).await;
    assert_eq!(made.status, 201, "{}", made.body);
    made.json()["id"].as_str().unwrap().to_owned()
}

/// Makes a token of a role account; its id and its text.
async fn make_token(browser: &Browser<'_>, account: &str) -> (String, String) {
    let asked = json!({"name": "nightly", "services": ["storage"], "scopes": ["profile", "permissions"]});
    let made = browser.own(Method::POST, &format!("{ALL}/{account}/tokens"), Some(asked)).await;
    assert_eq!(made.status, 201, "{}", made.body);
    let text = |name: &str| made.json()[name].as_str().unwrap().to_owned();
    (text("id"), text("token"))
}

/// Every act on a role account and a token of it.
fn acts(account: &str, token: &str) -> [(Method, String, Option<Value>); 8] {
    let (tokens, one) = (format!("{ALL}/{account}/tokens"), format!("{ALL}/{account}/tokens/{token}"));
    [
        (Method::GET, format!("{ALL}/{account}"), None),
        (Method::GET, tokens.clone(), None),
        (Method::PATCH, one.clone(), Some(json!({"scopes": []}))),
        (Method::DELETE, one.clone(), None),
        (Method::DELETE, tokens.clone(), None),
        (Method::PATCH, format!("{ALL}/{account}"), Some(json!({"disabled": true}))),
        (Method::POST, tokens, Some(json!({"name": "mine"}))),
        (Method::POST, format!("{one}/rotate"), Some(json!({}))),
    ]
}

/// That a role account and its token are as they were.
async fn assert_untouched(app: &TestApp, owner: &Browser<'_>, account: &str, text: &str) {
    let read = owner.own(Method::GET, &format!("{ALL}/{account}"), None).await.json();
    assert_eq!(
        (&read["disabled_at"], &read["owner"]),
        (&Value::Null, &json!(app.id_of(owner).await.as_str()))
    );
    let tokens = owner.own(Method::GET, &format!("{ALL}/{account}/tokens"), None).await.json();
    assert_eq!(tokens["tokens"].as_array().unwrap().len(), 1);
    assert_eq!(tokens["tokens"][0]["scopes"], json!(["permissions", "profile"]));
    assert!(reads(app, text).await);
}

async fn reads(app: &TestApp, text: &str) -> bool {
    app.with_token(text).get("/auth/session").await.status == 200
}

fn not_found(answer: &Answer) -> bool {
    refusal(answer) == (404, json!("request"), json!("not_found"))
}

on_both_databases! {
    async fn an_owner_makes_a_role_account_and_a_token_with_which_a_program_is_somebody(database) {
        let app = open(database).await;
        let ada = app.own_browser("ada").await;
        let asked = json!({"username": "Backup", "name": "Nightly", "description": "copies", "metadata": {"ticket": "OPS-17"}});
        let made = ada.own(Method::POST, ALL, Some(asked)).await;
        assert_eq!(made.status, 201, "{}", made.body);
        let (made, ada_id) = (made.json(), app.id_of(&ada).await);
        let members: Vec<_> = made.as_object().unwrap().keys().map(String::as_str).collect();
        assert_eq!(members, ["created_at", "created_by", "description", "disabled_at", "id", "metadata", "name", "owner", "username"]);
        assert_eq!(
            (&made["username"], &made["name"], &made["description"], &made["metadata"], &made["disabled_at"]),
            (&json!("backup"), &json!("Nightly"), &json!("copies"), &json!({"ticket": "OPS-17"}), &Value::Null)
        );
        assert_eq!((&made["owner"], &made["created_by"]), (&json!(ada_id.as_str()), &json!(ada_id.as_str())));
        let account = made["id"].as_str().unwrap();
        assert_eq!(ada.own(Method::GET, ALL, None).await.json(), json!({"role_accounts": [made], "next_cursor": null}));
        assert_eq!(ada.own(Method::GET, &format!("{ALL}/{account}"), None).await.json(), made);

        let tokens = format!("{ALL}/{account}/tokens");
        let asked = json!({"name": "nightly", "services": ["storage"], "scopes": ["profile"], "expires_in": null});
        let token = ada.own(Method::POST, &tokens, Some(asked)).await.json();
        assert_eq!((&token["kind"], &token["expires_at"]), (&json!("role"), &Value::Null));
        let text = token["token"].as_str().unwrap();
        assert!(text.starts_with("vstr_"));
        let session = app.with_token(text).get("/auth/session").await.json();
        assert_eq!((&session["uid"], &session["roleaccount"], &session["username"]), (&made["id"], &json!(true), &json!("backup")));
        let one = format!("{tokens}/{}", token["id"].as_str().unwrap());
        let narrowed = ada.own(Method::PATCH, &one, Some(json!({"expires_in": "30d", "name": "less"}))).await.json();
        assert_eq!((&narrowed["name"], narrowed["expires_at"].is_string()), (&json!("less"), true));
        let next = ada.own(Method::POST, &format!("{one}/rotate"), Some(json!({"overlap": "1h"}))).await;
        assert_eq!((next.status.as_u16(), next.json()["kind"].clone()), (201, json!("role")));
        assert_eq!(ada.own(Method::DELETE, &one, None).await.status, 204);
        assert!(!reads(&app, text).await && reads(&app, next.json()["token"].as_str().unwrap()).await);
        assert_eq!(ada.own(Method::DELETE, &tokens, None).await.status, 204);
        assert!(!reads(&app, next.json()["token"].as_str().unwrap()).await);
        assert_eq!(
            app.acts_of(&ada_id, &UserId::parse(account).unwrap()).await,
            ["role_account.created", "token.changed", "token.created", "token.revoked", "token.revoked", "token.rotated"]
        );
    }

    async fn h12_nobody_does_anything_to_the_role_account_of_another(database) {
        let app = open(database).await;
        let (ada, linus) = (app.own_browser("ada").await, app.own_browser("linus").await);
        let account = make(&ada, "backup").await;
        let (token, text) = make_token(&ada, &account).await;
        let (own, stranger) = (make(&linus, "deploy").await, app.sign_in("google", "linus").await);
        for (method, address, body) in acts(&account, &token) {
            let refused = linus.own(method.clone(), &address, body.clone()).await;
            assert!(not_found(&refused), "{method} {address}: {}", refused.body);
            let by_token = app.with_token(&stranger).ask(method.clone(), &address, body).await;
            assert!([403, 404].contains(&by_token.status.as_u16()), "{method} {address}");
        }
        // Under the address of an account of one's own, the token of another is not there either.
        for (method, address, body) in acts(&own, &token) {
            if address.contains(&token) {
                assert!(not_found(&linus.own(method.clone(), &address, body).await), "{method} {address}");
            }
        }
        for unknown in ["x", "%20", app.id_of(&ada).await.as_str()] {
            let refused = ada.own(Method::GET, &format!("{ALL}/{unknown}"), None).await;
            assert!(not_found(&refused), "{unknown}: {}", refused.body);
        }
        assert_untouched(&app, &ada, &account, &text).await;
    }

    async fn h19_what_makes_or_changes_a_role_account_is_the_browser_fresh(database) {
        let app = open(database).await;
        let ada = app.own_browser("ada").await;
        let account = make(&ada, "backup").await;
        let (token, text) = make_token(&ada, &account).await;
        let create = (Method::POST, ALL.to_owned(), Some(json!({"username": "deploy"})));
        let changes = json!({"description": "x"});
        let makes = |(method, address, body): &(Method, String, Option<Value>)| {
            *method == Method::POST || *method == Method::PATCH && !address.contains("/tokens/") && body.is_some()
        };
        let all = acts(&account, &token).into_iter().chain([create, (Method::PATCH, format!("{ALL}/{account}"), Some(changes))]);
        let making: Vec<_> = all.filter(makes).collect();
        assert_eq!(making.len(), 5);
        let own = json!({"name": "a", "services": ["*"], "scopes": ["profile", "permissions"]});
        let personal = ada.own(Method::POST, "/auth/tokens", Some(own)).await.json();
        for credential in [app.sign_in("google", "ada").await, personal["token"].as_str().unwrap().to_owned(), text.clone()] {
            for (method, address, body) in &making {
                let refused = app.with_token(&credential).ask(method.clone(), address, body.clone()).await;
                assert_eq!(refusal(&refused), (403, json!("scope"), json!("wrong_credential")), "{method} {address}");
            }
        }
        for (method, address, body) in &making {
            let request = ada.request(method.clone(), address).header("sec-fetch-site", "same-site");
            let refused = ada.send(with_json(request, body.clone())).await;
            assert_eq!(refusal(&refused), (403, json!("scope"), json!("cross_origin")), "{method} {address}");
        }
        app.clock.advance(Duration::from_secs(15 * 60 + 1));
        for (method, address, body) in &making {
            let refused = ada.own(method.clone(), address, body.clone()).await;
            assert_eq!(refusal(&refused), (401, json!("token"), json!("session_not_fresh")), "{method} {address}");
        }
        assert_untouched(&app, &ada, &account, &text).await;
        assert_eq!(ada.own(Method::GET, ALL, None).await.json()["role_accounts"].as_array().unwrap().len(), 1);
    }

    async fn h19_a_user_token_reads_narrows_and_ends_what_a_role_account_of_its_own_has(database) {
        let app = open(database).await;
        let ada = app.own_browser("ada").await;
        let account = make(&ada, "backup").await;
        let (token, text) = make_token(&ada, &account).await;
        let client = app.signed_in("ada").await;
        let [read, list, narrow, end, end_all, ..] = acts(&account, &token);
        for ((method, address, body), status) in [read, list, narrow, end, end_all].into_iter().zip([200, 200, 200, 204, 204]) {
            assert_eq!(client.ask(method.clone(), &address, body).await.status, status, "{method} {address}");
        }
        assert!(!reads(&app, &text).await);
        assert_eq!(client.ask(Method::GET, ALL, None).await.json()["role_accounts"][0]["id"], json!(account));
    }

    async fn h20_an_owner_makes_no_token_that_judges_those_of_others(database) {
        let app = open(database).await;
        let ada = app.own_browser("ada").await;
        let account = make(&ada, "judge").await;
        let tokens = format!("{ALL}/{account}/tokens");
        for word in ["introspect", "oauth1:verify"] {
            let asked = json!({"name": "a", "services": ["storage"], "scopes": [word]});
            let refused = ada.own(Method::POST, &tokens, Some(asked)).await;
            assert_eq!(refusal(&refused), (403, json!("scope"), json!("requirements_not_met")), "{word}");
            let (token, _) = make_token(&ada, &account).await;
            let widened = ada.own(Method::PATCH, &format!("{tokens}/{token}"), Some(json!({"scopes": [word]}))).await;
            assert_eq!(refusal(&widened), (400, json!("request"), json!("invalid_request")), "{word}");
        }
    }

    async fn an_owner_disables_a_role_account_and_its_tokens_wait(database) {
        let app = open(database).await;
        let ada = app.own_browser("ada").await;
        let account = make(&ada, "backup").await;
        let (token, text) = make_token(&ada, &account).await;
        let one = format!("{ALL}/{account}");
        let both = json!({"disabled": true, "description": "rests"});
        let disabled = ada.own(Method::PATCH, &one, Some(both)).await.json();
        assert_eq!((disabled["disabled_at"].is_string(), &disabled["description"]), (true, &json!("rests")));
        assert!(!reads(&app, &text).await);
        for (address, body) in [
            (format!("{one}/tokens"), json!({"name": "a"})),
            (format!("{one}/tokens/{token}/rotate"), json!({})),
        ] {
            let refused = ada.own(Method::POST, &address, Some(body)).await;
            assert_eq!(refusal(&refused), (409, json!("request"), json!("role_account_disabled")), "{address}");
        }
        // It may have been a moderator who did it.
        let refused = ada.own(Method::PATCH, &one, Some(json!({"disabled": false}))).await;
        assert_eq!(refusal(&refused), (403, json!("scope"), json!("requirements_not_met")));
        let refused = ada.own(Method::PATCH, &one, Some(json!({"disabled": false, "name": "x"}))).await;
        assert_eq!(refusal(&refused), (403, json!("scope"), json!("requirements_not_met")));
        let read = ada.own(Method::GET, &one, None).await.json();
        assert_eq!((read["disabled_at"].is_string(), &read["name"]), (true, &Value::Null), "nothing of it");
        let moderator = app.administrator("linus", "Moderator").await;
        let enabled = moderator.own(Method::PATCH, &one, Some(json!({"disabled": false}))).await;
        assert_eq!(enabled.json()["disabled_at"], Value::Null);
        assert!(reads(&app, &text).await);
    }

    async fn h12_whose_it_is_its_owner_does_not_decide(database) {
        let app = open(database).await;
        let (ada, linus) = (app.own_browser("ada").await, app.own_browser("linus").await);
        let (account, other) = (make(&ada, "backup").await, app.id_of(&linus).await);
        let one = format!("{ALL}/{account}");
        for owner in [json!(other.as_str()), Value::Null, json!(app.id_of(&ada).await.as_str())] {
            let refused = ada.own(Method::PATCH, &one, Some(json!({"name": "given", "owner": owner}))).await;
            assert_eq!(refusal(&refused), (403, json!("scope"), json!("requirements_not_met")), "{owner}");
        }
        let read = ada.own(Method::GET, &one, None).await.json();
        assert_eq!((&read["name"], &read["owner"]), (&Value::Null, &json!(app.id_of(&ada).await.as_str())), "nothing of it");
        let named = ada.own(Method::PATCH, &one, Some(json!({"name": "Nightly", "metadata": {"a": 1}}))).await.json();
        assert_eq!((&named["name"], &named["metadata"]), (&json!("Nightly"), &json!({"a": 1})));
        let cleared = ada.own(Method::PATCH, &one, Some(json!({"name": null, "description": null}))).await.json();
        assert_eq!((&cleared["name"], &cleared["metadata"]), (&Value::Null, &json!({"a": 1})));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn who_makes_role_accounts_is_a_setting() {
    let app = TestApp::builder(TestDatabase::sqlite()).plugins().build().await;
    for (persona, role) in [("ada", None), ("linus", Some("Reader")), ("grace", Some("Moderator"))] {
        let browser = match role {
            None => app.own_browser(persona).await,
            Some(role) => app.administrator(persona, role).await,
        };
        let refused = browser.own(Method::POST, ALL, Some(json!({"username": "backup"}))).await;
        assert_eq!(refusal(&refused), (403, json!("scope"), json!("requirements_not_met")), "{persona}");
    }
    let boss = app.administrator("no-name", "Administrator").await;
    make(&boss, "backup").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_asked_for_is_named_and_nothing_is_made() {
    let app = open(TestDatabase::sqlite()).await;
    let ada = app.own_browser("ada").await;
    let account = make(&ada, "backup").await;
    for (body, named) in [
        (json!({}), "username"),
        (json!({"username": "admin"}), "username"),
        (json!({"username": "a b"}), "username"),
        (json!({"username": "deploy", "owner": "x"}), "owner"),
        (json!({"username": "deploy", "disabled": true}), "disabled"),
    ] {
        let refused = ada.own(Method::POST, ALL, Some(body)).await;
        assert_eq!(refusal(&refused), (400, json!("request"), json!("invalid_request")), "{named}");
        assert!(refused.json()["msg"].as_str().unwrap().contains(named), "{named}: {}", refused.body);
    }
    let taken = ada.own(Method::POST, ALL, Some(json!({"username": "BACKUP"}))).await;
    assert_eq!(refusal(&taken), (409, json!("request"), json!("username_taken")));
    let tokens = format!("{ALL}/{account}/tokens");
    let refused =
        ada.own(Method::POST, &tokens, Some(json!({"name": "a", "end_other_sessions": true}))).await;
    assert_eq!(refusal(&refused), (400, json!("request"), json!("invalid_request")));
    assert_eq!(ada.own(Method::GET, &tokens, None).await.json()["tokens"], json!([]));
    assert_eq!(ada.own(Method::GET, ALL, None).await.json()["role_accounts"].as_array().unwrap().len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn h9_role_accounts_and_their_tokens_are_bounded() {
    let app = open(TestDatabase::sqlite()).await;
    let ada = app.own_browser("ada").await;
    let mut account = String::new();
    for number in 0..50 {
        account = make(&ada, &format!("account-{number:02}")).await;
    }
    let full = ada.own(Method::POST, ALL, Some(json!({"username": "one-more"}))).await;
    assert_eq!(refusal(&full), (409, json!("request"), json!("limit_reached")));
    for _ in 0..20 {
        make_token(&ada, &account).await;
    }
    let full = ada.own(Method::POST, &format!("{ALL}/{account}/tokens"), Some(json!({"name": "a"}))).await;
    assert_eq!(refusal(&full), (409, json!("request"), json!("limit_reached")));
    let (mut names, mut address) = (Vec::new(), format!("{ALL}?limit=20"));
    loop {
        let page = ada.own(Method::GET, &address, None).await.json();
        names.extend(
            page["role_accounts"].as_array().unwrap().iter().map(|account| account["username"].clone()),
        );
        let Some(cursor) = page["next_cursor"].as_str() else { break };
        address = format!("{ALL}?limit=20&cursor={cursor}");
    }
    assert_eq!(names, (0..50).map(|number| json!(format!("account-{number:02}"))).collect::<Vec<_>>());
}

#[tokio::test(flavor = "multi_thread")]
async fn h9_whoever_makes_role_accounts_and_tokens_is_counted() {
    let rate = Rate::new(4, Duration::from_secs(3_600)).unwrap();
    let app = TestApp::builder(TestDatabase::sqlite()).plugins().flows(|flows| {
        flows.role_accounts = RoleAccountMakers::Users;
        flows.token_rates.create_per_account = Some(rate);
    });
    let app = app.build().await;
    let ada = app.own_browser("ada").await;
    let account = make(&ada, "backup").await;
    let (token, _) = make_token(&ada, &account).await;
    make(&ada, "deploy").await;
    let rotate = format!("{ALL}/{account}/tokens/{token}/rotate");
    assert_eq!(ada.own(Method::POST, &rotate, Some(json!({}))).await.status, 201);
    for (address, body) in [
        (ALL.to_owned(), json!({"username": "other"})),
        (format!("{ALL}/{account}/tokens"), json!({"name": "a"})),
        (rotate, json!({})),
    ] {
        let refused = ada.own(Method::POST, &address, Some(body)).await;
        assert_eq!(refusal(&refused), (429, json!("request"), json!("too_many_requests")), "{address}");
    }
    let linus = app.own_browser("linus").await;
    make(&linus, "other").await;
}
