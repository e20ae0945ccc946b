//! M1, M5: whose keys they are, and what each is for.

use std::fs;
use std::path::Path;

use vestibule_provider_emulator::Provider;
use vestibule_test_support::{TestDatabase, assert_refusal_page, parameter};

use crate::documents::markdown::repository;
use crate::world::{APP, World};

const FORGED: &str = "This sign-in link is no longer valid";
const OTHER_BROWSER: &str = "This sign-in began in another browser";

/// What is sealed, random or signed for one purpose is worth nothing for another.
#[tokio::test(flavor = "multi_thread")]
async fn m5_what_was_made_for_one_purpose_serves_no_other() {
    let world = World::on(TestDatabase::sqlite()).await;
    let token = world.sign_in("google", "linus").await;
    let permission = world.get_as(&token, "/auth/authorize?service=storage").await.json()["token"].clone();
    let permission = permission.as_str().unwrap().to_owned();
    let browser = world.browser();
    let callback = world.reach_callback(&browser, "google", "ada", APP).await;
    let (state, code) = (parameter(&callback, "state").unwrap(), parameter(&callback, "code").unwrap());
    let cookie = browser.cookie("vestibule-sign-in").unwrap();

    for value in [&cookie, &token, &permission, &code] {
        let mut forged = callback.clone();
        forged.query_pairs_mut().clear().extend_pairs([("state", value), ("code", &code)]);
        assert_refusal_page(&browser.get(forged.as_str()).await, FORGED);
    }
    for value in [&state, &token, &permission] {
        let victim = world.browser();
        victim.set_cookie(&format!("vestibule-sign-in={value}; Path=/"));
        assert_refusal_page(&victim.get(callback.as_str()).await, OTHER_BROWSER);
    }
    for value in [&state, &cookie, &code, &permission] {
        assert!(!world.is_signed_in(value).await, "{value}");
    }
    assert_eq!(world.control().token_exchanges(Provider::Google).attempted, 1, "Linus's own");
    assert!(browser.get(callback.as_str()).await.location_parameter("jwt").is_some(), "nothing was spent");
}

/// A key that everybody has is no secret. Those that tests use, they make.
#[test]
fn m1_no_private_key_is_in_the_repository_or_comes_with_the_image() {
    let mut found = Vec::new();
    find_keys(repository(), &mut found);
    assert_eq!(found, Vec::<String>::new());

    let ignored = fs::read_to_string(repository().join(".dockerignore")).unwrap();
    assert_eq!(ignored.lines().next(), Some("*"), "nothing is sent to the image that is not named");
    assert!(!ignored.contains("keys") && !ignored.contains(".pem"), "{ignored}");
    let image = fs::read_to_string(repository().join("Dockerfile")).unwrap();
    assert!(!image.contains("keys generate") && !image.contains("PRIVATE_KEY"), "a key of the image's own");
}

/// Files that hold a key whole: its first line, and then more than an example would.
fn find_keys(folder: &Path, found: &mut Vec<String>) {
    for entry in fs::read_dir(folder).unwrap().flatten() {
        let (path, name) = (entry.path(), entry.file_name());
        let left_out =
            name.to_string_lossy().starts_with('.') || ["target", "var"].iter().any(|made| name == *made);
        if left_out || entry.file_type().unwrap().is_symlink() {
            continue;
        }
        if path.is_dir() {
            // Git ignores what is made there, and the program refuses what others can read.
            if path != repository().join("keys") {
                find_keys(&path, found);
            }
        } else if holds_key(&fs::read(&path).unwrap()) {
            found.push(path.display().to_string());
        }
    }
}

fn holds_key(bytes: &[u8]) -> bool {
    let text = String::from_utf8_lossy(bytes);
    let mut blocks = text.split("PRIVATE KEY-----").skip(1);
    blocks.any(|block| {
        let base64 = block.chars().filter(|letter| !letter.is_whitespace());
        base64.take_while(|letter| letter.is_ascii_alphanumeric() || "+/=".contains(*letter)).count() > 400
    })
}
