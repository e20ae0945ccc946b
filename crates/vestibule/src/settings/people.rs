//! What the use cases need: who may be sent where, how users come to be, how long tokens live.

use vestibule_domain::{AllowedOrigins, ExternalAddress, SessionLimits};
use vestibule_flows::{AccountRates, FlowSettings, GrantRules, TokenRates, TokenRules};

use super::kinds::sessions::SessionCookieUse;
use super::reader::Reader;
use super::table::{
    ACCESS_TOKEN_TTL, ACCOUNT_LINKING, ALLOWED_ORIGINS, MAX_SESSION_AGE, OUTAGE_GRACE,
    PERMISSION_TOKEN_REUSE, RATE_LIMIT_AUTHORIZE_PER_ACCOUNT, RATE_LIMIT_REFRESH_PER_ACCOUNT,
    RATE_LIMIT_SIGN_IN_PER_ACCOUNT, RATE_LIMIT_TOKEN_CREATE_PER_ACCOUNT,
    RATE_LIMIT_TOKEN_FAILURE_PER_ADDRESS, RATE_LIMIT_TOKEN_PER_CREDENTIAL, RATE_LIMIT_UPDATE_PER_ACCOUNT,
    REFRESH_TOKEN_GRACE, REFRESH_TOKEN_IDLE, REFRESH_TOKEN_MAX_AGE, ROLE_ACCOUNTS, ROLE_TOKEN_MAX_TTL,
    SESSION_COOKIE, SESSION_IDLE, STEP_UP_AGE, TOKEN_DEFAULT_TTL, TOKEN_MAX_TTL, USER_ID_SCHEME,
    USER_TOKEN_TTL,
};

pub(super) fn read_flows(
    reader: &mut Reader<'_>,
    external_address: Option<&ExternalAddress>,
) -> Option<FlowSettings> {
    let allowed_origins = read_allowed_origins(reader, external_address);
    let session_ttl = reader.read(&USER_TOKEN_TTL);
    let account_linking = reader.read(&ACCOUNT_LINKING);
    let account_rates = read_account_rates(reader);
    let role_accounts = reader.read(&ROLE_ACCOUNTS);
    let token_rules = read_token_rules(reader);
    let grant_rules = read_grant_rules(reader);
    let token_rates = read_token_rates(reader);
    let user_id_scheme = reader.read(&USER_ID_SCHEME);
    let session_cookie = reader.read(&SESSION_COOKIE);
    let step_up_age = reader.read(&STEP_UP_AGE);
    let outage_grace = reader.read(&OUTAGE_GRACE);
    let permission_token_reuse = reader.read(&PERMISSION_TOKEN_REUSE);
    Some(FlowSettings {
        external_address: external_address?.clone(),
        allowed_origins,
        account_linking: account_linking?,
        user_id_scheme: user_id_scheme?,
        session_ttl: session_ttl?,
        apps: super::apps::read(reader),
        session_cookie: session_cookie? == SessionCookieUse::OwnPages,
        step_up_age: step_up_age?,
        outage_grace: outage_grace?,
        permission_token_reuse: permission_token_reuse?,
        account_rates: account_rates?,
        role_accounts: role_accounts?,
        token_rules: token_rules?,
        grant_rules: grant_rules?,
        token_rates: token_rates?,
    })
}

/// How long browsers are signed in.
pub(super) fn read_session_limits(reader: &mut Reader<'_>) -> Option<SessionLimits> {
    let (idle, max_age) = (reader.read(&SESSION_IDLE), reader.read(&MAX_SESSION_AGE));
    Some(SessionLimits { idle: idle?, max_age: max_age? })
}

/// By default the service's own origin alone.
fn read_allowed_origins(
    reader: &mut Reader<'_>,
    external_address: Option<&ExternalAddress>,
) -> AllowedOrigins {
    let listed = reader.find(&ALLOWED_ORIGINS).value();
    let origins = listed.or_else(|| external_address.map(|address| vec![address.origin().clone()]));
    let allowed = AllowedOrigins::new(origins.unwrap_or_default());
    if reader.dev() { allowed.with_any_loopback() } else { allowed }
}

fn read_account_rates(reader: &mut Reader<'_>) -> Option<AccountRates> {
    let sign_in = reader.read(&RATE_LIMIT_SIGN_IN_PER_ACCOUNT);
    let update = reader.read(&RATE_LIMIT_UPDATE_PER_ACCOUNT);
    let authorize = reader.read(&RATE_LIMIT_AUTHORIZE_PER_ACCOUNT);
    Some(AccountRates { sign_in: sign_in?, update: update?, authorize: authorize? })
}

fn read_token_rates(reader: &mut Reader<'_>) -> Option<TokenRates> {
    let failure_per_address = reader.read(&RATE_LIMIT_TOKEN_FAILURE_PER_ADDRESS);
    let per_credential = reader.read(&RATE_LIMIT_TOKEN_PER_CREDENTIAL);
    let refresh_per_account = reader.read(&RATE_LIMIT_REFRESH_PER_ACCOUNT);
    let create_per_account = reader.read(&RATE_LIMIT_TOKEN_CREATE_PER_ACCOUNT);
    Some(TokenRates {
        failure_per_address: failure_per_address?,
        per_credential: per_credential?,
        create_per_account: create_per_account?,
        refresh_per_account: refresh_per_account?,
    })
}

/// How long tokens of people and role accounts live.
pub(super) fn read_token_rules(reader: &mut Reader<'_>) -> Option<TokenRules> {
    let (default_ttl, max_ttl) = (reader.read(&TOKEN_DEFAULT_TTL), reader.read(&TOKEN_MAX_TTL));
    let role_max_ttl = reader.read(&ROLE_TOKEN_MAX_TTL);
    Some(TokenRules { default_ttl: default_ttl?, max_ttl: max_ttl?, role_max_ttl: role_max_ttl? })
}

/// How long access tokens and refresh tokens live.
fn read_grant_rules(reader: &mut Reader<'_>) -> Option<GrantRules> {
    let access_token_ttl = reader.read(&ACCESS_TOKEN_TTL);
    let refresh_token_idle = reader.read(&REFRESH_TOKEN_IDLE);
    let refresh_token_max_age = reader.read(&REFRESH_TOKEN_MAX_AGE);
    let refresh_token_grace = reader.read(&REFRESH_TOKEN_GRACE);
    Some(GrantRules {
        access_token_ttl: access_token_ttl?,
        refresh_token_idle: refresh_token_idle?,
        refresh_token_max_age: refresh_token_max_age?,
        refresh_token_grace: refresh_token_grace?,
    })
}
