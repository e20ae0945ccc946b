//! What administrators do with what others lent.

use std::time::Duration;

use reqwest::Method;
use serde_json::{Value, json};
use vestibule_test_support::on_both_databases;

use super::{status, whole};
use crate::app::TestApp;
use crate::clients::refusal;

on_both_databases! {
    async fn h19_each_role_looks_at_ends_and_narrows_what_others_lent_as_it_says(database) {
        let app = TestApp::builder(database).plugins().build().await;
        let ada = app.own_browser("ada").await;
        let user = app.id_of(&ada).await;
        let roles = [
            ("linus", "Reader", [200, 403, 403]),
            ("no-name", "Moderator", [200, 403, 204]),
            ("grace", "Administrator", [200, 200, 204]),
        ];
        for (persona, role, expected) in roles {
            app.clock.advance(Duration::from_secs(1));
            let lent = whole(&ada).await;
            let browser = app.administrator(persona, role).await;
            let list = browser.own(Method::GET, &format!("/auth/grants?user={user}"), None).await;
            let one = format!("/auth/grants/{}?user={user}", list.json()["grants"][0]["id"].as_str().unwrap());
            let narrowed = browser.own(Method::PATCH, &one, Some(json!({"scopes": ["profile"]}))).await;
            let ended = browser.own(Method::DELETE, &one, None).await;
            assert_eq!([&list, &narrowed, &ended].map(|answer| answer.status.as_u16()), expected, "{role}");
            assert_eq!(status(&app, &lent.access).await == 401, expected[2] == 204, "{role}");
        }
    }

    async fn everybodys_grants_are_listed_page_by_page_for_administrators_alone(database) {
        let app = TestApp::builder(database).plugins().build().await;
        let (ada, linus) = (app.own_browser("ada").await, app.own_browser("linus").await);
        for browser in [&ada, &linus, &ada] {
            whole(browser).await;
            app.clock.advance(Duration::from_secs(1));
        }
        let refused = ada.own(Method::GET, "/auth/grants?all=true", None).await;
        assert_eq!(refusal(&refused), (403, json!("scope"), json!("requirements_not_met")));
        assert_eq!(ada.own(Method::DELETE, "/auth/grants/x?all=true", None).await.status, 400);

        let boss = app.administrator("grace", "Reader").await;
        let (mut users, mut address) = (Vec::<Value>::new(), "/auth/grants?all=true&limit=1".to_owned());
        loop {
            let page = boss.own(Method::GET, &address, None).await.json();
            users.extend(page["grants"].as_array().unwrap().iter().map(|grant| grant["user"].clone()));
            let Some(cursor) = page["next_cursor"].as_str() else { break };
            address = format!("/auth/grants?all=true&limit=1&cursor={cursor}");
        }
        let (ada, linus) = (json!(app.id_of(&ada).await.as_str()), json!(app.id_of(&linus).await.as_str()));
        assert_eq!(users, [ada.clone(), linus, ada], "the latest first");
        let own = boss.own(Method::GET, "/auth/grants", None).await.json();
        assert_eq!(own["grants"], json!([]));
    }
}
