//! Settings that make no sense: each is named, all at once, and nothing is started.

mod several;
mod tables;

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use rsa::RsaPrivateKey;
use rsa::pkcs8::{EncodePrivateKey as _, EncodePublicKey as _, LineEnding};
use rsa::rand_core::OsRng;
use vestibule_test_support::{Program, ProgramBuilder, TestDatabase};

use super::{Outcome, command, ready_to_start, with_github};
use crate::documents::settings;

/// Checks the settings and starts; both must say no, and say it alike.
pub(super) async fn refused(program: ProgramBuilder) -> String {
    if program.keys_dir().starts_with(program.directory()) {
        program.share_signing_key().await;
    }
    let Outcome { status, out, error } = command(&program, &["config", "check"]).await;
    assert_eq!((status, out.as_str()), (Some(1), ""), "{error}");
    let ended = program.try_start().await.expect_err("it does not start");
    assert_eq!(ended.status.code(), Some(1), "{}", ended.logs);
    assert_eq!(ended.logs, error);
    error
}

/// The mistakes that are reported, one a line.
pub(super) fn mistakes(text: &str) -> Vec<&str> {
    text.lines().map(|line| line.strip_prefix("vestibule: ").expect(line)).collect()
}

/// A setting, a value that it cannot have, and a part of what is said about it.
const WRONG: &[(&str, &str, &str)] = &[
    (
        "LISTEN",
        "everywhere",
        "expected an address and a port: write numbers such as 127.0.0.1:8000, not a name",
    ),
    (
        "LISTEN",
        "8000",
        "write 127.0.0.1:8000 for this machine alone, or 0.0.0.0:8000 for all of its addresses",
    ),
    (
        "LISTEN",
        ":8000",
        "write 127.0.0.1:8000 for this machine alone, or 0.0.0.0:8000 for all of its addresses",
    ),
    (
        "LISTEN",
        "*:8000",
        "write 127.0.0.1:8000 for this machine alone, or 0.0.0.0:8000 for all of its addresses",
    ),
    ("LISTEN", "localhost:8000", "write 127.0.0.1:8000, or [::1]:8000"),
    ("LISTEN", "127.0.0.1", "the port is missing; write 127.0.0.1:8000"),
    ("LISTEN", "::1:8000", "the port is missing, or the brackets before it"),
    ("LISTEN", "http://127.0.0.1:8000/", "expected an address and a port: write 127.0.0.1:8000"),
    ("LISTEN", "127.0.0.1:70000", "a port is at most 65535"),
    ("LISTEN", "\"127.0.0.1:8000\"", "the quotation marks at both ends are part of the value"),
    ("ADMIN_LISTEN", "off", "expected an address and a port: "),
    (
        "EXTERNAL_ADDRESS",
        "http://auth.example.com",
        "http is allowed on loopback only; use https; write https://auth.example.com",
    ),
    (
        "EXTERNAL_ADDRESS",
        "https://a.example;https://b.example",
        "expected one address; those of frontends are",
    ),
    ("EXTERNAL_ADDRESS", "'https://a.example'", "the quotation marks at both ends are part of the value"),
    ("EXTERNAL_ADDRESS", "https://auth.exam\nple.com", "has a line break inside, as character 18"),
    ("EXTERNAL_ADDRESS", "ftp://auth.example.com", "the scheme is neither https nor http"),
    (
        "EXTERNAL_ADDRESS",
        "https://auth.example.com/login",
        "path, query or fragment; write https://auth.example.com",
    ),
    ("EXTERNAL_ADDRESS", "https://user@auth.example.com", "user name"),
    ("DATABASE_URL", "mysql://db/vestibule", "starts with sqlite:// or postgres://"),
    ("DATABASE_URL", "sqlite::memory:", "sqlite://"),
    ("DATABASE_URL", "postgres://db/x?sslmode=maybe", "sslmode"),
    ("DATABASE_URL", "postgres://db/x?sslmode=verify-ca", "sslmode=verify-ca needs sslrootcert=FILE"),
    ("DATABASE_URL", "postgres://db/x?sslmode=require&sslrootcert=system", "needs sslmode=verify-full"),
    ("DATABASE_URL", "postgres://db/x?sslcert=/client.pem", "sslcert is not offered here"),
    (
        "DATABASE_URL",
        "postgres://db/x?target_session_attrs=primary",
        "in the place of primary it is read-write",
    ),
    ("DATABASE_URL", "postgres://db/x?sslmode=disable&channel_binding=require", "needs TLS"),
    ("ALLOWED_ORIGINS", "https://a.example;https://*.b.example", "https://*.b.example: "),
    ("ALLOWED_ORIGINS", "http://app.example.com", "http is allowed on loopback only"),
    ("ALLOWED_ORIGINS", "https://a.example/path", "path, query or fragment; write https://a.example"),
    (
        "ALLOWED_ORIGINS",
        "https://a.example,https://b.example",
        "origins are separated by semicolons; write https://a.example;https://b.example",
    ),
    (
        "ALLOWED_ORIGINS",
        "https://a.example https://*.b.example",
        "origins are separated by semicolons; write https://a.example;https://*.b.example",
    ),
    (
        "ALLOWED_ORIGINS",
        "app.example.com",
        "not an origin: scheme://host or scheme://host:port is expected; write https://app.example.com",
    ),
    ("ALLOWED_ORIGINS", "localhost:3000", "; write http://localhost:3000"),
    ("ALLOWED_ORIGINS", "https://a.exam ple", "https://a.exam ple: has a space inside, as character 15"),
    ("ALLOWED_ORIGINS", "null", "not an origin"),
    ("ALLOWED_SERVICES", "storage:../evil", "../evil: a plugin's name"),
    ("ALLOWED_SERVICES", "storage,reports", "items are separated by semicolons; write storage;reports"),
    ("INSTALLED_EXTENSIONS", "audit, webhook", "items are separated by semicolons; write audit;webhook"),
    ("GOOGLE_CLAIMS", "hd,groups", "items are separated by semicolons; write hd;groups"),
    ("PLUGIN_PATH", "/a;/b", "folders are separated by colons; write /a:/b"),
    ("GITHUB_KEY", "Iv1.a b", "has a space inside, as character 6; write it without"),
    (
        "GITHUB_KEY",
        "\"Iv1\"",
        "the quotation marks at both ends are part of the value; write it without them",
    ),
    ("GITHUB_SECRET", "one\ntwo", "has a line break inside, as character 4"),
    ("GITHUB_SECRET", "'secret'", "the quotation marks at both ends are part of the value"),
    ("GITHUB_URL", "https://git\thub.example", "has a tab inside"),
    ("GOOGLE_ISSUER", "https://id.example \u{200b}x", "has a space inside"),
    ("OTEL_SERVICE_NAME", "auth\nservice", "has a line break inside"),
    ("ALLOWED_SERVICES", "st orage:sample-permissions", "the name of a service or an extension has"),
    ("ALLOWED_SERVICES", "a:sample-permissions;a:sample-permissions", "the alias is used twice"),
    ("ALLOWED_SERVICES", "vestibule:sample-permissions", "reserved for the service itself"),
    ("ALLOWED_SERVICES", "Vestibule:sample-permissions", "reserved for the service itself"),
    ("INSTALLED_EXTENSIONS", "vestibule:sample-extension", "reserved for the service itself"),
    ("INSTALLED_EXTENSIONS", "/tmp/evil.so", "1 to 64 letters"),
    ("SESSION_IDLE", "5m", "expected between 10m and 400d"),
    ("SESSION_IDLE", "0", "expected between 10m and 400d"),
    ("MAX_SESSION_AGE", "401d", "expected between 10m and 400d"),
    ("MAX_SESSION_AGE", "never", "expected a duration such as 30s, 15m"),
    ("SESSION_COOKIE", "on", "expected own-pages or off"),
    ("STEP_UP_AGE", "1s", "expected between 10s and 10 years"),
    ("USER_TOKEN_TTL", "abc", "expected a duration such as 30s, 15m, 14d or 1h 30m, or a number of seconds"),
    ("DRAIN_DELAY", "3 parsecs", "expected a duration such as 30s, 15m"),
    ("USER_TOKEN_TTL", "0", "expected between 10s and 10 years"),
    ("USER_TOKEN_TTL", "-1", "expected a duration such as 30s, 15m"),
    ("USER_TOKEN_TTL", "100y", "expected between 10s and 10 years"),
    ("PERMISSION_TOKEN_TTL", "1s", "expected between 10s and 10 years"),
    ("TOKEN_DEFAULT_TTL", "never", "expected a duration such as 30s, 15m"),
    ("TOKEN_MAX_TTL", "never", "expected a duration such as 30s, 15m"),
    ("ROLE_ACCOUNTS", "owners", "expected admins or users"),
    ("ROLE_TOKEN_MAX_TTL", "1s", "expected between 10s and 10 years"),
    ("ACCESS_TOKEN_TTL", "1s", "expected between 10s and 10 years"),
    ("REFRESH_TOKEN_IDLE", "never", "expected a duration such as 30s, 15m"),
    ("REFRESH_TOKEN_MAX_AGE", "100y", "expected between 10s and 10 years"),
    ("REFRESH_TOKEN_GRACE", "6m", "expected at most 5m"),
    ("PERMISSION_TOKEN_REUSE", "maybe", "expected on or off"),
    ("ACCOUNT_LINKING", "email", "expected verified-email or explicit"),
    ("USER_ID_SCHEME", "md5", "expected random or email-md5"),
    ("TRUSTED_PROXIES", "10.0.0.0/40", "neither a network"),
    ("TRUSTED_PROXIES", "proxy.local", "neither a network"),
    ("RATE_LIMIT_SIGN_IN_PER_ADDRESS", "many", "expected a number and a period, such as 120/1m, or off"),
    ("RATE_LIMIT_UPDATE_PER_ACCOUNT", "0/1m", "the number must be at least 1"),
    ("RATE_LIMIT_TOKEN_FAILURE_PER_ADDRESS", "5/2d", "the period must be between a second and a day"),
    ("RATE_LIMIT_REFRESH_PER_ACCOUNT", "5/2d", "the period must be between a second and a day"),
    ("RATE_LIMIT_TOKEN_CREATE_PER_ACCOUNT", "5/2d", "the period must be between a second and a day"),
    ("RATE_LIMIT_TOKEN_PER_CREDENTIAL", "5/2d", "the period must be between a second and a day"),
    ("RATE_LIMIT_LOOKUP_PER_ADDRESS", "5/2d", "the period must be between a second and a day"),
    ("LOG", "vestibule=[", "LOG: "),
    ("LOG", "inof", "\"inof\" is no level; expected error, warn, info, debug, trace or off"),
    ("LOG", "vestibule_flows=debug,verbose", "\"verbose\" is no level"),
    ("LOG_FORMAT", "xml", "expected text or json"),
    ("GITHUB_URL", "http://github.example", "must be https; http is allowed on loopback only"),
    ("GITHUB_API_URL", "github", "is not an absolute https address"),
    ("GITHUB_API_URL", "https://github.corp.example/api/v3", "set GITHUB_URL too, or neither"),
    ("OUTBOUND_PROXY", "proxy.corp.example:3128", "expected http://HOST:PORT or https://HOST:PORT"),
    ("OUTBOUND_PROXY", "http://proxy.corp.example/pac", "has no path, query or fragment"),
    ("GITHUB_ORGANIZATIONS", "acme", "expected on or off"),
    ("DATABASE_CONNECTIONS", "0", "expected a number from 1 to 1000"),
    ("MAX_CONNECTIONS", "15", "expected a number from 16 to 1000000"),
    ("DRAIN_DELAY", "2m", "expected at most 1m"),
    ("KEYS_DIR", "/absent", "there is no key in /absent; run `vestibule keys generate`, or set PRIVATE_KEY"),
    ("PRIVATE_KEY", "nonsense", "private key: this is not a PEM text"),
    ("PUBLIC_KEY", "nonsense", "it is given without PRIVATE_KEY"),
    ("LOG_ACCESS_RATE", "much", "expected a number and a period, such as 120/1m, or off"),
    ("GOOGLE_CLAIMS", LONG_NAME, "provider google: the name of a claim has"),
    ("GOOGLE_ISSUER", "http://accounts.example", "must be https; http is allowed on loopback only"),
    ("ALLOWED_SERVICES", "storage:absent", "plugin \"storage\": no libabsent.so in "),
    ("ALLOWED_SERVICES", "storage:absent", "; PLUGIN_PATH names the folders that are searched"),
    ("ALLOWED_SERVICES", "storage:sample-extension", "plugin \"storage\": "),
    ("INSTALLED_EXTENSIONS", "welcome:absent", "plugin \"welcome\": no libabsent.so in "),
    ("INSTALLED_EXTENSIONS", "sample-permissions", "plugin \"sample-permissions\": "),
    ("TOKEN_HANDLERS", "keys:absent", "plugin \"keys\": no libabsent.so in "),
    (
        "TOKEN_HANDLERS",
        "keys:sample-permissions",
        "provides no resolve_token, so it cannot be a token handler",
    ),
    ("TOKEN_HANDLERS", "keys,other", "items are separated by semicolons; write keys;other"),
    ("TOKEN_HANDLERS", "vestibule:sample-tokens", "reserved for the service itself"),
    ("TOKEN_HANDLERS", "storage:sample-tokens;storage:sample-tokens", "the alias is used twice"),
    ("OUTAGE_GRACE", "2h", "expected at most 1h"),
    ("RATE_LIMIT_SIGN_IN_PER_ACCOUNT", "1", "expected a number and a period, such as 120/1m, or off"),
    ("RATE_LIMIT_UPDATE_PER_ADDRESS", "/1m", "expected a number and a period"),
    ("RATE_LIMIT_AUTHORIZE_PER_ADDRESS", "1/0s", "the period must be between a second and a day"),
    ("RATE_LIMIT_AUTHORIZE_PER_ACCOUNT", "on", "expected a number and a period"),
    ("AUDIT_RETENTION", "1s", "expected between 10s and 10 years"),
    ("OTEL_EXPORTER_OTLP_ENDPOINT", "127.0.0.1:4318", "not an address such as http://127.0.0.1:4318"),
    ("OTEL_EXPORTER_OTLP_HEADERS", "nonsense", "expected name=value, separated by commas"),
    ("OTEL_TRACES_SAMPLER", "some", "expected always_on, always_off, traceidratio"),
    ("OTEL_TRACES_SAMPLER_ARG", "2", "expected a number from 0 to 1"),
];

