//! When an identity joins the user of another, and who holds an address.

use vestibule_domain::{
    AccountLinking, AddressSet, AddressTrust, ConfiguredProviders, EmailDomain, EmailKnowledge,
    RoleAssignment, RoleAssignmentId, RoleName, RoleSubject, ServiceName, SystemRandom, UpstreamProfile,
};
use vestibule_storage::{SignIn, SignInOutcome};

use crate::bench::{
    GITHUB, GOOGLE, THIRD, address, at, configured, event, on_both_databases, person, signed_in, try_sign_in,
    verified,
};
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
        let google = bench.sign_in(&verified(GOOGLE, "1", "ada@example.org")).await;
        let github = bench.sign_in(&verified(GITHUB, "1", "ADA@example.org")).await;
        assert!(google.is_new && !github.is_new);
        assert_eq!(github.user.id, google.user.id);
        assert_eq!(github.session.provider_id, "github:1");
        assert_eq!(bench.storage.list_identities(&google.user.id).await.unwrap().len(), 2);
    }

    async fn c3_with_explicit_linking_every_unknown_identity_is_a_new_user(bench: &Bench) {
        let google = bench.sign_in_as(&verified(GOOGLE, "1", "ada@example.org"), explicit).await;
        let github = bench.sign_in_as(&verified(GITHUB, "1", "ada@example.org"), explicit).await;
        assert!(google.is_new && github.is_new);
        assert_ne!(github.user.id, google.user.id);
        assert_eq!(github.user.email, Some(address("ada@example.org")));

        // The address stays with whom had it first: under the other setting, a third identity joins that user.
        let third = bench.sign_in(&verified(THIRD, "1", "ada@example.org")).await;
        assert_eq!(third.user.id, google.user.id);
        let again = bench.sign_in_as(&verified(GITHUB, "1", "ada@example.org"), explicit).await;
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
        let ada = bench.sign_in(&verified(GOOGLE, "1", "ada@example.org")).await;
        let eve = bench.sign_in(&unverified(GITHUB, "1", "ada@example.org")).await;
        assert!(eve.is_new);
        assert_ne!(eve.user.id, ada.user.id);
        assert_eq!(bench.user(&ada.user.id).await, ada.user);
    }

    async fn c5_an_account_opened_with_the_victims_unverified_address_gains_nothing(bench: &Bench) {
        let attacker = bench.sign_in(&unverified(GITHUB, "666", "victim@example.org")).await;
        let victim = bench.sign_in(&verified(GOOGLE, "1", "victim@example.org")).await;
        assert!(victim.is_new);
        assert_ne!(victim.user.id, attacker.user.id);
        assert_eq!(bench.storage.list_identities(&victim.user.id).await.unwrap().len(), 1);
        let found = bench.storage.find_live_session(&attacker.session.id, &victim.user.id, at(0)).await.unwrap();
        assert!(found.is_none());
        let again = bench.sign_in(&unverified(GITHUB, "666", "victim@example.org")).await;
        assert_eq!(again.user.id, attacker.user.id);
    }

    async fn c4_a_known_identity_stays_with_its_user_whatever_address_it_brings(bench: &Bench) {
        let ada = bench.sign_in(&verified(GOOGLE, "1", "ada@example.org")).await.user;
        let bob = bench.sign_in(&verified(GITHUB, "2", "bob@example.org")).await.user;
        let moved = bench.sign_in(&verified(GITHUB, "2", "ada@example.org")).await.user;
        assert_eq!(moved.id, bob.id);
        // The address is still Ada's to be found by.
        let third = bench.sign_in(&verified(THIRD, "3", "ada@example.org")).await;
        assert_eq!(third.user.id, ada.id);
    }

    async fn c4_an_address_that_its_user_gave_up_belongs_to_whom_verifies_it_next(bench: &Bench) {
        let ada = bench.sign_in(&verified(GOOGLE, "1", "shared@example.org")).await.user;
        bench.sign_in(&verified(GOOGLE, "1", "ada@example.org")).await;
        let next = bench.sign_in(&verified(GITHUB, "2", "shared@example.org")).await;
        assert!(next.is_new);
        assert_ne!(next.user.id, ada.id);
    }

    async fn an_address_is_held_as_long_as_one_identity_of_the_user_states_it(bench: &Bench) {
        let ada = bench.sign_in(&verified(GOOGLE, "1", "ada@example.org")).await.user;
        bench.sign_in(&verified(GITHUB, "1", "ada@example.org")).await;
        bench.sign_in(&verified(GITHUB, "1", "other@example.org")).await;
        assert_eq!(count(bench.database.url(), &holders_of("ada@example.org")).await, 1);
        assert_eq!(count(bench.database.url(), &holders_of("other@example.org")).await, 1);
        assert_eq!(bench.user(&ada.id).await.email, Some(address("other@example.org")));

        bench.sign_in(&verified(GOOGLE, "1", "third@example.org")).await;
        assert_eq!(count(bench.database.url(), &holders_of("ada@example.org")).await, 0);
    }

    async fn an_address_that_is_no_longer_verified_is_given_up(bench: &Bench) {
        let ada = bench.sign_in(&verified(GOOGLE, "1", "ada@example.org")).await.user;
        let now = bench.sign_in(&unverified(GOOGLE, "1", "ada@example.org")).await.user;
        assert_eq!((now.id, now.email), (ada.id, None));
        assert_eq!(count(bench.database.url(), &holders_of("ada@example.org")).await, 0);
    }

    async fn an_identity_without_address_leaves_that_of_another_in_place(bench: &Bench) {
        let ada = bench.sign_in(&verified(GOOGLE, "1", "ada@example.org")).await.user;
        bench.sign_in(&verified(GITHUB, "1", "ada@example.org")).await;
        let now = bench.sign_in(&person(GITHUB, "1")).await.user;
        assert_eq!(now.id, ada.id);
        assert_eq!(now.email, Some(address("ada@example.org")));
    }

    async fn c18_an_address_that_does_not_count_beyond_its_provider_is_kept_as_not_verified(bench: &Bench) {
        let distrusting = bench.storage.with_providers(trusting(AddressTrust::NONE));
        let boss = bench.sign_in(&verified(GOOGLE, "1", "boss@corp.example")).await.user;
        for mode in [AccountLinking::VerifiedEmail, AccountLinking::Explicit] {
            let subject = format!("{mode:?}");
            let profile = verified(THIRD, &subject, "boss@corp.example");
            let liar = signed_in(try_sign_in(&distrusting, &profile, |it| it.linking = mode).await);
            assert!(liar.is_new && liar.user.id != boss.id);
            assert_eq!(liar.user.email, None);
            let kept = &distrusting.list_identities(&liar.user.id).await.unwrap()[0];
            assert_eq!((kept.email.as_deref(), kept.email_verified), (Some("boss@corp.example"), false));
            let known = distrusting.find_user_context(&liar.user.id).await.unwrap();
            assert!(known.verified_emails().is_empty());
        }
    }

    async fn c18_an_address_of_a_trusted_domain_counts_and_no_other_does(bench: &Bench) {
        let domain = EmailDomain::parse("corp.example").unwrap();
        let storage = bench.storage.with_providers(trusting(AddressTrust::authority_over(vec![domain])));
        let boss = bench.sign_in(&verified(GOOGLE, "1", "boss@corp.example")).await.user;
        let home = bench.sign_in(&verified(GOOGLE, "2", "boss@home.example")).await.user;
        let of = async |profile| signed_in(try_sign_in(&storage, &profile, |_| {}).await).user;
        assert_eq!(of(verified(THIRD, "1", "boss@corp.example")).await.id, boss.id);
        let stranger = of(verified(THIRD, "2", "boss@home.example")).await;
        assert!(stranger.id != home.id && stranger.email.is_none());
    }

    // Nobody states that it is verified; the one who gives it out need not.
    async fn c18_an_address_of_its_own_domain_counts_whatever_the_provider_states(bench: &Bench) {
        let domain = EmailDomain::parse("corp.example").unwrap();
        let storage = bench.storage.with_providers(trusting(AddressTrust::authority_over(vec![domain])));
        let boss = bench.sign_in(&verified(GOOGLE, "1", "boss@corp.example")).await.user;
        let of = async |profile| signed_in(try_sign_in(&storage, &profile, |_| {}).await).user;
        assert_eq!(of(unverified(THIRD, "1", "Boss@CORP.example")).await.id, boss.id);
        assert_eq!(of(unverified(THIRD, "2", "boss@home.example")).await.email, None);
        assert_eq!(of(unverified(GITHUB, "1", "boss@corp.example")).await.email, None, "another has no such word");
        let all = AddressTrust { authority: AddressSet::Everything, ..AddressTrust::NONE };
        let storage = bench.storage.with_providers(trusting(all));
        let home = signed_in(try_sign_in(&storage, &unverified(THIRD, "2", "boss@home.example"), |_| {}).await).user;
        assert_eq!(home.email, Some(address("boss@home.example")));
    }

    // The provider could not be asked for it.
    async fn an_address_that_is_unknown_for_now_stays_and_places_nobody(bench: &Bench) {
        let unknown = |subject: &str| UpstreamProfile { email_knowledge: EmailKnowledge::Unknown, ..person(GITHUB, subject) };
        let ada = bench.sign_in(&verified(GITHUB, "1", "ada@example.org")).await.user;
        let now = bench.sign_in(&unknown("1")).await.user;
        assert_eq!((now.id, now.email), (ada.id.clone(), Some(address("ada@example.org"))));
        let kept = &bench.storage.list_identities(&ada.id).await.unwrap()[0];
        assert_eq!((kept.email.as_deref(), kept.email_verified), (Some("ada@example.org"), true));
        let outcome = try_sign_in(&bench.storage, &unknown("2"), |_| {}).await;
        assert_eq!(outcome, SignInOutcome::EmailUnknown);
        assert_eq!(count(bench.database.url(), "SELECT count(*) AS n FROM identities").await, 1);
        bench.sign_in(&unverified(GITHUB, "3", "eve@example.org")).await;
        assert_eq!(bench.sign_in(&unknown("3")).await.user.email, None, "what was not verified is not so now");
    }

    // The ID token has an address, and what would say that it is verified has not answered since the start.
    async fn an_address_that_was_verified_stays_so_while_nobody_can_say_that_it_is(bench: &Bench) {
        let partial = |subject: &str, text: &str| UpstreamProfile {
            email_knowledge: EmailKnowledge::Partial,
            ..unverified(GITHUB, subject, text)
        };
        let ada = bench.sign_in(&verified(GITHUB, "1", "ada@example.org")).await.user;
        let now = bench.sign_in(&partial("1", "Ada@example.org")).await.user;
        assert_eq!((now.id, now.email), (ada.id.clone(), Some(address("ada@example.org"))));
        let moved = bench.sign_in(&partial("1", "ada@elsewhere.example")).await.user;
        assert_eq!((moved.id, moved.email), (ada.id, None), "another address was never verified");
        let new = bench.sign_in(&partial("2", "eve@example.org")).await;
        assert!(new.is_new && new.user.email.is_none(), "who is new does not wait for it");
        assert_eq!(bench.sign_in(&partial("2", "eve@example.org")).await.user.email, None);
    }

    // What stands in the database from a time when the provider was trusted counts no more.
    async fn c18_trust_that_is_withdrawn_counts_from_then_on(bench: &Bench) {
        let ada = bench.sign_in(&verified(THIRD, "1", "boss@corp.example")).await;
        assert!(bench.user(&ada.user.id).await.email.is_some());
        let storage = bench.storage.with_providers(trusting(AddressTrust::NONE));
        assert_eq!(storage.find_user(&ada.user.id).await.unwrap().unwrap().email, None);
        assert_eq!(storage.list_users(None, 10).await.unwrap()[0].email, None);
        let live = storage.find_live_session(&ada.session.id, &ada.user.id, at(0)).await.unwrap().unwrap();
        assert_eq!(live.user.email, None);
        assert!(storage.find_user_context(&ada.user.id).await.unwrap().verified_emails().is_empty());
        // Nor does whoever holds it stand in the way of its owner, who has it from now on.
        let boss = signed_in(try_sign_in(&storage, &verified(GOOGLE, "1", "boss@corp.example"), |_| {}).await);
        assert!(boss.is_new && boss.user.id != ada.user.id);
        let github = signed_in(try_sign_in(&storage, &verified(GITHUB, "1", "boss@corp.example"), |_| {}).await);
        assert_eq!(github.user.id, boss.user.id);
        let again = signed_in(try_sign_in(&storage, &verified(THIRD, "1", "boss@corp.example"), |_| {}).await);
        assert_eq!((again.user.id, again.user.email), (ada.user.id, None));
    }

    async fn c18_who_has_a_role_at_the_service_itself_is_joined_by_no_address(bench: &Bench) {
        let boss = bench.sign_in(&verified(GOOGLE, "1", "boss@corp.example")).await.user;
        let role = RoleAssignment {
            role: RoleName::parse("Reader").unwrap(),
            subject: RoleSubject::User(boss.id.clone()),
            service: Some(ServiceName::vestibule()),
            provider: None,
        };
        bench.storage.grant_role(&role, &RoleAssignmentId::random(&SystemRandom), at(0), &event()).await.unwrap();
        let taken_over = verified(GITHUB, "1", "boss@corp.example");
        let stranger = bench.sign_in(&taken_over).await;
        assert!(stranger.is_new && stranger.user.id != boss.id);
        assert_eq!(bench.sign_in(&taken_over).await.user.id, stranger.user.id);
        assert_eq!(bench.sign_in(&verified(GOOGLE, "1", "boss@corp.example")).await.user.id, boss.id);
        // The address is still the administrator's: when the role is gone, it joins as any other.
        assert!(bench.storage.revoke_role(&role, &event()).await.unwrap());
        assert_eq!(bench.sign_in(&verified(THIRD, "1", "boss@corp.example")).await.user.id, boss.id);
    }
}

/// Google and GitHub as always, the third one's addresses as far as this says.
fn trusting(third: AddressTrust) -> ConfiguredProviders {
    let all = [
        configured(GOOGLE, AddressTrust::VERIFIED),
        configured(GITHUB, AddressTrust::VERIFIED),
        configured(THIRD, third),
    ];
    ConfiguredProviders::new(all.into())
}
