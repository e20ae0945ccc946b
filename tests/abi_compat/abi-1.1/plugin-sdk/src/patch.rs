//! What an extension changes about a user.

use serde::Serialize;
use serde_json::{Map, Value};

/// A change to a user: a JSON merge patch (RFC 7396). The host lets `name`, `avatar_url` and `attributes` pass and
/// reports anything else in its log.
///
/// ```
/// use vestibule_plugin_sdk::{Patch, json};
///
/// let patch = Patch::new().set("attributes.team.name", "Storage").remove("avatar_url");
/// let expected = json!({"attributes": {"team": {"name": "Storage"}}, "avatar_url": null});
/// assert_eq!(serde_json::to_value(patch).unwrap(), expected);
/// ```
#[derive(Clone, PartialEq, Default, Serialize)]
#[serde(transparent)]
pub struct Patch(Map<String, Value>);

impl Patch {
    /// A patch that changes nothing.
    pub fn new() -> Self {
        Self::default()
    }

    /// Sets the member at `path`, whose steps are separated by dots: `attributes.team.name`. Objects on the way that do
    /// not exist are made.
    #[must_use]
    pub fn set(mut self, path: &str, value: impl Into<Value>) -> Self {
        place(&mut self.0, path, value.into());
        self
    }

    /// Removes the member at `path`.
    #[must_use]
    pub fn remove(self, path: &str) -> Self {
        self.set(path, Value::Null)
    }
}

/// For members whose names have dots, or a patch that comes from elsewhere.
impl From<Map<String, Value>> for Patch {
    fn from(patch: Map<String, Value>) -> Self {
        Self(patch)
    }
}

fn place(object: &mut Map<String, Value>, path: &str, value: Value) {
    let Some((step, rest)) = path.split_once('.') else {
        object.insert(path.to_owned(), value);
        return;
    };
    let next = object.entry(step).or_insert_with(|| Map::new().into());
    if !next.is_object() {
        *next = Map::new().into();
    }
    if let Value::Object(next) = next {
        place(next, rest, value);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn paths_that_share_steps_become_one_object() {
        let patch = Patch::new().set("attributes.a.b", 1).set("attributes.a.c", "x").set("name", "Ada");
        let expected = json!({"attributes": {"a": {"b": 1, "c": "x"}}, "name": "Ada"});
        assert_eq!(serde_json::to_value(patch).unwrap(), expected);
    }

    #[test]
    fn removing_writes_null_and_a_later_step_wins_over_a_value() {
        let patch = Patch::new().set("attributes.a", 1).set("attributes.a.b", 2).remove("avatar_url");
        let expected = json!({"attributes": {"a": {"b": 2}}, "avatar_url": null});
        assert_eq!(serde_json::to_value(patch).unwrap(), expected);
    }
}
