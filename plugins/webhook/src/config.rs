//! What the operator writes. An error names the key, never what stands there: any of it may be secret.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Duration;

use reqwest::header::{
    ACCEPT, CONNECTION, CONTENT_ENCODING, CONTENT_LENGTH, CONTENT_TYPE, EXPECT, HOST, HeaderMap, HeaderName,
    HeaderValue, TE, TRANSFER_ENCODING, UPGRADE,
};
use secrecy::{ExposeSecret as _, SecretString};
use serde::Deserialize;
use url::{Host, Url};
use vestibule_plugin_sdk::{Error, Result};

const CONNECT_TIMEOUT: Duration = Duration::from_secs(1);
const MAX_RETRIES: u32 = 10;

/// Headers that the request itself decides.
const RESERVED: [HeaderName; 10] = [
    ACCEPT,
    CONNECTION,
    CONTENT_ENCODING,
    CONTENT_LENGTH,
    CONTENT_TYPE,
    EXPECT,
    HOST,
    TE,
    TRANSFER_ENCODING,
    UPGRADE,
];

/// `schema.json` says the same for people and tools.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Config {
    url: SecretString,
    pub(crate) secrets: Vec<SecretString>,
    #[serde(default)]
    headers: BTreeMap<String, SecretString>,
    pub(crate) ca_file: Option<PathBuf>,
    client_certificate_file: Option<PathBuf>,
    client_key_file: Option<PathBuf>,
    connect_timeout: Option<String>,
    #[serde(default = "two")]
    retries: u32,
    #[serde(default)]
    pub(crate) send_identities: bool,
}

fn two() -> u32 {
    2
}

impl Config {
    /// Where requests go: https, or http on this machine.
    pub(crate) fn url(&self) -> Result<Url> {
        let wrong = |reason| Error::fatal(format!("`url` {reason}"));
        let url = Url::parse(self.url.expose_secret()).map_err(|_| wrong("is not an absolute address"))?;
        match url.scheme() {
            "https" => {}
            "http" if is_loopback(&url) => {}
            "http" => return Err(wrong("must be https; http is allowed on loopback only")),
            _ => return Err(wrong("must be https")),
        }
        if !url.username().is_empty() || url.password().is_some() {
            return Err(wrong("must not have a user name or password; use `headers`"));
        }
        if url.fragment().is_some() {
            return Err(wrong("must not have a fragment"));
        }
        Ok(url)
    }

    /// The additional headers, whose values are marked as secret.
    pub(crate) fn headers(&self) -> Result<HeaderMap> {
        let mut headers = HeaderMap::new();
        for (name, value) in &self.headers {
            let wrong = |reason| Error::fatal(format!("`headers`: {name:?} {reason}"));
            let name = HeaderName::try_from(name).map_err(|_| wrong("is no name of a header"))?;
            if RESERVED.contains(&name) || name.as_str().starts_with("webhook-") {
                return Err(wrong("is set by the plugin itself"));
            }
            let mut value = HeaderValue::try_from(value.expose_secret())
                .map_err(|_| wrong("has a value that no header can carry"))?;
            value.set_sensitive(true);
            if headers.insert(name, value).is_some() {
                return Err(wrong("is there twice"));
            }
        }
        Ok(headers)
    }

    /// The files of our own certificate and its key: both or none.
    pub(crate) fn identity_files(&self) -> Result<Option<[&PathBuf; 2]>> {
        match (&self.client_certificate_file, &self.client_key_file) {
            (Some(certificate), Some(key)) => Ok(Some([certificate, key])),
            (None, None) => Ok(None),
            _ => Err(Error::fatal("`client_certificate_file` and `client_key_file` need each other")),
        }
    }

    pub(crate) fn connect_timeout(&self) -> Result<Duration> {
        let Some(text) = &self.connect_timeout else { return Ok(CONNECT_TIMEOUT) };
        let timeout = humantime::parse_duration(text).ok().filter(|timeout| !timeout.is_zero());
        timeout.ok_or_else(|| Error::fatal("`connect_timeout` is not a duration such as \"500ms\" or \"1s\""))
    }

    pub(crate) fn retries(&self) -> Result<u32> {
        let retries = Some(self.retries).filter(|retries| *retries <= MAX_RETRIES);
        retries.ok_or_else(|| Error::fatal(format!("`retries` must be at most {MAX_RETRIES}")))
    }
}

fn is_loopback(url: &Url) -> bool {
    match url.host() {
        Some(Host::Domain(name)) => name == "localhost" || name.ends_with(".localhost"),
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.is_loopback(),
        None => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use vestibule_plugin_sdk::{Value, json};

    fn with(key: &str, value: Value) -> Config {
        let mut config = json!({"url": "https://a.example/x", "secrets": []});
        config[key] = value;
        serde_json::from_value(config).unwrap()
    }

    #[test]
    fn https_anywhere_and_http_on_loopback_are_taken() {
        for good in
            ["https://a.example/x?key=1", "http://127.0.0.1:1", "http://localhost/", "http://[::1]:9/"]
        {
            assert!(with("url", good.into()).url().is_ok(), "{good}");
        }
    }

    #[test]
    fn other_addresses_are_refused_without_being_told() {
        for bad in [
            "http://hunter2.example/",
            "http://127.0.0.1.hunter2.example/",
            "https://hunter2@a.example/",
            "https://:hunter2@a.example/",
            "https://a.example/#hunter2",
            "ftp://a.example/hunter2",
            "/hunter2",
            "",
        ] {
            let Err(error) = with("url", bad.into()).url() else { panic!("{bad}") };
            assert!(error.to_string().starts_with("`url` "), "{error}");
            assert!(!error.to_string().contains("hunter2"), "{error}");
        }
    }

    #[test]
    fn headers_are_secret_and_leave_ours_alone() {
        let headers = with("headers", json!({"Authorization": "Bearer hunter2"})).headers().unwrap();
        assert!(headers.contains_key("authorization"));
        assert!(!format!("{headers:?}").contains("hunter2"));
        for bad in [
            json!({"Webhook-Id": "hunter2"}),
            json!({"content-type": "hunter2"}),
            json!({"Host": "hunter2"}),
            json!({"a b": "hunter2"}),
            json!({"a": "hunter2\r\nb: c"}),
            json!({"a": "hunter2", "A": "hunter2"}),
        ] {
            let Err(error) = with("headers", bad.clone()).headers() else { panic!("{bad}") };
            assert!(!error.to_string().contains("hunter2"), "{error}");
        }
    }

    #[test]
    fn the_rest_is_checked_too() {
        assert_eq!(with("connect_timeout", "300ms".into()).connect_timeout(), Ok(Duration::from_millis(300)));
        for bad in ["0s", "soon", "1"] {
            assert!(with("connect_timeout", bad.into()).connect_timeout().is_err(), "{bad}");
        }
        assert_eq!(with("retries", 0.into()).retries(), Ok(0));
        assert!(with("retries", 11.into()).retries().is_err());
        assert!(with("client_key_file", "/x".into()).identity_files().is_err());
        assert!(with("client_certificate_file", "/x".into()).identity_files().is_err());
    }
}
