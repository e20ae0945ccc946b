//! Refreshing: every line of the rule, and what races.

use std::pin::Pin;
use std::time::Duration;

use vestibule_domain::{Actor, AuditEvent, AuditName, Grant};
use vestibule_storage::{AccessToken, Refresh, Refreshed, RevocationReason, Storage};

use crate::bench::{GITHUB, HOUR, all_at_once, at, event, on_both_databases, person};
use crate::consistency::{count, execute};
use crate::grants::{DAY, access, digest, granted, names_of_events, new_grant, pair};

const GRACE: i64 = 60;

/// One of several that run at once.
type Task<T> = Pin<Box<dyn Future<Output = T> + Send>>;

fn reuse() -> AuditEvent {
    AuditEvent::new(AuditName::TokenReuseDetected, Actor::Anybody, at(0))
}

/// What the holder of one refresh token asks for: an access token and a refresh token with other numbers.
fn asked(
    presented: u8,
    (access, refresh): (u8, u8),
    grant: &Grant,
    generation: i64,
    seconds: i64,
) -> Refresh {
    Refresh {
        presented: digest(presented),
        grant: grant.id.clone(),
        generation,
        pair: pair(access, refresh, seconds),
        sealed: format!("{access} {refresh}"),
        grace: Duration::from_secs(GRACE.unsigned_abs()),
        now: at(seconds),
    }
}

/// Presents a refresh token as a client does. `None`: it is not found, or not good.
async fn refresh(storage: &Storage, presented: u8, next: (u8, u8), seconds: i64) -> Option<Refreshed> {
    let found = storage.find_refresh_token(&digest(presented), at(seconds)).await.unwrap()?;
    let refresh = asked(presented, next, &found.live.grant, found.generation, seconds);
    let outcome = storage.refresh_grant(refresh, &reuse()).await.unwrap();
    (outcome != Refreshed::Invalid).then_some(outcome)
}

/// The numbers in the answer that was given before.
fn again(outcome: Option<Refreshed>) -> String {
    match outcome {
        Some(Refreshed::Again { sealed, .. }) => sealed,
        other => panic!("{other:?}"),
    }
}

