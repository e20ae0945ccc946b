//! Which tokens are alive, what they lend, and how they end.

use serde_json::json;
use vestibule_domain::{
    ApiToken, ApiTokenChanges, ApiTokenId, ApiTokenKind, LentLimits, Metadata, NarrowingError, Scopes,
    SecretDigest, SecureRandom, Services, SystemRandom, TokenName, UserId,
};
use vestibule_storage::{
    ApiTokenFilter, ApiTokenPlace, LiveApiToken, NewApiToken, NewSuccessor, TokenChange, TokenCreation,
    TokenRotation,
};

use crate::bench::{
    Bench, GITHUB, GOOGLE, HOUR, all_at_once, at, connect_without_providers, event, on_both_databases,
    person, verified,
};
use crate::consistency::count;
use crate::role_accounts::role_account;

fn digest() -> SecretDigest {
    let randomness: &dyn SecureRandom = &SystemRandom;
    SecretDigest::new(randomness.bytes())
}

pub(crate) fn personal_token(user: &UserId, name: &str) -> NewApiToken {
    let token = ApiToken {
        id: ApiTokenId::random(&SystemRandom),
        kind: ApiTokenKind::Personal,
        user_id: user.clone(),
        name: TokenName::parse(name).unwrap(),
        limits: LentLimits {
            services: Services::parse("storage wiki").unwrap(),
            scopes: Scopes::parse("read write").unwrap(),
        },
        metadata: Metadata::new(json!({"a": 1}).as_object().unwrap().clone()).unwrap(),
        hint: "abcd".into(),
        created_at: at(0),
        created_by: user.to_string(),
        expires_at: Some(at(24 * HOUR)),
        last_used_at: None,
        last_used_ip: None,
    };
    NewApiToken { digest: digest(), token, most: 50 }
}

pub(crate) fn role_token(user: &UserId, name: &str) -> NewApiToken {
    let new = personal_token(user, name);
    let token =
        ApiToken { kind: ApiTokenKind::Role, expires_at: None, created_by: "operator".into(), ..new.token };
    NewApiToken { token, ..new }
}

pub(crate) async fn create(bench: &Bench, new: &NewApiToken) -> ApiToken {
    assert_eq!(bench.storage.create_api_token(new, &event()).await.unwrap(), TokenCreation::Created);
    new.token.clone()
}

/// What a replica finds, which has nothing in memory.
pub(crate) async fn find(bench: &Bench, new: &NewApiToken, seconds: i64) -> Option<LiveApiToken> {
    bench.replica().find_live_api_token(&new.digest, at(seconds)).await.unwrap()
}

fn successor(seconds: i64, overlap: i64) -> NewSuccessor {
    NewSuccessor {
        id: ApiTokenId::random(&SystemRandom),
        digest: digest(),
        hint: "wxyz".into(),
        created_by: "operator".into(),
        created_at: at(seconds),
        expires_at: Some(at(seconds + 48 * HOUR)),
        predecessor_ends_at: at(seconds + overlap),
        most: 100,
    }
}

async fn rotate(bench: &Bench, token: &ApiToken, new: &NewSuccessor) -> TokenRotation {
    bench.storage.rotate_api_token(&token.user_id, &token.id, new, &event()).await.unwrap()
}

/// What is done beside others.
type Act = std::pin::Pin<Box<dyn Future<Output = ()> + Send>>;

