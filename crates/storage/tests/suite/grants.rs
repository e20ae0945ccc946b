//! Grants: how they are made, found, made smaller and ended.

use vestibule_domain::{
    Actor, AuditEvent, AuditName, Grant, GrantId, LentLimits, Scopes, SecretDigest, Services, SystemRandom,
    Timestamp, TokenName,
};
use vestibule_storage::{
    AccessToken, AuditFilter, DeletedRows, LiveAccessToken, Narrowed, NewGrant, NewPair, RevocationReason,
    Storage,
};

use crate::bench::{Bench, GITHUB, HOUR, SignedIn, all_at_once, at, event, on_both_databases, person};
use crate::consistency::{count, execute};

pub(crate) const DAY: i64 = 24 * HOUR;

/// What is stored of the secret with this number.
pub(crate) fn digest(number: u8) -> SecretDigest {
    SecretDigest::new([number; 32])
}

pub(crate) fn limits(services: &str, scopes: &str) -> LentLimits {
    LentLimits { services: Services::parse(services).unwrap(), scopes: Scopes::parse(scopes).unwrap() }
}

/// An access token for an hour and a refresh token for 30 days, by two numbers.
pub(crate) fn pair(access: u8, refresh: u8, seconds: i64) -> NewPair {
    let limits = limits("*", "openid profile email permissions");
    let access = AccessToken {
        digest: digest(access),
        limits,
        created_at: at(seconds),
        expires_at: at(seconds + HOUR),
    };
    NewPair { access, refresh: digest(refresh), refresh_expires_at: at(seconds + 30 * DAY) }
}

/// A grant that this sign-in makes, whole and lasting.
pub(crate) fn new_grant(by: &SignedIn, pair: NewPair, seconds: i64) -> NewGrant {
    let grant = Grant {
        id: GrantId::random(&SystemRandom),
        user_id: by.user.id.clone(),
        session_id: None,
        client_name: TokenName::parse("Phone").unwrap(),
        limits: limits("*", "openid profile email permissions"),
        provider_id: by.session.provider_id.clone(),
        auth_time: by.session.auth_time,
        created_at: at(seconds),
        last_used_at: at(seconds),
        expires_at: at(seconds + 365 * DAY),
        user_agent: Some("Phone/1".to_owned()),
        ip: Some("192.0.2.1".to_owned()),
    };
    NewGrant { grant, made_in: by.session.id.clone(), pair }
}

/// Makes a grant with the tokens 1 (access) and 101 (refresh).
pub(crate) async fn granted(bench: &Bench) -> (SignedIn, Grant) {
    let ada = bench.sign_in(&person(GITHUB, "7")).await;
    let new = new_grant(&ada, pair(1, 101, 0), 0);
    assert!(bench.storage.create_grant(new.clone(), &event()).await.unwrap());
    (ada, new.grant)
}

pub(crate) async fn access(storage: &Storage, number: u8, seconds: i64) -> Option<LiveAccessToken> {
    storage.find_access_token(&digest(number), at(seconds)).await.unwrap()
}

async fn refreshable(bench: &Bench, number: u8, now: Timestamp) -> bool {
    bench.storage.find_refresh_token(&digest(number), now).await.unwrap().is_some()
}

pub(crate) async fn names_of_events(bench: &Bench) -> Vec<String> {
    let events = bench.storage.list_audit_events(AuditFilter::default(), None, 1_000).await.unwrap();
    events.into_iter().map(|recorded| recorded.event).collect()
}

