//! The names of all settings. What is not here is a mistake wherever it stands in the settings file.

/// Settings that hold a text.
pub(super) const TEXTS: &[&str] = &[
    "LISTEN",
    "ADMIN_LISTEN",
    "EXTERNAL_ADDRESS",
    "DATABASE_CONNECTIONS",
    "MAX_CONNECTIONS",
    "DRAIN_DELAY",
    "KEYS_DIR",
    "PUBLIC_KEY",
    "GOOGLE_KEY",
    "GOOGLE_ISSUER",
    "GOOGLE_CLAIMS",
    "GITHUB_KEY",
    "GITHUB_URL",
    "GITHUB_API_URL",
    "GITHUB_ORGANIZATIONS",
    "ALLOWED_ORIGINS",
    "ALLOWED_SERVICES",
    "INSTALLED_EXTENSIONS",
    "PLUGIN_PATH",
    "USER_TOKEN_TTL",
    "PERMISSION_TOKEN_TTL",
    "PERMISSION_TOKEN_REUSE",
    "OUTAGE_GRACE",
    "ACCOUNT_LINKING",
    "USER_ID_SCHEME",
    "TRUSTED_PROXIES",
    "RATE_LIMIT_SIGN_IN_PER_ADDRESS",
    "RATE_LIMIT_SIGN_IN_PER_ACCOUNT",
    "RATE_LIMIT_UPDATE_PER_ADDRESS",
    "RATE_LIMIT_UPDATE_PER_ACCOUNT",
    "RATE_LIMIT_AUTHORIZE_PER_ADDRESS",
    "RATE_LIMIT_AUTHORIZE_PER_ACCOUNT",
    "RATE_LIMIT_LOOKUP_PER_ADDRESS",
    "AUDIT_RETENTION",
    "LOG",
    "LOG_FORMAT",
    "LOG_ACCESS_RATE",
    "OTEL_EXPORTER_OTLP_ENDPOINT",
    "OTEL_SERVICE_NAME",
    "OTEL_TRACES_SAMPLER",
    "OTEL_TRACES_SAMPLER_ARG",
];

/// Settings that hold a secret; each can also be given as a file, with `_FILE` behind its name.
pub(super) const SECRETS: &[&str] =
    &["DATABASE_URL", "PRIVATE_KEY", "GOOGLE_SECRET", "GITHUB_SECRET", "OTEL_EXPORTER_OTLP_HEADERS"];

/// Settings that are tables, in the file alone.
pub(super) const TABLES: &[&str] = &["providers", "plugin"];

/// What a `PLUGIN_PATH` is joined with; every other list is joined with semicolons.
pub(super) fn separator_of(name: &str) -> &'static str {
    if name == "PLUGIN_PATH" { ":" } else { ";" }
}
