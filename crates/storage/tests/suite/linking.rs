//! When an identity joins the user of another, and who holds an address.

use vestibule_domain::{AccountLinking, UpstreamProfile};
use vestibule_storage::SignIn;

use crate::bench::{GITHUB, GOOGLE, address, at, on_both_databases, person, verified};
use crate::consistency::count;

fn unverified(issuer: &str, subject: &str, text: &str) -> UpstreamProfile {
    UpstreamProfile { unverified_email: Some(address(text)), ..person(issuer, subject) }
}

fn explicit(sign_in: &mut SignIn) {
    sign_in.linking = AccountLinking::Explicit;
}

fn holders_of(text: &str) -> String {
    format!("SELECT count(*) AS n FROM verified_emails WHERE address = '{text}'")
}

on_both_databases! {
    async fn c3_two_providers_that_verified_one_address_are_one_user(bench: &Bench) {
        let google = bench.sign_in(&verified(GOOGLE, "1", &["ada@example.org"])).await;
        let github = bench.sign_in(&verified(GITHUB, "1", &["ADA@example.org"])).await;
        assert!(google.is_new && !github.is_new);
        assert_eq!(github.user.id, google.user.id);
        assert_eq!(github.session.provider_id, "github:1");
        assert_eq!(bench.storage.list_identities(&google.user.id).await.unwrap().len(), 2);
    }

    async fn c3_with_explicit_linking_every_unknown_identity_is_a_new_user(bench: &Bench) {
        let google = bench.sign_in_as(&verified(GOOGLE, "1", &["ada@example.org"]), explicit).await;
        let github = bench.sign_in_as(&verified(GITHUB, "1", &["ada@example.org"]), explicit).await;
        assert!(google.is_new && github.is_new);
        assert_ne!(github.user.id, google.user.id);
        assert_eq!(github.user.email, Some(address("ada@example.org")));

        // The address stays with whom had it first: under the other setting, a third identity joins that user.
        let third = bench.sign_in(&verified("https://third.example", "1", &["ada@example.org"])).await;
        assert_eq!(third.user.id, google.user.id);
        let again = bench.sign_in_as(&verified(GITHUB, "1", &["ada@example.org"]), explicit).await;
        assert_eq!(again.user.id, github.user.id);
    }

    async fn c1_an_unverified_address_is_noted_and_never_becomes_the_users(bench: &Bench) {
        let ada = bench.sign_in(&unverified(GITHUB, "1", "ada@example.org")).await;
        assert_eq!(ada.user.email, None);
        let noted = "SELECT count(*) AS n FROM identities WHERE email = 'ada@example.org' AND NOT email_verified";
        assert_eq!(count(bench.database.url(), noted).await, 1);
        assert_eq!(count(bench.database.url(), &holders_of("ada@example.org")).await, 0);
        assert!(!bench.storage.list_identities(&ada.user.id).await.unwrap()[0].email_verified);
    }

    async fn c1_an_unverified_address_never_joins_its_holder(bench: &Bench) {
        let ada = bench.sign_in(&verified(GOOGLE, "1", &["ada@example.org"])).await;
        let eve = bench.sign_in(&unverified(GITHUB, "1", "ada@example.org")).await;
        assert!(eve.is_new);
        assert_ne!(eve.user.id, ada.user.id);
        assert_eq!(bench.user(&ada.user.id).await, ada.user);
    }

    async fn c5_an_account_opened_with_the_victims_unverified_address_gains_nothing(bench: &Bench) {
        let attacker = bench.sign_in(&unverified(GITHUB, "666", "victim@example.org")).await;
        let victim = bench.sign_in(&verified(GOOGLE, "1", &["victim@example.org"])).await;
        assert!(victim.is_new);
        assert_ne!(victim.user.id, attacker.user.id);
        assert_eq!(bench.storage.list_identities(&victim.user.id).await.unwrap().len(), 1);
        let found = bench.storage.find_live_session(&attacker.session.id, &victim.user.id, at(0)).await.unwrap();
        assert!(found.is_none());
        let again = bench.sign_in(&unverified(GITHUB, "666", "victim@example.org")).await;
        assert_eq!(again.user.id, attacker.user.id);
    }

    async fn c4_a_known_identity_stays_with_its_user_whatever_address_it_brings(bench: &Bench) {
        let ada = bench.sign_in(&verified(GOOGLE, "1", &["ada@example.org"])).await.user;
        let bob = bench.sign_in(&verified(GITHUB, "2", &["bob@example.org"])).await.user;
        let moved = bench.sign_in(&verified(GITHUB, "2", &["ada@example.org"])).await.user;
        assert_eq!(moved.id, bob.id);
        // The address is still Ada's to be found by.
        let third = bench.sign_in(&verified("https://third.example", "3", &["ada@example.org"])).await;
        assert_eq!(third.user.id, ada.id);
    }

    async fn c4_an_address_that_its_user_gave_up_belongs_to_whom_verifies_it_next(bench: &Bench) {
        let ada = bench.sign_in(&verified(GOOGLE, "1", &["shared@example.org"])).await.user;
        bench.sign_in(&verified(GOOGLE, "1", &["ada@example.org"])).await;
        let next = bench.sign_in(&verified(GITHUB, "2", &["shared@example.org"])).await;
        assert!(next.is_new);
        assert_ne!(next.user.id, ada.id);
    }

    async fn an_address_is_held_as_long_as_one_identity_of_the_user_states_it(bench: &Bench) {
        let ada = bench.sign_in(&verified(GOOGLE, "1", &["ada@example.org"])).await.user;
        bench.sign_in(&verified(GITHUB, "1", &["ada@example.org"])).await;
        bench.sign_in(&verified(GITHUB, "1", &["other@example.org"])).await;
        assert_eq!(count(bench.database.url(), &holders_of("ada@example.org")).await, 1);
        assert_eq!(count(bench.database.url(), &holders_of("other@example.org")).await, 1);
        assert_eq!(bench.user(&ada.id).await.email, Some(address("other@example.org")));

        bench.sign_in(&verified(GOOGLE, "1", &["third@example.org"])).await;
        assert_eq!(count(bench.database.url(), &holders_of("ada@example.org")).await, 0);
    }

    async fn an_address_that_is_no_longer_verified_is_given_up(bench: &Bench) {
        let ada = bench.sign_in(&verified(GOOGLE, "1", &["ada@example.org"])).await.user;
        let now = bench.sign_in(&unverified(GOOGLE, "1", "ada@example.org")).await.user;
        assert_eq!((now.id, now.email), (ada.id, None));
        assert_eq!(count(bench.database.url(), &holders_of("ada@example.org")).await, 0);
    }

    async fn an_identity_without_address_leaves_that_of_another_in_place(bench: &Bench) {
        let ada = bench.sign_in(&verified(GOOGLE, "1", &["ada@example.org"])).await.user;
        bench.sign_in(&verified(GITHUB, "1", &["ada@example.org"])).await;
        let now = bench.sign_in(&person(GITHUB, "1")).await.user;
        assert_eq!(now.id, ada.id);
        assert_eq!(now.email, Some(address("ada@example.org")));
    }

    async fn an_address_that_is_already_known_comes_before_the_primary_one(bench: &Bench) {
        let ada = bench.sign_in(&verified(GOOGLE, "1", &["known@example.org"])).await.user;
        let github = verified(GITHUB, "1", &["primary@example.org", "known@example.org"]);
        let joined = bench.sign_in(&github).await;
        assert_eq!(joined.user.id, ada.id);
        assert_eq!(joined.user.email, Some(address("known@example.org")));
        assert_eq!(bench.sign_in(&github).await.user.email, Some(address("known@example.org")));
        assert_eq!(count(bench.database.url(), &holders_of("primary@example.org")).await, 0);
    }

    async fn of_two_holders_the_provider_prefers_one(bench: &Bench) {
        let ada = bench.sign_in(&verified(GOOGLE, "1", &["ada@example.org"])).await.user;
        let bob = bench.sign_in(&verified(GOOGLE, "2", &["bob@example.org"])).await.user;
        let both = bench.sign_in(&verified(GITHUB, "1", &["bob@example.org", "ada@example.org"])).await.user;
        assert_eq!(both.id, bob.id);
        assert_eq!(bench.user(&ada.id).await.email, Some(address("ada@example.org")));
    }
}
