//! Whom a token stands for, in the words of a token handler, read without trust.

use std::fmt;

use serde_json::{Map, Value};
use thiserror::Error;
use vestibule_domain::{DisplayName, EmailAddress, Scope, ScopeError, Scopes, ServiceName, Services, UserId};

use crate::failure::FailureKind;

/// Stands for all services.
const EVERYWHERE: &str = "*";

/// Whom a token stands for that a handler knows.
#[derive(Clone, PartialEq)]
pub struct TokenIdentity {
    /// The alias of the handler.
    pub handler: String,
    /// Who it is.
    pub holder: TokenHolder,
    /// A name for people.
    pub name: Option<DisplayName>,
    /// The address that the handler vouches for.
    pub email: Option<EmailAddress>,
    /// Where the token counts, as far as there are such services; `None`: where it was presented.
    pub services: Option<Services>,
    /// The permissions that it lends; `profile` is always among them.
    pub scopes: Scopes,
    /// What else the handler says, for apps.
    pub metadata: Map<String, Value>,
}

/// Who holds a token.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum TokenHolder {
    /// Whom the handler alone knows, as `alias:uid`.
    RoleAccount(UserId),
    /// A person of ours, by our id. Whether there is such a person, who may come in, is still to be seen.
    Person(UserId),
}

/// What is wrong with an answer about a token.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum BadIdentity {
    /// It names nobody.
    #[error(
        "`uid` is not a text of visible ASCII characters that has, with the alias and a colon before it, 128 at most"
    )]
    Uid,
    /// Neither `true` nor `false`.
    #[error("`roleaccount` is neither true nor false")]
    RoleAccount,
    /// Not a text.
    #[error("`fullname` is not a text")]
    Name,
    /// Not an address.
    #[error("`email` is not an address")]
    Email,
    /// Not a list of names.
    #[error("`services` is not a list of texts, with \"*\" in it alone")]
    Services,
    /// Not a list of words.
    #[error(
        "`scopes` is not a list of words of 64 visible ASCII characters at most, without quotation mark, comma and backslash"
    )]
    Scopes,
    /// Too many words.
    #[error("it has more than 50 scopes, of which `profile` is always one")]
    TooManyScopes,
    /// Not an object.
    #[error("`metadata` is not an object")]
    Metadata,
}

impl TokenIdentity {
    /// Reads the answer of the handler with this alias. A person is named by a handler that may do so, and by no other.
    pub(crate) fn read(
        handler: &str,
        may_name_users: bool,
        mut object: Map<String, Value>,
    ) -> Result<Self, FailureKind> {
        let holder = read_holder(handler, may_name_users, &mut object)?;
        let name = text(object.remove("fullname"), BadIdentity::Name)?;
        let email = text(object.remove("email"), BadIdentity::Email)?;
        let email =
            email.map(|email| EmailAddress::parse(&email).map_err(|_| BadIdentity::Email)).transpose()?;
        let services = read_services(object.remove("services"))?;
        let scopes = present(object.remove("scopes"));
        let metadata = read_metadata(object)?;
        let scopes = match &scopes {
            Some(scopes) => lend(texts(scopes).ok_or(BadIdentity::Scopes)?)?,
            None => lend(words_of(metadata.get("scope")))?,
        };
        let name = name.and_then(|name| DisplayName::clean(&name));
        Ok(Self { handler: handler.to_owned(), holder, name, email, services, scopes, metadata })
    }
}

impl From<BadIdentity> for FailureKind {
    fn from(fault: BadIdentity) -> Self {
        Self::BadIdentity(fault)
    }
}

/// Only who it is by whom: the rest is personal.
impl fmt::Debug for TokenIdentity {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "TokenIdentity({:?})", self.holder)
    }
}

/// A token that says nothing of itself is a role account's; only in so many words it is a person's.
fn read_holder(
    handler: &str,
    may_name_users: bool,
    object: &mut Map<String, Value>,
) -> Result<TokenHolder, FailureKind> {
    let uid =
        object.remove("uid").and_then(|uid| UserId::parse(uid.as_str()?).ok()).ok_or(BadIdentity::Uid)?;
    match object.remove("roleaccount") {
        None | Some(Value::Bool(true)) => {
            let id = UserId::parse(&format!("{handler}:{uid}")).map_err(|_| BadIdentity::Uid)?;
            Ok(TokenHolder::RoleAccount(id))
        }
        Some(Value::Bool(false)) if may_name_users => Ok(TokenHolder::Person(uid)),
        Some(Value::Bool(false)) => Err(FailureKind::MayNotNameUsers),
        Some(_) => Err(BadIdentity::RoleAccount.into()),
    }
}

/// Members that are null say nothing.
fn present(value: Option<Value>) -> Option<Value> {
    value.filter(|value| !value.is_null())
}

/// An empty text says nothing either.
fn text(value: Option<Value>, fault: BadIdentity) -> Result<Option<String>, BadIdentity> {
    match present(value) {
        None => Ok(None),
        Some(Value::String(text)) => Ok((!text.is_empty()).then_some(text)),
        Some(_) => Err(fault),
    }
}

fn texts(value: &Value) -> Option<Vec<&str>> {
    value.as_array()?.iter().map(Value::as_str).collect()
}

/// A text that is no name of a service names none, like one that is nowhere configured.
fn read_services(value: Option<Value>) -> Result<Option<Services>, BadIdentity> {
    let Some(value) = present(value) else { return Ok(None) };
    let names = texts(&value).ok_or(BadIdentity::Services)?;
    let is_name = |name: &str| ServiceName::parse(name).is_ok_and(|name| !name.is_reserved());
    let names = names.into_iter().filter(|name| *name == EVERYWHERE || is_name(name));
    Services::from_names(names).map(Some).map_err(|_| BadIdentity::Services)
}

/// What is said in members of its own is kept beside what is said as metadata.
fn read_metadata(mut object: Map<String, Value>) -> Result<Map<String, Value>, BadIdentity> {
    let mut metadata = match present(object.remove("metadata")) {
        None => Map::new(),
        Some(Value::Object(metadata)) => metadata,
        Some(_) => return Err(BadIdentity::Metadata),
    };
    for (member, value) in object {
        metadata.entry(member).or_insert(value);
    }
    Ok(metadata)
}

/// Metadata has any form: what is no scope in it is none.
fn words_of(scope: Option<&Value>) -> Vec<&str> {
    let words: Vec<&str> = match scope {
        Some(Value::String(words)) => words.split_ascii_whitespace().collect(),
        Some(Value::Array(words)) => words.iter().filter_map(Value::as_str).collect(),
        _ => Vec::new(),
    };
    words.into_iter().filter(|word| Scope::parse(word).is_ok()).collect()
}

/// Who the holder is, the handler itself says. Whoever judges the tokens of others is a role account of the service, and made one by an
/// administrator, never by a plugin.
fn lend(words: Vec<&str>) -> Result<Scopes, BadIdentity> {
    let judges = |word: &str| Scope::parse(word).is_ok_and(|scope| scope.judges_others());
    let words = words.into_iter().filter(|word| !judges(word)).chain([Scope::PROFILE]);
    Scopes::from_words(words).map_err(|error| match error {
        ScopeError::Form(_) => BadIdentity::Scopes,
        ScopeError::TooMany => BadIdentity::TooManyScopes,
    })
}

#[cfg(any(test, fuzzing))]
pub(crate) mod fuzzing;
#[cfg(test)]
mod tests;
