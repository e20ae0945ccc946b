//! A service that is as it should be.

use std::fs;

use serde_json::json;
use vestibule_test_support::on_both_databases;

use super::Ward;
use crate::documents::markdown::Document;
use crate::world::World;

/// What is said of a provider with ID tokens.
fn lines_of_issuer(name: &str, redirect_uri: &str) -> [String; 5] {
    [
        format!("ok       issuer {name}: its discovery document can be read, and is its own"),
        format!("ok       issuer_keys {name}: 1 key for signatures of RS256"),
        format!("ok       client {name}: the provider knows the client (by client_secret_basic)"),
        format!("ok       redirect_uri {name}: {redirect_uri} is the one to register"),
        format!("ok       provider_clock {name}: its clock and ours agree"),
    ]
}

on_both_databases! {
    async fn nothing_is_a_failure_and_nothing_is_changed(database) {
        let ward = Ward::on(database).await;
        let examined = ward.examine().await;
        assert_eq!((examined.status, examined.lines("failure")), (Some(0), Vec::new()), "{:?}", examined.lines);
        let base = ward.program.base_url();
        let shared = format!("{base}/auth/oauth_callback");
        let mut expected = lines_of_issuer("google", &shared).to_vec();
        expected.extend(lines_of_issuer("corporate", &format!("{base}/auth/callback/corporate")));
        expected.extend([
            "ok       api github: its API answers".to_owned(),
            "ok       client github: the provider knows the client (by client_secret_post)".to_owned(),
            format!("ok       redirect_uri github: {shared} is the one to register"),
            "ok       plugin storage: sample-permissions 0.1.0 is loaded (isolation thread)".to_owned(),
        ]);
        for line in expected {
            assert!(examined.lines.contains(&line), "{line:?} in {:?}", examined.lines);
        }
        let rows = Document::read("docs/operations/doctor.md").rows();
        let explained: Vec<_> = rows.iter().map(|row| row[0].as_str()).collect();
        for line in &examined.lines {
            let check = line.split_whitespace().nth(1).unwrap();
            assert!(explained.contains(&format!("`{check}`").as_str()), "{check} is explained");
        }
        match ward.database.file() {
            Some(file) => assert!(!file.exists(), "no file is made"),
            None => assert_eq!(ward.database.query("SELECT count(*) FROM pg_class WHERE relname = 'users'").unwrap(), "0"),
        }
    }

    async fn beside_a_service_that_runs_the_schema_is_up_to_date(database) {
        let world = World::on(database).await;
        let examined = String::from_utf8(world.program.run(&["doctor"]).await.stdout).unwrap();
        assert!(examined.contains("ok       schema ") && examined.contains(", up to date\n"), "{examined}");
        assert!(!examined.contains("failure "), "{examined}");
    }
}

#[tokio::test]
async fn the_same_is_a_list_in_json_for_programs() {
    let ward = Ward::new().await.setting("GITHUB_SECRET", "hunter2");
    let (status, findings) = ward.examine_as_json().await;
    assert_eq!(status, Some(1));
    let expected = json!({
        "check": "client",
        "subject": "github",
        "status": "failure",
        "message": "the provider does not know the client (incorrect_client_credentials, by client_secret_post)",
        "mending": "check GITHUB_KEY and GITHUB_SECRET",
    });
    assert!(findings.contains(&expected), "{findings:?}");
    let file = ward.program.directory().join("vestibule.toml");
    let settings = json!({
        "check": "settings",
        "subject": file.to_str().unwrap(),
        "status": "ok",
        "message": "they can be read, and make sense",
    });
    assert_eq!(findings.first(), Some(&settings));
}

/// Neither ours nor what a provider says in its own words.
#[tokio::test]
async fn n5_no_line_has_a_secret() {
    let ward = Ward::new().await.setting("GOOGLE_SECRET", "hunter2");
    let examined = ward.examine().await.lines.join("\n");
    let table = fs::read_to_string(ward.program.directory().join("vestibule.toml")).unwrap();
    assert!(table.contains("corp-secret"));
    for secret in
        ["hunter2", "corp-secret", "github-secret", "OAuth client was not found", "Malformed auth code"]
    {
        assert!(!examined.contains(secret), "{secret} in {examined}");
    }
}

#[tokio::test]
async fn in_development_nothing_that_serve_makes_by_itself_is_missed() {
    let program = vestibule_test_support::Program::builder()
        .without("DATABASE_URL")
        .without("KEYS_DIR")
        .without("EXTERNAL_ADDRESS");
    let outcome: crate::commands::Outcome = program.run(&["doctor", "--dev"]).await.into();
    assert_eq!((outcome.status, outcome.out.contains("failure")), (Some(0), false), "{}", outcome.out);
}
