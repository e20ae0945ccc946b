//! Addresses to which secrets may be sent.

use std::fmt;

use thiserror::Error;
use url::{Host, Origin, Url};
use vestibule_domain::OriginError;

/// Why an address is not used for a provider.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum AddressError {
    /// Not an absolute address with a host.
    #[error("is not an absolute https address")]
    Form,
    /// Plain http to another machine, where anyone on the way could read the client secret.
    #[error("must be https; http is allowed on loopback only")]
    Plaintext,
    /// Plain http to a machine that is neither on loopback nor inside.
    #[error(
        "must be https; http is allowed on loopback, at an address of a private network and at a name that exists only inside, \
         such as keycloak, keycloak.internal or keycloak.svc"
    )]
    PlaintextOutside,
    /// A user name, fragment or, in a base address, a query.
    #[error("must not have a user name, query or fragment")]
    Extra,
}

/// An https address, or an http one on loopback, without user name and fragment.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct Endpoint(Url);

impl Endpoint {
    /// Takes the address of an endpoint; it may have a query (RFC 6749 section 3.1).
    pub(crate) fn parse(text: &str) -> Result<Self, AddressError> {
        Self::parse_where(text, |_| false)
    }

    /// The same, where http is allowed at this origin too.
    pub(crate) fn parse_with(text: &str, plaintext: Option<&Origin>) -> Result<Self, AddressError> {
        Self::parse_where(text, |url| plaintext == Some(&url.origin()))
    }

    /// Takes the address of an endpoint; plain http is allowed also at a host that is inside: it has a private address (RFC 1918,
    /// RFC 4193), or a name that the public DNS has not.
    pub(crate) fn parse_inside(text: &str) -> Result<Self, AddressError> {
        Self::parse_where(text, is_inside).map_err(|error| match error {
            AddressError::Plaintext => AddressError::PlaintextOutside,
            other => other,
        })
    }

    fn parse_where(text: &str, allows_plaintext: impl FnOnce(&Url) -> bool) -> Result<Self, AddressError> {
        let url = Url::parse(text).map_err(|_| AddressError::Form)?;
        match vestibule_domain::Origin::parse(&url.origin().ascii_serialization()) {
            Ok(_) => {}
            Err(OriginError::Plaintext) if allows_plaintext(&url) => {}
            Err(OriginError::Plaintext) => return Err(AddressError::Plaintext),
            Err(OriginError::Form | OriginError::Scheme | OriginError::Extra) => {
                return Err(AddressError::Form);
            }
        }
        let bare = url.username().is_empty() && url.password().is_none() && url.fragment().is_none();
        if bare { Ok(Self(url)) } else { Err(AddressError::Extra) }
    }

    /// Takes an address that others are made from by appending a path.
    pub(crate) fn parse_base(text: &str) -> Result<Self, AddressError> {
        let endpoint = Self::parse(text)?;
        if endpoint.0.query().is_none() { Ok(endpoint) } else { Err(AddressError::Extra) }
    }

    /// The address below this base, whether or not the base ends in a slash. It may be asked in the clear if the base may.
    pub(crate) fn join(&self, path: &str) -> Result<Self, AddressError> {
        let address = format!("{}/{path}", self.0.as_str().trim_end_matches('/'));
        Self::parse_with(&address, Some(&self.0.origin()))
    }

    /// Whether `other` lies at the same origin, at or under the path of this base.
    pub(crate) fn contains(&self, other: &Self) -> bool {
        let below = other.0.path().strip_prefix(self.0.path().trim_end_matches('/'));
        self.0.origin() == other.0.origin() && below.is_some_and(|rest| rest.starts_with('/'))
    }

    /// The same path and query at another origin.
    pub(crate) fn moved_to(&self, origin: &Url) -> Result<Self, AddressError> {
        let mut url = self.0.clone();
        let moved = url.set_scheme(origin.scheme()).is_ok()
            && url.set_host(origin.host_str()).is_ok()
            && url.set_port(origin.port()).is_ok();
        if moved { Ok(Self(url)) } else { Err(AddressError::Form) }
    }

    pub(crate) fn is_https(&self) -> bool {
        self.0.scheme() == "https"
    }

    pub(crate) fn url(&self) -> &Url {
        &self.0
    }
}

/// Whether a host can be reached from inside alone: an address of a private network, a name of one label, or one below a domain that
/// is kept for private use (`internal`, `home.arpa`, RFC 6762 `local`, and `svc` of Kubernetes).
fn is_inside(url: &Url) -> bool {
    const DOMAINS: [&str; 4] = ["internal", "local", "svc", "home.arpa"];
    match url.host() {
        Some(Host::Ipv4(address)) => address.is_private(),
        Some(Host::Ipv6(address)) => address.is_unique_local(),
        Some(Host::Domain(name)) => {
            let name = name.trim_end_matches('.');
            let below = |domain: &str| name.strip_suffix(domain).is_some_and(|rest| rest.ends_with('.'));
            !name.is_empty() && !name.contains('.') || DOMAINS.iter().any(|domain| below(domain))
        }
        None => false,
    }
}

