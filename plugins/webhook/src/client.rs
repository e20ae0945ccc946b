//! The client that sends the requests: to the configured address and nowhere else.

use std::path::Path;
use std::time::Duration;

use reqwest::header::{ACCEPT, CONTENT_TYPE, HeaderMap, HeaderValue};
use reqwest::redirect::Policy;
use reqwest::{Certificate, Client, Identity};
use vestibule_file_permissions::Rule;
use vestibule_plugin_sdk::{Error, Result};

use crate::config::Config;

const USER_AGENT: &str = concat!("vestibule-webhook/", env!("CARGO_PKG_VERSION"));
/// Shorter than what common servers keep an idle connection open for: a request must not meet a connection that the
/// other side is closing.
const IDLE_TIMEOUT: Duration = Duration::from_secs(4);

/// No redirect is followed, no cookie kept, no proxy of the environment asked, nothing decompressed.
pub(crate) fn build(config: &Config) -> Result<Client> {
    let mut headers = config.headers()?;
    headers.extend(fixed_headers());
    let mut builder = Client::builder()
        .user_agent(USER_AGENT)
        .default_headers(headers)
        .redirect(Policy::none())
        .referer(false)
        .no_proxy()
        .no_gzip()
        .http1_only()
        .retry(reqwest::retry::never())
        .pool_idle_timeout(IDLE_TIMEOUT)
        .connect_timeout(config.connect_timeout()?);
    let identity = identity(config)?;
    if config.url()?.scheme() == "http" {
        if config.ca_file.is_some() || identity.is_some() {
            return Err(Error::fatal("certificates are configured, and `url` is not https"));
        }
        // The authorities of the machine, which may have none, are not needed.
        builder = builder.tls_certs_only([]);
    }
    if let Some(path) = &config.ca_file {
        builder = builder.tls_certs_only(authorities(path)?);
    }
    if let Some(identity) = identity {
        builder = builder.identity(identity);
    }
    builder.build().map_err(|_| {
        Error::fatal(
            "no client can be made: the machine has no authorities and there is no `ca_file`, or the key in \
             `client_key_file` is not that of `client_certificate_file`",
        )
    })
}

fn fixed_headers() -> HeaderMap {
    let json = HeaderValue::from_static("application/json");
    HeaderMap::from_iter([(ACCEPT, json.clone()), (CONTENT_TYPE, json)])
}

fn authorities(path: &Path) -> Result<Vec<Certificate>> {
    let certificates = Certificate::from_pem_bundle(&read("ca_file", path, Rule::DECIDES)?);
    let certificates = certificates.ok().filter(|certificates| !certificates.is_empty());
    certificates.ok_or_else(|| Error::fatal("`ca_file` holds no certificate in PEM"))
}

fn identity(config: &Config) -> Result<Option<Identity>> {
    let Some([certificate, key]) = config.identity_files()? else { return Ok(None) };
    let mut pem = read("client_certificate_file", certificate, Rule::DECIDES)?;
    pem.push(b'\n');
    pem.extend(read("client_key_file", key, Rule::SECRET)?);
    let identity = Identity::from_pem(&pem);
    identity.map(Some).map_err(|_| {
        Error::fatal(
            "`client_certificate_file` and `client_key_file` do not hold a certificate and its key in PEM",
        )
    })
}

fn read(key: &str, path: &Path, rule: Rule) -> Result<Vec<u8>> {
    rule.read(path).map(String::into_bytes).map_err(|fault| Error::fatal(format!("`{key}`: {fault}")))
}
