//! Taking an identity away, and what a provider leaves that is configured no more.

use vestibule_domain::{
    AccountLinking, Actor, AddressTrust, AuditEvent, AuditName, ConfiguredProviders, IdentityKey,
    ProviderName, RoleAssignment, RoleAssignmentId, RoleName, RoleSubject, SystemRandom, UserId,
};
use vestibule_storage::{AuditFilter, OrphanedIdentities, RemovedIdentities, Storage, Unlinking};

use crate::bench::{
    Bench as Stage, GITHUB, GOOGLE, SignedIn, THIRD, address, all_at_once, at, configured,
    connect_without_providers, event, name_of, on_both_databases, person, verified,
};
use crate::consistency::{count, execute};

const ADA: &str = "ada@example.org";

fn key(issuer: &str, subject: &str) -> IdentityKey {
    IdentityKey { issuer: issuer.to_owned(), subject: subject.to_owned() }
}

fn only(issuers: &[&str]) -> ConfiguredProviders {
    ConfiguredProviders::new(
        issuers.iter().map(|issuer| configured(issuer, AddressTrust::VERIFIED)).collect(),
    )
}

impl Stage {
    // One user with two identities, the last of which is GitHub's.
    async fn both(&self) -> [SignedIn; 2] {
        let google = self.sign_in(&verified(GOOGLE, "1", ADA)).await;
        let github = self.sign_in(&verified(GITHUB, "1", ADA)).await;
        assert_eq!(google.user.id, github.user.id);
        [google, github]
    }

    async fn unlink(&self, user: &UserId, issuer: &str) -> Unlinking {
        self.storage.unlink_identity(user, &key(issuer, "1"), at(5), &event()).await.unwrap()
    }

    async fn lives(&self, storage: &Storage, signed_in: &SignedIn) -> bool {
        let (session, user) = (&signed_in.session.id, &signed_in.user.id);
        storage.find_live_session(session, user, at(9)).await.unwrap().is_some()
    }
}

