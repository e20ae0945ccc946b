//! Which address is to be registered at which provider.

use vestibule_flows::FlowSettings;
use vestibule_upstream::{OidcSettings, Providers};

use crate::settings::ProviderSettings;

/// An address, and the names of the providers that are to be told it.
pub(crate) struct RegisteredAddress {
    pub(crate) address: String,
    pub(crate) providers: Vec<String>,
}

/// Each address once, in the order of the providers.
pub(crate) fn list_addresses(flows: &FlowSettings, providers: &Providers) -> Vec<RegisteredAddress> {
    let mut all: Vec<RegisteredAddress> = Vec::new();
    for provider in providers {
        let (address, name) = (flows.urls().redirect_uri(provider.name()), provider.name().to_string());
        match all.iter_mut().find(|known| known.address == address) {
            Some(known) => known.providers.push(name),
            None => all.push(RegisteredAddress { address, providers: vec![name] }),
        }
    }
    all
}

/// What an operator should know who put another issuer in Google's place. GitHub does not say who it is, and Google can be
/// trusted not to send people there; nobody knows that of another issuer.
pub(crate) fn find_risk(providers: &ProviderSettings) -> Option<&'static str> {
    let replaced =
        providers.google.as_ref().is_some_and(|google| google.issuer != OidcSettings::GOOGLE_ISSUER);
    let risk = "the issuer of GOOGLE_ISSUER has one address with github and could take codes of github: \
                unless you trust it with them, give it a table [providers.NAME], which has its own";
    (replaced && providers.github.is_some()).then_some(risk)
}
