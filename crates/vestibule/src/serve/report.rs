//! What is in force, in a few lines, when the service starts.

use std::io::Write as _;

use vestibule_domain::{AddressTrust, ConfiguredProvider, ConfiguredProviders, EmailDomain};
use vestibule_plugin_host::{DEFAULT_MAX_TTL, Isolation, PluginHost};
use vestibule_provider_emulator::Emulator;
use vestibule_tokens::TokenService;
use vestibule_upstream::Providers;

use crate::error::CommandError;
use crate::redirect_uris::{self, RegisteredAddress};
use crate::settings::{KeySource, LogFormat, Settings, Sources};

/// Between lines of one entry.
const BELOW: &str = "\n             ";

/// What there is to report of.
pub(super) struct InForce<'a> {
    pub(super) settings: &'a Settings,
    pub(super) sources: &'a Sources,
    pub(super) plugins: &'a PluginHost,
    pub(super) providers: &'a Providers,
    pub(super) emulator: Option<&'a Emulator>,
    pub(super) tokens: &'a TokenService,
    /// What stands in the database and counts for nothing.
    pub(super) unheeded: &'a [String],
}

/// Prints it: as text to standard output, or as one line of the log when that is JSON.
pub(super) fn print(in_force: &InForce<'_>) -> Result<(), CommandError> {
    let InForce { settings, sources, plugins, providers, emulator, tokens, unheeded } = *in_force;
    let lines = [
        ("address", describe_address(settings)),
        (
            "settings",
            sources
                .file()
                .map_or_else(|| "environment and defaults".to_owned(), |file| file.display().to_string()),
        ),
        ("database", settings.database.to_string()),
        ("keys", format!("{}, signing with {}", describe_keys(&settings.keys), tokens.signing_key_id())),
        ("providers", describe_providers(&settings.providers.configured(), emulator)),
        ("callbacks", describe_callbacks(settings, providers)),
        ("addresses", describe_all_addresses(&settings.providers.configured())),
        ("unheeded", unheeded.join(BELOW)),
        ("origins", describe_origins(settings)),
        ("services", describe_services(settings)),
        ("plugins", describe_plugins(plugins)),
        ("revocation", describe_revocation(settings)),
        ("missing", describe_missing(settings)),
        ("caution", find_caution(settings, emulator)),
    ];
    if settings.log.format == LogFormat::Json {
        for (name, value) in &lines {
            tracing::info!(name, value, "in force");
        }
        return Ok(());
    }
    let mut out = std::io::stdout().lock();
    let mode = if settings.dev { ", development: do not expose it" } else { "" };
    writeln!(out, "vestibule {}{mode}", env!("CARGO_PKG_VERSION"))?;
    for (name, value) in lines.iter().filter(|(_, value)| !value.is_empty()) {
        writeln!(out, "  {name:<10} {value}")?;
    }
    out.flush()?;
    Ok(())
}

fn describe_address(settings: &Settings) -> String {
    let admin = settings.admin_listen.map(|address| format!(", metrics on {address}")).unwrap_or_default();
    format!("{} on {}{admin}", settings.flows.external_address.issuer(), settings.listen)
}

pub(crate) fn describe_keys(keys: &KeySource) -> String {
    match keys {
        KeySource::Pem { .. } => "PRIVATE_KEY".to_owned(),
        KeySource::Folder(folder) => format!("{}/", folder.display()),
    }
}

fn describe_providers(providers: &ConfiguredProviders, emulator: Option<&Emulator>) -> String {
    let names: Vec<&str> = providers.iter().map(|provider| provider.name.as_str()).collect();
    let emulated =
        emulator.map(|emulator| format!(" (emulated on {})", emulator.address())).unwrap_or_default();
    format!("{}{emulated}", names.join(", "))
}

/// What is to be registered where.
fn describe_callbacks(settings: &Settings, providers: &Providers) -> String {
    let addresses = redirect_uris::list_addresses(&settings.flows, providers);
    let describe =
        |one: &RegisteredAddress| format!("{} to be registered at {}", one.address, one.providers.join(", "));
    addresses.iter().map(describe).collect::<Vec<_>>().join(BELOW)
}

fn find_caution(settings: &Settings, emulator: Option<&Emulator>) -> String {
    let risk = redirect_uris::find_risk(&settings.providers).filter(|_| emulator.is_none());
    risk.unwrap_or_default().to_owned()
}

fn describe_all_addresses(providers: &ConfiguredProviders) -> String {
    let describe = |one: &ConfiguredProvider| format!("those of {} {}", one.name, describe_addresses(one));
    providers.iter().map(describe).collect::<Vec<_>>().join(BELOW)
}

/// Whether the addresses of a provider count beyond it: for joining users, and for rules and roles.
pub(crate) fn describe_addresses(ConfiguredProvider { name, addresses, .. }: &ConfiguredProvider) -> String {
    match addresses {
        AddressTrust::All => "count".to_owned(),
        AddressTrust::Domains(domains) => {
            let domains: Vec<_> = domains.iter().map(EmailDomain::as_str).collect();
            format!("count if they are of {}", domains.join(", "))
        }
        AddressTrust::None => {
            format!("do not count beyond it; trust_email of [providers.{name}] lets them")
        }
    }
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

/// How long a permission lives on after it was taken away: in an answer that is used again, then in a token.
fn describe_revocation(settings: &Settings) -> String {
    let uses =
        settings.plugins.services.iter().map(|(_, spec)| spec.settings.max_ttl.unwrap_or(DEFAULT_MAX_TTL));
    uses.max().map_or_else(String::new, |longest| {
        let latest = humantime::format_duration(longest + settings.permission_token_ttl);
        format!("a permission that is taken away is gone after {latest} at the latest")
    })
}

/// What is absent and may be a surprise.
fn describe_missing(settings: &Settings) -> String {
    let mut missing = Vec::new();
    if settings.providers.google.is_none() {
        missing.push("google (GOOGLE_KEY, GOOGLE_SECRET)");
    }
    if settings.providers.github.is_none() {
        missing.push("github (GITHUB_KEY, GITHUB_SECRET)");
    }
    if settings.plugins.services.is_empty() {
        missing.push("services (ALLOWED_SERVICES): no permission token can be made");
    }
    missing.join(", ")
}
