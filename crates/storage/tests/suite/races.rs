//! What happens at once ends as if it had happened in some order.

use std::collections::HashSet;

use vestibule_domain::UpstreamProfile;
use vestibule_storage::SignInOutcome;

use crate::bench::{
    Bench, GITHUB, GOOGLE, SignedIn, all_at_once, at, event, on_both_databases, person, signed_in,
    try_sign_in, verified,
};

/// Signs all of these in at once, on two replicas by turns.
async fn sign_in_at_once(bench: &Bench, profiles: Vec<UpstreamProfile>) -> Vec<SignedIn> {
    let replicas = [bench.storage.clone(), bench.replica()];
    let sign_in = |(number, profile): (usize, UpstreamProfile)| {
        let storage = replicas[number % 2].clone();
        async move { signed_in(try_sign_in(&storage, &profile, |_| {}).await) }
    };
    all_at_once(profiles.into_iter().enumerate().map(sign_in).collect()).await
}

fn ids(all: &[SignedIn]) -> HashSet<&str> {
    all.iter().map(|one| one.user.id.as_str()).collect()
}

on_both_databases! {
    async fn c10_twenty_first_sign_ins_of_one_identity_make_one_user(bench: &Bench) {
        let all = sign_in_at_once(bench, vec![verified(GOOGLE, "1", "ada@example.org"); 20]).await;
        assert_eq!(ids(&all).len(), 1);
        assert_eq!(all.iter().filter(|one| one.is_new).count(), 1);
        assert_eq!(bench.count_users().await, 1);
        for one in &all {
            assert!(bench.is_live(one, at(1)).await);
        }
    }

    async fn c10_the_same_without_an_address(bench: &Bench) {
        let all = sign_in_at_once(bench, vec![person(GITHUB, "1"); 20]).await;
        assert_eq!(ids(&all).len(), 1);
        assert_eq!(all.iter().filter(|one| one.is_new).count(), 1);
    }

    async fn c10_two_providers_that_bring_one_new_address_at_once_make_one_user(bench: &Bench) {
        for round in 0..10 {
            let email = format!("ada{round}@example.org");
            let subject = round.to_string();
            let pair = vec![verified(GOOGLE, &subject, &email), verified(GITHUB, &subject, &email)];
            let all = sign_in_at_once(bench, pair).await;
            assert_eq!(ids(&all).len(), 1, "round {round}");
            assert_eq!(all.iter().filter(|one| one.is_new).count(), 1, "round {round}");
            let identities = bench.storage.list_identities(&all[0].user.id).await.unwrap();
            assert_eq!(identities.len(), 2, "round {round}");
        }
    }

    async fn l9_users_who_exchange_addresses_at_once_do_not_block_each_other(bench: &Bench) {
        for round in 0..10 {
            let (one, two) = (format!("one{round}@example.org"), format!("two{round}@example.org"));
            let (first, second) = (format!("first{round}"), format!("second{round}"));
            bench.sign_in(&verified(GOOGLE, &first, &one)).await;
            bench.sign_in(&verified(GOOGLE, &second, &two)).await;
            let exchanged = vec![verified(GOOGLE, &first, &two), verified(GOOGLE, &second, &one)];
            let all = sign_in_at_once(bench, exchanged).await;
            assert_eq!(ids(&all).len(), 2, "round {round}");
        }
    }

    async fn an_address_that_is_given_up_while_another_joins_by_it_is_joined_or_free(bench: &Bench) {
        for round in 0..10 {
            let (old, new) = (format!("old{round}@example.org"), format!("new{round}@example.org"));
            let subject = round.to_string();
            bench.sign_in(&verified(GOOGLE, &subject, &old)).await;
            let moves = vec![verified(GOOGLE, &subject, &new), verified(GITHUB, &subject, &old)];
            let all = sign_in_at_once(bench, moves).await;
            let new_users = all.iter().filter(|one| one.is_new).count();
            assert_eq!(ids(&all).len(), 1 + new_users, "round {round}");
        }
    }

    async fn sign_ins_sign_outs_and_deletions_of_one_user_do_not_disturb_each_other(bench: &Bench) {
        let user = bench.sign_in(&verified(GOOGLE, "1", "ada@example.org")).await.user;
        let mut tasks = Vec::new();
        for number in 0..30 {
            let (storage, id) = (bench.replica(), user.id.clone());
            tasks.push(async move {
                match number % 3 {
                    0 => {
                        let profile = verified(GOOGLE, "1", "ada@example.org");
                        signed_in(try_sign_in(&storage, &profile, |_| {}).await);
                    }
                    1 => drop(storage.revoke_all_sessions(&id, at(1), &event()).await.unwrap()),
                    _ => drop(storage.delete_user(&id, &event()).await.unwrap()),
                }
            });
        }
        all_at_once(tasks).await;
        assert!(bench.count_users().await <= 1);
    }

    async fn c7_d9_a_sign_in_beside_a_sign_out_or_a_disable_is_dead_or_came_later(bench: &Bench) {
        for round in 0..12 {
            let ada = bench.sign_in(&person(GOOGLE, "1")).await;
            let (beside, ending, id) = (bench.replica(), bench.replica(), ada.user.id.clone());
            let disabling = round % 2 == 0;
            let sign_ins = (0..8).map(|_| {
                let storage = beside.clone();
                tokio::spawn(async move { try_sign_in(&storage, &person(GOOGLE, "1"), |_| {}).await })
            });
            let sign_ins: Vec<_> = sign_ins.collect();
            if disabling {
                assert!(ending.disable_user(&id, at(1), &event()).await.unwrap());
            } else {
                ending.revoke_all_sessions(&id, at(1), &event()).await.unwrap();
            }
            let mut outcomes = Vec::new();
            for sign_in in sign_ins {
                outcomes.push(sign_in.await.unwrap());
            }
            assert!(!bench.is_live(&ada, at(0)).await, "round {round}");
            if disabling {
                ending.enable_user(&id, &event()).await.unwrap();
                let begun = outcomes.into_iter().filter(|outcome| *outcome != SignInOutcome::Disabled);
                for begun in begun.map(signed_in) {
                    assert!(!bench.is_live(&begun, at(0)).await, "round {round}: it survived");
                }
            }
        }
    }

    async fn c10_a_sign_in_whose_caller_goes_away_leaves_all_or_nothing(bench: &Bench) {
        for round in 0..40_u32 {
            let storage = bench.storage.clone();
            let profile = verified(GOOGLE, &round.to_string(), &format!("ada{round}@example.org"));
            let sign_in = tokio::spawn(async move { try_sign_in(&storage, &profile, |_| {}).await });
            for _ in 0..round {
                tokio::task::yield_now().await;
            }
            sign_in.abort();
            drop(sign_in.await);
        }
        // Nothing is left locked: the next one comes through.
        assert!(bench.sign_in(&person(GOOGLE, "next")).await.is_new);
    }
}
