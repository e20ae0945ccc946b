//! The table of all settings: one row each.
//!
//! From a row come the name that the environment and `vestibule.toml` have, the type and the default that the program reads,
//! `vestibule serve --help`, and the tables of docs/settings.md (`make settings` writes them anew). The first paragraph of a
//! row's documentation is the sentence of `--help`; the document has all of it.
//!
//! To add a setting: add a row here, read it where its section is read, and run `make settings`.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use secrecy::SecretString;
use url::Url;
use vestibule_domain::{AccountLinking, ExternalAddress, Origin, Rate, UserIdScheme};
use vestibule_flows::RoleAccountMakers;
use vestibule_http::TrustedProxies;
use vestibule_storage::DatabaseUrl;
use vestibule_upstream::{GithubSettings, OidcSettings};

use super::kinds::addresses::{EXTERNAL, LISTENER, ORIGINS, PROXIES};
use super::kinds::sessions::{IDLE, SESSION_AGE, SessionCookieUse};
use super::kinds::traces::{self, SamplerChoice};
use super::kinds::words::{PRIVATE_PEM, PUBLIC_PEM, SECRET, TEXT, WORD};
use super::kinds::{
    FOLDERS, LIFETIME, LIFETIME_OR_NEVER, LIST, LIST_WITH_COMMAS, LOG_FILTER, LogFormat, RATE, SWITCH,
    as_text, at_most, choice, from_str, listed, number, parsed,
};
use super::proxy::ProxyChoice;
use super::setting::{Optional, Row, Setting, settings};

