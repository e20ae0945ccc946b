//! Attempts to sign in are spent once.

use vestibule_domain::{AttemptId, SystemRandom};

use crate::bench::{HOUR, all_at_once, at, on_both_databases};

on_both_databases! {
    async fn b2_an_attempt_is_spent_once(bench: &Bench) {
        let attempt = AttemptId::random(&SystemRandom);
        assert!(bench.storage.spend_attempt(&attempt, at(HOUR)).await.unwrap());
        assert!(!bench.storage.spend_attempt(&attempt, at(HOUR)).await.unwrap());
        assert!(!bench.replica().spend_attempt(&attempt, at(2 * HOUR)).await.unwrap());
    }

    async fn b2_of_fifty_that_spend_one_attempt_one_succeeds(bench: &Bench) {
        let attempt = AttemptId::random(&SystemRandom);
        let replicas = [bench.storage.clone(), bench.replica(), bench.replica()];
        let spend = |number: usize| {
            let (storage, attempt) = (replicas[number % 3].clone(), attempt.clone());
            async move { storage.spend_attempt(&attempt, at(HOUR)).await.unwrap() }
        };
        let spent = all_at_once((0..50).map(spend).collect()).await;
        assert_eq!(spent.into_iter().filter(|won| *won).count(), 1);
    }
}