on_both_databases! {
    async fn a_grant_is_found_by_its_tokens_with_its_user(bench: &Bench) {
        let (ada, grant) = granted(bench).await;
        let found = access(&bench.storage, 1, 10).await.unwrap();
        assert_eq!((&found.live.grant, &found.live.user, &found.live.session), (&grant, &ada.user, &None));
        assert_eq!((found.token.digest, found.token.expires_at), (digest(1), at(HOUR)));
        let refresh = bench.storage.find_refresh_token(&digest(101), at(10)).await.unwrap().unwrap();
        assert_eq!((refresh.generation, refresh.live.grant), (0, grant.clone()));
        assert_eq!(bench.storage.find_grant_of_refresh_token(&digest(101)).await.unwrap(), Some((grant.user_id.clone(), grant.id.clone())));
        assert_eq!(bench.storage.list_grants(Some(&ada.user.id), None, 100, at(10)).await.unwrap().grants, [grant]);
    }

    async fn h2_a_token_is_found_as_what_it_is_alone(bench: &Bench) {
        granted(bench).await;
        assert!(access(&bench.storage, 101, 1).await.is_none(), "a refresh token is no access token");
        assert!(!refreshable(bench, 1, at(1)).await, "an access token is no refresh token");
        assert_eq!(bench.storage.find_grant_of_refresh_token(&digest(1)).await.unwrap(), None);
        assert!(!bench.storage.revoke_access_token(&digest(101), at(1)).await.unwrap());
    }

    async fn h1_no_token_is_in_the_database(bench: &Bench) {
        granted(bench).await;
        let stored = format!(
            "SELECT (SELECT count(*) FROM access_tokens WHERE hash = '{}') \
             + (SELECT count(*) FROM refresh_tokens WHERE hash = '{}') AS n",
            "01".repeat(32), "65".repeat(32),
        );
        assert_eq!(count(bench.database.url(), &stored).await, 2);
    }

    async fn tokens_end_with_their_time_and_a_grant_with_its_own(bench: &Bench) {
        let (ada, grant) = granted(bench).await;
        assert!(access(&bench.storage, 1, HOUR - 1).await.is_some());
        assert!(access(&bench.storage, 1, HOUR).await.is_none());
        assert!(refreshable(bench, 101, at(30 * DAY - 1)).await && !refreshable(bench, 101, at(30 * DAY)).await);
        execute(bench.database.url(), &format!("UPDATE grants SET expires_at = {}", at(60).micros())).await;
        assert!(access(&bench.storage, 1, 59).await.is_some() && access(&bench.storage, 1, 60).await.is_none());
        assert!(!refreshable(bench, 101, at(60)).await);
        assert_eq!(bench.storage.find_grant(&ada.user.id, &grant.id, at(60)).await.unwrap(), None);
    }

    async fn h19_a_grant_that_hangs_on_a_session_ends_with_it(bench: &Bench) {
        let ada = bench.sign_in(&person(GITHUB, "7")).await;
        let mut bound = new_grant(&ada, pair(1, 101, 0), 0);
        bound.grant.session_id = Some(ada.session.id.clone());
        let lasting = new_grant(&ada, pair(2, 102, 0), 0);
        for new in [&bound, &lasting] {
            assert!(bench.storage.create_grant(new.clone(), &event()).await.unwrap());
        }
        assert_eq!(access(&bench.storage, 1, 1).await.unwrap().live.session, Some(ada.session.clone()));
        assert!(bench.storage.revoke_session(&ada.user.id, &ada.session.id, at(2), &event()).await.unwrap());
        assert!(access(&bench.storage, 1, 2).await.is_none() && !refreshable(bench, 101, at(2)).await);
        assert!(access(&bench.storage, 2, 2).await.is_some() && refreshable(bench, 102, at(2)).await);
        assert_eq!(bench.storage.list_grants(Some(&ada.user.id), None, 100, at(2)).await.unwrap().grants, [lasting.grant]);
        let late = new_grant(&ada, pair(3, 103, 2), 2);
        assert!(!bench.storage.create_grant(late, &event()).await.unwrap(), "a session that has ended makes nothing");
    }

    async fn signing_out_everywhere_ends_every_grant(bench: &Bench) {
        let (ada, _) = granted(bench).await;
        bench.storage.revoke_all_sessions(&ada.user.id, at(1), &event()).await.unwrap();
        assert!(access(&bench.storage, 1, 1).await.is_none() && !refreshable(bench, 101, at(1)).await);
        assert_eq!(bench.storage.list_grants(Some(&ada.user.id), None, 100, at(1)).await.unwrap().grants, []);
    }

    async fn l17_a_grant_of_a_disabled_person_is_dead_for_good(bench: &Bench) {
        let (ada, _) = granted(bench).await;
        let disabled = AuditEvent::new(AuditName::UserDisabled, Actor::Operator, at(1));
        assert!(bench.storage.disable_user(&ada.user.id, at(1), &disabled).await.unwrap());
        assert!(access(&bench.storage, 1, 1).await.is_none());
        assert!(bench.storage.enable_user(&ada.user.id, &event()).await.unwrap());
        assert!(access(&bench.storage, 1, 2).await.is_none() && !refreshable(bench, 101, at(2)).await);
    }

    async fn l17_a_grant_made_while_everything_ends_is_dead_or_was_not_made(bench: &Bench) {
        for round in 0..8_u8 {
            let ada = bench.sign_in(&person(GITHUB, &round.to_string())).await;
            let new = new_grant(&ada, pair(round, 100 + round, 0), 0);
            let (making, ending) = (bench.storage.clone(), bench.replica());
            let (user, disabled) = (ada.user.id.clone(), event());
            let tasks: Vec<std::pin::Pin<Box<dyn Future<Output = bool> + Send>>> = vec![
                Box::pin(async move { making.create_grant(new, &event()).await.unwrap() }),
                Box::pin(async move { ending.disable_user(&user, at(1), &disabled).await.unwrap() }),
            ];
            all_at_once(tasks).await;
            assert!(bench.storage.enable_user(&ada.user.id, &event()).await.unwrap());
            assert!(access(&bench.storage, round, 2).await.is_none(), "round {round}");
            assert!(!refreshable(bench, 100 + round, at(2)).await, "round {round}");
        }
    }

    async fn a_grant_counts_only_while_its_identity_does(bench: &Bench) {
        granted(bench).await;
        execute(bench.database.url(), "UPDATE identities SET subject = 'other'").await;
        assert!(access(&bench.storage, 1, 1).await.is_none() && !refreshable(bench, 101, at(1)).await);
        execute(bench.database.url(), "UPDATE identities SET subject = '7'").await;
        let without = bench.storage.with_providers(vestibule_domain::ConfiguredProviders::default());
        assert!(access(&without, 1, 1).await.is_none() && access(&bench.storage, 1, 1).await.is_some());
    }

    async fn h7_ending_a_grant_ends_its_tokens_and_those_of_no_other(bench: &Bench) {
        let (ada, grant) = granted(bench).await;
        let other = new_grant(&ada, pair(2, 102, 0), 0);
        assert!(bench.storage.create_grant(other, &event()).await.unwrap());
        let eve = bench.sign_in(&person(GITHUB, "8")).await;
        let because = RevocationReason::Revoked;
        let revoke = async |user| bench.storage.revoke_grant((user, &grant.id), because, at(1), &event()).await.unwrap();
        assert!(!revoke(&eve.user.id).await, "it is another person's");
        assert!(revoke(&ada.user.id).await && !revoke(&ada.user.id).await);
        assert!(access(&bench.storage, 1, 1).await.is_none() && !refreshable(bench, 101, at(1)).await);
        assert!(access(&bench.storage, 2, 1).await.is_some() && refreshable(bench, 102, at(1)).await);
    }

    async fn h7_one_access_token_ends_alone(bench: &Bench) {
        granted(bench).await;
        assert!(bench.storage.revoke_access_token(&digest(1), at(1)).await.unwrap());
        assert!(!bench.storage.revoke_access_token(&digest(1), at(2)).await.unwrap());
        assert!(access(&bench.storage, 1, 2).await.is_none() && refreshable(bench, 101, at(2)).await);
    }

    async fn h13_a_grant_becomes_smaller_and_its_tokens_at_once(bench: &Bench) {
        let (ada, grant) = granted(bench).await;
        let narrow = async |user, services: Option<&str>, scopes: Option<&str>| {
            let services = services.map(|text| Services::parse(text).unwrap());
            let scopes = scopes.map(|text| Scopes::parse(text).unwrap());
            bench.storage.narrow_grant((user, &grant.id), (services, scopes), at(1), &event()).await.unwrap()
        };
        let Narrowed::Done(narrowed) = narrow(&ada.user.id, Some("wiki"), None).await else { panic!("less is allowed") };
        assert_eq!(narrowed.limits, limits("wiki", "openid profile email permissions"));
        let found = access(&bench.storage, 1, 1).await.unwrap();
        assert_eq!(found.limits(), narrowed.limits);
        for (services, scopes) in [(Some("*"), None), (Some("storage"), None), (None, Some("write"))] {
            assert!(matches!(narrow(&ada.user.id, services, scopes).await, Narrowed::Wider(_)));
        }
        let eve = bench.sign_in(&person(GITHUB, "8")).await;
        assert_eq!(narrow(&eve.user.id, Some(""), None).await, Narrowed::NotFound);
    }

    async fn h13_of_two_who_narrow_at_once_both_count(bench: &Bench) {
        let (ada, grant) = granted(bench).await;
        let tasks: Vec<_> = [(Some("wiki"), None), (None, Some("profile"))].into_iter().map(|(services, scopes)| {
            let (storage, user, id) = (bench.replica(), ada.user.id.clone(), grant.id.clone());
            let services = services.map(|text| Services::parse(text).unwrap());
            let scopes = scopes.map(|text| Scopes::parse(text).unwrap());
            async move { storage.narrow_grant((&user, &id), (services, scopes), at(1), &event()).await.unwrap() }
        }).collect();
        assert!(all_at_once(tasks).await.iter().all(|narrowed| matches!(narrowed, Narrowed::Done(_))));
        let left = bench.storage.find_grant(&ada.user.id, &grant.id, at(1)).await.unwrap().unwrap();
        assert_eq!(left.limits, limits("wiki", "profile"));
    }

    async fn one_grant_too_many_ends_the_one_that_was_unused_longest(bench: &Bench) {
        let ada = bench.sign_in(&person(GITHUB, "7")).await;
        for number in 0..50 {
            let new = new_grant(&ada, pair(number, 100 + number, i64::from(number)), i64::from(number));
            assert!(bench.storage.create_grant(new, &event()).await.unwrap());
        }
        execute(bench.database.url(), &format!(
            "UPDATE grants SET last_used_at = {} WHERE created_at = {}", at(90).micros(), at(0).micros(),
        )).await;
        let tasks: Vec<_> = (50..53).map(|number| {
            let (storage, new) = (bench.replica(), new_grant(&ada, pair(number, 100 + number, 100), 100));
            async move { storage.create_grant(new, &event()).await.unwrap() }
        }).collect();
        assert_eq!(all_at_once(tasks).await, [true; 3]);
        assert_eq!(bench.storage.list_grants(Some(&ada.user.id), None, 100, at(100)).await.unwrap().grants.len(), 50);
        assert!(refreshable(bench, 100, at(100)).await, "used a moment ago");
        for ended in 101..104 {
            assert!(!refreshable(bench, ended, at(100)).await, "{ended}");
        }
        let ended = names_of_events(bench).await.iter().filter(|name| *name == "grant.revoked").count();
        assert_eq!(ended, 3);
    }

    async fn l15_what_was_lent_and_has_ended_is_deleted_in_batches(bench: &Bench) {
        let ada = bench.sign_in(&person(GITHUB, "7")).await;
        for number in 0..7 {
            let mut new = new_grant(&ada, pair(number, 100 + number, 0), 0);
            if number < 5 {
                new.grant.expires_at = at(HOUR);
            }
            assert!(bench.storage.create_grant(new.clone(), &event()).await.unwrap());
            if number == 5 {
                let because = RevocationReason::Revoked;
                let of_ada = (&ada.user.id, &new.grant.id);
                assert!(bench.storage.revoke_grant(of_ada, because, at(HOUR), &event()).await.unwrap());
            }
        }
        let tokens = "SELECT (SELECT count(*) FROM refresh_tokens) + (SELECT count(*) FROM access_tokens) AS n";
        let deleted = bench.storage.delete_expired(at(DAY), 2).await.unwrap();
        assert_eq!(deleted, DeletedRows::default(), "all of it may still be asked about");
        let deleted = bench.storage.delete_expired(at(DAY + HOUR + 1), 2).await.unwrap();
        assert_eq!(deleted.grants, 6);
        assert_eq!(count(bench.database.url(), tokens).await, 1, "the refresh token of the grant that lives");
    }

    async fn grants_go_with_their_user(bench: &Bench) {
        let (ada, _) = granted(bench).await;
        assert!(bench.storage.delete_user(&ada.user.id, &event()).await.unwrap());
        let rows = "SELECT (SELECT count(*) FROM grants) + (SELECT count(*) FROM refresh_tokens) \
                    + (SELECT count(*) FROM access_tokens) AS n";
        assert_eq!(count(bench.database.url(), rows).await, 0);
    }
}
