//! The life of a connection, tick by tick.

use super::*;

const HEAD: Tick = 32;
const IDLE: Tick = 300;

fn overdue(connection: &Connection, now: Tick) -> (Option<CloseReason>, bool) {
    (connection.overdue(now, &Limits::default()), connection.is_closing())
}

#[test]
fn k1_whoever_says_nothing_is_given_up() {
    let connection = Connection::new(5);
    assert_eq!(overdue(&connection, 5 + HEAD), (None, false));
    assert_eq!(overdue(&connection, 6 + HEAD), (Some(CloseReason::SlowRequest), true));
    assert!(!connection.begin(6 + HEAD), "no request begins any more");
}

#[test]
fn k1_a_head_that_comes_drop_by_drop_counts_from_the_acceptance() {
    let connection = Connection::new(0);
    for now in 0..=HEAD {
        connection.heard(now);
        assert_eq!(overdue(&connection, now), (None, false));
    }
    assert_eq!(overdue(&connection, HEAD + 1), (Some(CloseReason::SlowRequest), true));
}

#[test]
fn a_later_head_counts_from_its_first_byte() {
    let connection = Connection::new(0);
    assert!(connection.begin(1));
    connection.answered(2);
    connection.waiting(3);
    connection.heard(200);
    connection.heard(210);
    assert_eq!(overdue(&connection, 200 + HEAD), (None, false));
    assert_eq!(overdue(&connection, 201 + HEAD), (Some(CloseReason::SlowRequest), true));
}

#[test]
fn a_request_under_way_is_never_given_up() {
    let connection = Connection::new(0);
    assert!(connection.begin(1));
    connection.waiting(2);
    connection.heard(3);
    assert_eq!(overdue(&connection, 100_000), (None, false));
    assert!(!connection.evict(100_000) && !connection.close_if_resting(100_000, 0));
    assert_eq!(connection.eviction_rank(100_000), None);
}

#[test]
fn whoever_rests_between_requests_may_do_so_for_longer_and_is_no_offender() {
    let connection = Connection::new(0);
    assert!(connection.begin(1));
    connection.answered(2);
    connection.waiting(2);
    assert_eq!(overdue(&connection, 2 + IDLE), (None, false));
    assert_eq!(overdue(&connection, 3 + IDLE), (None, true));
}

#[test]
fn k1_a_client_that_takes_nothing_is_given_up_also_while_it_is_served() {
    let connection = Connection::new(0);
    assert!(connection.begin(1));
    connection.set_blocked(10);
    connection.set_blocked(20);
    assert_eq!(overdue(&connection, 10 + HEAD), (None, false));
    connection.clear_blocked();
    assert_eq!(overdue(&connection, 1000), (None, false));
    connection.set_blocked(1000);
    assert_eq!(overdue(&connection, 1001 + HEAD), (Some(CloseReason::SlowReader), true));
}

#[test]
fn who_has_been_silent_longest_makes_place_first() {
    let [silent, resting, new] = [Connection::new(0), Connection::new(0), Connection::new(99)];
    assert!(resting.begin(0));
    resting.answered(0);
    resting.waiting(0);
    let at = |connection: &Connection| connection.eviction_rank(100);
    assert!(at(&silent) > at(&resting) && at(&resting) > at(&new));
    assert!(silent.evict(100) && silent.is_closing());
}

#[test]
fn l10_an_answer_that_has_not_gone_out_yet_is_not_rest() {
    let connection = Connection::new(0);
    assert!(connection.begin(1));
    connection.answered(2);
    connection.set_blocked(2);
    connection.waiting(2);
    assert!(!connection.close_if_resting(10, 1));
    assert_eq!(connection.eviction_rank(10), None);
    connection.clear_blocked();
    assert!(connection.close_if_resting(10, 1));
}
