//! What is known about a person, and the roles that are assigned to it.

use serde_json::json;
use vestibule_domain::{
    AccountLinking, EmailAddress, EmailDomain, Organization, RoleAssignment, RoleAssignmentId, RoleName,
    RoleSubject, ServiceName, SystemRandomness, UpstreamProfile, UserId,
};

use crate::bench::{
    Bench as Stage, GITHUB, GOOGLE, address, all_at_once, at, on_both_databases, person, verified,
};
use crate::consistency::execute;

fn role(role: &str, subject: RoleSubject, service: Option<&str>) -> RoleAssignment {
    RoleAssignment {
        role: RoleName::parse(role).unwrap(),
        subject,
        service: service.map(|name| ServiceName::parse(name).unwrap()),
    }
}

fn domain(text: &str) -> RoleSubject {
    RoleSubject::Domain(EmailDomain::parse(text).unwrap())
}

fn organization(text: &str) -> RoleSubject {
    RoleSubject::Organization(Organization::parse(text).unwrap())
}

fn email(text: &str) -> RoleSubject {
    RoleSubject::Email(address(text))
}

impl Stage {
    async fn grant(&self, assignment: &RoleAssignment) -> bool {
        self.storage
            .grant_role(assignment, &RoleAssignmentId::random(&SystemRandomness), at(0))
            .await
            .unwrap()
    }

    /// The reasons of the roles that count for a user.
    async fn reasons(&self, user: &UserId) -> Vec<String> {
        let person = self.storage.find_person(user).await.unwrap();
        person.roles.iter().map(|role| format!("{}: {}", role.role, role.subject)).collect()
    }
}

