//! The target of the fuzzer for the schemas that plugins declare.

#![allow(clippy::missing_panics_doc, reason = "a target that finds something fails loudly")]

use serde_json::{Map, Value};

use super::{SchemaFault, check_schema, validate};

const SECRET: &str = "hunter2";

/// Whatever a plugin takes for a schema, it is judged in time, and nothing of the configuration is shown.
///
/// The input is the schema, or an object of `schema` and `config`.
pub fn plugin_schemas(bytes: &[u8]) {
    let Ok(text) = str::from_utf8(bytes) else { return };
    if text.contains(SECRET) {
        return;
    }
    let input = serde_json::from_str::<Value>(text).unwrap_or_default();
    let (schema, config) = match (input.get("schema"), input.get("config")) {
        (Some(schema), Some(Value::Object(config))) => (schema.to_string(), with_secrets(config)),
        _ => (text.to_owned(), with_secrets(&Map::new())),
    };
    let outcome = validate(&schema, &config);
    if let Err(fault) = &outcome {
        assert!(!fault.to_string().contains(SECRET), "{fault}");
        assert!(!fault.to_string().chars().any(char::is_control), "{fault:?}");
        assert!(!matches!(fault, SchemaFault::TooSlow | SchemaFault::Unchecked), "{fault}");
    }
    if !schema.trim().is_empty() {
        let is_schema = !matches!(outcome, Err(SchemaFault::NotJson(_) | SchemaFault::NotASchema(_)));
        assert_eq!(check_schema(&schema).is_ok(), is_schema);
    }
}

/// Every text of a configuration may be a secret.
fn with_secrets(config: &Map<String, Value>) -> Map<String, Value> {
    let mut config: Map<_, _> = config.iter().map(|(name, value)| (name.clone(), secret(value))).collect();
    config.insert("password".to_owned(), Value::from(SECRET));
    config
}

fn secret(value: &Value) -> Value {
    match value {
        Value::String(text) => Value::from(format!("{text}{SECRET}")),
        Value::Array(items) => items.iter().map(secret).collect(),
        Value::Object(members) => Value::Object(with_secrets(members)),
        other => other.clone(),
    }
}
