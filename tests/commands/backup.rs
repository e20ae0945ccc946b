//! `vestibule backup`.

use std::fs;

use vestibule_test_support::TestDatabase;

use super::{command, ready_to_start};

#[tokio::test(flavor = "multi_thread")]
async fn a_copy_is_made_beside_a_service_that_runs_and_another_service_begins_with_it() {
    let database = TestDatabase::sqlite();
    let copy = database.file().unwrap().with_file_name("copy.db");
    let name = copy.to_str().unwrap();
    let program = ready_to_start().await.setting("DATABASE_URL", database.url());
    let program = program.start().await;
    let outcome: super::Outcome = program.run(&["backup", name]).await.into();
    let told = format!("{}: copied to {name}\n", database.url());
    assert_eq!((outcome.status, outcome.out, outcome.error.as_str()), (Some(0), told, ""));

    let copied = fs::read(&copy).unwrap();
    let again: super::Outcome = program.run(&["backup", name]).await.into();
    let refused = format!("vestibule: the backup: {name} is there already\n");
    assert_eq!((again.status, again.error), (Some(1), refused));
    assert!(fs::read(&copy).unwrap() == copied, "the first copy is as it was");

    let other = ready_to_start().await.setting("DATABASE_URL", &format!("sqlite://{name}"));
    assert_eq!(other.start().await.client().get("/readyz").await.status, 200);
}

/// The copy before an upgrade is of the schema that the program before knows.
#[tokio::test(flavor = "multi_thread")]
async fn a_backup_does_not_migrate() {
    let database = TestDatabase::sqlite();
    let file = database.file().unwrap();
    fs::write(&file, "").unwrap();
    let copy = file.with_file_name("copy.db");
    let program = ready_to_start().await.setting("DATABASE_URL", database.url());
    let outcome = command(&program, &["backup", copy.to_str().unwrap()]).await;
    assert_eq!((outcome.status, outcome.error.as_str()), (Some(0), ""));
    for untouched in [&file, &copy] {
        assert!(!String::from_utf8_lossy(&fs::read(untouched).unwrap()).contains("users"), "{untouched:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_copied_is_said_to_be() {
    let postgres = TestDatabase::postgres();
    let absent = TestDatabase::sqlite();
    for (url, part) in [(postgres.url(), "pg_dump"), (absent.url(), "there is no database at")] {
        let program = ready_to_start().await.setting("DATABASE_URL", url);
        let outcome = command(&program, &["backup", "copy.db"]).await;
        assert_eq!((outcome.status, outcome.out.as_str()), (Some(1), ""), "{url}");
        assert!(outcome.error.contains(part), "{url}: {}", outcome.error);
        assert!(!program.directory().join("copy.db").exists(), "{url}");
    }
    assert!(!absent.file().unwrap().exists(), "it is not made either");
}
