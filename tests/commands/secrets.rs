//! Secrets: from files of their own, and never in what the program says.

use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt as _;

use super::{command, ready_to_start, with_github};

#[tokio::test]
async fn every_secret_can_stand_in_a_file_of_its_own() {
    let program = ready_to_start().await.without("GITHUB_SECRET").without("DATABASE_URL");
    let directory = program.directory().to_owned();
    let put = |name: &str, text: &str| {
        let file = directory.join(name);
        fs::write(&file, text).unwrap();
        fs::set_permissions(&file, Permissions::from_mode(0o600)).unwrap();
        file.to_str().unwrap().to_owned()
    };
    let database = format!("sqlite://{}\n", directory.join("from-a-file.db").display());
    let program = program
        .setting("GITHUB_SECRET_FILE", &put("github", "the secret\n"))
        .setting("DATABASE_URL_FILE", &put("database", &database))
        .config(&format!(
            "[providers.corp]\nissuer = \"https://id.example\"\nclient_id = \"id\"\nclient_secret_file = {:?}\n",
            put("corp", "another secret\n")
        ));
    let outcome = command(&program, &["config", "check"]).await;
    assert_eq!(outcome.status, Some(0), "{}", outcome.error);
    let _running = program.start().await;
    assert!(directory.join("from-a-file.db").exists());
}

/// `LOG_FILE` is what many call the file that they want the log in.
#[tokio::test]
async fn what_is_no_secret_has_no_file_of_its_own() {
    for name in ["LOG_FILE", "ALLOWED_ORIGINS_FILE"] {
        let program = ready_to_start().await.setting(name, "/absent/file");
        let outcome = command(&program, &["config", "check"]).await;
        assert_eq!(outcome.status, Some(0), "{name}: {}", outcome.error);
    }
}

#[tokio::test]
async fn a_secret_in_two_places_or_in_a_file_that_is_not_there_is_a_mistake() {
    for (name, program) in [
        ("GITHUB_SECRET", with_github().setting("GITHUB_SECRET_FILE", "/dev/null")),
        ("DATABASE_URL", with_github().setting("DATABASE_URL_FILE", "/dev/null")),
    ] {
        let outcome = command(&program, &["config", "check"]).await;
        assert_eq!(outcome.status, Some(1));
        let expected = format!("{name}: given twice, also as {name}_FILE");
        assert!(outcome.error.contains(&expected), "{expected} in {}", outcome.error);
    }
    let absent = with_github().without("GITHUB_SECRET").setting("GITHUB_SECRET_FILE", "/absent/secret");
    let outcome = command(&absent, &["config", "check"]).await;
    assert_eq!(outcome.status, Some(1));
    assert!(outcome.error.contains("GITHUB_SECRET_FILE: /absent/secret: No such file"), "{}", outcome.error);
}

#[tokio::test]
async fn n5_no_error_text_shows_a_secret() {
    for (name, value) in [
        ("DATABASE_URL", "postgres://vestibule:hunter2@db:notaport/vestibule"),
        ("DATABASE_URL", "postgres://vestibule:hunter2@/vestibule?sslmode=maybe"),
        ("DATABASE_URL", "mysql://vestibule:hunter2@db/vestibule"),
        ("DATABASE_URL", "hunter2"),
        ("PRIVATE_KEY", "hunter2"),
        ("PRIVATE_KEY", "-----BEGIN PRIVATE KEY-----\nhunter2\n-----END PRIVATE KEY-----\n"),
        ("GOOGLE_SECRET", "hunter2"),
    ] {
        let program = with_github().setting(name, value).setting("GITHUB_SECRET", "hunter2-too");
        for arguments in [&["config", "check"][..], &["migrate"], &["users", "list"], &["keys", "list"]] {
            let outcome = command(&program, arguments).await;
            let text = outcome.out + &outcome.error;
            assert!(!text.contains("hunter2"), "{name}={value}, {arguments:?}: {text}");
        }
        let ended = program.try_start().await.expect_err("it does not start");
        assert!(
            ended.logs.contains(name) && !ended.logs.contains("hunter2"),
            "{name}={value}: {}",
            ended.logs
        );
    }
}