on_both_databases! {
    async fn a_token_is_found_by_its_digest_with_its_user_until_its_end(bench: &Bench) {
        let ada = bench.sign_in(&verified(GITHUB, "7", "ada@example.org")).await;
        let new = personal_token(&ada.user.id, "laptop");
        create(bench, &new).await;
        let found = find(bench, &new, 24 * HOUR - 1).await.unwrap();
        assert_eq!((&found.token, &found.user, &found.owner), (&new.token, &ada.user, &None));
        assert_eq!(found.provider_id.as_deref(), Some("github:7"));
        assert!(find(bench, &new, 24 * HOUR).await.is_none());
        assert!(bench.storage.find_live_api_token(&digest(), at(0)).await.unwrap().is_none());
        assert_eq!(bench.storage.find_api_token(&new.token.id, at(0)).await.unwrap(), Some(new.token.clone()));
        let by_digest = bench.storage.find_api_tokens_by_digest(&[digest(), new.digest], at(0)).await.unwrap();
        assert_eq!(by_digest, [new.token]);
    }

    async fn a_person_counts_with_an_identity_of_a_trusted_provider_alone(bench: &Bench) {
        let ada = bench.sign_in(&person(GITHUB, "7")).await;
        let new = personal_token(&ada.user.id, "laptop");
        create(bench, &new).await;
        let without = connect_without_providers(&bench.database);
        assert!(without.find_live_api_token(&new.digest, at(0)).await.unwrap().is_none());
    }

    async fn h12_people_have_personal_tokens_and_role_accounts_tokens_of_their_own(bench: &Bench) {
        let ada = bench.sign_in(&person(GITHUB, "7")).await;
        let backup = role_account(bench, "backup", Some(&ada.user.id)).await;
        for wrong in [personal_token(&backup.user.id, "x"), role_token(&ada.user.id, "x")] {
            let outcome = bench.storage.create_api_token(&wrong, &event()).await.unwrap();
            assert_eq!(outcome, TokenCreation::UnknownUser);
        }
        let new = role_token(&backup.user.id, "nightly");
        create(bench, &new).await;
        let found = find(bench, &new, 9_999 * HOUR).await.unwrap();
        assert_eq!((found.owner, found.provider_id, found.user.email), (Some(ada.user.id), None, None));
    }

    async fn h9_the_tokens_of_a_user_are_bounded_also_when_they_are_made_at_once(bench: &Bench) {
        let ada = bench.sign_in(&person(GITHUB, "7")).await;
        let tasks = (0..8).map(|number| {
            let storage = bench.replica();
            let new = NewApiToken { most: 3, ..personal_token(&ada.user.id, &format!("t{number}")) };
            async move { storage.create_api_token(&new, &event()).await.unwrap() }
        });
        let outcomes = all_at_once(tasks.collect()).await;
        let made = outcomes.iter().filter(|outcome| **outcome == TokenCreation::Created).count();
        assert_eq!(made, 3, "{outcomes:?}");
        assert!(outcomes.iter().all(|outcome| *outcome != TokenCreation::UnknownUser));
        let other = bench.sign_in(&person(GITHUB, "8")).await;
        create(bench, &NewApiToken { most: 1, ..personal_token(&other.user.id, "x") }).await;
    }

    async fn l17_a_token_that_is_made_while_its_person_is_disabled_is_dead_for_good(bench: &Bench) {
        let ada = bench.sign_in(&person(GITHUB, "7")).await;
        for _ in 0..5 {
            let new: Vec<_> = (0..4).map(|number| personal_token(&ada.user.id, &format!("t{number}"))).collect();
            let makers = new.iter().cloned().map(|new| {
                let storage = bench.replica();
                let make: Act = Box::pin(async move {
                    storage.create_api_token(&new, &event()).await.unwrap();
                });
                make
            });
            let (storage, id) = (bench.replica(), ada.user.id.clone());
            let disable: Act = Box::pin(async move {
                assert!(storage.disable_user(&id, at(1), &event()).await.unwrap());
            });
            all_at_once(makers.chain([disable]).collect()).await;
            assert!(bench.storage.enable_user(&ada.user.id, &event()).await.unwrap());
            for new in &new {
                assert!(find(bench, new, 1).await.is_none());
            }
        }
        let alive = personal_token(&ada.user.id, "after");
        create(bench, &alive).await;
        assert!(find(bench, &alive, 1).await.is_some());
    }

    async fn h13_a_token_only_ever_lends_less(bench: &Bench) {
        let ada = bench.sign_in(&person(GITHUB, "7")).await;
        let new = personal_token(&ada.user.id, "laptop");
        let token = create(bench, &new).await;
        let change = async |changes: ApiTokenChanges| {
            bench.storage.change_api_token(&ada.user.id, &token.id, &changes, at(1), &event()).await.unwrap()
        };
        let narrower = ApiTokenChanges {
            name: TokenName::parse("desk").ok(),
            services: Services::parse("wiki").ok(),
            scopes: Scopes::parse("read").ok(),
            expires_at: Some(at(HOUR)),
            ..ApiTokenChanges::default()
        };
        let expected = token.changed(&narrower).unwrap();
        assert_eq!(change(narrower).await, TokenChange::Changed(Box::new(expected.clone())));
        assert_eq!(find(bench, &new, 1).await.unwrap().token, expected);
        for (wider, refused) in [
            (ApiTokenChanges { scopes: Scopes::parse("write").ok(), ..ApiTokenChanges::default() }, NarrowingError::Scopes),
            (ApiTokenChanges { services: Services::parse("*").ok(), ..ApiTokenChanges::default() }, NarrowingError::Services),
            (ApiTokenChanges { expires_at: Some(at(HOUR + 1)), ..ApiTokenChanges::default() }, NarrowingError::Life),
        ] {
            assert_eq!(change(wider).await, TokenChange::Refused(refused));
        }
        assert_eq!(find(bench, &new, 1).await.unwrap().token, expected);
        let eve = bench.sign_in(&person(GITHUB, "8")).await;
        let theirs = bench.storage.change_api_token(&eve.user.id, &token.id, &ApiTokenChanges::default(), at(1), &event()).await.unwrap();
        assert_eq!(theirs, TokenChange::Unknown);
    }

    async fn h13_two_that_narrow_at_once_both_count(bench: &Bench) {
        let ada = bench.sign_in(&person(GITHUB, "7")).await;
        let new = personal_token(&ada.user.id, "laptop");
        let token = create(bench, &new).await;
        let narrowings = [
            ApiTokenChanges { scopes: Scopes::parse("read").ok(), ..ApiTokenChanges::default() },
            ApiTokenChanges { services: Services::parse("wiki").ok(), ..ApiTokenChanges::default() },
            ApiTokenChanges { expires_at: Some(at(HOUR)), ..ApiTokenChanges::default() },
        ];
        let tasks = narrowings.into_iter().map(|changes| {
            let (storage, token) = (bench.replica(), token.clone());
            async move { storage.change_api_token(&token.user_id, &token.id, &changes, at(1), &event()).await.unwrap() }
        });
        let outcomes = all_at_once(tasks.collect()).await;
        assert!(outcomes.iter().all(|outcome| matches!(outcome, TokenChange::Changed(_))), "{outcomes:?}");
        let now = find(bench, &new, 1).await.unwrap().token;
        assert_eq!((now.limits.services.to_string(), now.limits.scopes.to_string()), ("wiki".into(), "read".into()));
        assert_eq!(now.expires_at, Some(at(HOUR)));
    }

    async fn h14_a_token_has_one_successor_however_many_ask_at_once(bench: &Bench) {
        let ada = bench.sign_in(&person(GITHUB, "7")).await;
        let new = personal_token(&ada.user.id, "laptop");
        let token = create(bench, &new).await;
        let tasks = (0..50).map(|_| {
            let (storage, token) = (bench.storage.clone(), token.clone());
            async move {
                storage.rotate_api_token(&token.user_id, &token.id, &successor(1, HOUR), &event()).await.unwrap()
            }
        });
        let outcomes = all_at_once(tasks.collect()).await;
        let winners: Vec<_> = outcomes.iter().filter(|outcome| **outcome != TokenRotation::AlreadyRotated).collect();
        assert!(matches!(winners[..], [TokenRotation::Rotated(_)]), "{winners:?}");
        let rows = count(bench.database.url(), "SELECT count(*) AS n FROM api_tokens").await;
        assert_eq!(rows, 2);
    }

    async fn h14_the_successor_lends_the_same_and_the_token_before_ends_soon(bench: &Bench) {
        let ada = bench.sign_in(&person(GITHUB, "7")).await;
        let new = personal_token(&ada.user.id, "laptop");
        let token = create(bench, &new).await;
        let next = successor(10, HOUR);
        let TokenRotation::Rotated(rotated) = rotate(bench, &token, &next).await else { panic!("it is rotated") };
        assert_eq!((&rotated.name, &rotated.limits, &rotated.metadata), (&token.name, &token.limits, &token.metadata));
        let found = bench.storage.find_live_api_token(&next.digest, at(47 * HOUR)).await.unwrap().unwrap();
        assert_eq!(found.token, *rotated);
        assert!(find(bench, &new, HOUR + 9).await.is_some());
        assert!(find(bench, &new, HOUR + 10).await.is_none(), "its overlap is over");
        assert_eq!(rotate(bench, &token, &successor(2 * HOUR, 0)).await, TokenRotation::AlreadyRotated);
    }

    async fn h14_no_overlap_goes_beyond_the_end(bench: &Bench) {
        let ada = bench.sign_in(&person(GITHUB, "7")).await;
        let new = personal_token(&ada.user.id, "laptop");
        let token = create(bench, &new).await;
        assert!(matches!(rotate(bench, &token, &successor(1, 99 * HOUR)).await, TokenRotation::Rotated(_)));
        assert!(find(bench, &new, 24 * HOUR - 1).await.is_some() && find(bench, &new, 24 * HOUR).await.is_none());
        let backup = role_account(bench, "backup", None).await;
        let endless = role_token(&backup.user.id, "nightly");
        let token = create(bench, &endless).await;
        assert!(matches!(rotate(bench, &token, &successor(1, HOUR)).await, TokenRotation::Rotated(_)));
        assert!(find(bench, &endless, HOUR).await.is_some() && find(bench, &endless, HOUR + 1).await.is_none());
    }

    async fn h14_what_is_revoked_expired_or_anothers_has_no_successor(bench: &Bench) {
        let ada = bench.sign_in(&person(GITHUB, "7")).await;
        let eve = bench.sign_in(&person(GITHUB, "8")).await;
        let token = create(bench, &personal_token(&ada.user.id, "laptop")).await;
        assert_eq!(rotate(bench, &token, &successor(24 * HOUR, 0)).await, TokenRotation::Unknown);
        let by_eve = bench.storage.rotate_api_token(&eve.user.id, &token.id, &successor(1, 0), &event()).await.unwrap();
        assert_eq!(by_eve, TokenRotation::Unknown);
        let full = NewSuccessor { most: 1, ..successor(1, 0) };
        assert_eq!(rotate(bench, &token, &full).await, TokenRotation::LimitReached);
        assert!(bench.storage.revoke_api_token(&ada.user.id, &token.id, at(1), &event()).await.unwrap());
        assert_eq!(rotate(bench, &token, &successor(2, 0)).await, TokenRotation::Unknown);
    }

    async fn h17_a_revoked_token_is_dead_everywhere(bench: &Bench) {
        let ada = bench.sign_in(&person(GITHUB, "7")).await;
        let eve = bench.sign_in(&person(GITHUB, "8")).await;
        let (one, other) = (personal_token(&ada.user.id, "one"), personal_token(&ada.user.id, "other"));
        let token = create(bench, &one).await;
        create(bench, &other).await;
        let revoke = async |user: &UserId| bench.storage.revoke_api_token(user, &token.id, at(1), &event()).await.unwrap();
        assert!(!revoke(&eve.user.id).await, "it is not theirs");
        assert!(find(bench, &one, 1).await.is_some());
        assert!(revoke(&ada.user.id).await && !revoke(&ada.user.id).await);
        assert!(find(bench, &one, 1).await.is_none() && find(bench, &other, 1).await.is_some());
    }

    async fn h17_all_tokens_of_a_user_end_and_no_session_does(bench: &Bench) {
        let ada = bench.sign_in(&person(GITHUB, "7")).await;
        let eve = bench.sign_in(&person(GITHUB, "8")).await;
        let mut tokens = Vec::new();
        for (user, name) in [(&ada, "one"), (&ada, "other"), (&eve, "hers")] {
            let new = personal_token(&user.user.id, name);
            create(bench, &new).await;
            tokens.push(new);
        }
        assert_eq!(bench.storage.revoke_all_api_tokens(&ada.user.id, at(1), &event()).await.unwrap(), 2);
        assert_eq!(bench.storage.revoke_all_api_tokens(&ada.user.id, at(1), &event()).await.unwrap(), 0);
        let alive = [find(bench, &tokens[0], 1).await, find(bench, &tokens[1], 1).await, find(bench, &tokens[2], 1).await];
        assert_eq!(alive.map(|found| found.is_some()), [false, false, true]);
        assert!(bench.is_live(&ada, at(1)).await);
        bench.storage.revoke_all_sessions(&eve.user.id, at(1), &event()).await.unwrap();
        assert!(find(bench, &tokens[2], 1).await.is_some(), "signing out everywhere ends no token");
    }

    async fn a_use_is_noted_and_never_moves_back(bench: &Bench) {
        let ada = bench.sign_in(&person(GOOGLE, "7")).await;
        let token = create(bench, &personal_token(&ada.user.id, "laptop")).await;
        for (seconds, ip) in [(30, Some("192.0.2.1")), (20, Some("192.0.2.2"))] {
            bench.storage.touch_api_token(&token.id, ip, at(seconds)).await.unwrap();
        }
        let found = bench.storage.find_api_token(&token.id, at(40)).await.unwrap().unwrap();
        assert_eq!((found.last_used_at, found.last_used_ip.as_deref()), (Some(at(30)), Some("192.0.2.1")));
    }

    async fn the_list_holds_what_is_alive_page_by_page_the_latest_first(bench: &Bench) {
        let ada = bench.sign_in(&person(GITHUB, "7")).await;
        let backup = role_account(bench, "backup", Some(&ada.user.id)).await;
        let mut made = Vec::new();
        for number in 0..5 {
            let mut new = personal_token(&ada.user.id, &format!("t{number}"));
            new.token.created_at = at(number / 2);
            made.push(create(bench, &new).await);
        }
        let mut role = role_token(&backup.user.id, "nightly");
        role.token.created_by = ada.user.id.to_string();
        let role = create(bench, &role).await;
        bench.storage.revoke_api_token(&ada.user.id, &made[0].id, at(3), &event()).await.unwrap();
        made.remove(0);
        made.sort_by(|a, b| b.created_at.cmp(&a.created_at).then(a.id.cmp(&b.id)));
        let of_ada = ApiTokenFilter { user: Some(ada.user.id.clone()), ..ApiTokenFilter::default() };
        let (mut listed, mut after): (Vec<ApiToken>, Option<ApiTokenPlace>) = (Vec::new(), None);
        loop {
            let page = bench.storage.list_api_tokens(&of_ada, after.as_ref(), 3, at(3)).await.unwrap();
            let Some(last) = page.last() else { break };
            after = Some(ApiTokenPlace { created_at: last.created_at, id: last.id.clone() });
            listed.extend(page);
        }
        assert_eq!(listed, made);
        let by_ada = ApiTokenFilter {
            kind: Some(ApiTokenKind::Role),
            created_by: Some(ada.user.id.clone()),
            user: None,
        };
        assert_eq!(bench.storage.list_api_tokens(&by_ada, None, 9, at(3)).await.unwrap(), [role]);
    }
}
