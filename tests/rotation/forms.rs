//! One key from the settings, in every form that it can be written in.

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use rsa::RsaPrivateKey;
use rsa::pkcs1::{EncodeRsaPrivateKey as _, EncodeRsaPublicKey as _};
use rsa::pkcs8::{EncodePrivateKey as _, EncodePublicKey as _, LineEnding};
use rsa::rand_core::OsRng;
use vestibule_test_support::{Program, ProgramBuilder};

fn builder() -> ProgramBuilder {
    Program::builder().setting("GITHUB_KEY", "id").setting("GITHUB_SECRET", "secret")
}

#[tokio::test]
async fn a_private_key_can_be_written_in_many_ways() {
    let key = RsaPrivateKey::new(&mut OsRng, 2048).unwrap();
    let pkcs1 = key.to_pkcs1_pem(LineEnding::LF).unwrap().to_string();
    let pkcs8 = key.to_pkcs8_pem(LineEnding::LF).unwrap().to_string();
    let public = key.to_public_key();
    let spki = public.to_public_key_pem(LineEnding::LF).unwrap();
    let public_pkcs1 = public.to_pkcs1_pem(LineEnding::LF).unwrap();
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(file.path(), &pkcs8).unwrap();
    let path = file.path().to_str().unwrap();
    let escaped = |text: &str| text.replace('\n', "\\n");
    for (what, program) in [
        ("PKCS#1", builder().setting("PRIVATE_KEY", &pkcs1)),
        ("PKCS#8", builder().setting("PRIVATE_KEY", &pkcs8)),
        ("CRLF", builder().setting("PRIVATE_KEY", &pkcs8.replace('\n', "\r\n"))),
        ("escapes", builder().setting("PRIVATE_KEY", &escaped(&pkcs1))),
        ("base64", builder().setting("PRIVATE_KEY", &BASE64_STANDARD.encode(&pkcs8))),
        ("a file", builder().setting("PRIVATE_KEY_FILE", path)),
        ("its public half", builder().setting("PRIVATE_KEY", &pkcs1).setting("PUBLIC_KEY", &spki)),
        (
            "its public half, PKCS#1",
            builder().setting("PRIVATE_KEY_FILE", path).setting("PUBLIC_KEY", &escaped(&public_pkcs1)),
        ),
    ] {
        let program = program.start().await;
        assert_eq!(program.client().get("/auth/public-key").await.body, spki, "{what}");
        assert!(!program.logs().contains(pkcs8.lines().nth(5).unwrap()), "{what}: the key is in the log");
    }
}

#[tokio::test]
async fn the_settings_file_takes_a_key_as_well_and_the_folder_is_not_looked_at() {
    let key = RsaPrivateKey::new(&mut OsRng, 2048).unwrap();
    let pkcs8 = key.to_pkcs8_pem(LineEnding::LF).unwrap();
    let program = builder().config(&format!("private_key = '''\n{}'''\n", pkcs8.as_str()));
    std::fs::create_dir(program.keys_dir()).unwrap();
    std::fs::write(program.keys_dir().join("rubbish.pem"), "this is no key").unwrap();
    let program = program.start().await;
    let spki = key.to_public_key().to_public_key_pem(LineEnding::LF).unwrap();
    assert_eq!(program.client().get("/auth/public-key").await.body, spki);
}

#[tokio::test]
async fn m1_a_key_of_the_settings_that_is_no_good_stops_the_start_and_is_not_shown() {
    let short =
        RsaPrivateKey::new(&mut OsRng, 1024).unwrap().to_pkcs8_pem(LineEnding::LF).unwrap().to_string();
    let good = RsaPrivateKey::new(&mut OsRng, 2048).unwrap();
    let other = RsaPrivateKey::new(&mut OsRng, 2048).unwrap().to_public_key();
    let other = other.to_public_key_pem(LineEnding::LF).unwrap();
    let good_public = good.to_public_key().to_public_key_pem(LineEnding::LF).unwrap();
    let good = good.to_pkcs8_pem(LineEnding::LF).unwrap().to_string();
    let private = |text: &str| builder().setting("PRIVATE_KEY", text);
    for (program, reason) in [
        (private(&short), "PRIVATE_KEY: private key: the key has 1024 bits, and at least 2048 are needed"),
        (
            private(&good.replace('\n', "\\\\n")),
            "PRIVATE_KEY: private key: its line breaks are written as \\\\n, with two backslashes",
        ),
        (private("hunter2-is-no-key"), "PRIVATE_KEY: private key: this is not a PEM text"),
        (private(&good[..good.len() / 2]), "PRIVATE_KEY: private key: this is not a PEM text"),
        (
            private(&good_public),
            "PRIVATE_KEY: private key: a private key is expected, and this is a public one",
        ),
        (private(&format!("{good}{good}")), "there is more than one PEM block"),
        (
            private(&good).setting("PUBLIC_KEY", &other),
            "public key: the public key does not belong to the private key",
        ),
        (
            private(&good).setting("PUBLIC_KEY", &good),
            "public key: a public key is expected, and this is a private one",
        ),
        (private(&good).setting("PUBLIC_KEY", "rubbish"), "public key: this is not a PEM text"),
        (builder().setting("PUBLIC_KEY", &other), "PUBLIC_KEY: it is given without PRIVATE_KEY"),
        (
            private(&good).setting("PRIVATE_KEY_FILE", "/dev/null"),
            "PRIVATE_KEY: given twice, also as PRIVATE_KEY_FILE",
        ),
        (
            builder().setting("PRIVATE_KEY_FILE", "/absent/key.pem"),
            "PRIVATE_KEY_FILE: /absent/key.pem: No such file",
        ),
    ] {
        let ended = program.try_start().await.expect_err(reason);
        assert_eq!(ended.status.code(), Some(1), "{}", ended.logs);
        assert!(ended.logs.contains(reason), "{reason:?} in {}", ended.logs);
        for secret in ["hunter2", good.lines().nth(5).unwrap(), short.lines().nth(5).unwrap()] {
            assert!(!ended.logs.contains(secret), "{}", ended.logs);
        }
    }
}
