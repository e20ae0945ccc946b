//! What ended long ago is forgotten; nothing else is.

use vestibule_domain::{AttemptId, SystemRandom};
use vestibule_storage::{DeletedRows, TokenCreation};

use crate::api_tokens::personal_token;
use crate::bench::{GOOGLE, HOUR, at, event, on_both_databases, person};

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
        assert_eq!(deleted, DeletedRows { spent_attempts: 7, sessions: 7, ..DeletedRows::default() });
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

    async fn l15_tokens_are_kept_for_thirty_days_after_their_end(bench: &Bench) {
        let ada = bench.sign_in(&person(GOOGLE, "1")).await;
        let mut tokens = Vec::new();
        for name in ["living", "expired", "revoked", "just expired"] {
            let mut token = personal_token(&ada.user.id, name);
            token.token.expires_at = Some(match name {
                "expired" => at(-31 * DAY),
                "just expired" => at(-29 * DAY),
                _ => at(HOUR),
            });
            assert_eq!(bench.storage.create_api_token(&token, &event()).await.unwrap(), TokenCreation::Created);
            tokens.push(token);
        }
        let revoked = &tokens[2].token.id;
        assert!(bench.storage.revoke_api_token(&ada.user.id, revoked, at(-31 * DAY), &event()).await.unwrap());
        let deleted = bench.storage.delete_expired(at(0), 1).await.unwrap();
        assert_eq!(deleted, DeletedRows { api_tokens: 2, ..DeletedRows::default() });
        assert!(bench.storage.find_api_token(&tokens[0].token.id, at(0)).await.unwrap().is_some());
        assert!(bench.storage.find_api_token(&tokens[3].token.id, at(-30 * DAY)).await.unwrap().is_some());
    }
}
