//! What the operations of users answer, word for word as clients know it.

use poem_openapi::Object;
use poem_openapi::types::Example;
use serde::Serialize;
use vestibule_flows::{PublicProfile, UsernameOutcome};

use crate::responses::describe;

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

/// Whose username it is.
#[derive(Object, Serialize)]
#[oai(example)]
pub(crate) struct ResolveAnswer {
    /// The user's id; null when no user has the username.
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
    /// Whether a user has the username.
    pub(crate) found: bool,
    /// The public profile; null when no user has the username.
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

describe! {
    UpdateAnswer: "Whether all is now as asked, and why not.",
    ResolveAnswer: "The id of the holder, or null.",
    FindProfileAnswer: "The public profile of the holder, or null.",
}

#[cfg(test)]
mod tests {
    use crate::responses::testing::assert_written_as_documented;

    use super::*;

    #[test]
    fn answers_are_written_as_the_document_describes_them() {
        assert_written_as_documented(&UpdateAnswer::example());
        assert_written_as_documented(&UpdateAnswer { success: true, error: None });
        assert_written_as_documented(&ResolveAnswer::example());
        assert_written_as_documented(&FindProfileAnswer::example());
        assert_written_as_documented(&FindProfileAnswer { found: false, profile: None });
    }
}
