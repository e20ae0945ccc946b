//! What a hook changed, as a merge patch (RFC 7396).

use vestibule_plugin_sdk::{Map, Value};

/// The patch that makes the members of `after` out of those of `before`; `None` when they are the same.
///
/// A patch has no word for a member that is null: null removes. So a member that becomes `None` is removed, and one that
/// was not there and is `None` is no change.
pub(crate) fn patch(before: &Map<String, Value>, after: &Map<String, Value>) -> Option<Map<String, Value>> {
    let patch: Map<_, _> = after
        .iter()
        .filter_map(|(name, after)| Some((name.clone(), change(before.get(name), after)?)))
        .collect();
    (!patch.is_empty()).then_some(patch)
}

/// What a patch says of one member, if it says anything.
fn change(before: Option<&Value>, after: &Value) -> Option<Value> {
    match (before.unwrap_or(&Value::Null), after) {
        (Value::Object(before), Value::Object(after)) => {
            let gone = before.iter().filter(|(name, value)| !value.is_null() && !after.contains_key(*name));
            let gone = gone.map(|(name, _)| (name.clone(), Value::Null));
            let mut inner: Map<_, _> = gone.collect();
            inner.extend(patch(before, after).unwrap_or_default());
            (!inner.is_empty()).then_some(Value::Object(inner))
        }
        (before, after) if before == after => None,
        // In the place of something else a patch makes an object of its own, and leaves its nulls out.
        (_, after) => Some(after.clone()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use vestibule_plugin_sdk::json;

    fn object(value: Value) -> Map<String, Value> {
        let Value::Object(object) = value else { panic!("{value}") };
        object
    }

    #[test]
    fn a_patch_names_only_what_changed() {
        let before =
            object(json!({"name": "Ada", "attributes": {"team": "red", "tags": [1, 2], "deep": {"a": 1}}}));
        for (after, expected) in [
            (json!({"name": "Ada", "attributes": before["attributes"]}), None),
            (json!({"name": "Eve"}), Some(json!({"name": "Eve"}))),
            (json!({"name": null}), Some(json!({"name": null}))),
            (json!({"avatar_url": null}), None),
            (
                json!({"attributes": {}}),
                Some(json!({"attributes": {"team": null, "tags": null, "deep": null}})),
            ),
            (
                json!({"attributes": {"team": null, "tags": [1, 2, null], "deep": {"a": 1, "b": {"c": 2}}}}),
                Some(json!({"attributes": {"team": null, "tags": [1, 2, null], "deep": {"b": {"c": 2}}}})),
            ),
        ] {
            assert_eq!(patch(&before, &object(after.clone())).map(Value::from), expected, "{after}");
        }
    }

    /// As the standard describes it.
    fn apply(target: &Value, patch: &Value) -> Value {
        let Value::Object(patch) = patch else { return patch.clone() };
        let mut result = target.as_object().cloned().unwrap_or_default();
        for (name, value) in patch {
            if value.is_null() {
                result.remove(name);
            } else {
                let changed = apply(result.get(name).unwrap_or(&Value::Null), value);
                result.insert(name.clone(), changed);
            }
        }
        Value::Object(result)
    }

    /// The value without members that are null, which is as much as a patch can say.
    fn without_nulls(value: &Value) -> Value {
        let Value::Object(object) = value else { return value.clone() };
        let kept = object.iter().filter(|(_, value)| !value.is_null());
        Value::Object(kept.map(|(name, value)| (name.clone(), without_nulls(value))).collect())
    }

    fn any_value() -> impl Strategy<Value = Value> {
        let leaf = prop_oneof![
            Just(Value::Null),
            any::<bool>().prop_map(Value::from),
            (0..4_i64).prop_map(Value::from),
            "[ab]{0,2}".prop_map(Value::from),
        ];
        leaf.prop_recursive(3, 24, 4, |inner| {
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..3).prop_map(Value::from),
                prop::collection::btree_map("[abc]", inner, 0..4)
                    .prop_map(|members| Value::Object(members.into_iter().collect())),
            ]
        })
    }

    proptest! {
        #[test]
        fn a_patch_makes_one_out_of_the_other(before in any_value(), after in any_value()) {
            let (before, after) = (json!({"attributes": before}), json!({"attributes": after}));
            let made = patch(before.as_object().unwrap(), after.as_object().unwrap());
            let made = apply(&before, &Value::from(made.unwrap_or_default()));
            prop_assert_eq!(without_nulls(&made), without_nulls(&after));
        }
    }
}
