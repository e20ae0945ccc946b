//! What is left of a person's permissions when a credential lends a part of them.

use serde_json::{Map, Value};

use crate::{Scope, Scopes};

/// The member of a plugin's answer that lists names of permissions.
const LIST: &str = "scopes";

/// The part of a plugin's answer that a credential with these scopes lends.
///
/// With the scope `permissions` it is the whole answer. Else a member whose value is `true`, and an entry of the list `scopes`, stay if
/// their name is lent; everything else goes, since nothing says what it means. No scopes lend nothing.
pub fn lent_permissions(answer: Map<String, Value>, scopes: &Scopes) -> Map<String, Value> {
    if scopes.contains(Scope::PERMISSIONS) {
        return answer;
    }
    let lent = |(name, value): (String, Value)| lent_member(&name, value, scopes).map(|value| (name, value));
    answer.into_iter().filter_map(lent).collect()
}

fn lent_member(name: &str, value: Value, scopes: &Scopes) -> Option<Value> {
    match value {
        Value::Bool(true) => scopes.lends(name).then_some(value),
        Value::Array(entries) if name == LIST => lent_entries(entries, scopes),
        _ => None,
    }
}

/// The entries that are lent; `None` for none, which is the same as no list.
fn lent_entries(entries: Vec<Value>, scopes: &Scopes) -> Option<Value> {
    let is_lent = |entry: &Value| entry.as_str().is_some_and(|name| scopes.lends(name));
    let kept: Vec<_> = entries.into_iter().filter(is_lent).collect();
    (!kept.is_empty()).then_some(Value::Array(kept))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    fn lent(answer: &Value, scopes: &str) -> Value {
        let answer = answer.as_object().unwrap().clone();
        Value::Object(lent_permissions(answer, &Scopes::parse(scopes).unwrap()))
    }

    #[test]
    fn h13_what_is_named_is_lent_and_everything_else_goes() {
        let answer = json!({
            "read": true, "write": true, "execute": false, "roles": ["Writer"], "quota": 7, "name": "Ada", "nothing": null,
            "nested": {"read": true, "scopes": ["read"]}, "scopes": ["read", "write", 7, ["read"], {"read": true}], "email": true,
        });
        assert_eq!(lent(&answer, "read"), json!({"read": true, "scopes": ["read"]}));
        assert_eq!(lent(&answer, "execute quota name roles nested nothing scopes"), json!({}));
        assert_eq!(lent(&answer, ""), json!({}));
        assert_eq!(lent(&answer, "profile openid email offline_access"), json!({}), "these say who it is");
        assert_eq!(lent(&answer, "permissions"), answer);
        assert_eq!(lent(&answer, "permissions read"), answer, "a word beside it takes nothing away");
    }

    #[test]
    fn h13_only_a_list_is_the_list_and_only_true_is_a_permission() {
        assert_eq!(lent(&json!({"scopes": "read"}), "read scopes"), json!({}));
        assert_eq!(lent(&json!({"scopes": {"read": true}}), "read scopes"), json!({}));
        assert_eq!(lent(&json!({"scopes": true}), "scopes"), json!({"scopes": true}));
        assert_eq!(
            lent(&json!({"read": 1, "write": "true", "list": ["read"]}), "read write list"),
            json!({})
        );
        assert_eq!(
            lent(&json!({"read now": true}), "read now"),
            json!({}),
            "what is no word cannot be lent singly"
        );
    }

    fn any_value() -> impl Strategy<Value = Value> {
        let leaf = prop_oneof![
            Just(Value::Null),
            any::<bool>().prop_map(Value::Bool),
            any::<i32>().prop_map(Value::from),
            "[a-c]".prop_map(Value::from),
        ];
        leaf.prop_recursive(3, 16, 4, |inner| {
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..4).prop_map(Value::Array),
                prop::collection::vec(("[a-c]|scopes|roles", inner), 0..4)
                    .prop_map(|members| members.into_iter().collect()),
            ]
        })
    }

    fn any_answer() -> impl Strategy<Value = Map<String, Value>> {
        prop::collection::vec(("[a-c]|scopes|roles|permissions|email", any_value()), 0..8)
            .prop_map(|members| members.into_iter().collect())
    }

    fn any_scopes() -> impl Strategy<Value = Scopes> {
        let word = prop::sample::select(vec!["a", "b", "c", "scopes", "roles", "email", "permissions"]);
        prop::collection::vec(word, 0..5).prop_map(|words| Scopes::from_words(words).unwrap())
    }

    /// Whether all that `less` says is said by `more` as well: its members, and of the list `scopes` its entries.
    fn is_part_of(less: &Map<String, Value>, more: &Map<String, Value>) -> bool {
        less.iter().all(|(name, value)| match (more.get(name), value) {
            (Some(Value::Array(all)), Value::Array(some)) if name == "scopes" => {
                some.iter().all(|entry| all.contains(entry))
            }
            (other, value) => other == Some(value),
        })
    }

    proptest! {
        #[test]
        fn h13_narrowing_never_adds(answer in any_answer(), scopes in any_scopes()) {
            let lent = lent_permissions(answer.clone(), &scopes);
            prop_assert!(is_part_of(&lent, &answer));
            prop_assert_eq!(lent_permissions(lent.clone(), &scopes), lent, "and once is enough");
        }

        #[test]
        fn h13_fewer_scopes_never_lend_more(answer in any_answer(), some in any_scopes(), others in any_scopes()) {
            let fewer = some.intersection(&others);
            prop_assert!(is_part_of(&lent_permissions(answer.clone(), &fewer), &lent_permissions(answer, &some)));
        }

        #[test]
        fn h13_fewer_permissions_never_lend_more(answer in any_answer(), taken in any::<prop::sample::Index>(), scopes in any_scopes()) {
            let mut fewer = answer.clone();
            if let Some(name) = answer.keys().nth(taken.index(answer.len().max(1))) {
                fewer.remove(name);
            }
            prop_assert!(is_part_of(&lent_permissions(fewer, &scopes), &lent_permissions(answer, &scopes)));
        }

        #[test]
        fn h13_every_true_member_that_stays_is_lent_by_name_or_all_are(answer in any_answer(), scopes in any_scopes()) {
            let lent = lent_permissions(answer.clone(), &scopes);
            let whole = scopes.contains("permissions");
            prop_assert_eq!(whole && lent != answer, false);
            prop_assert!(whole || lent.keys().all(|name| name == "scopes" || scopes.contains(name)));
        }
    }
}
