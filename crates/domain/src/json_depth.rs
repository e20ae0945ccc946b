//! How deep JSON is nested.

use serde_json::Value;

/// Whether something stands within more than `levels` objects and arrays.
pub(crate) fn is_deeper_than(value: &Value, levels: usize) -> bool {
    let is_too_deep = |inner: &Value| levels == 0 || is_deeper_than(inner, levels - 1);
    match value {
        Value::Array(items) => items.iter().any(is_too_deep),
        Value::Object(members) => members.values().any(is_too_deep),
        _ => false,
    }
}
