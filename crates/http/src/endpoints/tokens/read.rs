//! What clients ask of tokens, from JSON.

use std::fmt::Display;
use std::time::Duration;

use serde_json::Value;
use vestibule_domain::{
    ApiTokenChanges, ApiTokenId, LentLimits, Metadata, Scopes, Services, Timestamp, TokenName,
};
use vestibule_flows::{ApiTokenPlace, GrantNarrowing, RotationRequest, TokenLife, TokenRequest};

use crate::error::ApiError;
use crate::members::{Members, wrong};

/// A place in the list, as the page before names it.
pub(in crate::endpoints) fn write_cursor(created_at: Timestamp, id: &impl Display) -> String {
    format!("{}.{id}", created_at.micros())
}

pub(in crate::endpoints) fn token_place(text: Option<&str>) -> Result<Option<ApiTokenPlace>, ApiError> {
    cursor(text, |created_at, id| Some(ApiTokenPlace { created_at, id: ApiTokenId::parse(id).ok()? }))
}

/// Reads what [`write_cursor`] has written. Empty means absent.
pub(in crate::endpoints) fn cursor<T>(
    text: Option<&str>,
    place: impl Fn(Timestamp, &str) -> Option<T>,
) -> Result<Option<T>, ApiError> {
    let Some(text) = text.filter(|text| !text.is_empty()) else { return Ok(None) };
    let read = text.split_once('.').and_then(|(micros, id)| {
        let created_at = Timestamp::from_micros(micros.parse().ok()?);
        place(created_at, id)
    });
    read.map(Some).ok_or_else(|| wrong("cursor", "expected the next_cursor of an earlier page"))
}

/// A new token of a person, and whether the person's other sessions end.
pub(super) fn token_request(body: Value) -> Result<(TokenRequest, bool), ApiError> {
    let mut members = Members::of(body)?;
    let asked = read_request(&mut members)?;
    let ends_others = members.switch("end_other_sessions")?;
    members.finish()?;
    Ok((asked, ends_others))
}

/// A new token of a role account.
pub(in crate::endpoints) fn role_token_request(body: Value) -> Result<TokenRequest, ApiError> {
    let mut members = Members::of(body)?;
    let asked = read_request(&mut members)?;
    members.finish()?;
    Ok(asked)
}

fn read_request(members: &mut Members) -> Result<TokenRequest, ApiError> {
    let name = members.text("name")?.ok_or_else(|| wrong("name", "is missing"))?;
    let name = TokenName::parse(&name).map_err(|error| wrong("name", error))?;
    let services = services(members)?.unwrap_or_default();
    let scopes = scopes(members)?.unwrap_or_default();
    let metadata = metadata(members)?.unwrap_or_default();
    let life = life(members)?.unwrap_or_default();
    Ok(TokenRequest { name, limits: LentLimits { services, scopes }, metadata, life })
}

/// What is to be another at a token.
pub(in crate::endpoints) fn changes(body: Value, now: Timestamp) -> Result<ApiTokenChanges, ApiError> {
    let mut members = Members::of(body)?;
    let name = members.text("name")?;
    let name = name.map(|name| TokenName::parse(&name)).transpose().map_err(|error| wrong("name", error))?;
    let (services, scopes) = (services(&mut members)?, scopes(&mut members)?);
    let metadata = metadata(&mut members)?;
    let expires_at = match life(&mut members)? {
        None => None,
        Some(TokenLife::For(life)) => Some(now.plus(life)),
        Some(TokenLife::Default | TokenLife::Never) => {
            return Err(wrong("expires_in", "expected a length such as 90d"));
        }
    };
    members.finish()?;
    Ok(ApiTokenChanges { name, metadata, services, scopes, expires_at })
}

/// How a token is to be replaced.
pub(in crate::endpoints) fn rotation(body: Value) -> Result<RotationRequest, ApiError> {
    let mut members = Members::of(body)?;
    let overlap = match members.text("overlap")? {
        None => Duration::ZERO,
        Some(text) => match TokenLife::parse(&text) {
            Some(TokenLife::For(overlap)) => overlap,
            _ => return Err(wrong("overlap", "expected a length such as 1h")),
        },
    };
    let life = life(&mut members)?;
    members.finish()?;
    Ok(RotationRequest { overlap, life })
}