/// Longer than a claim may be called.
const LONG_NAME: &str = concat!(
    "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef",
    "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef.",
);

/// Settings of which any text makes sense by itself; what belongs together has tests of its own.
const ANY_TEXT: &[&str] = &[
    // Checked as GITHUB_KEY and GITHUB_SECRET are.
    "GOOGLE_KEY",
    "GOOGLE_SECRET",
    "OUTBOUND_NO_PROXY",
];

/// With what else a setting counts at all.
fn in_use(name: &str) -> ProgramBuilder {
    match name {
        "GOOGLE_ISSUER" | "GOOGLE_CLAIMS" => {
            with_github().setting("GOOGLE_KEY", "id").setting("GOOGLE_SECRET", "secret")
        }
        // Found in what follows the settings, where there is a key.
        _ => with_github(),
    }
}

#[tokio::test]
async fn l16_a_value_that_makes_no_sense_is_reported_under_the_name_of_its_setting() {
    for (name, value, reason) in WRONG {
        let text = refused(in_use(name).setting(name, value)).await;
        let [only] = mistakes(&text).try_into().unwrap_or_else(|all| panic!("{name}={value}: {all:?}"));
        assert!(only.starts_with(&format!("{name}: ")) && only.contains(reason), "{name}={value}: {only}");
    }
}

