//! The issuer's metadata (OpenID Connect Discovery 1.0, RFC 8414, RFC 9207).

use std::time::Duration;

use async_trait::async_trait;
use serde::Deserialize;
use url::{Origin, Url};
use vestibule_domain::ProviderName;

use super::algorithms::{AlgorithmName, AlgorithmSet};
use super::{OidcSettings, TokenEndpointAuthMethod};
use crate::cache::Source;
use crate::endpoint::Endpoint;
use crate::error::{Reason, SettingsError, Step, StepError};
use crate::outbound::{self, OutboundClient};

const PATH: &str = ".well-known/openid-configuration";
pub(super) const WELL_KNOWN: &str = "/.well-known/";

/// What we use of the metadata, checked.
pub(super) struct Metadata {
    pub(super) authorization_endpoint: Endpoint,
    pub(super) token_endpoint: Endpoint,
    pub(super) userinfo_endpoint: Option<Endpoint>,
    pub(super) jwks_uri: Endpoint,
    pub(super) auth_method: TokenEndpointAuthMethod,
    /// The signatures that an ID token may have.
    pub(super) algorithms: AlgorithmSet,
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

/// What the settings say, which a document has to fit.
#[derive(Clone)]
pub(super) struct Requirements {
    issuer: String,
    /// Whether all endpoints must be https. An issuer on loopback may refer to loopback; no other issuer may make the service call
    /// itself.
    tls_only: bool,
    /// Where the issuer is asked, if that is not where people find it.
    back_channel: Option<Endpoint>,
    auth_method: Option<TokenEndpointAuthMethod>,
}

impl Requirements {
    pub(super) fn new(settings: &OidcSettings, issuer: &Endpoint, back_channel: Option<Endpoint>) -> Self {
        let (tls_only, auth_method) = (issuer.is_https(), settings.token_endpoint_auth_method);
        Self { issuer: settings.issuer.clone(), tls_only, back_channel, auth_method }
    }

    /// For an issuer about which nothing else is set.
    #[cfg(any(test, fuzzing))]
    pub(super) fn of_issuer(issuer: &str, tls_only: bool) -> Self {
        Self { issuer: issuer.to_owned(), tls_only, back_channel: None, auth_method: None }
    }

    /// The address of an endpoint that people's browsers are sent to.
    fn front_channel_endpoint(&self, text: &str) -> Result<Endpoint, Reason> {
        let endpoint = Endpoint::parse(text).ok().filter(|endpoint| endpoint.is_https() || !self.tls_only);
        endpoint.ok_or(Reason::Text("an endpoint of the issuer is not an https address"))
    }

    /// The address of an endpoint that we ask. What is at the issuer's own origin is asked where the settings say that it is reached.
    fn back_channel_endpoint(&self, text: &str) -> Result<Endpoint, Reason> {
        let Some(inside) = &self.back_channel else { return self.front_channel_endpoint(text) };
        let origin = inside.url().origin();
        let endpoint = Endpoint::parse_with(text, Some(&origin));
        let endpoint = endpoint.and_then(|endpoint| {
            let moves = origin_of(&self.issuer).is_some_and(|issuer| issuer == endpoint.url().origin());
            if moves { endpoint.moved_to(inside.url()) } else { Ok(endpoint) }
        });
        let safe =
            |endpoint: &Endpoint| endpoint.is_https() || !self.tls_only || endpoint.url().origin() == origin;
        endpoint
            .ok()
            .filter(safe)
            .ok_or(Reason::Text("an endpoint of the issuer is neither an https address nor at discovery_url"))
    }

    /// In what the issuer of a document differs from the one in the settings.
    fn difference(&self, stated: &str) -> &'static str {
        let inside = self.back_channel.as_ref().map(|endpoint| endpoint.url().origin());
        if inside.is_some() && inside == origin_of(stated) {
            return "the document is of the address inside, and so would be each ID token; set the host name that people see at the issuer \
                    itself, as Keycloak does with its option hostname";
        }
        difference(stated, &self.issuer)
    }

    fn auth_method(&self, listed: Option<&[String]>) -> Result<TokenEndpointAuthMethod, Reason> {
        self.auth_method
            .or_else(|| TokenEndpointAuthMethod::choose(listed))
            .ok_or(Reason::ClientAuthentication)
    }
}

fn origin_of(address: &str) -> Option<Origin> {
    Some(Url::parse(address).ok()?.origin())
}

impl Document {
    pub(super) fn check(self, required: &Requirements) -> Result<Metadata, Reason> {
        if self.issuer != required.issuer {
            return Err(Reason::Mismatch(required.difference(&self.issuer)));
        }
        let asked = |text: &str| required.back_channel_endpoint(text);
        Ok(Metadata {
            authorization_endpoint: required.front_channel_endpoint(&self.authorization_endpoint)?,
            token_endpoint: asked(&self.token_endpoint)?,
            userinfo_endpoint: self.userinfo_endpoint.as_deref().map(asked).transpose()?,
            jwks_uri: asked(&self.jwks_uri)?,
            auth_method: required.auth_method(self.token_endpoint_auth_methods_supported.as_deref())?,
            algorithms: algorithms(&self.id_token_signing_alg_values_supported.unwrap_or_default())?,
            promises_iss: self.authorization_response_iss_parameter_supported,
        })
    }
}

