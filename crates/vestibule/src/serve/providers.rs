//! The providers of a run.

use std::sync::Arc;

use vestibule_domain::{Clock, ProviderName};
use vestibule_upstream::{
    ExchangeLimit, GithubProvider, GithubSettings, OidcProvider, OidcSettings, OutboundClient, Provider,
    Providers, UpstreamObserver,
};

use crate::error::CommandError;
use crate::settings::ProviderSettings;

/// Makes the providers, in the order in which people see them: Google, GitHub, then the others by name.
pub(crate) fn make(
    settings: &ProviderSettings,
    clock: &Arc<dyn Clock>,
    limit: ExchangeLimit,
    observer: Option<&Arc<dyn UpstreamObserver>>,
) -> Result<Providers, CommandError> {
    let client = OutboundClient::through(settings.outbound_proxy.as_ref())
        .map_err(CommandError::while_doing("the client for providers"))?;
    let client = client.limited_to(limit);
    let client = |name: &ProviderName| match observer {
        Some(observer) => client.observed_for(name, Arc::clone(observer)),
        None => client.clone(),
    };
    let oidc = |settings: &OidcSettings| {
        OidcProvider::new(settings.clone(), client(&settings.name), Arc::clone(clock))
            .map(|provider| Arc::new(provider) as Arc<dyn Provider>)
    };
    let github = |settings: &GithubSettings| {
        GithubProvider::new(settings.clone(), client(&GithubSettings::name()))
            .map(|provider| Arc::new(provider) as Arc<dyn Provider>)
    };
    let all = settings
        .google
        .iter()
        .map(oidc)
        .chain(settings.github.iter().map(github))
        .chain(settings.others.iter().map(oidc));
    let providers = all.collect::<Result<_, _>>().map_err(CommandError::new)?;
    Providers::new(providers).map_err(CommandError::while_doing("the providers"))
}
