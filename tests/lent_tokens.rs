//! Tokens of role accounts and pairs of tokens, from the command line to the request: what docs/tokens.md shows is what is.

use std::process::Command;

use serde_json::{Value, json};
use vestibule_test_support::{TestDatabase, eventually};

use crate::documents::markdown::Document;
use crate::world::World;

/// The blocks of commands of the guide.
fn blocks() -> Vec<String> {
    let fences = Document::read("docs/tokens.md").fences();
    fences.into_iter().filter(|fence| fence.language == "sh").map(|fence| fence.code).collect()
}

/// The words of a command line: what stands between quotation marks is one.
fn words(line: &str) -> Vec<String> {
    let parts = line.split('"').enumerate();
    let words = parts.flat_map(|(place, part)| match place % 2 {
        0 => part.split_whitespace().map(str::to_owned).collect(),
        _ => vec![part.to_owned()],
    });
    words.collect()
}

async fn run(world: &World, line: &str) -> String {
    let words = words(line);
    let arguments: Vec<&str> = words.iter().map(String::as_str).collect();
    assert_eq!(arguments[0], "vestibule", "{line}");
    let output = world.program.run(&arguments[1..]).await;
    assert!(output.status.success(), "{line}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap().trim_end().to_owned()
}

/// Runs a command of the guide for programs, as a shell does that has the text in this variable.
fn curl(world: &World, line: &str, (variable, text): (&str, &str)) -> Value {
    let line = line.replace("https://auth.example.com", &world.program.base_url());
    let output = Command::new("sh").args(["-c", &line]).env(variable, text).output().unwrap();
    assert!(output.status.success(), "{line}");
    serde_json::from_slice(&output.stdout).unwrap()
}

/// The block of commands of the guide that has this text.
fn block(text: &str) -> String {
    blocks().into_iter().find(|block| block.contains(text)).expect("a block of commands")
}

#[tokio::test(flavor = "multi_thread")]
async fn h13_the_guide_makes_a_token_with_which_a_program_is_somebody() {
    let world = World::on(TestDatabase::sqlite()).await;
    let ada = world.sign_in("google", "ada").await;
    world.post_as(&ada, "/auth/update", &[("username", "ada")]).await;
    let (programs, operators) = (block("/auth/check"), block("vestibule role-accounts token create"));
    let [create, make] = operators.lines().collect::<Vec<_>>().try_into().expect("two commands");
    run(&world, create).await;
    let token = run(&world, make).await;
    let [check, authorize, session] =
        programs.lines().collect::<Vec<_>>().try_into().expect("three commands");
    let profile = curl(&world, check, ("TOKEN", &token))["profile"].clone();
    assert_eq!((&profile["username"], &profile["roleaccount"]), (&json!("backup"), &json!(true)));
    let granted = curl(&world, authorize, ("TOKEN", &token));
    assert_eq!((&granted["userid"], &granted["service"]), (&profile["id"], &json!("storage")));
    assert_eq!(granted["permissions"], json!({}), "the sample plugin grants no `read`");
    let session = curl(&world, session, ("TOKEN", &token));
    assert_eq!(
        (&session["uid"], &session["services"], &session["scopes"]),
        (&profile["id"], &json!(["storage"]), &json!(["profile", "read"]))
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn h13_the_guide_makes_a_pair_with_which_a_program_of_the_person_stays_signed_in() {
    let world = World::on(TestDatabase::sqlite()).await;
    let user = world.sign_in("google", "ada").await;
    let made = curl(&world, &block("grant_type=session"), ("USER_TOKEN", &user));
    assert_eq!((&made["services"], &made["expires_in"]), (&json!("storage"), &json!(3_600)));
    let mut refresh = made["refresh_token"].as_str().unwrap().to_owned();
    let refreshes = block("grant_type=refresh_token");
    assert_eq!(refreshes.lines().count(), 2);
    for line in refreshes.lines() {
        let next = curl(&world, line, ("REFRESH_TOKEN", &refresh));
        assert_ne!(next["refresh_token"], refresh.as_str());
        refresh = next["refresh_token"].as_str().unwrap().to_owned();
        let access = next["access_token"].as_str().unwrap();
        let check = block("/auth/check").lines().next().unwrap().to_owned();
        assert_eq!(curl(&world, &check, ("TOKEN", access))["authenticated"], true);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn h17_what_a_command_revokes_or_disables_is_dead_in_the_service_within_a_moment() {
    for database in [TestDatabase::sqlite(), TestDatabase::postgres()] {
        let world = World::on(database).await;
        run(&world, "vestibule role-accounts create backup").await;
        let make = "vestibule role-accounts token create backup --name x --service * --scope profile";
        let (kept, revoked) = (run(&world, make).await, run(&world, make).await);
        assert!(world.is_signed_in(&kept).await && world.is_signed_in(&revoked).await);
        run(&world, "vestibule role-accounts disable backup").await;
        eventually("a disabled role account is nobody", async || !world.is_signed_in(&kept).await).await;
        run(&world, "vestibule role-accounts enable backup").await;
        eventually("and somebody again", async || world.is_signed_in(&kept).await).await;
        assert!(world.is_signed_in(&revoked).await);
        let leaked = world.program.run_with_input(&["tokens", "revoke", "--stdin"], revoked.as_bytes()).await;
        assert!(leaked.status.success());
        eventually("a revoked token is dead", async || !world.is_signed_in(&revoked).await).await;
        assert!(world.is_signed_in(&kept).await);
    }
}
