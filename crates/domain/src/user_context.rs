//! The identities and roles of a user, for the plugins that decide by them.

use crate::{EmailAddress, IdentityKey, Membership, ProviderName, RoleAssignment, UpstreamClaims};

/// A user's identities and roles, as far as they count: only identities of providers that are configured are among them.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct UserContext {
    /// By what the user signs in, the last used first.
    pub identities: Vec<LinkedIdentity>,
    /// The roles assigned to the user, to an address or a domain that the user has verified, or to an organization that the
    /// user belongs to.
    pub roles: Vec<RoleAssignment>,
}

/// What a provider stated about a user at the last sign-in there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LinkedIdentity {
    /// The provider.
    pub provider: ProviderName,
    /// Who it is there.
    pub identity: IdentityKey,
    /// The login name there.
    pub login: Option<String>,
    /// The address that the identity stands for.
    pub email: Option<EmailAddress>,
    /// Whether the provider states that it has verified this address, and that counts beyond the identity.
    pub email_verified: bool,
    /// The claims that are kept.
    pub claims: UpstreamClaims,
    /// The organizations that the user belongs to there.
    pub organizations: Vec<Membership>,
}

impl LinkedIdentity {
    /// `provider:subject`, the form in which profiles and plugins know an identity.
    pub fn provider_id(&self) -> String {
        format!("{}:{}", self.provider, self.identity.subject)
    }

    /// The address, if it is verified: the only kind that anything may be decided by.
    pub fn verified_email(&self) -> Option<&EmailAddress> {
        self.email.as_ref().filter(|_| self.email_verified)
    }
}

impl UserContext {
    /// The verified addresses of all identities, each once.
    pub fn verified_emails(&self) -> Vec<&EmailAddress> {
        let mut addresses: Vec<&EmailAddress> = Vec::new();
        for address in self.identities.iter().filter_map(LinkedIdentity::verified_email) {
            if addresses.iter().all(|known| known.key() != address.key()) {
                addresses.push(address);
            }
        }
        addresses
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn identity(email: &str, email_verified: bool) -> LinkedIdentity {
        LinkedIdentity {
            provider: ProviderName::parse("work").unwrap(),
            identity: IdentityKey { issuer: "https://id.example".into(), subject: "1".into() },
            login: None,
            email: EmailAddress::parse(email).ok(),
            email_verified,
            claims: UpstreamClaims::default(),
            organizations: Vec::new(),
        }
    }

    #[test]
    fn c1_only_verified_addresses_count_and_each_once() {
        let identities = vec![
            identity("victim@example.org", false),
            identity("Ada@Example.org", true),
            identity("ada@example.org", true),
            identity("", true),
        ];
        let context = UserContext { identities, roles: Vec::new() };
        let addresses: Vec<_> = context.verified_emails().into_iter().map(EmailAddress::as_str).collect();
        assert_eq!(addresses, ["Ada@Example.org"]);
    }

    #[test]
    fn an_identity_is_named_by_its_provider_and_subject() {
        assert_eq!(identity("ada@example.org", true).provider_id(), "work:1");
    }
}
