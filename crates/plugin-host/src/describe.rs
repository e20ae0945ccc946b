//! A user, as plugins read one. Members that a user does not have are left out.

use std::fmt;
use std::sync::{Arc, OnceLock};

use serde::Serialize;
use serde_json::{Map, Value, json};
use vestibule_domain::{
    AvatarUrl, DisplayName, EmailAddress, IdentityKey, LinkedIdentity, Membership, RoleAssignment, User,
    UserContext, Username,
};

/// A user, written from where it lies: every authorization describes one.
#[derive(Serialize)]
struct UserView<'a> {
    id: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    name: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    email: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    username: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    avatar_url: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    provider_id: Option<&'a str>,
    join_date: String,
    attributes: &'a Map<String, Value>,
}

impl<'a> UserView<'a> {
    fn new(user: &'a User, provider_id: Option<&'a str>) -> Self {
        Self {
            id: user.id.as_str(),
            name: user.name.as_ref().map(DisplayName::as_str),
            email: user.email.as_ref().map(EmailAddress::as_str),
            username: user.username.as_ref().map(Username::as_str),
            avatar_url: user.avatar_url.as_ref().map(AvatarUrl::as_str),
            provider_id,
            join_date: user.join_date.to_rfc3339(),
            attributes: user.attributes.as_object(),
        }
    }
}

/// No flattened struct: that takes three times as long to write.
#[derive(Serialize)]
struct Context<'a> {
    user: UserView<'a>,
    #[serde(skip_serializing_if = "Option::is_none")]
    verified_emails: Option<Vec<&'a str>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    identities: Option<Vec<Value>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    roles: Option<Vec<Value>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    credential: Option<&'a Value>,
}

impl<'a> Context<'a> {
    fn new(user: UserView<'a>, context: Option<&'a UserContext>, credential: Option<&'a Value>) -> Self {
        let verified_emails = |context: &'a UserContext| {
            context.verified_emails().into_iter().map(EmailAddress::as_str).collect()
        };
        Self {
            user,
            verified_emails: context.map(verified_emails),
            identities: context.map(|context| context.identities.iter().map(identity_json).collect()),
            roles: context.map(|context| context.roles.iter().map(role_json).collect()),
            credential,
        }
    }
}

/// The context of permission requests without identities, memoized: it is the same for every request of a session. `Debug`
/// does not show it, because it holds personal data.
///
/// With it goes what is told of the credential, if that lends less than all.
#[derive(Default)]
pub struct ContextMemo {
    text: OnceLock<Arc<str>>,
    credential: Option<Value>,
}

impl ContextMemo {
    /// Of a credential that lends a part of what its owner may do.
    pub fn with_credential(credential: Value) -> Self {
        Self { text: OnceLock::new(), credential: Some(credential) }
    }

    pub(crate) fn credential(&self) -> Option<&Value> {
        self.credential.as_ref()
    }

    pub(crate) fn get_or_write(&self, user: &User, provider_id: Option<&str>) -> Arc<str> {
        let write = || permission_context(user, provider_id, None, self.credential()).into();
        Arc::clone(self.text.get_or_init(write))
    }
}

impl fmt::Debug for ContextMemo {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("ContextMemo(..)")
    }
}

/// A user alone, as JSON.
pub(crate) fn user_json(user: &User, provider_id: &str) -> String {
    to_json(&UserView::new(user, Some(provider_id)))
}

/// The context of a permission request; with what is known about the user, where the plugin wants to know.
pub(crate) fn permission_context(
    user: &User,
    provider_id: Option<&str>,
    user_context: Option<&UserContext>,
    credential: Option<&Value>,
) -> String {
    to_json(&Context::new(UserView::new(user, provider_id), user_context, credential))
}

fn to_json(view: &impl Serialize) -> String {
    serde_json::to_string(view).unwrap_or_default()
}

fn identity_json(identity: &LinkedIdentity) -> Value {
    let provider_id = identity.provider_id();
    let mut members = Map::new();
    let IdentityKey { issuer, subject } = &identity.identity;
    members.insert("provider_id".to_owned(), provider_id.into());
    members.insert("issuer".to_owned(), issuer.as_str().into());
    members.insert("subject".to_owned(), subject.as_str().into());
    if let Some(login) = &identity.login {
        members.insert("login".to_owned(), login.as_str().into());
    }
    if let Some(email) = &identity.email {
        members.insert("email".to_owned(), email.as_str().into());
    }
    members.insert("email_verified".to_owned(), identity.verified_email().is_some().into());
    members.insert("claims".to_owned(), identity.claims.as_object().clone().into());
    let organizations = identity.organizations.iter().map(organization_json).collect();
    members.insert("organizations".to_owned(), organizations);
    Value::Object(members)
}

