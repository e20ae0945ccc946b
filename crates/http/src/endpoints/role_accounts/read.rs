//! What clients ask of role accounts, from JSON.

use serde_json::Value;
use vestibule_domain::{Description, DisplayName, Metadata, UserId, Username};
use vestibule_flows::{RoleAccountChanges, RoleAccountRequest};

use crate::error::ApiError;
use crate::members::{Members, wrong};

/// A place in the list: the username behind which it goes on.
pub(super) fn cursor(text: Option<&str>) -> Result<Option<Username>, ApiError> {
    let Some(text) = text.filter(|text| !text.is_empty()) else { return Ok(None) };
    let place = Username::from_stored(text).ok();
    place.map(Some).ok_or_else(|| wrong("cursor", "expected the next_cursor of an earlier page"))
}

/// A new role account. Whose it is, is not said here.
pub(super) fn request(body: Value) -> Result<RoleAccountRequest, ApiError> {
    let mut members = Members::of(body)?;
    let username = members.text("username")?.ok_or_else(|| wrong("username", "is missing"))?;
    let username = Username::parse(&username).map_err(|error| wrong("username", error))?;
    let name = members.text("name")?.as_deref().map(name).transpose()?;
    let description = members.text("description")?.as_deref().map(description).transpose()?;
    let metadata = metadata(&mut members)?.unwrap_or_default();
    members.finish()?;
    Ok(RoleAccountRequest { username, name, description, metadata, owner: None })
}

/// What is to be another at a role account. `null` takes a name, a description or an owner away.
pub(super) fn changes(body: Value) -> Result<RoleAccountChanges, ApiError> {
    let mut members = Members::of(body)?;
    let name = members.nullable_text("name")?.map(|text| text.as_deref().map(name).transpose());
    let described = members.nullable_text("description")?;
    let described = described.map(|text| text.as_deref().map(description).transpose());
    let owner = members.nullable_text("owner")?.map(|text| text.as_deref().map(owner).transpose());
    let metadata = metadata(&mut members)?;
    let disabled = members.flag("disabled")?;
    members.finish()?;
    Ok(RoleAccountChanges {
        name: name.transpose()?,
        description: described.transpose()?,
        metadata,
        owner: owner.transpose()?,
        disabled,
    })
}

fn name(text: &str) -> Result<DisplayName, ApiError> {
    DisplayName::clean(text).ok_or_else(|| wrong("name", "no character of it can be seen"))
}

fn description(text: &str) -> Result<Description, ApiError> {
    Description::parse(text).map_err(|error| wrong("description", error))
}

fn owner(text: &str) -> Result<UserId, ApiError> {
    UserId::parse(text).map_err(|_| wrong("owner", "expected the id of a person, or null"))
}

fn metadata(members: &mut Members) -> Result<Option<Metadata>, ApiError> {
    let object = members.object("metadata")?;
    object.map(Metadata::new).transpose().map_err(|error| wrong("metadata", error))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn what_is_asked_for_is_read_and_every_mistake_names_its_member() {
        let asked = request(
            json!({"username": "Backup", "name": "Nightly", "description": "copies", "metadata": {"a": 1}}),
        );
        let asked = asked.unwrap();
        assert_eq!((asked.username.as_str(), asked.name.unwrap().as_str()), ("backup", "Nightly"));
        for (member, body) in [
            ("username", json!({})),
            ("username", json!({"username": "admin"})),
            ("username", json!({"username": "a b"})),
            ("name", json!({"username": "backup", "name": "\u{200b}"})),
            ("name", json!({"username": "backup", "name": null})),
            ("description", json!({"username": "backup", "description": ""})),
            ("metadata", json!({"username": "backup", "metadata": 1})),
            ("owner", json!({"username": "backup", "owner": "ada"})),
        ] {
            assert!(request(body).unwrap_err().to_string().contains(member), "{member}");
        }
        for (member, body) in [
            ("disabled", json!({"disabled": null})),
            ("disabled", json!({"disabled": "true"})),
            ("owner", json!({"owner": "a b"})),
            ("owner", json!({"owner": 1})),
            ("username", json!({"username": "other"})),
            ("metadata", json!({"metadata": null})),
        ] {
            assert!(changes(body).unwrap_err().to_string().contains(member), "{member}");
        }
    }

    #[test]
    fn what_is_absent_stays_and_null_takes_away() {
        let nothing = changes(json!({})).unwrap();
        assert!(!nothing.describe() && nothing.disabled.is_none());
        let away =
            changes(json!({"name": null, "description": null, "owner": null, "disabled": false})).unwrap();
        assert_eq!(
            (away.name, away.description, away.owner, away.disabled),
            (Some(None), Some(None), Some(None), Some(false))
        );
    }

    #[test]
    fn a_cursor_is_a_username() {
        assert_eq!(cursor(Some("backup")).unwrap().unwrap().as_str(), "backup");
        assert_eq!(cursor(Some("")).unwrap(), None);
        assert!(cursor(Some("a b")).is_err());
    }
}
