//! The settings: read once, from flags, environment, file and defaults, into types in which what makes no sense cannot
//! be written.

mod apps;
mod development;
mod document;
mod environment;
#[cfg(any(test, fuzzing))]
pub(crate) mod fuzzing;
mod keys;
mod kinds;
mod loopback;
mod people;
mod plugins;
mod providers;
mod proxy;
mod reader;
mod setting;
mod sources;
mod suggestions;
pub(crate) mod table;
mod table_reader;
mod traces;
mod trust;
mod understood;

use std::collections::BTreeSet;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use secrecy::SecretString;
use vestibule_domain::{ConfiguredProviders, ExternalAddress, Rate, ServiceName, SessionLimits};
use vestibule_flows::{FlowSettings, TokenRules};
use vestibule_http::{AddressRates, TrustedProxies};
use vestibule_plugin_host::PluginPlan;
use vestibule_storage::DatabaseUrl;

use crate::error::CommandError;

pub(crate) use document::{help, help_of, write_tables};
pub(crate) use environment::take as take_environment;
pub(crate) use kinds::LogFormat;
pub(crate) use kinds::addresses::parse_listener;
pub(crate) use kinds::traces::{RootSampler, SamplerChoice};
pub(crate) use loopback::emulator_address;
pub(crate) use providers::{ProviderSettings, setting_of as provider_setting};
pub(crate) use sources::Sources;
pub(crate) use traces::TraceSettings;
pub(crate) use understood::Understood;

use reader::{Found, Reader};
use table::{
    ADMIN_LISTEN, AUDIT_RETENTION, DATABASE_CONNECTIONS, DATABASE_URL, DRAIN_DELAY, EXTERNAL_ADDRESS,
    KEYS_DIR, LISTEN, LOG, LOG_ACCESS_RATE, LOG_FORMAT, MAX_CONNECTIONS, PERMISSION_TOKEN_TTL, PRIVATE_KEY,
    PUBLIC_KEY, RATE_LIMIT_AUTHORIZE_PER_ADDRESS, RATE_LIMIT_LOOKUP_PER_ADDRESS,
    RATE_LIMIT_SIGN_IN_PER_ADDRESS, RATE_LIMIT_UPDATE_PER_ADDRESS, TRUSTED_PROXIES, USER_TOKEN_TTL,
};

/// Everything that `serve` needs to know.
pub(crate) struct Settings {
    pub(crate) dev: bool,
    pub(crate) listen: SocketAddr,
    pub(crate) admin_listen: Option<SocketAddr>,
    pub(crate) max_connections: usize,
    pub(crate) drain_delay: Duration,
    pub(crate) database: DatabaseUrl,
    pub(crate) database_connections: usize,
    pub(crate) keys: KeySource,
    pub(crate) providers: ProviderSettings,
    pub(crate) plugins: PluginPlan,
    pub(crate) flows: FlowSettings,
    pub(crate) session_limits: SessionLimits,
    pub(crate) permission_token_ttl: Duration,
    pub(crate) trusted_proxies: TrustedProxies,
    pub(crate) audit_retention: Duration,
    pub(crate) address_rates: AddressRates,
    pub(crate) log: LogSettings,
    /// Nothing when no traces are exported.
    pub(crate) traces: Option<TraceSettings>,
}

/// What the commands about users need.
pub(crate) struct PeopleSettings {
    pub(crate) database: DatabaseUrl,
    pub(crate) providers: ConfiguredProviders,
    pub(crate) session_limits: SessionLimits,
}

impl From<DatabaseUrl> for PeopleSettings {
    /// For commands that do not depend on whose identities count.
    fn from(database: DatabaseUrl) -> Self {
        let (providers, session_limits) = Default::default();
        Self { database, providers, session_limits }
    }
}

/// What the commands that make tokens need.
pub(crate) struct TokenSettings {
    pub(crate) database: DatabaseUrl,
    pub(crate) rules: TokenRules,
    pub(crate) services: BTreeSet<ServiceName>,
}

/// Where the signing keys are.
#[derive(Clone)]
pub(crate) enum KeySource {
    /// One key from the settings.
    Pem { private: SecretString, public: Option<String> },
    /// A folder of them.
    Folder(PathBuf),
}