/// In what the issuer of a document differs from the one in the settings.
fn difference(stated: &str, expected: &str) -> &'static str {
    let without_slash = |text: &str| text.trim_end_matches('/').to_owned();
    let host = |text: &str| Url::parse(text).ok().and_then(|url| url.host_str().map(str::to_owned));
    if stated.contains('{') {
        "the document is for all tenants and has a place holder in its issuer; set issuer to that of one tenant"
    } else if without_slash(stated) == without_slash(expected) {
        if stated.ends_with('/') {
            "the issuer calls itself by this address with a final slash; write issuer in the settings so, too"
        } else {
            "the issuer calls itself by this address without the final slash; write issuer in the settings so, too"
        }
    } else if stated.eq_ignore_ascii_case(expected) {
        "the issuer calls itself by this address with other capital letters; write issuer in the settings so, too"
    } else if host(stated).is_some() && host(stated) == host(expected) {
        "the document is of another issuer at the same host; compare scheme, port and path of issuer in the settings with the \
         member issuer of the document"
    } else {
        "the document names another issuer than the settings; if the issuer is reached by another address than people have, set \
         issuer to its own name and discovery_url to the address"
    }
}

/// RS256, which every issuer must have (Core section 15.1), and of our own what this one says it uses. One that lists signatures and
/// none of ours cannot be used.
fn algorithms(listed: &[String]) -> Result<AlgorithmSet, Reason> {
    let ours = AlgorithmSet::named(listed);
    match listed.first() {
        Some(first) if ours.is_empty() => {
            Err(Reason::Algorithms { listed: AlgorithmName::of(first), taken: AlgorithmSet::ALL })
        }
        _ => Ok(ours.with("RS256")),
    }
}

/// Asks the issuer for its metadata.
pub(super) struct MetadataSource {
    provider: ProviderName,
    required: Requirements,
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
        let wrong =
            |field| move |problem| SettingsError::Address { provider: settings.name.clone(), field, problem };
        let back_channel = settings.back_channel()?;
        let address = match &back_channel {
            Some(inside) if inside.url().path().contains(WELL_KNOWN) => inside.clone(),
            Some(inside) => inside.join(PATH).map_err(wrong("discovery_url"))?,
            None => issuer.join(PATH).map_err(wrong("issuer"))?,
        };
        Ok(Self { provider, required: Requirements::new(settings, issuer, back_channel), address, client })
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
        document.check(&self.required).map_err(unavailable)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{Value, json};

    const ISSUER: &str = "https://id.example";

    fn check(change: fn(&mut Value)) -> Result<Metadata, Reason> {
        check_as(&required(None, None), change)
    }

    fn required(inside: Option<&str>, auth_method: Option<TokenEndpointAuthMethod>) -> Requirements {
        let back_channel = inside.map(|text| Endpoint::parse_inside(text).unwrap());
        Requirements { issuer: ISSUER.to_owned(), tls_only: true, back_channel, auth_method }
    }

    fn check_as(required: &Requirements, change: fn(&mut Value)) -> Result<Metadata, Reason> {
        let mut document = json!({
            "issuer": ISSUER,
            "authorization_endpoint": "https://id.example/authorize",
            "token_endpoint": "https://id.example/token",
            "jwks_uri": "https://keys.example/jwks",
        });
        change(&mut document);
        serde_json::from_value::<Document>(document).unwrap().check(required)
    }

    #[test]
    fn the_least_document_means_basic_and_rs256() {
        let metadata = check(|_| ()).unwrap();
        assert_eq!(metadata.auth_method, TokenEndpointAuthMethod::ClientSecretBasic);
        assert_eq!(metadata.algorithms.to_string(), "RS256");
        assert!(metadata.userinfo_endpoint.is_none() && !metadata.promises_iss);
    }

    #[test]
    fn b4_a_document_of_another_issuer_is_refused() {
        let refusal = |change: fn(&mut Value)| match check(change).err() {
            Some(Reason::Mismatch(text)) => text,
            other => panic!("{other:?}"),
        };
        assert!(refusal(|d| d["issuer"] = "https://evil.example".into()).contains("names another issuer"));
        assert!(refusal(|d| d["issuer"] = "https://id.example/".into()).contains("with a final slash"));
        assert!(refusal(|d| d["issuer"] = "https://ID.example".into()).contains("other capital letters"));
        assert!(
            refusal(|d| d["issuer"] = "https://id.example/{tenantid}/v2.0".into())
                .contains("for all tenants")
        );
        for elsewhere in ["https://id.example/realms/a", "http://id.example", "https://id.example:8443"] {
            assert!(difference(elsewhere, ISSUER).contains("at the same host"), "{elsewhere}");
        }
        assert!(difference(ISSUER, "https://id.example/").contains("without the final slash"));
    }

