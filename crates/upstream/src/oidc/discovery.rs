//! The issuer's metadata (OpenID Connect Discovery 1.0, RFC 8414, RFC 9207).

use std::time::Duration;

use async_trait::async_trait;
use jsonwebtoken::Algorithm;
use oauth2::AuthType;
use serde::Deserialize;
use vestibule_domain::ProviderName;

use super::OidcSettings;
use crate::cache::Source;
use crate::endpoint::Endpoint;
use crate::error::{SettingsError, Step, StepError};
use crate::outbound::{self, OutboundClient};

const PATH: &str = ".well-known/openid-configuration";

/// What we use of the metadata, checked.
pub(super) struct Metadata {
    pub(super) authorization_endpoint: Endpoint,
    pub(super) token_endpoint: Endpoint,
    pub(super) userinfo_endpoint: Option<Endpoint>,
    pub(super) jwks_uri: Endpoint,
    pub(super) auth_type: AuthType,
    /// The signatures that an ID token may have.
    pub(super) algorithms: Vec<Algorithm>,
    /// Whether each authorization response names its issuer.
    pub(super) promises_iss: bool,
}

#[derive(Deserialize)]
pub(super) struct Document {
    pub(super) issuer: String,
    authorization_endpoint: String,
    token_endpoint: String,
    userinfo_endpoint: Option<String>,
    jwks_uri: String,
    token_endpoint_auth_methods_supported: Option<Vec<String>>,
    id_token_signing_alg_values_supported: Option<Vec<String>>,
    #[serde(default)]
    authorization_response_iss_parameter_supported: bool,
}

impl Document {
    pub(super) fn check(self, issuer: &str, tls_only: bool) -> Result<Metadata, &'static str> {
        if self.issuer != issuer {
            return Err("the document names another issuer than the settings");
        }
        let endpoint = |text: &str| {
            // An issuer on loopback may refer to loopback; no other issuer may make the service call itself.
            let safe = Endpoint::parse(text).ok().filter(|endpoint| endpoint.is_https() || !tls_only);
            safe.ok_or("an endpoint of the issuer is not an https address")
        };
        Ok(Metadata {
            authorization_endpoint: endpoint(&self.authorization_endpoint)?,
            token_endpoint: endpoint(&self.token_endpoint)?,
            userinfo_endpoint: self.userinfo_endpoint.as_deref().map(endpoint).transpose()?,
            jwks_uri: endpoint(&self.jwks_uri)?,
            auth_type: auth_type(self.token_endpoint_auth_methods_supported.as_deref())?,
            algorithms: algorithms(&self.id_token_signing_alg_values_supported.unwrap_or_default()),
            promises_iss: self.authorization_response_iss_parameter_supported,
        })
    }
}

/// Discovery section 3: `client_secret_basic` is meant where nothing is said.
fn auth_type(methods: Option<&[String]>) -> Result<AuthType, &'static str> {
    let supports = |method: &str| methods.is_none_or(|methods| methods.iter().any(|known| known == method));
    if supports("client_secret_basic") {
        Ok(AuthType::BasicAuth)
    } else if supports("client_secret_post") {
        Ok(AuthType::RequestBody)
    } else {
        Err("the issuer takes no client secret, neither in the header nor in the body")
    }
}

/// RS256, which every issuer must have (Core section 15.1), and out of a list of our own what this one says it uses.
/// INVARIANT: never `none`, never HMAC, whose key would be our client secret.
fn algorithms(supported: &[String]) -> Vec<Algorithm> {
    let optional = [
        ("RS384", Algorithm::RS384),
        ("RS512", Algorithm::RS512),
        ("PS256", Algorithm::PS256),
        ("ES256", Algorithm::ES256),
        ("EdDSA", Algorithm::EdDSA),
    ];
    let listed = optional.into_iter().filter(|(name, _)| supported.iter().any(|known| known == name));
    std::iter::once(Algorithm::RS256).chain(listed.map(|(_, algorithm)| algorithm)).collect()
}

