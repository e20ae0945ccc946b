//! What can be understood of settings that may have mistakes, for the command that looks at as much as it can.

use std::net::SocketAddr;
use std::time::Duration;

use vestibule_domain::ExternalAddress;
use vestibule_plugin_host::PluginPlan;
use vestibule_storage::DatabaseUrl;
use vestibule_upstream::{GithubSettings, OidcSettings};

use super::providers::ProviderSettings;
use super::reader::Reader;
use super::sources::Sources;
use super::table::{
    ADMIN_LISTEN, DATABASE_CONNECTIONS, DATABASE_URL, LISTEN, PERMISSION_TOKEN_TTL, USER_TOKEN_TTL,
};
use super::{KeySource, plugins, proxy, read_external_address, read_keys};

/// The parts of the settings that make sense by themselves. What has a mistake is absent; [`Settings::read`](super::Settings::read)
/// names it.
pub(crate) struct Understood {
    pub(crate) dev: bool,
    pub(crate) listen: Option<SocketAddr>,
    pub(crate) admin_listen: Option<SocketAddr>,
    pub(crate) external_address: Option<ExternalAddress>,
    pub(crate) database: Option<DatabaseUrl>,
    pub(crate) database_connections: Option<usize>,
    pub(crate) keys: Option<KeySource>,
    /// The longest life of a token.
    pub(crate) longest_token: Option<Duration>,
    /// Those of whom a provider can be made.
    pub(crate) providers: ProviderSettings,
    /// Whether it is known how they are reached: directly, or through which proxy.
    pub(crate) knows_way_out: bool,
    pub(crate) plugins: PluginPlan,
}

impl Understood {
    pub(crate) fn read(sources: &Sources) -> Self {
        let mut reader = Reader::new(sources);
        let listen = reader.read(&LISTEN);
        let lives = [reader.read(&USER_TOKEN_TTL), reader.read(&PERMISSION_TOKEN_TTL)];
        Self {
            dev: sources.dev(),
            listen,
            admin_listen: reader.find(&ADMIN_LISTEN).value(),
            external_address: read_external_address(&mut reader, listen),
            database: reader.read(&DATABASE_URL),
            database_connections: reader.read(&DATABASE_CONNECTIONS),
            keys: read_keys(&mut reader),
            longest_token: lives.into_iter().flatten().max(),
            providers: without_mistakes(ProviderSettings::read(&mut reader)),
            knows_way_out: reader.is_sound(proxy::read),
            plugins: plugins::read(&mut reader),
        }
    }
}

fn without_mistakes(mut settings: ProviderSettings) -> ProviderSettings {
    let is_sound = |settings: &OidcSettings| settings.validate().is_ok();
    settings.google = settings.google.filter(is_sound);
    settings.github = settings.github.filter(|settings: &GithubSettings| settings.validate().is_ok());
    settings.others.retain(is_sound);
    settings
}
