//! Somebody is signed out or disabled while a plugin thinks about them.

use serde_json::json;
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
