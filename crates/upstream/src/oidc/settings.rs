//! What is configured about an OpenID Connect issuer.

use std::collections::BTreeMap;

use secrecy::{ExposeSecret, SecretString};
use vestibule_domain::{ProviderName, UpstreamClaims};

use super::TokenEndpointAuthMethod;
use super::discovery::WELL_KNOWN;
use crate::endpoint::{AddressError, Endpoint};
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
    /// Our client secret. `None`: a public client, whose method is [`TokenEndpointAuthMethod::None`].
    pub client_secret: Option<SecretString>,
    /// How the client authenticates at the token endpoint. `None`: as the issuer's metadata lists it, preferably by
    /// [`TokenEndpointAuthMethod::ClientSecretBasic`].
    pub token_endpoint_auth_method: Option<TokenEndpointAuthMethod>,
    /// The address at which the service reaches the issuer, or its discovery document there, where that is another than people have:
    /// https, or http on loopback and inside. `None`: below `issuer`.
    pub discovery_url: Option<String>,
    /// What is added to each authorization request, such as `prompt` or `hd`.
    pub authorization_parameters: BTreeMap<String, String>,
    /// Audiences that an ID token for us may have besides our client id.
    pub additional_audiences: Vec<String>,
    /// What is asked for; `openid` must be among it.
    pub scopes: Vec<String>,
    /// The claims that are kept of what it states, for plugins to decide by.
    pub claims: Vec<String>,
}

impl OidcSettings {
    /// What Google's issuer is called.
    pub const GOOGLE_ISSUER: &'static str = "https://accounts.google.com";

    /// An issuer about which nothing else is set. Its name is also its label. The issuer may be given by the address of its discovery
    /// document.
    pub fn new(
        name: ProviderName,
        issuer: &str,
        client_id: String,
        client_secret: Option<SecretString>,
    ) -> Self {
        Self {
            label: name.as_str().to_owned(),
            name,
            issuer: issuer.strip_suffix("/.well-known/openid-configuration").unwrap_or(issuer).to_owned(),
            client_id,
            client_secret,
            token_endpoint_auth_method: None,
            discovery_url: None,
            authorization_parameters: BTreeMap::new(),
            additional_audiences: Vec::new(),
            scopes: Self::default_scopes(),
            claims: Vec::new(),
        }
    }

    /// Google, or another issuer that is configured in its place.
    pub fn google(issuer: &str, client_id: String, client_secret: SecretString) -> Self {
        let settings = Self::new(constant_name("google"), issuer, client_id, Some(client_secret));
        Self { label: "Google".to_owned(), ..settings }
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
        self.check_client_secret()?;
        check_parameters(&self.name, &self.authorization_parameters)?;
        self.back_channel()?;
        let single_words =
            self.scopes.iter().all(|scope| !scope.is_empty() && !scope.contains(char::is_whitespace));
        if !single_words || !self.scopes.iter().any(|scope| scope == "openid") {
            return Err(SettingsError::Scopes { provider: provider() });
        }
        if self.claims.iter().any(|name| !UpstreamClaims::is_name(name)) {
            return Err(SettingsError::Claims { provider: provider() });
        }
        if self.additional_audiences.iter().any(String::is_empty) {
            return Err(empty("additional_audiences"));
        }
        Endpoint::parse_base(&self.issuer).map_err(|problem| SettingsError::Address {
            provider: provider(),
            field: "issuer",
            problem,
        })
    }

    fn check_client_secret(&self) -> Result<(), SettingsError> {
        let is_public = self.token_endpoint_auth_method == Some(TokenEndpointAuthMethod::None);
        let wrong = |problem| Err(SettingsError::ClientSecret { provider: self.name.clone(), problem });
        match &self.client_secret {
            Some(secret) if secret.expose_secret().is_empty() => {
                Err(SettingsError::Empty { provider: self.name.clone(), field: "client_secret" })
            }
            Some(_) if is_public => wrong(
                "would never be sent, because token_endpoint_auth_method is none; take one of them away",
            ),
            None if !is_public => wrong(
                "is not set; a public client, which has none, says so by token_endpoint_auth_method = \"none\"",
            ),
            _ => Ok(()),
        }
    }

    /// The address at which the issuer is reached, where that is another than people have.
    pub(super) fn back_channel(&self) -> Result<Option<Endpoint>, SettingsError> {
        let address = self.discovery_url.as_deref().map(|text| {
            let endpoint = Endpoint::parse_inside(text)?;
            // Something is appended, unless it is the whole address of the document.
            let is_whole = endpoint.url().path().contains(WELL_KNOWN);
            if endpoint.url().query().is_none() || is_whole { Ok(endpoint) } else { Err(AddressError::Extra) }
        });
        address.transpose().map_err(|problem| SettingsError::Address {
            provider: self.name.clone(),
            field: "discovery_url",
            problem,
        })
    }

    /// Where the client secret, codes and keys travel in the clear, for a word of warning at the start.
    pub fn plaintext_address(&self) -> Option<&str> {
        let inside = self.back_channel().ok().flatten()?;
        let loopback = Endpoint::parse(inside.url().as_str()).is_ok();
        self.discovery_url.as_deref().filter(|_| !inside.is_https() && !loopback)
    }
}

