//! Which providers people can sign in with.

use std::collections::BTreeMap;
use std::net::SocketAddr;

use secrecy::SecretString;
use toml::Value;
use vestibule_domain::{ConfiguredProvider, ConfiguredProviders, ProviderName};
use vestibule_provider_emulator::Emulator;
use vestibule_upstream::{
    GithubSettings, OidcSettings, OutboundProxy, SettingsError, TokenEndpointAuthMethod,
};

use super::keys::provider::{
    self, ADDITIONAL_AUDIENCES, AUTHORIZATION_PARAMETERS, CLAIMS, CLIENT_ID, CLIENT_SECRET,
    CLIENT_SECRET_FILE, DISCOVERY_URL, ISSUER, LABEL, SCOPES, TOKEN_ENDPOINT_AUTH_METHOD,
};
use super::loopback::emulator_address;
use super::proxy;
use super::reader::{Found, Reader};
use super::setting::Optional;
use super::table::{
    GITHUB_API_URL, GITHUB_KEY, GITHUB_ORGANIZATIONS, GITHUB_SECRET, GITHUB_URL, GOOGLE_CLAIMS,
    GOOGLE_ISSUER, GOOGLE_KEY, GOOGLE_SECRET,
};
use super::trust::Trust;

/// Providers that have settings of their own. Their tables hold the rest.
const BUILT_IN: [&str; 2] = ["google", "github"];

/// The providers whose credentials are there.
#[derive(Default)]
pub(crate) struct ProviderSettings {
    pub(crate) google: Option<OidcSettings>,
    pub(crate) github: Option<GithubSettings>,
    pub(crate) others: Vec<OidcSettings>,
    /// The claims to keep of the issuer in Google's place, whichever it is.
    pub(crate) google_claims: Vec<String>,
    /// What is added to each authorization request there.
    pub(crate) google_parameters: BTreeMap<String, String>,
    /// Whether to keep organizations of the server in GitHub's place, whichever it is.
    pub(crate) github_organizations: bool,
    /// What is added to each authorization request there.
    pub(crate) github_parameters: BTreeMap<String, String>,
    /// The forward proxy through which providers are asked.
    pub(crate) outbound_proxy: Option<OutboundProxy>,
    /// Whose addresses count beyond the provider.
    trust: Trust,
    /// Whether the settings name a provider, also one that cannot be used.
    names_any: bool,
}

impl ProviderSettings {
    pub(super) fn read(reader: &mut Reader<'_>) -> Self {
        let settings = Self::read_present(reader);
        if !settings.names_any && !reader.dev() {
            let (google, github) = (GOOGLE_KEY.name(), GITHUB_KEY.name());
            let (google_secret, github_secret) = (GOOGLE_SECRET.name(), GITHUB_SECRET.name());
            reader.report_missing(
                &format!(
                    "{google} and {google_secret}, {github} and {github_secret}, or a [providers.NAME] table"
                ),
                "without a provider nobody can sign in",
            );
        }
        settings
    }

    /// The same where there may be none.
    pub(super) fn read_present(reader: &mut Reader<'_>) -> Self {
        let google_claims = reader.find(&GOOGLE_CLAIMS).value().unwrap_or_default();
        let github_organizations = reader.read(&GITHUB_ORGANIZATIONS).unwrap_or_default();
        let google_parameters = read_parameters(reader, "google");
        let github_parameters = read_parameters(reader, "github");
        let google = read_google(reader, &google_claims, &google_parameters);
        let github = read_github(reader, github_organizations, &github_parameters);
        let others = read_others(reader);
        let settings = Self {
            names_any: !(google.is_absent() && github.is_absent() && others.is_absent()),
            google: google.value(),
            github: github.value(),
            others: others.value().unwrap_or_default(),
            google_claims,
            google_parameters,
            github_organizations,
            github_parameters,
            outbound_proxy: proxy::read(reader),
            trust: Trust::read(reader),
        };
        settings.report_mistakes(reader);
        settings
    }

    /// The providers whose identities count, with the trust in their addresses, in the order in which people see them.
    pub(crate) fn configured(&self) -> ConfiguredProviders {
        self.trusting(self.issuers())
    }

    /// The same for a development run at this address, whose emulator takes the place of Google and GitHub.
    pub(crate) fn configured_in_development(&self, listen: SocketAddr) -> ConfiguredProviders {
        let (google, github) = Emulator::issuers_at(emulator_address(listen));
        let google = self.google.is_none().then_some(("google", google));
        let github = self.github.is_none().then_some(("github", github));
        let name = |(name, issuer)| Some((ProviderName::parse(name).ok()?, issuer));
        let emulated = google.into_iter().chain(github).filter_map(name);
        self.trusting(self.issuers().into_iter().chain(emulated).collect())
    }

