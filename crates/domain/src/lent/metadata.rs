//! What the owner of a credential writes beside it.

use std::fmt;

use serde_json::{Map, Value};
use thiserror::Error;

use crate::json_depth::is_deeper_than;

const MAX_BYTES: usize = 4 * 1024;
const MAX_DEPTH: usize = 8;

/// Why an object cannot be the metadata of a credential.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum MetadataError {
    /// As JSON it is larger than 4 KiB.
    #[error("the metadata may have 4 KiB as JSON")]
    TooLarge,
    /// More than eight objects and arrays in each other.
    #[error("the metadata may be nested 8 levels deep")]
    TooDeep,
}

/// What the owner of a credential writes beside it: a JSON object of at most 4 KiB. Plugins and clients receive it as it is; to the
/// service it means nothing.
#[derive(Clone, PartialEq, Eq, Default)]
pub struct Metadata(Map<String, Value>);

impl Metadata {
    /// Takes an object that is small enough.
    pub fn new(object: Map<String, Value>) -> Result<Self, MetadataError> {
        // An object is a level by itself.
        if object.values().any(|value| is_deeper_than(value, MAX_DEPTH - 1)) {
            return Err(MetadataError::TooDeep);
        }
        let size = serde_json::to_vec(&object).map_or(usize::MAX, |text| text.len());
        if size > MAX_BYTES { Err(MetadataError::TooLarge) } else { Ok(Self(object)) }
    }

    /// The object.
    pub fn as_object(&self) -> &Map<String, Value> {
        &self.0
    }
}

/// Whatever it is, it is no business of a log.
impl fmt::Debug for Metadata {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "Metadata({} members)", self.0.len())
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn metadata(value: &Value) -> Result<Metadata, MetadataError> {
        Metadata::new(value.as_object().unwrap().clone())
    }

    #[test]
    fn metadata_is_a_small_object() {
        let object = json!({"team": "core", "seats": [1, 2, {"a": null}]});
        assert_eq!(Value::Object(metadata(&object).unwrap().as_object().clone()), object);
        // `{"a":"` and `"}` are eight bytes.
        assert!(metadata(&json!({"a": "x".repeat(4_096 - 8)})).is_ok());
        assert_eq!(metadata(&json!({"a": "x".repeat(4_096 - 7)})), Err(MetadataError::TooLarge));
    }

    #[test]
    fn metadata_is_nested_eight_levels_deep_at_most() {
        let nested = |levels: usize| (1..levels).fold(json!({"a": 1}), |inner, _| json!({"a": inner}));
        assert!(metadata(&nested(8)).is_ok());
        assert_eq!(metadata(&nested(9)), Err(MetadataError::TooDeep));
        assert!(metadata(&json!({"a": [[[[[[[1]]]]]]]})).is_ok());
        assert_eq!(metadata(&json!({"a": [[[[[[[[1]]]]]]]]})), Err(MetadataError::TooDeep));
    }

    #[test]
    fn debug_shows_nothing_of_it() {
        assert_eq!(format!("{:?}", metadata(&json!({"a": "secret"})).unwrap()), "Metadata(1 members)");
    }
}
