//! Refreshing, as the holder of a token and as a second one.

use std::time::Duration;

use reqwest::Method;
use serde_json::{Value, json};
use vestibule_domain::Rate;
use vestibule_test_support::{TestDatabase, on_both_databases};

use super::{pair, refresh, status, whole};
use crate::app::TestApp;
use crate::clients::{ApiClient as _, refusal};
use crate::own_tokens::bearer;

fn invalid(error: &str) -> (u16, Value, Value) {
    (401, json!("token"), json!(error))
}

on_both_databases! {
    async fn a_bearer_refreshes_by_put_and_by_post(database) {
        let app = TestApp::builder(database).plugins().build().await;
        let first = whole(&app.own_browser("ada").await).await;
        let second = pair(&bearer(&app, &first.refresh, Method::PUT, "/auth/token/refresh", None).await);
        let third = pair(&bearer(&app, &second.refresh, Method::POST, "/auth/token/refresh", None).await);
        for token in [&first.access, &second.access, &third.access] {
            assert_eq!(status(&app, token).await, 200, "access tokens live to their own end");
        }
        let nobody = app.anonymous().request(Method::PUT, "/auth/token/refresh");
        assert_eq!(refusal(&app.anonymous().send(nobody).await), (401, json!("request"), json!("not_signed_in")));
    }

    async fn h3_a_token_that_comes_again_after_its_successor_was_used_ends_its_grant_alone(database) {
        let app = TestApp::builder(database).plugins().build().await;
        let ada = app.own_browser("ada").await;
        let (stolen, other) = (whole(&ada).await, whole(&ada).await);
        let next = pair(&refresh(&app, &stolen.refresh, &[]).await);
        assert_eq!(status(&app, &next.access).await, 200);
        app.clock.advance(Duration::from_secs(61));
        assert_eq!(refusal(&refresh(&app, &stolen.refresh, &[]).await), invalid("reused"));
        assert_eq!([status(&app, &stolen.access).await, status(&app, &next.access).await], [401, 401]);
        assert_eq!(refusal(&refresh(&app, &next.refresh, &[]).await), invalid("invalid_token"));
        assert_eq!(refusal(&refresh(&app, &stolen.refresh, &[]).await), invalid("invalid_token"));
        assert_eq!(status(&app, &other.access).await, 200);
        assert_eq!(ada.own(Method::GET, "/auth/grants", None).await.json()["grants"].as_array().unwrap().len(), 1);
    }

    async fn h4_within_the_grace_the_same_answer_is_given_and_its_successor_makes_it_superseded(database) {
        let app = TestApp::builder(database).plugins().build().await;
        let first = whole(&app.own_browser("ada").await).await;
        let next = pair(&refresh(&app, &first.refresh, &[]).await);
        app.clock.advance(Duration::from_secs(30));
        let again = pair(&refresh(&app, &first.refresh, &[]).await);
        assert_eq!((&again.access, &again.refresh), (&next.access, &next.refresh));
        assert_eq!(again.answer["expires_in"], 3_570, "the same token, half a minute later");
        assert_eq!(again.answer["refresh_expires_in"], 30 * 24 * 3_600 - 30);
        pair(&refresh(&app, &next.refresh, &[]).await);
        assert_eq!(refusal(&refresh(&app, &first.refresh, &[]).await), invalid("superseded"));
        assert_eq!(status(&app, &next.access).await, 200, "nothing ends");
    }

    async fn h18_whose_answer_was_lost_goes_on_a_day_later(database) {
        let app = TestApp::builder(database).plugins().build().await;
        let first = whole(&app.own_browser("ada").await).await;
        let lost = pair(&refresh(&app, &first.refresh, &[]).await);
        app.clock.advance(Duration::from_secs(24 * 3_600));
        let healed = pair(&refresh(&app, &first.refresh, &[]).await);
        assert_ne!(healed.refresh, lost.refresh);
        assert_eq!(refusal(&refresh(&app, &lost.refresh, &[]).await), invalid("invalid_token"), "one of two goes on");
        assert_eq!(status(&app, &healed.access).await, 200);
        pair(&refresh(&app, &healed.refresh, &[]).await);
    }

    async fn the_next_access_token_may_lend_less_and_the_grant_lends_what_it_did(database) {
        let app = TestApp::builder(database).plugins().build().await;
        let first = whole(&app.own_browser("ada").await).await;
        let narrow = [("services", "storage"), ("scope", "profile")];
        let less = pair(&refresh(&app, &first.refresh, &narrow).await);
        assert_eq!((&less.answer["services"], &less.answer["scope"]), (&json!("storage"), &json!("profile")));
        let session = bearer(&app, &less.access, Method::GET, "/auth/session", None).await.json();
        assert_eq!([&session["services"], &session["email"]], [&json!(["storage"]), &json!(null)]);

        let again = pair(&refresh(&app, &first.refresh, &[]).await);
        assert_eq!((&again.refresh, &again.answer["services"]), (&less.refresh, &json!("*")), "the same, for more");
        assert_ne!(again.access, less.access);
        let same = pair(&refresh(&app, &first.refresh, &narrow).await);
        assert_eq!((&same.refresh, &same.access), (&less.refresh, &less.access));
        let next = pair(&refresh(&app, &less.refresh, &[]).await);
        assert_eq!(next.answer["scope"], "email openid permissions profile");
    }

    async fn h6_a_refresh_for_more_than_was_lent_changes_nothing(database) {
        let app = TestApp::builder(database).plugins().build().await;
        let first = whole(&app.own_browser("ada").await).await;
        for more in [("services", "nowhere"), ("scope", "write"), ("scope", "profile write")] {
            let refused = refresh(&app, &first.refresh, &[more]).await;
            assert_eq!(refusal(&refused), (400, json!("request"), json!("invalid_request")), "{more:?}");
        }
        let next = pair(&refresh(&app, &first.refresh, &[]).await);
        assert_eq!(status(&app, &next.access).await, 200, "it was not spent");
    }

    async fn h15_of_many_at_once_one_writes_and_all_get_the_same_answer(database) {
        let app = TestApp::builder(database).plugins().build().await;
        let first = whole(&app.own_browser("ada").await).await;
        let calls = (0..20).map(|_| refresh(&app, &first.refresh, &[]));
        let answers = futures_util::future::join_all(calls).await;
        let pairs: Vec<_> = answers.iter().map(pair).map(|pair| (pair.access, pair.refresh)).collect();
        assert!(pairs.iter().all(|each| *each == pairs[0]), "{pairs:?}");
        pair(&refresh(&app, &pairs[0].1, &[]).await);
    }

    async fn an_access_token_that_has_grown_old_is_not_given_again(database) {
        let short = Duration::from_secs(60);
        let build = TestApp::builder(database).plugins().flows(move |flows| flows.grant_rules.access_token_ttl = short);
        let app = build.build().await;
        let first = whole(&app.own_browser("ada").await).await;
        let next = pair(&refresh(&app, &first.refresh, &[]).await);
        app.clock.advance(Duration::from_secs(31));
        let again = pair(&refresh(&app, &first.refresh, &[]).await);
        assert_eq!((&again.refresh, &again.answer["expires_in"]), (&next.refresh, &json!(60)));
        assert_ne!(again.access, next.access);
        assert_eq!([status(&app, &next.access).await, status(&app, &again.access).await], [200, 200]);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn h2_only_a_refresh_token_refreshes_and_it_does_nothing_else() {
    let app = TestApp::builder(TestDatabase::sqlite()).plugins().build().await;
    let made = whole(&app.own_browser("ada").await).await;
    let user = app.sign_in("google", "ada").await;
    let damaged = format!("{}x", &made.refresh[..made.refresh.len() - 1]);
    for other in [made.access.as_str(), user.as_str(), damaged.as_str(), "x"] {
        assert_eq!(refusal(&refresh(&app, other, &[]).await), invalid("invalid_token"), "{other}");
        let by_bearer = bearer(&app, other, Method::PUT, "/auth/token/refresh", None).await;
        assert_eq!(refusal(&by_bearer), invalid("invalid_token"), "{other}");
    }
    let header =
        app.anonymous().request(Method::PUT, "/auth/token/refresh").header("auth-token", &made.refresh);
    assert_eq!(app.anonymous().send(header).await.status, 401, "a bearer alone");
    assert_eq!(
        refusal(&bearer(&app, &made.refresh, Method::GET, "/auth/session", None).await),
        invalid("invalid_token")
    );
    for address in [format!("/auth/check?jwt={}", made.refresh), format!("/auth/check?jwt={}", made.access)] {
        assert_eq!(app.anonymous().get(&address).await.json()["authenticated"], false);
    }
    let exposed = app
        .anonymous()
        .post(&format!("/auth/token?refresh_token={}", made.refresh), &[("grant_type", "refresh_token")])
        .await;
    assert_eq!(refusal(&exposed), (400, json!("request"), json!("invalid_request")));
    assert!(!exposed.body.contains(&made.refresh));
    pair(&refresh(&app, &made.refresh, &[]).await);
}

#[tokio::test(flavor = "multi_thread")]
async fn h9_refreshes_of_one_account_are_bounded() {
    let rate = Rate::per_minute(std::num::NonZeroU32::new(2).unwrap());
    let builder = TestApp::builder(TestDatabase::sqlite()).plugins();
    let app = builder.flows(|flows| flows.token_rates.refresh_per_account = Some(rate)).build().await;
    let first = whole(&app.own_browser("ada").await).await;
    let second = pair(&refresh(&app, &first.refresh, &[]).await);
    let third = pair(&refresh(&app, &second.refresh, &[]).await);
    let refused = refresh(&app, &third.refresh, &[]).await;
    assert_eq!(refusal(&refused), (429, json!("request"), json!("too_many_requests")));
    assert!(refused.header("retry-after").is_some());
    let linus = whole(&app.own_browser("linus").await).await;
    pair(&refresh(&app, &linus.refresh, &[]).await);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refresh_token_that_is_not_used_ends_and_a_grant_has_a_longest_life() {
    let day = Duration::from_secs(24 * 3_600);
    let app = TestApp::builder(TestDatabase::sqlite()).plugins().build().await;
    let ada = app.own_browser("ada").await;
    let unused = whole(&ada).await;
    let mut used = whole(&ada).await;
    for _ in 0..12 {
        app.clock.advance(29 * day);
        used = pair(&refresh(&app, &used.refresh, &[]).await);
    }
    assert_eq!(refusal(&refresh(&app, &unused.refresh, &[]).await), invalid("invalid_token"));
    assert_eq!(used.answer["refresh_expires_in"], 17 * 24 * 3_600, "not beyond the 365 days of its grant");
    app.clock.advance(17 * day);
    assert_eq!(refusal(&refresh(&app, &used.refresh, &[]).await), invalid("invalid_token"));
}