/// What is logged, and how.
#[derive(Debug, Clone)]
pub(crate) struct LogSettings {
    pub(crate) filter: String,
    pub(crate) format: LogFormat,
    /// How many lines of requests of each outcome; without a rate all of them.
    pub(crate) access_rate: Option<Rate>,
}

impl Settings {
    /// Reads all of them; every mistake is reported, not only the first.
    pub(crate) fn read(sources: &Sources) -> Result<Self, CommandError> {
        let mut reader = Reader::new(sources);
        let listen = reader.read(&LISTEN);
        let external_address = read_external_address(&mut reader, listen);
        let database = reader.read(&DATABASE_URL);
        let database_connections = reader.read(&DATABASE_CONNECTIONS);
        let keys = read_keys(&mut reader);
        let flows = people::read_flows(&mut reader, external_address.as_ref());
        let session_limits = people::read_session_limits(&mut reader);
        let admin_listen = reader.find(&ADMIN_LISTEN).value();
        let max_connections = reader.read(&MAX_CONNECTIONS);
        let drain_delay = reader.read(&DRAIN_DELAY);
        let providers = ProviderSettings::read(&mut reader);
        let looked = development::Looked {
            listen,
            admin_listen,
            external_address: external_address.as_ref(),
            database: database.as_ref(),
            keys: keys.as_ref(),
            providers: &providers,
        };
        development::check(&mut reader, &looked);
        let plugins = plugins::read(&mut reader);
        let permission_token_ttl = reader.read(&PERMISSION_TOKEN_TTL);
        let trusted_proxies = reader.find(&TRUSTED_PROXIES).value().unwrap_or_default();
        let audit_retention = reader.read(&AUDIT_RETENTION);
        let address_rates = read_address_rates(&mut reader);
        let log = read_log(&mut reader);
        let traces = traces::read(&mut reader);
        // Nothing ends early above, so that every mistake is found.
        let complete = || {
            Some(Self {
                dev: sources.dev(),
                listen: listen?,
                admin_listen,
                max_connections: max_connections?,
                drain_delay: drain_delay?,
                database: database?,
                database_connections: database_connections?,
                keys: keys?,
                providers,
                plugins,
                flows: flows?,
                session_limits: session_limits?,
                permission_token_ttl: permission_token_ttl?,
                trusted_proxies,
                audit_retention: audit_retention?,
                address_rates: address_rates?,
                log: log?,
                traces,
            })
        };
        reader.finish(complete())
    }

    /// The database alone, for the commands that need nothing else.
    pub(crate) fn read_database(sources: &Sources) -> Result<DatabaseUrl, CommandError> {
        let mut reader = Reader::new(sources);
        let database = reader.read(&DATABASE_URL);
        reader.finish(database)
    }

    /// The database, and whose identities count, for the commands about users.
    pub(crate) fn read_people(sources: &Sources) -> Result<PeopleSettings, CommandError> {
        let mut reader = Reader::new(sources);
        let people = read_people(&mut reader);
        reader.finish(people)
    }

    /// The database, the services and the rules for tokens, for the commands that make tokens of role accounts.
    pub(crate) fn read_tokens(sources: &Sources) -> Result<TokenSettings, CommandError> {
        let mut reader = Reader::new(sources);
        let (database, rules) = (reader.read(&DATABASE_URL), people::read_token_rules(&mut reader));
        let services = plugins::read(&mut reader).services.into_iter().map(|(name, _)| name);
        let apps = apps::read(&mut reader);
        let services = services.chain(apps.iter().map(|app| app.name.clone())).collect();
        let complete = || Some(TokenSettings { database: database?, rules: rules?, services });
        let complete = complete();
        reader.finish(complete)
    }

    /// The same and the plugins, for the command that asks a plugin about a user.
    pub(crate) fn read_people_and_plugins(
        sources: &Sources,
    ) -> Result<(PeopleSettings, PluginPlan), CommandError> {
        let mut reader = Reader::new(sources);
        let people = read_people(&mut reader);
        let plugins = plugins::read(&mut reader);
        reader.finish(people.map(|people| (people, plugins)))
    }

