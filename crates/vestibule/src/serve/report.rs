//! The start-up report: the settings in force and what follows from them, in a few lines.

use std::fmt::Write as _;
use std::io::Write as _;
use std::thread;
use std::time::Duration;

use tokio::sync::oneshot;
use tokio::time::timeout;
use vestibule_domain::{AddressSet, AddressTrust, ConfiguredProvider, ConfiguredProviders, EmailDomain};
use vestibule_plugin_host::{DEFAULT_MAX_TTL, InstanceSpec, Isolation, PluginHost};
use vestibule_provider_emulator::Emulator;
use vestibule_upstream::Providers;

use super::components::Components;
use crate::redirect_uris::{self, RedirectUri};
use crate::settings::table::{
    ALLOWED_SERVICES, GITHUB_KEY, GITHUB_SECRET, GOOGLE_KEY, GOOGLE_SECRET, PRIVATE_KEY,
};
use crate::settings::{KeySource, LogFormat, Settings, Sources};

/// How long the start waits for standard output.
const STDOUT_TIMEOUT: Duration = Duration::from_secs(1);
/// Between lines of one entry.
const BELOW: &str = "\n              ";

/// What the report is about.
pub(super) struct Report<'a> {
    pub(super) settings: &'a Settings,
    pub(super) sources: &'a Sources,
    pub(super) components: &'a Components,
    /// What the database holds and the service ignores.
    pub(super) ignored: &'a [String],
}

impl Report<'_> {
    /// Prints it: as text to standard output, or as lines of the log when that is JSON.
    pub(super) async fn print(&self) {
        let entries = self.list_entries();
        if self.settings.log.format == LogFormat::Json {
            for (name, value) in &entries {
                tracing::info!(name, value, "in force");
            }
            return;
        }
        let mode = if self.settings.dev { ", development: do not expose it" } else { "" };
        let mut text = format!("vestibule {}{mode}\n", env!("CARGO_PKG_VERSION"));
        for (name, value) in entries.iter().filter(|(_, value)| !value.is_empty()) {
            let _ = writeln!(text, "  {name:<11} {value}");
        }
        write_to_stdout(text).await;
    }

    fn list_entries(&self) -> [(&'static str, String); 16] {
        let Self { settings, sources, components, ignored } = *self;
        let Components { plugins, providers, emulator, tokens, .. } = components;
        let configured = settings.providers.configured();
        [
            ("address", describe_address(settings)),
            ("settings", describe_sources(sources)),
            ("database", settings.database.to_string()),
            ("keys", format!("{}, signing with {}", describe_keys(&settings.keys), tokens.signing_key_id())),
            ("providers", describe_providers(&configured, emulator.as_ref())),
            ("callbacks", describe_callbacks(settings, providers)),
            ("proxy", describe_proxy(settings)),
            ("email trust", describe_all_trust(&configured)),
            ("ignored", ignored.join(BELOW)),
            ("origins", describe_origins(settings)),
            ("services", describe_services(settings)),
            ("handlers", describe_token_handlers(settings)),
            ("plugins", describe_plugins(plugins)),
            ("revocation", describe_revocation(settings)),
            ("missing", describe_missing(settings)),
            ("caution", find_caution(settings, emulator.as_ref())),
        ]
    }
}

/// Writes on a thread of its own, for which the start waits a moment: a reader that takes nothing must not stop the service.
async fn write_to_stdout(text: String) {
    let (done, written) = oneshot::channel();
    let write = move || {
        let mut out = std::io::stdout().lock();
        // The start may have stopped waiting.
        drop(done.send(out.write_all(text.as_bytes()).and_then(|()| out.flush())));
    };
    let started = thread::Builder::new().name("report".to_owned()).spawn(write);
    let outcome = match started {
        Ok(_) => timeout(STDOUT_TIMEOUT, written).await,
        Err(error) => Ok(Ok(Err(error))),
    };
    match outcome {
        Ok(Ok(Err(error))) => tracing::warn!(%error, "the start-up report cannot be written"),
        Ok(_) => {}
        Err(_) => tracing::warn!("the start-up report waits: nothing reads standard output"),
    }
}

fn describe_sources(sources: &Sources) -> String {
    sources.file().map_or_else(|| "environment and defaults".to_owned(), |file| file.display().to_string())
}

fn describe_address(settings: &Settings) -> String {
    let admin = settings.admin_listen.map(|address| format!(", metrics on {address}")).unwrap_or_default();
    format!("{} on {}{admin}", settings.flows.external_address.issuer(), settings.listen)
}

fn describe_keys(keys: &KeySource) -> String {
    match keys {
        KeySource::Pem { .. } => PRIVATE_KEY.name().to_owned(),
        KeySource::Folder(folder) => format!("{}/", folder.display()),
    }
}

fn describe_providers(providers: &ConfiguredProviders, emulator: Option<&Emulator>) -> String {
    let names: Vec<&str> = providers.iter().map(|provider| provider.name.as_str()).collect();
    let emulated =
        emulator.map(|emulator| format!(" (emulated on {})", emulator.address())).unwrap_or_default();
    format!("{}{emulated}", names.join(", "))
}

