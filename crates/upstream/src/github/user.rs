//! The answer of `GET /user`.

use serde_json::Value;
use vestibule_domain::{AvatarUrl, DisplayName, EmailAddress};

/// What GitHub says about a person. Only the number is theirs for ever: a login can be given up and taken by another.
pub(super) struct User {
    pub(super) id: u64,
    pub(super) login: Option<String>,
    pub(super) name: Option<DisplayName>,
    pub(super) avatar_url: Option<AvatarUrl>,
    pub(super) public_email: Option<EmailAddress>,
}

impl User {
    /// Reads the answer; without a numeric id it is no user. Everything else may be missing or of another type. Who has
    /// given no name goes by the login.
    pub(super) fn read(answer: &Value) -> Option<Self> {
        let text = |name: &str| answer.get(name).and_then(Value::as_str);
        let login = text("login").and_then(DisplayName::clean);
        Some(Self {
            id: answer.get("id")?.as_u64()?,
            name: text("name").and_then(DisplayName::clean).or_else(|| login.clone()),
            login: login.map(|login| login.as_str().to_owned()),
            avatar_url: text("avatar_url").and_then(AvatarUrl::clean),
            public_email: text("email").and_then(|email| EmailAddress::parse(email).ok()),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn c9_hostile_members_are_cleaned_or_absent() {
        let user = User::read(&json!({
            "id": 7, "login": "ada\u{202e}", "name": ["x"], "avatar_url": "data:image/png;base64,x", "email": 1,
        }))
        .unwrap();
        assert_eq!(user.login.as_deref(), Some("ada"));
        assert_eq!(user.name.unwrap().as_str(), "ada");
        assert!(user.avatar_url.is_none() && user.public_email.is_none());
        let long = User::read(&json!({"id": 7, "name": "x".repeat(1_000_000)})).unwrap();
        assert_eq!(long.name.unwrap().as_str().len(), 200);
    }

    #[test]
    fn c3_only_a_whole_number_is_an_id() {
        for id in [json!("7"), json!(7.5), json!(-7), json!(null), json!([7])] {
            assert!(User::read(&json!({"id": id, "login": "ada"})).is_none());
        }
        assert!(User::read(&json!({"login": "ada"})).is_none());
        assert!(User::read(&json!([])).is_none());
    }
}
