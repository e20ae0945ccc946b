//! What a line holds, and what it does not.

use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;
use vestibule_plugin_sdk::{Value, json};

use super::Folder;
use crate::clock;

fn ada() -> Value {
    json!({"id": "u1", "name": "Ada\nLovelace", "email": "ada@example.org", "username": "ada",
        "avatar_url": "https://a.example/a.png", "provider_id": "github:42", "attributes": {"secret": "hunter2"},
        "token": "hunter2"})
}

/// The line without its time, which must be now and have milliseconds.
fn without_time(line: &str) -> String {
    let (time, rest) = line.strip_prefix(r#"{"time":""#).unwrap().split_once('"').unwrap();
    let parsed = OffsetDateTime::parse(time, &Rfc3339).unwrap();
    assert!((clock::now() - parsed).whole_seconds().abs() < 60, "{time}");
    assert!(time.len() == 24 && time.ends_with('Z'), "{time}");
    rest.to_owned()
}

#[test]
fn each_event_is_one_line_and_nobody_is_changed() {
    let folder = Folder::new();
    let plugin = folder.plugin();
    for answer in [plugin.on_new_user(&ada()), plugin.on_user_login(&ada()), plugin.on_user_logout(&ada())] {
        let answer = answer.unwrap();
        assert_eq!((answer.code, answer.reply, answer.error), (0, None, None));
    }
    let lines: Vec<_> = folder.text().lines().map(without_time).collect();
    let expected = ["created", "login", "logout"].map(|event| {
        format!(r#","event":"user.{event}","user_id":"u1","username":"ada","provider_id":"github:42"}}"#)
    });
    assert_eq!(lines, expected);
}

#[test]
fn personal_members_are_there_only_where_they_are_asked_for() {
    for (include, rest) in [
        (json!(["email"]), r#","email":"ada@example.org"}"#),
        (json!(["name", "email"]), r#","name":"Ada\nLovelace","email":"ada@example.org"}"#),
    ] {
        let folder = Folder::new();
        let plugin = folder.try_plugin(&json!({"include": include})).unwrap();
        plugin.on_user_login(&ada()).unwrap();
        assert!(
            folder.text().ends_with(&format!(r#""provider_id":"github:42"{rest}{}"#, "\n")),
            "{}",
            folder.text()
        );
        assert!(!folder.text().contains("hunter2") && folder.text().lines().count() == 1);
    }
}

#[test]
fn members_that_a_user_does_not_have_are_left_out() {
    let folder = Folder::new();
    let plugin = folder.try_plugin(&json!({"include": ["name", "email"]})).unwrap();
    plugin.on_user_login(&json!({"id": "u1"})).unwrap();
    assert_eq!(without_time(folder.text().trim_end()), r#","event":"user.login","user_id":"u1"}"#);
}
