//! Which providers people can sign in with.

use std::net::SocketAddr;
use std::path::Path;

use secrecy::SecretString;
use toml::{Table, Value};
use vestibule_domain::{ConfiguredProvider, ConfiguredProviders, ProviderName};
use vestibule_file_permissions::Rule;
use vestibule_provider_emulator::Emulator;
use vestibule_upstream::{GithubSettings, OidcSettings, SettingsError};

use super::reader::{Reader, parse_switch};
use super::trust::{self, Trust};
use crate::serve::emulator_address;

const SCOPES: [&str; 3] = ["openid", "email", "profile"];
const KEYS: [&str; 7] =
    ["issuer", "client_id", "client_secret", "client_secret_file", "scopes", "label", "claims"];
/// Those that have settings of their own, and a table for the rest.
const BUILT_IN: [&str; 2] = ["google", "github"];

/// The providers whose credentials are there.
#[derive(Default)]
pub(crate) struct ProviderSettings {
    pub(crate) google: Option<OidcSettings>,
    pub(crate) github: Option<GithubSettings>,
    pub(crate) others: Vec<OidcSettings>,
    /// What is kept and asked for at whoever takes the place of Google and GitHub.
    pub(crate) google_claims: Vec<String>,
    pub(crate) github_organizations: bool,
    /// Whose addresses count beyond the provider.
    trust: Trust,
}

impl ProviderSettings {
    pub(super) fn read(reader: &mut Reader<'_>) -> Self {
        let settings = Self::read_what_is_there(reader);
        if settings.is_empty() && !reader.dev() {
            reader.missing(
                "GOOGLE_KEY and GOOGLE_SECRET, GITHUB_KEY and GITHUB_SECRET, or a [providers.NAME] table",
                "without a provider nobody can sign in",
            );
        }
        settings
    }

    /// The same, where it may be none.
    pub(super) fn read_what_is_there(reader: &mut Reader<'_>) -> Self {
        let google_claims = reader.text("GOOGLE_CLAIMS").map(|text| list(&text)).unwrap_or_default();
        let github_organizations = reader.parse("GITHUB_ORGANIZATIONS", parse_switch).unwrap_or(false);
        let settings = Self {
            google: read_google(reader, &google_claims),
            github: read_github(reader, github_organizations),
            others: read_others(reader),
            google_claims,
            github_organizations,
            trust: Trust::read(reader),
        };
        settings.report_mistakes(reader);
        settings
    }

    /// Whose identities count, and what of their addresses. In the order in which people see them.
    pub(crate) fn configured(&self) -> ConfiguredProviders {
        self.counting(self.issuers())
    }

    /// The same of a development run that listens here, whose emulator takes the place of Google and GitHub.
    pub(crate) fn configured_in_development(&self, listen: SocketAddr) -> ConfiguredProviders {
        let (google, github) = Emulator::issuers_at(emulator_address(listen));
        let google = self.google.is_none().then_some(("google", google));
        let github = self.github.is_none().then_some(("github", github));
        let name = |(name, issuer)| Some((ProviderName::parse(name).ok()?, issuer));
        let emulated = google.into_iter().chain(github).filter_map(name);
        self.counting(self.issuers().into_iter().chain(emulated).collect())
    }

    fn issuers(&self) -> Vec<(ProviderName, String)> {
        let oidc = |settings: &OidcSettings| (settings.name.clone(), settings.issuer.clone());
        let github = self.github.iter().map(|settings| (GithubSettings::name(), settings.issuer()));
        self.google.iter().map(oidc).chain(github).chain(self.others.iter().map(oidc)).collect()
    }

    fn counting(&self, issuers: Vec<(ProviderName, String)>) -> ConfiguredProviders {
        let configured = issuers.into_iter().map(|(name, issuer)| {
            let addresses = self.trust.of(&name);
            ConfiguredProvider { name, issuer, addresses }
        });
        ConfiguredProviders::new(configured.collect())
    }

    fn report_mistakes(&self, reader: &mut Reader<'_>) {
        let issuers = self.google.iter().chain(&self.others).map(OidcSettings::validate);
        let outcomes = issuers.chain(self.github.iter().map(GithubSettings::validate));
        for error in outcomes.filter_map(Result::err) {
            match &error {
                SettingsError::Address { provider, field, problem } => {
                    reader.wrong(&setting_of(provider, field), problem);
                }
                SettingsError::Empty { provider, field } => {
                    reader.wrong(&setting_of(provider, field), &"it is empty");
                }
                SettingsError::Scopes { provider } => reader.wrong(&setting_of(provider, "scopes"), &error),
                SettingsError::Claims { provider } => reader.wrong(&setting_of(provider, "claims"), &error),
            }
        }
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.google.is_none() && self.github.is_none() && self.others.is_empty()
    }
}

/// What an operator calls a field of a provider.
fn setting_of(provider: &ProviderName, field: &str) -> String {
    match (provider.as_str(), field) {
        ("google", "issuer") => "GOOGLE_ISSUER".to_owned(),
        ("google", "client_id") => "GOOGLE_KEY".to_owned(),
        ("google", "client_secret") => "GOOGLE_SECRET".to_owned(),
        ("google", "claims") => "GOOGLE_CLAIMS".to_owned(),
        ("github", "url") => "GITHUB_URL".to_owned(),
        ("github", "api_url") => "GITHUB_API_URL".to_owned(),
        ("github", "client_id") => "GITHUB_KEY".to_owned(),
        ("github", "client_secret") => "GITHUB_SECRET".to_owned(),
        (name, field) => format!("[providers.{name}] {field}"),
    }
}

