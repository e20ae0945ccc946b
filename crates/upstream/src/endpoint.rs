//! Addresses to which secrets may be sent.

use std::fmt;

use thiserror::Error;
use url::Url;
use vestibule_domain::{Origin, OriginError};

/// Why an address is not used for a provider.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum AddressError {
    /// Not an absolute address with a host.
    #[error("is not an absolute https address")]
    Form,
    /// Plain http to another machine, where anyone on the way could read the client secret.
    #[error("must be https; http is allowed on loopback only")]
    Plaintext,
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
        let url = Url::parse(text).map_err(|_| AddressError::Form)?;
        Origin::parse(&url.origin().ascii_serialization()).map_err(|error| match error {
            OriginError::Plaintext => AddressError::Plaintext,
            OriginError::Form | OriginError::Scheme | OriginError::Extra => AddressError::Form,
        })?;
        let plain = url.username().is_empty() && url.password().is_none() && url.fragment().is_none();
        if plain { Ok(Self(url)) } else { Err(AddressError::Extra) }
    }

    /// Takes an address that others are made from by appending a path.
    pub(crate) fn parse_base(text: &str) -> Result<Self, AddressError> {
        let endpoint = Self::parse(text)?;
        if endpoint.0.query().is_none() { Ok(endpoint) } else { Err(AddressError::Extra) }
    }

    /// The address below this base, whether or not the base ends in a slash.
    pub(crate) fn join(&self, path: &str) -> Result<Self, AddressError> {
        Self::parse(&format!("{}/{path}", self.0.as_str().trim_end_matches('/')))
    }

    /// Whether `other` lies at the same origin, at or under the path of this base.
    pub(crate) fn contains(&self, other: &Self) -> bool {
        let below = other.0.path().strip_prefix(self.0.path().trim_end_matches('/'));
        self.0.origin() == other.0.origin() && below.is_some_and(|rest| rest.starts_with('/'))
    }

    pub(crate) fn is_https(&self) -> bool {
        self.0.scheme() == "https"
    }

    pub(crate) fn url(&self) -> &Url {
        &self.0
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
    fn a_path_is_appended_once() {
        for base in ["https://a.example/v3", "https://a.example/v3/"] {
            let joined = Endpoint::parse_base(base).unwrap().join("user").unwrap();
            assert_eq!(joined.url().as_str(), "https://a.example/v3/user");
        }
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
