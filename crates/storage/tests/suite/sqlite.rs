//! Faults of the file, and who may read it.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use diesel::connection::SimpleConnection;
use vestibule_storage::{DatabaseUrl, Storage, StorageError, StorageOptions};
use vestibule_test_support::{TestDatabase, eventually};

use crate::bench::{Bench, GOOGLE, at, connect, event, person, verified};
use crate::consistency::raw_sqlite;

async fn bench() -> (Bench, PathBuf) {
    let database = TestDatabase::sqlite();
    let file = database.file().expect("a file");
    let bench = Bench { storage: connect(&database), database };
    bench.storage.migrate().await.unwrap();
    (bench, file)
}

fn path(file: &Path) -> &str {
    file.to_str().expect("a path in UTF-8")
}

#[tokio::test(flavor = "multi_thread")]
async fn m1_a_new_file_is_its_owners_alone() {
    let (bench, file) = bench().await;
    bench.sign_in(&person(GOOGLE, "1")).await;
    let mut names = 0;
    for entry in fs::read_dir(file.parent().unwrap()).unwrap() {
        let entry = entry.unwrap();
        assert_eq!(entry.metadata().unwrap().permissions().mode() & 0o777, 0o600, "{:?}", entry.file_name());
        names += 1;
    }
    assert_eq!(names, 3, "the file, its write-ahead log and the log's index");
}

#[tokio::test(flavor = "multi_thread")]
async fn l2_what_was_answered_is_there_after_a_restart() {
    let (bench, _file) = bench().await;
    let ada = bench.sign_in(&verified(GOOGLE, "1", "ada@example.org")).await;
    bench.storage.revoke_session(&ada.user.id, &ada.session.id, at(1), &event()).await.unwrap();
    let restarted = Bench { storage: bench.replica(), database: bench.database };
    drop(bench.storage);
    assert!(!restarted.is_live(&ada, at(1)).await);
    assert!(!restarted.sign_in(&person(GOOGLE, "1")).await.is_new);
}

