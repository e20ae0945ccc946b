//! How tokens are printed.

use secrecy::ExposeSecret as _;
use serde_json::{Map, Value, json};
use vestibule_domain::{ApiToken, Scope, Timestamp};
use vestibule_flows::MadeToken;

use super::super::support::{note, or_none, say};
use crate::error::CommandError;

/// Prints tokens, one a line.
pub(in super::super) fn say_tokens(tokens: &[ApiToken], as_json: bool) -> Result<(), CommandError> {
    tokens.iter().try_for_each(|token| say_token(token, as_json))
}

/// Prints a token.
pub(in super::super) fn say_token(token: &ApiToken, as_json: bool) -> Result<(), CommandError> {
    if as_json { say(Value::Object(to_json(token))) } else { say(as_text(token)) }
}

/// Prints the text of a new token alone, and beside it, on standard error, which token it is.
pub(in super::super) fn say_made(made: &MadeToken, as_json: bool) -> Result<(), CommandError> {
    let text = made.text.expose_secret();
    if as_json {
        let mut members = to_json(&made.token);
        members.insert("token".to_owned(), text.into());
        return say(Value::Object(members));
    }
    note(as_text(&made.token))?;
    say(text)
}

fn as_text(token: &ApiToken) -> String {
    let ApiToken { id, name, hint, limits, expires_at, last_used_at, .. } = token;
    let end = expires_at.map_or_else(|| "never".to_owned(), Timestamp::to_rfc3339);
    let used = last_used_at.map_or_else(|| "never".to_owned(), Timestamp::to_rfc3339);
    format!(
        "{id}  {name}  ..{hint}  services={}  scopes={}  ends={end}  used={used}",
        or_none(&limits.services.to_string()),
        or_none(&limits.scopes.to_string()),
    )
}

fn to_json(token: &ApiToken) -> Map<String, Value> {
    let members = [
        ("id", json!(token.id.as_str())),
        ("kind", json!(token.kind.as_str())),
        ("name", json!(token.name.as_str())),
        ("hint", json!(token.hint)),
        ("services", json!(token.limits.services.words())),
        ("scopes", json!(token.limits.scopes.iter().map(Scope::as_str).collect::<Vec<_>>())),
        ("metadata", json!(token.metadata.as_object())),
        ("created_at", json!(token.created_at.to_rfc3339())),
        ("created_by", json!(token.created_by)),
        ("expires_at", json!(token.expires_at.map(Timestamp::to_rfc3339))),
        ("last_used_at", json!(token.last_used_at.map(Timestamp::to_rfc3339))),
        ("last_used_ip", json!(token.last_used_ip)),
    ];
    members.map(|(name, value)| (name.to_owned(), value)).into_iter().collect()
}