/// Which redirect URI to register at which provider.
fn describe_callbacks(settings: &Settings, providers: &Providers) -> String {
    let addresses = redirect_uris::list(&settings.flows, providers);
    let describe =
        |one: &RedirectUri| format!("{} to be registered at {}", one.uri, one.providers.join(", "));
    addresses.iter().map(describe).collect::<Vec<_>>().join(BELOW)
}

fn find_caution(settings: &Settings, emulator: Option<&Emulator>) -> String {
    let risk = redirect_uris::find_risk(&settings.providers).filter(|_| emulator.is_none());
    let plaintext = settings.providers.find_plaintext().map(|(provider, address)| {
        format!("the client secret of {provider} travels in the clear to {address}; anyone on the way can sign in as anyone")
    });
    risk.map(str::to_owned).into_iter().chain(plaintext).collect::<Vec<_>>().join(BELOW)
}

/// Through which proxy providers are asked; nothing where they are asked directly.
fn describe_proxy(settings: &Settings) -> String {
    let proxy = settings.providers.outbound_proxy.as_ref();
    proxy.map(|proxy| format!("providers are asked through {proxy}")).unwrap_or_default()
}

fn describe_all_trust(providers: &ConfiguredProviders) -> String {
    let describe = |one: &ConfiguredProvider| format!("those of {} {}", one.name, describe_trust(one));
    providers.iter().map(describe).collect::<Vec<_>>().join(BELOW)
}

/// Whether the addresses of a provider count beyond it: for joining users, and for rules and roles.
pub(crate) fn describe_trust(ConfiguredProvider { name, addresses, .. }: &ConfiguredProvider) -> String {
    let AddressTrust { verified, authority } = addresses;
    let stated = match verified {
        AddressSet::Everything => Some("count if it states that they are verified".to_owned()),
        AddressSet::Domains(domains) => {
            Some(format!("count if they are of {} and it states that they are verified", join(domains)))
        }
        AddressSet::Nothing => None,
    };
    let vouched = match authority {
        AddressSet::Everything => Some("all count: it is the authority over every domain".to_owned()),
        AddressSet::Domains(domains) => {
            Some(format!("count if they are of {}, where it is the authority", join(domains)))
        }
        AddressSet::Nothing => None,
    };
    match (vouched, stated) {
        (Some(vouched), Some(stated)) if *authority != AddressSet::Everything => {
            format!("{stated}; they also {vouched}")
        }
        (Some(trust), _) | (None, Some(trust)) => trust,
        (None, None) => format!(
            "do not count beyond it; trust_email or trusted_email_domains of [providers.{name}] lets them"
        ),
    }
}

fn join(domains: &[EmailDomain]) -> String {
    domains.iter().map(EmailDomain::as_str).collect::<Vec<_>>().join(", ")
}

fn describe_origins(settings: &Settings) -> String {
    let allowed = &settings.flows.allowed_origins;
    let mut origins: Vec<String> = allowed.iter().map(ToString::to_string).collect();
    if allowed.any_loopback() {
        origins.push("any on loopback".to_owned());
    }
    origins.join(", ")
}

fn describe_services(settings: &Settings) -> String {
    settings
        .plugins
        .services
        .iter()
        .map(|(name, spec)| format!("{name} by {}", spec.plugin))
        .collect::<Vec<_>>()
        .join(", ")
}

/// Who is asked about bearers of others, in this order, and who of them may name people of ours.
fn describe_token_handlers(settings: &Settings) -> String {
    let describe = |spec: &InstanceSpec| {
        let may = if spec.settings.may_name_users { ", may name users" } else { "" };
        format!("{} by {}{may}", spec.alias, spec.plugin)
    };
    settings.plugins.token_handlers.iter().map(describe).collect::<Vec<_>>().join(", ")
}

fn describe_plugins(plugins: &PluginHost) -> String {
    let describe = |plugin: &vestibule_plugin_host::PluginInfo| {
        let place = match plugin.isolation {
            Isolation::Thread => "",
            Isolation::Process => ", in a process of its own",
            Isolation::Inline => ", inline",
        };
        format!("{}: {} {} from {}{place}", plugin.alias, plugin.name, plugin.version, plugin.file.display())
    };
    plugins.list().iter().map(describe).collect::<Vec<_>>().join(BELOW)
}

/// How long a permission lives on after it was taken away: first in a cached answer, then in a token.
fn describe_revocation(settings: &Settings) -> String {
    let lives =
        settings.plugins.services.iter().map(|(_, spec)| spec.settings.max_ttl.unwrap_or(DEFAULT_MAX_TTL));
    lives.max().map_or_else(String::new, |longest| {
        let latest = humantime::format_duration(longest + settings.permission_token_ttl);
        format!("a permission that is taken away is gone after {latest} at the latest")
    })
}

/// What is absent although an operator may expect it.
fn describe_missing(settings: &Settings) -> String {
    let mut missing = Vec::new();
    if settings.providers.google.is_none() {
        missing.push(format!("google ({}, {})", GOOGLE_KEY.name(), GOOGLE_SECRET.name()));
    }
    if settings.providers.github.is_none() {
        missing.push(format!("github ({}, {})", GITHUB_KEY.name(), GITHUB_SECRET.name()));
    }
    if settings.plugins.services.is_empty() {
        missing.push(format!("services ({}): no permission token can be made", ALLOWED_SERVICES.name()));
    }
    missing.join(", ")
}
