//! The forward proxy that stands between us and the providers.

use std::fmt;

use reqwest::{NoProxy, Proxy};
use thiserror::Error;
use url::Url;

const LOOPBACK: &str = "localhost,127.0.0.0/8,::1";

/// A forward proxy for requests to other machines: they are tunnelled through it by `CONNECT` (RFC 9110 section 9.3.6), so that it sees
/// the host and nothing of what is said. Loopback, and plain http inside, are asked directly.
#[derive(Clone, PartialEq, Eq)]
pub struct OutboundProxy {
    /// May hold a user name and a password.
    address: Url,
    /// Hosts, domains and networks that are asked directly, separated by commas.
    direct: String,
}

/// Why a text is not a proxy.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum OutboundProxyError {
    /// Not an address with a host, or of another scheme.
    #[error(
        "expected http://HOST:PORT or https://HOST:PORT, with USER:PASSWORD@ before the host where the proxy asks for it"
    )]
    Form,
    /// Something behind the host and port.
    #[error("the address of a proxy has no path, query or fragment")]
    Extra,
}

impl OutboundProxy {
    /// Reads `http://[USER:PASSWORD@]HOST[:PORT]`, or the same with `https`.
    pub fn parse(text: &str) -> Result<Self, OutboundProxyError> {
        let address = Url::parse(text).map_err(|_| OutboundProxyError::Form)?;
        if !matches!(address.scheme(), "http" | "https") || address.host().is_none() {
            return Err(OutboundProxyError::Form);
        }
        let bare = address.path() == "/" && address.query().is_none() && address.fragment().is_none();
        if bare { Ok(Self { address, direct: String::new() }) } else { Err(OutboundProxyError::Extra) }
    }

    /// The same, where these are asked directly: hosts, domains with all that is below them, addresses and networks, separated by commas.
    #[must_use]
    pub fn except(self, direct: &str) -> Self {
        Self { direct: direct.to_owned(), ..self }
    }

    pub(crate) fn to_reqwest(&self) -> reqwest::Result<Proxy> {
        let direct = NoProxy::from_string(&format!("{LOOPBACK},{}", self.direct));
        Ok(Proxy::https(self.address.clone())?.no_proxy(direct))
    }
}

/// The address without user and password.
impl fmt::Display for OutboundProxy {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.address.origin().ascii_serialization())
    }
}

impl fmt::Debug for OutboundProxy {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "OutboundProxy({self})")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_proxy_is_an_address_of_http_or_https() {
        for good in ["http://proxy:3128", "https://proxy.example", "http://user:p%40ss@10.0.0.1:8080/"] {
            assert!(OutboundProxy::parse(good).is_ok(), "{good}");
        }
        for bad in ["", "proxy:3128", "proxy", "socks5://proxy:1080", "http://"] {
            assert_eq!(OutboundProxy::parse(bad), Err(OutboundProxyError::Form), "{bad}");
        }
        for bad in ["http://proxy:3128/x", "http://proxy/?a", "http://proxy/#a"] {
            assert_eq!(OutboundProxy::parse(bad), Err(OutboundProxyError::Extra), "{bad}");
        }
    }

    #[test]
    fn n5_neither_user_nor_password_are_shown() {
        let proxy = OutboundProxy::parse("http://user:hunter2@proxy:3128").unwrap();
        assert_eq!(proxy.to_string(), "http://proxy:3128");
        assert_eq!(format!("{proxy:?}"), "OutboundProxy(http://proxy:3128)");
    }
}
