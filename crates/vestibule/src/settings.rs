//! The settings: read once, from flags, environment, file and defaults, into types in which what makes no sense cannot
//! be written.

mod development;
mod environment;
#[cfg(any(test, fuzzing))]
pub(crate) mod fuzzing;
mod names;
mod plugins;
mod providers;
mod rates;
mod reader;
mod sources;
mod traces;
mod trust;

use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use secrecy::SecretString;
use vestibule_domain::{
    AccountLinking, AllowedOrigins, ConfiguredProviders, ExternalAddress, Origin, Rate, UserIdScheme,
};
use vestibule_flows::FlowSettings;
use vestibule_http::{AddressRates, TrustedProxies};
use vestibule_plugin_host::PluginPlan;
use vestibule_storage::DatabaseUrl;

use crate::error::CommandError;

pub(crate) use environment::take as take_environment;
pub(crate) use providers::ProviderSettings;
pub(crate) use sources::Sources;
pub(crate) use traces::{SamplerChoice, TraceSettings};

use reader::{Reader, parse_duration, parse_grace, parse_switch, parse_ttl};

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
    pub(crate) permission_token_ttl: Duration,
    pub(crate) trusted_proxies: TrustedProxies,
    pub(crate) audit_retention: Duration,
    pub(crate) address_rates: AddressRates,
    pub(crate) log: LogSettings,
    /// Nothing when no traces are exported.
    pub(crate) traces: Option<TraceSettings>,
}

/// What it takes to say who somebody is.
pub(crate) struct PeopleSettings {
    pub(crate) database: DatabaseUrl,
    pub(crate) providers: ConfiguredProviders,
}

impl From<DatabaseUrl> for PeopleSettings {
    /// For what does not depend on whose identities count.
    fn from(database: DatabaseUrl) -> Self {
        Self { database, providers: ConfiguredProviders::default() }
    }
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

/// The form of a log line.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum LogFormat {
    /// For people.
    Text,
    /// For collectors.
    Json,
}

/// How many connections to the database there are unless told otherwise.
const DATABASE_CONNECTIONS: usize = 10;
const MINUTE: Duration = Duration::from_secs(60);
/// A connection takes about 10 KiB while it is busy.
const MAX_CONNECTIONS: usize = 4096;
/// Long enough for a proxy that looks once a second and believes the second no.
const DRAIN_DELAY: Duration = Duration::from_secs(3);
const DAY: Duration = Duration::from_secs(24 * 60 * 60);

impl Settings {
    /// Reads all of them; every mistake is reported, not only the first.
    pub(crate) fn read(sources: &Sources) -> Result<Self, CommandError> {
        let mut reader = Reader::new(sources);
        let dev = sources.dev();
        let listen = reader.parse("LISTEN", str::parse).unwrap_or_else(default_listen);
        let external_address = read_external_address(&mut reader, listen);
        let database = read_database(&mut reader);
        let database_connections = reader.parse("DATABASE_CONNECTIONS", parse_database_connections);
        let keys = read_keys(&mut reader);
        let flows = read_flows(&mut reader, external_address.as_ref());
        let admin_listen = reader.parse("ADMIN_LISTEN", str::parse);
        let max_connections = reader.parse("MAX_CONNECTIONS", parse_connections).unwrap_or(MAX_CONNECTIONS);
        let drain_delay = reader.parse("DRAIN_DELAY", parse_drain_delay);
        let drain_delay = drain_delay.unwrap_or(if dev { Duration::ZERO } else { DRAIN_DELAY });
        let providers = ProviderSettings::read(&mut reader);
        development::check(&mut reader, listen, external_address.as_ref(), &providers);
        let plugins = plugins::read(&mut reader);
        let permission_token_ttl = reader.parse("PERMISSION_TOKEN_TTL", parse_ttl).unwrap_or(15 * MINUTE);
        let trusted_proxies = reader.parse("TRUSTED_PROXIES", str::parse).unwrap_or_default();
        let audit_retention = reader.parse("AUDIT_RETENTION", parse_ttl).unwrap_or(90 * DAY);
        let address_rates = rates::read_address_rates(&mut reader);
        let log = read_log(&mut reader);
        let traces = traces::read(&mut reader);
        // Nothing ends early above, so that every mistake is found.
        let complete = || {
            Some(Self {
                dev,
                listen,
                admin_listen,
                max_connections,
                drain_delay,
                database: database?,
                database_connections: database_connections.unwrap_or(DATABASE_CONNECTIONS),
                keys,
                providers,
                plugins,
                flows: flows?,
                permission_token_ttl,
                trusted_proxies,
                audit_retention,
                address_rates,
                log,
                traces,
            })
        };
        reader.finish(complete())
    }

    /// The database alone, for the commands that need nothing else.
    pub(crate) fn read_database(sources: &Sources) -> Result<DatabaseUrl, CommandError> {
        let mut reader = Reader::new(sources);
        let database = read_database(&mut reader);
        reader.finish(database)
    }

    /// The database, and whose identities count, for the commands that say who somebody is.
    pub(crate) fn read_people(sources: &Sources) -> Result<PeopleSettings, CommandError> {
        let mut reader = Reader::new(sources);
        let people = read_people(&mut reader);
        reader.finish(people)
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
        let user = reader.parse("USER_TOKEN_TTL", parse_ttl).unwrap_or(14 * DAY);
        let permission = reader.parse("PERMISSION_TOKEN_TTL", parse_ttl).unwrap_or_default();
        let keys = read_keys(&mut reader);
        reader.finish(Some((keys, user.max(permission))))
    }

