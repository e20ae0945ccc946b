//! D2: a key id that names a file.

use std::fs;
use std::mem::MaybeUninit;
use std::path::Path;

use rsa::pkcs8::{EncodePublicKey as _, LineEnding};
use rustix::fs::inotify;
use serde_json::json;
use vestibule_test_support::{Forge, TestDatabase};

use crate::world::World;

/// Whether anybody has opened or read the file since the watch began.
struct Watch(rustix::fd::OwnedFd);

impl Watch {
    fn over(file: &Path) -> Self {
        let flags = inotify::CreateFlags::NONBLOCK | inotify::CreateFlags::CLOEXEC;
        let watch = inotify::init(flags).unwrap();
        inotify::add_watch(&watch, file, inotify::WatchFlags::OPEN | inotify::WatchFlags::ACCESS).unwrap();
        Self(watch)
    }

    fn has_seen_something(&self) -> bool {
        let mut buffer = [MaybeUninit::uninit(); 4096];
        inotify::Reader::new(&self.0, &mut buffer).next().is_ok()
    }
}

/// The attacker knows of a file with their own key in it, wherever it lies.
#[tokio::test(flavor = "multi_thread")]
async fn d2_no_file_that_a_key_id_names_is_opened() {
    let world = World::on(TestDatabase::sqlite()).await;
    let good = world.sign_in("google", "ada").await;
    let stranger = Forge::stranger(&good);
    let file = world.program.directory().join("stranger.pem");
    fs::write(&file, stranger.private.to_public_key().to_public_key_pem(LineEnding::LF).unwrap()).unwrap();
    let watch = Watch::over(&file);

    let absolute = file.display().to_string();
    for name in [
        absolute.clone(),
        format!("file://{absolute}"),
        format!("{absolute}\0"),
        "stranger.pem".to_owned(),
        "stranger".to_owned(),
        "./stranger.pem".to_owned(),
        "../stranger.pem".to_owned(),
        "keys/../stranger.pem".to_owned(),
        format!("../../../../../../../..{absolute}"),
    ] {
        let token = stranger.sign(&stranger.header_with("kid", json!(name)), &stranger.claims);
        assert!(!world.is_signed_in(&token).await, "{name}");
        let answer = world.get_as(&token, "/auth/authorize?service=storage").await;
        assert_eq!(answer.json(), json!({"permissions": {}}), "{name}");
    }
    assert!(!watch.has_seen_something(), "the file was opened");
    fs::read(&file).unwrap();
    assert!(watch.has_seen_something(), "this watch sees what is opened");
    assert!(world.is_signed_in(&good).await);
}
