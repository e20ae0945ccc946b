//! What the operations of sessions answer, word for word as clients know it.

use std::collections::BTreeMap;

use poem::{IntoResponse, Response};
use poem_openapi::registry::{MetaResponses, Registry};
use poem_openapi::types::Example;
use poem_openapi::{ApiResponse, Object, Union};
use serde::Serialize;
use vestibule_flows::Principal;

use crate::redirect::SeeOther;
use crate::responses::{WithCookie, describe};

/// Whether the caller is signed in.
#[derive(Union, Serialize)]
#[serde(untagged)]
pub(crate) enum SessionAnswer {
    /// The caller is signed in.
    SignedIn(SignedIn),
    /// The caller is not signed in.
    SignedOut(SignedOut),
}

/// The caller is signed in.
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

/// The caller is not signed in.
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
    /// What to write on the button: the operator's words, as plain text.
    pub(crate) label: String,
}

impl Example for ProviderAnswer {
    fn example() -> Self {
        let url = "https://auth.example.com/auth/login/google?next=https%3A%2F%2Fapp.example.com%2F";
        Self { url: url.into(), label: "Google".into() }
    }
}

/// The profile of the person who is signed in.
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
    /// The identity that signed in: `provider:subject`. A role account has none.
    #[oai(skip_serializing_if_is_none)]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) provider_id: Option<String>,
    /// When the user first signed in (RFC 3339). Not there for one that the service has no record of.
    #[oai(skip_serializing_if_is_none)]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) join_date: Option<String>,
    /// `true` for a role account, which is a program; else not there.
    #[oai(skip_serializing_if_is_none)]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) roleaccount: Option<bool>,
}

impl From<&Principal> for Profile {
    fn from(principal: &Principal) -> Self {
        let user = principal.user();
        let is_role_account = principal.is_role_account();
        Self {
            id: user.id.to_string(),
            idhash: user.id.to_string(),
            name: user.name.as_ref().map(|name| name.as_str().to_owned()),
            email: user
                .email
                .as_ref()
                .filter(|_| principal.tells_email())
                .map(|email| email.as_str().to_owned()),
            avatar_url: user.avatar_url.as_ref().map(|url| url.as_str().to_owned()),
            username: user.username.as_ref().map(ToString::to_string),
            provider_id: (!is_role_account).then(|| principal.provider_id().unwrap_or_default().to_owned()),
            join_date: (!principal.is_foreign()).then(|| user.join_date.to_rfc3339()),
            roleaccount: is_role_account.then_some(true),
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
            provider_id: Some("google:110169484474386276334".into()),
            join_date: Some("2026-11-22T10:08:33Z".into()),
            roleaccount: None,
        }
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

/// What becomes of somebody who signs out: told so, or, by the button of a page, led to the page where people sign in.
pub(crate) enum SignOutOutcome {
    Told(WithCookie<SignOutAnswer>),
    Led(SeeOther),
}

impl IntoResponse for SignOutOutcome {
    fn into_response(self) -> Response {
        match self {
            Self::Told(answer) => answer.into_response(),
            Self::Led(redirect) => redirect.into_response(),
        }
    }
}

impl ApiResponse for SignOutOutcome {
    fn meta() -> MetaResponses {
        let told = WithCookie::<SignOutAnswer>::meta().responses;
        MetaResponses { responses: told.into_iter().chain(SeeOther::meta().responses).collect() }
    }

    fn register(registry: &mut Registry) {
        WithCookie::<SignOutAnswer>::register(registry);
    }
}

describe! {
    SessionAnswer: "The profile of the person who is signed in, or the ways to sign in.",
    SignOutAnswer: "The session is over.",
}

#[cfg(test)]
mod tests {
    use crate::responses::testing::assert_written_as_documented;

    use super::*;

    #[test]
    fn answers_are_written_as_the_document_describes_them() {
        assert_written_as_documented(&SignedIn::example());
        assert_written_as_documented(&SignedOut::example());
        assert_written_as_documented(&SignOutAnswer::example());
        let nobody =
            Profile { name: None, email: None, avatar_url: None, username: None, ..Profile::example() };
        assert_written_as_documented(&SessionAnswer::SignedIn(SignedIn {
            authenticated: true,
            profile: nobody,
        }));
    }
}
