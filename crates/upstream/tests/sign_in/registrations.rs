//! How our client is registered at an issuer, and where the issuer is reached.

use std::sync::Arc;

use serde_json::{Value, json};
use url::Url;
use vestibule_domain::UpstreamProfile;
use vestibule_provider_emulator::{AuthMethod, Issuer, Tampering};
use vestibule_test_support::refusing_forward_proxy;
use vestibule_upstream::{
    OidcProvider, OidcSettings, OutboundClient, OutboundProxy, Provider, ProviderError, Reason,
    TokenEndpointAuthMethod,
};

use crate::stage::{Attempt, Stage, google_settings, redeem};

/// The company's issuer as a provider of its own, with these settings.
fn provider(stage: &Stage, change: impl FnOnce(&mut OidcSettings)) -> OidcProvider {
    let mut settings = google_settings(&stage.emulator.corporate_issuer(), stage.emulator.corporate_client());
    change(&mut settings);
    OidcProvider::new(settings, OutboundClient::new().unwrap(), stage.clock.clone()).unwrap()
}

fn reason<T: std::fmt::Debug>(outcome: Result<T, ProviderError>) -> String {
    outcome.unwrap_err().to_string()
}

#[tokio::test]
async fn a_client_authenticates_in_the_way_that_is_registered() {
    let stage = Stage::new().await;
    for (registered, method) in [
        (AuthMethod::Basic, TokenEndpointAuthMethod::ClientSecretBasic),
        (AuthMethod::Post, TokenEndpointAuthMethod::ClientSecretPost),
    ] {
        stage.control.require_auth_method(Issuer::Corporate, Some(registered));
        let right = provider(&stage, |settings| settings.token_endpoint_auth_method = Some(method));
        assert!(stage.sign_in(&right, "ada").await.is_ok(), "{method}");
    }
    let by_list = provider(&stage, |_| ());
    let error = stage.sign_in(&by_list, "ada").await.unwrap_err();
    assert!(matches!(
        error,
        ProviderError::Unavailable {
            reason: Reason::Settings { code: "invalid_client", method: "client_secret_basic" },
            ..
        }
    ));
    assert!(error.to_string().contains("authenticated by client_secret_basic"), "{error}");
}

#[tokio::test]
async fn a_public_client_signs_in_without_a_secret() {
    let stage = Stage::new().await;
    stage.control.require_auth_method(Issuer::Corporate, Some(AuthMethod::None));
    let public = provider(&stage, |settings| {
        settings.client_secret = None;
        settings.token_endpoint_auth_method = Some(TokenEndpointAuthMethod::None);
    });
    assert!(stage.sign_in(&public, "ada").await.is_ok());
    let with_secret = provider(&stage, |_| ());
    assert!(reason(stage.sign_in(&with_secret, "ada").await).contains("invalid_client"));
}

#[tokio::test]
async fn an_issuer_is_reached_inside_and_still_has_to_be_itself() {
    const NAME: &str = "https://login.corp.example/corporate";
    let stage = Stage::new().await;
    let inside = stage.emulator.corporate_issuer();
    let members = json!({
        "issuer": NAME,
        "authorization_endpoint": format!("{NAME}/authorize"),
        "token_endpoint": format!("{NAME}/token"),
        "userinfo_endpoint": format!("{NAME}/userinfo"),
        "jwks_uri": format!("{inside}/jwks"),
        "authorization_response_iss_parameter_supported": false,
    });
    stage.control.override_discovery(Issuer::Corporate, members.as_object().unwrap().clone());
    let split = |stage: &Stage, discovery_url: String| {
        provider(stage, |settings| {
            NAME.clone_into(&mut settings.issuer);
            settings.discovery_url = Some(discovery_url);
        })
    };
    let sign_in = async |provider: &OidcProvider| -> Result<UpstreamProfile, ProviderError> {
        let attempt = Attempt::new(1);
        let address = provider.authorization_url(&attempt.request()).await?;
        assert_eq!(address.host_str(), Some("login.corp.example"), "people are sent outside");
        let mut seen_inside = Url::parse(&format!("{inside}/authorize")).unwrap();
        seen_inside.set_query(address.query());
        let callback = stage.consent(seen_inside, "ada").await;
        let exchange = attempt.exchange(&callback);
        redeem(provider, &vestibule_upstream::CodeExchange { issuer: None, ..exchange }).await
    };
    // What the service asks comes to the address inside; the token says who the issuer is.
    let other = reason(sign_in(&split(&stage, inside.clone())).await);
    assert!(other.contains("iss is another issuer"), "{other}");
    stage.control.tamper(Issuer::Corporate, vec![Tampering::SetClaim("iss".to_owned(), json!(NAME))]);
    for discovery_url in [inside.clone(), format!("{inside}/.well-known/openid-configuration")] {
        let profile = sign_in(&split(&stage, discovery_url)).await.unwrap();
        assert_eq!(profile.identity.issuer, NAME);
    }
}

