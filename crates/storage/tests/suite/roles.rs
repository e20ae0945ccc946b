//! What is known about a person, and the roles that are assigned to it.

use serde_json::json;
use vestibule_domain::{
    AccountLinking, EmailAddress, EmailDomain, Organization, OrganizationId, OrganizationLogin, ProviderName,
    RoleAssignment, RoleAssignmentId, RoleName, RoleSubject, ServiceName, SystemRandom, UpstreamProfile,
    UserId,
};

use crate::bench::{
    Bench as Stage, GITHUB, GOOGLE, address, all_at_once, at, event, on_both_databases, person, verified,
};
use crate::consistency::execute;

fn role(role: &str, subject: RoleSubject, service: Option<&str>) -> RoleAssignment {
    RoleAssignment {
        role: RoleName::parse(role).unwrap(),
        subject,
        service: service.map(|name| ServiceName::parse(name).unwrap()),
        provider: None,
    }
}

fn domain(text: &str) -> RoleSubject {
    RoleSubject::Domain(EmailDomain::parse(text).unwrap())
}

fn organization(number: u64) -> RoleSubject {
    RoleSubject::Organization(OrganizationId::new(number).unwrap())
}

fn named(number: u64, login: &str) -> Organization {
    Organization { id: OrganizationId::new(number).unwrap(), login: OrganizationLogin::parse(login).unwrap() }
}

fn email(text: &str) -> RoleSubject {
    RoleSubject::Email(address(text))
}

impl Stage {
    async fn grant(&self, assignment: &RoleAssignment) -> bool {
        self.storage
            .grant_role(assignment, &RoleAssignmentId::random(&SystemRandom), at(0), &event())
            .await
            .unwrap()
    }

    // The reasons of the roles that count for a user.
    async fn reasons(&self, user: &UserId) -> Vec<String> {
        let person = self.storage.find_user_context(user).await.unwrap();
        person.roles.iter().map(|role| format!("{}: {}", role.role, role.subject)).collect()
    }
}

