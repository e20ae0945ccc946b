//! Counting, at moments that the test chooses.

use std::thread;

use super::*;

const SECOND: Duration = Duration::from_secs(1);

fn ten_a_minute() -> Rate {
    Rate::new(10, 60 * SECOND).unwrap()
}

/// How many of `tries` requests at one moment are admitted.
fn admitted(limiter: &RateLimiter, key: &str, tries: usize, now: Duration) -> usize {
    (0..tries).filter(|_| limiter.admit_at(&ten_a_minute(), key, now).is_ok()).count()
}

#[test]
fn k8_a_burst_gets_exactly_what_the_rate_allows() {
    let limiter = RateLimiter::new();
    assert_eq!(admitted(&limiter, "a", 25, SECOND), 10);
    assert_eq!(admitted(&limiter, "b", 25, SECOND), 10, "another key has its own");
}

#[test]
fn k8_of_parallel_requests_exactly_as_many_pass() {
    let limiter = RateLimiter::new();
    let admitted: usize = thread::scope(|scope| {
        let threads: Vec<_> = (0..8).map(|_| scope.spawn(|| admitted(&limiter, "a", 200, SECOND))).collect();
        threads.into_iter().map(|thread| thread.join().unwrap()).sum()
    });
    assert_eq!(admitted, 10);
}

#[test]
fn what_was_spent_is_earned_back_evenly_and_never_beyond_the_rate() {
    let limiter = RateLimiter::new();
    assert_eq!(admitted(&limiter, "a", 10, SECOND), 10);
    assert_eq!(admitted(&limiter, "a", 3, 6 * SECOND), 0, "one is earned in six seconds");
    assert_eq!(admitted(&limiter, "a", 3, 7 * SECOND), 1);
    assert_eq!(admitted(&limiter, "a", 3, 19 * SECOND), 2);
    assert_eq!(admitted(&limiter, "a", 50, 10_000 * SECOND), 10);
}

#[test]
fn a_refusal_says_when_and_costs_nothing() {
    let limiter = RateLimiter::new();
    assert_eq!(admitted(&limiter, "a", 10, SECOND), 10);
    for _ in 0..100 {
        assert_eq!(limiter.admit_at(&ten_a_minute(), "a", 3 * SECOND), Err(4 * SECOND));
    }
    assert_eq!(limiter.admit_at(&ten_a_minute(), "a", 7 * SECOND), Ok(()));
}

#[test]
fn a_rate_of_one_is_one_in_its_period() {
    let (limiter, rate) = (RateLimiter::new(), Rate::new(1, 60 * SECOND).unwrap());
    assert_eq!(limiter.admit_at(&rate, "a", SECOND), Ok(()));
    assert_eq!(limiter.admit_at(&rate, "a", SECOND), Err(60 * SECOND));
    assert_eq!(limiter.admit_at(&rate, "a", 61 * SECOND), Ok(()));
}

#[test]
fn any_number_of_keys_is_remembered_within_bounds() {
    let limiter = RateLimiter::new();
    for number in 0..3 * CAPACITY {
        limiter.admit_at(&ten_a_minute(), number, SECOND).unwrap();
    }
    assert!(limiter.earned_back_at.len() <= CAPACITY);
}

/// One in a narrow place and two in a wide one that others share.
fn places(narrow: &'static str) -> [(Rate, &'static str); 2] {
    [(Rate::new(1, 60 * SECOND).unwrap(), narrow), (Rate::new(2, 60 * SECOND).unwrap(), "wide")]
}

#[test]
fn k8_a_request_counts_in_every_place_or_in_none() {
    let limiter = RateLimiter::new();
    let admit = |narrow, seconds: u32| limiter.admit_in_all_at(&places(narrow), seconds * SECOND);
    assert_eq!(admit("a", 1), Ok(()));
    for _ in 0..5 {
        assert_eq!(admit("a", 1), Err(60 * SECOND), "what is refused in the narrow place");
    }
    assert_eq!(admit("b", 1), Ok(()), "takes nothing from the wide one");
    for _ in 0..5 {
        assert_eq!(admit("c", 1), Err(30 * SECOND), "what is refused in the wide place");
    }
    assert_eq!(admit("c", 31), Ok(()), "has taken nothing from its own");
}

#[test]
fn k8_of_parallel_requests_in_shared_places_exactly_as_many_pass() {
    let limiter = RateLimiter::new();
    let rates = [ten_a_minute(), ten_a_minute().times(4.try_into().unwrap())];
    let admitted = &|thread: usize| {
        let outcomes = (0..200).map(|_| {
            let keys = [("narrow", thread), ("wide", 0)];
            let places: Vec<_> = rates.into_iter().zip(keys).collect();
            limiter.admit_in_all_at(&places, SECOND)
        });
        outcomes.flatten().count()
    };
    let each: Vec<usize> = thread::scope(|scope| {
        let threads: Vec<_> = (0..8).map(|thread| scope.spawn(move || admitted(thread))).collect();
        threads.into_iter().map(|thread| thread.join().unwrap()).collect()
    });
    assert!(each.iter().all(|count| *count <= 10), "{each:?}");
    assert_eq!(each.iter().sum::<usize>(), 40);
}
