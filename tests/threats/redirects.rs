//! A5: paths that look as if they led elsewhere.

use vestibule_test_support::{Program, TestDatabase};

use crate::world::World;

/// An origin is allowed with everything beneath it, so a path cannot break out of anything; it is left as it is.
#[tokio::test(flavor = "multi_thread")]
async fn a5_no_path_leads_away_from_its_origin_and_each_is_kept() {
    let world = World::on(TestDatabase::sqlite()).await;
    for path in [
        "/cb/../evil",
        "/cb/..;/evil",
        "/cb/%2e%2e%2fevil",
        "/cb/%252e%252e%252fevil",
        "/cb/%252f..%252fevil",
        "/cb;x=y/z",
        "//evil.tld",
        "//evil.tld/%2e%2e",
        "/%2f%2fevil.tld",
        "/%5c%5cevil.tld",
        "/@evil.tld",
        "/.evil.tld",
        "/../../../evil.tld",
        "/cb/.%2e/evil",
    ] {
        let next = format!("https://app.example.com{path}");
        let browser = world.browser();
        let callback = world.reach_callback(&browser, "google", "ada", &next).await;
        let answer = browser.get(callback.as_str()).await;
        let location = answer.header("location").unwrap_or_else(|| panic!("{path}: {}", answer.body));
        assert!(location.starts_with(&format!("{next}?jwt=")), "{path}: {location}");
        let origin = answer.location().origin().ascii_serialization();
        assert_eq!(origin, "https://app.example.com", "{path}");
    }
}

/// Whoever writes a path there believes that it holds.
#[tokio::test]
async fn a5_an_allowed_origin_that_pins_a_path_stops_the_start() {
    for origin in [
        "https://app.example.com/cb",
        "https://app.example.com/;x",
        "https://app.example.com/?x",
        "https://app.example.com/#x",
    ] {
        let program = Program::builder()
            .setting("GITHUB_KEY", "key")
            .setting("GITHUB_SECRET", "secret")
            .setting("ALLOWED_ORIGINS", origin);
        let output = program.run(&["config", "check"]).await;
        let error = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(1), "{origin}: {error}");
        assert!(error.starts_with("vestibule: ALLOWED_ORIGINS: "), "{origin}: {error}");
    }
}
