use super::*;
use serde_json::json;

fn config(value: &Value) -> PluginConfig {
    PluginConfig::new(value.as_object().unwrap().clone())
}

fn environment(name: &str) -> Option<String> {
    (name == "DB_PASSWORD").then(|| "hunter2".to_owned())
}

fn write_secret(file: &Path, text: &str) {
    std::fs::write(file, text).unwrap();
    set_mode(file, 0o600);
}

fn set_mode(file: &Path, mode: u32) {
    std::fs::set_permissions(file, std::os::unix::fs::PermissionsExt::from_mode(mode)).unwrap();
}

#[test]
fn m6_a_secret_that_others_may_read_is_refused_by_its_place() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("secret");
    write_secret(&file, "hunter2");
    set_mode(&file, 0o644);
    let error = config(&json!({"a": {"$file": file}})).resolve(&environment).err().unwrap().to_string();
    assert!(error.starts_with("/a: ") && error.contains("(mode 0644)"), "{error}");
}

#[test]
fn references_are_replaced_wherever_they_are() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("secret");
    write_secret(&file, "from a file\r\n");
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
fn what_is_around_a_value_is_no_part_of_it_in_the_environment_and_in_a_file() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("secret");
    let config = config(&json!({"file": {"$file": file}, "variable": {"$env": "X"}}));
    for (written, value) in
        [("a\n", "a"), (" a \r\n\n", "a"), ("\u{feff}a", "a"), ("a\nb\n", "a\nb"), ("\n", "")]
    {
        write_secret(&file, written);
        let resolved = config.resolve(&|_: &str| Some(written.to_owned())).ok().unwrap();
        assert_eq!(Value::Object(resolved.as_object().clone()), json!({"file": value, "variable": value}));
    }
}

#[test]
fn a_secret_file_is_read_anew_each_time() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("secret");
    let config = config(&json!({"secret": {"$file": file}}));
    for secret in ["one", "two"] {
        write_secret(&file, secret);
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
    write_secret(&file, &"x".repeat(65 * 1024));
    let error = config(&json!({"a": {"$file": file}})).resolve(&environment).err().unwrap();
    assert!(error.to_string().ends_with("is longer than 64 KiB"), "{error}");
    let deep = (0..40).fold(json!(1), |inner, _| json!({"x": inner}));
    assert!(matches!(config(&deep).resolve(&environment), Err(ConfigFault::TooDeep(_))));
}

#[test]
fn n5_a_configuration_is_not_shown() {
    assert_eq!(format!("{:?}", config(&json!({"password": "hunter2"}))), "PluginConfig(1 members)");
}
