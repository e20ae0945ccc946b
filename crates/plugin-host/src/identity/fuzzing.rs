//! What must hold of whomever a token is said to stand for, for the fuzzer and for the properties.

#![allow(clippy::missing_panics_doc, reason = "a target that finds something fails loudly")]

use serde_json::{Map, Value};
use vestibule_domain::Scope;

use super::{TokenHolder, TokenIdentity};
use crate::json::parse_object;

/// An answer about a token is refused, or names one holder whose id, services and scopes may stand in a header.
pub fn plugin_identities(bytes: &[u8]) {
    let Ok(object) = parse_object(bytes) else { return };
    for may_name_users in [false, true] {
        assert_sound(may_name_users, &object);
    }
}

pub(super) fn assert_sound(may_name_users: bool, object: &Map<String, Value>) {
    let Ok(read) = TokenIdentity::read("keys", may_name_users, object.clone()) else { return };
    let uid = object.get("uid").and_then(Value::as_str).unwrap_or_default();
    let role_account = object.get("roleaccount").is_none_or(|it| *it == Value::Bool(true));
    match &read.holder {
        TokenHolder::RoleAccount(id) => {
            assert!(role_account && id.as_str() == format!("keys:{uid}") && id.as_str().len() <= 128);
        }
        TokenHolder::Person(id) => assert!(may_name_users && !role_account && id.as_str() == uid),
    }
    assert!(uid.bytes().all(|byte| byte.is_ascii_graphic()));
    assert!(read.scopes.contains("profile") && !read.scopes.iter().any(Scope::judges_others));
    assert!(read.services.as_ref().is_none_or(|services| !services.words().contains(&"vestibule")));
    assert!(!read.metadata.contains_key("uid") && !format!("{read:?}").chars().any(char::is_control));
}
