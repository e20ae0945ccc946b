//! `next` when the settings change meanwhile, and when it has no end.

use std::fs;

use vestibule_provider_emulator::Provider;
use vestibule_test_support::{RawConnection, TestDatabase, assert_refusal_page};

use crate::world::{APP, World};

/// The state says where to go; whether one may is asked again when the person arrives.
#[tokio::test(flavor = "multi_thread")]
async fn a1_an_origin_that_is_removed_during_a_sign_in_gets_no_token() {
    let origins = "ALLOWED_ORIGINS = \"https://app.example.com;https://other.example.com\"";
    let builder = World::builder(TestDatabase::sqlite()).without("ALLOWED_ORIGINS").config(origins);
    let mut world = builder.start().await;
    let browser = world.browser();
    let callback = world.reach_callback(&browser, "google", "ada", APP).await;

    let file = world.program.directory().join("vestibule.toml");
    let before = fs::read_to_string(&file).unwrap();
    assert!(before.contains("https://app.example.com;"));
    fs::write(&file, before.replace("https://app.example.com;", "")).unwrap();
    world.program.restart().await;
    let answer = browser.get(callback.as_str()).await;
    assert_refusal_page(&answer, "This sign-in link cannot be used");
    assert_eq!(world.control().token_exchanges(Provider::Google).attempted, 0);

    fs::write(&file, before).unwrap();
    world.program.restart().await;
    let answer = browser.get(callback.as_str()).await;
    assert!(answer.location().as_str().starts_with(&format!("{APP}?jwt=")));
}

/// Longer than any HTTP library would send.
#[tokio::test(flavor = "multi_thread")]
async fn a7_a_next_without_end_is_refused() {
    let world = World::on(TestDatabase::sqlite()).await;
    for (path, length) in [("/auth/check", 100_000), ("/auth/login/google", 100_000), ("/auth/check", 60_000)]
    {
        let target = format!("{path}?next=https://app.example.com/{}", "a".repeat(length));
        let request = format!("GET {target} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
        let statuses = RawConnection::exchange(&world.program.base_url(), request).await.statuses();
        assert!(matches!(statuses[..], [400 | 414 | 431]), "{statuses:?}");
    }
}
