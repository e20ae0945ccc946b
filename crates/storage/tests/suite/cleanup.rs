//! What ended long ago is forgotten; nothing else is.

use vestibule_domain::{AttemptId, SystemRandom};
use vestibule_storage::DeletedRows;

use crate::bench::{GOOGLE, HOUR, at, on_both_databases, person};

const DAY: i64 = 24 * HOUR;

on_both_databases! {
    async fn l15_what_ended_long_ago_is_deleted_in_batches(bench: &Bench) {
        for number in 0..7 {
            let attempt = AttemptId::random(&SystemRandom);
            bench.storage.spend_attempt(&attempt, at(-10 * DAY)).await.unwrap();
            bench.sign_in_as(&person(GOOGLE, &number.to_string()), |sign_in| {
                sign_in.now = at(-20 * DAY);
                sign_in.expires_at = at(-10 * DAY);
            }).await;
        }
        let deleted = bench.storage.delete_expired(at(0), 3).await.unwrap();
        assert_eq!(deleted, DeletedRows { spent_attempts: 7, sessions: 7 });
        assert_eq!(bench.storage.delete_expired(at(0), 3).await.unwrap(), DeletedRows::default());
        assert_eq!(bench.count_users().await, 7);
    }

    async fn what_may_still_matter_is_kept(bench: &Bench) {
        let attempt = AttemptId::random(&SystemRandom);
        bench.storage.spend_attempt(&attempt, at(-HOUR)).await.unwrap();
        let live = bench.sign_in(&person(GOOGLE, "1")).await;
        let just_ended = bench.sign_in_as(&person(GOOGLE, "1"), |sign_in| {
            sign_in.now = at(-DAY);
            sign_in.expires_at = at(-HOUR);
        }).await;
        assert_eq!(bench.storage.delete_expired(at(0), 100).await.unwrap(), DeletedRows::default());
        assert!(bench.is_live(&live, at(0)).await);
        assert!(!bench.is_live(&just_ended, at(0)).await);
        assert!(!bench.storage.spend_attempt(&attempt, at(-HOUR)).await.unwrap());
    }
}