on_both_databases! {
    async fn what_providers_state_is_that_of_the_last_sign_in(bench: &Bench) {
        let mut profile = verified(GITHUB, "1", "Ada@Example.org");
        profile.claims.insert("groups", json!(["admins", "\u{0}\u{1f600} \"'"])).unwrap();
        profile.organizations = vec![named(1, "Acme"), named(2, "labs")];
        let ada = bench.sign_in(&profile).await.user.id;
        bench.sign_in_as(&verified(GOOGLE, "g", "ada@example.org"), |sign_in| sign_in.now = at(5)).await;
        let known = bench.storage.find_user_context(&ada).await.unwrap();
        let [google, github] = &known.identities[..] else { panic!("{known:?}") };
        assert_eq!(google.provider.as_str(), "google");
        assert_eq!((&github.identity, github.login.as_deref()), (&profile.identity, Some("login-1")));
        assert_eq!(github.claims, profile.claims);
        let organizations = github.organizations.iter().map(|member| &member.organization);
        assert!(organizations.eq(&profile.organizations));
        assert!(known.verified_emails().iter().map(|address| address.as_str()).eq(["ada@example.org"]));

        bench.sign_in_as(&person(GITHUB, "1"), |sign_in| sign_in.now = at(9)).await;
        let github = &bench.storage.find_user_context(&ada).await.unwrap().identities[0];
        assert!(github.claims.as_object().is_empty() && github.organizations.is_empty());
        assert_eq!(github.verified_email(), None);
    }

    async fn nothing_is_known_about_somebody_who_is_not_there(bench: &Bench) {
        let nobody = UserId::random(&SystemRandom);
        assert_eq!(bench.storage.find_user_context(&nobody).await.unwrap(), vestibule_domain::UserContext::default());
    }

    async fn c7_an_identity_of_a_version_that_did_not_note_the_provider_counts_when_it_signs_in_again(bench: &Bench) {
        let ada = bench.sign_in(&verified(GOOGLE, "1", "ada@example.org")).await.user.id;
        execute(bench.database.url(), "UPDATE identities SET provider = ''").await;
        assert!(bench.storage.find_user_context(&ada).await.unwrap().identities.is_empty());
        bench.sign_in(&verified(GOOGLE, "1", "ada@example.org")).await;
        assert_eq!(bench.storage.find_user_context(&ada).await.unwrap().verified_emails().len(), 1);
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

        assert!(bench.storage.revoke_role(&everywhere, &event()).await.unwrap());
        assert!(!bench.storage.revoke_role(&everywhere, &event()).await.unwrap());
        assert!(!bench.storage.revoke_role(&role("Writer", email("ada@example.org"), Some("other")), &event()).await.unwrap());
        assert_eq!(bench.storage.list_role_assignments().await.unwrap(), [at_storage]);
    }

    async fn a_role_that_twenty_assign_at_once_is_there_once(bench: &Bench) {
        let grant = |_| {
            let storage = bench.replica();
            async move {
                let assignment = role("Writer", domain("example.org"), None);
                storage.grant_role(&assignment, &RoleAssignmentId::random(&SystemRandom), at(0), &event()).await.unwrap()
            }
        };
        let outcomes = all_at_once((0..20).map(grant).collect()).await;
        assert_eq!(outcomes.into_iter().filter(|is_new| *is_new).count(), 1);
        assert_eq!(bench.storage.list_role_assignments().await.unwrap().len(), 1);
    }

    async fn every_kind_of_subject_counts_for_those_whom_it_means(bench: &Bench) {
        let mut profile = verified(GITHUB, "1", "Ada@Example.org");
        profile.organizations = vec![named(9, "Acme")];
        let ada = bench.sign_in(&profile).await.user.id;
        let eve = bench.sign_in(&verified(GOOGLE, "2", "eve@evil-example.org")).await.user.id;
        for (name, subject) in [
            ("A", RoleSubject::User(ada.clone())),
            ("B", email("ADA@example.org")),
            ("C", domain("EXAMPLE.org")),
            ("D", organization(9)),
            // The same texts under other kinds mean nobody here.
            ("E", domain("9")),
            ("F", organization(8)),
        ] {
            assert!(bench.grant(&role(name, subject, None)).await);
        }
        let reasons = bench.reasons(&ada).await;
        let of_user = format!("A: user {ada}");
        assert_eq!(reasons, [of_user.as_str(), "B: email ada@example.org", "C: email domain example.org", "D: organization 9"]);
        assert!(bench.reasons(&eve).await.is_empty());
    }

    async fn c18_with_a_provider_a_role_counts_by_its_statement_alone(bench: &Bench) {
        let by = |provider: &str, name: &str, subject| RoleAssignment {
            provider: ProviderName::parse(provider).ok(),
            ..role(name, subject, None)
        };
        let ada = bench.sign_in(&verified(GOOGLE, "1", "ada@example.org")).await.user.id;
        let user = || RoleSubject::User(ada.clone());
        for assignment in [
            by("google", "A", email("ada@example.org")),
            by("github", "B", email("ada@example.org")),
            by("google", "C", domain("example.org")),
            by("github", "D", domain("example.org")),
            by("google", "E", user()),
            by("github", "F", user()),
        ] {
            assert!(bench.grant(&assignment).await);
            assert!(bench.grant(&RoleAssignment { provider: None, service: ServiceName::parse("s").ok(), ..assignment.clone() }).await);
            assert!(!bench.grant(&assignment).await);
        }
        let of_ada = bench.storage.find_user_context(&ada).await.unwrap().roles;
        let by_provider = of_ada.iter().filter(|role| role.provider.is_some()).map(|role| role.role.as_str());
        assert_eq!(by_provider.collect::<Vec<_>>(), ["A", "C", "E"]);
        assert!(bench.storage.revoke_role(&by("google", "A", email("ada@example.org")), &event()).await.unwrap());
        assert_eq!(bench.storage.find_user_context(&ada).await.unwrap().roles.len(), of_ada.len() - 1);
    }

    async fn c18_a_role_at_the_service_itself_is_that_of_a_user_alone(bench: &Bench) {
        let ada = bench.sign_in(&verified(GOOGLE, "1", "ada@example.org")).await.user.id;
        bench.grant(&role("Administrator", email("ada@example.org"), Some("vestibule"))).await;
        bench.grant(&role("Administrator", domain("example.org"), Some("vestibule"))).await;
        assert!(bench.reasons(&ada).await.is_empty());
        bench.grant(&role("Reader", RoleSubject::User(ada.clone()), Some("vestibule"))).await;
        assert_eq!(bench.reasons(&ada).await, [format!("Reader: user {ada}")]);
    }

    // Whoever takes up the login of an organization that was renamed is another one.
    async fn c4_an_organization_is_its_number_whatever_it_is_called(bench: &Bench) {
        let member = |subject: &str, organization: Organization| UpstreamProfile {
            organizations: vec![organization],
            ..person(GITHUB, subject)
        };
        let is_unique = async |user: &UserId| {
            let known = bench.storage.find_user_context(user).await.unwrap();
            known.identities[0].organizations[0].login_is_unique
        };
        let login = OrganizationLogin::parse("ACME").unwrap();
        let seen = async || {
            let numbers = bench.storage.list_organizations_by_login(&login).await.unwrap();
            numbers.into_iter().map(OrganizationId::number).collect::<Vec<_>>()
        };
        assert!(seen().await.is_empty());
        bench.grant(&role("Writer", organization(1), None)).await;
        let ada = bench.sign_in(&member("1", named(1, "acme"))).await.user.id;
        assert!(is_unique(&ada).await);
        assert_eq!(seen().await, [1]);
        bench.sign_in(&member("1", named(1, "acme-old"))).await;
        assert_eq!(bench.reasons(&ada).await, ["Writer: organization 1"], "the same under another name");

        let mallory = bench.sign_in(&member("2", named(2, "Acme"))).await.user.id;
        assert!(bench.reasons(&mallory).await.is_empty());
        assert!(!is_unique(&mallory).await, "it was another's before");
        assert!(is_unique(&ada).await);
        assert_eq!(seen().await, [1, 2]);
        let logins = bench.storage.list_logins_of_organization(OrganizationId::new(1).unwrap()).await.unwrap();
        assert_eq!(logins.into_iter().collect::<Vec<_>>(), ["acme", "acme-old"]);
    }

    async fn c4_a_login_that_was_kept_without_a_number_is_no_organization(bench: &Bench) {
        bench.grant(&role("Writer", organization(1), None)).await;
        let profile = UpstreamProfile { organizations: vec![named(1, "acme")], ..person(GITHUB, "1") };
        let ada = bench.sign_in(&profile).await.user.id;
        execute(bench.database.url(), "UPDATE identities SET organizations = '[\"acme\", \"1\"]'").await;
        let known = bench.storage.find_user_context(&ada).await.unwrap();
        assert!(known.identities[0].organizations.is_empty() && known.roles.is_empty());
    }

    async fn c4_a_role_that_was_assigned_to_a_login_counts_for_nothing(bench: &Bench) {
        let profile = UpstreamProfile { organizations: vec![named(1, "acme")], ..person(GITHUB, "1") };
        let ada = bench.sign_in(&profile).await.user.id;
        let by_login = RoleSubject::OrganizationLogin(OrganizationLogin::parse("acme").unwrap());
        bench.grant(&role("Writer", by_login.clone(), None)).await;
        assert!(bench.reasons(&ada).await.is_empty());
        assert_eq!(bench.storage.list_role_assignments().await.unwrap(), [role("Writer", by_login, None)]);
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
        let ada = bench.sign_in(&verified(GOOGLE, "1", "ada@example.org")).await.user.id;
        assert_eq!(bench.reasons(&ada).await.len(), 2);
    }

    async fn an_address_that_is_no_longer_stated_brings_no_role(bench: &Bench) {
        bench.grant(&role("Writer", email("ada@example.org"), None)).await;
        let ada = bench.sign_in(&verified(GOOGLE, "1", "ada@example.org")).await.user.id;
        assert_eq!(bench.reasons(&ada).await.len(), 1);
        bench.sign_in(&verified(GOOGLE, "1", "king@example.org")).await;
        assert!(bench.reasons(&ada).await.is_empty());
    }

    async fn with_explicit_linking_each_who_verified_the_address_has_its_role(bench: &Bench) {
        bench.grant(&role("Writer", email("ada@example.org"), None)).await;
        for (issuer, subject) in [(GOOGLE, "1"), (GITHUB, "2")] {
            let profile = verified(issuer, subject, "ada@example.org");
            let change = |sign_in: &mut vestibule_storage::SignIn| sign_in.linking = AccountLinking::Explicit;
            let one = bench.sign_in_as(&profile, change).await.user.id;
            assert_eq!(bench.reasons(&one).await.len(), 1);
        }
    }

    async fn with_the_user_go_the_roles_of_the_user_and_no_others(bench: &Bench) {
        let ada = bench.sign_in(&verified(GOOGLE, "1", "ada@example.org")).await.user.id;
        let of_user = role("Writer", RoleSubject::User(ada.clone()), Some("storage"));
        let of_address = role("Reader", email("ada@example.org"), None);
        bench.grant(&of_user).await;
        bench.grant(&of_address).await;
        bench.storage.delete_user(&ada, &event()).await.unwrap();
        assert_eq!(bench.storage.list_role_assignments().await.unwrap(), [of_address]);
        // Nor can a role be assigned to somebody who is not there.
        let id = RoleAssignmentId::random(&SystemRandom);
        assert!(bench.storage.grant_role(&of_user, &id, at(0), &event()).await.is_err());
    }
}
