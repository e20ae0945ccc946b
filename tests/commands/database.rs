//! `vestibule migrate`, and databases that are not ours to touch.

use std::fs;

use vestibule_test_support::TestDatabase;

use super::{command, ready_to_start};
use crate::world::on_both_databases;

on_both_databases! {
    async fn migrating_is_done_once_and_can_be_asked_for_again(database) {
        let program = ready_to_start().await.setting("DATABASE_URL", database.url());
        let first = command(&program, &["migrate"]).await;
        assert_eq!(first.status, Some(0), "{}", first.error);
        assert!(first.out.contains(": applied 0001_initial\n"), "{}", first.out);
        for _ in 0..2 {
            let again = command(&program, &["migrate"]).await;
            assert_eq!((again.status, again.out.ends_with(": up to date\n")), (Some(0), true), "{}", again.out);
        }
        let program = program.start().await;
        assert_eq!(program.client().get("/readyz").await.status, 200);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn l11_a_schema_from_the_future_is_left_alone() {
    let database = TestDatabase::postgres();
    let program = ready_to_start().await.setting("DATABASE_URL", database.url());
    assert_eq!(command(&program, &["migrate"]).await.status, Some(0));
    let steps = database.query("SELECT count(*) + 1 FROM schema_migrations");
    database.query("INSERT INTO schema_migrations (version, name) VALUES (99, '0099_later')");
    for arguments in [&["migrate"][..], &["users", "list"]] {
        let outcome = command(&program, arguments).await;
        assert_eq!(outcome.status, Some(1), "{arguments:?}");
        assert!(outcome.error.contains("schema version 99"), "{arguments:?}: {}", outcome.error);
    }
    let ended = program.try_start().await.expect_err("it does not start");
    assert_eq!(ended.status.code(), Some(1));
    assert!(ended.logs.contains("the database has schema version 99"), "{}", ended.logs);
    assert_eq!(database.query("SELECT count(*) FROM schema_migrations"), steps);
}

#[tokio::test]
async fn l4_a_file_that_is_no_database_is_neither_used_nor_replaced() {
    let database = TestDatabase::sqlite();
    let file = database.file().unwrap();
    let rubbish = "this is no database ".repeat(500);
    fs::write(&file, &rubbish).unwrap();
    let program = ready_to_start().await.setting("DATABASE_URL", database.url());
    let outcome = command(&program, &["migrate"]).await;
    assert_eq!(outcome.status, Some(1), "{}", outcome.error);
    let ended = program.try_start().await.expect_err("it does not start");
    assert_eq!(ended.status.code(), Some(1), "{}", ended.logs);
    assert!(ended.logs.contains("DATABASE_URL: the database is damaged"), "{}", ended.logs);
    assert_eq!(fs::read_to_string(file).unwrap(), rubbish);
}

#[tokio::test]
async fn l4_a_folder_that_is_not_there_is_not_made() {
    let program = ready_to_start().await;
    let folder = program.directory().join("absent");
    let program = program.setting("DATABASE_URL", &format!("sqlite://{}/vestibule.db", folder.display()));
    let outcome = command(&program, &["migrate"]).await;
    assert_eq!(outcome.status, Some(1), "{}", outcome.error);
    assert!(!folder.exists());
}
