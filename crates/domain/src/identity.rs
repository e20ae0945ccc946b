//! Identities at a provider, and how they become users.

use std::fmt;

use thiserror::Error;

use crate::{AvatarUrl, DisplayName, EmailAddress, Organization, Timestamp, UpstreamClaims};

/// A text that cannot name a provider.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[error(
    "a provider's name has 1 to 32 lower-case letters, digits, hyphens or underscores, and starts with a letter"
)]
pub struct ProviderNameError;

/// The name under which a provider is configured: `google`, `github`, or a table of the settings file.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ProviderName(String);

impl ProviderName {
    /// Takes 1 to 32 characters of `a-z0-9_-`, the first a letter.
    pub fn parse(text: &str) -> Result<Self, ProviderNameError> {
        if is_short_name(text) { Ok(Self(text.to_owned())) } else { Err(ProviderNameError) }
    }

    /// The text itself.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for ProviderName {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0)
    }
}

/// The form that names of providers share with names of plugins.
fn is_short_name(text: &str) -> bool {
    (1..=32).contains(&text.len())
        && text.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_' || b == b'-')
        && text.bytes().next().is_some_and(|b| b.is_ascii_lowercase())
}

/// What an identity is known by for ever: the issuer that states it, and the subject within that issuer
/// (OpenID Connect Core section 5.7). Never an address, a login or a name: those change hands.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct IdentityKey {
    /// The issuer's address.
    pub issuer: String,
    /// The subject, unique and never reassigned within the issuer.
    pub subject: String,
}

impl fmt::Debug for IdentityKey {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}#..", self.issuer)
    }
}

/// What a provider states about the person who has just signed in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UpstreamProfile {
    /// The provider that was asked.
    pub provider: ProviderName,
    /// Who it is there.
    pub identity: IdentityKey,
    /// The login name there, for display only.
    pub login: Option<String>,
    /// The person's name.
    pub name: Option<DisplayName>,
    /// The person's picture.
    pub avatar_url: Option<AvatarUrl>,
    /// The address that the provider states as verified; of several the primary one, and no other.
    pub verified_email: Option<EmailAddress>,
    /// The address that it gives without that statement. Kept for support, never acted upon.
    pub unverified_email: Option<EmailAddress>,
    /// How much of what the provider says of the address is known.
    pub email_knowledge: EmailKnowledge,
    /// When the person last showed the provider who they are, if it states that (the `auth_time` of OpenID Connect Core section 2).
    pub auth_time: Option<Timestamp>,
    /// The claims that the operator chose to keep.
    pub claims: UpstreamClaims,
    /// The organizations that the person belongs to there.
    pub organizations: Vec<Organization>,
}

/// How much of what a provider says of somebody's address is known.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum EmailKnowledge {
    /// All of it.
    #[default]
    Complete,
    /// There is an address, and whether it is verified might be said by what could not be asked just now and has not answered so far.
    /// If it was verified before, it stays so. An identity that is not known yet is placed by what is stated, since perhaps nothing will
    /// ever answer.
    Partial,
    /// The provider could not be asked just now. What it stated before stays, and an identity that is not known yet cannot be placed: the
    /// address might join it to a user.
    Unknown,
}

impl UpstreamProfile {
    /// `provider:subject`, the form in which the profile shows an identity.
    pub fn provider_id(&self) -> String {
        format!("{}:{}", self.provider, self.identity.subject)
    }
}

/// What happens when an unknown identity brings an address that a user already holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum AccountLinking {
    /// Both addresses being verified by their providers, the identity joins that user.
    #[default]
    VerifiedEmail,
    /// A new user is made.
    Explicit,
}

/// How the id of a new user is made.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum UserIdScheme {
    /// 128 random bits.
    #[default]
    Random,
    /// The id that dgp-oauth2 would give: the MD5 of the verified address; random where there is none.
    EmailMd5,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_provider_has_a_short_plain_name() {
        for good in ["g", "google", "a-1_b", &"a".repeat(32)] {
            assert_eq!(ProviderName::parse(good).unwrap().to_string(), good);
        }
        for bad in ["", "Google", "aB", "1a", "-a", "_a", "a.b", "a b", "ä", &"a".repeat(33)] {
            assert_eq!(ProviderName::parse(bad), Err(ProviderNameError), "{bad:?}");
        }
    }

    #[test]
    fn an_identity_is_shown_without_its_subject_except_to_its_owner() {
        let profile = UpstreamProfile {
            provider: ProviderName::parse("github").unwrap(),
            identity: IdentityKey { issuer: "https://github.com".into(), subject: "42".into() },
            login: None,
            name: None,
            avatar_url: None,
            verified_email: None,
            unverified_email: None,
            email_knowledge: EmailKnowledge::Complete,
            auth_time: None,
            claims: UpstreamClaims::default(),
            organizations: Vec::new(),
        };
        assert_eq!(profile.provider_id(), "github:42");
        assert_eq!(format!("{:?}", profile.identity), "https://github.com#..");
    }
}
