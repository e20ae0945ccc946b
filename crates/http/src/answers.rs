//! What the endpoints answer, word for word as clients know it.

mod keys;

use std::collections::BTreeMap;

use poem_openapi::types::{Any, Example};
use poem_openapi::{Object, Union};
use secrecy::ExposeSecret;
use serde::Serialize;
use serde_json::Value;
use vestibule_flows::{PermissionGrant, Principal, PublicProfile, UsernameOutcome};

use crate::responses::Describe;

pub(crate) use keys::KeySetAnswer;

/// An error.
#[derive(Object, Serialize)]
#[oai(example)]
pub(crate) struct ErrorAnswer {
    /// A stable code, for programs.
    pub(crate) error: String,
    /// One sentence, for people.
    pub(crate) error_description: String,
    /// The id under which the service logged the request; also in the header `X-Request-Id`.
    pub(crate) request_id: String,
}

impl Example for ErrorAnswer {
    fn example() -> Self {
        Self {
            error: "invalid_next".into(),
            error_description: "the origin of next is not one of the allowed origins".into(),
            request_id: "5f0c6a1d9b3e4c27".into(),
        }
    }
}

/// Whether somebody is signed in.
#[derive(Union, Serialize)]
#[serde(untagged)]
pub(crate) enum SessionAnswer {
    /// Somebody is.
    SignedIn(SignedIn),
    /// Nobody is.
    SignedOut(SignedOut),
}

/// Somebody is signed in.
#[derive(Object, Serialize)]
#[oai(example)]
pub(crate) struct SignedIn {
    /// Always true.
    pub(crate) authenticated: bool,
    /// Who it is.
    pub(crate) profile: Profile,
}

impl Example for SignedIn {
    fn example() -> Self {
        Self { authenticated: true, profile: Profile::example() }
    }
}

/// Nobody is signed in.
#[derive(Object, Serialize)]
#[oai(example)]
pub(crate) struct SignedOut {
    /// Always false.
    pub(crate) authenticated: bool,
    /// The configured providers by name, and where a sign-in with each begins.
    pub(crate) providers: BTreeMap<String, ProviderAnswer>,
}

impl Example for SignedOut {
    fn example() -> Self {
        let providers = BTreeMap::from([("google".into(), ProviderAnswer::example())]);
        Self { authenticated: false, providers }
    }
}

/// A way to sign in.
#[derive(Object, Serialize)]
#[oai(example)]
pub(crate) struct ProviderAnswer {
    /// Where to send the browser.
    pub(crate) url: String,
}

impl Example for ProviderAnswer {
    fn example() -> Self {
        let url = "https://auth.example.com/auth/login/google?next=https%3A%2F%2Fapp.example.com%2F";
        Self { url: url.into() }
    }
}

/// The profile of whoever is signed in.
#[derive(Object, Serialize)]
#[oai(example)]
pub(crate) struct Profile {
    /// The user's id, stable for ever.
    pub(crate) id: String,
    /// The same as `id`.
    pub(crate) idhash: String,
    /// The name at the provider.
    #[oai(nullable)]
    pub(crate) name: Option<String>,
    /// The address that the provider verified.
    #[oai(nullable)]
    pub(crate) email: Option<String>,
    /// The picture at the provider.
    #[oai(nullable)]
    pub(crate) avatar_url: Option<String>,
    /// The username, once it is chosen.
    #[oai(skip_serializing_if_is_none)]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) username: Option<String>,
    /// The identity that signed in: `provider:subject`.
    pub(crate) provider_id: String,
    /// When the user first signed in (RFC 3339).
    pub(crate) join_date: String,
}

impl From<&Principal> for Profile {
    fn from(principal: &Principal) -> Self {
        let user = principal.user();
        Self {
            id: user.id.to_string(),
            idhash: user.id.to_string(),
            name: user.name.as_ref().map(|name| name.as_str().to_owned()),
            email: user.email.as_ref().map(|email| email.as_str().to_owned()),
            avatar_url: user.avatar_url.as_ref().map(|url| url.as_str().to_owned()),
            username: user.username.as_ref().map(ToString::to_string),
            provider_id: principal.provider_id().unwrap_or_default().to_owned(),
            join_date: user.join_date.to_rfc3339(),
        }
    }
}

impl Example for Profile {
    fn example() -> Self {
        Self {
            id: "9f2c1e7ab04d4c5c8a0e6d1f3b72c954".into(),
            idhash: "9f2c1e7ab04d4c5c8a0e6d1f3b72c954".into(),
            name: Some("Ada Lovelace".into()),
            email: Some("ada@example.com".into()),
            avatar_url: Some("https://images.example.com/ada.png".into()),
            username: Some("ada".into()),
            provider_id: "google:110169484474386276334".into(),
            join_date: "2026-11-22T10:08:33Z".into(),
        }
    }
}

