//! Roles that the operator assigns in the service's own database, and to whom.

use std::fmt;

use thiserror::Error;

use crate::{EmailAddress, Organization, ServiceName, UserId};

const MAX_ROLE: usize = 64;
const MAX_DOMAIN: usize = 253;

/// A text that cannot name a role.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[error(
    "the name of a role has 1 to 64 letters, digits, dots, colons, hyphens or underscores, and starts with a letter or digit"
)]
pub struct RoleNameError;

/// The name of a role, such as `Writer`. What a role allows is the business of the plugin that reads it.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct RoleName(String);

impl RoleName {
    /// Takes 1 to 64 characters of `A-Za-z0-9._:-`, the first a letter or digit.
    pub fn parse(text: &str) -> Result<Self, RoleNameError> {
        let fits = (1..=MAX_ROLE).contains(&text.len())
            && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"._:-".contains(&byte))
            && text.bytes().next().is_some_and(|byte| byte.is_ascii_alphanumeric());
        if fits { Ok(Self(text.to_owned())) } else { Err(RoleNameError) }
    }

    /// The text itself.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for RoleName {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0)
    }
}

/// A text that is not the domain of an e-mail address.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[error("expected the part of an address behind the @, such as example.org")]
pub struct EmailDomainError;

/// What stands behind the `@` of an address, in lower case. It means itself alone: `example.org` is neither
/// `sub.example.org` nor `evil-example.org`.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct EmailDomain(String);

impl EmailDomain {
    /// Takes labels of letters, digits and hyphens, joined by dots.
    pub fn parse(text: &str) -> Result<Self, EmailDomainError> {
        let is_label = |label: &str| {
            !label.is_empty() && label.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
        };
        let fits = text.len() <= MAX_DOMAIN && text.split('.').all(is_label);
        if fits { Ok(Self(text.to_ascii_lowercase())) } else { Err(EmailDomainError) }
    }

    /// The domain of an address.
    pub fn of(address: &EmailAddress) -> Self {
        let key = address.key();
        Self(key.rsplit_once('@').map_or_else(String::new, |(_, domain)| domain.to_owned()))
    }

    /// The domain in lower case.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// To whom a role is assigned.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RoleSubject {
    /// One user.
    User(UserId),
    /// Whoever has verified this address.
    Email(EmailAddress),
    /// Whoever has verified an address of this domain.
    Domain(EmailDomain),
    /// Whoever belongs to this organization at GitHub.
    Organization(Organization),
}

impl RoleSubject {
    /// The word under which a subject of this kind is kept.
    pub fn kind(&self) -> &'static str {
        match self {
            Self::User(_) => "user",
            Self::Email(_) => "email",
            Self::Domain(_) => "domain",
            Self::Organization(_) => "organization",
        }
    }

    /// What two subjects of one kind are compared by.
    pub fn key(&self) -> String {
        match self {
            Self::User(id) => id.as_str().to_owned(),
            Self::Email(address) => address.key(),
            Self::Domain(domain) => domain.as_str().to_owned(),
            Self::Organization(organization) => organization.key(),
        }
    }
}

/// As the reason for a role: `user 9f2c...`, `email ada@example.org`, `email domain example.org`, `organization acme`.
impl fmt::Display for RoleSubject {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let kind = if let Self::Domain(_) = self { "email domain" } else { self.kind() };
        write!(formatter, "{kind} {}", self.key())
    }
}

/// A role that the operator has assigned.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RoleAssignment {
    /// The role.
    pub role: RoleName,
    /// To whom.
    pub subject: RoleSubject,
    /// At which service; at every service when none is named.
    pub service: Option<ServiceName>,
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn address(text: &str) -> EmailAddress {
        EmailAddress::parse(text).unwrap()
    }

    #[test]
    fn a_domain_means_itself_alone() {
        let domain = EmailDomain::parse("Example.org").unwrap();
        assert_eq!(EmailDomain::of(&address("Ada@EXAMPLE.ORG")), domain);
        for other in ["ada@sub.example.org", "ada@evil-example.org", "ada@example.org.evil", "ada@example.or"]
        {
            assert_ne!(EmailDomain::of(&address(other)), domain, "{other}");
        }
        for bad in
            ["", ".", "a..b", "@example.org", "ada@example.org", "ex ample.org", "bücher.example", "*.org"]
        {
            assert_eq!(EmailDomain::parse(bad), Err(EmailDomainError), "{bad:?}");
        }
    }

    #[test]
    fn a_subject_is_the_reason_of_its_role() {
        let reason = |subject: RoleSubject| subject.to_string();
        assert_eq!(reason(RoleSubject::User(UserId::parse("9f2c").unwrap())), "user 9f2c");
        assert_eq!(reason(RoleSubject::Email(address("Ada@Example.org"))), "email ada@example.org");
        let domain = EmailDomain::parse("example.org").unwrap();
        assert_eq!(reason(RoleSubject::Domain(domain)), "email domain example.org");
        let organization = Organization::parse("Acme").unwrap();
        assert_eq!(reason(RoleSubject::Organization(organization)), "organization acme");
    }

    #[test]
    fn a_role_has_a_short_plain_name() {
        for good in ["Writer", "storage:write", "a", "1.2-x_y"] {
            assert_eq!(RoleName::parse(good).unwrap().as_str(), good);
        }
        for bad in ["", " Writer", "Wri ter", "-x", "a/b", "ä", &"x".repeat(65)] {
            assert_eq!(RoleName::parse(bad), Err(RoleNameError), "{bad:?}");
        }
    }

    proptest! {
        #[test]
        fn every_address_has_a_domain_that_can_be_named(local in "[a-z.+]{1,8}", domain in "[A-Za-z0-9-]{1,8}(\\.[A-Za-z0-9-]{1,8}){0,3}") {
            let address = address(&format!("{local}@{domain}"));
            prop_assert_eq!(EmailDomain::of(&address), EmailDomain::parse(&domain).unwrap());
        }
    }
}
