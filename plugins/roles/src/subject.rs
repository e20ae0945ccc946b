//! To whom a rule applies.

use vestibule_plugin_sdk::{Identity, Value};

use crate::config::{ClaimText, RuleText};
use crate::facts::Facts;
use crate::policy::Mistake;

/// What a person must be for a rule to apply.
pub(crate) enum Subject {
    User(String),
    Email(String),
    Domain(String),
    Organization(String),
    Claim(Claim),
}

/// A claim of an identity, at one provider or at any.
pub(crate) struct Claim {
    provider: Option<String>,
    name: String,
    value: Value,
}

impl Subject {
    /// The one subject of a rule. A rule that could never apply is a mistake, not a rule.
    pub(crate) fn of(rule: &mut RuleText) -> Result<Self, Mistake> {
        let claim = rule.claim.take().map(Claim::read).transpose()?;
        let named = [
            rule.user.take().map(|id| plain(id, "user").map(Self::User)),
            rule.email.take().map(|email| address(email).map(Self::Email)),
            rule.domain.take().map(|name| domain(&name).map(Self::Domain)),
            rule.organization.take().map(|login| plain(login, "organization").map(Self::Organization)),
            claim.map(|claim| Ok(Self::Claim(claim))),
        ];
        let mut named = named.into_iter().flatten();
        match (named.next(), named.next()) {
            (Some(subject), None) => subject,
            _ => Err(Mistake::Subject),
        }
    }

    /// Why the rule applies to this person, for the operator; nothing when it does not.
    pub(crate) fn find_in(&self, facts: &Facts<'_>) -> Option<String> {
        match self {
            Self::User(id) => (id == facts.user_id).then(|| format!("The user is {id}.")),
            Self::Email(email) => {
                let found = facts.emails.iter().find(|verified| verified.eq_ignore_ascii_case(email))?;
                Some(format!("The address {found} is verified."))
            }
            Self::Domain(domain) => {
                let found = facts.emails.iter().find(|verified| is_of_domain(verified, domain))?;
                Some(format!("The verified address {found} is of the domain {domain}."))
            }
            Self::Organization(login) => {
                let is_member = |identity: &&Identity| {
                    identity.organizations.iter().any(|organization| organization.eq_ignore_ascii_case(login))
                };
                let found = facts.identities.iter().find(is_member)?;
                Some(format!("{} belongs to the organization {login}.", found.provider_id))
            }
            Self::Claim(claim) => {
                let found = facts.identities.iter().find(|identity| claim.is_of(identity))?;
                Some(format!(
                    "The claim {} of {} is or holds {}.",
                    claim.name, found.provider_id, claim.value
                ))
            }
        }
    }
}

impl Claim {
    fn read(text: ClaimText) -> Result<Self, Mistake> {
        let provider = text.provider.map(|name| plain(name, "provider")).transpose()?;
        Ok(Self { provider, name: plain(text.name, "claim")?, value: text.value.into() })
    }

    fn is_of(&self, identity: &Identity) -> bool {
        let provider = identity.provider_id.split_once(':').map(|(provider, _)| provider);
        if self.provider.is_some() && self.provider.as_deref() != provider {
            return false;
        }
        match identity.claims.get(&self.name) {
            Some(Value::Array(values)) => values.contains(&self.value),
            Some(value) => *value == self.value,
            None => false,
        }
    }
}

/// The domain is all that stands behind the last `@`: neither a part of it nor something longer.
fn is_of_domain(address: &str, domain: &str) -> bool {
    address.rsplit_once('@').is_some_and(|(_, found)| found.eq_ignore_ascii_case(domain))
}

/// A text that is there and can be seen.
fn plain(text: String, what: &'static str) -> Result<String, Mistake> {
    let fits = !text.is_empty() && text.trim() == text && !text.chars().any(char::is_control);
    if fits { Ok(text) } else { Err(Mistake::Text(what)) }
}

fn address(text: String) -> Result<String, Mistake> {
    let (local, behind) = text.split_once('@').ok_or(Mistake::Email)?;
    let fits = !local.is_empty() && local.bytes().all(|byte| byte.is_ascii_graphic()) && is_domain(behind);
    if fits { Ok(text) } else { Err(Mistake::Email) }
}

fn domain(text: &str) -> Result<String, Mistake> {
    if is_domain(text) { Ok(text.to_ascii_lowercase()) } else { Err(Mistake::Domain) }
}

fn is_domain(text: &str) -> bool {
    let is_label = |label: &str| {
        !label.is_empty() && label.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
    };
    text.split('.').all(is_label)
}
