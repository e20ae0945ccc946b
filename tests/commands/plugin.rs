//! `vestibule plugin inspect`.

use vestibule_test_support::Program;

use super::{Outcome, command};
use crate::authorize::plugins::{PluginFolder, built_plugins};
use crate::backups::path_with_program;
use crate::documents::markdown::Document;

async fn inspect(file: &std::path::Path) -> Outcome {
    command(&Program::builder(), &["plugin", "inspect", file.to_str().unwrap()]).await
}

#[tokio::test]
async fn a_plugin_is_described_with_what_it_provides_and_takes() {
    let file = built_plugins().join("libsample_permissions.so");
    let outcome = inspect(&file).await;
    assert_eq!((outcome.status, outcome.error.as_str()), (Some(0), ""));
    for part in [
        "name      sample-permissions\n",
        "version   0.1.0\n",
        "abi       1.0\n",
        "provides  get_permissions\n",
        "build     rustc ",
        &format!("file      {}\n", file.display()),
        "sha256    ",
        "\"granted\"",
    ] {
        assert!(outcome.out.contains(part), "{part:?} in {}", outcome.out);
    }
    let handler = inspect(&built_plugins().join("libsample_tokens.so")).await;
    assert!(handler.out.contains("abi       1.2\nprovides  resolve_token\n"), "{}", handler.out);
    let extension = inspect(&built_plugins().join("libsample_extension.so")).await;
    assert!(
        extension.out.contains("provides  on_new_user, on_user_login, on_user_logout\n"),
        "{}",
        extension.out
    );
}

#[tokio::test]
async fn a_plugin_in_c_is_described_and_cannot_garble_the_terminal() {
    let folder = PluginFolder::new();
    folder.add_variant("variant", &["FLAGS=1"]);
    let outcome = inspect(&folder.file("variant")).await;
    assert_eq!(outcome.status, Some(0), "{}", outcome.error);
    assert!(
        outcome.out.contains("version   1\\n2\n"),
        "a line end in a version is shown as such: {}",
        outcome.out
    );
    assert!(outcome.out.contains("one at a time"), "{}", outcome.out);
}

#[tokio::test]
async fn what_is_no_plugin_is_refused_with_file_and_reason() {
    let folder = PluginFolder::new();
    folder.write("garbage", b"\x7fELF and then nothing of the kind");
    folder.add_variant("foreign", &["SYMBOL=another_name"]);
    std::fs::create_dir(folder.file("folder")).unwrap();
    for (name, reason) in [
        ("garbage", "is not a library that can be loaded"),
        ("foreign", "does not export vestibule_plugin_v1"),
        ("folder", "is not a regular file"),
        ("absent", "No such file"),
    ] {
        let outcome = inspect(&folder.file(name)).await;
        assert_eq!((outcome.status, outcome.out.as_str()), (Some(1), ""), "{name}");
        let file = folder.file(name);
        assert!(
            outcome.error.contains(reason) && outcome.error.contains(file.to_str().unwrap()),
            "{}",
            outcome.error
        );
    }
}

/// Far from this repository, with nothing but the program and a compiler.
#[test]
fn the_commands_of_the_guide_for_c_work_anywhere() {
    let guide = Document::read("docs/plugins/c.md");
    let folder = tempfile::tempdir().unwrap();
    let code = |language: &str| -> Vec<String> {
        let fences = guide.fences().into_iter().filter(|fence| fence.language == language);
        fences.map(|fence| fence.code).collect()
    };
    std::fs::write(folder.path().join("hello.c"), &code("c")[0]).unwrap();
    let home = folder.path().join("plugins");
    std::fs::create_dir(&home).unwrap();
    let script = code("sh").concat().replace("/usr/local/lib/vestibule/plugins", home.to_str().unwrap());
    let output = std::process::Command::new("bash")
        .args(["-c", &format!("set -euo pipefail\numask 022\n{script}")])
        .current_dir(folder.path())
        .env("PATH", path_with_program())
        .output()
        .unwrap();
    let (out, error) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success(), "{out}{error}");
    assert!(out.contains("name      hello\n") && home.join("libhello.so").exists(), "{out}");
}
