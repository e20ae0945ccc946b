//! Answers that a plugin lets be used again, and what ends that.

use serde_json::json;
use vestibule_test_support::forge::parts_of;
use vestibule_test_support::{TestDatabase, eventually};

use super::granted;
use super::plugins::PluginFolder;
use crate::world::World;

async fn with_script(folder: &PluginFolder, table: &str) -> World {
    World::builder(TestDatabase::sqlite())
        .setting("PLUGIN_PATH", &folder.path())
        .setting("ALLOWED_SERVICES", "storage:scripted")
        .config(table)
        .with_metrics()
        .start()
        .await
}

async fn may_write(world: &World, token: &str) -> bool {
    granted(world, token, "storage").await["permissions"]["write"].as_bool().unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn e9_an_answer_is_used_again_until_its_user_signs_out() {
    let folder = PluginFolder::with_scripted(r#"keep {"write": true}"#);
    let world = with_script(&folder, "").await;
    let (first, second) = (world.sign_in("google", "ada").await, world.sign_in("github", "ada").await);
    assert!(may_write(&world, &first).await && may_write(&world, &second).await);
    folder.write_script(r#"{"write": false}"#);
    assert!(may_write(&world, &first).await, "the plugin is not asked again");
    world.post_as(&first, "/auth/logout", &[]).await;
    assert!(!may_write(&world, &second).await, "nothing that is known of a person outlives a sign-out");
    assert!(!may_write(&world, &world.sign_in("google", "ada").await).await);
}

#[tokio::test(flavor = "multi_thread")]
async fn e9_the_operator_may_forbid_it() {
    let folder = PluginFolder::with_scripted(r#"keep {"write": true}"#);
    let world = with_script(&folder, "[plugin.storage]\nmax_ttl = \"0s\"\n").await;
    let token = world.sign_in("google", "ada").await;
    assert!(may_write(&world, &token).await);
    folder.write_script(r#"keep {"write": false}"#);
    assert!(!may_write(&world, &token).await);
}

#[tokio::test(flavor = "multi_thread")]
async fn e9_what_is_taken_away_is_gone_after_the_use_of_an_answer_and_the_life_of_a_token_as_the_start_says()
{
    let folder = PluginFolder::with_scripted(r#"keep {"write": true}"#);
    let world = with_script(&folder, "[plugin.storage]\nmax_ttl = \"1s\"\n").await;
    let said = "a permission that is taken away is gone after 15m 1s at the latest";
    assert!(world.program.logs().contains(said), "{}", world.program.logs());
    let token = world.sign_in("google", "ada").await;
    let mut last = granted(&world, &token, "storage").await;
    folder.write_script(r#"keep {"write": false}"#);
    // However often it is used meanwhile, the answer has an end.
    let is_gone = async || {
        let answer = granted(&world, &token, "storage").await;
        let may_write = answer["permissions"]["write"] == true;
        if may_write {
            last = answer;
        }
        !may_write
    };
    eventually("the plugin is asked again", is_gone).await;
    let claims = parts_of(last["token"].as_str().unwrap()).1;
    assert_eq!(claims["permissions"], json!({"write": true}));
    assert_eq!(claims["exp"].as_i64().unwrap() - claims["iat"].as_i64().unwrap(), 15 * 60);
}

#[tokio::test(flavor = "multi_thread")]
async fn one_person_s_answer_is_not_another_s() {
    let folder = PluginFolder::with_scripted(r#"keep {"write": true}"#);
    let world = with_script(&folder, "").await;
    let (ada, linus) = (world.sign_in("google", "ada").await, world.sign_in("github", "linus").await);
    assert!(may_write(&world, &ada).await);
    folder.write_script(r#"keep {"write": false}"#);
    assert!(!may_write(&world, &linus).await);
    assert!(may_write(&world, &ada).await);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_metrics_say_what_was_known_and_what_runs() {
    let folder = PluginFolder::with_scripted(r#"keep {"write": true}"#);
    let world = with_script(&folder, "").await;
    let token = world.sign_in("google", "ada").await;
    for _ in 0..3 {
        assert_eq!(granted(&world, &token, "storage").await["permissions"], json!({"write": true}));
    }
    let metrics = world.admin().get("/metrics").await.body;
    for line in [
        "vestibule_plugin_cache_total{alias=\"storage\",result=\"hit\"} 2",
        "vestibule_plugin_cache_total{alias=\"storage\",result=\"miss\"} 1",
        "vestibule_plugin_calls_total{alias=\"storage\",operation=\"get_permissions\",outcome=\"ok\"} 1",
        "vestibule_plugin_queue_wait_seconds_count{alias=\"storage\"} 1",
        "vestibule_plugin_inflight{alias=\"storage\"} 0",
        "vestibule_plugin_stuck_threads{alias=\"storage\"} 0",
        "vestibule_plugin_breaker_state{alias=\"storage\"} 0",
    ] {
        assert!(metrics.lines().any(|written| written == line), "{line} in {metrics}");
    }
    let info = "vestibule_plugin_info{alias=\"storage\",name=\"scripted\",version=\"1\",sha256=\"";
    assert!(metrics.contains(info) && metrics.contains("abi=\"1.0\",isolation=\"thread\"} 1"), "{metrics}");
}