/// How a grant is to lend less.
pub(in crate::endpoints) fn narrowing(body: Value) -> Result<GrantNarrowing, ApiError> {
    let mut members = Members::of(body)?;
    let (services, scopes) = (services(&mut members)?, scopes(&mut members)?);
    members.finish()?;
    Ok(GrantNarrowing { services, scopes })
}

fn services(members: &mut Members) -> Result<Option<Services>, ApiError> {
    let names = members.texts("services")?;
    let read = names.map(|names| Services::from_names(names.iter().map(String::as_str)));
    read.transpose().map_err(|error| wrong("services", error))
}

fn scopes(members: &mut Members) -> Result<Option<Scopes>, ApiError> {
    let words = members.texts("scopes")?;
    let read = words.map(|words| Scopes::from_words(words.iter().map(String::as_str)));
    read.transpose().map_err(|error| wrong("scopes", error))
}

fn metadata(members: &mut Members) -> Result<Option<Metadata>, ApiError> {
    let object = members.object("metadata")?;
    object.map(Metadata::new).transpose().map_err(|error| wrong("metadata", error))
}

/// `null` means for ever.
fn life(members: &mut Members) -> Result<Option<TokenLife>, ApiError> {
    match members.take("expires_in") {
        None => Ok(None),
        Some(Value::Null) => Ok(Some(TokenLife::Never)),
        Some(Value::String(text)) => match TokenLife::parse(&text) {
            Some(life) => Ok(Some(life)),
            None => Err(wrong("expires_in", "expected a length such as 90d")),
        },
        Some(_) => Err(wrong("expires_in", "expected a length such as 90d")),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn what_is_asked_for_is_read_and_every_mistake_names_its_member() {
        let (asked, ends) = token_request(json!({
            "name": "ci", "services": ["wiki"], "scopes": ["read"], "metadata": {"a": 1}, "expires_in": "1h",
            "end_other_sessions": true
        }))
        .unwrap();
        assert_eq!((asked.name.as_str(), ends), ("ci", true));
        assert_eq!(asked.life, TokenLife::For(Duration::from_secs(3_600)));
        assert!(asked.limits.services.fits("wiki") && asked.limits.scopes.contains("read"));
        for (member, body) in [
            ("name", json!({})),
            ("name", json!({"name": ""})),
            ("services", json!({"name": "ci", "services": "wiki"})),
            ("services", json!({"name": "ci", "services": ["*", "wiki"]})),
            ("scopes", json!({"name": "ci", "scopes": ["a b"]})),
            ("metadata", json!({"name": "ci", "metadata": []})),
            ("expires_in", json!({"name": "ci", "expires_in": 90})),
            ("expires_in", json!({"name": "ci", "expires_in": "soon"})),
            ("scope", json!({"name": "ci", "scope": ["read"]})),
        ] {
            let refused = token_request(body).unwrap_err().to_string();
            assert!(refused.contains(member), "{member}: {refused}");
        }
        assert!(role_token_request(json!({"name": "ci", "expires_in": null})).is_ok());
        let refused =
            role_token_request(json!({"name": "ci", "end_other_sessions": true})).unwrap_err().to_string();
        assert!(refused.contains("end_other_sessions"), "{refused}");
        assert!(rotation(json!({"overlap": "1h"})).is_ok() && rotation(json!({"overlap": 1})).is_err());
        assert!(changes(json!({"expires_in": null}), Timestamp::from_seconds(0)).is_err());
    }

    #[test]
    fn a_cursor_is_read_as_it_was_written() {
        let (at, id) = (Timestamp::from_micros(17), ApiTokenId::parse("a.b").unwrap());
        let place = token_place(Some(&write_cursor(at, &id))).unwrap().unwrap();
        assert_eq!((place.created_at, place.id), (at, id));
        for odd in ["x", "1", ".a", "1.", "x.a", "9223372036854775808.a"] {
            assert!(token_place(Some(odd)).is_err(), "{odd}");
        }
    }
}