/// The answer to a request for permissions.
#[derive(Union, Serialize)]
#[serde(untagged)]
pub(crate) enum AuthorizationAnswer {
    /// A token for the service.
    Granted(Granted),
    /// No token: nobody is signed in, or the service is not configured.
    Nothing(Nothing),
}

/// Names and values, as the permission provider chose them.
type Permissions = BTreeMap<String, Any<Value>>;

/// A permission token and what it says.
#[derive(Object, Serialize)]
#[oai(example)]
pub(crate) struct Granted {
    /// The permission token, to be sent to the service.
    pub(crate) token: String,
    /// Whose permissions these are.
    pub(crate) userid: String,
    /// What the service's permission provider answered.
    pub(crate) permissions: Permissions,
    /// The service.
    pub(crate) service: String,
}

impl From<&PermissionGrant> for Granted {
    fn from(grant: &PermissionGrant) -> Self {
        let permissions = grant.permissions.iter();
        Self {
            token: grant.token.token.expose_secret().to_owned(),
            userid: grant.user_id.to_string(),
            permissions: permissions.map(|(name, value)| (name.clone(), Any(value.clone()))).collect(),
            service: grant.service.to_string(),
        }
    }
}

impl Example for Granted {
    fn example() -> Self {
        Self {
            token: "eyJhbGciOiJSUzI1NiIsInR5cCI6InBlcm1pc3Npb24rand0In0.eyJzZXJ2aWNlIjoic3RvcmFnZSJ9.c2lnbmF0dXJl".into(),
            userid: "9f2c1e7ab04d4c5c8a0e6d1f3b72c954".into(),
            permissions: Permissions::from([
                ("read".into(), Any(Value::from(true))),
                ("write".into(), Any(Value::from(false))),
            ]),
            service: "storage".into(),
        }
    }
}

/// No permissions, and no token.
#[derive(Default, Object, Serialize)]
#[oai(example)]
pub(crate) struct Nothing {
    /// Always empty.
    pub(crate) permissions: Permissions,
}

impl Example for Nothing {
    fn example() -> Self {
        Self::default()
    }
}

/// Whether a change was made.
#[derive(Object, Serialize)]
#[oai(example)]
pub(crate) struct UpdateAnswer {
    /// Whether all is as asked.
    pub(crate) success: bool,
    /// Why not.
    #[oai(skip_serializing_if_is_none)]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) error: Option<String>,
}

impl From<UsernameOutcome> for UpdateAnswer {
    fn from(outcome: UsernameOutcome) -> Self {
        match outcome {
            UsernameOutcome::Done => Self { success: true, error: None },
            UsernameOutcome::Refused(reason) => Self { success: false, error: Some(reason) },
        }
    }
}

impl Example for UpdateAnswer {
    fn example() -> Self {
        Self { success: false, error: Some("this username is taken".into()) }
    }
}

/// The end of a session.
#[derive(Object, Serialize)]
#[oai(example)]
pub(crate) struct SignOutAnswer {
    /// Always true: the session is over now, or was before.
    pub(crate) success: bool,
}

impl Example for SignOutAnswer {
    fn example() -> Self {
        Self { success: true }
    }
}

/// Whose username it is.
#[derive(Object, Serialize)]
#[oai(example)]
pub(crate) struct ResolveAnswer {
    /// The user's id; null when nobody has the username.
    #[oai(nullable)]
    pub(crate) userid: Option<String>,
}

impl Example for ResolveAnswer {
    fn example() -> Self {
        Self { userid: Some("9f2c1e7ab04d4c5c8a0e6d1f3b72c954".into()) }
    }
}

/// What anybody may know about the holder of a username.
#[derive(Object, Serialize)]
#[oai(example)]
pub(crate) struct FindProfileAnswer {
    /// Whether somebody has the username.
    pub(crate) found: bool,
    /// The public profile; null when nobody has the username.
    #[oai(nullable)]
    pub(crate) profile: Option<PublicProfileAnswer>,
}

impl From<Option<PublicProfile>> for FindProfileAnswer {
    fn from(profile: Option<PublicProfile>) -> Self {
        Self { found: profile.is_some(), profile: profile.map(Into::into) }
    }
}

impl Example for FindProfileAnswer {
    fn example() -> Self {
        Self { found: true, profile: Some(PublicProfileAnswer::example()) }
    }
}