/// Whoever adds a setting says here what is wrong with it.
#[test]
fn l16_every_setting_has_a_mistake_that_is_tried() {
    let tried: BTreeSet<_> = WRONG.iter().map(|(name, ..)| *name).chain(ANY_TEXT.iter().copied()).collect();
    let settings = settings();
    let untried: BTreeSet<_> = settings.iter().filter(|name| !tried.contains(name.as_str())).collect();
    assert!(untried.is_empty(), "add a mistake to WRONG, or a name to ANY_TEXT: {untried:?}");
}

/// A text of our own is nowhere made of it, and it is not shown: it may be a secret.
#[tokio::test]
async fn l16_a_variable_that_is_not_text_is_reported_under_its_name() {
    for name in ["EXTERNAL_ADDRESS", "LOG", "GITHUB_SECRET", "GITHUB_SECRET_FILE", "PRIVATE_KEY"] {
        let text = refused(with_github().raw_setting(name, b"hidden\xff")).await;
        assert_eq!(mistakes(&text), [format!("{name}: it is not text in UTF-8")]);
    }
    let both = with_github().raw_setting("LOG", b"\xff").raw_setting("LISTEN", b"\xc3");
    assert_eq!(mistakes(&refused(both).await).len(), 2, "all are reported at once");
    let another = ready_to_start().await.raw_setting("EDITOR", b"\xff");
    assert_eq!(command(&another, &["config", "check"]).await.status, Some(0), "that is none of ours");
}

