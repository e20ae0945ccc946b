//! The module of `docs/plugins/python.md` does what the guide says.

use std::fs;

use serde_json::json;
use tempfile::TempDir;
use vestibule_test_support::{Program, TestDatabase, eventually};

use crate::authorize::granted;
use crate::documents::markdown::Document;
use crate::world::World;

use super::{interpreter, said};

/// The first block of this language: what the guide begins with.
fn first(guide: &Document, language: &str) -> String {
    guide.fences().into_iter().find(|fence| fence.language == language).unwrap().code
}

/// A folder with the module of the guide, and its settings for that folder and the interpreter of the tests.
fn followed(guide: &Document) -> (TempDir, String) {
    let folder = tempfile::tempdir().unwrap();
    let package = folder.path().join("acme");
    fs::create_dir(&package).unwrap();
    fs::write(package.join("access.py"), first(guide, "python")).unwrap();
    let settings = first(guide, "toml").replace("/srv", folder.path().to_str().unwrap());
    let settings = settings.replace("/opt/venv/bin/python", interpreter());
    (folder, settings)
}

#[tokio::test(flavor = "multi_thread")]
async fn the_module_and_the_settings_of_the_guide_work() {
    let guide = Document::read("docs/plugins/python.md");
    let (_folder, settings) = followed(&guide);
    let world = World::builder(TestDatabase::sqlite())
        .without("ALLOWED_SERVICES")
        .without("INSTALLED_EXTENSIONS")
        .setting("LOG_FORMAT", "json")
        .config(&settings)
        .start()
        .await;
    let token = world.sign_in("google", "ada").await;
    assert_eq!(
        granted(&world, &token, "billing").await["permissions"],
        json!({"read": true, "admin": false})
    );
    let told =
        async || said(&world).iter().any(|line| line.0 == "welcome" && line.2.starts_with("a new user: "));
    eventually("what the module prints", told).await;
}

/// The command stands behind the settings of the guide alone, so it must need no others.
#[tokio::test(flavor = "multi_thread")]
async fn the_command_of_the_guide_starts_the_service_with_no_other_settings() {
    let guide = Document::read("docs/plugins/python.md");
    let command = guide.fences().into_iter().find(|fence| fence.code.starts_with("vestibule ")).unwrap();
    let arguments: Vec<_> = command.code.split_whitespace().skip(1).map(str::to_owned).collect();
    assert_eq!(arguments.first().map(String::as_str), Some("serve"));
    let (_folder, settings) = followed(&guide);
    let program = Program::builder().without("EXTERNAL_ADDRESS").without("DATABASE_URL").config(&settings);
    let program =
        arguments.into_iter().skip(1).fold(program, |program, argument| program.argument(&argument));
    let program = program.start().await;
    assert_eq!(program.client().get("/readyz").await.status, 200, "{}", program.logs());
}
