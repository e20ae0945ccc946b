//! What cannot stand beside `--dev`.
//!
//! With `--dev` each person who reaches the service can sign in as any user. So only this machine may reach it, and it takes no
//! credentials that another service believes.

use std::net::SocketAddr;

use url::Url;
use vestibule_domain::ExternalAddress;

use super::loopback::is_loopback;
use super::providers::ProviderSettings;
use super::reader::Reader;
use super::table::{EXTERNAL_ADDRESS, GITHUB_KEY, GOOGLE_KEY, LISTEN};

const FOR_THIS_MACHINE: &str = "with --dev each person who reaches the service can sign in as any user, so it must be on \
    loopback; leave out --dev, or this";
const NOT_BESIDE_STAND_INS: &str = "with --dev each person who reaches the service can sign in as any user, so it takes no \
    credentials of a real provider; leave out --dev, or these";

/// Reports what would let others in.
pub(super) fn check(
    reader: &mut Reader<'_>,
    listen: Option<SocketAddr>,
    external_address: Option<&ExternalAddress>,
    providers: &ProviderSettings,
) {
    if !reader.dev() {
        return;
    }
    if listen.is_some_and(|listen| !listen.ip().is_loopback()) {
        reader.report(LISTEN.name(), &FOR_THIS_MACHINE);
    }
    if external_address.is_some_and(|address| !address.origin().is_loopback()) {
        reader.report(EXTERNAL_ADDRESS.name(), &FOR_THIS_MACHINE);
    }
    for (setting, address) in addresses_of(providers) {
        if Url::parse(address).is_ok_and(|address| !is_loopback(&address)) {
            reader.report(&setting, &NOT_BESIDE_STAND_INS);
        }
    }
}

/// The address of each provider, behind the setting that has its credentials.
fn addresses_of(providers: &ProviderSettings) -> impl Iterator<Item = (String, &str)> {
    let google = providers.google.iter().map(|google| (GOOGLE_KEY.name().to_owned(), google.issuer.as_str()));
    let github = providers.github.iter().map(|github| (GITHUB_KEY.name().to_owned(), github.url.as_str()));
    let others = providers.others.iter();
    let others = others.map(|other| (format!("[providers.{}]", other.name.as_str()), other.issuer.as_str()));
    google.chain(github).chain(others)
}
