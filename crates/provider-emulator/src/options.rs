//! How an emulator is started.

use std::fmt;
use std::net::{Ipv4Addr, SocketAddr};
use std::time::Duration;

use url::{Host, Url};

use crate::clock::Clock;

/// How an emulator is started. The default is what tests want: a free port on loopback, any loopback address as
/// redirect URI.
#[derive(Debug, Clone)]
pub struct EmulatorOptions {
    /// Where to listen; port 0 takes a free one.
    pub listen: SocketAddr,
    /// Where codes may be sent.
    pub redirect_uris: RedirectPolicy,
    /// The one client that Google knows.
    pub google_client: Client,
    /// The one client that GitHub knows.
    pub github_client: Client,
    /// The one client that the company's issuer knows.
    pub corporate_client: Client,
    /// How long the token endpoint takes for a persona of [`Behaviour::Slow`](crate::Behaviour::Slow).
    pub slow_delay: Duration,
    /// What tells the time.
    pub clock: Clock,
}

impl Default for EmulatorOptions {
    fn default() -> Self {
        Self {
            listen: SocketAddr::from((Ipv4Addr::LOCALHOST, 0)),
            redirect_uris: RedirectPolicy::AnyLoopback,
            google_client: Client::new("google-client", "google-secret"),
            github_client: Client::new("github-client", "github-secret"),
            corporate_client: Client::new("corp-client", "corp-secret"),
            slow_delay: Duration::from_secs(3),
            clock: Clock::system(),
        }
    }
}

/// What a registered client of a provider holds.
#[derive(Clone, PartialEq, Eq)]
pub struct Client {
    /// The public name.
    pub id: String,
    /// What proves that a request to the token endpoint comes from it.
    pub secret: String,
}

impl Client {
    /// A client of this id and secret.
    pub fn new(id: impl Into<String>, secret: impl Into<String>) -> Self {
        Self { id: id.into(), secret: secret.into() }
    }
}

impl fmt::Debug for Client {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Client").field("id", &self.id).finish_non_exhaustive()
    }
}

/// Which redirect URIs are registered at the providers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RedirectPolicy {
    /// These, compared byte for byte.
    Exact(Vec<String>),
    /// Any `http` address of this computer: for development, where ports change.
    AnyLoopback,
}

impl RedirectPolicy {
    /// The address to send a code to, when this text is registered and is an address at all.
    pub(crate) fn find(&self, uri: &str) -> Option<Url> {
        let url = Url::parse(uri).ok().filter(|url| url.fragment().is_none())?;
        let registered = match self {
            Self::Exact(uris) => uris.iter().any(|known| known == uri),
            Self::AnyLoopback => is_loopback(&url),
        };
        registered.then_some(url)
    }

    /// The URI that stands in for an absent one, as at GitHub: the first registered.
    pub(crate) fn find_default(&self) -> Option<&str> {
        match self {
            Self::Exact(uris) => uris.first().map(String::as_str),
            Self::AnyLoopback => None,
        }
    }
}

fn is_loopback(url: &Url) -> bool {
    let local = match url.host() {
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.is_loopback(),
        Some(Host::Domain(name)) => name == "localhost",
        None => false,
    };
    local && url.scheme() == "http" && url.username().is_empty() && url.password().is_none()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn any_loopback_takes_every_port_of_this_computer_and_nothing_else() {
        let policy = RedirectPolicy::AnyLoopback;
        for good in ["http://127.0.0.1:8000/auth/oauth_callback", "http://localhost/cb", "http://[::1]:1/"] {
            assert!(policy.find(good).is_some(), "{good}");
        }
        for bad in [
            "http://evil.example/cb",
            "https://127.0.0.1/cb",
            "http://localhost.evil.example/",
            "http://user@localhost/",
            "http://localhost/#x",
            "not an address",
        ] {
            assert!(policy.find(bad).is_none(), "{bad}");
        }
    }

    #[test]
    fn exact_compares_byte_for_byte() {
        let policy = RedirectPolicy::Exact(vec!["https://auth.example.com/cb".to_owned()]);
        assert!(policy.find("https://auth.example.com/cb").is_some());
        assert!(policy.find("https://auth.example.com/cb/").is_none());
        assert!(policy.find("https://AUTH.example.com/cb").is_none());
        assert_eq!(policy.find_default(), Some("https://auth.example.com/cb"));
    }

    #[test]
    fn a_clients_debug_text_holds_no_secret() {
        assert!(!format!("{:?}", EmulatorOptions::default()).contains("google-secret"));
    }
}
