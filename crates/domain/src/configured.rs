//! Which providers people can sign in with now, and what counts of what each of them states.

use crate::{EmailAddress, EmailDomain, ProviderName};

/// A set of addresses, by their domains.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum AddressSet {
    /// None.
    #[default]
    Nothing,
    /// Those of these domains, each meaning itself alone.
    Domains(Vec<EmailDomain>),
    /// Every address.
    Everything,
}

impl AddressSet {
    /// Whether the address is one of them.
    pub fn contains(&self, address: &EmailAddress) -> bool {
        match self {
            Self::Nothing => false,
            Self::Domains(domains) => domains.contains(&EmailDomain::of_address(address)),
            Self::Everything => true,
        }
    }
}

/// How the address of an identity was verified when it last signed in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum EmailVerification {
    /// Not at all.
    None,
    /// The provider stated that it is.
    Statement,
    /// The provider said nothing of it, or denied it, and is the authority over the address. It counts only while the provider is that.
    Authority,
}

impl EmailVerification {
    /// Of an address that was verified or not, and if so perhaps by authority alone.
    pub fn new(is_verified: bool, by_authority: bool) -> Self {
        match (is_verified, by_authority) {
            (false, _) => Self::None,
            (true, false) => Self::Statement,
            (true, true) => Self::Authority,
        }
    }
}

/// Which addresses count beyond the identity that a provider states them for: for joining users, and for rules and roles by
/// address or domain. All others are kept at their identity as not verified.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct AddressTrust {
    /// Those that count if the provider states that it has verified them.
    pub verified: AddressSet,
    /// Those over which the provider is the authority: they count whatever it says about their verification.
    pub authority: AddressSet,
}

impl AddressTrust {
    /// No address counts.
    pub const NONE: Self = Self { verified: AddressSet::Nothing, authority: AddressSet::Nothing };
    /// Each address counts that the provider states as verified.
    pub const VERIFIED: Self = Self { verified: AddressSet::Everything, authority: AddressSet::Nothing };

    /// Those of the domains over which the provider is the authority count, and no others.
    pub const fn authority_over(domains: Vec<EmailDomain>) -> Self {
        Self { verified: AddressSet::Nothing, authority: AddressSet::Domains(domains) }
    }

    /// Whether an address that the provider states as verified counts beyond its identity.
    pub fn covers(&self, address: &EmailAddress) -> bool {
        self.verified.contains(address) || self.vouches_for(address)
    }

    /// Whether an address counts also if the provider does not state that it is verified.
    pub fn vouches_for(&self, address: &EmailAddress) -> bool {
        self.authority.contains(address)
    }
}

/// A provider that the settings have.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConfiguredProvider {
    /// The name in the settings.
    pub name: ProviderName,
    /// The issuer that the name leads to.
    pub issuer: String,
    /// Which of its addresses count beyond it.
    pub addresses: AddressTrust,
}

/// The providers that the settings have. An identity counts for something only if its name and its issuer are those of one of
/// them: a name that leads to another issuer now is another provider.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ConfiguredProviders(Vec<ConfiguredProvider>);

impl ConfiguredProviders {
    /// Takes what the settings have. Without any, nothing counts.
    pub fn new(providers: Vec<ConfiguredProvider>) -> Self {
        Self(providers)
    }

    /// All of them.
    pub fn iter(&self) -> std::slice::Iter<'_, ConfiguredProvider> {
        self.0.iter()
    }

    /// Whether an identity that was kept under this name and issuer counts.
    pub fn trusts_identity(&self, name: &str, issuer: &str) -> bool {
        self.find(name, issuer).is_some()
    }

    /// Whether an address that such an identity states as verified counts beyond it.
    pub fn trusts_email(&self, name: &str, issuer: &str, address: &EmailAddress) -> bool {
        self.find(name, issuer).is_some_and(|provider| provider.addresses.covers(address))
    }

    /// Whether such an identity's address counts beyond it, which was verified in this way.
    pub fn trusts_verified_email(
        &self,
        name: &str,
        issuer: &str,
        address: &EmailAddress,
        verification: EmailVerification,
    ) -> bool {
        match verification {
            EmailVerification::None => false,
            EmailVerification::Statement => self.trusts_email(name, issuer, address),
            EmailVerification::Authority => self.vouches_for_email(name, issuer, address),
        }
    }

    /// Whether such an identity's address counts also if the provider does not state that it is verified.
    pub fn vouches_for_email(&self, name: &str, issuer: &str, address: &EmailAddress) -> bool {
        self.find(name, issuer).is_some_and(|provider| provider.addresses.vouches_for(address))
    }

    fn find(&self, name: &str, issuer: &str) -> Option<&ConfiguredProvider> {
        self.0.iter().find(|provider| provider.name.as_str() == name && provider.issuer == issuer)
    }
}