settings! {
    "Listening" {
        /// The address of the listener
        LISTEN: Setting<SocketAddr> = Setting::new(LISTENER, "127.0.0.1:8000");
        /// The address of a listener for `/metrics`, which are nowhere else
        ///
        /// It also tells [`vestibule doctor`](operations/doctor.md) how a request came through the proxies.
        ADMIN_LISTEN: Optional<SocketAddr> = Optional::new(LISTENER, "off");
        /// Where people reach the service: `https://auth.example.com`
        ///
        /// A bare host means https; http is allowed on loopback only. It is the issuer of all tokens, and the redirect URI at the
        /// providers begins with it.
        EXTERNAL_ADDRESS: Optional<ExternalAddress> = Optional::new(EXTERNAL, "required, except with `--dev`");
        /// How many connections of clients may be open at once
        ///
        /// The limit of open files may allow fewer ([how it is shared out](operations.md#connections)). One more connection closes
        /// the one that has been silent longest; when all are busy it gets 503.
        MAX_CONNECTIONS: Setting<usize> = Setting::new(number::<16, 1_000_000>(), "4096");
        /// How long the service goes on after SIGTERM while `/readyz` says no
        ///
        /// In this time proxies send requests elsewhere; at most `1m`. While requests still come, the service goes on for up to
        /// three seconds more.
        DRAIN_DELAY: Setting<Duration> = Setting::new(at_most::<60>(), "3s").in_development("0s");
        /// Networks and addresses of the proxies in front, separated by commas
        ///
        /// Their `X-Forwarded-For`, `X-Request-Id` and `traceparent` are believed.
        TRUSTED_PROXIES: Optional<TrustedProxies> = Optional::new(PROXIES.joined_with(","), "none");
    }

    "Limits" {
        /// Beginnings and ends of sign-ins of one address, together
        RATE_LIMIT_SIGN_IN_PER_ADDRESS: Setting<Option<Rate>> = Setting::new(RATE, "300/1m");
        /// Sign-ins of one identity that its provider has vouched for
        RATE_LIMIT_SIGN_IN_PER_ACCOUNT: Setting<Option<Rate>> = Setting::new(RATE, "30/1m");
        /// Requests of one address to choose a username
        RATE_LIMIT_UPDATE_PER_ADDRESS: Setting<Option<Rate>> = Setting::new(RATE, "60/1m");
        /// Requests of one account to choose a username
        RATE_LIMIT_UPDATE_PER_ACCOUNT: Setting<Option<Rate>> = Setting::new(RATE, "20/1m");
        /// Requests of one address for permission tokens
        RATE_LIMIT_AUTHORIZE_PER_ADDRESS: Setting<Option<Rate>> = Setting::new(RATE, "6000/1m");
        /// Requests of one account for permission tokens
        RATE_LIMIT_AUTHORIZE_PER_ACCOUNT: Setting<Option<Rate>> = Setting::new(RATE, "1200/1m");
        /// Texts of one address that look like [tokens](tokens.md) and are none
        ///
        /// Beyond it only tokens wait that were not used here a moment ago.
        RATE_LIMIT_TOKEN_FAILURE_PER_ADDRESS: Setting<Option<Rate>> = Setting::new(RATE, "6000/1m");
        /// Uses of one token of a person or a role account
        RATE_LIMIT_TOKEN_PER_CREDENTIAL: Setting<Option<Rate>> = Setting::new(RATE, "6000/1m");
        /// Refreshes of [pairs](tokens.md#pairs-of-tokens) of one account
        RATE_LIMIT_REFRESH_PER_ACCOUNT: Setting<Option<Rate>> = Setting::new(RATE, "120/1m");
        /// Tokens, and pairs of tokens, that one account makes
        RATE_LIMIT_TOKEN_CREATE_PER_ACCOUNT: Setting<Option<Rate>> = Setting::new(RATE, "30/1h");
        /// Requests of one address that ask who holds a username
        RATE_LIMIT_LOOKUP_PER_ADDRESS: Setting<Option<Rate>> = Setting::new(RATE, "600/1m");
    }

    "Database and keys" {
        /// The database: `sqlite://PATH` or `postgres://USER:PASSWORD@HOST/NAME`
        ///
        /// A relative path of SQLite has no leading slash, an absolute one has: `sqlite:///var/lib/vestibule.db`. In
        /// `postgres://user:password@host:port/name?sslmode=verify-full` an `@` of a user name or a password is written as `%40`.
        /// Several servers, for a fail-over, stand in one address: `postgres://user:password@first,second/name?target_session_attrs=read-write`
        /// finds the one that takes writes. The parameters are [those of libpq](operations.md#databases).
        DATABASE_URL: Setting<DatabaseUrl> =
            Setting::new(parsed(|text| DatabaseUrl::parse(text).map_err(as_text)), "sqlite://vestibule.db")
                .in_development("sqlite://var/vestibule.db").secret();
        /// How many connections to PostgreSQL, or readers of SQLite beside its one writer
        ///
        /// From 1 to 1000. The server must allow that many for each replica.
        DATABASE_CONNECTIONS: Setting<usize> = Setting::new(number::<1, 1000>(), "10");
        /// The folder of signing keys, used when `PRIVATE_KEY` is not set
        ///
        /// See [keys/README.md](../keys/README.md).
        KEYS_DIR: Setting<PathBuf> = Setting::new(from_str(), "keys");
        /// One signing key as PEM, in the place of `KEYS_DIR`
        ///
        /// PKCS#1 or PKCS#8, 2048 bits or more: with real line breaks, with `\n` in their place, or the whole as base64.
        PRIVATE_KEY: Optional<SecretString> = Optional::new(PRIVATE_PEM, "not set").secret();
        /// The public half of `PRIVATE_KEY` as PEM; it must match
        PUBLIC_KEY: Optional<String> = Optional::new(PUBLIC_PEM, "derived");
    }

    "Providers" {
        /// The client id at Google
        GOOGLE_KEY: Optional<String> = Optional::new(WORD, "no Google");
        /// The client secret at Google
        GOOGLE_SECRET: Optional<SecretString> = Optional::new(SECRET, "no Google").secret();
        /// The issuer in Google's place
        GOOGLE_ISSUER: Setting<String> = Setting::new(WORD, OidcSettings::GOOGLE_ISSUER);
        /// Claims about a person to keep for plugins, separated by semicolons: `hd`
        GOOGLE_CLAIMS: Optional<Vec<String>> = Optional::new(LIST, "none");
        /// The client id at GitHub
        GITHUB_KEY: Optional<String> = Optional::new(WORD, "no GitHub");
        /// The client secret at GitHub
        GITHUB_SECRET: Optional<SecretString> = Optional::new(SECRET, "no GitHub").secret();
        /// GitHub, or a GitHub Enterprise Server: `https://HOST`
        GITHUB_URL: Setting<String> = Setting::new(WORD, GithubSettings::DEFAULT_URL);
        /// The API of the same, where it is at an address of its own
        ///
        /// Otherwise it is `https://api.github.com`, `https://api.NAME.ghe.com`, or `https://HOST/api/v3` of an Enterprise Server.
        GITHUB_API_URL: Optional<String> =
            Optional::new(WORD, "follows from `GITHUB_URL`");
        /// Whether to keep the GitHub organizations of each person for plugins
        ///
        /// `on` asks each person for the scope `read:org`. An organization is kept by GitHub's number and with the login to read. One
        /// that restricts third-party applications shows itself only when it has approved yours.
        GITHUB_ORGANIZATIONS: Setting<bool> = Setting::new(SWITCH, "off");
        /// A forward proxy for requests to providers: `http://HOST:PORT`
        ///
        /// `http://USER:PASSWORD@HOST:PORT` where the proxy asks for it. `environment` takes it from `HTTPS_PROXY`, and what is asked directly from `NO_PROXY`. Loopback and an address inside in
        /// plain http are never asked through it.
        OUTBOUND_PROXY: Optional<ProxyChoice> =
            Optional::new(parsed(ProxyChoice::parse), "providers are asked directly").secret();
        /// What is asked without `OUTBOUND_PROXY`, separated by commas
        ///
        /// Hosts, domains with all that is below them, addresses and networks.
        OUTBOUND_NO_PROXY: Optional<Vec<String>> = Optional::new(LIST_WITH_COMMAS.joined_with(","), "none");
    }

    "People" {
        /// Origins of the frontends, separated by semicolons
        ///
        /// `next` may lead there, and they may call by CORS. Compared whole; no wildcards.
        ALLOWED_ORIGINS: Optional<Vec<Origin>> = Optional::new(ORIGINS, "`EXTERNAL_ADDRESS` alone");
        /// What becomes of an unknown identity whose verified address a user holds
        ///
        /// If [its addresses count](#whose-addresses-count): `verified-email` joins that user, `explicit` makes a new one.
        ACCOUNT_LINKING: Setting<AccountLinking> = Setting::new(choice(), "verified-email");
        /// The ids of new users: `random` or `email-md5`
        ///
        /// `email-md5` are the ids of dgp-oauth2, for each person with an address that [counts](#whose-addresses-count) and that no
        /// other user holds; all others get a random one.
        USER_ID_SCHEME: Setting<UserIdScheme> = Setting::new(choice(), "random");
    }

    "Sessions" {
        /// After how long without use the session of a browser ends
        ///
        /// Of the session that is held by a cookie; one of a user token lives as long as the token. Counts for sessions that exist
        /// already as well. See [sessions](sessions.md).
        SESSION_IDLE: Setting<Duration> = Setting::new(IDLE, "7d");
        /// How long after its sign-in the session of a browser ends, however much it is used
        ///
        /// A lower value counts for sessions that exist already as well, a higher one from the next sign-in on. `0` stands for `400d`:
        /// browsers keep no cookie longer.
        MAX_SESSION_AGE: Setting<Duration> = Setting::new(SESSION_AGE, "30d");
        /// Whether pages of the service itself know people by a cookie: `own-pages` or `off`
        ///
        /// `off` is for a host that is shared with an app, whose scripts could use the cookie for everything that a person may do. What
        /// needs the cookie is 404 then.
        SESSION_COOKIE: Setting<SessionCookieUse> = Setting::new(choice(), "own-pages");
        /// How recent a fresh sign-in is, which is asked for before what matters
        STEP_UP_AGE: Setting<Duration> = Setting::new(LIFETIME, "15m");
    }

    "Tokens" {
        /// The life of a user token and its session
        USER_TOKEN_TTL: Setting<Duration> = Setting::new(LIFETIME, "14d");
        /// The life of a permission token: how long a withdrawn permission may still be used
        PERMISSION_TOKEN_TTL: Setting<Duration> = Setting::new(LIFETIME, "15m");
        /// How long `/auth/check` believes in a session while the database is away
        ///
        /// From the moment when the session was last known to be alive, for `/auth/check` and for nothing else; at most `1h`. With
        /// `0s` such a check is answered 503. See [operations](operations.md#when-the-database-is-gone).
        OUTAGE_GRACE: Setting<Duration> = Setting::new(at_most::<3600>(), "0s");
        /// Whether the same permissions may get the same token again
        ///
        /// `on`: the same user, service and unchanged permissions get the earlier token again while half of its life is ahead; `off`:
        /// always a new one.
        PERMISSION_TOKEN_REUSE: Setting<bool> = Setting::new(SWITCH, "on");
        /// The life of a [token for a program](tokens.md), unless another is asked for
        TOKEN_DEFAULT_TTL: Setting<Duration> = Setting::new(LIFETIME, "90d");
        /// The longest life of a personal token
        ///
        /// Lowering it ends no token that exists.
        TOKEN_MAX_TTL: Setting<Duration> = Setting::new(LIFETIME, "366d");
        /// Who makes [role accounts](tokens.md#role-accounts) over HTTP: `admins` or `users`
        ///
        /// `admins`: whoever is Administrator [at the service itself](operations.md#administrators); `users`: everybody, for themselves.
        ROLE_ACCOUNTS: Setting<RoleAccountMakers> = Setting::new(choice(), "admins");
        /// The longest life of a role account's token; `never`: it may live for ever
        ROLE_TOKEN_MAX_TTL: Setting<Option<Duration>> = Setting::new(LIFETIME_OR_NEVER, "never");
        /// The life of an access token of a [pair](tokens.md#pairs-of-tokens)
        ACCESS_TOKEN_TTL: Setting<Duration> = Setting::new(LIFETIME, "1h");
        /// The life of a refresh token that is not used
        REFRESH_TOKEN_IDLE: Setting<Duration> = Setting::new(LIFETIME, "30d");
        /// The longest life of what a pair lends, however often it is refreshed
        REFRESH_TOKEN_MAX_AGE: Setting<Duration> = Setting::new(LIFETIME, "365d");
        /// For how long a refresh token that comes again gets the same answer
        ///
        /// Lost answers are healed beyond it as well, as long as nothing of them was used.
        REFRESH_TOKEN_GRACE: Setting<Duration> = Setting::new(at_most::<300>(), "60s");
    }

    "Plugins" {
        /// The services and their plugins: `[alias:]plugin`, separated by semicolons
        ///
        /// The alias is the service name that clients send; the plugin decides about its permissions. `vestibule` is reserved for the
        /// service itself.
        ALLOWED_SERVICES: Optional<Vec<String>> = Optional::new(LIST, "none")
            .in_development("storage:sample-permissions;reports:sample-permissions");
        /// The extensions: `[alias:]plugin`, separated by semicolons
        ///
        /// They run in this order.
        INSTALLED_EXTENSIONS: Optional<Vec<String>> =
            Optional::new(LIST, "none").in_development("sample-extension");
        /// The token handlers: `[alias:]plugin`, separated by semicolons
        ///
        /// They are asked, in this order, [whom a bearer token stands for](plugins/README.md#token-handlers) that the service has not
        /// made itself.
        TOKEN_HANDLERS: Optional<Vec<String>> = Optional::new(LIST, "none");
        /// Folders to search first for `lib<plugin>.so`, separated by colons
        ///
        /// A hyphen in the name may be an underscore in the file. Behind them the folder `plugins` beside the program and the program's own
        /// folder are always searched, so the plugins that come with it need no setting.
        PLUGIN_PATH: Optional<Vec<PathBuf>> = Optional::new(FOLDERS, "none");
    }

    "Log" {
        /// What is logged: `info`, `debug`, or by part: `info,vestibule_flows=debug`
        ///
        /// Below `info` only Vestibule and its plugins speak: libraries would write out tokens.
        LOG: Setting<String> = Setting::new(LOG_FILTER, "info");
        /// `text` for people or `json` for collectors
        LOG_FORMAT: Setting<LogFormat> = Setting::new(choice(), "text");
        /// How many lines about single requests are written for each outcome
        ///
        /// The outcomes are answered, refused and failed; a number and a period. Beyond it [one of a
        /// hundred](observability.md#log) is written. `off`: all.
        LOG_ACCESS_RATE: Setting<Option<Rate>> = Setting::new(RATE, "1000/1s");
    }

    "Audit trail" {
        /// How long [events](observability.md#audit-trail) are kept
        AUDIT_RETENTION: Setting<Duration> = Setting::new(LIFETIME, "90d");
    }

    "Traces" {
        /// The collector of traces, by OTLP over HTTP with protobuf: `http://127.0.0.1:4318`
        ///
        /// `/v1/traces` is added to its path. See [traces](observability.md#traces).
        OTEL_EXPORTER_OTLP_ENDPOINT: Optional<Url> = Optional::new(parsed(traces::parse_endpoint), "off");
        /// Headers for the collector: `name=value`, separated by commas
        ///
        /// Sent over https only, or on loopback.
        OTEL_EXPORTER_OTLP_HEADERS: Optional<Vec<(String, SecretString)>> =
            Optional::new(listed(traces::parse_headers).joined_with(","), "none").secret();
        /// What the service is called in traces
        OTEL_SERVICE_NAME: Setting<String> = Setting::new(TEXT, "vestibule");
        /// Which traces are kept: `always_on`, `always_off` or `traceidratio`
        ///
        /// Behind `parentbased_` it decides only about traces that begin here.
        OTEL_TRACES_SAMPLER: Setting<SamplerChoice> =
            Setting::new(parsed(traces::parse_sampler), "parentbased_always_on");
        /// The share of traces that a ratio keeps, from 0 to 1
        OTEL_TRACES_SAMPLER_ARG: Setting<f64> = Setting::new(parsed(traces::parse_ratio), "1");
    }
}

/// The row of this name.
pub(super) fn find(name: &str) -> Option<&'static Row> {
    rows().find(|row| row.name == name)
}

/// The rows of all sections.
pub(super) fn rows() -> impl Iterator<Item = &'static Row> {
    SECTIONS.iter().flat_map(|(_, rows)| *rows)
}

/// Whether this is the name of a setting, or of the file of a secret one.
pub(super) fn is_known(name: &str) -> bool {
    let is_secret = |name| find(name).is_some_and(|row| row.is_secret);
    find(name).is_some() || name.strip_suffix("_FILE").is_some_and(is_secret)
}