/// A public profile.
#[derive(Object, Serialize)]
#[oai(example)]
pub(crate) struct PublicProfileAnswer {
    /// The user's id.
    pub(crate) id: String,
    /// The name at the provider.
    #[oai(nullable)]
    pub(crate) name: Option<String>,
    /// When the user first signed in (RFC 3339).
    pub(crate) join_date: String,
    /// The picture at the provider.
    #[oai(nullable)]
    pub(crate) avatar_url: Option<String>,
    /// The SHA-256 of the trimmed, lower-cased address in hexadecimal; null without a verified address.
    #[oai(nullable)]
    pub(crate) gravatar: Option<String>,
}

impl From<PublicProfile> for PublicProfileAnswer {
    fn from(profile: PublicProfile) -> Self {
        let user = profile.user;
        Self {
            id: user.id.to_string(),
            name: user.name.map(|name| name.as_str().to_owned()),
            join_date: user.join_date.to_rfc3339(),
            avatar_url: user.avatar_url.map(|url| url.as_str().to_owned()),
            gravatar: profile.gravatar,
        }
    }
}

impl Example for PublicProfileAnswer {
    fn example() -> Self {
        Self {
            id: "9f2c1e7ab04d4c5c8a0e6d1f3b72c954".into(),
            name: Some("Ada Lovelace".into()),
            join_date: "2026-11-22T10:08:33Z".into(),
            avatar_url: Some("https://images.example.com/ada.png".into()),
            gravatar: Some("b6d8dd87a0c36c8cd4a7a9bf5dd2e3ce5d5d6a8d5e29c8fbd5c2d7f6e1a0c9b4".into()),
        }
    }
}

/// The state of the service.
#[derive(Object, Serialize)]
#[oai(example)]
pub(crate) struct HealthAnswer {
    /// `alive` or `ready`.
    pub(crate) status: String,
    /// What the operator should look at all the same: a clock that differs from the database's.
    #[oai(skip_serializing_if_is_none)]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) warning: Option<String>,
}

impl HealthAnswer {
    pub(crate) fn alive() -> Self {
        Self { status: "alive".into(), warning: None }
    }
}

impl Example for HealthAnswer {
    fn example() -> Self {
        Self { status: "ready".into(), warning: Some("the clock is 50 s ahead of the database's".into()) }
    }
}

macro_rules! describe {
    ($($answer:ty: $description:literal,)+) => {
        $(impl Describe for $answer {
            const DESCRIPTION: &'static str = $description;
        })+
    };
}

describe! {
    SessionAnswer: "The profile of whoever is signed in, or the ways to sign in.",
    AuthorizationAnswer: "A permission token, or no permissions and no token.",
    UpdateAnswer: "Whether all is now as asked, and why not.",
    SignOutAnswer: "The session is over.",
    ResolveAnswer: "The id of the holder, or null.",
    FindProfileAnswer: "The public profile of the holder, or null.",
    HealthAnswer: "All is well.",
    KeySetAnswer: "The keys.",
}

#[cfg(test)]
mod tests {
    use poem_openapi::types::ToJSON;

    use super::*;

    /// The document speaks of the one form, clients get the other.
    fn assert_alike<T: Example + ToJSON + Serialize>() {
        let answer = T::example();
        assert_eq!(serde_json::to_value(&answer).ok(), answer.to_json());
    }

    #[test]
    fn answers_are_written_as_the_document_describes_them() {
        assert_alike::<ErrorAnswer>();
        assert_alike::<SignedIn>();
        assert_alike::<SignedOut>();
        assert_alike::<Granted>();
        assert_alike::<Nothing>();
        assert_alike::<UpdateAnswer>();
        assert_alike::<SignOutAnswer>();
        assert_alike::<ResolveAnswer>();
        assert_alike::<FindProfileAnswer>();
        assert_alike::<HealthAnswer>();
        assert_alike::<KeySetAnswer>();
    }

    #[test]
    fn what_is_absent_is_written_as_the_document_describes_it() {
        let nobody =
            Profile { name: None, email: None, avatar_url: None, username: None, ..Profile::example() };
        let answer = SessionAnswer::SignedIn(SignedIn { authenticated: true, profile: nobody });
        assert_eq!(serde_json::to_value(&answer).ok(), answer.to_json());
        let done = UpdateAnswer { success: true, error: None };
        assert_eq!(serde_json::to_value(&done).ok(), done.to_json());
        let nobody = FindProfileAnswer { found: false, profile: None };
        assert_eq!(serde_json::to_value(&nobody).ok(), nobody.to_json());
    }
}
