//! Somebody is signed out or disabled while a plugin thinks about them.

use std::fs;

use serde_json::{Value, json};
use tokio::task::JoinHandle;
use vestibule_test_support::{Answer, Method, TestDatabase, eventually};

use super::granted;
use super::plugins::PluginFolder;
use crate::sign_out::start_neighbour;
use crate::world::{World, WorldBuilder, on_both_databases};

const READ: &str = r#"{"read": true}"#;

fn with_script(folder: &PluginFolder, database: TestDatabase) -> WorldBuilder {
    World::builder(database)
        .setting("PLUGIN_PATH", &folder.path())
        .setting("SCRIPT", &folder.script())
        .setting("ALLOWED_SERVICES", "storage:scripted")
        .config("[plugin.storage]\ntimeout = \"60s\"\n")
        .with_metrics()
}

/// Asks as the holder of a token, and waits until the plugin has the call.
async fn begin(world: &World, token: &str) -> JoinHandle<Answer> {
    let (client, token) = (world.browser(), token.to_owned());
    let asking = tokio::spawn(async move {
        let request = client.request(Method::GET, "/auth/authorize?service=storage").bearer_auth(token);
        client.send(request).await
    });
    let under_way = "vestibule_plugin_inflight{alias=\"storage\"} 1";
    let has_begun = async || world.admin().get("/metrics").await.body.lines().any(|line| line == under_way);
    eventually("the call is under way", has_begun).await;
    asking
}

/// How somebody's session ends.
#[derive(Debug, Clone, Copy)]
enum End {
    SignOut,
    SignOutElsewhere,
    Disabled,
    SignedOutByOperator,
}

/// Ends it, and says whose it was.
async fn bring_about(end: End, world: &World, token: &str) -> String {
    let id = world.profile(token).await["id"].as_str().unwrap().to_owned();
    match end {
        End::SignOut => drop(world.post_as(token, "/auth/logout", &[]).await),
        End::SignOutElsewhere => {
            let other = world.sign_in("google", "ada").await;
            drop(world.post_as(&other, "/auth/logout", &[("all", "true")]).await);
        }
        End::Disabled | End::SignedOutByOperator => {
            let command = if matches!(end, End::Disabled) { "disable" } else { "sign-out" };
            assert!(world.program.run(&["users", command, &id]).await.status.success());
        }
    }
    world.until_signed_out(token).await;
    id
}

on_both_databases! {
    async fn c7_d9_whoever_is_signed_out_or_disabled_while_the_plugin_thinks_gets_no_token(database) {
        let folder = PluginFolder::with_scripted(READ);
        let world = with_script(&folder, database).start().await;
        // Whether there is an earlier token that could be given again.
        for earlier in [false, true] {
            for end in [End::SignOut, End::SignOutElsewhere, End::SignedOutByOperator, End::Disabled] {
                let token = world.sign_in("google", "ada").await;
                if earlier {
                    granted(&world, &token, "storage").await;
                }
                folder.write_script("hang");
                let asking = begin(&world, &token).await;
                let id = bring_about(end, &world, &token).await;
                folder.write_script(READ);
                let answer = asking.await.unwrap();
                let said = (answer.status.as_u16(), answer.json());
                assert_eq!(said, (200, json!({"permissions": {}})), "{end:?}, an earlier token: {earlier}");
                if matches!(end, End::Disabled) {
                    assert!(world.program.run(&["users", "enable", &id]).await.status.success());
                }
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn c7_d9_a_sign_out_at_another_replica_while_the_plugin_thinks_leaves_no_token() {
    let folder = PluginFolder::with_scripted("hang");
    let database = TestDatabase::postgres();
    let url = database.url().to_owned();
    let here = with_script(&folder, database).start().await;
    let there = start_neighbour(&here, &url).await;
    let token = here.sign_in("google", "ada").await;
    let asking = begin(&here, &token).await;
    let client = there.client();
    client.send(client.request(Method::POST, "/auth/logout").bearer_auth(&token)).await;
    here.until_signed_out(&token).await;
    folder.write_script(READ);
    assert_eq!(asking.await.unwrap().json(), json!({"permissions": {}}));
}

const GITHUB: &str = "github:4201017";

/// A plugin that answers with what it is told of the person, and waits as long as the gate is there.
fn with_gate(folder: &PluginFolder, database: TestDatabase) -> WorldBuilder {
    let gate = format!("GATE={:?}", folder.directory().join("gate").to_str().unwrap());
    folder.add_variant("echo", &["ECHO", "FLAGS=VESTIBULE_F_IDENTITIES", &gate]);
    World::builder(database)
        .setting("PLUGIN_PATH", &folder.path())
        .setting("ALLOWED_SERVICES", "storage:echo")
        .config("[plugin.storage]\ntimeout = \"60s\"\n")
        .with_metrics()
}

/// How many roles and identities a permission token speaks of.
fn counted(granted: &Value) -> (usize, usize) {
    let count = |member: &str| granted["permissions"][member].as_array().unwrap().len();
    (count("roles"), count("identities"))
}

on_both_databases! {
    async fn c7_a_role_or_an_identity_that_is_taken_away_while_the_plugin_thinks_is_in_no_token(database) {
        let folder = PluginFolder::new();
        let gate = folder.directory().join("gate");
        let world = with_gate(&folder, database).start().await;
        let token = world.sign_in("google", "ada").await;
        world.sign_in("github", "ada").await;
        let id = world.profile(&token).await["id"].as_str().unwrap().to_owned();
        let role = ["--role", "Writer", "--user", &id, "--service", "storage"];
        let run = async |words: &[&str]| {
            let output = world.program.run(words).await;
            assert!(output.status.success(), "{words:?}: {}", String::from_utf8_lossy(&output.stderr));
        };
        run(&[&["roles", "grant"][..], &role].concat()).await;
        assert_eq!(counted(&granted(&world, &token, "storage").await), (1, 2));
        let revoke = [&["roles", "revoke"][..], &role].concat();
        for (taking_away, left) in [(&revoke[..], (0, 2)), (&["users", "unlink", &id, GITHUB], (0, 1))] {
            fs::write(&gate, "").unwrap();
            let asking = begin(&world, &token).await;
            run(taking_away).await;
            fs::remove_file(&gate).unwrap();
            assert_eq!(counted(&asking.await.unwrap().json()), left, "{taking_away:?}");
        }
    }
}