fn organization_json(Membership { organization, login_is_unique }: &Membership) -> Value {
    json!({
        "id": organization.id.number(),
        "login": organization.login.as_str(),
        "login_is_unique": login_is_unique,
    })
}

fn role_json(assignment: &RoleAssignment) -> Value {
    let because = assignment.reason();
    match &assignment.service {
        Some(service) => {
            json!({ "role": assignment.role.as_str(), "service": service.as_str(), "because": because })
        }
        None => json!({ "role": assignment.role.as_str(), "because": because }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use vestibule_domain::{
        Attributes, Organization, OrganizationId, OrganizationLogin, ProviderName, RoleName, RoleSubject,
        ServiceName, Timestamp, UpstreamClaims, UserId, UserKind,
    };

    fn user() -> User {
        User {
            id: UserId::parse("u1").unwrap(),
            kind: UserKind::Person,
            username: None,
            name: None,
            email: None,
            avatar_url: None,
            attributes: Attributes::default(),
            join_date: Timestamp::from_seconds(0),
            disabled_at: None,
        }
    }

    fn identity(provider: &str) -> LinkedIdentity {
        let mut claims = UpstreamClaims::default();
        claims.insert("groups", json!(["admins"])).unwrap();
        LinkedIdentity {
            provider: ProviderName::parse(provider).unwrap(),
            identity: IdentityKey { issuer: "https://github.com".into(), subject: "42".into() },
            login: Some("ada".into()),
            email: EmailAddress::parse("ada@example.org").ok(),
            email_verified: true,
            claims,
            organizations: vec![Membership {
                organization: Organization {
                    id: OrganizationId::parse("9000001").unwrap(),
                    login: OrganizationLogin::parse("acme").unwrap(),
                },
                login_is_unique: true,
            }],
        }
    }

    fn user_of_the_test() -> Value {
        json!({
            "id": "u1",
            "provider_id": "github:42",
            "join_date": "1970-01-01T00:00:00Z",
            "attributes": {},
        })
    }

    fn context(user_context: Option<&UserContext>) -> Value {
        permission_context(&user(), Some("github:42"), user_context, None).parse().unwrap()
    }

    #[test]
    fn the_context_says_who_the_person_is_by_every_identity() {
        let role = |service: Option<&str>| RoleAssignment {
            role: RoleName::parse("Writer").unwrap(),
            subject: RoleSubject::Email(EmailAddress::parse("Ada@example.org").unwrap()),
            provider: service.and_then(|_| ProviderName::parse("github").ok()),
            service: service.map(|name| ServiceName::parse(name).unwrap()),
        };
        let bare = LinkedIdentity { login: None, email: None, ..identity("work") };
        let user_context = UserContext {
            identities: vec![identity("github"), bare],
            roles: vec![role(Some("storage")), role(None)],
        };
        let acme = json!({"id": 9_000_001, "login": "acme", "login_is_unique": true});
        let expected = json!({
            "user": user_of_the_test(),
            "verified_emails": ["ada@example.org"],
            "identities": [
                {"provider_id": "github:42", "issuer": "https://github.com", "subject": "42", "login": "ada",
                 "email": "ada@example.org", "email_verified": true, "claims": {"groups": ["admins"]},
                 "organizations": [acme]},
                {"provider_id": "work:42", "issuer": "https://github.com", "subject": "42",
                 "email_verified": false, "claims": {"groups": ["admins"]}, "organizations": [acme]},
            ],
            "roles": [
                {"role": "Writer", "service": "storage", "because": "email ada@example.org by github"},
                {"role": "Writer", "because": "email ada@example.org"},
            ],
        });
        assert_eq!(context(Some(&user_context)), expected);
    }

    #[test]
    fn who_does_not_want_to_know_is_told_of_the_user_alone() {
        assert_eq!(context(None), json!({"user": user_of_the_test()}));
    }
}
