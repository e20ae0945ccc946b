//! The plugin through its table, on real files.

mod files;
mod lines;
mod rotation;
mod schema;

use std::fs;
use std::path::{Path, PathBuf};

use tempfile::TempDir;
use vestibule_plugin_sdk::testing::{Answer, Harness};
use vestibule_plugin_sdk::{Value, json};

use crate::AuditLog;

/// A folder for one test.
struct Folder(TempDir);

impl Folder {
    fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    fn file(&self) -> PathBuf {
        self.path().join("audit.jsonl")
    }

    fn path(&self) -> &Path {
        self.0.path()
    }

    /// An instance that writes here, with more of a configuration.
    fn try_plugin(&self, more: &Value) -> Result<Harness<AuditLog>, Answer> {
        let mut config = json!({"file": self.file()});
        config.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        Harness::new(&config)
    }

    fn plugin(&self) -> Harness<AuditLog> {
        self.try_plugin(&json!({})).unwrap()
    }

    fn text(&self) -> String {
        fs::read_to_string(self.file()).unwrap()
    }
}

fn sign_in(plugin: &Harness<AuditLog>, user_id: &str) -> Answer {
    plugin.on_user_login(&json!({"id": user_id})).unwrap()
}

/// The users in a file, in order; every line must be whole.
fn users(path: &Path) -> Vec<String> {
    let text = fs::read_to_string(path).unwrap();
    assert!(text.is_empty() || text.ends_with('\n'));
    let lines = text.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
    lines.map(|line| line["user_id"].as_str().unwrap().to_owned()).collect()
}
