//! Sessions that a browser holds by a cookie: how they begin, go on, replace each other and end.

use std::time::Duration;

use vestibule_domain::{
    Actor, AuditEvent, AuditName, SecretDigest, SessionKind, SessionLimits, UpstreamProfile,
};
use vestibule_storage::{AuditFilter, BrowserCookies, LiveSession, RecordedEvent, Storage};

use crate::bench::{
    Bench, GITHUB, GOOGLE, HOUR, SignedIn, all_at_once, at, event, on_both_databases, person, signed_in,
    try_sign_in,
};
use crate::consistency::count;

/// The digest of the cookie with this number.
fn cookie(number: u8) -> SecretDigest {
    SecretDigest::new([number; 32])
}

/// Signs in in a browser that has one cookie, perhaps, and gets another.
async fn sign_in(
    storage: &Storage,
    profile: &UpstreamProfile,
    (old, new): (Option<u8>, u8),
    seconds: i64,
) -> SignedIn {
    let browser = BrowserCookies { new: cookie(new), old: old.map(cookie) };
    let outcome = try_sign_in(storage, profile, |sign_in| {
        (sign_in.now, sign_in.expires_at) = (at(seconds), at(seconds + 24 * HOUR));
        sign_in.browser = Some(browser);
    });
    signed_in(outcome.await)
}

async fn find(bench: &Bench, number: u8, seconds: i64) -> Option<LiveSession> {
    bench.storage.find_live_session_by_cookie(&cookie(number), at(seconds)).await.unwrap()
}

async fn events(bench: &Bench) -> Vec<RecordedEvent> {
    bench.storage.list_audit_events(AuditFilter::default(), None, 1_000).await.unwrap()
}

async fn names_of_events(bench: &Bench) -> Vec<AuditName> {
    events(bench).await.into_iter().filter_map(|recorded| recorded.event.parse().ok()).collect()
}

