//! Whose addresses count beyond the provider that states them: two keys of each `[providers.NAME]`.

use std::collections::BTreeMap;

use toml::Value;
use vestibule_domain::{AddressTrust, ProviderName};

use super::keys::provider::{AUTHORIZATION_PARAMETERS, TRUST_EMAIL, TRUSTED_EMAIL_DOMAINS};
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
    if TRUSTED.contains(&provider) { AddressTrust::All } else { AddressTrust::None }
}

fn read_table(name: &str, value: &Value) -> Result<AddressTrust, String> {
    let Some(table) = value.as_table() else {
        return if TRUSTED.contains(&name) {
            Err("expected a table".to_owned())
        } else {
            Ok(AddressTrust::None)
        };
    };
    if TRUSTED.contains(&name)
        && let Some(key) = table.keys().find(|key| !KEYS_OF_BUILT_IN.contains(&key.as_str()))
    {
        let settings = name.to_ascii_uppercase();
        return Err(format!("unknown key {key:?}; credentials are the settings {settings}_KEY and so on"));
    }
    let domains = TRUSTED_EMAIL_DOMAINS.find(table)?.filter(|domains| !domains.is_empty());
    match (TRUST_EMAIL.find(table)?, domains) {
        (Some(true), Some(_)) => Err("trusted_email_domains: says nothing beside trust_email = true".to_owned()),
        (Some(true), None) => Ok(AddressTrust::All),
        (None, Some(_)) if TRUSTED.contains(&name) => Err(
            "trusted_email_domains: all addresses of this provider count; say trust_email = false to let these alone"
                .to_owned(),
        ),
        (_, Some(domains)) => Ok(AddressTrust::Domains(domains)),
        (Some(false), None) => Ok(AddressTrust::None),
        (None, None) => Ok(default_of(name)),
    }
}

#[cfg(test)]
mod tests {
    use vestibule_domain::EmailDomain;

    use super::*;

    fn read(name: &str, text: &str) -> Result<AddressTrust, String> {
        read_table(name, &Value::Table(text.parse().unwrap()))
    }

    #[test]
    fn c18_addresses_count_only_where_it_is_said_and_at_google_and_github() {
        assert_eq!(read("corporate", ""), Ok(AddressTrust::None));
        assert_eq!(read("corporate", "trust_email = true"), Ok(AddressTrust::All));
        assert_eq!(read("corporate", "trusted_email_domains = []"), Ok(AddressTrust::None));
        let domains = AddressTrust::Domains(vec![EmailDomain::parse("corp.example").unwrap()]);
        for text in ["", "trust_email = false\n"] {
            let text = format!("{text}trusted_email_domains = ['Corp.example']");
            assert_eq!(read("corporate", &text), Ok(domains.clone()));
        }
        assert_eq!(read("google", ""), Ok(AddressTrust::All));
        assert_eq!(read("github", "trust_email = false"), Ok(AddressTrust::None));
        let google = "trust_email = false\ntrusted_email_domains = ['corp.example']";
        assert_eq!(read("google", google), Ok(domains));
    }

    #[test]
    fn what_says_two_things_or_none_is_named() {
        for (name, text, reason) in [
            ("corporate", "trust_email = 'yes'", "trust_email: expected true or false"),
            ("corporate", "trusted_email_domains = 'a.b'", "trusted_email_domains: expected a list of texts"),
            ("corporate", "trusted_email_domains = ['@a.b']", "behind the @"),
            ("corporate", "trust_email = true\ntrusted_email_domains = ['a.b']", "says nothing beside"),
            ("google", "trusted_email_domains = ['a.b']", "say trust_email = false"),
            ("google", "issuer = 'https://a.b'", "credentials are the settings GOOGLE_KEY and so on"),
        ] {
            let error = read(name, text).unwrap_err();
            assert!(error.contains(reason), "{error}");
        }
    }
}