    /// Providers that are asked in the clear on another machine, with the address.
    pub(crate) fn find_plaintext(&self) -> impl Iterator<Item = (&ProviderName, &str)> {
        let oidc = self.google.iter().chain(&self.others);
        oidc.filter_map(|settings| Some((&settings.name, settings.plaintext_address()?)))
    }

    fn issuers(&self) -> Vec<(ProviderName, String)> {
        let oidc = |settings: &OidcSettings| (settings.name.clone(), settings.issuer.clone());
        let github = self.github.iter().map(|settings| (GithubSettings::name(), settings.issuer()));
        self.google.iter().map(oidc).chain(github).chain(self.others.iter().map(oidc)).collect()
    }

    fn trusting(&self, issuers: Vec<(ProviderName, String)>) -> ConfiguredProviders {
        let configured = issuers.into_iter().map(|(name, issuer)| {
            let addresses = self.trust.find(&name);
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
                    reader.report(&setting_of(provider, field), problem);
                }
                SettingsError::Empty { provider, field } => {
                    reader.report(&setting_of(provider, field), &"it is empty");
                }
                SettingsError::Scopes { provider } => reader.report(&setting_of(provider, "scopes"), &error),
                SettingsError::Parameter { provider, .. } => {
                    reader.report(&setting_of(provider, "authorization_parameters"), &error);
                }
                SettingsError::ClientSecret { provider, problem } => {
                    reader.report(&setting_of(provider, "client_secret"), problem);
                }
                SettingsError::Claims { provider } => reader.report(&setting_of(provider, "claims"), &error),
            }
        }
    }
}

/// What an operator calls a field of a provider.
pub(crate) fn setting_of(provider: &ProviderName, field: &str) -> String {
    let name = match (provider.as_str(), field) {
        ("google", "issuer") => GOOGLE_ISSUER.name(),
        ("google", "client_id") => GOOGLE_KEY.name(),
        ("google", "client_secret") => GOOGLE_SECRET.name(),
        ("google", "claims") => GOOGLE_CLAIMS.name(),
        ("github", "url") => GITHUB_URL.name(),
        ("github", "api_url") => GITHUB_API_URL.name(),
        ("github", "client_id") => GITHUB_KEY.name(),
        ("github", "client_secret") => GITHUB_SECRET.name(),
        (name, field) => return format!("[providers.{name}] {field}"),
    };
    name.to_owned()
}

/// A client's id and secret, of which one without the other is a mistake.
fn read_credentials(
    reader: &mut Reader<'_>,
    id: &Optional<String>,
    secret: &Optional<SecretString>,
) -> Found<(String, SecretString)> {
    match (reader.find(id), reader.find(secret)) {
        (Found::Value(id), Found::Value(secret)) => Found::Value((id, secret)),
        (Found::Absent, Found::Absent) => Found::Absent,
        (Found::Value(_), Found::Absent) => {
            reader.report_missing(secret.name(), &format!("{} is", id.name()));
            Found::Unusable
        }
        (Found::Absent, Found::Value(_)) => {
            reader.report_missing(id.name(), &format!("{} is", secret.name()));
            Found::Unusable
        }
        (Found::Unusable, _) | (_, Found::Unusable) => Found::Unusable,
    }
}

/// What is added to the authorization requests of a provider that has settings of its own. Its table has this one key of those that
/// the others have.
fn read_parameters(reader: &mut Reader<'_>, name: &str) -> BTreeMap<String, String> {
    let table = reader.table("providers").and_then(|tables| tables.get(name)?.as_table());
    match table.map(|table| AUTHORIZATION_PARAMETERS.find(table)) {
        Some(Ok(Some(parameters))) => parameters,
        Some(Err(reason)) => {
            reader.report(&format!("[providers.{name}]"), &reason);
            BTreeMap::new()
        }
        Some(Ok(None)) | None => BTreeMap::new(),
    }
}

fn read_google(
    reader: &mut Reader<'_>,
    claims: &[String],
    parameters: &BTreeMap<String, String>,
) -> Found<OidcSettings> {
    let issuer = reader.read(&GOOGLE_ISSUER);
    let credentials = read_credentials(reader, &GOOGLE_KEY, &GOOGLE_SECRET);
    let Some(issuer) = issuer else { return Found::Unusable };
    credentials.map(|(id, secret)| OidcSettings {
        claims: claims.to_vec(),
        authorization_parameters: parameters.clone(),
        ..OidcSettings::google(&issuer, id, secret)
    })
}

