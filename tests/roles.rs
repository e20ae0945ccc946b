//! The plugin `roles`: who has which permissions, by rules in a file and by roles in the database, and why.

mod assignments;
mod explanations;
mod file;
mod rules;

use std::fs;
use std::path::{Path, PathBuf};

use serde_json::Value;
use tempfile::TempDir;
use vestibule_test_support::TestDatabase;

use crate::authorize::granted;
use crate::world::{World, WorldBuilder};

/// A file of rules that a test changes while the service runs.
struct RulesFile(TempDir);

impl RulesFile {
    fn new(text: &str) -> Self {
        let file = Self(tempfile::tempdir().unwrap());
        file.write(text);
        file
    }

    fn path(&self) -> PathBuf {
        self.0.path().join("roles.toml")
    }

    /// Puts another file in the place of the old one, as an editor does.
    fn write(&self, text: &str) {
        let next = self.0.path().join("next");
        fs::write(&next, text).unwrap();
        fs::rename(next, self.path()).unwrap();
    }
}

/// A world whose services `storage` and `reports` are answered by the plugin, with the rules of this file, and whose
/// providers tell of organizations, and of groups.
fn with_rules(database: TestDatabase, file: &Path) -> WorldBuilder {
    let config = |service: &str| format!("[plugin.{service}]\nconfig = {{ file = \"{}\" }}", file.display());
    World::builder(database)
        .setting("ALLOWED_SERVICES", "storage:roles;reports:roles;plain:sample-permissions")
        .setting("GITHUB_ORGANIZATIONS", "on")
        .setting("GOOGLE_CLAIMS", "groups;hd")
        .config(&config("storage"))
        .config(&config("reports"))
}

/// What a person may do at a service.
async fn permissions(world: &World, token: &str, service: &str) -> Value {
    granted(world, token, service).await["permissions"].clone()
}

/// The id of whoever holds a token.
async fn id_of(world: &World, token: &str) -> String {
    world.profile(token).await["id"].as_str().unwrap().to_owned()
}

/// A command of the program: status, what it said, and what it complained about.
async fn command(world: &World, arguments: &[&str]) -> (Option<i32>, String, String) {
    let output = world.program.run(arguments).await;
    let text = |bytes| String::from_utf8(bytes).unwrap();
    (output.status.code(), text(output.stdout), text(output.stderr))
}

/// What a command said that succeeds.
async fn told(world: &World, arguments: &[&str]) -> String {
    let (status, out, error) = command(world, arguments).await;
    assert_eq!((status, error.as_str()), (Some(0), ""), "{arguments:?}");
    out
}
