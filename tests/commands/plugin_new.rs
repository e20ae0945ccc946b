//! `vestibule plugin new`: what it writes works at once, and it never overwrites anything.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::process::{Command, Output};

use tempfile::TempDir;
use vestibule_test_support::Program;

use super::{Outcome, command};
use crate::authorize::plugins::built_plugins;
use crate::documents::markdown::repository;

async fn new(name: &str, folder: &Path) -> Outcome {
    command(&Program::builder(), &["plugin", "new", name, "--dir", folder.to_str().unwrap()]).await
}

fn entries(folder: &Path) -> Vec<String> {
    let entries = fs::read_dir(folder).unwrap();
    entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect()
}

/// Runs cargo in a folder, with nothing but what this workspace is built from.
async fn cargo(folder: &Path, arguments: &[&str]) -> Output {
    let mut cargo = Command::new(env!("CARGO"));
    cargo.args(arguments).arg("--offline").current_dir(folder);
    cargo.env("CARGO_TARGET_DIR", folder.join("target"));
    let output = tokio::task::spawn_blocking(move || cargo.output()).await.unwrap().unwrap();
    assert!(output.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
    output
}

#[tokio::test]
async fn a_new_plugin_is_built_passes_its_tests_and_can_be_loaded() {
    let folder = TempDir::new().unwrap();
    let outcome = new("my-acl", folder.path()).await;
    assert_eq!((outcome.status, outcome.error.as_str()), (Some(0), ""));
    assert!(outcome.out.contains("vestibule plugin inspect target/release/libmy_acl.so"), "{}", outcome.out);
    assert_eq!(entries(folder.path()), ["my-acl"]);
    let plugin = folder.path().join("my-acl");
    // The versions that are at hand; cargo takes out what the plugin does not need.
    fs::copy(repository().join("Cargo.lock"), plugin.join("Cargo.lock")).unwrap();

    let tests = cargo(&plugin, &["test"]).await;
    let tests = String::from_utf8(tests.stdout).unwrap();
    assert!(tests.contains("3 passed; 0 failed"), "{tests}");
    // With all features, since somebody will want them.
    cargo(
        &plugin,
        &[
            "check",
            "--features",
            "vestibule-plugin-sdk/log,vestibule-plugin-sdk/tracing,vestibule-plugin-sdk/rt",
        ],
    )
    .await;
    cargo(&plugin, &["build"]).await;
    let library = plugin.join("target/debug/libmy_acl.so");
    fs::set_permissions(&library, fs::Permissions::from_mode(0o755)).unwrap();
    let inspected = command(&Program::builder(), &["plugin", "inspect", library.to_str().unwrap()]).await;
    assert_eq!(inspected.status, Some(0), "{}", inspected.error);
    for part in [
        "name      my-acl\n",
        "version   0.1.0\n",
        "abi       1.0\n",
        "provides  get_permissions\n",
        "\"grants\"",
    ] {
        assert!(inspected.out.contains(part), "{part:?} in {}", inspected.out);
    }
}

#[tokio::test]
async fn a_new_plugin_brings_its_readme_and_needs_two_crates_of_the_registry() {
    let folder = TempDir::new().unwrap();
    assert_eq!(new("acl", folder.path()).await.status, Some(0));
    let plugin = folder.path().join("acl");
    let read = |file: &str| fs::read_to_string(plugin.join(file)).unwrap();
    let readme = read("README.md");
    for part in ["cargo test\n", "target/release/libacl.so\n", "allowed_services = \"billing:acl\""] {
        assert!(readme.contains(part), "{part:?} in {readme}");
    }
    assert_eq!(read(".gitignore"), "/target\n");
    for file in ["Cargo.toml", "README.md", "schema.json", "src/lib.rs"] {
        assert!(!read(file).contains("{{"), "{file}");
    }
    fs::copy(repository().join("Cargo.lock"), plugin.join("Cargo.lock")).unwrap();
    let tree =
        cargo(&plugin, &["tree", "--edges=normal", "--depth=3", "--prefix=none", "--format={p}"]).await;
    let tree = String::from_utf8(tree.stdout).unwrap();
    let names = tree.lines().filter_map(|line| line.split(' ').next());
    let mut names: Vec<_> = names.filter(|name| !["acl", ""].contains(name)).collect();
    names.sort_unstable();
    names.dedup();
    let allowed = |name: &&str| {
        ["itoa", "memchr", "serde", "serde_core", "serde_derive", "serde_json", "zmij"].contains(name)
            || ["proc-macro2", "quote", "syn"].contains(name)
            || name.starts_with("vestibule-plugin-")
    };
    assert!(names.iter().all(allowed), "{names:?}");
}

#[tokio::test]
async fn a_name_that_no_plugin_can_have_is_refused() {
    let folder = TempDir::new().unwrap();
    for name in ["", "Acl", "../acl", "a/b", "1acl", "a.b", "ä", &"a".repeat(33)] {
        let outcome = new(name, folder.path()).await;
        assert_eq!((outcome.status, outcome.out.as_str()), (Some(1), ""), "{name:?}");
        assert!(outcome.error.contains("a plugin's name has 1 to 32"), "{}", outcome.error);
    }
    for name in ["match", "serde-json", "test", "vestibule-plugin-sdk"] {
        let outcome = new(name, folder.path()).await;
        assert_eq!(outcome.status, Some(1), "{name:?}");
        assert!(outcome.error.contains("cannot have this name"), "{}", outcome.error);
    }
    assert_eq!(entries(folder.path()), Vec::<String>::new());
}

#[tokio::test]
async fn what_is_there_is_never_overwritten() {
    let folder = TempDir::new().unwrap();
    fs::create_dir(folder.path().join("full")).unwrap();
    fs::write(folder.path().join("full/notes"), "mine").unwrap();
    fs::write(folder.path().join("file"), "mine").unwrap();
    std::os::unix::fs::symlink("nowhere", folder.path().join("link")).unwrap();
    for name in ["full", "file", "link"] {
        let outcome = new(name, folder.path()).await;
        assert_eq!((outcome.status, outcome.out.as_str()), (Some(1), ""), "{name}");
        assert!(outcome.error.contains(&format!("/{name}: is there already")), "{}", outcome.error);
    }
    assert_eq!(entries(&folder.path().join("full")), ["notes"]);
    assert_eq!(entries(folder.path()).len(), 3);
    fs::create_dir(folder.path().join("empty")).unwrap();
    assert_eq!(new("empty", folder.path()).await.status, Some(0));
    assert!(folder.path().join("empty/src/lib.rs").is_file());
}

#[tokio::test]
async fn nothing_half_written_stays_behind() {
    let folder = TempDir::new().unwrap();
    let outcome = new("acl", &folder.path().join("absent")).await;
    assert_eq!(outcome.status, Some(1));
    assert!(outcome.error.contains("absent/acl: No such file"), "{}", outcome.error);
    // Files may have 512 or 1024 bytes, so that a few can be written and then one cannot.
    let limited = "trap '' XFSZ; ulimit -f 1; exec \"$0\" plugin new acl";
    let output = Command::new("sh")
        .args(["-c", limited])
        .arg(built_plugins().join("vestibule"))
        .current_dir(folder.path())
        .output();
    let outcome = Outcome::from(output.unwrap());
    assert_eq!((outcome.status, outcome.out.as_str()), (Some(1), ""));
    assert!(outcome.error.contains("./acl: File too large"), "{}", outcome.error);
    assert_eq!(entries(folder.path()), Vec::<String>::new());
}
