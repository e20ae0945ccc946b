//! The disk under SQLite fails.

use std::fs;

use vestibule_test_support::{DiskFault, FaultyDisk, Method, TestDatabase, eventually};

use super::stage::{Stage, assert_refused_for_now};
use crate::world::World;

async fn on_a_disk() -> (FaultyDisk, Stage) {
    let database = TestDatabase::sqlite();
    let disk = FaultyDisk::under(&database);
    let stage = Stage::set(World::builder(database).disk(&disk)).await;
    (disk, stage)
}

/// Writes are refused as something that may succeed later; reading goes on; all is well when the disk is.
async fn disk_fails(fault: DiskFault, name: &str) {
    let (disk, stage) = on_a_disk().await;
    disk.break_with(fault);
    for _ in 0..3 {
        assert_refused_for_now(&stage.writes().await, name);
        assert_refused_for_now(&stage.world.post_as(&stage.token, "/auth/logout", &[]).await, name);
    }
    // More readers than there were.
    stage.check_often(100).await.assert_only(&[200], name);
    assert!(stage.is_signed_in().await, "{name}");
    let authorized = stage.world.get_as(&stage.token, "/auth/authorize?service=storage").await;
    assert_eq!(authorized.status, 200, "{name}: {}", authorized.body);
    stage.assert_the_rest_is_well(name).await;
    disk.mend();
    stage.assert_heals(name).await;
    stage.assert_callback_is_still_good().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn l4_the_disk_is_full() {
    disk_fails(DiskFault::Full, "disk full").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn l4_the_disk_is_broken() {
    disk_fails(DiskFault::Broken, "disk broken").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn l4_the_file_system_turns_read_only() {
    disk_fails(DiskFault::ReadOnly, "read-only").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn l4_what_is_written_does_not_reach_the_disk() {
    disk_fails(DiskFault::BrokenSync, "no sync").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn l4_the_file_system_is_read_only_at_the_start() {
    let (disk, mut stage) = on_a_disk().await;
    stage.world.program.stop().await;
    disk.break_with(DiskFault::ReadOnly);
    let address = stage.world.program.base_url().replace("http://", "");
    let mend_when_it_waits = async {
        eventually("the program has begun", async || tokio::net::TcpStream::connect(&address).await.is_ok())
            .await;
        disk.mend();
    };
    tokio::join!(stage.world.program.start_again(), mend_when_it_waits);
    stage.assert_heals("read-only at the start").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn l4_the_file_is_removed_while_the_program_runs() {
    let stage = Stage::on(TestDatabase::sqlite()).await;
    let file = stage.world.database.file().unwrap();
    let aside = file.with_extension("aside");
    fs::rename(&file, &aside).unwrap();
    assert_refused_for_now(&stage.writes().await, "removed");
    assert_eq!(stage.world.browser().get("/readyz").await.status, 503);
    stage.assert_the_rest_is_well("removed").await;
    assert!(!file.exists(), "no fresh, empty file takes its place");
    fs::rename(&aside, &file).unwrap();
    stage.assert_heals("removed").await;
    stage.assert_callback_is_still_good().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn l4_a_page_of_the_file_is_corrupt_at_the_start() {
    let mut stage = Stage::on(TestDatabase::sqlite()).await;
    let file = stage.world.database.file().unwrap();
    stage.world.database.execute("PRAGMA wal_checkpoint(TRUNCATE)");
    stage.world.program.stop().await;
    let whole = fs::read(&file).unwrap();
    let mut broken = whole.clone();
    for page in broken.chunks_mut(4096).skip(1) {
        page[0] ^= 0xff;
    }
    fs::write(&file, &broken).unwrap();
    let ended = stage.world.program.start_in_vain().await;
    assert!(!ended.status.success() && ended.logs.contains("damaged"), "{ended:?}");
    assert!(fs::read(&file).unwrap() == broken, "what is left of the file is left alone");
    fs::write(&file, &whole).unwrap();
    stage.world.program.start_again().await;
    assert!(stage.is_signed_in().await);
}

#[tokio::test(flavor = "multi_thread")]
async fn l3_an_answer_waits_for_the_disk() {
    let (disk, stage) = on_a_disk().await;
    for (address, fields) in [("/auth/update", &[("username", "ada")][..]), ("/auth/logout", &[])] {
        let before = disk.syncs();
        assert_eq!(stage.world.post_as(&stage.token, address, fields).await.status, 200);
        assert!(disk.syncs() > before, "{address} was answered before it was on the disk");
    }
}

/// Whatever was not waited for is gone afterwards.
#[tokio::test(flavor = "multi_thread")]
async fn l3_the_power_is_lost() {
    let (disk, mut stage) = on_a_disk().await;
    let (mut live, mut dead) = (vec![stage.token.clone()], Vec::new());
    for round in 0..5 {
        for persona in ["ada", "linus", "grace"] {
            let token = stage.world.sign_in("google", persona).await;
            stage.world.post_as(&token, "/auth/update", &[("username", persona)]).await;
            if persona == "linus" {
                let browser = stage.world.browser();
                let request = browser.request(Method::POST, "/auth/logout").bearer_auth(&token);
                assert_eq!(browser.send(request).await.status, 200);
                dead.push(token);
            } else {
                live.push(token);
            }
        }
        stage.world.program.kill().await;
        disk.lose_power();
        stage.world.program.start_again().await;
        // Not before: whoever closes the file last tidies it up, past the disk that is watched.
        stage.world.database.assert_consistent();
        for token in &live {
            assert!(stage.world.is_signed_in(token).await, "round {round}: a session was lost");
        }
        for token in &dead {
            assert!(!stage.world.is_signed_in(token).await, "round {round}: a sign-out was lost");
        }
    }
    let owner = stage.world.browser().get("/auth/resolve?username=grace").await;
    assert_eq!(owner.status, 200, "{}", owner.body);
}
