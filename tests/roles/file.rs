//! The file of rules changes while the service runs.

use serde_json::json;
use vestibule_test_support::{Program, TestDatabase, eventually};

use super::{RulesFile, id_of, permissions, told, with_rules};
use crate::world::World;

fn everybody(role: &str) -> String {
    format!("default_roles = [{role:?}]\n")
}

#[tokio::test(flavor = "multi_thread")]
async fn a_changed_file_takes_effect_without_a_restart() {
    let file = RulesFile::new(&everybody("Reader"));
    let world = with_rules(TestDatabase::sqlite(), &file.path()).start().await;
    let ada = world.sign_in("google", "ada").await;
    assert_eq!(permissions(&world, &ada, "storage").await, json!({"read": true}));
    let id = id_of(&world, &ada).await;
    file.write(&format!("[[rules]]\nname = \"ada\"\nuser = {id:?}\nroles = [\"Moderator\"]\n"));
    eventually("the new rules", async || {
        permissions(&world, &ada, "storage").await == json!({"read": true, "write": true})
    })
    .await;
    let other = world.sign_in("google", "no-name").await;
    assert_eq!(permissions(&world, &other, "storage").await, json!({}));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_plugin_in_a_process_of_its_own_reads_its_file_too() {
    let file = RulesFile::new(&everybody("Reader"));
    let config = format!("isolation = \"process\"\nconfig = {{ file = \"{}\" }}", file.path().display());
    let world = World::builder(TestDatabase::sqlite())
        .setting("ALLOWED_SERVICES", "storage:roles")
        .config(&format!("[plugin.storage]\n{config}"))
        .start()
        .await;
    let ada = world.sign_in("google", "ada").await;
    let id = id_of(&world, &ada).await;
    told(&world, &["roles", "grant", "--role", "Administrator", "--user", &id]).await;
    let all = json!({"execute": true, "read": true, "write": true});
    assert_eq!(permissions(&world, &ada, "storage").await, all);
    file.write("database = false\n");
    eventually("the new rules", async || permissions(&world, &ada, "storage").await == json!({})).await;
    let said = told(&world, &["permissions", "explain", "--user", &id, "--service", "storage"]).await;
    assert!(said.ends_with("because      no rule applies\n"), "{said}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_broken_file_leaves_the_old_rules_in_force_and_is_reported() {
    let file = RulesFile::new(&everybody("Reader"));
    let world = with_rules(TestDatabase::sqlite(), &file.path()).start().await;
    let ada = world.sign_in("google", "ada").await;
    file.write(
        "default_roles = [\"Reader\"]\n[[rules]]\nname = \"who\"\nusr = \"x\"\nroles = [\"Reader\"]\n",
    );
    let readiness = async || world.browser().get("/readyz").await;
    eventually("the service to say that a plugin is not well", async || readiness().await.status == 503)
        .await;
    assert_eq!(permissions(&world, &ada, "storage").await, json!({"read": true}));
    let logs = world.program.logs();
    let complaint = "line 4: unknown field `usr`";
    assert!(logs.contains(complaint) && logs.contains("the rules of before stay in force"), "{logs}");
    // Each of the two instances says it once, and the service when it is asked whether it is ready.
    let said =
        |logs: &str| logs.lines().filter(|line| line.contains("ERROR") && line.contains(complaint)).count();
    assert!(said(&logs) <= 2, "{logs}");

    file.write(&everybody("Writer"));
    eventually("the service to be well again", async || readiness().await.status == 200).await;
    eventually("the new rules", async || {
        permissions(&world, &ada, "storage").await == json!({"write": true})
    })
    .await;
    assert!(said(&world.program.logs()) <= 2);
}

#[tokio::test]
async fn a_file_that_is_not_there_or_names_no_role_stops_the_start() {
    let file = RulesFile::new("[[rules]]\nname = \"who\"\nuser = \"u\"\nroles = [\"Boss\"]\n");
    for (path, reason) in [
        (file.path(), "\"who\": there is no role \"Boss\""),
        (file.path().with_file_name("missing.toml"), "missing.toml: cannot be read: "),
    ] {
        let program = Program::builder()
            .setting("GITHUB_KEY", "id")
            .setting("GITHUB_SECRET", "secret")
            .setting("ALLOWED_SERVICES", "storage:roles")
            .config(&format!("[plugin.storage]\nconfig = {{ file = \"{}\" }}\n", path.display()));
        assert!(program.run(&["keys", "generate"]).await.status.success());
        let ended = program.try_start().await.expect_err("it does not start");
        assert_eq!(ended.status.code(), Some(1));
        assert!(ended.logs.contains("plugin \"storage\"") && ended.logs.contains(reason), "{}", ended.logs);
    }
}
