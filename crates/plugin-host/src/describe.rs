//! A user, as plugins read one. Members that a user does not have are left out.

use serde_json::{Map, Value, json};
use vestibule_domain::{AvatarUrl, DisplayName, EmailAddress, User, Username};

pub(crate) fn user_json(user: &User, provider_id: &str) -> Value {
    let mut members = Map::new();
    members.insert("id".to_owned(), user.id.as_str().into());
    let optional = [
        ("name", user.name.as_ref().map(DisplayName::as_str)),
        ("email", user.email.as_ref().map(EmailAddress::as_str)),
        ("username", user.username.as_ref().map(Username::as_str)),
        ("avatar_url", user.avatar_url.as_ref().map(AvatarUrl::as_str)),
    ];
    for (member, value) in optional {
        if let Some(value) = value {
            members.insert(member.to_owned(), value.into());
        }
    }
    members.insert("provider_id".to_owned(), provider_id.into());
    members.insert("attributes".to_owned(), user.attributes.as_object().clone().into());
    Value::Object(members)
}

pub(crate) fn permission_context(user: &User, provider_id: &str) -> String {
    json!({ "user": user_json(user, provider_id) }).to_string()
}