impl<'a> IntoIterator for &'a ConfiguredProviders {
    type Item = &'a ConfiguredProvider;
    type IntoIter = std::slice::Iter<'a, ConfiguredProvider>;

    fn into_iter(self) -> Self::IntoIter {
        self.iter()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn address(text: &str) -> EmailAddress {
        EmailAddress::parse(text).unwrap()
    }

    fn corporate(addresses: AddressTrust) -> ConfiguredProviders {
        let name = ProviderName::parse("corporate").unwrap();
        let issuer = "https://id.example".to_owned();
        ConfiguredProviders::new(vec![ConfiguredProvider { name, issuer, addresses }])
    }

    #[test]
    fn c7_an_identity_counts_only_under_its_name_and_issuer() {
        let providers = corporate(AddressTrust::VERIFIED);
        assert!(providers.trusts_identity("corporate", "https://id.example"));
        for (name, issuer) in [
            ("corporate", "https://id.example/"),
            ("corporate", "https://other.example"),
            ("google", "https://id.example"),
            ("", "https://id.example"),
            ("corporate", ""),
        ] {
            assert!(!providers.trusts_identity(name, issuer), "{name} {issuer}");
            assert!(!providers.trusts_email(name, issuer, &address("ada@id.example")), "{name} {issuer}");
        }
        assert!(!ConfiguredProviders::default().trusts_identity("corporate", "https://id.example"));
    }

    #[test]
    fn the_providers_come_in_the_order_of_the_settings() {
        let provider = |name: &str| ConfiguredProvider {
            name: ProviderName::parse(name).unwrap(),
            issuer: format!("https://{name}.example"),
            addresses: AddressTrust::NONE,
        };
        let listed = ["work", "corporate", "google"].map(provider);
        let providers = ConfiguredProviders::new(listed.to_vec());
        assert!(providers.iter().eq(&listed));
        assert!((&providers).into_iter().eq(&listed));
    }

    #[test]
    fn c18_an_address_counts_as_far_as_its_provider_is_trusted() {
        let counts = |trust: AddressTrust, text: &str| {
            corporate(trust).trusts_email("corporate", "https://id.example", &address(text))
        };
        assert!(!counts(AddressTrust::default(), "ada@id.example"));
        assert!(counts(AddressTrust::VERIFIED, "ada@id.example"));
        let domains = || AddressTrust::authority_over(vec![EmailDomain::parse("ID.example").unwrap()]);
        assert!(counts(domains(), "Ada@id.EXAMPLE"));
        for other in ["ada@sub.id.example", "ada@evil-id.example", "ada@example", "ada@id.example.evil"] {
            assert!(!counts(domains(), other), "{other}");
        }
    }

    #[test]
    fn c18_a_provider_vouches_for_the_addresses_that_it_is_the_authority_over_and_for_no_others() {
        let vouches = |trust: AddressTrust, text: &str| {
            corporate(trust).vouches_for_email("corporate", "https://id.example", &address(text))
        };
        assert!(!vouches(AddressTrust::NONE, "ada@id.example"));
        assert!(!vouches(AddressTrust::VERIFIED, "ada@id.example"), "it still has to say so");
        let domains = || AddressTrust::authority_over(vec![EmailDomain::parse("id.example").unwrap()]);
        assert!(vouches(domains(), "ada@id.example") && !vouches(domains(), "ada@sub.id.example"));
        let both = || AddressTrust { verified: AddressSet::Everything, ..domains() };
        assert!(vouches(both(), "ada@id.example") && !vouches(both(), "ada@home.example"));
        let everything = AddressTrust { authority: AddressSet::Everything, ..AddressTrust::NONE };
        assert!(vouches(everything, "ada@home.example"));
        let elsewhere = corporate(domains());
        assert!(!elsewhere.vouches_for_email(
            "corporate",
            "https://other.example",
            &address("ada@id.example")
        ));
    }
}