#[tokio::test]
async fn l16_a_public_key_of_another_private_key_is_reported_under_its_own_name() {
    let key = || RsaPrivateKey::new(&mut OsRng, 2048).unwrap();
    let (private, other) = (key().to_pkcs8_pem(LineEnding::LF).unwrap(), key().to_public_key());
    let other = other.to_public_key_pem(LineEnding::LF).unwrap();
    let text = refused(with_github().setting("PRIVATE_KEY", &private).setting("PUBLIC_KEY", &other)).await;
    let expected = "PUBLIC_KEY: public key: the public key does not belong to the private key";
    assert_eq!(mistakes(&text), [expected]);
}

#[tokio::test]
async fn l16_a_certificate_that_is_not_there_is_reported_under_the_name_of_the_database() {
    let address = "postgres://db/x?sslmode=verify-full&sslrootcert=/absent.pem";
    let text = refused(ready_to_start().await.setting("DATABASE_URL", address)).await;
    let [only] = mistakes(&text).try_into().unwrap();
    assert!(
        only.starts_with("DATABASE_URL: ") && only.contains("sslrootcert /absent.pem: No such file"),
        "{only}"
    );
}

#[tokio::test]
async fn l16_a_plugin_that_is_another_than_the_pinned_one_is_reported_at_its_pin() {
    let program = ready_to_start().await.setting("ALLOWED_SERVICES", "storage:sample-permissions");
    let program = program.config(&format!("[plugin.storage]\nsha256 = \"{}\"\n", "0".repeat(64)));
    let text = refused(program).await;
    let [only] = mistakes(&text).try_into().unwrap();
    assert!(only.starts_with("[plugin.storage] sha256: ") && only.contains("is configured"), "{only}");
}

