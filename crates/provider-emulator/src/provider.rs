//! The names of what is emulated.

use std::fmt;

/// One of the emulated providers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Provider {
    /// The stand-in for Google.
    Google,
    /// The stand-in for a company's own OpenID Connect issuer.
    Corporate,
    /// The stand-in for GitHub.
    Github,
}

impl Provider {
    /// The name that people know it by.
    pub fn title(self) -> &'static str {
        match self {
            Self::Google => "Google",
            Self::Corporate => "Corporate sign-in",
            Self::Github => "GitHub",
        }
    }
}

/// One of the providers that speak OpenID Connect, and so have keys and ID tokens.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Issuer {
    /// The stand-in for Google.
    Google,
    /// The stand-in for a company's own issuer.
    Corporate,
}

impl Issuer {
    /// The first segment of its paths.
    pub(crate) fn segment(self) -> &'static str {
        match self {
            Self::Google => "google",
            Self::Corporate => "corporate",
        }
    }
}

impl From<Issuer> for Provider {
    fn from(issuer: Issuer) -> Self {
        match issuer {
            Issuer::Google => Self::Google,
            Issuer::Corporate => Self::Corporate,
        }
    }
}

/// What a provider offers at an address of its own. Counters and faults are kept for each.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Endpoint {
    /// The discovery document of an issuer.
    Discovery,
    /// Where a browser is sent.
    Authorize,
    /// Where a code becomes a token.
    Token,
    /// The key set of an issuer.
    Jwks,
    /// The claims of an issuer about the holder of an access token.
    Userinfo,
    /// GitHub's `/user`.
    User,
    /// GitHub's `/user/emails`.
    Emails,
    /// GitHub's `/user/orgs`.
    Organizations,
}

impl fmt::Display for Provider {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.title())
    }
}
