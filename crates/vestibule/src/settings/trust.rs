//! Whose addresses count beyond the provider that states them: two keys of each `[providers.NAME]`. `trust_email` says whether what
//! a provider states as verified counts; `trusted_email_domains` over which addresses it is the authority, so that they count whatever
//! it states.

use std::collections::BTreeMap;

use toml::{Table, Value};
use vestibule_domain::{AddressSet, AddressTrust, ProviderName};
use vestibule_upstream::IssuerReach;

use super::keys::provider::{AUTHORIZATION_PARAMETERS, ISSUER, TRUST_EMAIL, TRUSTED_EMAIL_DOMAINS};
use super::reader::Reader;

/// Providers whose addresses count by default: they ask the owner of an address before they call it verified.
const TRUSTED: [&str; 2] = ["google", "github"];

/// What the tables of these two may have.
const KEYS_OF_BUILT_IN: [&str; 3] =
    [TRUST_EMAIL.name, TRUSTED_EMAIL_DOMAINS.name, AUTHORIZATION_PARAMETERS.name];

/// What the tables say, by the names of the providers.
#[derive(Default)]
pub(super) struct Trust(BTreeMap<String, AddressTrust>);

impl Trust {
    /// Reads the keys of all tables. Other mistakes in a table are reported where it is read, except for Google and GitHub, whose
    /// tables have no other keys.
    pub(super) fn read(reader: &mut Reader<'_>) -> Self {
        let Some(tables) = reader.table("providers") else { return Self::default() };
        let mut trust = BTreeMap::new();
        for (name, value) in tables {
            match read_table(name, value) {
                Ok(stated) => drop(trust.insert(name.clone(), stated)),
                Err(reason) => reader.report(&format!("[providers.{name}]"), &reason),
            }
        }
        Self(trust)
    }

    pub(super) fn find(&self, provider: &ProviderName) -> AddressTrust {
        self.0.get(provider.as_str()).cloned().unwrap_or_else(|| default_of(provider.as_str()))
    }
}

fn default_of(provider: &str) -> AddressTrust {
    if TRUSTED.contains(&provider) { AddressTrust::VERIFIED } else { AddressTrust::NONE }
}

fn read_table(name: &str, value: &Value) -> Result<AddressTrust, String> {
    let Some(table) = value.as_table() else {
        return if TRUSTED.contains(&name) {
            Err("expected a table".to_owned())
        } else {
            Ok(AddressTrust::NONE)
        };
    };
    if TRUSTED.contains(&name)
        && let Some(key) = table.keys().find(|key| !KEYS_OF_BUILT_IN.contains(&key.as_str()))
    {
        let settings = name.to_ascii_uppercase();
        return Err(format!("unknown key {key:?}; credentials are the settings {settings}_KEY and so on"));
    }
    let domains = TRUSTED_EMAIL_DOMAINS.find(table)?.filter(|domains| *domains != AddressSet::Nothing);
    let trusts_verified = TRUST_EMAIL.find(table)?;
    let Some(domains) = domains else {
        return Ok(match trusts_verified {
            Some(true) => AddressTrust::VERIFIED,
            Some(false) => AddressTrust::NONE,
            None => default_of(name),
        });
    };
    combine(reach_of(name, table), trusts_verified.unwrap_or(TRUSTED.contains(&name)), domains)
}

/// The issuer that a table names; a mistake in it is reported where it is read. Google and GitHub have accounts for everybody, and
/// so has whoever stands in their place.
fn reach_of(name: &str, table: &Table) -> IssuerReach {
    let issuer = ISSUER.find(table).ok().flatten().unwrap_or_default();
    if TRUSTED.contains(&name) { IssuerReach::Everybody } else { IssuerReach::of(&issuer) }
}

/// Where everybody can have an account the provider is the authority over no address; the domains then say which of those that it
/// has verified count.
fn combine(reach: IssuerReach, trusts_verified: bool, domains: AddressSet) -> Result<AddressTrust, String> {
    let refused = |reason: &str| Err(format!("{}: {reason}", TRUSTED_EMAIL_DOMAINS.name));
    match (reach, domains) {
        (IssuerReach::OneOrganization, authority) => {
            let verified = if trusts_verified { AddressSet::Everything } else { AddressSet::Nothing };
            Ok(AddressTrust { verified, authority })
        }
        (IssuerReach::ManyOrganizations, _) => refused(
            "this issuer has the accounts of many organizations, and each of them can state any address; name the issuer of your \
             organization alone, with the number of its tenant",
        ),
        (IssuerReach::Everybody, AddressSet::Everything) => refused(
            "everybody can have an account at this provider, so it is not the authority over every address; \
             trust_email = true lets those count that it has verified",
        ),
        (IssuerReach::Everybody, _) if trusts_verified => refused(
            "all addresses of this provider count that it has verified; say trust_email = false to let these alone",
        ),
        (IssuerReach::Everybody, verified) => Ok(AddressTrust { verified, authority: AddressSet::Nothing }),
    }
}