impl fmt::Debug for Endpoint {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}{}", self.0.origin().ascii_serialization(), self.0.path())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn https_anywhere_and_http_on_loopback_are_taken() {
        for good in [
            "https://a.example",
            "https://a.example:8443/x?y=z",
            "http://127.0.0.1:1/",
            "http://localhost",
            "http://[::1]:9",
        ] {
            assert!(Endpoint::parse(good).is_ok(), "{good}");
        }
    }

    #[test]
    fn b9_addresses_that_would_give_secrets_away_are_refused() {
        for (bad, error) in [
            ("http://a.example", AddressError::Plaintext),
            ("http://localhost.evil.example", AddressError::Plaintext),
            ("http://169.254.169.254/", AddressError::Plaintext),
            ("ftp://a.example", AddressError::Form),
            ("file:///etc/passwd", AddressError::Form),
            ("a.example", AddressError::Form),
            ("", AddressError::Form),
            ("https://u:p@a.example", AddressError::Extra),
            ("https://a.example/#x", AddressError::Extra),
        ] {
            assert_eq!(Endpoint::parse(bad), Err(error), "{bad}");
        }
        assert_eq!(Endpoint::parse_base("https://a.example/?x"), Err(AddressError::Extra));
    }

    #[test]
    fn b9_in_the_clear_a_private_address_or_name_is_asked_where_it_is_allowed_and_no_public_one() {
        for inside in [
            "http://keycloak:8080/realms/x",
            "http://10.0.0.7/",
            "http://192.168.1.2:8080/",
            "http://[fd00::7]/",
            "http://id.corp.internal/",
            "http://keycloak.auth.svc.:80/",
            "http://keycloak.auth.svc.cluster.local/",
        ] {
            assert!(Endpoint::parse_inside(inside).is_ok(), "{inside}");
            assert_eq!(Endpoint::parse(inside), Err(AddressError::Plaintext), "{inside}");
        }
        for outside in [
            "http://id.example/",
            "http://169.254.169.254/",
            "http://[fe80::1]/",
            "http://internal.example/",
            "http://8.8.8.8/",
            "http://0x08080808/",
        ] {
            assert_eq!(Endpoint::parse_inside(outside), Err(AddressError::PlaintextOutside), "{outside}");
        }
        assert_eq!(Endpoint::parse_inside("http://u:p@keycloak/"), Err(AddressError::Extra));
        assert!(Endpoint::parse_inside("https://id.example/").is_ok());
    }

    #[test]
    fn b9_in_the_clear_only_the_one_origin_that_is_allowed_is_asked() {
        let allowed = Url::parse("http://keycloak:8080").unwrap().origin();
        let parse = |text| Endpoint::parse_with(text, Some(&allowed));
        assert!(parse("http://keycloak:8080/token").is_ok() && parse("https://id.example/").is_ok());
        for other in [
            "http://keycloak:8081/token",
            "http://keycloak/",
            "http://other:8080/",
            "http://id.example:8080/",
        ] {
            assert_eq!(parse(other), Err(AddressError::Plaintext), "{other}");
        }
        assert_eq!(parse("http://u@keycloak:8080/"), Err(AddressError::Extra));
        assert_eq!(Endpoint::parse_with("http://keycloak:8080/", None), Err(AddressError::Plaintext));
    }

    #[test]
    fn an_address_moves_with_its_path_and_query() {
        let moved = |text: &str, origin: &str| {
            let moved = Endpoint::parse(text).unwrap().moved_to(&Url::parse(origin).unwrap()).unwrap();
            moved.url().to_string()
        };
        assert_eq!(
            moved("https://id.example/a/token?x=1", "http://keycloak:8080/b"),
            "http://keycloak:8080/a/token?x=1"
        );
        assert_eq!(moved("https://id.example:8443/t", "https://inside.example/"), "https://inside.example/t");
    }

    #[test]
    fn a_path_is_appended_once() {
        for base in ["https://a.example/v3", "https://a.example/v3/"] {
            let joined = Endpoint::parse_base(base).unwrap().join("user").unwrap();
            assert_eq!(joined.url().as_str(), "https://a.example/v3/user");
        }
        let inside = Endpoint::parse_inside("http://keycloak:8080/realms/x").unwrap().join("user").unwrap();
        assert_eq!(inside.url().as_str(), "http://keycloak:8080/realms/x/user");
    }

    #[test]
    fn only_what_lies_under_a_base_is_contained() {
        let base = Endpoint::parse_base("https://a.example/v3").unwrap();
        let contains = |text: &str| base.contains(&Endpoint::parse(text).unwrap());
        assert!(contains("https://a.example/v3/user/emails?page=2"));
        assert!(contains("https://a.example:443/v3/x"));
        for other in [
            "https://a.example/v30/x",
            "https://a.example/v3/../x",
            "https://a.example:444/v3/x",
            "https://b.example/v3/x",
        ] {
            assert!(!contains(other), "{other}");
        }
    }
}