#[tokio::test]
async fn l16_an_app_that_cannot_be_stops_the_start_and_is_named() {
    let wiki = "[apps.wiki]\norigin = \"https://wiki.example.com\"\n";
    for (more, expected) in [
        ("[apps.vestibule]\norigin = \"https://x.example.com\"", "[apps.vestibule]: the name is reserved"),
        ("[apps.board]\norigin = \"https://wiki.example.com/\"", "[apps.wiki]: origin: [apps.board] has"),
        (
            "[apps.board]\norigin = \"http://board.example.com\"",
            "[apps.board]: origin: http is allowed on loopback",
        ),
        (
            "[apps.board]\norigin = \"https://board.example.com/path\"",
            "[apps.board]: origin: an origin has no",
        ),
        ("[apps.board]\norigin = 1", "[apps.board]: origin: expected a text"),
        (
            "[apps.board]\norign = \"https://b.example.com\"",
            "[apps.board]: unknown key \"orign\"; did you mean origin?",
        ),
        ("[apps.board]", "[apps.board]: origin is not set"),
        ("[apps.\"a b\"]\norigin = \"https://b.example.com\"", "[apps.a b]: the name of a service"),
    ] {
        let text = refused(ready_to_start().await.config(&format!("{wiki}{more}\n"))).await;
        assert!(text.contains(expected), "{more}: {text}");
    }
}

/// What is in a program's folder, besides what the test has put there and the log.
fn written_in(program: &Path) -> BTreeSet<String> {
    let names = fs::read_dir(program).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap());
    names.filter(|name| !["stdout", "stderr", "vestibule.toml"].contains(&name.as_str())).collect()
}

