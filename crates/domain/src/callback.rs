//! Where a provider sends the browser back to.

use std::fmt;

use crate::ProviderName;

/// Providers whose answers come to one path, which is what is registered there since before there were others.
const SHARING: [&str; 2] = ["google", "github"];
const SHARED: &str = "/auth/oauth_callback";
const OWN: &str = "/auth/callback/";

/// The path of a callback. Google and GitHub share one, every other provider has its own, so that a provider which sends
/// a browser on to another one does not get the other's code (RFC 9700 section 4.4).
///
/// INVARIANT: no path lies below another one. An OAuth App of GitHub takes, as redirect URI, every path below the one that
/// is registered.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum CallbackPath {
    /// Of Google and GitHub, whatever issuer stands in their place.
    Shared,
    /// Of one other provider.
    Own(ProviderName),
}

impl CallbackPath {
    /// Where the answers of this provider come.
    pub fn for_provider(provider: &ProviderName) -> Self {
        if SHARING.contains(&provider.as_str()) { Self::Shared } else { Self::Own(provider.clone()) }
    }

    /// Reads the path of a request, which is written in one way alone: what is escaped, in capitals or has a slash at its
    /// end is another path.
    pub fn parse(path: &str) -> Option<Self> {
        if path == SHARED {
            return Some(Self::Shared);
        }
        let name = ProviderName::parse(path.strip_prefix(OWN)?).ok()?;
        // Their names belong to the shared one.
        Some(Self::for_provider(&name)).filter(|path| *path != Self::Shared)
    }
}

impl fmt::Display for CallbackPath {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Shared => formatter.write_str(SHARED),
            Self::Own(provider) => write!(formatter, "{OWN}{provider}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn of(name: &str) -> CallbackPath {
        CallbackPath::for_provider(&ProviderName::parse(name).unwrap())
    }

    #[test]
    fn google_and_github_share_a_path_and_everybody_else_has_one() {
        assert_eq!(of("google").to_string(), "/auth/oauth_callback");
        assert_eq!(of("github"), of("google"));
        for name in ["corporate", "google2", "git-hub", "oauth_callback", "callback", "g"] {
            assert_eq!(of(name).to_string(), format!("/auth/callback/{name}"));
        }
    }

    #[test]
    fn b12_a_path_that_only_looks_like_one_is_none() {
        for path in [
            "",
            "/auth/oauth_callback/",
            "/auth/oauth_callback/corporate",
            "/auth/oauth_callback%2Fcorporate",
            "/auth/Oauth_callback",
            "//auth/oauth_callback",
            "/auth/callback",
            "/auth/callback/",
            "/auth/callback//corporate",
            "/auth/callback/corporate/",
            "/auth/callback/corporate/x",
            "/auth/callback/Corporate",
            "/auth/callback/%63orporate",
            "/auth/callback/corporate%2F",
            "/auth/callback/corporate;x",
            "/auth/callback/../oauth_callback",
            "/auth/callback/google",
            "/auth/callback/github",
        ] {
            assert_eq!(CallbackPath::parse(path), None, "{path}");
        }
    }

    proptest! {
        #[test]
        fn b12_each_path_is_written_in_one_way_and_none_lies_below_another(one in "[a-z][a-z0-9_-]{0,31}", other in "[a-z][a-z0-9_-]{0,31}", text in "/auth/[a-z%/._-]{0,24}") {
            let (path, others) = (of(&one), of(&other));
            prop_assert_eq!(CallbackPath::parse(&path.to_string()), Some(path.clone()));
            let below = format!("{path}/");
            prop_assert!(!others.to_string().starts_with(&below));
            if let Some(read) = CallbackPath::parse(&text) {
                prop_assert_eq!(read.to_string(), text);
            }
        }
    }
}
