//! Users are found, changed, disabled and deleted.

use serde_json::json;
use vestibule_domain::{Attributes, AvatarUrl, DisplayName, SystemRandomness, UserId};

use crate::bench::{GITHUB, GOOGLE, at, on_both_databases, person, verified};

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
        let ada = bench.sign_in(&verified(GOOGLE, "g", &["ada@example.org"])).await.user;
        bench.sign_in_as(&verified(GITHUB, "7", &["ada@example.org"]), |sign_in| sign_in.now = at(5)).await;
        let identities = bench.storage.list_identities(&ada.id).await.unwrap();
        let found: Vec<_> = identities.iter().map(|one| (one.issuer.as_str(), one.subject.as_str())).collect();
        assert_eq!(found, [(GITHUB, "7"), (GOOGLE, "g")]);
        assert_eq!(identities[0].login.as_deref(), Some("login-7"));
        assert!(identities[0].email_verified);
        assert_eq!(identities[0].last_used_at, at(5));
        let nobody = UserId::random(&SystemRandomness);
        assert!(bench.storage.list_identities(&nobody).await.unwrap().is_empty());
        assert!(bench.storage.find_user(&nobody).await.unwrap().is_none());
    }

    async fn what_extensions_change_is_kept_and_can_be_removed(bench: &Bench) {
        let ada = bench.sign_in(&person(GOOGLE, "1")).await.user;
        let value = json!({"team": "core", "odd": "\u{0}\u{1f600} \"'; DROP TABLE users; --", "deep": {"n": [1, 2.5]}});
        let attributes = Attributes::new(value.as_object().unwrap().clone()).unwrap();
        let name = DisplayName::clean("Countess of Lovelace");
        let avatar_url = AvatarUrl::clean("https://a.example/x.png");
        bench.storage.update_profile(&ada.id, name.as_ref(), avatar_url.as_ref(), &attributes).await.unwrap();
        let changed = bench.user(&ada.id).await;
        assert_eq!((changed.name, changed.avatar_url, changed.attributes), (name, avatar_url, attributes));

        bench.storage.update_profile(&ada.id, None, None, &Attributes::default()).await.unwrap();
        let emptied = bench.user(&ada.id).await;
        assert_eq!((emptied.name, emptied.avatar_url, emptied.attributes), (None, None, Attributes::default()));
        let nobody = UserId::random(&SystemRandomness);
        bench.storage.update_profile(&nobody, None, None, &Attributes::default()).await.unwrap();
    }

    async fn c7_a_disabled_user_is_out_at_once_and_old_sessions_do_not_come_back(bench: &Bench) {
        let ada = bench.sign_in(&person(GOOGLE, "1")).await;
        assert!(bench.storage.disable_user(&ada.user.id, at(1)).await.unwrap());
        assert!(!bench.storage.disable_user(&ada.user.id, at(2)).await.unwrap());
        assert!(!bench.is_live(&ada, at(1)).await);
        assert_eq!(bench.user(&ada.user.id).await.disabled_at, Some(at(1)));

        assert!(bench.storage.enable_user(&ada.user.id).await.unwrap());
        assert!(!bench.storage.enable_user(&ada.user.id).await.unwrap());
        assert!(!bench.is_live(&ada, at(3)).await);
        let again = bench.sign_in_as(&person(GOOGLE, "1"), |sign_in| sign_in.now = at(3)).await;
        assert!(bench.is_live(&again, at(3)).await);
        assert_eq!(again.user.id, ada.user.id);
        let nobody = UserId::random(&SystemRandomness);
        assert!(!bench.storage.disable_user(&nobody, at(1)).await.unwrap());
        assert!(!bench.storage.enable_user(&nobody).await.unwrap());
    }

    async fn c7_a_session_that_began_by_a_faster_clock_dies_with_its_user_too(bench: &Bench) {
        let ada = bench.sign_in_as(&person(GOOGLE, "1"), |sign_in| sign_in.now = at(10)).await;
        bench.storage.disable_user(&ada.user.id, at(5)).await.unwrap();
        assert!(!bench.is_live(&ada, at(11)).await);
    }

    async fn deleting_a_user_leaves_nothing_behind(bench: &Bench) {
        let ada = bench.sign_in(&verified(GOOGLE, "1", &["ada@example.org"])).await;
        assert!(bench.storage.delete_user(&ada.user.id).await.unwrap());
        assert!(!bench.storage.delete_user(&ada.user.id).await.unwrap());
        assert!(!bench.is_live(&ada, at(0)).await);
        assert!(bench.storage.find_user(&ada.user.id).await.unwrap().is_none());
        assert!(bench.storage.list_identities(&ada.user.id).await.unwrap().is_empty());
        assert!(bench.storage.list_sessions(&ada.user.id, at(0)).await.unwrap().is_empty());

        let again = bench.sign_in(&verified(GOOGLE, "1", &["ada@example.org"])).await;
        assert!(again.is_new);
        assert_ne!(again.user.id, ada.user.id);
    }
}