on_both_databases! {
    async fn c17_with_an_identity_go_the_sessions_that_came_by_it_and_no_others(bench: &Bench) {
        let [google, github] = bench.both().await;
        let again = bench.sign_in(&verified(GITHUB, "1", ADA)).await;
        assert_eq!(bench.unlink(&google.user.id, GITHUB).await, Unlinking::Done { sessions: 2 });
        assert!(bench.is_live(&google, at(9)).await);
        assert!(!bench.is_live(&github, at(9)).await && !bench.is_live(&again, at(9)).await);
        assert_eq!(bench.storage.list_sessions(&google.user.id, at(9)).await.unwrap(), [google.session]);
        assert_eq!(bench.unlink(&google.user.id, GITHUB).await, Unlinking::Unknown);
    }

    async fn c17_a_session_of_a_program_that_noted_no_issuer_goes_as_well(bench: &Bench) {
        let google = bench.sign_in(&verified(GOOGLE, "7", ADA)).await;
        let github = bench.sign_in(&verified(GITHUB, "1", ADA)).await;
        execute(bench.database.url(), "UPDATE sessions SET issuer = ''").await;
        assert!(bench.is_live(&google, at(9)).await && bench.is_live(&github, at(9)).await);
        assert_eq!(bench.unlink(&google.user.id, GITHUB).await, Unlinking::Done { sessions: 1 });
        assert!(bench.is_live(&google, at(9)).await && !bench.is_live(&github, at(9)).await);
    }

    async fn c13_the_last_way_in_stays(bench: &Bench) {
        let ada = bench.sign_in(&verified(GOOGLE, "1", ADA)).await;
        let other = bench.sign_in(&person(GOOGLE, "2")).await;
        assert_eq!(bench.unlink(&ada.user.id, GOOGLE).await, Unlinking::LastIdentity);
        assert_eq!(bench.unlink(&other.user.id, GOOGLE).await, Unlinking::Unknown, "it is another's");
        assert_eq!(bench.unlink(&UserId::random(&SystemRandom), GOOGLE).await, Unlinking::Unknown);
        assert!(bench.is_live(&ada, at(9)).await);
        assert_eq!(bench.storage.list_identities(&ada.user.id).await.unwrap().len(), 1);
    }

    async fn c13_an_identity_whose_provider_is_not_configured_now_is_no_way_in(bench: &Bench) {
        let [google, github] = bench.both().await;
        let user = &google.user.id;
        let gone = bench.storage.with_providers(only(&[GITHUB]));
        assert_eq!(gone.unlink_identity(user, &key(GITHUB, "1"), at(5), &event()).await.unwrap(), Unlinking::LastIdentity);
        let mut elsewhere = configured("https://other.example", AddressTrust::VERIFIED);
        elsewhere.name = name_of(GOOGLE);
        let repointed = ConfiguredProviders::new(vec![elsewhere, configured(GITHUB, AddressTrust::VERIFIED)]);
        let repointed = bench.storage.with_providers(repointed);
        assert_eq!(repointed.unlink_identity(user, &key(GITHUB, "1"), at(5), &event()).await.unwrap(), Unlinking::LastIdentity);
        // The other way round it can go.
        let outcome = gone.unlink_identity(user, &key(GOOGLE, "1"), at(5), &event()).await.unwrap();
        assert_eq!(outcome, Unlinking::Done { sessions: 1 });
        assert!(bench.is_live(&github, at(9)).await);
    }

    async fn c13_of_two_that_unlink_both_identities_at_once_one_is_refused(bench: &Bench) {
        for round in 0..10 {
            let subject = round.to_string();
            let ada = bench.sign_in(&verified(GOOGLE, &subject, &format!("ada{round}@example.org"))).await.user.id;
            bench.sign_in(&verified(GITHUB, &subject, &format!("ada{round}@example.org"))).await;
            let unlink = |issuer: &'static str| {
                let (storage, ada, subject) = (bench.replica(), ada.clone(), subject.clone());
                async move { storage.unlink_identity(&ada, &key(issuer, &subject), at(5), &event()).await.unwrap() }
            };
            let mut outcomes = all_at_once(vec![unlink(GOOGLE), unlink(GITHUB)]).await;
            outcomes.sort_by_key(|outcome| *outcome == Unlinking::LastIdentity);
            assert_eq!(outcomes, [Unlinking::Done { sessions: 1 }, Unlinking::LastIdentity]);
        }
    }

    async fn c14_what_was_unlinked_never_joins_again_in_either_mode(bench: &Bench) {
        let ada = bench.both().await[0].user.id.clone();
        bench.unlink(&ada, GITHUB).await;
        let thief = bench.sign_in(&verified(GITHUB, "1", ADA)).await;
        assert!(thief.is_new && thief.user.id != ada);
        for linking in [AccountLinking::VerifiedEmail, AccountLinking::Explicit] {
            let again = bench.sign_in_as(&verified(GITHUB, "1", ADA), |it| it.linking = linking).await;
            assert_eq!((again.user.id, again.user.email), (thief.user.id.clone(), None));
        }
        assert_eq!(bench.user(&ada).await.email, Some(address(ADA)));
        // Nobody else is kept from joining.
        assert_eq!(bench.sign_in(&verified(THIRD, "1", ADA)).await.user.id, ada);
        assert_eq!(bench.sign_in(&verified(GITHUB, "2", ADA)).await.user.id, ada);
    }

    async fn c16_no_role_comes_by_an_address_that_was_unlinked(bench: &Bench) {
        let ada = bench.both().await[0].user.id.clone();
        bench.unlink(&ada, GITHUB).await;
        let thief = bench.sign_in(&verified(GITHUB, "1", ADA)).await.user.id;
        let role = RoleAssignment {
            role: RoleName::parse("Writer").unwrap(),
            subject: RoleSubject::Email(address(ADA)),
            service: None,
            provider: None,
        };
        bench.storage.grant_role(&role, &RoleAssignmentId::random(&SystemRandom), at(0), &event()).await.unwrap();
        for _ in 0..2 {
            bench.sign_in(&verified(GITHUB, "1", ADA)).await;
            let known = bench.storage.find_user_context(&thief).await.unwrap();
            assert!(known.roles.is_empty() && known.verified_emails().is_empty());
        }
        assert_eq!(bench.storage.find_user_context(&ada).await.unwrap().roles.len(), 1);
        // With the user who refused it goes the refusal.
        bench.storage.delete_user(&ada, &event()).await.unwrap();
        assert_eq!(bench.sign_in(&verified(GITHUB, "1", ADA)).await.user.email, Some(address(ADA)));
    }

    async fn c14_the_address_that_only_the_unlinked_identity_stated_is_free(bench: &Bench) {
        let ada = bench.both().await[0].user.id.clone();
        bench.sign_in(&verified(GITHUB, "1", "other@example.org")).await;
        assert_eq!(bench.user(&ada).await.email, Some(address("other@example.org")));
        bench.unlink(&ada, GITHUB).await;
        assert_eq!(bench.user(&ada).await.email, None);
        let owner = bench.sign_in(&verified(THIRD, "1", "other@example.org")).await;
        assert!(owner.is_new && owner.user.id != ada);
    }

    async fn an_unlinking_is_told_of_only_if_it_happened(bench: &Bench) {
        let ada = bench.both().await[0].user.id.clone();
        let event = AuditEvent::new(AuditName::IdentityUnlinked, Actor::Operator, at(5)).for_user(&ada);
        for issuer in [THIRD, GITHUB, GOOGLE] {
            bench.storage.unlink_identity(&ada, &key(issuer, "1"), at(5), &event).await.unwrap();
        }
        let filter = AuditFilter { user: Some(&ada), name: Some(AuditName::IdentityUnlinked), since: None };
        assert_eq!(bench.storage.list_audit_events(filter, None, 10).await.unwrap().len(), 1);
    }

    async fn c7_what_came_by_a_provider_that_is_gone_counts_for_nothing(bench: &Bench) {
        let [google, github] = bench.both().await;
        for providers in [only(&[GITHUB, THIRD]), {
            let mut elsewhere = configured("https://other.example", AddressTrust::VERIFIED);
            elsewhere.name = name_of(GOOGLE);
            ConfiguredProviders::new(vec![elsewhere, configured(GITHUB, AddressTrust::VERIFIED)])
        }] {
            let storage = bench.storage.with_providers(providers);
            assert!(!bench.lives(&storage, &google).await && bench.lives(&storage, &github).await);
            assert_eq!(storage.list_sessions(&github.user.id, at(9)).await.unwrap(), std::slice::from_ref(&github.session));
            let known = storage.find_user_context(&google.user.id).await.unwrap();
            assert_eq!(known.identities.len(), 1);
            assert_eq!(known.identities[0].provider_id(), "github:1");
        }
        let none = connect_without_providers(&bench.database);
        assert!(!bench.lives(&none, &github).await && bench.lives(&bench.storage, &google).await);
    }

    // A session is of the issuer that it came by, also when the user has the same subject at the next one.
    async fn c7_a_session_does_not_live_again_by_the_same_subject_at_another_issuer(bench: &Bench) {
        let before = bench.sign_in(&verified(GOOGLE, "1", ADA)).await;
        let mut elsewhere = configured(THIRD, AddressTrust::VERIFIED);
        elsewhere.name = name_of(GOOGLE);
        let both = ConfiguredProviders::new(vec![elsewhere, configured(GITHUB, AddressTrust::VERIFIED)]);
        let storage = bench.storage.with_providers(both);
        bench.sign_in(&verified(GITHUB, "1", ADA)).await;
        let mut profile = verified(THIRD, "1", ADA);
        profile.provider = name_of(GOOGLE);
        let after = crate::bench::signed_in(crate::bench::try_sign_in(&storage, &profile, |_| {}).await);
        assert_eq!((&after.user.id, &after.session.provider_id), (&before.user.id, &before.session.provider_id));
        assert!(bench.lives(&storage, &after).await && !bench.lives(&storage, &before).await);
    }

    async fn what_a_provider_left_is_found_and_removed(bench: &Bench) {
        let [google, github] = bench.both().await;
        let lone = bench.sign_in(&verified(GOOGLE, "2", "lone@example.org")).await;
        let provider = ProviderName::parse("google").unwrap();
        assert!(bench.storage.list_orphaned_identities().await.unwrap().is_empty());
        let nothing = bench.storage.remove_orphaned_identities(&provider, at(5)).await.unwrap();
        assert_eq!(nothing, RemovedIdentities::default(), "what is configured stays");

        let storage = bench.storage.with_providers(only(&[GITHUB]));
        let left = OrphanedIdentities { provider: "google".into(), issuer: GOOGLE.into(), identities: 2 };
        assert_eq!(storage.list_orphaned_identities().await.unwrap(), [left]);
        assert_eq!(storage.count_users_without_another_identity(&provider).await.unwrap(), 1);
        let event = AuditEvent::new(AuditName::ProviderForgotten, Actor::Operator, at(5));
        storage.record_audit_event(&event).await.unwrap();
        let forgotten = storage.remove_orphaned_identities(&provider, at(5)).await.unwrap();
        assert_eq!(forgotten, RemovedIdentities { identities: 2, sessions: 2 });
        assert!(storage.list_orphaned_identities().await.unwrap().is_empty());
        assert_eq!(count(bench.database.url(), "SELECT count(*) AS n FROM identities").await, 1);
        assert!(bench.user(&lone.user.id).await.email.is_none());

        // With the provider come back strangers: nothing that was removed lives again.
        assert_eq!(bench.sign_in(&verified(GOOGLE, "1", ADA)).await.user.id, github.user.id, "by the address");
        assert!(!bench.is_live(&google, at(9)).await && bench.is_live(&github, at(9)).await);
        assert!(bench.sign_in(&verified(GOOGLE, "2", "lone@example.org")).await.is_new);
    }
}