on_both_databases! {
    async fn what_providers_state_is_that_of_the_last_sign_in(bench: &Bench) {
        let mut profile = verified(GITHUB, "1", &["Ada@Example.org"]);
        profile.claims.keep("groups", json!(["admins", "\u{0}\u{1f600} \"'"])).unwrap();
        profile.organizations = ["Acme", "labs"].map(|login| Organization::parse(login).unwrap()).into();
        let ada = bench.sign_in(&profile).await.user.id;
        bench.sign_in_as(&verified(GOOGLE, "g", &["ada@example.org"]), |sign_in| sign_in.now = at(5)).await;
        let known = bench.storage.find_person(&ada).await.unwrap();
        let [google, github] = &known.identities[..] else { panic!("{known:?}") };
        assert_eq!(google.provider.as_ref().unwrap().as_str(), "google");
        assert_eq!((&github.identity, github.login.as_deref()), (&profile.identity, Some("login-1")));
        assert_eq!((&github.claims, &github.organizations), (&profile.claims, &profile.organizations));
        assert!(known.verified_emails().iter().map(|address| address.as_str()).eq(["ada@example.org"]));

        bench.sign_in_as(&person(GITHUB, "1"), |sign_in| sign_in.now = at(9)).await;
        let github = &bench.storage.find_person(&ada).await.unwrap().identities[0];
        assert!(github.claims.as_object().is_empty() && github.organizations.is_empty());
        assert_eq!(github.verified_email(), None);
    }

    async fn nothing_is_known_about_somebody_who_is_not_there(bench: &Bench) {
        let nobody = UserId::random(&SystemRandomness);
        assert_eq!(bench.storage.find_person(&nobody).await.unwrap(), vestibule_domain::Person::default());
    }

    async fn an_identity_of_a_version_that_did_not_note_the_provider_is_known_without_it(bench: &Bench) {
        let ada = bench.sign_in(&verified(GOOGLE, "1", &["ada@example.org"])).await.user.id;
        execute(bench.database.url(), "UPDATE identities SET provider = ''").await;
        let known = bench.storage.find_person(&ada).await.unwrap();
        assert_eq!(known.identities[0].provider, None);
        assert_eq!(known.verified_emails().len(), 1);
    }

    async fn a_role_is_assigned_once_and_taken_away_once(bench: &Bench) {
        let everywhere = role("Writer", email("Ada@Example.org"), None);
        let at_storage = role("Writer", email("ada@example.org"), Some("storage"));
        assert!(bench.grant(&everywhere).await);
        assert!(!bench.grant(&role("Writer", email("ada@example.org"), None)).await);
        assert!(bench.grant(&at_storage).await);
        assert!(!bench.grant(&at_storage).await);
        let listed = bench.storage.list_role_assignments().await.unwrap();
        assert_eq!(listed.len(), 2);
        assert!(listed.contains(&role("Writer", email("ada@example.org"), None)) && listed.contains(&at_storage));

        assert!(bench.storage.revoke_role(&everywhere).await.unwrap());
        assert!(!bench.storage.revoke_role(&everywhere).await.unwrap());
        assert!(!bench.storage.revoke_role(&role("Writer", email("ada@example.org"), Some("other"))).await.unwrap());
        assert_eq!(bench.storage.list_role_assignments().await.unwrap(), [at_storage]);
    }

    async fn a_role_that_twenty_assign_at_once_is_there_once(bench: &Bench) {
        let grant = |_| {
            let storage = bench.replica();
            async move {
                let assignment = role("Writer", domain("example.org"), None);
                storage.grant_role(&assignment, &RoleAssignmentId::random(&SystemRandomness), at(0)).await.unwrap()
            }
        };
        let outcomes = all_at_once((0..20).map(grant).collect()).await;
        assert_eq!(outcomes.into_iter().filter(|is_new| *is_new).count(), 1);
        assert_eq!(bench.storage.list_role_assignments().await.unwrap().len(), 1);
    }

    async fn every_kind_of_subject_counts_for_those_whom_it_means(bench: &Bench) {
        let mut profile = verified(GITHUB, "1", &["Ada@Example.org"]);
        profile.organizations = vec![Organization::parse("Acme").unwrap()];
        let ada = bench.sign_in(&profile).await.user.id;
        let eve = bench.sign_in(&verified(GOOGLE, "2", &["eve@evil-example.org"])).await.user.id;
        for (name, subject) in [
            ("A", RoleSubject::User(ada.clone())),
            ("B", email("ADA@example.org")),
            ("C", domain("EXAMPLE.org")),
            ("D", organization("ACME")),
            // The same texts under other kinds mean nobody here.
            ("E", domain("acme")),
            ("F", organization("ada")),
        ] {
            assert!(bench.grant(&role(name, subject, None)).await);
        }
        let reasons = bench.reasons(&ada).await;
        let of_user = format!("A: user {ada}");
        assert_eq!(reasons, [of_user.as_str(), "B: email ada@example.org", "C: email domain example.org", "D: organization acme"]);
        assert!(bench.reasons(&eve).await.is_empty());
    }

    async fn c1_an_unverified_address_brings_no_role(bench: &Bench) {
        bench.grant(&role("Writer", email("ada@example.org"), None)).await;
        bench.grant(&role("Reader", domain("example.org"), None)).await;
        let unverified = UpstreamProfile {
            unverified_email: EmailAddress::parse("ada@example.org").ok(),
            ..person(GITHUB, "1")
        };
        let mallory = bench.sign_in(&unverified).await.user.id;
        assert!(bench.reasons(&mallory).await.is_empty());
        let ada = bench.sign_in(&verified(GOOGLE, "1", &["ada@example.org"])).await.user.id;
        assert_eq!(bench.reasons(&ada).await.len(), 2);
    }

    async fn an_address_that_is_no_longer_stated_brings_no_role(bench: &Bench) {
        bench.grant(&role("Writer", email("ada@example.org"), None)).await;
        let ada = bench.sign_in(&verified(GOOGLE, "1", &["ada@example.org"])).await.user.id;
        assert_eq!(bench.reasons(&ada).await.len(), 1);
        bench.sign_in(&verified(GOOGLE, "1", &["king@example.org"])).await;
        assert!(bench.reasons(&ada).await.is_empty());
    }

    async fn with_explicit_linking_each_who_verified_the_address_has_its_role(bench: &Bench) {
        bench.grant(&role("Writer", email("ada@example.org"), None)).await;
        for (issuer, subject) in [(GOOGLE, "1"), (GITHUB, "2")] {
            let profile = verified(issuer, subject, &["ada@example.org"]);
            let change = |sign_in: &mut vestibule_storage::SignIn| sign_in.linking = AccountLinking::Explicit;
            let one = bench.sign_in_as(&profile, change).await.user.id;
            assert_eq!(bench.reasons(&one).await.len(), 1);
        }
    }

    async fn with_the_user_go_the_roles_of_the_user_and_no_others(bench: &Bench) {
        let ada = bench.sign_in(&verified(GOOGLE, "1", &["ada@example.org"])).await.user.id;
        let of_user = role("Writer", RoleSubject::User(ada.clone()), Some("storage"));
        let of_address = role("Reader", email("ada@example.org"), None);
        bench.grant(&of_user).await;
        bench.grant(&of_address).await;
        bench.storage.delete_user(&ada).await.unwrap();
        assert_eq!(bench.storage.list_role_assignments().await.unwrap(), [of_address]);
        // Nor can a role be assigned to somebody who is not there.
        let id = RoleAssignmentId::random(&SystemRandomness);
        assert!(bench.storage.grant_role(&of_user, &id, at(0)).await.is_err());
    }
}
