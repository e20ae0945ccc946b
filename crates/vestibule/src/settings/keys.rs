//! The keys of the tables of `vestibule.toml`: `[providers.NAME]`, `[apps.NAME]` and `[plugin.ALIAS]`, one row each.
//!
//! As in the [table of settings](super::table), a constant for each row is what the program reads, and the list is what the
//! document and the search for unknown keys use.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Duration;

use secrecy::SecretString;
use toml::{Table, Value};
use vestibule_domain::{AddressSet, EmailDomain, Origin};
use vestibule_plugin_host::{Isolation, PluginConfig};
use vestibule_upstream::TokenEndpointAuthMethod;

use super::kinds::words::{check_line, check_word, trimmed};
use super::kinds::{as_text, parse_duration, parse_switch};
use super::table_reader::TableReader;

/// A key whose value is of this type.
pub(super) struct Key<T: 'static> {
    pub(super) name: &'static str,
    parse: fn(&Value) -> Result<T, String>,
    default: &'static str,
}

/// A row without the type of its value.
#[derive(Debug, Clone, Copy)]
pub(crate) struct KeyRow {
    pub(crate) name: &'static str,
    /// What it is, in Markdown.
    pub(crate) meaning: &'static [&'static str],
    /// The default, in Markdown.
    pub(crate) default: &'static str,
}

impl<T> Key<T> {
    const fn new(parse: fn(&Value) -> Result<T, String>, default: &'static str) -> Self {
        Self { name: "", parse, default }
    }

    const fn named(mut self, name: &'static str) -> Self {
        self.name = name;
        self
    }

    const fn row(&self, meaning: &'static [&'static str]) -> KeyRow {
        KeyRow { name: self.name, meaning, default: self.default }
    }

    /// The value that a table has under this key.
    pub(super) fn find(&self, table: &Table) -> Result<Option<T>, String> {
        let value = table.get(self.name).map(|value| (self.parse)(value));
        value.transpose().map_err(|reason| format!("{}: {reason}", self.name))
    }
}

