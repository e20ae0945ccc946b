//! What is configured about GitHub.

use std::collections::BTreeMap;

use secrecy::{ExposeSecret, SecretString};
use vestibule_domain::ProviderName;

use crate::endpoint::Endpoint;
use crate::error::SettingsError;
use crate::oidc::check_parameters;
use crate::provider::constant_name;

/// Where GitHub is and what we are registered as there. [`GithubProvider::new`](crate::GithubProvider::new) checks it.
#[derive(Debug, Clone)]
pub struct GithubSettings {
    /// Our client id.
    pub client_id: String,
    /// Our client secret.
    pub client_secret: SecretString,
    /// The site, `https://github.com` or an Enterprise Server.
    pub url: String,
    /// Its API, `https://api.github.com` or `https://HOST/api/v3`.
    pub api_url: String,
    /// Whether to ask for the organizations that people belong to, also those that they do not show.
    pub organizations: bool,
    /// What is added to each authorization request, such as `allow_signup`.
    pub authorization_parameters: BTreeMap<String, String>,
}

impl GithubSettings {
    /// github.com.
    pub const DEFAULT_URL: &'static str = "https://github.com";
    /// Its API.
    pub const DEFAULT_API_URL: &'static str = "https://api.github.com";

    /// The API of the site at this address: that of github.com, of a subdomain of ghe.com, or of an Enterprise Server.
    pub fn api_url_of(url: &str) -> String {
        let url = url.trim_end_matches('/');
        match url.strip_prefix("https://") {
            _ if url == Self::DEFAULT_URL => Self::DEFAULT_API_URL.to_owned(),
            Some(host) if host.ends_with(".ghe.com") => format!("https://api.{host}"),
            _ => format!("{url}/api/v3"),
        }
    }

    /// The one name that GitHub has here.
    pub fn name() -> ProviderName {
        constant_name("github")
    }

    /// Under what its identities are kept. With or without a final slash it is the same GitHub, and must be the same identity.
    pub fn issuer(&self) -> String {
        self.url.trim_end_matches('/').to_owned()
    }

    /// What people are asked to grant.
    pub(super) fn scopes(&self) -> Vec<String> {
        let profile = ["read:user", "user:email"].into_iter();
        profile.chain(self.organizations.then_some("read:org")).map(str::to_owned).collect()
    }

    /// Says whether a provider can be made of these settings.
    pub fn validate(&self) -> Result<(), SettingsError> {
        self.check(&Self::name()).map(drop)
    }

    /// The addresses of site and API, if all settings make sense.
    pub(super) fn check(&self, provider: &ProviderName) -> Result<(Endpoint, Endpoint), SettingsError> {
        let empty = |field| SettingsError::Empty { provider: provider.clone(), field };
        if self.client_id.is_empty() {
            return Err(empty("client_id"));
        }
        if self.client_secret.expose_secret().is_empty() {
            return Err(empty("client_secret"));
        }
        let base = |field, text| {
            Endpoint::parse_base(text).map_err(|problem| SettingsError::Address {
                provider: provider.clone(),
                field,
                problem,
            })
        };
        check_parameters(provider, &self.authorization_parameters)?;
        Ok((base("url", &self.url)?, base("api_url", &self.api_url)?))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::AddressError;

    fn settings() -> GithubSettings {
        GithubSettings {
            client_id: "id".into(),
            client_secret: "secret".into(),
            url: GithubSettings::DEFAULT_URL.into(),
            api_url: GithubSettings::DEFAULT_API_URL.into(),
            organizations: false,
            authorization_parameters: BTreeMap::new(),
        }
    }

    #[test]
    fn the_api_follows_from_the_site() {
        for (url, api_url) in [
            ("https://github.com", "https://api.github.com"),
            ("https://github.com/", "https://api.github.com"),
            ("https://octocorp.ghe.com", "https://api.octocorp.ghe.com"),
            ("https://github.corp.example", "https://github.corp.example/api/v3"),
            ("https://corp.example:8443/", "https://corp.example:8443/api/v3"),
            ("https://ghe.com.corp.example", "https://ghe.com.corp.example/api/v3"),
        ] {
            assert_eq!(GithubSettings::api_url_of(url), api_url);
        }
    }

    #[test]
    fn organizations_are_asked_for_only_when_they_are_wanted() {
        assert_eq!(settings().scopes(), ["read:user", "user:email"]);
        let wanted = GithubSettings { organizations: true, ..settings() };
        assert_eq!(wanted.scopes(), ["read:user", "user:email", "read:org"]);
    }

    #[test]
    fn settings_that_cannot_work_are_named() {
        let provider = GithubSettings::name();
        assert!(settings().check(&provider).is_ok());
        let plain = GithubSettings { api_url: "http://api.example".into(), ..settings() };
        assert_eq!(
            plain.check(&provider),
            Err(SettingsError::Address {
                provider: provider.clone(),
                field: "api_url",
                problem: AddressError::Plaintext
            })
        );
        let empty = GithubSettings { client_secret: "".into(), ..settings() };
        assert_eq!(empty.check(&provider), Err(SettingsError::Empty { provider, field: "client_secret" }));
    }
}