/// What a sign-in itself sends, or what would change where or how its answer comes. In whatever case: some providers do not tell
/// `STATE` from `state`.
const RESERVED: [&str; 13] = [
    "response_type",
    "response_mode",
    "client_id",
    "client_secret",
    "redirect_uri",
    "scope",
    "state",
    "nonce",
    "code_challenge",
    "code_challenge_method",
    "request",
    "request_uri",
    "id_token_hint",
];

/// Whether these can be added to an authorization request.
pub(crate) fn check_parameters(
    provider: &ProviderName,
    parameters: &BTreeMap<String, String>,
) -> Result<(), SettingsError> {
    let name_fits = |name: &str| {
        let character = |byte: u8| byte.is_ascii_alphanumeric() || b"-._".contains(&byte);
        (1..=64).contains(&name.len()) && name.bytes().all(character)
    };
    let value_fits =
        |value: &str| (1..=1024).contains(&value.chars().count()) && !value.contains(char::is_control);
    let is_reserved = |name: &str| RESERVED.iter().any(|reserved| reserved.eq_ignore_ascii_case(name));
    let wrong =
        |(name, value): &(&String, &String)| !name_fits(name) || !value_fits(value) || is_reserved(name);
    match parameters.iter().find(wrong) {
        None => Ok(()),
        Some((name, _)) => {
            let (provider, parameter) = (provider.clone(), name.chars().take(64).collect());
            Err(SettingsError::Parameter { provider, parameter })
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn settings() -> OidcSettings {
        let name = ProviderName::parse("work").unwrap();
        OidcSettings::new(name, "https://id.example", "id".into(), Some("secret".into()))
    }

    fn problem(change: fn(&mut OidcSettings)) -> SettingsError {
        let mut settings = settings();
        change(&mut settings);
        settings.check().unwrap_err()
    }

    #[test]
    fn settings_that_cannot_work_are_named() {
        assert!(settings().check().is_ok());
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
            problem(|s| s.client_secret = Some("".into())),
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
    fn the_address_of_a_discovery_document_stands_for_its_issuer() {
        let issuer = |text: &str| {
            OidcSettings::new(ProviderName::parse("work").unwrap(), text, "id".into(), None).issuer
        };
        assert_eq!(issuer("https://id.example/a/.well-known/openid-configuration"), "https://id.example/a");
        assert_eq!(
            issuer("https://id.example/a/"),
            "https://id.example/a/",
            "a final slash is part of a name"
        );
    }

    #[test]
    fn a_public_client_has_no_secret_and_any_other_has_one() {
        let text = |change: fn(&mut OidcSettings)| problem(change).to_string();
        assert!(text(|s| s.client_secret = None).contains("token_endpoint_auth_method = \"none\""));
        let both = text(|s| s.token_endpoint_auth_method = Some(TokenEndpointAuthMethod::None));
        assert!(both.contains("would never be sent"), "{both}");
        let method = Some(TokenEndpointAuthMethod::None);
        let public = OidcSettings { client_secret: None, token_endpoint_auth_method: method, ..settings() };
        assert!(public.check().is_ok());
    }

    #[test]
    fn what_a_sign_in_sends_itself_cannot_be_set_and_anything_else_can() {
        let check = |name: &str, value: &str| {
            let parameters = [(name.to_owned(), value.to_owned())].into();
            OidcSettings { authorization_parameters: parameters, ..settings() }.check().map(drop)
        };
        for (name, value) in
            [("prompt", "select_account"), ("hd", "corp.example"), ("acr_values", "urn:mace:silver gold")]
        {
            assert!(check(name, value).is_ok(), "{name}");
        }
        for name in ["claims", "dpop_jkt", "registration", "resource"] {
            assert!(check(name, "x").is_ok(), "{name}");
        }
        for name in RESERVED.into_iter().chain([
            "STATE",
            "Redirect_Uri",
            "sCOPE",
            "",
            "a b",
            "a=b",
            "a&state",
            "\u{e4}",
        ]) {
            let error = check(name, "x").unwrap_err().to_string();
            assert!(error.contains(&format!("{name:?}")), "{error}");
        }
        for value in ["", "a\nb", &"x".repeat(1025)] {
            assert!(check("prompt", value).is_err(), "{value:?}");
        }
    }

    #[test]
    fn b9_in_the_clear_the_issuer_is_reached_inside_alone_and_that_is_said() {
        let inside = |address: &str| OidcSettings { discovery_url: Some(address.into()), ..settings() };
        let plain = inside("http://keycloak:8080/realms/x/.well-known/openid-configuration");
        assert!(plain.check().is_ok() && plain.plaintext_address().is_some());
        for quiet in ["https://inside.example", "http://127.0.0.1:8080"] {
            assert!(inside(quiet).check().is_ok() && inside(quiet).plaintext_address().is_none(), "{quiet}");
        }
        assert!(inside("http://keycloak:8080/realms/x").check().is_ok());
        assert!(inside("https://id.example/.well-known/openid-configuration?p=a").check().is_ok());
        let error = inside("https://id.example/tenant?p=a").check().unwrap_err().to_string();
        assert!(error.contains("discovery_url must not have a user name, query or fragment"), "{error}");
        let error = inside("http://id.example").check().unwrap_err().to_string();
        assert!(error.contains("discovery_url must be https"), "{error}");
    }

    #[test]
    fn n5_debug_does_not_show_the_secret() {
        assert!(!format!("{:?}", settings()).contains("secret\""));
    }
}
