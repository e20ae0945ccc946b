//! Web origins (RFC 6454): where frontends live, and where we do.

use std::fmt;
use std::net::{Ipv4Addr, Ipv6Addr};

use thiserror::Error;
use url::{Host, Url};

/// Why a text is not an origin that we would send a token to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum OriginError {
    /// Not of the form `scheme://host[:port]`.
    #[error("not an origin: scheme://host or scheme://host:port is expected")]
    Form,
    /// Neither https nor http.
    #[error("the scheme is neither https nor http")]
    Scheme,
    /// Plain http to another machine.
    #[error("http is allowed on loopback only; use https")]
    Plaintext,
    /// A wildcard, user name, path, query or fragment.
    #[error("an origin has no wildcard, user name, path, query or fragment")]
    Extra,
}

/// A scheme, host and port, in the serialised form of the WHATWG URL standard (`https://app.example.com`).
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Origin {
    text: String,
    loopback: bool,
}

impl Origin {
    /// Takes `scheme://host[:port]`, with or without a final slash.
    pub fn parse(text: &str) -> Result<Self, OriginError> {
        let text = text.trim();
        if text.contains(['*', '\\']) {
            return Err(OriginError::Extra);
        }
        let (_, rest) = text.split_once("://").ok_or(OriginError::Form)?;
        if rest.is_empty() || rest.starts_with('/') {
            return Err(OriginError::Form);
        }
        let url = Url::parse(text).map_err(|_| OriginError::Form)?;
        let bare = url.path() == "/" && url.query().is_none() && url.fragment().is_none();
        if !bare || rest.contains('@') {
            return Err(OriginError::Extra);
        }
        Self::from_url(&url)
    }

    /// The origin of an address that is already parsed.
    pub(crate) fn from_url(url: &Url) -> Result<Self, OriginError> {
        let loopback = is_loopback(url);
        match url.scheme() {
            "https" => {}
            "http" if loopback => {}
            "http" => return Err(OriginError::Plaintext),
            _ => return Err(OriginError::Scheme),
        }
        Ok(Self { text: url.origin().ascii_serialization(), loopback })
    }

    /// The serialised origin, as a browser sends it in the `Origin` header.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// Whether the host is this machine: `localhost`, a name under it, 127.0.0.0/8 or `[::1]`.
    pub fn is_loopback(&self) -> bool {
        self.loopback
    }

    /// Whether the scheme is https.
    pub fn is_https(&self) -> bool {
        self.text.starts_with("https://")
    }
}

impl fmt::Display for Origin {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.text)
    }
}

fn is_loopback(url: &Url) -> bool {
    match url.host() {
        Some(Host::Domain(name)) => name == "localhost" || name.ends_with(".localhost"),
        Some(Host::Ipv4(address)) => Ipv4Addr::is_loopback(&address),
        Some(Host::Ipv6(address)) => Ipv6Addr::is_loopback(&address),
        None => false,
    }
}

/// Where the service is reachable from outside: an origin. Every address that we hand out starts with it, never with
/// anything a request says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ExternalAddress(Origin);

impl ExternalAddress {
    /// Takes an origin; a bare host means https.
    pub fn parse(text: &str) -> Result<Self, OriginError> {
        let text = text.trim();
        if text.contains("://") { Origin::parse(text) } else { Origin::parse(&format!("https://{text}")) }
            .map(Self)
    }

    /// The origin itself.
    pub fn origin(&self) -> &Origin {
        &self.0
    }

    /// The issuer (`iss`) of our tokens: the origin without a final slash.
    pub fn issuer(&self) -> &str {
        self.0.as_str()
    }

    /// The absolute address of one of our paths, which starts with a slash.
    pub fn join(&self, path: &str) -> String {
        format!("{}{path}", self.0)
    }
}

/// The origins that `next` may lead to and that may call by CORS. Compared whole: no prefix, suffix or pattern.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AllowedOrigins {
    origins: Vec<Origin>,
    any_loopback: bool,
}

impl AllowedOrigins {
    /// These origins and no others.
    pub fn new(origins: Vec<Origin>) -> Self {
        Self { origins, any_loopback: false }
    }

    /// These origins and every origin on this machine: for development.
    #[must_use]
    pub fn with_any_loopback(mut self) -> Self {
        self.any_loopback = true;
        self
    }

    /// Whether a token may be sent to this origin.
    pub fn allow(&self, origin: &Origin) -> bool {
        (self.any_loopback && origin.is_loopback()) || self.origins.contains(origin)
    }

    /// Whether the value of an `Origin` header is one of these, byte for byte.
    pub fn allow_header(&self, value: &str) -> bool {
        Origin::parse(value).is_ok_and(|origin| origin.as_str() == value && self.allow(&origin))
    }

    /// The listed origins, in order.
    pub fn iter(&self) -> impl Iterator<Item = &Origin> {
        self.origins.iter()
    }

