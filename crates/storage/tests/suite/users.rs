//! Users are found, changed, disabled and deleted.

use std::slice;

use serde_json::{Value, json};
use vestibule_domain::{
    AccountLinking, Attributes, EmailAddress, PatchError, SystemRandom, User, UserId, UserPatch,
};

use crate::bench::{GITHUB, GOOGLE, all_at_once, at, event, on_both_databases, person, verified};

fn patch(members: &Value) -> UserPatch {
    let (patch, refused) = UserPatch::from_merge_patch(members.as_object().unwrap().clone());
    assert_eq!(refused, []);
    patch
}

on_both_databases! {
    async fn the_list_of_users_goes_on_where_it_stopped(bench: &Bench) {
        let mut ids = Vec::new();
        for number in 0..5 {
            ids.push(bench.sign_in(&person(GOOGLE, &number.to_string())).await.user.id);
        }
        ids.sort();
        let mut listed = Vec::new();
        while let Some(page) = {
            let page = bench.storage.list_users(listed.last(), 2).await.unwrap();
            (!page.is_empty()).then_some(page)
        } {
            assert!(page.len() <= 2);
            listed.extend(page.into_iter().map(|user| user.id));
        }
        assert_eq!(listed, ids);
        assert!(bench.storage.list_users(None, 0).await.unwrap().is_empty());
    }

    async fn the_identities_of_a_user_are_listed_the_last_used_first(bench: &Bench) {
        let ada = bench.sign_in(&verified(GOOGLE, "g", "ada@example.org")).await.user;
        bench.sign_in_as(&verified(GITHUB, "7", "ada@example.org"), |sign_in| sign_in.now = at(5)).await;
        let identities = bench.storage.list_identities(&ada.id).await.unwrap();
        let found: Vec<_> = identities.iter().map(|one| (one.issuer.as_str(), one.subject.as_str())).collect();
        assert_eq!(found, [(GITHUB, "7"), (GOOGLE, "g")]);
        assert_eq!(identities[0].login.as_deref(), Some("login-7"));
        assert!(identities[0].email_verified);
        assert_eq!(identities[0].last_used_at, at(5));
        let nobody = UserId::random(&SystemRandom);
        assert!(bench.storage.list_identities(&nobody).await.unwrap().is_empty());
        assert!(bench.storage.find_user(&nobody).await.unwrap().is_none());
    }

    async fn the_users_of_an_address_are_those_for_whom_it_is_verified(bench: &Bench) {
        let address = |text: &str| EmailAddress::parse(text).unwrap();
        let holders = async |text: &str| {
            let users = bench.storage.find_users_by_email(&address(text)).await.unwrap();
            users.into_iter().map(|user| user.id).collect::<Vec<_>>()
        };
        assert_eq!(holders("ada@example.org").await, []);
        let ada = bench.sign_in(&verified(GOOGLE, "g", "Ada@Example.org")).await.user;
        bench.sign_in(&verified(GITHUB, "7", "ada@example.org")).await;
        assert_eq!(holders("ADA@example.org").await, slice::from_ref(&ada.id), "one user, in any letter case");
        bench.storage.disable_user(&ada.id, at(9), &event()).await.unwrap();
        assert_eq!(holders("ada@example.org").await, slice::from_ref(&ada.id));
        let other = verified(GOOGLE, "h", "ada@example.org");
        let other = bench.sign_in_as(&other, |it| it.linking = AccountLinking::Explicit).await.user;
        let mut both = [ada.id, other.id];
        both.sort();
        assert_eq!(holders("ada@example.org").await, both);
        assert_eq!(holders("%@example.org").await, []);
    }

    async fn what_extensions_change_is_kept_and_can_be_removed(bench: &Bench) {
        let ada = bench.sign_in(&person(GOOGLE, "1")).await.user;
        let odd = "\u{0}\u{1f600} \"'; DROP TABLE users; --";
        let change = patch(&json!({
            "name": "Countess of Lovelace", "avatar_url": "https://a.example/x.png",
            "attributes": {"team": "core", "odd": odd, "deep": {"n": [1, 2.5]}},
        }));
        let changed = bench.storage.patch_user(&ada.id, vec![change.clone()]).await.unwrap().unwrap();
        assert_eq!((&bench.user(&ada.id).await, changed.refused.as_slice()), (&changed.user, &[][..]));
        assert_eq!(changed.user.name.as_ref().unwrap().as_str(), "Countess of Lovelace");
        assert_eq!(changed.user.attributes.as_object()["odd"], odd);
        assert_eq!(User { name: ada.name.clone(), avatar_url: ada.avatar_url.clone(), ..changed.user.clone() },
            User { attributes: changed.user.attributes.clone(), ..ada.clone() });

        let nothing = patch(&json!({"name": null, "avatar_url": null, "attributes": null}));
        let emptied = bench.storage.patch_user(&ada.id, vec![change.clone(), nothing]).await.unwrap().unwrap().user;
        assert_eq!((&emptied.name, &emptied.avatar_url, &emptied.attributes), (&None, &None, &Attributes::default()));
        assert_eq!(bench.user(&ada.id).await, emptied);
        let nobody = UserId::random(&SystemRandom);
        assert_eq!(bench.storage.patch_user(&nobody, vec![change]).await.unwrap(), None);
    }

    async fn g3_patches_of_many_extensions_at_once_all_count(bench: &Bench) {
        let ada = bench.sign_in(&person(GOOGLE, "1")).await.user;
        let replicas = [bench.storage.clone(), bench.replica(), bench.replica()];
        let change = |number: usize| {
            let (storage, id) = (replicas[number % 3].clone(), ada.id.clone());
            let change = patch(&json!({"attributes": {format!("a{number}"): 1, "deep": {format!("b{number}"): 2}}}));
            async move { storage.patch_user(&id, vec![change]).await.unwrap().unwrap() }
        };
        all_at_once((0..30).map(change).collect()).await;
        let attributes = bench.user(&ada.id).await.attributes;
        assert_eq!(attributes.as_object().len(), 31, "{:?}", attributes.as_object());
        assert_eq!(attributes.as_object()["deep"].as_object().unwrap().len(), 30);
    }

    async fn g3_what_has_become_too_large_meanwhile_is_refused_and_the_rest_counts(bench: &Bench) {
        let ada = bench.sign_in(&person(GOOGLE, "1")).await.user;
        let half = |name: &str| patch(&json!({"attributes": {name: "x".repeat(9_000)}, "name": name}));
        let last = patch(&json!({"attributes": {"last": true}}));
        bench.storage.patch_user(&ada.id, vec![half("one")]).await.unwrap();
        let patched = bench.storage.patch_user(&ada.id, vec![half("two"), last]).await.unwrap().unwrap();
        assert_eq!(patched.refused, [(0, PatchError::TooLarge("attributes"))]);
        let user = bench.user(&ada.id).await;
        assert_eq!(user.name.unwrap().as_str(), "two");
        let members: Vec<_> = user.attributes.as_object().keys().cloned().collect();
        assert_eq!(members, ["last", "one"]);
    }

    async fn c7_a_disabled_user_is_out_at_once_and_old_sessions_do_not_come_back(bench: &Bench) {
        let ada = bench.sign_in(&person(GOOGLE, "1")).await;
        assert!(bench.storage.disable_user(&ada.user.id, at(1), &event()).await.unwrap());
        assert!(!bench.storage.disable_user(&ada.user.id, at(2), &event()).await.unwrap());
        assert!(!bench.is_live(&ada, at(1)).await);
        assert_eq!(bench.user(&ada.user.id).await.disabled_at, Some(at(1)));

        assert!(bench.storage.enable_user(&ada.user.id, &event()).await.unwrap());
        assert!(!bench.storage.enable_user(&ada.user.id, &event()).await.unwrap());
        assert!(!bench.is_live(&ada, at(3)).await);
        let again = bench.sign_in_as(&person(GOOGLE, "1"), |sign_in| sign_in.now = at(3)).await;
        assert!(bench.is_live(&again, at(3)).await);
        assert_eq!(again.user.id, ada.user.id);
        let nobody = UserId::random(&SystemRandom);
        assert!(!bench.storage.disable_user(&nobody, at(1), &event()).await.unwrap());
        assert!(!bench.storage.enable_user(&nobody, &event()).await.unwrap());
    }

    async fn c7_a_session_that_began_by_a_faster_clock_dies_with_its_user_too(bench: &Bench) {
        let ada = bench.sign_in_as(&person(GOOGLE, "1"), |sign_in| sign_in.now = at(10)).await;
        bench.storage.disable_user(&ada.user.id, at(5), &event()).await.unwrap();
        assert!(!bench.is_live(&ada, at(11)).await);
    }

    async fn deleting_a_user_leaves_nothing_behind(bench: &Bench) {
        let ada = bench.sign_in(&verified(GOOGLE, "1", "ada@example.org")).await;
        assert!(bench.storage.delete_user(&ada.user.id, &event()).await.unwrap());
        assert!(!bench.storage.delete_user(&ada.user.id, &event()).await.unwrap());
        assert!(!bench.is_live(&ada, at(0)).await);
        assert!(bench.storage.find_user(&ada.user.id).await.unwrap().is_none());
        assert!(bench.storage.list_identities(&ada.user.id).await.unwrap().is_empty());
        assert!(bench.storage.list_sessions(&ada.user.id, at(0)).await.unwrap().is_empty());

        let again = bench.sign_in(&verified(GOOGLE, "1", "ada@example.org")).await;
        assert!(again.is_new);
        assert_ne!(again.user.id, ada.user.id);
    }
}
