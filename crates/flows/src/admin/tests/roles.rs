//! Granting, revoking and listing roles.

use serde_json::json;
use vestibule_domain::{
    Actor, AuditEvent, AuditName, EmailAddress, EmailDomain, OrganizationId, OrganizationLogin, ProviderName,
    RoleAssignment, RoleAssignmentId, RoleName, RoleSubject, ServiceName, SystemRandom, User,
};

use super::{Stage, at, id, text_of};
use crate::admin::{NamedOrganization, NamedSubject, NamedUser, RoleRequest};
use crate::testing::{GOOGLE, person};

fn request(role: &str, subject: NamedSubject, service: Option<&str>) -> RoleRequest {
    let role = RoleName::parse(role).unwrap();
    let service = service.map(|name| ServiceName::parse(name).unwrap());
    RoleRequest { role, subject, service, provider: None }
}

fn user(text: &str) -> NamedSubject {
    NamedSubject::User(NamedUser::Id(id(text)))
}

fn organization(text: &str) -> NamedSubject {
    NamedSubject::Organization(NamedOrganization::parse(text).unwrap())
}

fn domain() -> NamedSubject {
    NamedSubject::Domain(EmailDomain::parse("example.org").unwrap())
}

impl Stage {
    /// Grants a role and says the outcome as a line.
    async fn grant(&self, request: &RoleRequest) -> String {
        match self.admin().grant_role(&SystemRandom, request).await {
            Ok(granted) => format!("{}: {}", granted.role, granted.is_new),
            Err(error) => error.to_string(),
        }
    }

    async fn revoke(&self, request: &RoleRequest) -> String {
        match self.admin().revoke_role(request).await {
            Ok(role) => role.to_string(),
            Err(error) => error.to_string(),
        }
    }

    async fn roles(&self, user: Option<&User>) -> Vec<String> {
        self.admin().list_roles(user).await.unwrap().iter().map(ToString::to_string).collect()
    }

    /// An assignment to a login, as a version before numbers stored it.
    async fn grant_to_login(&self, login: &str) {
        let subject = RoleSubject::OrganizationLogin(OrganizationLogin::parse(login).unwrap());
        let assignment = RoleAssignment {
            role: RoleName::parse("Writer").unwrap(),
            subject,
            service: None,
            provider: None,
        };
        let event = AuditEvent::new(AuditName::RoleGranted, Actor::Service, at(0));
        let id = RoleAssignmentId::random(&SystemRandom);
        assert!(self.storage.grant_role(&assignment, &id, at(0), &event).await.unwrap());
    }

