//! The module of `docs/plugins/python.md` does what the guide says.

use std::fs;

use serde_json::json;
use vestibule_test_support::{TestDatabase, eventually};

use crate::authorize::granted;
use crate::documents::markdown::Document;
use crate::world::World;

use super::{interpreter, said};

#[tokio::test(flavor = "multi_thread")]
async fn the_module_and_the_settings_of_the_guide_work() {
    let guide = Document::read("docs/plugins/python.md");
    let folder = tempfile::tempdir().unwrap();
    let package = folder.path().join("acme");
    fs::create_dir(&package).unwrap();
    fs::write(package.join("access.py"), guide.fence("python")).unwrap();
    let settings = guide.fence("toml").replace("/srv", folder.path().to_str().unwrap());
    let settings = settings.replace("/opt/venv/bin/python", interpreter());
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
