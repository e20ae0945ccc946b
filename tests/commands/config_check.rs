//! `vestibule config check`, when there is nothing to complain about, and when one mistake could look like many.

use std::fs;

use super::mistakes::{mistakes, refused};
use super::{command, ready_to_start, with_github};

#[tokio::test]
async fn settings_that_are_in_order_are_said_to_be_and_nothing_is_started_or_made() {
    let program = ready_to_start().await.config("allowed_origins = [\"https://app.example.com\"]\n");
    let file = program.directory().join("vestibule.toml");
    let outcome = command(&program, &["config", "check"]).await;
    let expected = format!(
        "the settings of {} are in order\nthe addresses of github count if it states that they are verified\n\
         the redirect URI to register at github is {}/auth/oauth_callback\n",
        file.display(),
        program.base_url()
    );
    assert_eq!((outcome.status, outcome.out, outcome.error), (Some(0), expected, String::new()));
    let mut names: Vec<_> =
        fs::read_dir(program.directory()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    names.sort();
    assert_eq!(names, ["keys", "vestibule.toml"], "no database was made");
}

/// Each provider is told an address; whoever shares one with another that does not name itself should be Google.
#[tokio::test]
async fn b12_the_address_to_register_is_named_for_each_provider() {
    let table = "issuer = \"https://id.example\"\nclient_id = \"id\"\nclient_secret = \"secret\"\n";
    let program =
        ready_to_start().await.config(&format!("[providers.corp]\n{table}[providers.lab]\n{table}"));
    let program = program.setting("GOOGLE_KEY", "id").setting("GOOGLE_SECRET", "secret");
    let base = program.base_url();
    let addresses = format!(
        "the redirect URI to register at google and github is {base}/auth/oauth_callback\n\
         the redirect URI to register at corp is {base}/auth/callback/corp\n\
         the redirect URI to register at lab is {base}/auth/callback/lab\n"
    );
    let outcome = command(&program, &["config", "check"]).await;
    assert!(outcome.status == Some(0) && outcome.out.ends_with(&addresses), "{}", outcome.out);

    let replaced = program.setting("GOOGLE_ISSUER", "https://id.example");
    let outcome = command(&replaced, &["config", "check"]).await;
    let caution = format!("{addresses}the issuer of GOOGLE_ISSUER has one address with github");
    assert!(outcome.status == Some(0) && outcome.out.contains(&caution), "{}", outcome.out);
    let logs = replaced.start().await.logs();
    assert!(logs.contains("  caution     the issuer of GOOGLE_ISSUER has one address with github"), "{logs}");
    assert!(
        logs.contains(&format!(
            "  callbacks   {base}/auth/oauth_callback to be registered at google, github\n"
        ))
    );
}

/// What depends on a setting that cannot be used is not reported beside it.
#[tokio::test]
async fn a_setting_that_cannot_be_used_is_one_mistake() {
    let bare = || with_github().without("GITHUB_KEY").without("GITHUB_SECRET");
    let corporate = "[providers.corporate]\nissuer = \"https://id.example\"\nclient_id = \"id\"\n\
                     client_secret_file = \"/absent/secret\"\n";
    let headers = with_github().setting("OTEL_EXPORTER_OTLP_ENDPOINT", "http://collector.example");
    let private = with_github().setting("PRIVATE_KEY_FILE", "/absent/key");
    let service = with_github().setting("ALLOWED_SERVICES", "storage:../evil");
    for (program, start) in [
        (
            with_github().without("GITHUB_SECRET").setting("GITHUB_SECRET_FILE", "/absent/secret"),
            "GITHUB_SECRET_FILE: /absent/secret: ",
        ),
        (bare().setting("GOOGLE_SECRET", "secret"), "GOOGLE_KEY is not set: GOOGLE_SECRET is"),
        (bare().config(corporate), "[providers.corporate]: client_secret_file: /absent/secret: "),
        (private.setting("PUBLIC_KEY", "nonsense"), "PRIVATE_KEY_FILE: /absent/key: "),
        (
            headers.setting("OTEL_EXPORTER_OTLP_HEADERS_FILE", "/absent/headers"),
            "OTEL_EXPORTER_OTLP_HEADERS_FILE: /absent/headers: ",
        ),
        (
            with_github().without("DATABASE_URL").setting("DATABASE_URL_FILE", "/absent/url"),
            "DATABASE_URL_FILE: /absent/url: ",
        ),
        (service.config("[plugin.storage]\ntimeout = \"1s\"\n"), "ALLOWED_SERVICES: storage:../evil: "),
    ] {
        let text = refused(program).await;
        let [only] = mistakes(&text).try_into().unwrap_or_else(|all| panic!("{start}: {all:?}"));
        assert!(only.starts_with(start), "{only}");
    }
}