/// A client's id and secret, of which having one without the other is a mistake.
fn read_credentials(reader: &mut Reader<'_>, provider: &str) -> Option<(String, SecretString)> {
    let (id_name, secret_name) = (format!("{provider}_KEY"), format!("{provider}_SECRET"));
    match (reader.text(&id_name), reader.secret(&secret_name)) {
        (Some(id), Some(secret)) => Some((id, secret)),
        (None, None) => None,
        (Some(_), None) => {
            reader.missing(&secret_name, &format!("{id_name} is"));
            None
        }
        (None, Some(_)) => {
            reader.missing(&id_name, &format!("{secret_name} is"));
            None
        }
    }
}

fn read_google(reader: &mut Reader<'_>, claims: &[String]) -> Option<OidcSettings> {
    let issuer = reader.text("GOOGLE_ISSUER").unwrap_or_else(|| OidcSettings::GOOGLE_ISSUER.to_owned());
    let (id, secret) = read_credentials(reader, "GOOGLE")?;
    Some(OidcSettings { claims: claims.to_vec(), ..OidcSettings::google(issuer, id, secret) })
}

fn list(text: &str) -> Vec<String> {
    text.split(';').map(str::trim).filter(|item| !item.is_empty()).map(str::to_owned).collect()
}

fn read_github(reader: &mut Reader<'_>, organizations: bool) -> Option<GithubSettings> {
    let url = reader.text("GITHUB_URL").unwrap_or_else(|| GithubSettings::DEFAULT_URL.to_owned());
    let api_url = reader.text("GITHUB_API_URL").unwrap_or_else(|| GithubSettings::DEFAULT_API_URL.to_owned());
    let (client_id, client_secret) = read_credentials(reader, "GITHUB")?;
    Some(GithubSettings { client_id, client_secret, url, api_url, organizations })
}

fn read_others(reader: &mut Reader<'_>) -> Vec<OidcSettings> {
    let Some(tables) = reader.table("providers") else { return Vec::new() };
    let mut providers = Vec::new();
    for (name, value) in tables.iter().filter(|(name, _)| !BUILT_IN.contains(&name.as_str())) {
        let place = format!("[providers.{name}]");
        match read_other(name, value) {
            Ok(settings) => providers.push(settings),
            Err(reason) => reader.wrong(&place, &reason),
        }
    }
    providers
}

fn read_other(name: &str, value: &Value) -> Result<OidcSettings, String> {
    let table = value.as_table().ok_or("expected a table")?;
    let is_known = |key: &str| KEYS.contains(&key) || trust::KEYS.contains(&key);
    if let Some(unknown) = table.keys().find(|key| !is_known(key)) {
        return Err(format!("unknown key {unknown:?}"));
    }
    let provider = ProviderName::parse(name).map_err(|error| error.to_string())?;
    let label = text(table, "label")?.unwrap_or(name).to_owned();
    Ok(OidcSettings {
        name: provider,
        label,
        issuer: required(table, "issuer")?.to_owned(),
        client_id: required(table, "client_id")?.to_owned(),
        client_secret: client_secret(table)?,
        scopes: scopes(table)?,
        claims: texts(table, "claims").map_err(|()| "claims: expected a list of texts")?.unwrap_or_default(),
    })
}

fn text<'a>(table: &'a Table, key: &str) -> Result<Option<&'a str>, String> {
    match table.get(key) {
        None => Ok(None),
        Some(value) => value.as_str().map(Some).ok_or_else(|| format!("{key}: expected a text")),
    }
}

fn required<'a>(table: &'a Table, key: &str) -> Result<&'a str, String> {
    text(table, key)?.filter(|text| !text.is_empty()).ok_or_else(|| format!("{key} is not set"))
}

fn client_secret(table: &Table) -> Result<SecretString, String> {
    match (text(table, "client_secret")?, text(table, "client_secret_file")?) {
        (Some(secret), None) if !secret.is_empty() => Ok(secret.to_owned().into()),
        (None, Some(path)) => {
            let secret = Rule::SECRET.read(Path::new(path));
            let secret = secret.map_err(|fault| format!("client_secret_file: {fault}"))?;
            Ok(secret.trim().to_owned().into())
        }
        (Some(_), Some(_)) => Err("client_secret: given twice, also as client_secret_file".to_owned()),
        _ => Err("client_secret is not set".to_owned()),
    }
}

fn scopes(table: &Table) -> Result<Vec<String>, String> {
    let wrong = "scopes: expected a list of texts with \"openid\" among them";
    let scopes =
        texts(table, "scopes").map_err(|()| wrong)?.unwrap_or_else(|| SCOPES.map(str::to_owned).to_vec());
    if scopes.iter().any(|scope| scope == "openid") { Ok(scopes) } else { Err(wrong.to_owned()) }
}

pub(super) fn texts(table: &Table, key: &str) -> Result<Option<Vec<String>>, ()> {
    let Some(value) = table.get(key) else { return Ok(None) };
    let items = value.as_array().ok_or(())?.iter().map(|item| item.as_str().map(str::to_owned));
    items.collect::<Option<_>>().map(Some).ok_or(())
}
