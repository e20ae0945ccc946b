//! What an app keeps in a session.

use std::fmt;

use serde_json::{Map, Value};
use thiserror::Error;

use crate::json_depth::is_deeper_than;

const MAX_BYTES: usize = 8 * 1024;
const MAX_DEPTH: usize = 8;

/// Why an app cannot keep something in a session.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum SessionDataError {
    /// It is not a JSON object.
    #[error("what an app keeps in a session is a JSON object")]
    NotObject,
    /// As JSON it is larger than 8 KiB, or more than eight objects and arrays are in each other.
    #[error("what an app keeps in a session may have 8 KiB as JSON and be nested 8 levels deep")]
    TooLarge,
}

/// What an app keeps in a session: a JSON object of at most 8 KiB. To the service it means nothing.
#[derive(Clone, PartialEq, Eq, Default)]
pub struct SessionData(Map<String, Value>);

impl SessionData {
    /// Takes an object that is small enough.
    pub fn new(value: Value) -> Result<Self, SessionDataError> {
        let Value::Object(object) = value else { return Err(SessionDataError::NotObject) };
        // An object is a level by itself.
        let is_deep = object.values().any(|value| is_deeper_than(value, MAX_DEPTH - 1));
        let size = serde_json::to_vec(&object).map_or(usize::MAX, |text| text.len());
        if is_deep || size > MAX_BYTES { Err(SessionDataError::TooLarge) } else { Ok(Self(object)) }
    }

    /// The same after a merge patch (RFC 7396), which has to be an object: any other would replace the whole.
    pub fn patched(self, patch: &Value) -> Result<Self, SessionDataError> {
        if !patch.is_object() {
            return Err(SessionDataError::NotObject);
        }
        if is_deeper_than(patch, MAX_DEPTH) {
            return Err(SessionDataError::TooLarge);
        }
        let mut value = Value::Object(self.0);
        json_patch::merge(&mut value, patch);
        Self::new(value)
    }

    /// The object.
    pub fn as_object(&self) -> &Map<String, Value> {
        &self.0
    }

    /// The text that is kept of it; [`SessionData::new`] takes what it is parsed to.
    pub fn to_text(&self) -> String {
        serde_json::to_string(&self.0).unwrap_or_default()
    }
}

/// Whatever it is, it is no business of a log.
impl fmt::Debug for SessionData {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "SessionData({} members)", self.0.len())
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    fn data(value: Value) -> Result<SessionData, SessionDataError> {
        SessionData::new(value)
    }

    #[test]
    fn g10_data_is_an_object_of_bounded_size_and_depth() {
        // `{"a":"` and `"}` are eight bytes.
        assert!(data(json!({"a": "x".repeat(8_192 - 8)})).is_ok());
        assert_eq!(data(json!({"a": "x".repeat(8_192 - 7)})), Err(SessionDataError::TooLarge));
        let nested = |levels: usize| (1..levels).fold(json!({"a": 1}), |inner, _| json!({"a": inner}));
        assert!(data(nested(8)).is_ok());
        assert_eq!(data(nested(9)), Err(SessionDataError::TooLarge));
        for other in [json!(null), json!([]), json!("text"), json!(1)] {
            assert_eq!(data(other), Err(SessionDataError::NotObject));
        }
        assert_eq!(format!("{:?}", data(json!({"secret": "canary"})).unwrap()), "SessionData(1 members)");
    }

    #[test]
    fn a_patch_merges_as_rfc_7396_says() {
        let patched = |target: Value, patch: Value| data(target).unwrap().patched(&patch).map(|data| data.0);
        let object = |value: Value| Ok(value.as_object().unwrap().clone());
        assert_eq!(patched(json!({"a": "b"}), json!({"a": "c"})), object(json!({"a": "c"})));
        assert_eq!(patched(json!({"a": "b"}), json!({"b": "c"})), object(json!({"a": "b", "b": "c"})));
        assert_eq!(patched(json!({"a": "b", "b": "c"}), json!({"a": null})), object(json!({"b": "c"})));
        assert_eq!(patched(json!({"a": ["b"]}), json!({"a": "c"})), object(json!({"a": "c"})));
        assert_eq!(
            patched(json!({"a": {"b": "c"}}), json!({"a": {"b": "d", "c": null}})),
            object(json!({"a": {"b": "d"}}))
        );
        assert_eq!(
            patched(json!({"a": [1]}), json!({"a": [{"b": null}]})),
            object(json!({"a": [{"b": null}]}))
        );
        assert_eq!(patched(json!({}), json!({"a": {"bb": {"ccc": null}}})), object(json!({"a": {"bb": {}}})));
        assert_eq!(patched(json!({"a": 1}), json!(null)), Err(SessionDataError::NotObject));
    }

    fn any_json() -> impl Strategy<Value = Value> {
        let leaf = prop_oneof![
            Just(Value::Null),
            any::<bool>().prop_map(Value::from),
            any::<i32>().prop_map(Value::from),
            "[a-c]{0,2}".prop_map(Value::from)
        ];
        leaf.prop_recursive(3, 24, 4, |inner| {
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..3).prop_map(Value::from),
                prop::collection::btree_map("[a-d]", inner, 0..4)
                    .prop_map(|map| map.into_iter().collect::<Map<_, _>>().into()),
            ]
        })
    }

    proptest! {
        #[test]
        fn g10_whatever_is_patched_stays_bounded_and_a_patch_twice_is_as_once(target in any_json(), patch in any_json()) {
            if let Ok(once) = data(target).and_then(|target| target.patched(&patch)) {
                prop_assert!(once.to_text().len() <= MAX_BYTES);
                prop_assert_eq!(once.clone().patched(&patch), Ok(once));
            }
        }
    }
}