/// Mistakes of each kind that is found late: in the settings, by a provider, about a plugin, in a plugin, about a key.
const LATE: [(&str, &str); 5] = [
    ("GITHUB_URL", "http://github.example"),
    ("ALLOWED_SERVICES", "storage:absent"),
    ("INSTALLED_EXTENSIONS", "sample-permissions"),
    ("ALLOWED_SERVICES", "storage:webhook"),
    ("PRIVATE_KEY", "nonsense"),
];

#[tokio::test]
async fn l16_no_file_is_made_before_settings_plugins_and_keys_are_in_order() {
    for (name, value) in LATE {
        for dev in [false, true] {
            let mut program = if dev {
                Program::builder().argument("--dev").without("DATABASE_URL")
            } else {
                with_github()
            };
            if dev && name == "GITHUB_URL" {
                program = program.setting("GITHUB_KEY", "id").setting("GITHUB_SECRET", "secret");
            }
            let (mut program, folder) = {
                let program = program.setting(name, value);
                let folder = program.directory().to_owned();
                (program.ready_at(None).start().await, folder)
            };
            let status = program.ended().await;
            assert_eq!(status.code(), Some(1), "{name}: {}", program.logs());
            assert_eq!(written_in(&folder), BTreeSet::new(), "{name}={value}: {}", program.logs());
        }
    }
}

#[tokio::test]
async fn l16_no_table_is_made_before_settings_plugins_and_keys_are_in_order() {
    for (name, value) in LATE {
        let database = TestDatabase::postgres();
        let program = with_github().setting("DATABASE_URL", database.url()).setting(name, value);
        let ended = program.try_start().await.expect_err("it does not start");
        assert_eq!(ended.status.code(), Some(1), "{name}: {}", ended.logs);
        let tables =
            database.query("SELECT count(*) FROM information_schema.tables WHERE table_schema = 'public'");
        assert_eq!(tables.as_deref(), Some("0"), "{name}={value}");
    }
}

#[tokio::test]
async fn without_a_provider_there_is_no_start_and_never_a_silent_stand_in() {
    let program = Program::builder();
    let text = refused(program).await;
    let [only] = mistakes(&text).try_into().unwrap();
    for part in ["GOOGLE_KEY", "GITHUB_KEY", "[providers.NAME]", "without a provider nobody can sign in"] {
        assert!(only.contains(part), "{only}");
    }
}

#[tokio::test]
async fn l16_a_key_of_the_file_that_is_not_known_is_named() {
    for (text, part) in [
        ("listen_on = \"127.0.0.1:1\"\n", "unknown key \"listen_on\""),
        (
            "ALLOWED_ORIGIN = \"https://a.example\"\n",
            "unknown key \"ALLOWED_ORIGIN\"; did you mean ALLOWED_ORIGINS?",
        ),
        ("google_client_id = \"a\"\n", "unknown key \"google_client_id\"; did you mean google_key?"),
        ("GITHUB_SECERT = \"hunter2\"\n", "unknown key \"GITHUB_SECERT\"; did you mean GITHUB_SECRET?"),
        (
            "[provider.corp]\nissuer = \"https://id.example\"\n",
            "unknown key \"provider\"; did you mean providers?",
        ),
        ("[plugins.a]\ntimeout = \"1s\"\n", "unknown key \"plugins\"; did you mean plugin?"),
        ("listen = \"127.0.0.1:1\"\nLISTEN = \"127.0.0.1:2\"\n", "given twice"),
        ("listen = 1979-05-27\n", "listen: expected a text or a list of texts"),
        ("[listen]\naddress = \"x\"\n", "listen: expected a text or a list of texts"),
        ("github_key = \"id\"\ngithub_secret = \"hunter2\n", "line 2: "),
    ] {
        let program = with_github().config(text);
        let file = program.directory().join("vestibule.toml");
        let error = refused(program).await;
        assert!(error.contains(part) && error.contains(file.to_str().unwrap()), "{text}: {error}");
        assert!(!error.contains("hunter2"), "{error}");
    }
}

#[tokio::test]
async fn a_file_that_is_asked_for_must_be_there() {
    let outcome = command(&with_github(), &["--config", "/absent/vestibule.toml", "config", "check"]).await;
    assert_eq!(outcome.status, Some(1));
    assert!(outcome.error.contains("/absent/vestibule.toml: No such file"), "{}", outcome.error);
}