#[tokio::test]
async fn an_issuer_that_calls_itself_otherwise_is_told_from_an_outage() {
    let stage = Stage::new().await;
    let issuer = stage.emulator.corporate_issuer();
    for (stated, said) in [
        (format!("{issuer}/"), "with a final slash"),
        (format!("{issuer}/{{tenantid}}/v2.0"), "for all tenants"),
        (format!("{issuer}/realms/other"), "another issuer at the same host"),
        ("https://login.example".to_owned(), "names another issuer"),
    ] {
        let members = json!({ "issuer": stated });
        stage.control.override_discovery(Issuer::Corporate, members.as_object().unwrap().clone());
        let provider = provider(&stage, |_| ());
        let error = reason(provider.authorization_url(&Attempt::new(1).request()).await);
        assert!(error.contains(said) && error.contains("cannot be used with these settings"), "{error}");
    }
}

#[tokio::test]
async fn hints_and_what_the_operator_adds_reach_the_provider_in_its_own_words() {
    let stage = Stage::new().await;
    let attempt = Attempt::new(1);
    let request = vestibule_upstream::AuthorizationRequest {
        prompt: Some("select_account"),
        login_hint: Some("ada@example.org"),
        ..attempt.request()
    };
    let query = |address: &Url| -> Vec<(String, String)> { address.query_pairs().into_owned().collect() };
    let has = |address: &Url, name: &str, value: &str| {
        query(address).contains(&(name.to_owned(), value.to_owned()))
    };
    let google = stage.google.authorization_url(&request).await.unwrap();
    assert!(has(&google, "prompt", "select_account") && has(&google, "login_hint", "ada@example.org"));
    let github = stage.github.authorization_url(&request).await.unwrap();
    assert!(has(&github, "prompt", "select_account") && has(&github, "login", "ada@example.org"));
    let login = vestibule_upstream::AuthorizationRequest { prompt: Some("login"), ..request };
    let github = stage.github.authorization_url(&login).await.unwrap();
    assert!(query(&github).iter().all(|(name, _)| name != "prompt"), "GitHub has no such prompt");
}

#[tokio::test]
async fn a_forward_proxy_is_asked_for_a_tunnel_and_learns_the_host_alone() {
    let (address, mut heads) = refusing_forward_proxy().await;
    let proxy = OutboundProxy::parse(&format!("http://user:p%40ss@{address}")).unwrap();
    let provider_of = |proxy: &OutboundProxy, issuer: &str| {
        let settings = google_settings(issuer, &vestibule_provider_emulator::Client::new("id", "secret"));
        let client = OutboundClient::through(Some(proxy)).unwrap();
        OidcProvider::new(settings, client, Arc::new(vestibule_domain::SystemClock)).unwrap()
    };
    let far = provider_of(&proxy, "https://id.corp.example/realm");
    let error = reason(far.authorization_url(&Attempt::new(1).request()).await);
    let head = heads.recv().await.unwrap().to_lowercase();
    assert!(head.starts_with("connect id.corp.example:443 http/1.1\r\n"), "{head}");
    // user:p@ss, as RFC 7617 writes it.
    assert!(head.contains("proxy-authorization: basic dxnlcjpwqhnz\r\n"), "{head}");
    assert!(!head.contains("realm") && !error.contains("p@ss") && !error.contains("user"), "{error}");

    let excepted = provider_of(&proxy.except("corp.example"), "https://id.corp.example/realm");
    assert!(excepted.authorization_url(&Attempt::new(1).request()).await.is_err());
    assert!(heads.try_recv().is_err(), "what is excepted is asked directly");
}

#[tokio::test]
async fn an_issuer_on_loopback_is_asked_without_the_proxy() {
    let stage = Stage::new().await;
    let (address, mut heads) = refusing_forward_proxy().await;
    let proxy = OutboundProxy::parse(&format!("http://{address}")).unwrap();
    let settings = google_settings(&stage.emulator.google_issuer(), stage.emulator.google_client());
    let client = OutboundClient::through(Some(&proxy)).unwrap();
    let google = OidcProvider::new(settings, client, stage.clock.clone()).unwrap();
    assert!(stage.sign_in(&google, "ada").await.is_ok());
    assert!(heads.try_recv().is_err());
}

/// An additional audience, as some issuers put their own beside the client's.
#[tokio::test]
async fn another_audience_is_taken_where_the_settings_name_it() {
    let stage = Stage::new().await;
    let client_id = stage.emulator.corporate_client().id.clone();
    let tampering = |audience: Value| {
        vec![Tampering::SetClaim("aud".to_owned(), audience), Tampering::RemoveClaim("azp".to_owned())]
    };
    stage.control.tamper(Issuer::Corporate, tampering(json!([client_id, "urn:opc:lbaas"])));
    let refused = reason(stage.sign_in(&provider(&stage, |_| ()), "ada").await);
    assert!(refused.contains("additional_audiences"), "{refused}");
    let named = provider(&stage, |settings| settings.additional_audiences = vec!["urn:opc:lbaas".to_owned()]);
    assert!(stage.sign_in(&named, "ada").await.is_ok());
}