fn read_github(
    reader: &mut Reader<'_>,
    organizations: bool,
    parameters: &BTreeMap<String, String>,
) -> Found<GithubSettings> {
    let url = reader.read(&GITHUB_URL);
    let api_url = read_github_api_url(reader, url.as_deref());
    let credentials = read_credentials(reader, &GITHUB_KEY, &GITHUB_SECRET);
    let (Some(url), Some(api_url)) = (url, api_url) else { return Found::Unusable };
    credentials.map(|(client_id, client_secret)| GithubSettings {
        client_id,
        client_secret,
        url,
        api_url,
        organizations,
        authorization_parameters: parameters.clone(),
    })
}

/// The address of the API follows from that of the site. One of another site would get the access tokens of this one.
fn read_github_api_url(reader: &mut Reader<'_>, url: Option<&str>) -> Option<String> {
    let stated = match reader.find(&GITHUB_API_URL) {
        Found::Unusable => return None,
        found => found.value(),
    };
    let url = url?;
    let implied = GithubSettings::api_url_of(url);
    let is_github = url.trim_end_matches('/') == GithubSettings::DEFAULT_URL;
    let is_other = |stated: &str| stated.starts_with("https://") && stated.trim_end_matches('/') != implied;
    if is_github && stated.as_deref().is_some_and(is_other) {
        let problem = format!(
            "this is not the API of {url}, whose access tokens it would get; set {} too, or neither",
            GITHUB_URL.name()
        );
        reader.report(GITHUB_API_URL.name(), &problem);
    }
    Some(stated.unwrap_or(implied))
}

/// Reads the providers that only a table configures. Absent if there is no such table.
fn read_others(reader: &mut Reader<'_>) -> Found<Vec<OidcSettings>> {
    let tables = reader.table("providers").into_iter().flatten();
    let tables: Vec<_> = tables.filter(|(name, _)| !BUILT_IN.contains(&name.as_str())).collect();
    if tables.is_empty() {
        return Found::Absent;
    }
    let mut providers = Vec::new();
    for (name, value) in tables {
        match read_other(name, value) {
            Ok(settings) => providers.push(settings),
            Err(reasons) => reader.report_all(&format!("[providers.{name}]"), &reasons),
        }
    }
    Found::Value(providers)
}

fn read_other(name: &str, value: &Value) -> Result<OidcSettings, Vec<String>> {
    let table = value.as_table().ok_or_else(|| vec!["expected a table".to_owned()])?;
    let mut reader = provider::read(table);
    let provider = ProviderName::parse(name).map_err(|error| reader.refuse(error)).ok();
    let label = reader.find_or(&LABEL, name.to_owned());
    let (issuer, client_id) = (reader.require(&ISSUER), reader.require(&CLIENT_ID));
    let client_secret = reader.find_secret(&CLIENT_SECRET, &CLIENT_SECRET_FILE);
    let auth_method = reader.find(&TOKEN_ENDPOINT_AUTH_METHOD);
    if client_secret.is_absent() && needs_secret(&auth_method) {
        reader.refuse("client_secret is not set; a public client has none and says token_endpoint_auth_method = \"none\"");
    }
    let discovery_url = reader.find(&DISCOVERY_URL).value();
    let parameters = reader.find_or(&AUTHORIZATION_PARAMETERS, BTreeMap::new());
    let additional_audiences = reader.find_or(&ADDITIONAL_AUDIENCES, Vec::new());
    let scopes = reader.find_or(&SCOPES, OidcSettings::default_scopes());
    let claims = reader.find_or(&CLAIMS, Vec::new());
    // Nothing ends early above, so that every mistake is found.
    let complete = || {
        Some(OidcSettings {
            label,
            token_endpoint_auth_method: auth_method.value(),
            discovery_url,
            authorization_parameters: parameters,
            additional_audiences,
            scopes,
            claims,
            ..OidcSettings::new(provider?, &issuer?, client_id?, client_secret.value())
        })
    };
    reader.finish(complete())
}

/// Whether a client of this method has a secret; no, where the method itself is a mistake.
fn needs_secret(method: &Found<TokenEndpointAuthMethod>) -> bool {
    !matches!(method, Found::Unusable | Found::Value(TokenEndpointAuthMethod::None))
}
