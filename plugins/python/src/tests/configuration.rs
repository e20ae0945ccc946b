//! Configurations that are refused, and starts that fail.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;

use vestibule_plugin_sdk::abi::{code, level};
use vestibule_plugin_sdk::testing::Harness;
use vestibule_plugin_sdk::{Value, json};

use super::stage::{Stage, config};
use crate::Python;

const WORKS: &str = "def get_permissions(service, userid): return {}";

fn refusal(source: &str, with: &Value) -> String {
    let refused = Stage::try_new(source, with.clone()).err().unwrap_or_else(|| panic!("accepted: {with}"));
    assert_eq!(refused.code, code::FATAL);
    refused.error.unwrap()
}

#[test]
fn a_configuration_that_makes_no_sense_is_refused_by_the_name_of_the_key() {
    for (with, key) in [
        (json!({"module": ""}), "`module`"),
        (json!({"module": "acme..x"}), "`module`"),
        (json!({"module": "/srv/acme.py"}), "`module`"),
        (json!({"module": "access.py"}), "`module`"),
        (json!({"path": ["acme"]}), "`path`"),
        (json!({"path": ["/no/such/folder"]}), "`path`"),
        (json!({"python": "bin/python"}), "`python`"),
        (json!({"python": ""}), "`python`"),
        (json!({"workers": 0}), "`workers`"),
        (json!({"workers": 65}), "`workers`"),
        (json!({"env": {"A=B": "x"}}), "`env`"),
        (json!({"env": {"": "x"}}), "`env`"),
        (json!({"env": {"A": "hunter2\0"}}), "`env`"),
        (json!({"env": {"A": 7}}), "integer `7`"),
        (json!({"retry_on": [""]}), "`retry_on`"),
        (json!({"start_timeout": "soon"}), "`start_timeout`"),
        (json!({"start_timeout": "0s"}), "`start_timeout`"),
        (json!({"start_timeout": "1000y"}), "`start_timeout`"),
        (json!({"modul": "x"}), "`modul`"),
    ] {
        let error = refusal(WORKS, &with);
        assert!(error.contains(key) && !error.contains("hunter2"), "{with}: {error}");
    }
    assert!(Harness::<Python>::new(&json!({})).is_err(), "there is no module by default");
}

#[test]
fn m6_a_module_or_an_interpreter_that_others_may_write_is_refused_by_its_name() {
    let folder = tempfile::tempdir().unwrap();
    let place = |name: &str, mode: u32| {
        let file = folder.path().join(name);
        fs::create_dir_all(file.parent().unwrap()).unwrap();
        fs::write(&file, WORKS).unwrap();
        fs::set_permissions(&file, fs::Permissions::from_mode(mode)).unwrap();
        file
    };
    let refused = |module: &str, python: &str| {
        let with = json!({"module": module, "path": [folder.path()], "python": python});
        Harness::<Python>::new(&with).err().unwrap().error.unwrap()
    };
    place("open.py", 0o666);
    place("package/__init__.py", 0o666);
    place("package/access.py", 0o644);
    place("outer/access.py", 0o646);
    for (module, file) in [
        ("open", "open.py"),
        ("package", "package/__init__.py"),
        ("package.access", "package/__init__.py"),
        ("outer.access", "outer/access.py"),
    ] {
        let error = refused(module, "python3");
        assert!(error.contains("`module`") && error.contains(file), "{module}: {error}");
    }
    place("fine.py", 0o644);
    let interpreter = place("interpreter", 0o757);
    let error = refused("fine", interpreter.to_str().unwrap());
    assert!(error.contains("`python`") && error.contains("interpreter"), "{error}");
}

#[test]
fn a_module_that_does_not_import_stops_the_start_and_says_why() {
    for (source, said) in [
        ("import nowhere", "ModuleNotFoundError: No module named 'nowhere'"),
        ("def broken(:", "SyntaxError: invalid syntax (access.py, line 1)"),
        ("def connect():\n    raise ConnectionError('refused')\nconnect()", "ConnectionError: refused"),
        ("import sys\nsys.exit(2)", "SystemExit: 2"),
    ] {
        let error = refusal(source, &json!({"env": {"TOKEN": "hunter2"}}));
        assert!(error.starts_with("the import raised "), "{error}");
        assert!(error.contains(said) && !error.contains("hunter2"), "{error}");
    }
    let error = refusal("def connect():\n    raise OSError('x')\nconnect()", &json!({}));
    assert!(error.ends_with("acme/access.py:2 in connect)"), "the last frame: {error}");
}

#[test]
fn a_module_without_any_of_the_functions_stops_the_start() {
    let error =
        refusal("get_permissions = 'a text'\ndef get_permission(service, userid): return {}", &json!({}));
    assert_eq!(
        error,
        "the module `acme.access` has none of the functions that are called: get_permissions, on_new_user, \
         on_user_login, on_user_logout, resolve_token"
    );
}

#[test]
fn an_interpreter_that_is_none_stops_the_start() {
    let folder = tempfile::tempdir().unwrap();
    let script = |name: &str, text: &str| {
        let file = folder.path().join(name);
        fs::write(&file, text).unwrap();
        fs::set_permissions(&file, fs::Permissions::from_mode(0o755)).unwrap();
        file
    };
    for (python, said) in [
        (json!("/no/such/python"), "the interpreter cannot be run: No such file"),
        (json!("no-such-python-anywhere"), "the interpreter cannot be run: No such file"),
        (json!(folder.path()), "the interpreter cannot be run: Permission denied"),
        (json!(script("ends", "#!/bin/sh\nexit 9\n")), "the worker ended in its start: exit status: 9"),
        (
            json!(script("echoes", "#!/bin/sh\necho hello >&0\nsleep 1000\n")),
            "the worker said something that is no answer",
        ),
    ] {
        let error = refusal(WORKS, &json!({"python": python}));
        assert!(error.contains(said), "{python}: {error}");
    }
    let silent = script("silent", "#!/bin/sh\nsleep 1000\n");
    let error = refusal(WORKS, &json!({"python": silent, "start_timeout": "300ms"}));
    assert!(error.contains("its start did not answer in time"), "{error}");
    let error = refusal("import time\ntime.sleep(1000)", &json!({"start_timeout": "300ms"}));
    assert!(error.contains("its start did not answer in time"), "{error}");
}

#[test]
fn the_interpreter_may_be_found_in_the_path() {
    let stage = Stage::new(WORKS, json!({"python": "python3"}));
    assert_eq!(stage.reply("billing"), json!({}));
    assert!(stage.log_has(level::INFO, "the module is imported"));
}

#[test]
fn the_schema_has_every_key_and_a_description_of_each() {
    let schema: Value = include_str!("../../schema.json").parse().unwrap();
    assert_eq!(schema["title"], "python");
    let properties = schema["properties"].as_object().unwrap();
    assert!(properties.values().all(|property| property["description"].is_string()));
    let folder = tempfile::tempdir().unwrap();
    super::stage::write_module(folder.path(), WORKS);
    let defaults = properties
        .iter()
        .filter_map(|(name, property)| Some((name.clone(), property.get("default")?.clone())));
    let mut all = config(folder.path(), Value::Object(defaults.collect()));
    all["path"] = json!([folder.path()]);
    all["start_timeout"] = json!("2m");
    let used: Vec<_> = all.as_object().unwrap().keys().collect();
    assert_eq!(used, properties.keys().collect::<Vec<_>>());
    assert!(Harness::<Python>::new(&all).is_ok(), "the defaults of the schema are accepted");
}