macro_rules! keys {
    ($($(#[doc = $about:literal])+ mod $module:ident { $($(#[doc = $line:literal])+ $constant:ident $name:literal: $type:ty = $key:expr;)+ })+) => {
        $($(#[doc = $about])+
        pub(crate) mod $module {
            use super::*;

            $($(#[doc = $line])+ pub(in super::super) const $constant: Key<$type> = $key.named($name);)+

            /// All of them.
            pub(crate) const ROWS: &[KeyRow] = &[$({
                const KEY: Key<$type> = $key.named($name);
                KEY.row(&[$($line),+])
            }),+];

            /// Reads a table that may have these keys and no others.
            pub(in super::super) fn read(table: &Table) -> TableReader<'_> {
                TableReader::new(table, ROWS)
            }
        })+
    };
}

keys! {
    /// The keys of `[providers.NAME]`.
    mod provider {
        /// The address of the issuer; https, except on loopback
        ISSUER "issuer": String = Key::new(word, "required");
        /// The client id there
        CLIENT_ID "client_id": String = Key::new(word, "required");
        /// *secret*. The client secret there
        CLIENT_SECRET "client_secret": SecretString = Key::new(|value| text(value).map(Into::into), "required");
        /// A file with the client secret, in the place of `client_secret`
        CLIENT_SECRET_FILE "client_secret_file": PathBuf = Key::new(|value| text(value).map(PathBuf::from), "none");
        /// How the client authenticates at the token endpoint: `client_secret_basic`, `client_secret_post`, or `none` for a public
        /// client, which has no secret
        TOKEN_ENDPOINT_AUTH_METHOD "token_endpoint_auth_method": TokenEndpointAuthMethod =
            Key::new(|value| text(value)?.parse().map_err(as_text), "what the issuer lists, `client_secret_basic` first");
        /// Where the service reaches the issuer, if that is not where people do: its address inside, or the whole address of the
        /// discovery document there. [In a split network](#an-issuer-in-a-split-network)
        DISCOVERY_URL "discovery_url": String = Key::new(word, "below `issuer`");
        /// What is added to each authorization request: `{ prompt = "select_account", domain_hint = "corp.example" }`
        AUTHORIZATION_PARAMETERS "authorization_parameters": BTreeMap<String, String> = Key::new(parameters, "none");
        /// Audiences that an ID token for us may have besides the client id, where it has no `azp`
        ADDITIONAL_AUDIENCES "additional_audiences": Vec<String> = Key::new(texts, "none");
        /// What people read
        LABEL "label": String = Key::new(text, "the name");
        /// The scopes to ask for; `openid` must be among them
        SCOPES "scopes": Vec<String> = Key::new(scopes, "`[\"openid\", \"email\", \"profile\"]`");
        /// Claims about a person to keep for plugins
        CLAIMS "claims": Vec<String> = Key::new(texts, "none");
        /// Whether the addresses that it states as verified [count](#whose-addresses-count) beyond it
        TRUST_EMAIL "trust_email": bool = Key::new(truth, "`true` for google and github, else `false`");
        /// The domains over whose addresses [it is the authority](#whose-addresses-count): they count also if it does not state that they are verified. `["*"]`: all
        TRUSTED_EMAIL_DOMAINS "trusted_email_domains": AddressSet = Key::new(domains, "none");
    }

    /// The keys of `[apps.NAME]`.
    mod app {
        /// Where the app is, as browsers name it: `https://wiki.example.com`; http on loopback alone. No two apps have one
        ORIGIN "origin": Origin = Key::new(|value| Origin::parse(&text(value)?).map_err(as_text), "required");
    }

    /// The keys of `[plugin.ALIAS]`.
    mod plugin {
        /// Where its calls run. `thread`: threads of its own; `process`: a process of its own; `inline`: the service's own threads, for
        /// plugins that never wait
        ISOLATION "isolation": Isolation = Key::new(|value| loose_text(value)?.parse().map_err(as_text), "`\"thread\"`");
        /// How long a call may take, with its wait in the queue
        TIMEOUT "timeout": Duration = Key::new(duration, "`\"2s\"`");
        /// How many calls at once; of one user two at most, and no more than half
        CONCURRENCY "concurrency": usize = Key::new(count, "`4`");
        /// How many calls may wait; then the longest line gives way, or one more is refused at once
        QUEUE "queue": usize = Key::new(count, "`64`");
        /// The SHA-256 of the file; any other file is refused
        SHA256 "sha256": [u8; 32] = Key::new(sha256, "any");
        /// Whether a plugin in a process of its own may start other processes
        MAY_SPAWN "may_spawn": bool = Key::new(switch, "`false`");
        /// Whether the plugin may refuse a sign-in or an authorization outright
        MAY_DENY "may_deny": bool = Key::new(switch, "`false`");
        /// Whether a token handler may say that a token stands for a person of the service's own
        MAY_NAME_USERS "may_name_users": bool = Key::new(switch, "`false`");
        /// The longest that an answer may be used again; `0s`: never
        MAX_TTL "max_ttl": Duration = Key::new(duration, "`\"5m\"`, of a token handler `\"1m\"`");
        /// The plugin's own configuration; `vestibule plugin inspect FILE` shows what it takes
        CONFIG "config": PluginConfig = Key::new(config, "`{}`");
    }
}

/// One line, without white space around it, as in every other place of a setting.
fn text(value: &Value) -> Result<String, String> {
    let text = value.as_str().map(trimmed).ok_or("expected a text")?;
    check_line(text).map(|()| text.to_owned())
}

/// An id or an address.
fn word(value: &Value) -> Result<String, String> {
    let word = text(value)?;
    check_word(&word).map(|()| word)
}

/// Also accepts a number or a truth value for the text that it stands for.
fn loose_text(value: &Value) -> Result<String, String> {
    match value {
        Value::String(text) => Ok(trimmed(text).to_owned()),
        Value::Integer(number) => Ok(number.to_string()),
        Value::Boolean(switch) => Ok(switch.to_string()),
        _ => Err("expected a text".to_owned()),
    }
}

fn texts(value: &Value) -> Result<Vec<String>, String> {
    let items = value.as_array().ok_or("expected a list of texts")?.iter();
    items
        .map(|item| if item.is_str() { text(item) } else { Err("expected a list of texts".to_owned()) })
        .collect()
}

fn scopes(value: &Value) -> Result<Vec<String>, String> {
    let scopes = texts(value).ok().filter(|scopes| scopes.iter().any(|scope| scope == "openid"));
    scopes.ok_or_else(|| "expected a list of texts with \"openid\" among them".to_owned())
}

/// `["corp.example"]`, or `["*"]` for every domain.
fn domains(value: &Value) -> Result<AddressSet, String> {
    let domain = |name: &String| EmailDomain::parse(name).map_err(|error| format!("{name:?}: {error}"));
    let names = texts(value)?;
    match names.as_slice() {
        [] => Ok(AddressSet::Nothing),
        [all] if all == "*" => Ok(AddressSet::Everything),
        names if names.iter().any(|name| name == "*") => {
            Err("\"*\" means every domain; name no other beside it".to_owned())
        }
        names => names.iter().map(domain).collect::<Result<_, _>>().map(AddressSet::Domains),
    }
}

fn parameters(value: &Value) -> Result<BTreeMap<String, String>, String> {
    let table = value.as_table().ok_or("expected a table of texts")?;
    let parameter = |(name, value): (&String, &Value)| match value {
        Value::String(_) | Value::Integer(_) | Value::Boolean(_) => Ok((name.clone(), loose_text(value)?)),
        _ => Err(format!("{name}: expected a text")),
    };
    table.iter().map(parameter).collect()
}

fn truth(value: &Value) -> Result<bool, String> {
    value.as_bool().ok_or_else(|| "expected true or false".to_owned())
}

fn switch(value: &Value) -> Result<bool, String> {
    parse_switch(&loose_text(value)?)
}

fn duration(value: &Value) -> Result<Duration, String> {
    parse_duration(&loose_text(value)?)
}

fn count(value: &Value) -> Result<usize, String> {
    let count = value.as_integer().and_then(|count| usize::try_from(count).ok());
    count
        .filter(|count| (1..=1024).contains(count))
        .ok_or_else(|| "expected a number from 1 to 1024".to_owned())
}

fn sha256(value: &Value) -> Result<[u8; 32], String> {
    let bytes = hex::decode(loose_text(value)?).ok().and_then(|bytes| bytes.try_into().ok());
    bytes.ok_or_else(|| "expected 64 hexadecimal digits".to_owned())
}

fn config(value: &Value) -> Result<PluginConfig, String> {
    match serde_json::to_value(value) {
        Ok(serde_json::Value::Object(object)) => Ok(PluginConfig::new(object)),
        _ => Err("expected a table".to_owned()),
    }
}