    async fn recorded_roles(&self) -> Vec<(String, Option<String>, serde_json::Value)> {
        let recorded = self.recorded().await.into_iter();
        recorded.map(|(event, user, _, details)| (event, user, details.into())).collect()
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_role_is_granted_once_revoked_once_and_recorded_without_an_address() {
    let stage = Stage::set().await;
    stage.sign_in(person(GOOGLE, "1"), "ada").await;
    let address = NamedSubject::Email(EmailAddress::parse("Ada@example.org").unwrap());
    let provider = ProviderName::parse("google").ok();
    let by_google = RoleRequest { provider, ..request("Writer", address, Some("storage")) };
    let of_ada = request("Reader", user("ada"), None);
    assert_eq!(stage.grant(&of_ada).await, "Reader  every service  user ada (-, Ada Lovelace): true");
    assert_eq!(stage.grant(&of_ada).await, "Reader  every service  user ada (-, Ada Lovelace): false");
    assert_eq!(stage.grant(&by_google).await, "Writer  storage  email ada@example.org by google: true");
    assert_eq!(
        stage.roles(None).await,
        ["Reader  every service  user ada", "Writer  storage  email ada@example.org by google"]
    );
    assert_eq!(stage.revoke(&of_ada).await, "Reader  every service  user ada (-, Ada Lovelace)");
    assert_eq!(
        stage.revoke(&of_ada).await,
        "Reader  every service  user ada (-, Ada Lovelace): is not granted"
    );
    let (by_nobody, ada) = (json!(null), Some("ada".to_owned()));
    let reader = json!({"role": "Reader", "service": null, "to": "user", "by": by_nobody});
    let writer = json!({"role": "Writer", "service": "storage", "to": "email", "by": "google", "domain": "example.org"});
    assert_eq!(
        stage.recorded_roles().await,
        [
            ("role.granted".to_owned(), None, writer),
            ("role.granted".to_owned(), ada.clone(), reader.clone()),
            ("role.revoked".to_owned(), ada, reader),
        ]
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn only_the_roles_that_count_for_a_user_are_listed_for_one() {
    let stage = Stage::set().await;
    let ada = stage.sign_in(person(GOOGLE, "1"), "ada").await;
    stage.grant(&request("Reader", user("ada"), None)).await;
    stage.grant(&request("Writer", domain(), None)).await;
    assert_eq!(stage.roles(None).await.len(), 2);
    assert_eq!(stage.roles(Some(&ada)).await, ["Reader  every service  user ada"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn c18_roles_at_the_service_itself_are_few_and_of_users_alone() {
    let stage = Stage::set().await;
    stage.sign_in(person(GOOGLE, "1"), "ada").await;
    for (role, subject, service, text) in [
        (
            "Reader",
            user("ada"),
            "Vestibule",
            "Vestibule: the service itself is called vestibule, in small letters",
        ),
        ("Reader", domain(), "vestibule", "vestibule: roles at the service itself are granted to users"),
        (
            "Writer",
            user("ada"),
            "vestibule",
            "vestibule: the roles there are Reader, Moderator and Administrator",
        ),
    ] {
        assert_eq!(stage.grant(&request(role, subject, Some(service))).await, text);
    }
    let provider = ProviderName::parse("google").ok();
    let by_google = RoleRequest { provider, ..request("Reader", user("ada"), Some("vestibule")) };
    assert!(stage.grant(&by_google).await.ends_with("are granted to users"));
    assert_eq!((stage.roles(None).await, stage.recorded().await), (vec![], vec![]));
    for role in ["Reader", "Moderator", "Administrator"] {
        assert!(
            stage.grant(&request(role, user("ada"), Some("vestibule"))).await.ends_with(": true"),
            "{role}"
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn c4_a_login_names_an_organization_only_while_no_other_was_seen_under_it() {
    let stage = Stage::set().await;
    let by_login = request("Writer", organization("Acme"), None);
    assert_eq!(
        stage.grant(&by_login).await,
        "no member of the organization Acme has signed in yet; name it by its number, which https://api.github.com/orgs/Acme has as id"
    );
    stage.sign_in_member("1", 9_000_001, "acme").await;
    assert_eq!(stage.grant(&by_login).await, "Writer  every service  organization 9000001 (acme): true");
    stage.sign_in_member("2", 9_000_002, "ACME").await;
    assert_eq!(
        text_of(stage.admin().revoke_role(&by_login).await),
        "several organizations were seen as Acme: 9000001, 9000002; name the one that you mean by its number"
    );
    let by_number = request("Writer", organization("9000001"), None);
    assert_eq!(stage.revoke(&by_number).await, "Writer  every service  organization 9000001 (acme)");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_role_of_a_login_alone_goes_when_it_is_granted_again_or_revoked() {
    let stage = Stage::set().await;
    stage.grant_to_login("acme").await;
    let by_login = request("Writer", organization("acme"), None);
    let line = "Writer  every service  organization login:acme, counts for nothing until it is granted again";
    assert_eq!(stage.roles(None).await, [line]);
    assert_eq!(stage.revoke(&by_login).await, line, "also where nobody of the organization has signed in");

    stage.grant_to_login("acme").await;
    stage.sign_in_member("1", 9_000_001, "acme").await;
    assert_eq!(stage.grant(&by_login).await, "Writer  every service  organization 9000001 (acme): true");
    assert_eq!(stage.roles(None).await, ["Writer  every service  organization 9000001 (acme)"]);
    assert_eq!(
        NamedOrganization::parse("9000001"),
        Ok(NamedOrganization::Number(OrganizationId::new(9_000_001).unwrap()))
    );
}