    #[test]
    fn an_issuer_that_is_reached_inside_is_asked_there_and_people_are_sent_outside() {
        let inside = required(Some("http://keycloak:8080"), None);
        let metadata = check_as(&inside, |d| {
            d["userinfo_endpoint"] = "http://keycloak:8080/userinfo".into();
        })
        .unwrap();
        let text = |endpoint: &Endpoint| endpoint.url().to_string();
        assert_eq!(text(&metadata.authorization_endpoint), "https://id.example/authorize");
        assert_eq!(text(&metadata.token_endpoint), "http://keycloak:8080/token");
        assert_eq!(metadata.userinfo_endpoint.as_ref().map(text).unwrap(), "http://keycloak:8080/userinfo");
        assert_eq!(text(&metadata.jwks_uri), "https://keys.example/jwks", "another origin stays what it is");
    }

    #[test]
    fn b9_beside_the_address_inside_nothing_is_asked_in_the_clear_and_nobody_is_sent_there() {
        let inside = required(Some("http://keycloak:8080"), None);
        for change in [
            (|d| d["token_endpoint"] = "http://keycloak:9090/token".into()) as fn(&mut Value),
            |d| d["jwks_uri"] = "http://id.example/keys".into(),
            |d| d["userinfo_endpoint"] = "http://127.0.0.1/".into(),
            |d| d["authorization_endpoint"] = "http://keycloak:8080/authorize".into(),
        ] {
            assert!(matches!(check_as(&inside, change), Err(Reason::Text(_))));
        }
        assert!(matches!(
            check_as(&inside, |d| d["issuer"] = "http://keycloak:8080".into()),
            Err(Reason::Mismatch(_))
        ));
    }

    #[test]
    fn b9_an_endpoint_in_the_clear_or_on_this_machine_is_refused() {
        let refused = Some(Reason::Text("an endpoint of the issuer is not an https address"));
        assert_eq!(check(|d| d["token_endpoint"] = "http://id.example/token".into()).err(), refused);
        assert_eq!(check(|d| d["jwks_uri"] = "http://127.0.0.1/keys".into()).err(), refused);
        assert_eq!(check(|d| d["userinfo_endpoint"] = "file:///etc/passwd".into()).err(), refused);
    }

    #[test]
    fn an_issuer_that_goes_by_its_address_inside_is_told_where_to_set_its_name() {
        let inside = required(Some("http://keycloak:8080"), None);
        let refused = check_as(&inside, |d| d["issuer"] = "http://keycloak:8080/realms/x".into()).err();
        let Some(Reason::Mismatch(text)) = refused else { panic!("{refused:?}") };
        assert!(text.contains("its option hostname"), "{text}");
    }

    #[test]
    fn b6_neither_none_nor_hmac_is_ever_allowed() {
        let metadata = check(|d| {
            d["id_token_signing_alg_values_supported"] =
                json!(["none", "HS256", "ES256", "ES512", "PS384", "Ed25519"]);
        });
        assert_eq!(metadata.unwrap().algorithms.to_string(), "RS256, PS384, ES256, Ed25519");
    }

    #[test]
    fn an_issuer_that_signs_in_no_way_of_ours_is_refused_with_the_names() {
        let refused = check(|d| d["id_token_signing_alg_values_supported"] = json!(["ES512", "HS256"]));
        assert_eq!(
            refused.err().unwrap().to_string(),
            "the issuer signs ID tokens in no way that is taken here: it lists ES512; taken are RS256, RS384, RS512, PS256, \
             PS384, PS512, ES256, ES384, EdDSA, Ed25519"
        );
        let empty = check(|d| d["id_token_signing_alg_values_supported"] = json!([])).unwrap();
        assert_eq!(empty.algorithms.to_string(), "RS256");
    }

    #[test]
    fn the_client_secret_goes_where_the_issuer_takes_it() {
        let post =
            check(|d| d["token_endpoint_auth_methods_supported"] = json!(["client_secret_post"])).unwrap();
        assert_eq!(post.auth_method, TokenEndpointAuthMethod::ClientSecretPost);
        let unfit = check(|d| d["token_endpoint_auth_methods_supported"] = json!(["private_key_jwt"]));
        assert_eq!(unfit.err(), Some(Reason::ClientAuthentication));
    }

    #[test]
    fn what_the_settings_say_about_the_client_counts_before_the_list() {
        for method in [TokenEndpointAuthMethod::ClientSecretPost, TokenEndpointAuthMethod::None] {
            let metadata = check_as(&required(None, Some(method)), |d| {
                d["token_endpoint_auth_methods_supported"] = json!(["client_secret_basic"]);
            });
            assert_eq!(metadata.unwrap().auth_method, method);
        }
    }
}
