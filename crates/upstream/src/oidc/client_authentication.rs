//! How our client authenticates at a token endpoint.

use std::fmt;
use std::str::FromStr;

use oauth2::AuthType;
use thiserror::Error;

/// How a client authenticates at the token endpoint (RFC 7591 section 2).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TokenEndpointAuthMethod {
    /// With the secret in the header `Authorization` (RFC 6749 section 2.3.1).
    ClientSecretBasic,
    /// With the secret in the form.
    ClientSecretPost,
    /// Not at all: a public client, whose codes PKCE alone protects.
    None,
}

/// A text that is no method that we have.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[error("expected client_secret_basic, client_secret_post or, for a public client without a secret, none")]
pub struct UnknownAuthMethod;

impl TokenEndpointAuthMethod {
    const ALL: [Self; 3] = [Self::ClientSecretBasic, Self::ClientSecretPost, Self::None];

    /// The registered name.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::ClientSecretBasic => "client_secret_basic",
            Self::ClientSecretPost => "client_secret_post",
            Self::None => "none",
        }
    }

    /// What a client with a secret uses at an issuer that lists these methods. Nothing listed means `client_secret_basic`
    /// (OpenID Connect Discovery 1.0 section 3).
    pub(super) fn choose(listed: Option<&[String]>) -> Option<Self> {
        let lists =
            |method: &Self| listed.is_none_or(|listed| listed.iter().any(|name| name == method.as_str()));
        [Self::ClientSecretBasic, Self::ClientSecretPost].into_iter().find(lists)
    }

    pub(crate) fn auth_type(self) -> AuthType {
        match self {
            Self::ClientSecretBasic => AuthType::BasicAuth,
            // Without a secret, the id alone stands in the form.
            Self::ClientSecretPost | Self::None => AuthType::RequestBody,
        }
    }
}

impl fmt::Display for TokenEndpointAuthMethod {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.as_str())
    }
}

impl FromStr for TokenEndpointAuthMethod {
    type Err = UnknownAuthMethod;

    fn from_str(text: &str) -> Result<Self, UnknownAuthMethod> {
        Self::ALL.into_iter().find(|method| method.as_str() == text).ok_or(UnknownAuthMethod)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_method_is_read_by_its_registered_name() {
        for method in TokenEndpointAuthMethod::ALL {
            assert_eq!(method.to_string().parse(), Ok(method));
        }
        for other in ["", "private_key_jwt", "client_secret_jwt", "Client_Secret_Post", "basic"] {
            assert_eq!(other.parse::<TokenEndpointAuthMethod>(), Err(UnknownAuthMethod), "{other}");
        }
    }

    #[test]
    fn the_header_is_preferred_and_nothing_listed_means_the_header() {
        let choose = |names: &[&str]| {
            let names: Vec<String> = names.iter().map(|&name| name.to_owned()).collect();
            TokenEndpointAuthMethod::choose(Some(&names))
        };
        let (basic, post) = (
            Some(TokenEndpointAuthMethod::ClientSecretBasic),
            Some(TokenEndpointAuthMethod::ClientSecretPost),
        );
        assert_eq!(choose(&["client_secret_post", "client_secret_basic"]), basic);
        assert_eq!(choose(&["private_key_jwt", "client_secret_post"]), post);
        assert_eq!(choose(&["private_key_jwt", "none"]), None, "a secret is not left at home");
        assert_eq!(TokenEndpointAuthMethod::choose(None), basic);
    }
}