#[cfg(test)]
mod tests {
    use vestibule_domain::EmailDomain;

    use super::*;

    fn read(name: &str, text: &str) -> Result<AddressTrust, String> {
        read_table(name, &Value::Table(text.parse().unwrap()))
    }

    fn corp() -> AddressSet {
        AddressSet::Domains(vec![EmailDomain::parse("corp.example").unwrap()])
    }

    #[test]
    fn c18_addresses_count_only_where_it_is_said_and_at_google_and_github() {
        assert_eq!(read("corporate", ""), Ok(AddressTrust::NONE));
        assert_eq!(read("corporate", "trust_email = true"), Ok(AddressTrust::VERIFIED));
        assert_eq!(read("corporate", "trusted_email_domains = []"), Ok(AddressTrust::NONE));
        assert_eq!(read("google", ""), Ok(AddressTrust::VERIFIED));
        assert_eq!(read("github", "trust_email = false"), Ok(AddressTrust::NONE));
    }

    #[test]
    fn c18_a_provider_is_the_authority_over_the_domains_that_are_named() {
        let domains = "trusted_email_domains = ['Corp.example']";
        for text in ["", "trust_email = false\n"] {
            let trust = AddressTrust { verified: AddressSet::Nothing, authority: corp() };
            assert_eq!(read("corporate", &format!("{text}{domains}")), Ok(trust));
        }
        let both = AddressTrust { verified: AddressSet::Everything, authority: corp() };
        assert_eq!(read("corporate", &format!("trust_email = true\n{domains}")), Ok(both));
        let all = AddressTrust { verified: AddressSet::Nothing, authority: AddressSet::Everything };
        assert_eq!(read("corporate", "trusted_email_domains = ['*']"), Ok(all));
        let tenant =
            "issuer = 'https://login.microsoftonline.com/72f988bf-86f1-41af-91ab-2d7cd011db47/v2.0'\n";
        assert!(read("entra", &format!("{tenant}{domains}")).is_ok());
    }

    #[test]
    fn c18_where_everybody_has_an_account_only_verified_addresses_of_the_domains_count() {
        let domains = "trusted_email_domains = ['corp.example']";
        let trust = AddressTrust { verified: corp(), authority: AddressSet::Nothing };
        assert_eq!(read("google", &format!("trust_email = false\n{domains}")), Ok(trust.clone()));
        assert_eq!(read("lab", &format!("issuer = 'https://gitlab.com'\n{domains}")), Ok(trust));
    }

    #[test]
    fn what_says_two_things_or_none_is_named() {
        let common = "issuer = 'https://login.microsoftonline.com/common/v2.0'\n";
        for (name, text, reason) in [
            ("corporate", "trust_email = 'yes'", "trust_email: expected true or false"),
            ("corporate", "trusted_email_domains = 'a.b'", "trusted_email_domains: expected a list of texts"),
            ("corporate", "trusted_email_domains = ['@a.b']", "behind the @"),
            ("corporate", "trusted_email_domains = ['*', 'a.b']", "name no other beside it"),
            ("google", "trusted_email_domains = ['a.b']", "say trust_email = false"),
            (
                "google",
                "trust_email = false\ntrusted_email_domains = ['*']",
                "not the authority over every address",
            ),
            ("github", "trusted_email_domains = ['*']", "not the authority over every address"),
            (
                "entra",
                format!("{common}trusted_email_domains = ['a.b']").as_str(),
                "with the number of its tenant",
            ),
            (
                "entra",
                format!("{common}trusted_email_domains = ['*']").as_str(),
                "with the number of its tenant",
            ),
            ("google", "issuer = 'https://a.b'", "credentials are the settings GOOGLE_KEY and so on"),
        ] {
            let error = read(name, text).unwrap_err();
            assert!(error.contains(reason), "{error}");
        }
    }
}
