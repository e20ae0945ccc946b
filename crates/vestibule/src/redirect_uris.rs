//! The redirect URIs to register at the providers.

use vestibule_flows::FlowSettings;
use vestibule_upstream::{OidcSettings, Providers};

use crate::settings::ProviderSettings;

/// A redirect URI, and the names of the providers at which it is to be registered.
pub(crate) struct RedirectUri {
    pub(crate) uri: String,
    pub(crate) providers: Vec<String>,
}

/// Each redirect URI once, in the order of the providers.
pub(crate) fn list(flows: &FlowSettings, providers: &Providers) -> Vec<RedirectUri> {
    let mut all: Vec<RedirectUri> = Vec::new();
    for provider in providers {
        let (uri, name) = (flows.urls().redirect_uri(provider.name()), provider.name().to_string());
        match all.iter_mut().find(|known| known.uri == uri) {
            Some(known) => known.providers.push(name),
            None => all.push(RedirectUri { uri, providers: vec![name] }),
        }
    }
    all
}

/// A warning for an operator who put another issuer in Google's place. GitHub does not name itself in its answers. Google does not
/// send people to another provider's redirect URI; another issuer may.
pub(crate) fn find_risk(providers: &ProviderSettings) -> Option<&'static str> {
    let replaced =
        providers.google.as_ref().is_some_and(|google| google.issuer != OidcSettings::GOOGLE_ISSUER);
    let risk = "the issuer of GOOGLE_ISSUER has one address with github and could take codes of github: \
                unless you trust it with them, give it a table [providers.NAME], which has its own";
    (replaced && providers.github.is_some()).then_some(risk)
}
