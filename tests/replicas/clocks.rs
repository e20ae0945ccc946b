//! Replicas whose clocks differ by as much as tokens allow.

use std::time::Duration;

use serde_json::{Value, json};
use vestibule_test_support::{Method, MovableClock, eventually};

use super::stage::{Fleet, Site};
use crate::tokens::clocks::Operator;

const SKEW: Duration = Duration::from_secs(50);
const AHEAD: usize = 0;
const RIGHT: usize = 1;

/// One replica whose clock is ahead, and one whose clock is right.
async fn pair(clock: &MovableClock) -> Fleet {
    let site = Site::new().await;
    site.generate_keys().await;
    let replicas = vec![site.replica().clock(clock).start().await, site.replica().start().await];
    clock.advance(SKEW);
    Fleet { replicas, site }
}

#[tokio::test(flavor = "multi_thread")]
async fn d9_a_replica_names_a_clock_that_differs_and_stays_ready() {
    let clock = MovableClock::new();
    let fleet = pair(&clock).await;
    let warnings = async |replica: usize| {
        let answer = fleet.site.browser().get(&format!("{}/readyz", fleet.address(replica))).await;
        assert_eq!((answer.status.as_u16(), &answer.json()["status"]), (200, &json!("ready")));
        answer.json()["warnings"].clone()
    };
    let only = |warnings: &Value| match warnings.as_array().map(Vec::as_slice) {
        Some([Value::String(warning)]) => warning.clone(),
        _ => panic!("one warning is expected: {warnings}"),
    };
    let ahead = only(&warnings(AHEAD).await);
    assert!(ahead.starts_with("the clock is ") && ahead.ends_with(" s ahead of the database's"), "{ahead}");
    assert_eq!(warnings(RIGHT).await, Value::Null);
    clock.back(2 * SKEW);
    let behind = only(&warnings(AHEAD).await);
    assert!(behind.ends_with(" s behind the database's"), "{behind}");
}

/// So far ahead that all that was spent, has ended or was told would be over for good.
#[tokio::test(flavor = "multi_thread")]
async fn b2_d9_a_replica_that_leaps_ahead_deletes_nothing_that_counts_for_the_others() {
    let clock = MovableClock::new();
    let site = Site::new().await;
    site.generate_keys().await;
    let fleet = Fleet { replicas: vec![site.replica().start().await], site };
    let token = fleet.sign_in(&fleet.site.person(1), 0, 0).await;
    let rows = "SELECT (SELECT count(*) FROM spent_attempts) + (SELECT count(*) FROM sessions) + (SELECT count(*) FROM audit_events)";
    let before = fleet.site.database.query(rows);
    clock.advance(Duration::from_secs(1_000 * 24 * 60 * 60));
    let leaping = fleet.site.replica().setting("LOG", "info,vestibule=debug").clock(&clock).start().await;
    let has_cleaned = async || {
        let logs = leaping.logs();
        logs.contains("deleted expired rows") && logs.contains("deleted old events of the audit trail")
    };
    eventually("it has cleaned up", has_cleaned).await;
    // A start is told of.
    let after = fleet.site.database.query(rows).unwrap().parse::<i64>().unwrap();
    assert_eq!(Some(after - 1), before.map(|rows| rows.parse().unwrap()));
    assert!(fleet.is_signed_in(0, &token).await);
}

/// A sign-in at each of both.
async fn sign_in_at_both(fleet: &Fleet, person: &str) -> [String; 2] {
    [fleet.sign_in(person, AHEAD, AHEAD).await, fleet.sign_in(person, RIGHT, RIGHT).await]
}

async fn assert_new_sign_ins_count_at_once(fleet: &Fleet, person: &str) {
    for token in sign_in_at_both(fleet, person).await {
        for replica in [AHEAD, RIGHT] {
            assert!(fleet.is_signed_in(replica, &token).await, "at replica {replica}");
        }
    }
}

async fn until_dead_at_both(fleet: &Fleet, tokens: &[String]) {
    for token in tokens {
        for replica in [AHEAD, RIGHT] {
            let is_dead = async || !fleet.is_signed_in(replica, token).await;
            eventually("what was ended at one is dead at both", is_dead).await;
        }
    }
}

async fn sign_out_everywhere(fleet: &Fleet, replica: usize, token: &str) {
    let browser = fleet.site.browser();
    let address = format!("{}/auth/logout", fleet.address(replica));
    let request = browser.request(Method::POST, &address).bearer_auth(token).form(&[("all", "true")]);
    assert_eq!(browser.send(request).await.status, 200);
}

#[tokio::test(flavor = "multi_thread")]
async fn d9_replicas_whose_clocks_differ_agree_on_what_was_ended_and_what_began_since() {
    let clock = MovableClock::new();
    let fleet = pair(&clock).await;
    let person = fleet.site.person(1);
    let mut ended = Vec::new();
    for replica in [AHEAD, RIGHT] {
        let tokens = sign_in_at_both(&fleet, &person).await;
        sign_out_everywhere(&fleet, replica, &tokens[replica]).await;
        until_dead_at_both(&fleet, &tokens).await;
        assert_new_sign_ins_count_at_once(&fleet, &person).await;
        ended.extend(tokens);
    }
    let tokens = sign_in_at_both(&fleet, &person).await;
    let users = fleet.site.replica().run(&["users", "list"]).await;
    let id = String::from_utf8(users.stdout).unwrap().split_whitespace().next().unwrap().to_owned();
    let operator = Operator::of(&fleet.site.database);
    operator.end(&[&["disable", "ID"], &["enable", "ID"]], &id).await;
    ended.extend(tokens);
    until_dead_at_both(&fleet, &ended).await;
    assert_new_sign_ins_count_at_once(&fleet, &person).await;
}