/// Asks the issuer for its metadata.
pub(super) struct MetadataSource {
    provider: ProviderName,
    issuer: String,
    tls_only: bool,
    address: Endpoint,
    client: OutboundClient,
}

impl MetadataSource {
    pub(super) fn new(
        settings: &OidcSettings,
        issuer: &Endpoint,
        client: OutboundClient,
    ) -> Result<Self, SettingsError> {
        let provider = settings.name.clone();
        let address = issuer.join(PATH).map_err(|problem| SettingsError::Address {
            provider: provider.clone(),
            field: "issuer",
            problem,
        })?;
        Ok(Self { provider, issuer: settings.issuer.clone(), tls_only: issuer.is_https(), address, client })
    }
}

#[async_trait]
impl Source for MetadataSource {
    type Value = Metadata;
    const STEP: Step = Step::Discovery;

    fn provider(&self) -> &ProviderName {
        &self.provider
    }

    fn timeout(&self) -> Duration {
        self.client.shared_timeout()
    }

    async fn fetch(&self) -> Result<Metadata, StepError> {
        let unavailable = |reason| StepError::unavailable(Self::STEP, reason);
        let answer = self.client.get(&self.address, "application/json", None).await.map_err(unavailable)?;
        let document: Document = outbound::json(&answer).map_err(unavailable)?;
        document
            .check(&self.issuer, self.tls_only)
            .map_err(|problem| StepError::malformed(Self::STEP, problem))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{Value, json};

    const ISSUER: &str = "https://id.example";

    fn check(change: fn(&mut Value)) -> Result<Metadata, &'static str> {
        let mut document = json!({
            "issuer": ISSUER,
            "authorization_endpoint": "https://id.example/authorize",
            "token_endpoint": "https://id.example/token",
            "jwks_uri": "https://keys.example/jwks",
        });
        change(&mut document);
        serde_json::from_value::<Document>(document).unwrap().check(ISSUER, true)
    }

    #[test]
    fn the_least_document_means_basic_and_rs256() {
        let metadata = check(|_| ()).unwrap();
        assert!(matches!(metadata.auth_type, AuthType::BasicAuth));
        assert_eq!(metadata.algorithms, [Algorithm::RS256]);
        assert!(metadata.userinfo_endpoint.is_none() && !metadata.promises_iss);
    }

    #[test]
    fn b4_a_document_of_another_issuer_is_refused() {
        let refused = Some("the document names another issuer than the settings");
        assert_eq!(check(|d| d["issuer"] = "https://evil.example".into()).err(), refused);
        assert_eq!(check(|d| d["issuer"] = "https://id.example/".into()).err(), refused);
    }

    #[test]
    fn b9_an_endpoint_in_the_clear_or_on_this_machine_is_refused() {
        let refused = Some("an endpoint of the issuer is not an https address");
        assert_eq!(check(|d| d["token_endpoint"] = "http://id.example/token".into()).err(), refused);
        assert_eq!(check(|d| d["jwks_uri"] = "http://127.0.0.1/keys".into()).err(), refused);
        assert_eq!(check(|d| d["userinfo_endpoint"] = "file:///etc/passwd".into()).err(), refused);
    }

    #[test]
    fn b6_neither_none_nor_hmac_is_ever_allowed() {
        let metadata = check(|d| {
            d["id_token_signing_alg_values_supported"] = json!(["none", "HS256", "ES256", "ES512", "EdDSA"]);
        });
        assert_eq!(metadata.unwrap().algorithms, [Algorithm::RS256, Algorithm::ES256, Algorithm::EdDSA]);
    }

    #[test]
    fn the_client_secret_goes_where_the_issuer_takes_it() {
        let post =
            check(|d| d["token_endpoint_auth_methods_supported"] = json!(["client_secret_post"])).unwrap();
        assert!(matches!(post.auth_type, AuthType::RequestBody));
        assert!(check(|d| d["token_endpoint_auth_methods_supported"] = json!(["private_key_jwt"])).is_err());
    }
}
