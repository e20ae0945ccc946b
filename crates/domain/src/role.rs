//! Roles that the operator assigns in the service's own database, and to whom.

use std::fmt;

use thiserror::Error;

use crate::email::ascii_domain;
use crate::{EmailAddress, OrganizationId, OrganizationLogin, ProviderName, ServiceName, UserId};

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
#[error(
    "expected the part of an address behind the @, such as example.org, in ordinary letters (no wide, circled or invisible ones) and \
     with ordinary dots"
)]
pub struct EmailDomainError;

/// What stands behind the `@` of an address, in lower case. It means itself alone: `example.org` is neither
/// `sub.example.org` nor `evil-example.org`.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct EmailDomain(String);

impl EmailDomain {
    /// Takes labels of letters, digits and hyphens, joined by dots; those beyond ASCII are kept in their ASCII form.
    pub fn parse(text: &str) -> Result<Self, EmailDomainError> {
        let text = ascii_domain(text).ok_or(EmailDomainError)?;
        let is_label = |label: &str| {
            !label.is_empty() && label.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
        };
        let fits = text.len() <= MAX_DOMAIN && text.split('.').all(is_label);
        if fits { Ok(Self(text.to_ascii_lowercase())) } else { Err(EmailDomainError) }
    }

    /// The domain of an address.
    pub fn of_address(address: &EmailAddress) -> Self {
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
    /// Users who have verified this address.
    Email(EmailAddress),
    /// Users who have verified an address of this domain.
    Domain(EmailDomain),
    /// Members of this organization at GitHub.
    Organization(OrganizationId),
    /// No user: an organization by its login, as assigned before numbers were stored. It counts for nothing until it is
    /// granted again.
    OrganizationLogin(OrganizationLogin),
}

/// What stands before the login of an organization whose number is not known.
const LOGIN: &str = "login:";

impl RoleSubject {
    /// The word under which a subject of this kind is kept.
    pub fn kind(&self) -> &'static str {
        match self {
            Self::User(_) => "user",
            Self::Email(_) => "email",
            Self::Domain(_) => "domain",
            Self::Organization(_) | Self::OrganizationLogin(_) => "organization",
        }
    }

    /// What two subjects of one kind are compared by.
    pub fn key(&self) -> String {
        match self {
            Self::User(id) => id.as_str().to_owned(),
            Self::Email(address) => address.key(),
            Self::Domain(domain) => domain.as_str().to_owned(),
            Self::Organization(id) => id.to_string(),
            Self::OrganizationLogin(login) => format!("{LOGIN}{}", login.key()),
        }
    }

    /// The subject of this kind and key.
    pub fn from_key(kind: &str, key: &str) -> Option<Self> {
        match kind {
            "user" => UserId::parse(key).ok().map(Self::User),
            "email" => EmailAddress::parse(key).ok().map(Self::Email),
            "domain" => EmailDomain::parse(key).ok().map(Self::Domain),
            "organization" => match OrganizationId::parse(key) {
                Some(id) => Some(Self::Organization(id)),
                // A program that keeps no numbers writes the login as it is.
                None => OrganizationLogin::parse(key.strip_prefix(LOGIN).unwrap_or(key))
                    .ok()
                    .map(Self::OrganizationLogin),
            },
            _ => None,
        }
    }
}

/// As the reason for a role: `user 9f2c...`, `email ada@example.org`, `email domain example.org`, `organization 9000001`.
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
    /// At which service; when none is named, at every service but the reserved one.
    pub service: Option<ServiceName>,
    /// By whose statement alone; any provider's that is configured when none is named.
    pub provider: Option<ProviderName>,
}

impl RoleAssignment {
    /// Why the person has the role: the subject, and the provider where one is named.
    pub fn reason(&self) -> String {
        match &self.provider {
            Some(provider) => format!("{} by {provider}", self.subject),
            None => self.subject.to_string(),
        }
    }