#[tokio::test(flavor = "multi_thread")]
async fn l4_a_removed_file_stops_writing_and_heals_when_it_returns() {
    let (bench, file) = bench().await;
    let ada = bench.sign_in(&person(GOOGLE, "1")).await;
    let aside = file.with_extension("aside");
    fs::rename(&file, &aside).unwrap();

    let refused =
        bench.storage.revoke_session(&ada.user.id, &ada.session.id, at(1), &event()).await.unwrap_err();
    assert!(refused.is_unavailable(), "{refused:?}");
    assert!(bench.storage.ping().await.unwrap_err().is_unavailable());
    assert!(bench.is_live(&ada, at(1)).await, "reading goes on");
    assert!(!file.exists(), "no fresh, empty file takes its place");

    fs::rename(&aside, &file).unwrap();
    assert!(bench.storage.revoke_session(&ada.user.id, &ada.session.id, at(1), &event()).await.unwrap());
    bench.storage.ping().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn l4_a_replaced_file_is_not_written_to() {
    let (bench, file) = bench().await;
    let ada = bench.sign_in(&person(GOOGLE, "1")).await;
    fs::rename(&file, file.with_extension("aside")).unwrap();
    fs::write(&file, "").unwrap();
    assert!(
        bench
            .storage
            .revoke_session(&ada.user.id, &ada.session.id, at(1), &event())
            .await
            .unwrap_err()
            .is_unavailable()
    );
    assert_eq!(fs::read(&file).unwrap(), b"");
}

#[tokio::test(flavor = "multi_thread")]
async fn l4_a_file_that_is_no_database_is_refused_and_left_alone() {
    let database = TestDatabase::sqlite();
    let file = database.file().expect("a file");
    let text = "dear diary, ".repeat(1_000);
    fs::write(&file, &text).unwrap();
    let refused = connect(&database).migrate().await.unwrap_err();
    assert!(matches!(refused, StorageError::Damaged(_)), "{refused:?}");
    assert!(!refused.is_unavailable());
    assert_eq!(fs::read_to_string(&file).unwrap(), text);
}

#[tokio::test(flavor = "multi_thread")]
async fn l4_a_damaged_file_is_refused_at_the_start() {
    let (bench, file) = bench().await;
    for number in 0..50 {
        bench.sign_in(&person(GOOGLE, &number.to_string())).await;
    }
    raw_sqlite(path(&file)).batch_execute("PRAGMA wal_checkpoint(TRUNCATE)").unwrap();
    let Bench { storage, database } = bench;
    drop(storage);
    let mut bytes = fs::read(&file).unwrap();
    for page in bytes.chunks_mut(4096).skip(1) {
        page[0] ^= 0xff;
    }
    fs::write(&file, bytes).unwrap();
    let refused = connect(&database).migrate().await.unwrap_err();
    assert!(matches!(refused, StorageError::Damaged(_)), "{refused:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn l5_a_lock_held_by_another_process_costs_an_answer_not_the_service() {
    let (bench, file) = bench().await;
    let ada = bench.sign_in(&person(GOOGLE, "1")).await;
    let mut other = raw_sqlite(path(&file));
    other.batch_execute("BEGIN IMMEDIATE").unwrap();
    let refused =
        bench.storage.revoke_session(&ada.user.id, &ada.session.id, at(1), &event()).await.unwrap_err();
    assert!(refused.is_unavailable(), "{refused:?}");
    assert!(bench.is_live(&ada, at(1)).await, "reading goes on");
    other.batch_execute("ROLLBACK").unwrap();
    assert!(bench.storage.revoke_session(&ada.user.id, &ada.session.id, at(1), &event()).await.unwrap());
}

#[tokio::test(flavor = "multi_thread")]
async fn l4_a_full_database_refuses_writes_and_heals() {
    let (bench, file) = bench().await;
    let ada = bench.sign_in(&person(GOOGLE, "1")).await;
    let mut other = raw_sqlite(path(&file));
    other
        .batch_execute(
            "CREATE TRIGGER full BEFORE UPDATE ON sessions BEGIN SELECT RAISE(ABORT, 'database or disk is full'); END",
        )
        .unwrap();
    assert!(
        bench
            .storage
            .revoke_session(&ada.user.id, &ada.session.id, at(1), &event())
            .await
            .unwrap_err()
            .is_unavailable()
    );
    other.batch_execute("DROP TRIGGER full").unwrap();
    assert!(bench.storage.revoke_session(&ada.user.id, &ada.session.id, at(1), &event()).await.unwrap());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn l5_a_write_that_fails_does_not_take_along_those_that_wait_with_it() {
    let (bench, file) = bench().await;
    let mut people = Vec::new();
    for number in 0..20 {
        people.push(bench.sign_in(&person(GOOGLE, &number.to_string())).await);
    }
    let mut other = raw_sqlite(path(&file));
    let unlucky = people[7].session.id.as_str();
    other
        .batch_execute(&format!(
            "CREATE TRIGGER unlucky BEFORE UPDATE ON sessions WHEN OLD.id = '{unlucky}' \
             BEGIN SELECT RAISE(ABORT, 'not this one'); END; BEGIN IMMEDIATE"
        ))
        .unwrap();
    let sign_outs = people.iter().map(|one| {
        let (storage, session) = (bench.storage.clone(), one.session.clone());
        tokio::spawn(
            async move { storage.revoke_session(&session.user_id, &session.id, at(1), &event()).await },
        )
    });
    let sign_outs: Vec<_> = sign_outs.collect();
    let writer_is_waited_for = async || bench.storage.pools()[0].waiting == people.len() - 1;
    eventually("all but one wait", writer_is_waited_for).await;
    other.batch_execute("COMMIT").unwrap();
    for (number, sign_out) in sign_outs.into_iter().enumerate() {
        let outcome = sign_out.await.unwrap();
        match number {
            7 => assert!(matches!(outcome, Err(StorageError::Failed(_))), "{outcome:?}"),
            _ => assert!(outcome.unwrap(), "{number}"),
        }
        assert_eq!(bench.is_live(&people[number], at(1)).await, number == 7, "{number}");
    }
}

#[test]
fn l16_a_file_that_cannot_be_made_stops_the_start() {
    let folder = tempfile::tempdir().unwrap();
    for place in ["missing/vestibule.db", "."] {
        let url = DatabaseUrl::parse(&format!("sqlite://{}/{place}", path(folder.path()))).unwrap();
        let refused = Storage::connect(&url, &StorageOptions::default()).unwrap_err();
        assert!(matches!(refused, StorageError::Open(_)), "{refused:?}");
        assert!(!refused.is_unavailable());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_path_may_have_characters_that_mean_something_in_an_address() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("50% of & 'ümlaut'.db");
    let url = DatabaseUrl::parse(&format!("sqlite://{}", path(&file))).unwrap();
    let storage = Storage::connect(&url, &StorageOptions::default()).unwrap();
    storage.migrate().await.unwrap();
    storage.ping().await.unwrap();
    assert!(file.metadata().unwrap().len() > 0);
}
