//! Claims of a provider about a user beyond the profile, stored for the plugins that decide by them.

use std::fmt;

use serde_json::{Map, Value};
use thiserror::Error;

use crate::json_depth::is_deeper_than;

const MAX_CLAIMS_BYTES: usize = 16 * 1024;
const MAX_CLAIM_DEPTH: usize = 8;
const MAX_CLAIM_NAME: usize = 128;

/// Why a claim is not stored.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum ClaimError {
    /// Together with those before it, it would be more than 16 KiB.
    #[error("the claims that are kept would be more than 16 KiB")]
    TooLarge,
    /// More than eight objects and arrays in each other.
    #[error("the claim is nested deeper than 8 levels")]
    TooDeep,
    /// No name, or one of more than 128 bytes.
    #[error("the name of a claim has 1 to 128 characters")]
    Name,
}

/// The claims of an identity that the settings select, as of its last sign-in: at most 16 KiB as JSON. Plugins receive them,
/// clients never do.
#[derive(Clone, PartialEq, Eq, Default)]
pub struct UpstreamClaims(Map<String, Value>);

impl UpstreamClaims {
    /// Stores one claim whole, or not at all: a truncated list of groups would be a wrong list.
    pub fn insert(&mut self, name: &str, value: Value) -> Result<(), ClaimError> {
        if !Self::is_name(name) {
            return Err(ClaimError::Name);
        }
        if is_deeper_than(&value, MAX_CLAIM_DEPTH) {
            return Err(ClaimError::TooDeep);
        }
        let mut grown = self.0.clone();
        grown.insert(name.to_owned(), value);
        let size = serde_json::to_vec(&grown).map_or(usize::MAX, |text| text.len());
        if size > MAX_CLAIMS_BYTES {
            return Err(ClaimError::TooLarge);
        }
        self.0 = grown;
        Ok(())
    }

    /// Whether a claim of this name can be stored.
    pub fn is_name(text: &str) -> bool {
        (1..=MAX_CLAIM_NAME).contains(&text.len())
    }

    /// The claims by their names.
    pub fn as_object(&self) -> &Map<String, Value> {
        &self.0
    }
}

/// The claim of this name; or, if none has it, the one that the name leads to: `realm_access.roles` is the member `roles` of the
/// claim `realm_access`. A name with dots of its own, such as an address, is found as it stands, also inside: the longest name
/// that there is comes first. A claim whose value is `null` is not there.
pub fn find_claim<'c>(claims: &'c Map<String, Value>, name: &str) -> Option<&'c Value> {
    let literal = claims.get(name).filter(|value| !value.is_null());
    literal.or_else(|| {
        name.rmatch_indices('.').find_map(|(dot, _)| {
            let (first, rest) = name.split_at_checked(dot)?;
            find_claim(claims.get(first)?.as_object()?, rest.strip_prefix('.')?)
        })
    })
}

/// Claims are personal data: a log shows how many there are.
impl fmt::Debug for UpstreamClaims {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "UpstreamClaims({} claims)", self.0.len())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use serde_json::json;

    #[test]
    fn a_claim_is_kept_whole_or_not_at_all() {
        let mut claims = UpstreamClaims::default();
        claims.insert("groups", json!(["admins", "staff"])).unwrap();
        let long = Value::from("x".repeat(MAX_CLAIMS_BYTES));
        assert_eq!(claims.insert("long", long.clone()), Err(ClaimError::TooLarge));
        assert_eq!(claims.insert("groups", long), Err(ClaimError::TooLarge));
        assert_eq!(claims.insert("", json!(1)), Err(ClaimError::Name));
        assert_eq!(Value::Object(claims.as_object().clone()), json!({"groups": ["admins", "staff"]}));
    }

    #[test]
    fn a_claim_that_is_nested_deep_is_not_kept() {
        let nested = |levels| (0..levels).fold(json!(1), |inner, _| json!([inner]));
        let mut claims = UpstreamClaims::default();
        claims.insert("deep", nested(MAX_CLAIM_DEPTH)).unwrap();
        assert_eq!(claims.insert("deeper", nested(MAX_CLAIM_DEPTH + 1)), Err(ClaimError::TooDeep));
    }

    proptest! {
        #[test]
        fn whatever_is_kept_stays_within_the_bound(offered in prop::collection::vec(("[a-z]{1,8}", "\\PC{0,6000}"), 0..8)) {
            let mut claims = UpstreamClaims::default();
            for (name, text) in offered {
                let _ = claims.insert(&name, Value::from(text));
            }
            prop_assert!(serde_json::to_vec(claims.as_object()).unwrap().len() <= MAX_CLAIMS_BYTES);
        }
    }

    #[test]
    fn a_claim_is_found_by_its_name_or_by_the_way_to_it() {
        let claims = json!({
            "groups": ["staff"],
            "realm_access": {"roles": ["realm"], "none": null},
            "resource_access": {"my-client": {"roles": ["client"]}, "my.client": {"roles": ["dots"]}},
            "https://app.example/roles": ["address"],
            "https://app": {"example/roles": ["a way that nobody means"]},
            "a.b": "literal",
            "a": {"b": "way", "c": "other"},
            "empty": {"": {"": 1}},
            "gone": null,
        });
        let found = |name: &str| find_claim(claims.as_object().unwrap(), name).cloned();
        for (name, value) in [
            ("groups", json!(["staff"])),
            ("realm_access.roles", json!(["realm"])),
            ("resource_access.my-client.roles", json!(["client"])),
            ("resource_access.my.client.roles", json!(["dots"])),
            ("https://app.example/roles", json!(["address"])),
            ("a.b", json!("literal")),
            ("a.c", json!("other")),
            ("empty..", json!(1)),
        ] {
            assert_eq!(found(name), Some(value), "{name}");
        }
        for absent in [
            "",
            ".",
            "gone",
            "gone.x",
            "groups.staff",
            "groups.0",
            "realm_access.none",
            "a.b.c",
            "realm_access.",
        ] {
            assert_eq!(found(absent), None, "{absent}");
        }
    }

    #[test]
    fn a_claim_has_a_name_of_at_most_128_bytes() {
        assert!(UpstreamClaims::is_name("x") && UpstreamClaims::is_name(&"x".repeat(128)));
        assert!(!UpstreamClaims::is_name("") && !UpstreamClaims::is_name(&"x".repeat(129)));
    }

    #[test]
    fn all_claims_together_have_at_most_16_kib() {
        let with_size = |bytes: usize| {
            let mut claims = UpstreamClaims::default();
            claims.insert("a", Value::from("x".repeat(bytes - r#"{"a":""}"#.len()))).map(|()| claims)
        };
        assert!(with_size(16 * 1024).is_ok());
        assert_eq!(with_size(16 * 1024 + 1), Err(ClaimError::TooLarge));
    }

    #[test]
    fn objects_and_arrays_both_count_as_levels_and_debug_shows_no_claim() {
        let nested = |levels| (0..levels).fold(json!(1), |inner, _| json!({"a": inner}));
        let mut claims = UpstreamClaims::default();
        claims.insert("deep", nested(8)).unwrap();
        assert_eq!(claims.insert("deeper", nested(9)), Err(ClaimError::TooDeep));
        assert_eq!(format!("{claims:?}"), "UpstreamClaims(1 claims)");
    }
}
