use super::*;
use serde_json::json;

fn config(value: &Value) -> PluginConfig {
    PluginConfig::new(value.as_object().unwrap().clone())
}

fn environment(name: &str) -> Option<String> {
    (name == "DB_PASSWORD").then(|| "hunter2".to_owned())
}

#[test]
fn references_are_replaced_wherever_they_are() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("secret");
    std::fs::write(&file, "from a file\r\n").unwrap();
    let config = config(&json!({
        "plain": 1,
        "password": {"$env": "DB_PASSWORD"},
        "list": [{"deep": {"$file": file}}],
    }));
    let expected = json!({"plain": 1, "password": "hunter2", "list": [{"deep": "from a file"}]});
    let resolved = config.resolve(&environment).ok().unwrap();
    assert_eq!(Value::Object(resolved.as_object().clone()), expected);
    assert_eq!(serde_json::from_str::<Value>(&resolved.to_json()).unwrap(), expected);
}

#[test]
fn a_secret_file_is_read_anew_each_time() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("secret");
    let config = config(&json!({"secret": {"$file": file}}));
    for secret in ["one", "two"] {
        std::fs::write(&file, secret).unwrap();
        assert_eq!(config.resolve(&environment).ok().unwrap().as_object()["secret"], secret);
    }
}

#[test]
fn what_cannot_be_replaced_is_named_by_its_place() {
    for (value, expected) in [
        (json!({"a": [{"$env": "ABSENT"}]}), "/a/0: the environment has no variable ABSENT"),
        (json!({"a": {"$file": "/nowhere/at/all"}}), "/a: /nowhere/at/all: "),
        (json!({"a": {"$env": "DB_PASSWORD", "b": 1}}), "/a: a reference has the one member"),
        (json!({"a": {"$env": 1}}), "/a: a reference has the one member"),
        (json!({"a": {"$enw": "DB_PASSWORD"}}), "/a: a reference has the one member"),
    ] {
        let error = config(&value).resolve(&environment).err().unwrap().to_string();
        assert!(error.starts_with(expected), "{error}");
        assert!(!error.contains("hunter2"));
    }
}

#[test]
fn a_large_file_and_a_deep_object_are_refused() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("secret");
    std::fs::write(&file, vec![b'x'; 65 * 1024]).unwrap();
    let error = config(&json!({"a": {"$file": file}})).resolve(&environment).err().unwrap();
    assert!(error.to_string().ends_with("is longer than 64 KiB"), "{error}");
    let deep = (0..40).fold(json!(1), |inner, _| json!({"x": inner}));
    assert!(matches!(config(&deep).resolve(&environment), Err(ConfigFault::TooDeep(_))));
}

#[test]
fn n5_a_configuration_is_not_shown() {
    assert_eq!(format!("{:?}", config(&json!({"password": "hunter2"}))), "PluginConfig(1 members)");
}
