//! What cannot stand beside `--dev`.
//!
//! With `--dev` each person who reaches the service can sign in as any user. So only this machine may reach it, and it takes no
//! credentials that another service believes.

use std::net::SocketAddr;

use url::Url;
use vestibule_domain::ExternalAddress;
use vestibule_storage::DatabaseUrl;

use super::KeySource;
use super::loopback::is_loopback;
use super::providers::ProviderSettings;
use super::reader::Reader;
use super::table::{
    ADMIN_LISTEN, DATABASE_URL, EXTERNAL_ADDRESS, GITHUB_KEY, GOOGLE_KEY, LISTEN, PRIVATE_KEY,
};

const FOR_THIS_MACHINE: &str = "with --dev each person who reaches the service can sign in as any user, so it must be on \
    loopback; leave out --dev, or this";
const NOT_BESIDE_STAND_INS: &str = "with --dev each person who reaches the service can sign in as any user, so it takes no \
    credentials of a real provider; leave out --dev, or these";
const NOT_THE_DATABASE_OF_OTHERS: &str = "with --dev each person who reaches the service can sign in as any user, so its database \
    must be on this machine; leave out --dev, or this";
const NOT_A_KEY_OF_OTHERS: &str = "with --dev each person who reaches the service can sign in as any user, so it signs with no key that \
    services may trust elsewhere, but with one that it makes in KEYS_DIR; leave out --dev, or this";

/// What is looked at, besides `--dev` itself.
pub(super) struct Looked<'a> {
    pub(super) listen: Option<SocketAddr>,
    pub(super) admin_listen: Option<SocketAddr>,
    pub(super) external_address: Option<&'a ExternalAddress>,
    pub(super) database: Option<&'a DatabaseUrl>,
    pub(super) keys: Option<&'a KeySource>,
    pub(super) providers: &'a ProviderSettings,
}

/// Reports what would let others in, and what would make that count elsewhere.
pub(super) fn check(reader: &mut Reader<'_>, settings: &Looked<'_>) {
    if !reader.dev() {
        return;
    }
    if settings.listen.is_some_and(|address| !address.ip().is_loopback()) {
        reader.report(LISTEN.name(), &FOR_THIS_MACHINE);
    }
    if settings.admin_listen.is_some_and(|address| !address.ip().is_loopback()) {
        reader.report(ADMIN_LISTEN.name(), &FOR_THIS_MACHINE);
    }
    if settings.database.is_some_and(|database| !database.is_on_this_machine()) {
        reader.report(DATABASE_URL.name(), &NOT_THE_DATABASE_OF_OTHERS);
    }
    if matches!(settings.keys, Some(KeySource::Pem { .. })) {
        reader.report(PRIVATE_KEY.name(), &NOT_A_KEY_OF_OTHERS);
    }
    if settings.external_address.is_some_and(|address| !address.origin().is_loopback()) {
        reader.report(EXTERNAL_ADDRESS.name(), &FOR_THIS_MACHINE);
    }
    for (setting, address) in addresses_of(settings.providers) {
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
