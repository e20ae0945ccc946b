//! The list of configured providers, and settings that cannot work.

use std::sync::Arc;

use vestibule_domain::{ProviderName, SystemClock};
use vestibule_upstream::{
    AddressError, DuplicateProvider, GithubProvider, OidcProvider, OidcSettings, OutboundClient, Provider,
    Providers, SettingsError,
};

use crate::stage::{Stage, github_settings, google_settings};

#[tokio::test]
async fn providers_are_found_by_name_and_keep_their_order() {
    let stage = Stage::new().await;
    let client = OutboundClient::new().unwrap();
    let settings = google_settings(&stage.emulator.google_issuer(), stage.emulator.google_client());
    let google: Arc<dyn Provider> =
        Arc::new(OidcProvider::new(settings, client.clone(), Arc::new(SystemClock)).unwrap());
    let github: Arc<dyn Provider> =
        Arc::new(GithubProvider::new(github_settings(&stage.emulator), client).unwrap());
    let providers = Providers::new(vec![Arc::clone(&github), Arc::clone(&google)]).unwrap();
    let names: Vec<_> = providers.iter().map(|provider| provider.name().as_str()).collect();
    assert_eq!(names, ["github", "google"]);
    assert_eq!(providers.find("google").unwrap().label(), "Google");
    assert!(providers.find("Google").is_none() && providers.find("").is_none());
    assert!(!providers.is_empty() && Providers::default().is_empty());
    let twice = Providers::new(vec![Arc::clone(&google), github, google]);
    assert_eq!(twice.unwrap_err(), DuplicateProvider(ProviderName::parse("google").unwrap()));
}

#[tokio::test]
async fn b9_an_issuer_in_the_clear_stops_before_anything_is_sent() {
    let settings = OidcSettings::google("http://accounts.example", "id".into(), "secret".into());
    let error =
        OidcProvider::new(settings, OutboundClient::new().unwrap(), Arc::new(SystemClock)).err().unwrap();
    assert!(matches!(
        error,
        SettingsError::Address { field: "issuer", problem: AddressError::Plaintext, .. }
    ));
    assert_eq!(error.to_string(), "provider google: issuer must be https; http is allowed on loopback only");
}
