//! Copies of SQLite's file, and the end of every session, which restoring one calls for.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use vestibule_storage::{BackupError, DatabaseUrl, Storage, StorageOptions};
use vestibule_test_support::TestDatabase;

use crate::bench::{Bench, GOOGLE, all_trusted, at, connect, event, on_both_databases, person};
use crate::consistency::{count, execute};

async fn bench() -> (Bench, PathBuf) {
    let database = TestDatabase::sqlite();
    let folder = database.file().unwrap().parent().unwrap().to_owned();
    let bench = Bench { storage: connect(&database), database };
    bench.storage.migrate().await.unwrap();
    (bench, folder)
}

fn url_of(file: &Path) -> String {
    format!("sqlite://{}", file.display())
}

/// The names of what is in a folder besides the database itself.
fn others_in(folder: &Path) -> Vec<String> {
    let names = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap());
    names.filter(|name| !name.starts_with("vestibule.db")).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn l12_a_copy_holds_what_was_there_when_it_began_and_its_owner_alone_reads_it() {
    let (bench, folder) = bench().await;
    let ada = bench.sign_in(&person(GOOGLE, "1")).await;
    let copy = folder.join("a copy's name.db");
    bench.storage.back_up(&copy).await.unwrap();
    bench.sign_in(&person(GOOGLE, "2")).await;
    bench.storage.revoke_session(&ada.user.id, &ada.session.id, at(1), &event()).await.unwrap();

    assert_eq!(fs::metadata(&copy).unwrap().permissions().mode() & 0o777, 0o600);
    assert_eq!(others_in(&folder), ["a copy's name.db"], "nothing half written is left");
    TestDatabase::sqlite_at(&copy).assert_consistent();
    let url = DatabaseUrl::parse(&url_of(&copy)).unwrap();
    let restored = Storage::connect(&url, &StorageOptions::default()).unwrap().with_providers(all_trusted());
    assert!(restored.migrate().await.unwrap().is_empty());
    assert_eq!(restored.list_users(None, 10).await.unwrap().len(), 1);
    assert!(
        restored.find_live_session(&ada.session.id, &ada.user.id, at(2)).await.unwrap().is_some(),
        "what was ended later lives in an old copy"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn l12_copies_that_are_taken_while_people_sign_in_are_each_a_moment_between_two_sign_ins() {
    let (bench, folder) = bench().await;
    let storage = bench.storage.clone();
    let writer = tokio::spawn(async move {
        for number in 0..200 {
            bench.sign_in(&person(GOOGLE, &number.to_string())).await;
        }
        bench
    });
    let mut sizes = Vec::new();
    while !writer.is_finished() {
        let copy = folder.join(format!("copy-{}", sizes.len()));
        storage.back_up(&copy).await.unwrap();
        TestDatabase::sqlite_at(&copy).assert_consistent();
        let users = count(&url_of(&copy), "SELECT count(*) AS n FROM users").await;
        let sessions = count(&url_of(&copy), "SELECT count(*) AS n FROM sessions").await;
        assert_eq!(users, sessions, "a sign-in is in the copy as a whole or not at all");
        sizes.push(users);
    }
    assert!(sizes.is_sorted() && sizes.len() > 1, "{sizes:?}");
    assert_eq!(writer.await.unwrap().count_users().await, 200);
}

#[tokio::test(flavor = "multi_thread")]
async fn l12_a_copy_replaces_nothing_and_goes_nowhere_else() {
    let (bench, folder) = bench().await;
    let taken = folder.join("taken");
    fs::write(&taken, "precious").unwrap();
    let refused = bench.storage.back_up(&taken).await.unwrap_err();
    assert!(matches!(&refused, BackupError::Exists(path) if *path == taken), "{refused:?}");
    assert_eq!(fs::read_to_string(&taken).unwrap(), "precious");
    let itself = bench.storage.back_up(&bench.database.file().unwrap()).await.unwrap_err();
    assert!(matches!(itself, BackupError::Exists(_)), "{itself:?}");
    let nowhere = bench.storage.back_up(&folder.join("absent/copy")).await.unwrap_err();
    assert!(matches!(nowhere, BackupError::Io { .. }), "{nowhere:?}");
    assert_eq!(others_in(&folder), ["taken"]);
    bench.storage.ping().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_postgres_database_is_not_copied() {
    let database = TestDatabase::postgres();
    let refused = connect(&database).back_up(Path::new("copy")).await.unwrap_err();
    assert!(matches!(refused, BackupError::NotSqlite), "{refused:?}");
}

on_both_databases! {
    async fn l12_everything_ends_that_began_before_and_nothing_that_begins_later(bench: &Bench) {
        let mut people = Vec::new();
        for subject in ["1", "2", "3"] {
            people.push(bench.sign_in(&person(GOOGLE, subject)).await);
        }
        assert_eq!(bench.storage.revoke_everything(at(10)).await.unwrap(), 3);
        for person in &people {
            assert!(!bench.is_live(person, at(10)).await);
        }
        let again = bench.sign_in_as(&person(GOOGLE, "1"), |sign_in| sign_in.now = at(5)).await;
        assert!(!again.is_new);
        assert!(bench.is_live(&again, at(11)).await, "whatever its clock says");
        assert_eq!(bench.storage.revoke_everything(at(5)).await.unwrap(), 3, "it can be done again");
        for person in people.iter().chain([&again]) {
            assert!(!bench.is_live(person, at(5)).await);
        }
    }

    async fn l12_everything_ends_for_more_users_than_are_taken_at_a_time(bench: &Bench) {
        let url = bench.database.url();
        execute(url, "INSERT INTO users (id, attributes, join_date, tokens_valid_after) \
            WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 2500) \
            SELECT 'user-' || i, '{}', 0, 0 FROM n").await;
        assert_eq!(bench.storage.revoke_everything(at(0)).await.unwrap(), 2500);
        assert_eq!(count(url, "SELECT count(*) AS n FROM users WHERE generation = 0").await, 0);
        // What no user of the program is would trouble the check of consistency.
        execute(url, "DELETE FROM users").await;
    }
}
