//! `vestibule serve --dev` in an empty folder.

use std::fs;

use url::Url;
use vestibule_test_support::{Program, ProgramBuilder};

/// The program with no setting at all but for a port that is free.
fn bare() -> ProgramBuilder {
    let program = Program::builder();
    let address = program.base_url().replace("http://", "");
    let names = ["LISTEN", "EXTERNAL_ADDRESS", "DATABASE_URL", "KEYS_DIR"];
    names
        .into_iter()
        .fold(program, ProgramBuilder::without)
        .argument("--dev")
        .argument("--listen")
        .argument(&address)
}

/// Goes all the way through the emulated provider; the user token.
async fn sign_in(program: &Program, provider: &str) -> String {
    let browser = program.client();
    let started = browser.get(&format!("/auth/login/{provider}")).await;
    let mut consent: Url = started.location();
    consent.query_pairs_mut().append_pair("persona", "ada");
    let callback = browser.get(consent.as_str()).await.location();
    let home = browser.get(callback.as_str()).await;
    assert_eq!(home.location().path(), "/", "without a next it ends at the service's own page");
    home.location_parameter("jwt").expect("a token")
}

#[tokio::test(flavor = "multi_thread")]
async fn development_needs_nothing_and_takes_the_same_path_as_the_real_providers() {
    let mut program = bare().start().await;
    let logs = program.logs();
    assert!(logs.contains("vestibule 0.1.0, development: do not expose it\n"), "{logs}");
    assert!(logs.contains("  providers  google, github (emulated on 127.0.0.1:"), "{logs}");
    assert!(logs.contains(&format!("  address    {} on ", program.base_url())), "{logs}");
    assert!(logs.contains("any on loopback"), "{logs}");
    assert!(program.directory().join("var/vestibule.db").exists());
    assert_eq!(fs::read_dir(program.directory().join("keys")).unwrap().count(), 1);

    let token = sign_in(&program, "google").await;
    let answer = program.client().get(&format!("/auth/check?jwt={token}")).await.json();
    assert_eq!(answer["authenticated"], true, "{answer}");
    let granted = program.client().get(&format!("/auth/authorize?service=storage&jwt={token}")).await.json();
    assert_eq!(
        granted["permissions"]["provider-token"],
        format!("storage-{}", granted["userid"].as_str().unwrap())
    );

    program.restart().await;
    let again = program.client().get(&format!("/auth/check?jwt={token}")).await.json();
    assert_eq!(again, answer, "key and database are still there");
    let second = sign_in(&program, "github").await;
    let other = program.client().get(&format!("/auth/check?jwt={second}")).await.json();
    assert_eq!(other["profile"]["id"], answer["profile"]["id"], "one address, one user");
    assert_eq!(fs::read_dir(program.directory().join("keys")).unwrap().count(), 1, "no second key");
}

#[tokio::test]
async fn the_same_folder_without_dev_does_not_start() {
    let program = Program::builder().without("EXTERNAL_ADDRESS").without("DATABASE_URL");
    let ended = program.try_start().await.expect_err("nothing is configured");
    assert_eq!(ended.status.code(), Some(1));
    for part in ["EXTERNAL_ADDRESS is not set", "GOOGLE_KEY"] {
        assert!(ended.logs.contains(part), "{part:?} in {}", ended.logs);
    }
}