    /// Where the service listens, for the health check.
    pub(crate) fn read_listen(sources: &Sources) -> Result<SocketAddr, CommandError> {
        let mut reader = Reader::new(sources);
        let listen = reader.parse("LISTEN", str::parse).unwrap_or_else(default_listen);
        reader.finish(Some(listen))
    }
}

fn default_listen() -> SocketAddr {
    SocketAddr::from(([127, 0, 0, 1], 8000))
}

fn parse_connections(text: &str) -> Result<usize, &'static str> {
    text.parse()
        .ok()
        .filter(|count| (16..=1_000_000).contains(count))
        .ok_or("expected a number between 16 and 1000000")
}

fn parse_drain_delay(text: &str) -> Result<Duration, String> {
    let delay = parse_duration(text)?;
    if delay <= MINUTE { Ok(delay) } else { Err("expected at most 1m".to_owned()) }
}

fn read_external_address(reader: &mut Reader<'_>, listen: SocketAddr) -> Option<ExternalAddress> {
    if reader.text("EXTERNAL_ADDRESS").is_some() {
        return reader.parse("EXTERNAL_ADDRESS", ExternalAddress::parse);
    }
    if !reader.dev() {
        reader.missing(
            "EXTERNAL_ADDRESS",
            "where the service is reachable from outside, such as https://auth.example.com",
        );
        return None;
    }
    // None when that is no loopback, which is reported where all that is wrong beside `--dev` is.
    ExternalAddress::parse(&format!("http://{listen}")).ok()
}

fn read_database(reader: &mut Reader<'_>) -> Option<DatabaseUrl> {
    let default = if reader.dev() { "sqlite://var/vestibule.db" } else { "sqlite://vestibule.db" };
    reader.parse_or("DATABASE_URL", default, DatabaseUrl::parse)
}

fn read_people(reader: &mut Reader<'_>) -> Option<PeopleSettings> {
    let database = read_database(reader);
    let listen = reader.parse("LISTEN", str::parse).unwrap_or_else(default_listen);
    let providers = ProviderSettings::read_what_is_there(reader);
    let providers =
        if reader.dev() { providers.configured_in_development(listen) } else { providers.configured() };
    Some(PeopleSettings { database: database?, providers })
}

/// More than a thousand is a mistake: no server takes that many from one client.
fn parse_database_connections(text: &str) -> Result<usize, &'static str> {
    match text.parse() {
        Ok(count @ 1..=1000) => Ok(count),
        _ => Err("expected a number from 1 to 1000"),
    }
}

fn read_keys(reader: &mut Reader<'_>) -> KeySource {
    let public = reader.text("PUBLIC_KEY");
    if let Some(private) = reader.secret("PRIVATE_KEY") {
        return KeySource::Pem { private, public };
    }
    if public.is_some() {
        reader.wrong(
            "PUBLIC_KEY",
            &"it is given without PRIVATE_KEY; with KEYS_DIR the public keys follow from the private ones",
        );
    }
    KeySource::Folder(reader.text("KEYS_DIR").unwrap_or_else(|| "keys".to_owned()).into())
}

fn read_flows(reader: &mut Reader<'_>, external_address: Option<&ExternalAddress>) -> Option<FlowSettings> {
    let allowed_origins = read_allowed_origins(reader, external_address);
    let session_ttl = reader.parse("USER_TOKEN_TTL", parse_ttl).unwrap_or(14 * DAY);
    let account_linking = reader.parse("ACCOUNT_LINKING", |text| match text {
        "verified-email" => Ok(AccountLinking::VerifiedEmail),
        "explicit" => Ok(AccountLinking::Explicit),
        _ => Err("expected verified-email or explicit"),
    });
    let account_rates = rates::read_account_rates(reader);
    let user_id_scheme = reader.parse("USER_ID_SCHEME", |text| match text {
        "random" => Ok(UserIdScheme::Random),
        "email-md5" => Ok(UserIdScheme::EmailMd5),
        _ => Err("expected random or email-md5"),
    });
    Some(FlowSettings {
        external_address: external_address?.clone(),
        allowed_origins,
        account_linking: account_linking.unwrap_or_default(),
        user_id_scheme: user_id_scheme.unwrap_or_default(),
        session_ttl,
        outage_grace: reader.parse("OUTAGE_GRACE", parse_grace).unwrap_or_default(),
        permission_token_reuse: reader.parse("PERMISSION_TOKEN_REUSE", parse_switch).unwrap_or(true),
        account_rates,
    })
}

fn read_allowed_origins(
    reader: &mut Reader<'_>,
    external_address: Option<&ExternalAddress>,
) -> AllowedOrigins {
    let listed = reader.parse("ALLOWED_ORIGINS", |text| {
        let items = text.split(';').map(str::trim).filter(|item| !item.is_empty());
        items
            .map(|item| Origin::parse(item).map_err(|error| format!("{item}: {error}")))
            .collect::<Result<Vec<_>, _>>()
    });
    let origins = listed.or_else(|| external_address.map(|address| vec![address.origin().clone()]));
    let allowed = AllowedOrigins::new(origins.unwrap_or_default());
    if reader.dev() { allowed.with_any_loopback() } else { allowed }
}

fn read_log(reader: &mut Reader<'_>) -> LogSettings {
    let format = reader.parse("LOG_FORMAT", |text| match text {
        "text" => Ok(LogFormat::Text),
        "json" => Ok(LogFormat::Json),
        _ => Err("expected text or json"),
    });
    let filter =
        reader.parse("LOG", |text| tracing_subscriber::EnvFilter::try_new(text).map(|_| text.to_owned()));
    LogSettings {
        filter: filter.unwrap_or_else(|| "info".to_owned()),
        format: format.unwrap_or(LogFormat::Text),
        access_rate: rates::read_access_rate(reader),
    }
}
