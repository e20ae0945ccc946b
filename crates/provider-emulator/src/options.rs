//! How an emulator is started.

use std::fmt;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::time::Duration;

use url::{Host, Url};

use crate::clock::Clock;
use crate::provider::Provider;

/// How an emulator is started. The default is what tests want: a free port on loopback, any loopback address as
/// redirect URI.
#[derive(Debug, Clone)]
pub struct EmulatorOptions {
    /// Where to listen; port 0 takes a free one.
    pub listen: SocketAddr,
    /// Where codes may be sent.
    pub redirect_uris: RedirectUris,
    /// The one client that Google knows.
    pub google_client: Client,
    /// The one client that GitHub knows.
    pub github_client: Client,
    /// The one client that the company's issuer knows.
    pub corporate_client: Client,
    /// How long the token endpoint takes for a persona of [`Behaviour::Slow`](crate::Behaviour::Slow).
    pub slow_delay: Duration,
    /// What tells the time, also in the header `Date` of each answer.
    pub clock: Clock,
    /// The folder in which the keys of the issuers are kept from one process to the next. `None`: each process makes its own. The
    /// first emulator of a process decides.
    pub keys_dir: Option<PathBuf>,
}

impl Default for EmulatorOptions {
    fn default() -> Self {
        Self {
            listen: SocketAddr::from((Ipv4Addr::LOCALHOST, 0)),
            redirect_uris: RedirectUris::all(RedirectPolicy::AnyLoopback),
            google_client: Client::new("google-client", "google-secret"),
            github_client: Client::new("github-client", "github-secret"),
            corporate_client: Client::new("corp-client", "corp-secret"),
            slow_delay: Duration::from_secs(3),
            clock: Clock::system(),
            keys_dir: None,
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

/// What is registered for the client of each provider.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RedirectUris {
    /// At the stand-in for Google.
    pub google: RedirectPolicy,
    /// At the stand-in for GitHub.
    pub github: RedirectPolicy,
    /// At the company's issuer.
    pub corporate: RedirectPolicy,
}

impl RedirectUris {
    /// The same at all of them.
    pub fn all(policy: RedirectPolicy) -> Self {
        Self { google: policy.clone(), github: policy.clone(), corporate: policy }
    }

    pub(crate) fn of(&self, provider: Provider) -> &RedirectPolicy {
        match provider {
            Provider::Google => &self.google,
            Provider::Github => &self.github,
            Provider::Corporate => &self.corporate,
        }
    }

    pub(crate) fn of_mut(&mut self, provider: Provider) -> &mut RedirectPolicy {
        match provider {
            Provider::Google => &mut self.google,
            Provider::Github => &mut self.github,
            Provider::Corporate => &mut self.corporate,
        }
    }
}

/// Which redirect URIs are registered for a client.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RedirectPolicy {
    /// These, compared byte for byte.
    Exact(Vec<String>),
    /// This one, every path below it, and any query behind it, as a GitHub OAuth App takes them.
    Below(String),
    /// Any `http` address of this computer: for development, where ports change.
    AnyLoopback,
}

impl RedirectPolicy {
    /// The address to send a code to, when this text is registered and is an address at all.
    pub(crate) fn find(&self, uri: &str) -> Option<Url> {
        let url = Url::parse(uri).ok().filter(|url| url.fragment().is_none())?;
        let registered = match self {
            Self::Exact(uris) => uris.iter().any(|known| known == uri),
            Self::Below(known) => Url::parse(known).is_ok_and(|known| is_below(&url, &known)),
            Self::AnyLoopback => is_loopback(&url),
        };
        registered.then_some(url)
    }

    /// The URI that stands in for an absent one, as at GitHub: the first registered.
    pub(crate) fn find_default(&self) -> Option<&str> {
        match self {
            Self::Exact(uris) => uris.first().map(String::as_str),
            Self::Below(uri) => Some(uri),
            Self::AnyLoopback => None,
        }
    }
}

/// Dot segments are gone from both by now, so that none leads out again.
fn is_below(url: &Url, known: &Url) -> bool {
    let rest = url.path().strip_prefix(known.path().trim_end_matches('/'));
    url.origin() == known.origin() && rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
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
    fn below_takes_paths_and_queries_behind_the_registered_one_and_nothing_beside_it() {
        let policy = RedirectPolicy::Below("https://auth.example.com/cb".to_owned());
        for good in ["/cb", "/cb/", "/cb/partner", "/cb/a/../b", "/cb?iss=x", "/cb/%2e%2e%2fother"] {
            assert!(policy.find(&format!("https://auth.example.com{good}")).is_some(), "{good}");
        }
        for bad in ["/", "/cba", "/other/cb", "/cb/../other", "/cb/%2e%2e/other", "/CB", "/cb#x"] {
            assert!(policy.find(&format!("https://auth.example.com{bad}")).is_none(), "{bad}");
        }
        for other in
            ["http://auth.example.com/cb", "https://auth.example.com:444/cb", "https://evil.example/cb"]
        {
            assert!(policy.find(other).is_none(), "{other}");
        }
        assert_eq!(policy.find_default(), Some("https://auth.example.com/cb"));
        let host_alone = RedirectPolicy::Below("https://auth.example.com".to_owned());
        assert!(host_alone.find("https://auth.example.com/anything").is_some());
    }

    #[test]
    fn a_clients_debug_text_holds_no_secret() {
        assert!(!format!("{:?}", EmulatorOptions::default()).contains("google-secret"));
    }
}
