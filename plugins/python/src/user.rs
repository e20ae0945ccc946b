//! A user, as a module gets one and as a log may have one.

use vestibule_plugin_sdk::{Map, User, Value, json};

/// Shorter texts are found everywhere by chance.
const SHORTEST: usize = 3;

/// The user as an object again, with every member that the host has given; a text that it has not given is null.
pub(crate) fn to_json(user: &User) -> Map<String, Value> {
    let Value::Object(mut object) = json!(user) else { return Map::new() };
    for (name, _) in texts(user) {
        object.entry(name).or_insert(Value::Null);
    }
    object
}

fn texts(user: &User) -> [(&'static str, Option<&str>); 5] {
    [
        ("name", user.name.as_deref()),
        ("email", user.email.as_deref()),
        ("username", user.username.as_deref()),
        ("avatar_url", user.avatar_url.as_deref()),
        ("provider_id", user.provider_id.as_deref()),
    ]
}

/// The text with the names of members in place of their values: exceptions like to quote what they choke on.
pub(crate) fn hide(text: &str, user: &User) -> String {
    let known = texts(user).into_iter().filter_map(|(name, value)| Some((name, value?)));
    let telling = known.filter(|(_, value)| value.len() >= SHORTEST);
    telling.fold(text.to_owned(), |text, (name, value)| text.replace(value, &format!("({name})")))
}