on_both_databases! {
    async fn g1_signing_in_again_keeps_the_session_and_ends_the_old_cookie(bench: &Bench) {
        let first = sign_in(&bench.storage, &person(GITHUB, "7"), (None, 1), 0).await;
        assert_eq!(first.session.kind, SessionKind::Browser);
        let live = find(bench, 1, 0).await.unwrap();
        assert_eq!((live.session, live.user), (first.session.clone(), first.user.clone()));

        let profile = UpstreamProfile { auth_time: Some(at(90)), ..person(GITHUB, "7") };
        let again = sign_in(&bench.storage, &profile, (Some(1), 2), 100).await;
        assert_eq!(again.session.id, first.session.id, "its sid stays");
        assert!(find(bench, 1, 100).await.is_none(), "the old cookie is dead");
        let session = find(bench, 2, 100).await.unwrap().session;
        assert_eq!(session, again.session);
        assert_eq!((session.created_at, session.signed_in_at, session.auth_time), (at(0), at(100), at(90)));
        assert_eq!(session.expires_at, at(100 + 24 * HOUR));
        assert_eq!(count(bench.database.url(), "SELECT count(*) AS n FROM sessions").await, 1);
    }

    async fn g1_another_user_in_the_same_browser_ends_the_session_of_the_first(bench: &Bench) {
        let ada = sign_in(&bench.storage, &person(GITHUB, "7"), (None, 1), 0).await;
        let elsewhere = sign_in(&bench.storage, &person(GITHUB, "7"), (None, 9), 0).await;
        let eve = sign_in(&bench.storage, &person(GITHUB, "8"), (Some(1), 2), 1).await;
        assert_ne!(ada.session.id, eve.session.id);
        assert!(find(bench, 1, 1).await.is_none());
        assert!(!bench.is_live(&ada, at(1)).await);
        assert_eq!(find(bench, 2, 1).await.unwrap().user.id, eve.user.id);
        assert!(bench.is_live(&elsewhere, at(1)).await, "in another browser Ada is still signed in");
        let replaced = events(bench).await.into_iter().find(|event| event.event == "session.replaced").unwrap();
        assert_eq!(replaced.actor, eve.user.id.as_str());
        assert_eq!(replaced.user_id.as_deref(), Some(ada.user.id.as_str()));
        assert_eq!(replaced.session_id.as_deref(), Some(ada.session.id.as_str()));
    }

    async fn g1_a_dead_or_unknown_cookie_begins_a_session_of_its_own(bench: &Bench) {
        let first = sign_in(&bench.storage, &person(GITHUB, "7"), (None, 1), 0).await;
        bench.storage.revoke_session(&first.user.id, &first.session.id, at(1), &event()).await.unwrap();
        for (old, new) in [(1, 2), (77, 3)] {
            let again = sign_in(&bench.storage, &person(GITHUB, "7"), (Some(old), new), 2).await;
            assert_ne!(again.session.id, first.session.id);
            assert!(find(bench, old, 2).await.is_none());
            assert!(find(bench, new, 2).await.is_some());
        }
        assert!(!bench.is_live(&first, at(2)).await, "signing in revives nothing");
    }

    async fn g1_of_tabs_that_sign_in_at_once_one_keeps_the_session_and_no_cookie_is_shared(bench: &Bench) {
        let first = sign_in(&bench.storage, &person(GITHUB, "7"), (None, 1), 0).await;
        let tabs: Vec<_> = (2..10_u8).map(|new| {
            let storage = if new % 2 == 0 { bench.storage.clone() } else { bench.replica() };
            async move { sign_in(&storage, &person(GITHUB, "7"), (Some(1), new), 1).await }
        }).collect();
        let all = all_at_once(tabs).await;
        let kept = all.iter().filter(|tab| tab.session.id == first.session.id).count();
        assert_eq!(kept, 1);
        assert!(find(bench, 1, 1).await.is_none());
        for new in 2..10 {
            assert!(find(bench, new, 1).await.is_some(), "{new}: every tab is signed in with the cookie that it got");
        }
        let shared = "SELECT count(*) AS n FROM session_cookies";
        assert_eq!(count(bench.database.url(), shared).await, 8);
    }

    async fn g4_a_browser_session_ends_unused_and_by_age_also_when_the_settings_are_lowered(bench: &Bench) {
        let ada = sign_in(&bench.storage, &person(GITHUB, "7"), (None, 1), 0).await;
        let limits = |idle, max_age| {
            let limits = SessionLimits { idle: Duration::from_secs(idle), max_age: Duration::from_secs(max_age) };
            bench.storage.with_session_limits(limits)
        };
        let alive = async |storage: &Storage, seconds| {
            let by_cookie = storage.find_live_session_by_cookie(&cookie(1), at(seconds)).await.unwrap().is_some();
            let by_id = storage.find_live_session(&ada.session.id, &ada.user.id, at(seconds)).await.unwrap().is_some();
            let listed = storage.list_sessions(&ada.user.id, at(seconds)).await.unwrap().len() == 1;
            assert_eq!([by_id, listed], [by_cookie; 2]);
            by_cookie
        };
        let idle = limits(600, 9_000);
        assert!(alive(&idle, 599).await && !alive(&idle, 600).await);
        idle.touch_session(&ada.session.id, at(599)).await.unwrap();
        assert!(alive(&idle, 1_198).await && !alive(&idle, 1_199).await);
        let age = limits(9_000, 700);
        assert!(alive(&age, 699).await && !alive(&age, 700).await, "however much it is used");
        let again = sign_in(&idle, &person(GITHUB, "7"), (Some(1), 2), 1_200).await;
        assert_ne!(again.session.id, ada.session.id, "what ended by itself is not taken up again");
    }

    async fn g4_what_the_provider_states_moves_no_age_and_lies_in_no_future(bench: &Bench) {
        for (number, stated) in [(1, -40 * 24 * HOUR), (2, 24 * HOUR)] {
            let subject = number.to_string();
            let profile = UpstreamProfile { auth_time: Some(at(stated)), ..person(GITHUB, &subject) };
            let session = sign_in(&bench.storage, &profile, (None, number), 0).await.session;
            assert_eq!((session.signed_in_at, session.auth_time), (at(0), at(stated.min(0))));
            assert!(find(bench, number, 1).await.is_some());
        }
    }

    async fn one_browser_too_many_ends_the_session_that_was_unused_longest(bench: &Bench) {
        let profile = person(GITHUB, "7");
        for number in 0..100 {
            sign_in(&bench.storage, &profile, (None, number), i64::from(number)).await;
        }
        bench.storage.touch_session(&find(bench, 0, 100).await.unwrap().session.id, at(100)).await.unwrap();
        let token = signed_in(try_sign_in(&bench.storage, &profile, |_| {}).await);
        sign_in(&bench.storage, &profile, (None, 200), 101).await;
        assert!(find(bench, 1, 101).await.is_none(), "the one that was unused longest");
        assert!(find(bench, 0, 101).await.is_some() && find(bench, 2, 101).await.is_some());
        assert!(bench.is_live(&token, at(101)).await, "sessions of user tokens are not counted");
        assert_eq!(names_of_events(bench).await.iter().filter(|name| **name == AuditName::SessionEnded).count(), 1);
    }

    async fn l17_a_disabled_persons_browser_is_signed_out_for_good(bench: &Bench) {
        let ada = sign_in(&bench.storage, &person(GOOGLE, "1"), (None, 1), 0).await;
        let disabled = AuditEvent::new(AuditName::UserDisabled, Actor::Operator, at(1));
        assert!(bench.storage.disable_user(&ada.user.id, at(1), &disabled).await.unwrap());
        assert!(find(bench, 1, 1).await.is_none());
        assert!(bench.storage.enable_user(&ada.user.id, &event()).await.unwrap());
        assert!(find(bench, 1, 2).await.is_none());
        let counters = "SELECT count(*) AS n FROM users WHERE generation = 1 AND token_generation = 1";
        assert_eq!(count(bench.database.url(), counters).await, 1);
    }

    async fn l12_a_restored_database_ends_sessions_and_tokens_of_all(bench: &Bench) {
        sign_in(&bench.storage, &person(GOOGLE, "1"), (None, 1), 0).await;
        assert_eq!(bench.storage.revoke_everything(at(1)).await.unwrap(), 1);
        assert!(find(bench, 1, 1).await.is_none());
        let counters = "SELECT count(*) AS n FROM users WHERE generation = 1 AND token_generation = 1";
        assert_eq!(count(bench.database.url(), counters).await, 1);
    }

    async fn h1_no_cookie_is_in_the_database(bench: &Bench) {
        sign_in(&bench.storage, &person(GOOGLE, "1"), (None, 1), 0).await;
        let digests = format!("SELECT count(*) AS n FROM session_cookies WHERE hash = '{}'", "01".repeat(32));
        assert_eq!(count(bench.database.url(), &digests).await, 1);
    }
}
