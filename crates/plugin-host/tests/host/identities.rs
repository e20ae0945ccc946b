//! What is known of a person's identities is told to the plugins that want it, and to no others.

use serde_json::{Map, Value, json};
use vestibule_domain::{
    IdentityKey, LinkedIdentity, ProviderName, RoleAssignment, RoleName, RoleSubject, UpstreamClaims,
    UserContext,
};
use vestibule_plugin_host::{CallFailure, PermissionRequest, PluginHost, Unavailability};

use crate::support::{Folder, patient, service, user};

fn user_context() -> UserContext {
    let identity = LinkedIdentity {
        provider: ProviderName::parse("google").unwrap(),
        identity: IdentityKey { issuer: "https://id.example".into(), subject: "1".into() },
        login: None,
        email: None,
        email_verified: false,
        claims: UpstreamClaims::default(),
        organizations: Vec::new(),
    };
    let role = RoleAssignment {
        role: RoleName::parse("Writer").unwrap(),
        subject: RoleSubject::User(user("ada").id),
        service: None,
        provider: None,
    };
    UserContext { identities: vec![identity], roles: vec![role] }
}

fn echo(flags: &str) -> PluginHost {
    Folder::with_variant(&["ECHO", "EXPLAIN", "MINOR=1", flags]).serve("variant", patient()).unwrap()
}

async fn told(host: &PluginHost, user_context: Option<&UserContext>) -> [Map<String, Value>; 2] {
    let (service, user) = (service("billing"), user("ada"));
    let request = PermissionRequest {
        service: &service,
        user: &user,
        provider_id: Some("google:1"),
        session: None,
        user_context,
        memo: None,
    };
    [host.permissions(&request).await.unwrap(), host.explain(&request).await.unwrap().unwrap()]
}

#[tokio::test]
async fn a_plugin_with_the_flag_is_told_of_identities_and_roles() {
    let host = echo("FLAGS=VESTIBULE_F_IDENTITIES");
    assert!(host.wants_identities(&service("billing")) && !host.wants_identities(&service("other")));
    for told in told(&host, Some(&user_context())).await {
        assert_eq!(told["user"]["id"], "ada");
        assert_eq!(told["identities"][0]["provider_id"], "google:1");
        assert_eq!(told["roles"], json!([{"role": "Writer", "because": "user ada"}]));
        assert_eq!(told["verified_emails"], json!([]));
    }
}

#[tokio::test]
async fn a_plugin_with_the_flag_is_never_asked_without_the_person() {
    let host = echo("FLAGS=VESTIBULE_F_IDENTITIES");
    let (service, user) = (service("billing"), user("ada"));
    let request = PermissionRequest {
        service: &service,
        user: &user,
        provider_id: Some("google:1"),
        session: None,
        user_context: None,
        memo: None,
    };
    let alias = "billing".to_owned();
    let later = CallFailure::Unavailable { alias, cause: Unavailability::Retry };
    assert_eq!(host.permissions(&request).await, Err(later.clone()));
    assert_eq!(host.explain(&request).await, Err(later));
}

#[tokio::test]
async fn a_plugin_without_the_flag_is_told_of_the_user_alone() {
    let host = echo("FLAGS=0");
    assert!(!host.wants_identities(&service("billing")));
    for told in told(&host, Some(&user_context())).await {
        assert_eq!(told.keys().collect::<Vec<_>>(), ["user"]);
    }
}
