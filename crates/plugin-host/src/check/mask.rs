//! Words of a plugin without what the configuration holds: a plugin may repeat a secret in its complaint.

use serde_json::{Map, Value};

use crate::text::printable;

/// Shorter values say nothing, and would be found in any sentence.
const SHORTEST: usize = 4;
/// The longest quotation.
const LONGEST: usize = 300;
const STAND_IN: &str = "(configured)";

/// Every value of a configuration, line by line, the longest first.
pub(super) struct Mask(Vec<String>);

impl Mask {
    pub(super) fn new(config: &Map<String, Value>) -> Self {
        let mut values = Vec::new();
        config.values().for_each(|value| collect(value, &mut values));
        values.sort_by_key(|value| std::cmp::Reverse(value.len()));
        Self(values)
    }

    /// What a plugin says, fit for the report.
    pub(super) fn quote(&self, words: &str) -> String {
        let masked = self.0.iter().fold(printable(words), |text, value| text.replace(value, STAND_IN));
        masked.chars().take(LONGEST).collect()
    }
}

fn collect(value: &Value, values: &mut Vec<String>) {
    match value {
        Value::String(text) => {
            let lines = text.lines().map(|line| printable(line.trim()));
            values.extend(lines.filter(|line| line.len() >= SHORTEST));
        }
        Value::Number(number) => {
            values.extend(Some(number.to_string()).filter(|text| text.len() >= SHORTEST));
        }
        Value::Array(items) => items.iter().for_each(|item| collect(item, values)),
        Value::Object(members) => members.values().for_each(|member| collect(member, values)),
        Value::Null | Value::Bool(_) => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn n1_no_value_of_the_configuration_is_quoted() {
        let config =
            json!({"a": "hunter2", "b": ["hunter2-long\nsecond line"], "c": {"d": 123_456}, "e": "no"});
        let mask = Mask::new(config.as_object().unwrap());
        let quoted = mask.quote("bad: hunter2, hunter2-long\nsecond line, 123456, no");
        assert_eq!(quoted, "bad: (configured), (configured)\\n(configured), (configured), no");
        assert_eq!(mask.quote(&"x".repeat(1_000)).len(), LONGEST);
    }
}
