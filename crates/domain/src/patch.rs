//! What an extension changes about a user: a JSON merge patch (RFC 7396), kept as one until it is applied.
//!
//! A patch names what changes and nothing else. So what it comes to is decided where it is applied, to the user as it is
//! then: what others have changed since the extension saw the user stays.

use serde_json::{Map, Value};
use thiserror::Error;

use crate::{Attributes, AvatarUrl, DisplayName, User};

/// Why a part of an extension's patch is not applied.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum PatchError {
    /// The member is not one that an extension may set.
    #[error("{0:?} may not be set by an extension")]
    NotAllowed(String),
    /// The member has a value of another type or form.
    #[error("{0:?} has a value of the wrong type or form")]
    WrongType(&'static str),
    /// The member would grow beyond its bound.
    #[error("{0:?} would become too large")]
    TooLarge(&'static str),
}

/// The members of a merge patch that an extension may set.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct UserPatch {
    /// A new name; `Some(None)` removes it.
    pub name: Option<Option<DisplayName>>,
    /// A new picture; `Some(None)` removes it.
    pub avatar_url: Option<Option<AvatarUrl>>,
    /// What is merged into the attributes; `Some(None)` removes them all.
    pub attributes: Option<Option<Map<String, Value>>>,
}

impl UserPatch {
    /// Reads a merge patch. What is not allowed is left out and reported; the rest counts.
    pub fn from_merge_patch(patch: Map<String, Value>) -> (Self, Vec<PatchError>) {
        let mut result = Self::default();
        let mut refused = Vec::new();
        for (member, value) in patch {
            let outcome = match member.as_str() {
                "name" => text_member("name", value, DisplayName::clean).map(|name| result.name = Some(name)),
                "avatar_url" => text_member("avatar_url", value, AvatarUrl::clean)
                    .map(|url| result.avatar_url = Some(url)),
                "attributes" => {
                    object_member("attributes", value).map(|patch| result.attributes = Some(patch))
                }
                _ => Err(PatchError::NotAllowed(member)),
            };
            refused.extend(outcome.err());
        }
        (result, refused)
    }

    /// Whether it names nothing.
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    /// Applies the patch. Attributes that would grow too large stay as they are, which is reported; the rest counts.
    pub fn apply(&self, user: &mut User) -> Result<(), PatchError> {
        if let Some(name) = &self.name {
            user.name.clone_from(name);
        }
        if let Some(avatar_url) = &self.avatar_url {
            user.avatar_url.clone_from(avatar_url);
        }
        user.attributes = self.attributes_after(&user.attributes)?;
        Ok(())
    }

    /// What the patch makes of these attributes.
    pub fn attributes_after(&self, present: &Attributes) -> Result<Attributes, PatchError> {
        match &self.attributes {
            None => Ok(present.clone()),
            Some(None) => Ok(Attributes::default()),
            Some(Some(patch)) => {
                let mut merged = present.as_object().clone();
                merge(&mut merged, patch);
                Attributes::new(merged)
            }
        }
    }
}

fn text_member<T>(
    member: &'static str,
    value: Value,
    clean: fn(&str) -> Option<T>,
) -> Result<Option<T>, PatchError> {
    match value {
        Value::Null => Ok(None),
        Value::String(text) => clean(&text).map(Some).ok_or(PatchError::WrongType(member)),
        _ => Err(PatchError::WrongType(member)),
    }
}

fn object_member(member: &'static str, value: Value) -> Result<Option<Map<String, Value>>, PatchError> {
    match value {
        Value::Null => Ok(None),
        Value::Object(object) => Ok(Some(object)),
        _ => Err(PatchError::WrongType(member)),
    }
}

