//! The real clients of the emulated providers.

use std::collections::BTreeMap;
use std::sync::Arc;

use vestibule_domain::{AddressTrust, Clock, ConfiguredProvider, ConfiguredProviders, ProviderName};
use vestibule_provider_emulator::{Client, Emulator, RedirectPolicy, RedirectUris};
use vestibule_upstream::{
    ExchangeLimit, GithubProvider, GithubSettings, OidcProvider, OidcSettings, OutboundClient, Provider,
    Providers,
};

use super::EXTERNAL_ADDRESS;

/// What an operator has decided about the providers.
#[derive(Clone)]
pub(super) struct ProviderChoice {
    pub(super) has_github: bool,
    /// Whose addresses count of those that the corporate issuer states.
    pub(super) corporate_trust: AddressTrust,
}

/// What an operator registers at each provider. GitHub takes more than that.
pub(super) fn registered_redirect_uris() -> RedirectUris {
    let shared = format!("{EXTERNAL_ADDRESS}/auth/oauth_callback");
    RedirectUris {
        google: RedirectPolicy::Exact(vec![shared.clone()]),
        github: RedirectPolicy::Below(shared),
        corporate: RedirectPolicy::Exact(vec![format!("{EXTERNAL_ADDRESS}/auth/callback/corporate")]),
    }
}

/// The providers, and whose identities and addresses count.
pub(super) fn make(
    emulator: &Emulator,
    clock: &Arc<dyn Clock>,
    choice: ProviderChoice,
) -> (Providers, ConfiguredProviders) {
    let client = OutboundClient::new().expect("a client").limited_to(ExchangeLimit::MOST);
    let (google, github, corporate) = (google(emulator), github(emulator), corporate(emulator));
    let configured = [
        (google.name.clone(), google.issuer.clone(), AddressTrust::VERIFIED),
        (GithubSettings::name(), github.issuer(), AddressTrust::VERIFIED),
        (corporate.name.clone(), corporate.issuer.clone(), choice.corporate_trust),
    ];
    let oidc = |settings| {
        let provider = OidcProvider::new(settings, client.clone(), Arc::clone(clock));
        Arc::new(provider.expect("settings that make sense")) as Arc<dyn Provider>
    };
    let github = GithubProvider::new(github, client.clone()).expect("settings that make sense");
    let all: [Arc<dyn Provider>; 3] = [oidc(google), Arc::new(github), oidc(corporate)];
    let (all, configured): (Vec<_>, Vec<_>) = all
        .into_iter()
        .zip(configured)
        .filter(|(_, (name, ..))| choice.has_github || name.as_str() != "github")
        .map(|(provider, (name, issuer, addresses))| {
            (provider, ConfiguredProvider { name, issuer, addresses })
        })
        .unzip();
    (Providers::new(all).expect("names that differ"), ConfiguredProviders::new(configured))
}

fn google(emulator: &Emulator) -> OidcSettings {
    let Client { id, secret } = emulator.google_client().clone();
    OidcSettings::google(&emulator.google_issuer(), id, secret.into())
}

/// A label that a page must not take for HTML.
pub(crate) const CORPORATE_LABEL: &str = "Corporate <b> & \"Sons\"";

fn corporate(emulator: &Emulator) -> OidcSettings {
    let Client { id, secret } = emulator.corporate_client().clone();
    OidcSettings {
        name: ProviderName::parse("corporate").expect("a name"),
        label: CORPORATE_LABEL.to_owned(),
        ..OidcSettings::google(&emulator.corporate_issuer(), id, secret.into())
    }
}

fn github(emulator: &Emulator) -> GithubSettings {
    let Client { id, secret } = emulator.github_client().clone();
    GithubSettings {
        client_id: id,
        client_secret: secret.into(),
        url: emulator.github_url(),
        api_url: emulator.github_api_url(),
        organizations: false,
        authorization_parameters: BTreeMap::new(),
    }
}