    /// Whether it may count at all: roles at the service itself are given to users alone, never by what a provider states.
    pub fn is_sound(&self) -> bool {
        let at_vestibule = self.service.as_ref().is_some_and(ServiceName::is_reserved);
        !at_vestibule || (matches!(self.subject, RoleSubject::User(_)) && self.provider.is_none())
    }
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
        assert_eq!(EmailDomain::of_address(&address("Ada@EXAMPLE.ORG")), domain);
        for other in ["ada@sub.example.org", "ada@evil-example.org", "ada@example.org.evil", "ada@example.or"]
        {
            assert_ne!(EmailDomain::of_address(&address(other)), domain, "{other}");
        }
        for bad in
            ["", ".", "a..b", "@example.org", "ada@example.org", "ex ample.org", "bü cher.example", "*.org"]
        {
            assert_eq!(EmailDomain::parse(bad), Err(EmailDomainError), "{bad:?}");
        }
    }

    #[test]
    fn a_domain_beyond_ascii_is_the_one_of_its_addresses() {
        let domain = EmailDomain::parse("Bücher.example").unwrap();
        assert_eq!(domain.as_str(), "xn--bcher-kva.example");
        assert_eq!(EmailDomain::of_address(&address("ada@BÜCHER.example")), domain);
    }

    #[test]
    fn c8_another_spelling_of_a_domain_is_none() {
        for bad in ["\u{ff43}orp.example", "co\u{ad}rp.example", "corp\u{3002}example", "corp.example\u{a0}"]
        {
            let error = EmailDomain::parse(bad).unwrap_err().to_string();
            assert!(error.contains("such as example.org, in ordinary letters"), "{error}");
        }
    }

    #[test]
    fn a_subject_is_the_reason_of_its_role() {
        let reason = |subject: RoleSubject| subject.to_string();
        assert_eq!(reason(RoleSubject::User(UserId::parse("9f2c").unwrap())), "user 9f2c");
        assert_eq!(reason(RoleSubject::Email(address("Ada@Example.org"))), "email ada@example.org");
        let domain = EmailDomain::parse("example.org").unwrap();
        assert_eq!(reason(RoleSubject::Domain(domain)), "email domain example.org");
        let organization = OrganizationId::parse("9000001").unwrap();
        assert_eq!(reason(RoleSubject::Organization(organization)), "organization 9000001");
    }

    #[test]
    fn c4_an_organization_is_its_number_and_a_login_is_none() {
        let of = |key: &str| RoleSubject::from_key("organization", key).unwrap();
        assert_eq!(of("9000001"), RoleSubject::Organization(OrganizationId::parse("9000001").unwrap()));
        let login = |text: &str| RoleSubject::OrganizationLogin(OrganizationLogin::parse(text).unwrap());
        assert_eq!((of("login:acme"), of("acme")), (login("acme"), login("Acme")));
        // A login of digits is no number for that.
        assert_eq!(of("login:42"), login("42"));
        for subject in [of("9000001"), of("login:acme"), of("login:42")] {
            assert_eq!(RoleSubject::from_key(subject.kind(), &subject.key()), Some(subject));
        }
    }

    #[test]
    fn c18_roles_at_the_service_itself_are_those_of_users_alone() {
        let sound = |subject: &RoleSubject, service: Option<&str>, provider: Option<&str>| {
            let role = RoleName::parse("Administrator").unwrap();
            let service = service.map(|name| ServiceName::parse(name).unwrap());
            let provider = provider.map(|name| ProviderName::parse(name).unwrap());
            RoleAssignment { role, subject: subject.clone(), service, provider }.is_sound()
        };
        let user = RoleSubject::User(UserId::parse("9f2c").unwrap());
        let domain = RoleSubject::Domain(EmailDomain::parse("example.org").unwrap());
        assert!(sound(&user, Some("vestibule"), None) && sound(&domain, Some("storage"), None));
        assert!(sound(&domain, None, Some("google")));
        assert!(!sound(&domain, Some("vestibule"), None) && !sound(&domain, Some("Vestibule"), None));
        assert!(!sound(&user, Some("vestibule"), Some("google")));
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
            prop_assert_eq!(EmailDomain::of_address(&address), EmailDomain::parse(&domain).unwrap());
        }
    }

    #[test]
    fn names_and_domains_are_taken_up_to_their_longest() {
        assert!(RoleName::parse(&"x".repeat(64)).is_ok());
        let labels = ("a".repeat(62) + ".").repeat(4);
        let domain = |last: usize| labels.clone() + &"b".repeat(last);
        assert_eq!(EmailDomain::parse(&domain(1)).unwrap().as_str().len(), 253);
        assert_eq!(EmailDomain::parse(&domain(2)), Err(EmailDomainError));
        assert_eq!(RoleName::parse("Writer").unwrap().to_string(), "Writer");
    }

    #[test]
    fn every_subject_reads_back_from_its_kind_and_key() {
        for (kind, key) in [
            ("user", "9f2c"),
            ("email", "ada@example.org"),
            ("domain", "example.org"),
            ("organization", "9000001"),
            ("organization", "login:acme"),
        ] {
            let subject = RoleSubject::from_key(kind, key).unwrap();
            assert_eq!((subject.kind(), &*subject.key()), (kind, key));
        }
        for (kind, key) in [("group", "9f2c"), ("user", "a b"), ("email", "ada"), ("domain", "a..b")] {
            assert_eq!(RoleSubject::from_key(kind, key), None, "{kind} {key}");
        }
    }

    #[test]
    fn the_reason_of_a_role_names_the_provider_that_it_depends_on() {
        let mut assignment = RoleAssignment {
            role: RoleName::parse("Writer").unwrap(),
            subject: RoleSubject::User(UserId::parse("9f2c").unwrap()),
            service: None,
            provider: None,
        };
        assert_eq!(assignment.reason(), "user 9f2c");
        assignment.provider = ProviderName::parse("google").ok();
        assert_eq!(assignment.reason(), "user 9f2c by google");
    }
}
