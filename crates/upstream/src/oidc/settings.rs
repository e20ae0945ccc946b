//! What is configured about an OpenID Connect issuer.

use secrecy::{ExposeSecret, SecretString};
use vestibule_domain::{ProviderName, UpstreamClaims};

use crate::endpoint::Endpoint;
use crate::error::SettingsError;
use crate::provider::constant_name;

const DEFAULT_SCOPES: [&str; 3] = ["openid", "email", "profile"];

/// An issuer and what we are registered as there. [`OidcProvider::new`](crate::OidcProvider::new) checks it.
#[derive(Debug, Clone)]
pub struct OidcSettings {
    /// The name in addresses.
    pub name: ProviderName,
    /// The name that people read.
    pub label: String,
    /// The issuer's identifier, exactly as it stands in its tokens: https, or http on loopback.
    pub issuer: String,
    /// Our client id.
    pub client_id: String,
    /// Our client secret.
    pub client_secret: SecretString,
    /// What is asked for; `openid` must be among it.
    pub scopes: Vec<String>,
    /// The claims that are kept of what it states, for plugins to decide by.
    pub claims: Vec<String>,
}

impl OidcSettings {
    /// What Google's issuer is called.
    pub const GOOGLE_ISSUER: &'static str = "https://accounts.google.com";

    /// Google, or another issuer that is configured in its place.
    pub fn google(issuer: String, client_id: String, client_secret: SecretString) -> Self {
        Self {
            name: constant_name("google"),
            label: "Google".to_owned(),
            issuer,
            client_id,
            client_secret,
            scopes: Self::default_scopes(),
            claims: Vec::new(),
        }
    }

    /// The scopes that a profile and an address need.
    pub fn default_scopes() -> Vec<String> {
        DEFAULT_SCOPES.map(str::to_owned).to_vec()
    }

    /// Says whether a provider can be made of these settings.
    pub fn validate(&self) -> Result<(), SettingsError> {
        self.check().map(drop)
    }

    /// The address of the issuer, if all settings make sense.
    pub(super) fn check(&self) -> Result<Endpoint, SettingsError> {
        let provider = || self.name.clone();
        let empty = |field| SettingsError::Empty { provider: provider(), field };
        if self.client_id.is_empty() {
            return Err(empty("client_id"));
        }
        if self.client_secret.expose_secret().is_empty() {
            return Err(empty("client_secret"));
        }
        let single_words =
            self.scopes.iter().all(|scope| !scope.is_empty() && !scope.contains(char::is_whitespace));
        if !single_words || !self.scopes.iter().any(|scope| scope == "openid") {
            return Err(SettingsError::Scopes { provider: provider() });
        }
        if self.claims.iter().any(|name| !UpstreamClaims::is_name(name)) {
            return Err(SettingsError::Claims { provider: provider() });
        }
        Endpoint::parse_base(&self.issuer).map_err(|problem| SettingsError::Address {
            provider: provider(),
            field: "issuer",
            problem,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::AddressError;

    fn settings() -> OidcSettings {
        OidcSettings {
            name: ProviderName::parse("work").unwrap(),
            label: "Work".into(),
            issuer: "https://id.example".into(),
            client_id: "id".into(),
            client_secret: "secret".into(),
            scopes: OidcSettings::default_scopes(),
            claims: Vec::new(),
        }
    }

    #[test]
    fn settings_that_cannot_work_are_named() {
        assert!(settings().check().is_ok());
        let problem = |change: fn(&mut OidcSettings)| {
            let mut settings = settings();
            change(&mut settings);
            settings.check().unwrap_err()
        };
        let provider = settings().name;
        assert_eq!(
            problem(|s| s.issuer = "http://id.example".into()),
            SettingsError::Address {
                provider: provider.clone(),
                field: "issuer",
                problem: AddressError::Plaintext
            }
        );
        assert_eq!(
            problem(|s| s.client_secret = "".into()),
            SettingsError::Empty { provider: provider.clone(), field: "client_secret" }
        );
        assert_eq!(
            problem(|s| s.client_id.clear()),
            SettingsError::Empty { provider: provider.clone(), field: "client_id" }
        );
        assert_eq!(
            problem(|s| s.scopes = vec!["email".into()]),
            SettingsError::Scopes { provider: provider.clone() }
        );
        assert_eq!(
            problem(|s| s.claims = vec!["groups".into(), String::new()]),
            SettingsError::Claims { provider: provider.clone() }
        );
        assert_eq!(problem(|s| s.scopes = vec!["openid email".into()]), SettingsError::Scopes { provider });
    }

    #[test]
    fn n5_debug_does_not_show_the_secret() {
        assert!(!format!("{:?}", settings()).contains("secret\""));
    }
}
