//! The members of a JSON object that an operation takes: each by its name, and no others.

use serde_json::{Map, Value};

use crate::error::ApiError;

/// The members that are left to be read.
pub(crate) struct Members(Map<String, Value>);

impl Members {
    /// Of a body, which has to be an object.
    pub(crate) fn of(body: Value) -> Result<Self, ApiError> {
        match body {
            Value::Object(members) => Ok(Self(members)),
            _ => Err(ApiError::InvalidMember("the body is no JSON object".to_owned())),
        }
    }

    /// The value of a member. `None` means that it is absent.
    pub(crate) fn take(&mut self, name: &str) -> Option<Value> {
        self.0.remove(name)
    }

    /// The text of a member.
    pub(crate) fn text(&mut self, name: &'static str) -> Result<Option<String>, ApiError> {
        match self.take(name) {
            None => Ok(None),
            Some(Value::String(text)) => Ok(Some(text)),
            Some(_) => Err(wrong(name, "expected a text")),
        }
    }

    /// The text of a member that may also be null.
    #[expect(clippy::option_option, reason = "absent leaves it, null empties it")]
    pub(crate) fn nullable_text(&mut self, name: &'static str) -> Result<Option<Option<String>>, ApiError> {
        match self.take(name) {
            None => Ok(None),
            Some(Value::Null) => Ok(Some(None)),
            Some(Value::String(text)) => Ok(Some(Some(text))),
            Some(_) => Err(wrong(name, "expected a text or null")),
        }
    }

    /// The texts of a member that is a list of them.
    pub(crate) fn texts(&mut self, name: &'static str) -> Result<Option<Vec<String>>, ApiError> {
        let Some(value) = self.take(name) else { return Ok(None) };
        let Value::Array(items) = value else { return Err(wrong(name, "expected a list of texts")) };
        let text = |item: Value| match item {
            Value::String(text) => Ok(text),
            _ => Err(wrong(name, "expected a list of texts")),
        };
        items.into_iter().map(text).collect::<Result<_, _>>().map(Some)
    }

    /// The members of a member that is an object.
    pub(crate) fn object(&mut self, name: &'static str) -> Result<Option<Map<String, Value>>, ApiError> {
        match self.take(name) {
            None => Ok(None),
            Some(Value::Object(members)) => Ok(Some(members)),
            Some(_) => Err(wrong(name, "expected an object")),
        }
    }

    /// What a member says that is true or false.
    pub(crate) fn flag(&mut self, name: &'static str) -> Result<Option<bool>, ApiError> {
        match self.take(name) {
            None => Ok(None),
            Some(Value::Bool(value)) => Ok(Some(value)),
            Some(_) => Err(wrong(name, "expected true or false")),
        }
    }

    /// Whether a switch is on.
    pub(crate) fn switch(&mut self, name: &'static str) -> Result<bool, ApiError> {
        Ok(self.flag(name)?.unwrap_or_default())
    }

    /// Refuses what is left: a member that is misspelt would otherwise be without effect.
    pub(crate) fn finish(self) -> Result<(), ApiError> {
        match self.0.keys().next() {
            None => Ok(()),
            Some(name) => {
                let shown: String = name.chars().filter(char::is_ascii_graphic).take(32).collect();
                Err(ApiError::InvalidMember(format!("unknown member {shown:?}")))
            }
        }
    }
}

/// What is wrong with a member.
pub(crate) fn wrong(name: &str, reason: impl std::fmt::Display) -> ApiError {
    ApiError::InvalidMember(format!("{name}: {reason}"))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn each_mistake_names_its_member() {
        let members =
            || Members::of(json!({"name": 1, "list": ["a", 1], "object": [], "switch": "yes"})).unwrap();
        assert_eq!(members().text("name").unwrap_err().to_string(), "name: expected a text");
        assert_eq!(members().texts("list").unwrap_err().to_string(), "list: expected a list of texts");
        assert_eq!(members().object("object").unwrap_err().to_string(), "object: expected an object");
        assert_eq!(members().switch("switch").unwrap_err().to_string(), "switch: expected true or false");
        assert_eq!(members().nullable_text("name").unwrap_err().to_string(), "name: expected a text or null");
        let mut given = Members::of(json!({"null": null, "text": "a", "flag": false})).unwrap();
        assert_eq!(given.nullable_text("null").unwrap(), Some(None));
        assert_eq!(given.nullable_text("text").unwrap(), Some(Some("a".to_owned())));
        assert_eq!((given.nullable_text("text").unwrap(), given.flag("flag").unwrap()), (None, Some(false)));
        assert!(Members::of(json!([])).is_err());
        let left = Members::of(json!({"nmae\u{1b}": 1})).unwrap();
        assert_eq!(left.finish().unwrap_err().to_string(), "unknown member \"nmae\"");
    }
}