    /// The plugins alone, for a service that runs and for the commands that ask one.
    pub(crate) fn read_plugins(sources: &Sources) -> Result<PluginPlan, CommandError> {
        let mut reader = Reader::new(sources);
        let plugins = plugins::read(&mut reader);
        reader.finish(Some(plugins))
    }

    /// The keys and the longest life of a token, for the commands that manage keys.
    pub(crate) fn read_keys(sources: &Sources) -> Result<(KeySource, Duration), CommandError> {
        let mut reader = Reader::new(sources);
        let lives = [reader.read(&USER_TOKEN_TTL), reader.read(&PERMISSION_TOKEN_TTL)];
        let keys = read_keys(&mut reader);
        let longest = lives.into_iter().flatten().max();
        reader.finish(keys.zip(longest))
    }

    /// The keys alone.
    pub(crate) fn read_key_source(sources: &Sources) -> Result<KeySource, CommandError> {
        let mut reader = Reader::new(sources);
        let keys = read_keys(&mut reader);
        reader.finish(keys)
    }

    /// Where the service listens, for the health check.
    pub(crate) fn read_listen(sources: &Sources) -> Result<SocketAddr, CommandError> {
        let mut reader = Reader::new(sources);
        let listen = reader.read(&LISTEN);
        reader.finish(listen)
    }
}

fn read_external_address(reader: &mut Reader<'_>, listen: Option<SocketAddr>) -> Option<ExternalAddress> {
    match reader.find(&EXTERNAL_ADDRESS) {
        Found::Value(address) => Some(address),
        Found::Unusable => None,
        // None if that is not loopback; `development::check` reports it.
        Found::Absent if reader.dev() => ExternalAddress::parse(&format!("http://{}", listen?)).ok(),
        Found::Absent => {
            let meaning = "where the service is reachable from outside, such as https://auth.example.com";
            reader.report_missing(EXTERNAL_ADDRESS.name(), meaning);
            None
        }
    }
}

fn read_people(reader: &mut Reader<'_>) -> Option<PeopleSettings> {
    let (database, listen) = (reader.read(&DATABASE_URL), reader.read(&LISTEN));
    let providers = ProviderSettings::read_present(reader);
    let providers =
        if reader.dev() { providers.configured_in_development(listen?) } else { providers.configured() };
    let session_limits = people::read_session_limits(reader);
    Some(PeopleSettings { database: database?, providers, session_limits: session_limits? })
}

fn read_keys(reader: &mut Reader<'_>) -> Option<KeySource> {
    let public = reader.find(&PUBLIC_KEY).value();
    match reader.find(&PRIVATE_KEY) {
        Found::Value(private) => return Some(KeySource::Pem { private, public }),
        Found::Unusable => return None,
        Found::Absent => {}
    }
    if public.is_some() {
        let (private, folder) = (PRIVATE_KEY.name(), KEYS_DIR.name());
        let reason = format!(
            "it is given without {private}; with {folder} the public keys follow from the private ones"
        );
        reader.report(PUBLIC_KEY.name(), &reason);
    }
    reader.read(&KEYS_DIR).map(KeySource::Folder)
}

/// The defaults leave room for an office behind one address, and for backends that ask on behalf of many.
fn read_address_rates(reader: &mut Reader<'_>) -> Option<AddressRates> {
    let sign_in = reader.read(&RATE_LIMIT_SIGN_IN_PER_ADDRESS);
    let update = reader.read(&RATE_LIMIT_UPDATE_PER_ADDRESS);
    let authorize = reader.read(&RATE_LIMIT_AUTHORIZE_PER_ADDRESS);
    let lookup = reader.read(&RATE_LIMIT_LOOKUP_PER_ADDRESS);
    Some(AddressRates { sign_in: sign_in?, update: update?, authorize: authorize?, lookup: lookup? })
}

fn read_log(reader: &mut Reader<'_>) -> Option<LogSettings> {
    let (format, filter, rate) = (reader.read(&LOG_FORMAT), reader.read(&LOG), reader.read(&LOG_ACCESS_RATE));
    Some(LogSettings { filter: filter?, format: format?, access_rate: rate? })
}
