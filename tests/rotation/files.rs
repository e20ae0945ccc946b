//! A folder of keys with something wrong in it stops the start.

use std::fs;
use std::os::unix::fs::{PermissionsExt as _, symlink};
use std::path::{Path, PathBuf};
use std::sync::OnceLock;

use rsa::RsaPrivateKey;
use rsa::pkcs8::{EncodePrivateKey as _, EncodePublicKey as _, LineEnding};
use rsa::rand_core::OsRng;
use vestibule_test_support::Program;

/// Starts on a folder with one good key, after something was done to it; what the program says when it does not run.
async fn refused_after(spoil: impl FnOnce(&Path, PathBuf)) -> String {
    let program = Program::builder().setting("GITHUB_KEY", "id").setting("GITHUB_SECRET", "secret");
    let keys_dir = program.keys_dir();
    fs::create_dir(&keys_dir).unwrap();
    write(&keys_dir, "good.pem", good_key(), 0o600);
    spoil(&keys_dir, keys_dir.join("good.pem"));
    let check = program.run(&["config", "check"]).await;
    assert_eq!(check.status.code(), Some(1), "config check says no as well");
    let ended = program.try_start().await.expect_err("it does not start");
    assert_eq!(ended.status.code(), Some(1), "{}", ended.logs);
    ended.logs
}

/// A key that could be used, made once.
fn good_key() -> &'static str {
    static KEY: OnceLock<String> = OnceLock::new();
    KEY.get_or_init(|| {
        let key = RsaPrivateKey::new(&mut OsRng, 2048).unwrap();
        key.to_pkcs8_pem(LineEnding::LF).unwrap().to_string()
    })
}

fn write(dir: &Path, name: &str, text: &str, mode: u32) {
    fs::write(dir.join(name), text).unwrap();
    fs::set_permissions(dir.join(name), fs::Permissions::from_mode(mode)).unwrap();
}

#[track_caller]
fn assert_says(logs: &str, parts: &[&str]) {
    for part in parts {
        assert!(logs.contains(part), "{part:?} in {logs}");
    }
}

#[tokio::test]
async fn m1_a_private_key_that_others_may_read_stops_the_start() {
    for mode in [0o644, 0o640, 0o660, 0o604] {
        let logs =
            refused_after(|_, good| fs::set_permissions(good, fs::Permissions::from_mode(mode)).unwrap())
                .await;
        assert_says(&logs, &[".pem", &format!("its mode is {mode:04o}"), "use 0600"]);
    }
}

#[tokio::test]
async fn m1_a_key_that_is_too_short_stops_the_start() {
    let short = RsaPrivateKey::new(&mut OsRng, 1024).unwrap().to_pkcs8_pem(LineEnding::LF).unwrap();
    let logs = refused_after(|dir, _| write(dir, "short.pem", &short, 0o600)).await;
    assert_says(&logs, &["short.pem", "the key has 1024 bits, and at least 2048 are needed"]);
}

#[tokio::test]
async fn m1_a_file_that_is_no_key_stops_the_start() {
    let block = |label: &str| format!("-----BEGIN {label}-----\nAAECAwQF\n-----END {label}-----\n");
    for (text, reason) in [
        (String::new(), "this is not a PEM text"),
        ("garbage".to_owned(), "this is not a PEM text"),
        (block("CERTIFICATE"), "the PEM block is not a key"),
        (block("EC PRIVATE KEY"), "the key is not an RSA key"),
        (block("ENCRYPTED PRIVATE KEY"), "the key is encrypted"),
        (block("PRIVATE KEY"), "the key is malformed"),
        (block("RSA PRIVATE KEY"), "the key is malformed"),
    ] {
        let logs = refused_after(|dir, _| write(dir, "odd.pem", &text, 0o600)).await;
        assert_says(&logs, &["odd.pem", reason]);
    }
}

#[tokio::test]
async fn m1_a_link_or_a_public_key_that_others_may_write_stops_the_start() {
    let logs = refused_after(|dir, good| {
        let elsewhere = dir.parent().unwrap().join("elsewhere.pem");
        fs::rename(&good, &elsewhere).unwrap();
        symlink(elsewhere, good).unwrap();
    })
    .await;
    assert_says(&logs, &["it is a symbolic link"]);
    let public = RsaPrivateKey::new(&mut OsRng, 2048).unwrap().to_public_key();
    let public = public.to_public_key_pem(LineEnding::LF).unwrap();
    let logs = refused_after(|dir, _| write(dir, "planted.pem", &public, 0o666)).await;
    assert_says(&logs, &["planted.pem", "its mode is 0666"]);
}

#[tokio::test]
async fn m1_without_a_key_there_is_no_start_and_none_is_made_in_silence() {
    for remove_folder in [false, true] {
        let logs = refused_after(|dir, good| {
            fs::remove_file(good).unwrap();
            if remove_folder {
                fs::remove_dir(dir).unwrap();
            }
        })
        .await;
        assert_says(&logs, &["there is no key in ", "run `vestibule keys generate`, or set PRIVATE_KEY"]);
    }
}
