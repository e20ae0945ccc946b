//! Every interpreter that this machine has.

use std::env;
use std::path::{Path, PathBuf};
use std::process::Command;

use vestibule_plugin_sdk::{Value, json};

use super::stage::{Stage, patiently, python};

const SOURCE: &str = "import sys
def get_permissions(service, userid): return {'version': list(sys.version_info[:2]), 'who': userid}
def on_user_login(user_info):
    user_info['attributes']['team'] = 'blue'
    user_info['id'] = 'root'
";

#[test]
fn every_interpreter_of_this_machine_runs_a_module() {
    let all = interpreters();
    assert!(!all.is_empty());
    for (interpreter, version) in all {
        let stage = Stage::new(SOURCE, json!({"python": interpreter}));
        let expected = json!({"version": version, "who": "u1"});
        assert_eq!(stage.reply("billing"), expected, "{}", interpreter.display());
        let user = json!({"id": "u1", "attributes": {}});
        let answer = patiently(|| stage.plugin.on_user_login(&user).unwrap());
        assert_eq!(answer.reply, Some(json!({"attributes": {"team": "blue"}})), "{}", interpreter.display());
    }
}

/// Interpreters of `CPython` 3.6 or later and their versions, each once.
fn interpreters() -> Vec<(PathBuf, Value)> {
    let home = env::var_os("HOME").map(PathBuf::from).unwrap_or_default();
    let mut places: Vec<PathBuf> =
        files(&home.join(".pyenv/versions")).iter().map(|place| place.join("bin/python3")).collect();
    places.extend(
        ["/usr/bin", "/usr/local/bin"]
            .iter()
            .flat_map(|folder| files(Path::new(folder)))
            .filter(|place| is_python(place)),
    );
    places.push(PathBuf::from(python()));
    let mut found: Vec<_> = places.into_iter().filter_map(|place| Some((version(&place)?, place))).collect();
    found.sort_by_key(|(version, place)| (version.to_string(), place.clone()));
    found.dedup_by_key(|(version, _)| version.to_string());
    found.into_iter().map(|(version, place)| (place, version)).collect()
}

fn files(folder: &Path) -> Vec<PathBuf> {
    let entries = folder.read_dir().into_iter().flatten().flatten();
    entries.map(|entry| entry.path()).collect()
}

fn is_python(place: &Path) -> bool {
    let name = place.file_name().unwrap_or_default().to_string_lossy();
    name.strip_prefix("python3.").is_some_and(|minor| minor.bytes().all(|digit| digit.is_ascii_digit()))
}

fn version(interpreter: &Path) -> Option<Value> {
    let print =
        "import sys; print(list(sys.version_info[:2])) if sys.version_info >= (3, 6) else sys.exit(1)";
    let output = Command::new(interpreter).args(["-c", print]).output().ok()?;
    let printed = output.status.success().then(|| String::from_utf8(output.stdout).ok())??;
    printed.parse().ok()
}