on_both_databases! {
    async fn a_refresh_spends_the_token_and_gives_the_next_pair(bench: &Bench) {
        let (ada, grant) = granted(bench).await;
        assert_eq!(refresh(&bench.storage, 101, (2, 102), 600).await, Some(Refreshed::Stored));
        assert_eq!(access(&bench.storage, 2, 601).await.unwrap().live.grant.id, grant.id);
        assert!(access(&bench.storage, 1, 601).await.is_some(), "an earlier access token lives to its own end");
        assert_eq!(refresh(&bench.storage, 102, (3, 103), 700).await, Some(Refreshed::Stored));
        let listed = bench.storage.list_grants(Some(&ada.user.id), None, 100, at(700)).await.unwrap().grants;
        assert_eq!(listed[0].last_used_at, at(700));
    }

    async fn h3_a_token_that_comes_again_after_its_successor_was_used_ends_its_grant_alone(bench: &Bench) {
        for (user, use_successor_by_access) in [("1", false), ("2", true)] {
            let ada = bench.sign_in(&person(GITHUB, user)).await;
            let base = if use_successor_by_access { 50 } else { 10 };
            let (one, other) = (new_grant(&ada, pair(base, 100 + base, 0), 0), new_grant(&ada, pair(base + 1, 101 + base, 0), 0));
            for new in [&one, &other] {
                assert!(bench.storage.create_grant(new.clone(), &event()).await.unwrap());
            }
            assert_eq!(refresh(&bench.storage, 100 + base, (base + 2, 102 + base), 1).await, Some(Refreshed::Stored));
            if use_successor_by_access {
                assert!(access(&bench.storage, base + 2, 2).await.is_some());
            } else {
                assert_eq!(refresh(&bench.storage, 102 + base, (base + 3, 103 + base), 2).await, Some(Refreshed::Stored));
            }
            let reused = refresh(&bench.storage, 100 + base, (base + 4, 104 + base), 2 + GRACE + 1).await;
            assert_eq!(reused, Some(Refreshed::Reused));
            for dead in [base, base + 2] {
                assert!(access(&bench.storage, dead, 70).await.is_none());
            }
            assert_eq!(refresh(&bench.storage, 102 + base, (base + 5, 105 + base), 70).await, None);
            assert!(access(&bench.storage, base + 1, 70).await.is_some(), "the user's other grants live");
            assert_eq!(refresh(&bench.storage, 101 + base, (base + 6, 106 + base), 70).await, Some(Refreshed::Stored));
            assert_eq!(refresh(&bench.storage, 100 + base, (base + 7, 107 + base), 71).await, None, "it ends once");
        }
        let detected = names_of_events(bench).await.iter().filter(|name| *name == "token.reuse_detected").count();
        assert_eq!(detected, 2);
    }

    async fn h3_a_grandparent_is_judged_by_its_own_successor(bench: &Bench) {
        granted(bench).await;
        assert_eq!(refresh(&bench.storage, 101, (2, 102), 1).await, Some(Refreshed::Stored));
        assert_eq!(refresh(&bench.storage, 102, (3, 103), 2).await, Some(Refreshed::Stored));
        assert_eq!(refresh(&bench.storage, 101, (4, 104), 3).await, Some(Refreshed::Superseded));
        assert!(access(&bench.storage, 3, 3).await.is_some(), "nothing has ended");
        assert_eq!(refresh(&bench.storage, 101, (5, 105), 2 + GRACE).await, Some(Refreshed::Reused));
        assert!(access(&bench.storage, 3, 2 + GRACE).await.is_none());
    }

    async fn h4_of_fifty_at_once_on_two_replicas_one_writes_and_the_others_get_its_answer(bench: &Bench) {
        granted(bench).await;
        let other = bench.replica();
        let tasks: Vec<_> = (0..50_u8).map(|number| {
            let storage = if number % 2 == 0 { bench.storage.clone() } else { other.clone() };
            async move { refresh(&storage, 101, (102 + number, 200 + number), 600).await.unwrap() }
        }).collect();
        let outcomes = all_at_once(tasks).await;
        let stored = outcomes.iter().filter(|outcome| **outcome == Refreshed::Stored).count();
        assert_eq!(stored, 1);
        let answers: Vec<_> = outcomes.into_iter().filter_map(|outcome| match outcome {
            Refreshed::Again { sealed, successor, access } => {
                assert_eq!(access.len(), 1);
                assert_eq!(sealed, format!("{} {}", access[0].digest.as_bytes()[0], successor.as_bytes()[0]));
                Some(sealed)
            }
            _ => None,
        }).collect();
        assert_eq!(answers.len(), 49);
        assert!(answers.iter().all(|answer| answer == &answers[0]), "{answers:?}");
        assert_eq!(count(bench.database.url(), "SELECT count(*) AS n FROM refresh_tokens").await, 2);
        assert_eq!(count(bench.database.url(), "SELECT count(*) AS n FROM access_tokens").await, 2);
    }

    async fn h4_of_fifty_at_once_after_the_grace_one_pair_is_made(bench: &Bench) {
        granted(bench).await;
        assert_eq!(refresh(&bench.storage, 101, (2, 102), 0).await, Some(Refreshed::Stored));
        let other = bench.replica();
        let tasks: Vec<_> = (0..50_u8).map(|number| {
            let storage = if number % 2 == 0 { bench.storage.clone() } else { other.clone() };
            async move { refresh(&storage, 101, (103 + number, 200 + number), 600).await.unwrap() }
        }).collect();
        let outcomes = all_at_once(tasks).await;
        assert_eq!(outcomes.iter().filter(|outcome| **outcome == Refreshed::Stored).count(), 1);
        assert_eq!(outcomes.iter().filter(|outcome| matches!(outcome, Refreshed::Again { .. })).count(), 49);
        assert_eq!(count(bench.database.url(), "SELECT count(*) AS n FROM refresh_tokens").await, 2);
        let living = "SELECT count(*) AS n FROM access_tokens WHERE revoked_at IS NULL AND generation = 1";
        assert_eq!(count(bench.database.url(), living).await, 1);
    }

    async fn h5_within_the_grace_the_same_answer_is_given_at_any_replica(bench: &Bench) {
        granted(bench).await;
        assert_eq!(refresh(&bench.storage, 101, (2, 102), 0).await, Some(Refreshed::Stored));
        assert_eq!(again(refresh(&bench.replica(), 101, (3, 103), GRACE).await), "2 102");
        assert!(access(&bench.storage, 2, GRACE).await.is_some());
        assert_eq!(again(refresh(&bench.replica(), 101, (4, 104), GRACE).await), "2 102", "used by its access token");
        assert_eq!(refresh(&bench.storage, 102, (5, 105), GRACE).await, Some(Refreshed::Stored));
    }

    async fn h5_another_access_token_can_stand_beside_an_answer_that_is_given_again(bench: &Bench) {
        let (_, grant) = granted(bench).await;
        assert_eq!(refresh(&bench.storage, 101, (2, 102), 0).await, Some(Refreshed::Stored));
        assert!(bench.storage.revoke_access_token(&digest(2), at(1)).await.unwrap());
        let outcome = refresh(&bench.storage, 101, (3, 103), 2).await;
        let Some(Refreshed::Again { access: living, successor, .. }) = outcome else { panic!("{outcome:?}") };
        assert_eq!((living, successor), (vec![], digest(102)));
        let more = |number| AccessToken { digest: digest(number), ..pair(0, 0, 2).access };
        assert!(bench.storage.add_access_token(more(4), &digest(102), at(2)).await.unwrap());
        assert_eq!(access(&bench.storage, 4, 3).await.unwrap().live.grant.id, grant.id);
        assert_eq!(refresh(&bench.storage, 102, (5, 105), 4).await, Some(Refreshed::Stored));
        assert!(!bench.storage.add_access_token(more(6), &digest(102), at(4)).await.unwrap(), "it was spent");
    }

    async fn h15_an_answer_that_was_lost_is_replaced_whenever_the_client_comes_back(bench: &Bench) {
        granted(bench).await;
        assert_eq!(refresh(&bench.storage, 101, (2, 102), 0).await, Some(Refreshed::Stored));
        for (number, seconds) in [(3, 600), (4, 2 * HOUR), (5, DAY), (6, 29 * DAY)] {
            assert_eq!(refresh(&bench.replica(), 101, (number, 100 + number), seconds).await, Some(Refreshed::Stored));
            for lost in 2..number {
                assert!(access(&bench.storage, lost, seconds).await.is_none());
                assert_eq!(refresh(&bench.storage, 100 + lost, (90, 190), seconds).await, None, "{lost}");
            }
            assert_eq!(again(refresh(&bench.storage, 101, (91, 191), seconds + 1).await), format!("{number} {}", 100 + number));
        }
        assert_eq!(refresh(&bench.storage, 106, (7, 107), 29 * DAY + 10).await, Some(Refreshed::Stored));
        assert_eq!(refresh(&bench.storage, 101, (8, 108), 30 * DAY).await, None, "it has expired by itself");
    }

    async fn h15_after_its_use_a_pair_is_not_replaced_also_when_the_access_token_is_gone(bench: &Bench) {
        granted(bench).await;
        assert_eq!(refresh(&bench.storage, 101, (2, 102), 0).await, Some(Refreshed::Stored));
        assert!(access(&bench.storage, 2, 10).await.is_some());
        bench.storage.delete_expired(at(3 * DAY), 100).await.unwrap();
        assert_eq!(count(bench.database.url(), "SELECT count(*) AS n FROM access_tokens").await, 0);
        assert_eq!(refresh(&bench.storage, 101, (3, 103), 3 * DAY).await, Some(Refreshed::Reused));
    }

    async fn h18_of_two_holders_only_one_can_go_on(bench: &Bench) {
        granted(bench).await;
        assert_eq!(refresh(&bench.storage, 101, (10, 110), 0).await, Some(Refreshed::Stored));
        // Round after round the thief and the owner present the same token, and neither has used what the other got.
        for (round, number) in (1..6_i64).zip(11_u8..) {
            let seconds = round * (GRACE + 1);
            assert_eq!(refresh(&bench.storage, 101, (number, 100 + number), seconds).await, Some(Refreshed::Stored));
            assert!(access(&bench.storage, number - 1, seconds).await.is_none(), "the access token that was replaced");
            assert_eq!(refresh(&bench.storage, 99 + number, (90, 190), seconds).await, None, "its refresh token");
            assert_eq!(count(bench.database.url(), "SELECT count(*) AS n FROM grants WHERE revoked_at IS NULL").await, 1);
        }
        assert_eq!(refresh(&bench.storage, 115, (20, 120), 400).await, Some(Refreshed::Stored), "the last one goes on");
        assert_eq!(refresh(&bench.storage, 101, (21, 121), 401).await, Some(Refreshed::Reused), "the other ends it");
    }

    async fn h18_a_replaced_access_token_does_not_make_the_new_pair_used(bench: &Bench) {
        granted(bench).await;
        assert_eq!(refresh(&bench.storage, 101, (2, 102), 0).await, Some(Refreshed::Stored));
        for round in 0..6_u8 {
            let seconds = (i64::from(round) + 1) * (GRACE + 1);
            let (stale, next) = (2 + 10 * round, 12 + 10 * round);
            let (using, replacing) = (bench.storage.clone(), bench.replica());
            let tasks: Vec<Task<(&str, bool)>> = vec![
                Box::pin(async move { ("used", access(&using, stale, seconds).await.is_some()) }),
                Box::pin(async move {
                    let outcome = refresh(&replacing, 101, (next, 101 + next), seconds).await;
                    ("replaced", outcome == Some(Refreshed::Stored))
                }),
            ];
            let mut done = all_at_once(tasks).await;
            done.retain(|(_, is_done)| *is_done);
            assert_eq!(done.len(), 1, "either it was used, or it was replaced: {done:?}");
            if done == [("used", true)] {
                return;
            }
            let seen = "SELECT count(*) AS n FROM refresh_tokens WHERE generation = 1 AND seen_at IS NOT NULL";
            assert_eq!(count(bench.database.url(), seen).await, 0, "round {round}");
        }
    }

    async fn h18_within_the_grace_a_spent_successor_makes_superseded_also_for_a_clock_that_is_behind(bench: &Bench) {
        granted(bench).await;
        assert_eq!(refresh(&bench.storage, 101, (2, 102), 10).await, Some(Refreshed::Stored));
        assert_eq!(again(refresh(&bench.replica(), 101, (3, 103), 5).await), "2 102", "five seconds behind");
        assert_eq!(refresh(&bench.storage, 102, (4, 104), 11).await, Some(Refreshed::Stored));
        for seconds in [6, 16, 10 + GRACE] {
            assert_eq!(refresh(&bench.storage, 101, (5, 105), seconds).await, Some(Refreshed::Superseded), "{seconds}");
        }
        assert!(access(&bench.storage, 4, 20).await.is_some());
    }

    async fn h6_what_has_ended_is_not_refreshed_and_nothing_changes(bench: &Bench) {
        let (ada, grant) = granted(bench).await;
        let spent = "SELECT count(*) AS n FROM refresh_tokens WHERE spent_at IS NOT NULL";
        let late = asked(101, (2, 102), &grant, 0, 30 * DAY);
        assert_eq!(bench.storage.refresh_grant(late, &reuse()).await.unwrap(), Refreshed::Invalid);
        bench.storage.disable_user(&ada.user.id, at(1), &event()).await.unwrap();
        let disabled = asked(101, (2, 102), &grant, 0, 2);
        assert_eq!(bench.storage.refresh_grant(disabled, &reuse()).await.unwrap(), Refreshed::Invalid);
        assert_eq!(count(bench.database.url(), spent).await, 0);
    }

    async fn h7_a_grant_that_ends_beside_a_refresh_leaves_nothing_alive(bench: &Bench) {
        for round in 0..6_u8 {
            let ada = bench.sign_in(&person(GITHUB, &round.to_string())).await;
            let new = new_grant(&ada, pair(round, 100 + round, 0), 0);
            assert!(bench.storage.create_grant(new.clone(), &event()).await.unwrap());
            let (refreshing, revoking) = (bench.storage.clone(), bench.replica());
            let (user, id) = (ada.user.id.clone(), new.grant.id.clone());
            let tasks: Vec<Task<bool>> = vec![
                Box::pin(async move { refresh(&refreshing, 100 + round, (50 + round, 150 + round), 1).await.is_some() }),
                Box::pin(async move {
                    let because = RevocationReason::ByHolder;
                    revoking.revoke_grant((&user, &id), because, at(1), &event()).await.unwrap()
                }),
            ];
            assert!(all_at_once(tasks).await.contains(&true));
            assert_eq!(bench.storage.list_grants(Some(&ada.user.id), None, 100, at(1)).await.unwrap().grants, []);
            for number in [round, 50 + round] {
                assert!(access(&bench.storage, number, 1).await.is_none());
                assert_eq!(refresh(&bench.storage, 100 + number, (90, 190), 1).await, None);
            }
        }
    }

    async fn l15_fifty_generations_are_kept_and_older_ones_end_nothing(bench: &Bench) {
        granted(bench).await;
        for number in 1..=55_u8 {
            let next = (150 + number, 101 + number);
            assert_eq!(refresh(&bench.storage, 100 + number, next, i64::from(number)).await, Some(Refreshed::Stored));
        }
        assert_eq!(count(bench.database.url(), "SELECT count(*) AS n FROM refresh_tokens").await, 50);
        assert_eq!(refresh(&bench.storage, 101, (240, 241), 5_000).await, None);
        assert!(access(&bench.storage, 205, 60).await.is_some(), "nothing has ended");
        assert_eq!(refresh(&bench.storage, 107, (240, 241), 5_000).await, Some(Refreshed::Reused));
    }

    async fn l15_answers_are_cleared_when_they_are_not_given_again(bench: &Bench) {
        granted(bench).await;
        assert_eq!(refresh(&bench.storage, 101, (2, 102), 0).await, Some(Refreshed::Stored));
        let sealed = "SELECT count(*) AS n FROM refresh_tokens WHERE successor_sealed IS NOT NULL";
        bench.storage.delete_expired(at(300), 1).await.unwrap();
        assert_eq!(count(bench.database.url(), sealed).await, 1);
        bench.storage.delete_expired(at(301), 1).await.unwrap();
        assert_eq!(count(bench.database.url(), sealed).await, 0);
        assert_eq!(refresh(&bench.storage, 101, (3, 103), 302).await, Some(Refreshed::Stored), "it can be replaced");
        execute(bench.database.url(), "UPDATE refresh_tokens SET successor_sealed = NULL").await;
        assert_eq!(refresh(&bench.storage, 101, (4, 104), 303).await, Some(Refreshed::Stored), "also within the grace");
    }
}
