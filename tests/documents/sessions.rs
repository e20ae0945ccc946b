//! What docs/sessions.md shows is what is.

use std::process::Command;

use reqwest::Method;
use serde_json::{Value, json};
use vestibule_test_support::TestDatabase;

use super::markdown::Document;
use crate::verifiers::interpreters::{node, run_well};
use crate::world::World;

const SERVICE: &str = "https://auth.example.com";
/// The app of the document, and of the settings below.
const APP: &str = "https://wiki.example.com";

async fn stage() -> (World, String) {
    let app = format!("[apps.wiki]\norigin = {APP:?}\n");
    let world = World::builder(TestDatabase::sqlite()).config(&app).start().await;
    let token = world.sign_in("google", "ada").await;
    (world, token)
}

fn members(value: &Value) -> Vec<&String> {
    value.as_object().unwrap().keys().collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn the_command_of_the_document_answers_with_the_members_that_it_shows() {
    let (world, token) = stage().await;
    let document = Document::read("docs/sessions.md");
    let command = document.fence("sh").replace(SERVICE, &world.program.base_url());
    let mut shell = Command::new("sh");
    shell.args(["-c", &command]).env("TOKEN", &token).env("NO_PROXY", "*");
    let answer: Value = run_well(shell).parse().unwrap();
    let shown: Value = document.fence("json").parse().unwrap();
    assert_eq!(members(&answer), members(&shown));
    assert_eq!(members(&answer["session"]), members(&shown["session"]));
    for constant in ["roleaccount", "services", "scopes", "metadata", "data", "version"] {
        assert_eq!(answer[constant], shown[constant], "{constant}");
    }
    assert_eq!(answer["session"]["kind"], shown["session"]["kind"]);
    assert_eq!(answer["session"]["idle_expires_at"], shown["session"]["idle_expires_at"]);
}

/// In Node, which says what it is told to say of the page that it is not.
#[tokio::test(flavor = "multi_thread")]
async fn the_script_of_the_document_keeps_data_of_an_app_in_the_session() {
    let (world, token) = stage().await;
    let script = Document::read("docs/sessions.md").fence("js").replace(SERVICE, &world.program.base_url());
    let script = format!(
        "const [token, origin] = process.argv.slice(1), send = fetch;
         globalThis.fetch = (address, options) => send(address, {{ ...options, headers: {{ ...options.headers, Origin: origin }} }});
         (async () => {{ {script}; console.log(await answer.text()); }})();"
    );
    let mut command = node();
    command.args(["-e", &script, &token, APP]);
    let written: Value = run_well(command).parse().unwrap();
    assert_eq!(written["data"], json!({"theme": "dark"}), "{written}");
    let browser = world.browser();
    let read = browser.request(Method::GET, "/auth/session").bearer_auth(&token).header("origin", APP);
    assert_eq!(browser.send(read).await.json()["data"], json!({"theme": "dark"}));
}
