//! Libraries that are not fit to be loaded stop the start, which says which and why.

use std::fs;
use std::os::unix::fs::symlink;

use vestibule_test_support::{Program, ProgramBuilder, TestDatabase};

use super::granted;
use super::plugins::{PluginFolder, built_plugins};
use crate::world::World;

/// A program that would start, were it not for its plugins.
fn program(folder: &PluginFolder, config: &str) -> ProgramBuilder {
    Program::builder()
        .setting("GITHUB_KEY", "id")
        .setting("GITHUB_SECRET", "secret")
        .setting("ALLOWED_SERVICES", "billing:bad")
        .setting("PLUGIN_PATH", folder.directory().to_str().unwrap())
        .config(config)
}

/// A folder of one's own hides none of the plugins that come with the program.
#[tokio::test]
async fn the_plugins_of_the_program_are_found_behind_the_folders_that_are_named() {
    let folder = PluginFolder::new();
    folder.add_variant("own", &["FLAGS=1"]);
    let services = |text: &str| program(&folder, "").setting("ALLOWED_SERVICES", text);
    let both = services("billing:own;storage:sample-permissions");
    both.share_signing_key().await;
    let check = both.run(&["config", "check"]).await;
    assert_eq!(check.status.code(), Some(0), "{}", String::from_utf8_lossy(&check.stderr));
    fs::write(folder.file("sample-permissions"), "rubbish").unwrap();
    let check = both.run(&["config", "check"]).await;
    let told = String::from_utf8(check.stderr).unwrap();
    assert_eq!(check.status.code(), Some(1));
    assert!(told.contains(&*folder.file("sample-permissions").to_string_lossy()), "the first counts: {told}");
}

/// The start is refused, and so is the check of the settings, with the alias, the file and these reasons.
async fn assert_refused(program: ProgramBuilder, reasons: &[&str]) {
    assert!(program.run(&["keys", "generate"]).await.status.success());
    let check = program.run(&["config", "check"]).await;
    let ended = program.try_start().await.expect_err("it does not start");
    let words = [("serve", ended.logs), ("config check", String::from_utf8(check.stderr).unwrap())];
    for ((command, text), status) in words.iter().zip([ended.status, check.status]) {
        assert_eq!(status.code(), Some(1), "{command}: {text}");
        for reason in reasons.iter().chain(&["billing"]) {
            assert!(text.contains(reason), "{command}: {reason:?} in {text}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn e6_an_absent_library_is_named_with_the_folders_that_were_searched() {
    let folder = PluginFolder::new();
    let reason = format!("no libbad.so in {}", folder.directory().display());
    assert_refused(program(&folder, ""), &[&reason]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn e6_what_is_not_a_whole_library_is_refused() {
    let folder = PluginFolder::new();
    let whole = fs::read(built_plugins().join("libsample_permissions.so")).unwrap();
    let mut foreign = whole.clone();
    foreign[18] ^= 0x40;
    for (bytes, reason) in [
        (&b""[..], "is not a library that can be loaded"),
        (b"#!/bin/sh\nexit 0\n", "not an ELF file"),
        (&whole[..whole.len() / 2], "is not a library that can be loaded"),
        (&foreign, "another processor"),
    ] {
        folder.write("bad", bytes);
        assert_refused(program(&folder, ""), &[reason, "libbad.so"]).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn e6_a_library_that_is_no_plugin_of_this_version_is_refused() {
    for (define, reason) in [
        ("SYMBOL=another_name", "does not export vestibule_plugin_v1"),
        ("MAJOR=2", "version 2.0 of the plugin ABI; this program has 1.2"),
        ("SIZE=80", "too small"),
        ("NO_TABLE", "there is none"),
        ("NO_PERMISSIONS", "provides no permissions"),
    ] {
        let folder = PluginFolder::new();
        folder.add_variant("bad", &[define]);
        assert_refused(program(&folder, ""), &[reason, "libbad.so"]).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn e6_a_file_that_others_can_change_is_refused() {
    let folder = PluginFolder::new();
    folder.add_variant("bad", &[]);
    folder.set_mode("bad", 0o757);
    assert_refused(program(&folder, ""), &["may be written by its group or by everybody", "libbad.so"]).await;
    fs::rename(folder.file("bad"), folder.file("real")).unwrap();
    folder.set_mode("real", 0o755);
    symlink(folder.file("real"), folder.file("bad")).unwrap();
    assert_refused(program(&folder, ""), &["is a symbolic link", "libbad.so"]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn e6_a_pinned_library_must_be_the_one() {
    let folder = PluginFolder::new();
    folder.add_variant("bad", &[]);
    let config = format!("[plugin.billing]\nsha256 = \"{}\"\n", "07".repeat(32));
    assert_refused(program(&folder, &config), &["SHA-256", &"07".repeat(32), "libbad.so"]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn e3_a_plugin_that_cannot_be_made_stops_the_start_with_its_own_reason() {
    for (config, reason) in [
        ("fault = \"refuse\"", "the configured refusal"),
        ("fault = \"panic-in-create\"", "panicked while starting"),
        ("falt = \"none\"", "unknown field `falt`"),
    ] {
        let ended = Program::builder()
            .setting("GITHUB_KEY", "id")
            .setting("GITHUB_SECRET", "secret")
            .setting("ALLOWED_SERVICES", "billing:faulty-plugin")
            .config(&format!("[plugin.billing]\nconfig = {{ {config} }}\n"));
        assert!(ended.run(&["keys", "generate"]).await.status.success());
        let ended = ended.try_start().await.expect_err("it does not start");
        assert_eq!(ended.status.code(), Some(1), "{}", ended.logs);
        for part in [reason, "billing", "libfaulty_plugin.so"] {
            assert!(ended.logs.contains(part), "{part:?} in {}", ended.logs);
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn e6_overwriting_a_library_in_use_does_no_harm() {
    let folder = PluginFolder::new();
    folder.add_variant("good", &[]);
    let world = World::builder(TestDatabase::sqlite())
        .setting("PLUGIN_PATH", &folder.path())
        .setting("ALLOWED_SERVICES", "storage:good")
        .start()
        .await;
    let token = world.sign_in("google", "ada").await;
    let before = granted(&world, &token, "storage").await;
    fs::write(folder.file("good"), vec![0; 10]).unwrap();
    assert_eq!(granted(&world, &token, "storage").await, before);
}
