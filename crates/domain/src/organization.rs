//! Organizations at GitHub. The number is theirs for ever; a login can be given up and taken by another.

use std::fmt;

use thiserror::Error;

const MAX_LOGIN: usize = 100;

/// A text that cannot be the login of an organization.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[error("the name of an organization has 1 to 100 letters, digits, hyphens or underscores")]
pub struct OrganizationError;

/// The number that GitHub has for an organization.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct OrganizationId(u64);

impl OrganizationId {
    /// Takes a number that every database can keep.
    pub fn new(number: u64) -> Option<Self> {
        i64::try_from(number).ok().map(|_| Self(number))
    }

    /// Takes decimal digits.
    pub fn parse(text: &str) -> Option<Self> {
        let is_number = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
        text.parse().ok().filter(|_| is_number).and_then(Self::new)
    }

    /// The number.
    pub fn number(self) -> u64 {
        self.0
    }
}

impl fmt::Display for OrganizationId {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(formatter)
    }
}

/// The login that an organization goes by. Two are compared without regard to case, as GitHub does.
#[derive(Debug, Clone)]
pub struct OrganizationLogin(String);

impl OrganizationLogin {
    /// Takes 1 to 100 characters of `A-Za-z0-9_-`.
    pub fn parse(text: &str) -> Result<Self, OrganizationError> {
        let fits = (1..=MAX_LOGIN).contains(&text.len())
            && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"_-".contains(&byte));
        if fits { Ok(Self(text.to_owned())) } else { Err(OrganizationError) }
    }

    /// The login as it was given.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// What two logins are compared by: the login in lower case.
    pub fn key(&self) -> String {
        self.0.to_ascii_lowercase()
    }
}

impl PartialEq for OrganizationLogin {
    fn eq(&self, other: &Self) -> bool {
        self.0.eq_ignore_ascii_case(&other.0)
    }
}

impl Eq for OrganizationLogin {}

/// An organization as GitHub states it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Organization {
    /// Which one it is.
    pub id: OrganizationId,
    /// What it is called at the moment, for people to read.
    pub login: OrganizationLogin,
}

/// A user's membership in an organization.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Membership {
    /// The organization.
    pub organization: Organization,
    /// Whether no other organization was ever seen under its login. Only then the login says which one is meant.
    pub login_is_unique: bool,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_login_is_compared_without_regard_to_case() {
        assert_eq!(OrganizationLogin::parse("Acme-Corp"), OrganizationLogin::parse("acme-corp"));
        for bad in ["", "a b", "acme.corp", "acme/x", "ac\u{1d0d}e", &"x".repeat(101)] {
            assert_eq!(OrganizationLogin::parse(bad), Err(OrganizationError), "{bad:?}");
        }
    }

    #[test]
    fn a_number_is_decimal_digits_and_nothing_else() {
        assert_eq!(OrganizationId::parse("9000001").unwrap().number(), 9_000_001);
        for bad in ["", "+1", "-1", "1.0", "0x1", " 1", "acme", "9223372036854775808", "18446744073709551616"]
        {
            assert_eq!(OrganizationId::parse(bad), None, "{bad:?}");
        }
    }

    #[test]
    fn a_login_has_at_most_100_characters_and_is_shown_as_given() {
        let longest = "x".repeat(100);
        assert_eq!(OrganizationLogin::parse(&longest).unwrap().as_str(), longest);
        let login = OrganizationLogin::parse("Acme_Corp-1").unwrap();
        assert_eq!((login.as_str(), &*login.key()), ("Acme_Corp-1", "acme_corp-1"));
        assert_ne!(login, OrganizationLogin::parse("acme-corp").unwrap());
    }

    #[test]
    fn a_number_is_one_that_every_database_can_store() {
        let largest = OrganizationId::new(9_223_372_036_854_775_807).unwrap();
        assert_eq!(largest.to_string(), "9223372036854775807");
        assert_eq!(OrganizationId::new(9_223_372_036_854_775_808), None);
    }
}
