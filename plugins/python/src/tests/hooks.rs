//! Hooks, and what they may do to a user.

use vestibule_plugin_sdk::abi::{code, level};
use vestibule_plugin_sdk::testing::Answer;
use vestibule_plugin_sdk::{Value, json};

use super::stage::{Stage, patiently};

fn ada() -> Value {
    json!({
        "id": "u1", "name": "Ada", "email": "ada@example.org", "provider_id": "google:1",
        "avatar_url": "https://pictures.example.com/ada.png", "attributes": {"team": "red", "seen": 1},
        "later": {"than": "this plugin"},
    })
}

fn sign_in(stage: &Stage, user: &Value) -> Answer {
    patiently(|| stage.plugin.on_user_login(user).unwrap())
}

/// What the hook of this body replies about Ada.
fn reply_of(body: &str) -> Option<Value> {
    let stage = Stage::new(&format!("def on_user_login(user_info):\n    {body}\n"), json!({}));
    let answer = sign_in(&stage, &ada());
    assert_eq!(answer.code, code::OK, "{body}: {answer:?}");
    answer.reply
}

#[test]
fn a_user_has_the_form_that_dgp_oauth2_gave_it() {
    let source = "import datetime
def seen(user_info):
    shape = {key: type(value).__name__ for key, value in user_info.items()}
    user_info['attributes'] = {'shape': shape, 'user': {key: user_info[key] for key in ('id', 'name', 'email', 'later')}}
    user_info['attributes']['joined'] = str(user_info['join_date'])
on_new_user = on_user_login = on_user_logout = seen
";
    let stage = Stage::new(source, json!({}));
    let seen = |answer: Answer| answer.reply.unwrap()["attributes"].clone();
    let mut shape = json!({
        "id": "str", "provider_id": "str", "username": "NoneType", "name": "str", "email": "str", "avatar_url": "str",
        "join_date": "NoneType", "attributes": "dict", "later": "dict",
    });
    for answer in [sign_in(&stage, &ada()), patiently(|| stage.plugin.on_user_logout(&ada()).unwrap())] {
        let seen = seen(answer);
        assert_eq!(seen["shape"], shape);
        let user = json!({"id": "u1", "name": "Ada", "email": "ada@example.org", "later": ada()["later"]});
        assert_eq!(seen["user"], user);
    }
    shape["new"] = json!("bool");
    shape["join_date"] = json!("datetime");
    assert_eq!(seen(patiently(|| stage.plugin.on_new_user(&ada()).unwrap()))["shape"], shape);
    let mut joined = ada();
    joined["join_date"] = json!("2020-02-03T04:05:06Z");
    let stage = Stage::new(source, json!({"env": {"TZ": "UTC-2"}}));
    assert_eq!(seen(sign_in(&stage, &joined))["joined"], "2020-02-03 06:05:06");
}

#[test]
fn what_a_hook_changes_becomes_a_patch_of_just_that() {
    for (body, expected) in [
        ("return {'name': 'Eve'}", None),
        ("user_info['name'] = 'Ada'", None),
        ("user_info['name'] = 'Eve'", Some(json!({"name": "Eve"}))),
        ("user_info['attributes']['seen'] += 1", Some(json!({"attributes": {"seen": 2}}))),
        ("del user_info['attributes']['team']", Some(json!({"attributes": {"team": null}}))),
        (
            "user_info['attributes'].update(a={'b': [None]})",
            Some(json!({"attributes": {"a": {"b": [null]}}})),
        ),
        ("user_info['attributes']['seen'] = True", Some(json!({"attributes": {"seen": true}}))),
        ("user_info['avatar_url'] = None", Some(json!({"avatar_url": null}))),
        ("user_info.pop('name')", Some(json!({"name": null}))),
    ] {
        assert_eq!(reply_of(body), expected, "{body}");
    }
}

#[test]
fn other_keys_are_left_alone_and_the_log_names_them_once() {
    let source = "def on_user_login(user_info):
    user_info['id'] = 'root'
    user_info['email'] = 'root@example.org'
    user_info['name'] = 'Eve'
    user_info['team'] = 'blue'
    del user_info['username']
";
    let stage = Stage::new(source, json!({}));
    assert_eq!(sign_in(&stage, &ada()).reply, Some(json!({"name": "Eve"})));
    let text = "the module changed what an extension may not change";
    let lines: Vec<_> = stage.plugin.log().into_iter().filter(|line| line.1 == text).collect();
    let details: Value = lines[0].2.parse().unwrap();
    assert_eq!((lines.len(), lines[0].0), (1, level::WARN));
    assert_eq!(details, json!({"function": "on_user_login", "keys": ["id", "username", "email", "team"]}));
}

#[test]
fn a_function_that_the_module_lacks_wakes_nobody() {
    let source = "def on_user_logout(user_info): user_info['name'] = 'Eve'";
    let stage = Stage::new(source, json!({}));
    for answer in [stage.plugin.on_new_user(&ada()).unwrap(), stage.plugin.on_user_login(&ada()).unwrap()] {
        assert_eq!((answer.code, answer.reply, answer.error), (code::OK, None, None));
    }
    let answer = stage.plugin.get_permissions("billing", "u1").unwrap();
    assert_eq!(answer.code, code::FATAL);
    assert_eq!(answer.error.unwrap(), "the module `acme.access` has no function get_permissions");
}

#[test]
fn a_hook_that_raises_or_leaves_rubbish_fails_without_a_word_about_the_person() {
    for (body, said) in [
        ("raise ValueError('nobody is ' + user_info['email'])", "raised ValueError: nobody is (email)"),
        ("user_info['nobody'].clear()", "raised KeyError"),
        ("user_info.missing()", "raised AttributeError"),
        ("user_info['attributes']['at'] = object()", "cannot be used: Object of type object"),
        ("user_info['name'] = float('nan')", "cannot be used: Out of range"),
    ] {
        let stage = Stage::new(&format!("def on_user_login(user_info):\n    {body}\n"), json!({}));
        let answer = sign_in(&stage, &ada());
        assert_eq!((answer.code, answer.reply), (code::FATAL, None), "{body}");
        let error = answer.error.unwrap();
        assert!(error.contains(said), "{body}: {error}");
        let log = format!("{:?}", stage.plugin.log());
        assert!(!log.contains("ada@") && !error.contains("ada@"), "{error} {log}");
    }
}