    /// Whether every loopback origin is allowed besides the listed ones.
    pub fn any_loopback(&self) -> bool {
        self.any_loopback
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn an_origin_is_normalised_as_a_browser_does_it() {
        assert_eq!(
            Origin::parse("https://App.Example.com:443/").unwrap().as_str(),
            "https://app.example.com"
        );
        assert_eq!(Origin::parse("http://127.0.0.1:3000").unwrap().as_str(), "http://127.0.0.1:3000");
        assert_eq!(
            Origin::parse("https://[2001:db8::1]:8443").unwrap().as_str(),
            "https://[2001:db8::1]:8443"
        );
    }

    #[test]
    fn what_is_not_a_safe_origin_is_refused_with_its_reason() {
        assert_eq!(Origin::parse("http://app.example.com"), Err(OriginError::Plaintext));
        assert_eq!(Origin::parse("ftp://app.example.com"), Err(OriginError::Scheme));
        assert_eq!(Origin::parse("app.example.com"), Err(OriginError::Form));
        assert_eq!(Origin::parse("https:///app.example.com"), Err(OriginError::Form));
        for extra in [
            "https://*.example.com",
            "https://a@b.c",
            "https://a.b/c",
            "https://a.b?c",
            "https://a.b#c",
            "https://@b.c",
        ] {
            assert_eq!(Origin::parse(extra), Err(OriginError::Extra), "{extra}");
        }
    }

    #[test]
    fn a_bare_host_means_https() {
        assert_eq!(ExternalAddress::parse("auth.example.com").unwrap().issuer(), "https://auth.example.com");
        assert_eq!(ExternalAddress::parse("localhost:8000").unwrap().issuer(), "https://localhost:8000");
        assert!(ExternalAddress::parse("https://example.com/auth").is_err());
    }

    #[test]
    fn a_header_counts_only_byte_for_byte() {
        let allowed = AllowedOrigins::new(vec![Origin::parse("https://app.example.com").unwrap()]);
        assert!(allowed.allow_header("https://app.example.com"));
        for other in [
            "https://APP.example.com",
            "https://app.example.com/",
            "null",
            "",
            "https://app.example.com.evil.tld",
            "http://localhost",
        ] {
            assert!(!allowed.allow_header(other), "{other}");
        }
        assert!(allowed.with_any_loopback().allow_header("http://localhost:5173"));
    }

    proptest! {
        #[test]
        fn a2_an_origin_reads_back_as_itself_and_a_header_is_compared_byte_for_byte(
            text in "(https?://)?[A-Za-z0-9.\\[\\]-]{1,20}(:[0-9]{0,6})?/?|\\PC{0,30}",
        ) {
            if let Ok(origin) = Origin::parse(&text) {
                prop_assert_eq!(&Origin::parse(origin.as_str()).unwrap(), &origin);
                prop_assert!(origin.is_https() || origin.is_loopback());
                let allowed = AllowedOrigins::new(vec![origin.clone()]);
                prop_assert_eq!(allowed.allow_header(&text), text == origin.as_str());
            }
        }
    }

    #[test]
    fn this_machine_is_known_by_its_names_and_addresses_and_no_other_is() {
        for here in ["http://localhost", "http://app.localhost:3000", "http://127.9.9.9", "http://[::1]:8000"]
        {
            assert!(Origin::parse(here).unwrap().is_loopback(), "{here}");
        }
        for elsewhere in
            ["https://localhost.example", "https://notlocalhost", "https://128.0.0.1", "https://[::2]"]
        {
            assert!(!Origin::parse(elsewhere).unwrap().is_loopback(), "{elsewhere}");
        }
        assert!(Origin::parse("https://a.example").unwrap().is_https());
        assert!(!Origin::parse("http://localhost").unwrap().is_https());
    }

    #[test]
    fn an_address_of_ours_begins_with_the_origin_whatever_it_was_written_like() {
        let address = ExternalAddress::parse(" https://Auth.example.com/ ").unwrap();
        assert_eq!(address.origin().to_string(), "https://auth.example.com");
        assert_eq!(address.join("/auth/check"), "https://auth.example.com/auth/check");
        assert_eq!(ExternalAddress::parse("http://auth.example.com"), Err(OriginError::Plaintext));
        assert_eq!(Origin::parse("https://a\\b"), Err(OriginError::Extra));
        assert_eq!(Origin::parse("https://"), Err(OriginError::Form));
    }

    #[test]
    fn any_loopback_adds_this_machine_to_the_list_and_nothing_else() {
        let [app, here, other] = ["https://app.example.com", "http://localhost:5173", "https://evil.tld"]
            .map(|text| Origin::parse(text).unwrap());
        let listed = AllowedOrigins::new(vec![app.clone()]);
        assert!(listed.allow(&app) && !listed.allow(&here) && !listed.any_loopback());
        assert_eq!(listed.iter().collect::<Vec<_>>(), [&app]);
        let open = listed.with_any_loopback();
        assert!(open.allow(&app) && open.allow(&here) && !open.allow(&other) && open.any_loopback());
    }
}
