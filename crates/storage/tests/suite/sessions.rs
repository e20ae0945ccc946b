//! Which sessions are alive, and how they end.

use vestibule_domain::{SessionId, SystemRandom, UserId};
use vestibule_storage::SignInOutcome;

use crate::bench::{GITHUB, GOOGLE, HOUR, at, event, on_both_databases, person, try_sign_in};
use crate::consistency::{count, execute};

on_both_databases! {
    async fn a_session_is_alive_from_its_beginning_until_its_end(bench: &Bench) {
        let ada = bench.sign_in(&person(GITHUB, "7")).await;
        let live = bench.storage.find_live_session(&ada.session.id, &ada.user.id, at(HOUR)).await.unwrap().unwrap();
        assert_eq!(live.user, ada.user);
        assert_eq!(live.session, ada.session);
        assert_eq!(live.session.provider_id, "github:7");
        assert!(bench.is_live(&ada, at(24 * HOUR - 1)).await);
        assert!(!bench.is_live(&ada, at(24 * HOUR)).await);
    }

    async fn a_session_is_its_users_alone(bench: &Bench) {
        let ada = bench.sign_in(&person(GITHUB, "7")).await;
        let eve = bench.sign_in(&person(GITHUB, "8")).await;
        let found = bench.storage.find_live_session(&ada.session.id, &eve.user.id, at(0)).await.unwrap();
        assert!(found.is_none());
        let unknown = SessionId::random(&SystemRandom);
        assert!(bench.storage.find_live_session(&unknown, &ada.user.id, at(0)).await.unwrap().is_none());
    }

    async fn d9_a_revoked_session_is_dead_everywhere_and_stays_dead(bench: &Bench) {
        let ada = bench.sign_in(&person(GITHUB, "7")).await;
        let other = bench.sign_in(&person(GITHUB, "7")).await;
        assert!(bench.storage.revoke_session(&ada.user.id, &ada.session.id, at(1), &event()).await.unwrap());
        assert!(!bench.storage.revoke_session(&ada.user.id, &ada.session.id, at(2), &event()).await.unwrap());
        assert!(!bench.is_live(&ada, at(1)).await);
        assert!(bench.is_live(&other, at(1)).await);
        let replica = bench.replica();
        assert!(replica.find_live_session(&ada.session.id, &ada.user.id, at(1)).await.unwrap().is_none());
        assert!(!replica.revoke_session(&ada.user.id, &SessionId::random(&SystemRandom), at(1), &event()).await.unwrap());
    }

    async fn d9_signing_out_everywhere_ends_all_sessions_of_one_user(bench: &Bench) {
        let first = bench.sign_in(&person(GITHUB, "7")).await;
        let second = bench.sign_in(&person(GITHUB, "7")).await;
        let ended = bench.sign_in(&person(GITHUB, "7")).await;
        let other = bench.sign_in(&person(GITHUB, "8")).await;
        bench.storage.revoke_session(&ended.user.id, &ended.session.id, at(1), &event()).await.unwrap();

        assert_eq!(bench.storage.revoke_all_sessions(&first.user.id, at(2), &event()).await.unwrap(), 2);
        assert_eq!(bench.storage.revoke_all_sessions(&first.user.id, at(2), &event()).await.unwrap(), 0);
        for dead in [&first, &second, &ended] {
            assert!(!bench.is_live(dead, at(2)).await);
        }
        assert!(bench.is_live(&other, at(2)).await);
        let unknown = UserId::random(&SystemRandom);
        assert_eq!(bench.storage.revoke_all_sessions(&unknown, at(2), &event()).await.unwrap(), 0);
    }

    // Of two first sign-ins at once the one that began earlier may be the one that comes second.
    async fn c10_a_sign_in_that_began_before_its_user_was_made_is_alive(bench: &Bench) {
        let first = bench.sign_in_as(&person(GITHUB, "7"), |sign_in| sign_in.now = at(10)).await;
        let second = bench.sign_in_as(&person(GITHUB, "7"), |sign_in| sign_in.now = at(9)).await;
        assert_eq!(first.user.id, second.user.id);
        assert!(bench.is_live(&second, at(11)).await);
    }

    // Of two replicas each has a clock of its own.
    async fn d9_what_was_ended_stays_so_and_what_begins_counts_whatever_clocks_say(bench: &Bench) {
        let storage = &bench.storage;
        let clocks = [at(-HOUR), at(-50), at(0), at(50), at(HOUR)];
        let mut ended = Vec::new();
        for clock in clocks {
            for ending in 0..3 {
                let token = bench.sign_in_as(&person(GITHUB, "7"), |sign_in| sign_in.now = clock).await;
                let id = &token.user.id;
                match ending {
                    0 => drop(storage.revoke_all_sessions(id, at(0), &event()).await.unwrap()),
                    1 => drop(storage.revoke_everything(at(0)).await.unwrap()),
                    _ => {
                        assert!(storage.disable_user(id, at(0), &event()).await.unwrap());
                        assert!(!bench.is_live(&token, at(0)).await);
                        assert!(storage.enable_user(id, &event()).await.unwrap());
                    }
                }
                ended.push(token);
                for begun in clocks {
                    let fresh = bench.sign_in_as(&person(GITHUB, "7"), |sign_in| sign_in.now = begun).await;
                    assert!(bench.is_live(&fresh, at(0)).await, "{clock} {ending} {begun}");
                    ended.push(fresh);
                }
                storage.revoke_all_sessions(&ended[0].user.id, at(-2 * HOUR), &event()).await.unwrap();
                for token in &ended {
                    assert!(!bench.is_live(token, at(2 * HOUR)).await, "{clock} {ending}");
                }
                assert!(storage.list_sessions(&ended[0].user.id, at(0)).await.unwrap().is_empty());
            }
        }
    }

    async fn c7_no_session_begins_for_somebody_who_is_disabled(bench: &Bench) {
        let ada = bench.sign_in(&person(GITHUB, "7")).await;
        bench.storage.disable_user(&ada.user.id, at(0), &event()).await.unwrap();
        let outcome = try_sign_in(&bench.storage, &person(GITHUB, "7"), |_| {}).await;
        assert_eq!(outcome, SignInOutcome::Disabled);
        let alive = "SELECT count(*) AS n FROM sessions JOIN users ON users.id = sessions.user_id \
                     WHERE sessions.generation = users.generation";
        assert_eq!(count(bench.database.url(), alive).await, 0);
    }

    // It knows the moment alone.
    async fn d9_what_a_program_of_the_version_before_ends_is_over(bench: &Bench) {
        let signs_out = "UPDATE users SET tokens_valid_after = 1900000010000000";
        let disables = "UPDATE users SET disabled_at = 1900000020000000, tokens_valid_after = 1900000020000000";
        for statement in [signs_out, disables] {
            let ada = bench.sign_in_as(&person(GITHUB, "7"), |sign_in| sign_in.now = at(HOUR)).await;
            execute(bench.database.url(), statement).await;
            execute(bench.database.url(), "UPDATE users SET disabled_at = NULL").await;
            assert!(!bench.is_live(&ada, at(HOUR)).await, "{statement}");
        }
        let ada = bench.sign_in(&person(GITHUB, "7")).await;
        execute(bench.database.url(), "UPDATE users SET tokens_valid_after = 1900000020000000").await;
        assert!(bench.is_live(&ada, at(0)).await, "nothing was ended");
        bench.storage.revoke_all_sessions(&ada.user.id, at(HOUR), &event()).await.unwrap();
        let moment = format!("SELECT count(*) AS n FROM users WHERE tokens_valid_after = {}", at(HOUR).micros());
        assert_eq!(count(bench.database.url(), &moment).await, 1, "and it is told");
    }

    async fn a_use_is_noted_and_never_moves_back(bench: &Bench) {
        let ada = bench.sign_in(&person(GITHUB, "7")).await;
        bench.storage.touch_session(&ada.session.id, at(30)).await.unwrap();
        bench.storage.touch_session(&ada.session.id, at(20)).await.unwrap();
        let sessions = bench.storage.list_sessions(&ada.user.id, at(30)).await.unwrap();
        assert_eq!(sessions[0].last_seen_at, at(30));
        bench.storage.touch_session(&SessionId::random(&SystemRandom), at(40)).await.unwrap();
    }

    async fn the_list_holds_what_is_alive_the_latest_first(bench: &Bench) {
        let early = bench.sign_in(&person(GOOGLE, "7")).await;
        let late = bench.sign_in_as(&person(GOOGLE, "7"), |sign_in| sign_in.now = at(5)).await;
        let revoked = bench.sign_in(&person(GOOGLE, "7")).await;
        let short = bench.sign_in_as(&person(GOOGLE, "7"), |sign_in| sign_in.expires_at = at(8)).await;
        bench.sign_in(&person(GOOGLE, "8")).await;
        bench.storage.revoke_session(&revoked.user.id, &revoked.session.id, at(6), &event()).await.unwrap();
        let listed = bench.storage.list_sessions(&early.user.id, at(9)).await.unwrap();
        assert_eq!(listed, [late.session, early.session]);
        assert_ne!(short.session.id, revoked.session.id);
    }
}
