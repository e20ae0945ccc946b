//! To whom a rule applies.

use vestibule_plugin_sdk::{Identity, Map, Organization, Value};

use crate::config::{ClaimText, OrganizationText, RuleText};
use crate::mistake::Mistake;
use crate::policy_input::PolicyInput;

/// What a person must be for a rule to apply.
pub(crate) struct Subject {
    kind: Kind,
    /// At which provider; at any when none is named.
    provider: Option<String>,
}

enum Kind {
    User(String),
    Email(String),
    Domain(String),
    Organization(NamedOrganization),
    Claim(Claim),
}

/// An organization as a rule names it.
enum NamedOrganization {
    Number(u64),
    /// Means an organization only while no other was ever seen under it.
    Login(String),
}

/// A claim of an identity.
struct Claim {
    name: String,
    value: Value,
}

impl Subject {
    /// The one subject of a rule. A rule that could never apply is a mistake, not a rule.
    pub(crate) fn of(rule: &mut RuleText) -> Result<Self, Mistake> {
        let mut provider = rule.provider.take();
        let claim = rule.claim.take().map(|text| Claim::read(text, &mut provider)).transpose()?;
        let named = [
            rule.user.take().map(|id| plain(id, "user").map(Kind::User)),
            rule.email.take().map(|email| address(email).map(Kind::Email)),
            rule.domain.take().map(|name| domain(&name).map(Kind::Domain)),
            rule.organization.take().map(|text| NamedOrganization::read(text).map(Kind::Organization)),
            claim.map(|claim| Ok(Kind::Claim(claim))),
        ];
        let mut named = named.into_iter().flatten();
        let (Some(kind), None) = (named.next(), named.next()) else { return Err(Mistake::Subject) };
        let provider = provider.map(|name| plain(name, "provider")).transpose()?;
        Ok(Self { kind: kind?, provider })
    }

    /// Why the rule applies to this person, for the operator; nothing when it does not.
    pub(crate) fn find_in(&self, input: &PolicyInput<'_>) -> Option<String> {
        match &self.kind {
            Kind::User(id) => self.find_user(id, input),
            Kind::Email(email) => {
                let found = self.find_address(input, |verified| verified.eq_ignore_ascii_case(email))?;
                Some(format!("The address {found} is verified."))
            }
            Kind::Domain(domain) => {
                let found = self.find_address(input, |verified| is_of_domain(verified, domain))?;
                Some(format!("The verified address {found} is of the domain {domain}."))
            }
            Kind::Organization(named) => {
                let mut identities = self.identities(input);
                identities.find_map(|identity| {
                    let mut organizations = identity.organizations.iter();
                    let Organization { id, login, .. } = organizations.find(|one| named.is(one))?;
                    Some(format!(
                        "{} belongs to the organization {login}, number {id}.",
                        identity.provider_id
                    ))
                })
            }
            Kind::Claim(claim) => {
                let found = self.identities(input).find(|identity| claim.is_of(identity))?;
                Some(format!(
                    "The claim {} of {} is or holds {}.",
                    claim.name, found.provider_id, claim.value
                ))
            }
        }
    }

    fn find_user(&self, id: &str, input: &PolicyInput<'_>) -> Option<String> {
        if id != input.user_id {
            return None;
        }
        if self.provider.is_none() {
            return Some(format!("The user is {id}."));
        }
        let identity = self.identities(input).next()?;
        Some(format!("The user is {id}, who signs in as {}.", identity.provider_id))
    }

    /// A verified address of the person; with a provider, one that this provider has verified.
    fn find_address<'f>(&self, input: &'f PolicyInput<'_>, fits: impl Fn(&str) -> bool) -> Option<&'f str> {
        if self.provider.is_none() {
            return input.emails.iter().map(String::as_str).find(|address| fits(address));
        }
        let verified = self.identities(input).filter(|identity| identity.email_verified);
        verified.filter_map(|identity| identity.email.as_deref()).find(|address| fits(address))
    }

    /// The identities that the rule looks at.
    fn identities<'f>(&self, input: &'f PolicyInput<'_>) -> impl Iterator<Item = &'f Identity> {
        input.identities.iter().filter(|identity| {
            let provider = identity.provider_id.split_once(':').map(|(provider, _)| provider);
            self.provider.is_none() || self.provider.as_deref() == provider
        })
    }
}

impl NamedOrganization {
    fn read(text: OrganizationText) -> Result<Self, Mistake> {
        match text {
            OrganizationText::Number(number) => Ok(Self::Number(number)),
            OrganizationText::Login(text) => {
                let login = plain(text, "organization")?;
                let is_number = login.bytes().all(|byte| byte.is_ascii_digit());
                let number = login.parse().ok().filter(|_| is_number).map(Self::Number);
                Ok(number.unwrap_or(Self::Login(login)))
            }
        }
    }

    fn is(&self, organization: &Organization) -> bool {
        match self {
            Self::Number(number) => organization.id == *number,
            Self::Login(login) => {
                organization.login_is_unique && organization.login.eq_ignore_ascii_case(login)
            }
        }
    }
}

impl Claim {
    /// The provider may stand in the claim or in the rule.
    fn read(text: ClaimText, provider: &mut Option<String>) -> Result<Self, Mistake> {
        if text.provider.is_some() && provider.is_some() {
            return Err(Mistake::ProviderTwice);
        }
        *provider = text.provider.or(provider.take());
        Ok(Self { name: plain(text.name, "claim")?, value: text.value.into() })
    }

    fn is_of(&self, identity: &Identity) -> bool {
        match find_claim(&identity.claims, &self.name) {
            Some(Value::Array(values)) => values.contains(&self.value),
            Some(value) => *value == self.value,
            None => false,
        }
    }
}

/// The claim of this name, or else the one that the name leads to: `realm_access.roles` is a member of `realm_access`. The service
/// finds claims that it keeps in the same way, and keeps them under the whole name.
fn find_claim<'c>(claims: &'c Map<String, Value>, name: &str) -> Option<&'c Value> {
    claims.get(name).or_else(|| {
        name.rmatch_indices('.').find_map(|(dot, _)| {
            let (first, rest) = name.split_at_checked(dot)?;
            find_claim(claims.get(first)?.as_object()?, rest.strip_prefix('.')?)
        })
    })
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
