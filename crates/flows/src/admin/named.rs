//! How an administrator names what a flow works on.

use std::fmt;

use vestibule_domain::{
    EmailAddress, EmailDomain, OrganizationError, OrganizationId, OrganizationLogin, User, UserId, Username,
};

/// A user as an administrator names one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum NamedUser {
    /// By a text that may be an id, a username or a verified address.
    Either(String),
    /// By the id.
    Id(UserId),
    /// By the username.
    Username(Username),
}

/// `the id "9f2c"`.
impl fmt::Display for NamedUser {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Either(text) if text.contains('@') => write!(formatter, "the verified address {text:?}"),
            Self::Either(text) => write!(formatter, "the id or username {text:?}"),
            Self::Id(id) => write!(formatter, "the id {:?}", id.as_str()),
            Self::Username(name) => write!(formatter, "the username {:?}", name.as_str()),
        }
    }
}

/// An organization as an administrator names one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum NamedOrganization {
    /// By its number.
    Number(OrganizationId),
    /// By the login that it was seen under.
    Login(OrganizationLogin),
}

impl NamedOrganization {
    /// Takes a number or a login. A login of digits alone is taken for a number.
    pub fn parse(text: &str) -> Result<Self, OrganizationError> {
        match OrganizationId::parse(text) {
            Some(id) => Ok(Self::Number(id)),
            None => OrganizationLogin::parse(text).map(Self::Login),
        }
    }
}

/// To whom a role is assigned, as an administrator names them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum NamedSubject {
    /// One user.
    User(NamedUser),
    /// Users who have verified this address.
    Email(EmailAddress),
    /// Users who have verified an address of this domain.
    Domain(EmailDomain),
    /// Members of this organization.
    Organization(NamedOrganization),
}

/// A user in one line, for an administrator: id, username and name.
pub fn describe_user(user: &User) -> String {
    let username = user.username.as_ref().map_or("-", Username::as_str);
    let name = user.name.as_ref().map_or("-", |name| name.as_str());
    format!("{} ({username}, {name})", user.id)
}
