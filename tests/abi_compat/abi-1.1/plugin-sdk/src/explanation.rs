//! Permissions and the reasons for them.

use std::fmt;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

/// The permissions of a user, and which rules they come from.
///
/// ```
/// use vestibule_plugin_sdk::{Explanation, Map, Reason, json};
///
/// let permissions = Map::from_iter([("read".to_owned(), json!(true))]);
/// let explanation = Explanation {
///     permissions,
///     because: vec![Reason::new("everybody", json!({"read": true}), "Everybody may read.")],
/// };
/// assert_eq!(explanation.because[0].rule, "everybody");
/// ```
#[derive(Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct Explanation {
    /// What `get_permissions` answers to the same request.
    pub permissions: Map<String, Value>,
    /// Each rule that had a part in it, in the order in which they count. Empty where no rule applies.
    pub because: Vec<Reason>,
}

/// One rule that had a part in the answer.
#[derive(Clone, PartialEq, Serialize, Deserialize)]
pub struct Reason {
    /// The name by which the operator knows the rule.
    pub rule: String,
    /// What it gave: an object of permissions, or a list of what it contributed to them.
    pub gave: Value,
    /// One sentence that says why the rule applies to this person. For the operator, who may read personal data in it.
    pub text: String,
}

impl Reason {
    /// A reason of these parts.
    pub fn new(rule: impl Into<String>, gave: impl Into<Value>, text: impl Into<String>) -> Self {
        Self { rule: rule.into(), gave: gave.into(), text: text.into() }
    }
}

/// Only the names of the rules: the rest is about a person.
impl fmt::Debug for Reason {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "Reason({})", self.rule)
    }
}

/// Only the names of the rules: the rest is about a person.
impl fmt::Debug for Explanation {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_list().entries(&self.because).finish()
    }
}