/// The algorithm of RFC 7396 section 2 for objects: null removes, an object merges, anything else replaces.
fn merge(target: &mut Map<String, Value>, patch: &Map<String, Value>) {
    for (member, value) in patch {
        match value {
            Value::Null => {
                target.remove(member);
            }
            Value::Object(inner) => {
                let entry = target.entry(member).or_insert_with(|| Value::Object(Map::new()));
                if !entry.is_object() {
                    *entry = Value::Object(Map::new());
                }
                if let Value::Object(object) = entry {
                    merge(object, inner);
                }
            }
            other => {
                target.insert(member.clone(), other.clone());
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::{Timestamp, UserId, UserKind};

    fn object(value: &Value) -> Map<String, Value> {
        value.as_object().unwrap().clone()
    }

    fn attributes(value: &Value) -> Attributes {
        Attributes::new(object(value)).unwrap()
    }

    fn patch(value: &Value) -> UserPatch {
        let (patch, refused) = UserPatch::from_merge_patch(object(value));
        assert_eq!(refused, []);
        patch
    }

    fn user(present: &Value) -> User {
        User {
            id: UserId::parse("ada").unwrap(),
            kind: UserKind::Person,
            username: None,
            name: DisplayName::clean("Ada"),
            email: None,
            avatar_url: None,
            attributes: attributes(present),
            join_date: Timestamp::from_seconds(0),
            disabled_at: None,
        }
    }

    #[test]
    fn a_patch_sets_what_it_may_and_reports_the_rest() {
        let asked = json!({
            "name": "Countess", "id": "x", "avatar_url": 7,
            "attributes": {"old": null, "deep": {"a": 1, "b": null}},
        });
        let (patch, refused) = UserPatch::from_merge_patch(object(&asked));
        let mut ada = user(&json!({"team": "core", "old": 1}));
        patch.apply(&mut ada).unwrap();
        assert_eq!(ada.name.unwrap().as_str(), "Countess");
        assert_eq!(ada.attributes, attributes(&json!({"team": "core", "deep": {"a": 1}})));
        assert_eq!(refused, vec![PatchError::WrongType("avatar_url"), PatchError::NotAllowed("id".into())]);
    }

    #[test]
    fn g3_two_patches_of_different_members_both_count_in_either_order() {
        let slow = patch(&json!({"attributes": {"slow": true, "old": null, "team": {"b": 3}}}));
        let fast =
            patch(&json!({"name": null, "attributes": {"banned": true, "team": {"a": null, "c": {"d": 1}}}}));
        for order in [[&slow, &fast], [&fast, &slow]] {
            let mut ada = user(&json!({"old": 1, "team": {"a": 1, "b": 2}}));
            for patch in order {
                patch.apply(&mut ada).unwrap();
            }
            let expected = json!({"banned": true, "slow": true, "team": {"b": 3, "c": {"d": 1}}});
            assert_eq!((ada.name, ada.attributes), (None, attributes(&expected)));
        }
    }

    /// The cases of RFC 7396 appendix A whose results are objects.
    #[test]
    fn the_examples_of_rfc_7396_come_out_as_they_should() {
        for (present, change, after) in [
            (json!({"a": "b"}), json!({"a": "c"}), json!({"a": "c"})),
            (json!({"a": "b"}), json!({"b": "c"}), json!({"a": "b", "b": "c"})),
            (json!({"a": "b"}), json!({"a": null}), json!({})),
            (json!({"a": "b", "b": "c"}), json!({"a": null}), json!({"b": "c"})),
            (json!({"a": ["b"]}), json!({"a": "c"}), json!({"a": "c"})),
            (json!({"a": "c"}), json!({"a": ["b"]}), json!({"a": ["b"]})),
            (json!({"a": {"b": "c"}}), json!({"a": {"b": "d", "c": null}}), json!({"a": {"b": "d"}})),
            (json!({"a": [{"b": "c"}]}), json!({"a": [1]}), json!({"a": [1]})),
            (json!({"e": null}), json!({"a": 1}), json!({"e": null, "a": 1})),
            (json!({}), json!({"a": {"bb": {"ccc": null}}}), json!({"a": {"bb": {}}})),
        ] {
            let changed = patch(&json!({"attributes": change})).attributes_after(&attributes(&present));
            assert_eq!(changed, Ok(attributes(&after)), "{present} {change}");
        }
        let all = patch(&json!({"attributes": null}));
        assert_eq!(all.attributes_after(&attributes(&json!({"a": 1}))), Ok(Attributes::default()));
    }

    #[test]
    fn attributes_are_bounded_as_they_become_and_the_rest_counts() {
        let (half, other) = ("y".repeat(9_000), "z".repeat(9_000));
        let large = patch(&json!({"name": "Countess", "attributes": {"x": half, "o": other}}));
        let mut ada = user(&json!({}));
        assert_eq!(large.apply(&mut ada), Err(PatchError::TooLarge("attributes")));
        assert_eq!((ada.name.unwrap().as_str(), &ada.attributes), ("Countess", &Attributes::default()));
        let smaller = patch(&json!({"attributes": {"x": half}}));
        assert!(smaller.attributes_after(&Attributes::default()).is_ok());
        let grown = smaller.attributes_after(&attributes(&json!({"o": other})));
        assert_eq!(grown, Err(PatchError::TooLarge("attributes")));
    }

    #[test]
    fn a_member_of_another_type_is_reported_and_changes_nothing() {
        for (member, value) in [
            ("name", json!(7)),
            ("name", json!("\u{200b}")),
            ("avatar_url", json!("http://a.example/x.png")),
            ("attributes", json!("x")),
            ("attributes", json!([])),
        ] {
            let (patch, refused) = UserPatch::from_merge_patch(object(&json!({member: value})));
            assert!(patch.is_empty(), "{member} {value}");
            assert!(matches!(&refused[..], [PatchError::WrongType(of)] if *of == member), "{refused:?}");
        }
        assert!(!patch(&json!({"name": null})).is_empty(), "to remove something is a change");
    }

    #[test]
    fn a_picture_is_set_and_removed() {
        let mut ada = user(&json!({}));
        patch(&json!({"avatar_url": "https://a.example/x.png"})).apply(&mut ada).unwrap();
        assert_eq!(ada.avatar_url, AvatarUrl::clean("https://a.example/x.png"));
        patch(&json!({"avatar_url": null})).apply(&mut ada).unwrap();
        assert_eq!(ada.avatar_url, None);
    }
}
