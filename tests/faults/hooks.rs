//! Extensions that fail when a user is new: nobody is kept out, and every failure is counted.

use vestibule_provider_emulator::Persona;
use vestibule_test_support::TestDatabase;

use super::stage::sign_in_as;
use super::table::Isolation;
use crate::authorize::plugins::PluginFolder;
use crate::world::{APP, World};

/// A world with these extensions, made of `turns.c`: an alias, and the option with which it is compiled.
async fn with_extensions(folder: &PluginFolder, isolation: Isolation, extensions: &[(&str, &str)]) -> World {
    for (name, option) in extensions {
        folder.add_turns(name, &[option]);
    }
    let table = |name: &str| format!("[plugin.{name}]\nisolation = \"{}\"\n", isolation.as_str());
    let names: Vec<_> = extensions.iter().map(|(name, _)| *name).chain(["sample-extension"]).collect();
    let tables: Vec<_> = extensions.iter().map(|(name, _)| table(name)).collect();
    World::builder(TestDatabase::sqlite())
        .setting("PLUGIN_PATH", &folder.path())
        .setting("INSTALLED_EXTENSIONS", &names.join(";"))
        .config(&tables.concat())
        .with_metrics()
        .start()
        .await
}

async fn assert_counted(world: &World, alias: &str, outcome: &str) {
    let metrics = world.admin().get("/metrics").await.body;
    let line = format!(
        "vestibule_plugin_calls_total{{alias=\"{alias}\",operation=\"on_new_user\",outcome=\"{outcome}\"}} 1"
    );
    assert!(metrics.lines().any(|written| written == line), "{line} in {metrics}");
}

fn notes_of_new_users(world: &World) -> usize {
    world.program.logs().matches("a new user").count()
}

#[tokio::test(flavor = "multi_thread")]
async fn e8_on_threads_an_extension_that_fails_or_is_slow_at_a_new_user_blocks_no_sign_in() {
    let folder = PluginFolder::new();
    let world = with_extensions(&folder, Isolation::Thread, &[("fails", "NOTHING")]).await;
    assert!(world.is_signed_in(&sign_in_as(&world, "fail").await).await);
    assert_counted(&world, "fails", "failed").await;
    assert!(world.is_signed_in(&sign_in_as(&world, "hang").await).await);
    assert_counted(&world, "fails", "timeout").await;
    assert_eq!(notes_of_new_users(&world), 2, "the extension behind it was told");
}

#[tokio::test(flavor = "multi_thread")]
async fn e8_in_a_process_an_extension_that_fails_is_slow_or_crashes_at_a_new_user_blocks_no_sign_in() {
    let folder = PluginFolder::new();
    let extensions = [("fails", "NOTHING"), ("crashes", "SEGFAULT")];
    let world = with_extensions(&folder, Isolation::Process, &extensions).await;
    assert!(world.is_signed_in(&sign_in_as(&world, "fail").await).await);
    assert_counted(&world, "fails", "failed").await;
    assert_counted(&world, "crashes", "crashed").await;
    assert!(world.is_signed_in(&sign_in_as(&world, "hang").await).await);
    assert_counted(&world, "fails", "timeout").await;
    assert_counted(&world, "crashes", "timeout").await;
    assert_eq!(notes_of_new_users(&world), 2, "the extension behind them was told");
}

/// On a thread a crash ends the service with the sign-in. The user is there all the same, and the last line says which
/// extension has not been told to its end.
#[tokio::test(flavor = "multi_thread")]
async fn e8_on_threads_an_extension_that_crashes_at_a_new_user_is_named_and_the_user_signs_in_afterwards() {
    let folder = PluginFolder::new();
    let mut world = with_extensions(&folder, Isolation::Thread, &[("crashes", "SEGFAULT")]).await;
    world.control().put_persona(Persona::ordinary("fail", "fail", 1));
    let browser = world.browser();
    let callback = world.reach_callback(&browser, "google", "fail", APP).await;
    let request = browser.request(reqwest::Method::GET, callback.as_str());
    assert!(browser.try_send(request).await.is_err(), "nobody is left to answer");
    assert!(!world.program.ended().await.success());
    let logs = world.program.logs();
    let last = logs.lines().last().unwrap_or_default();
    let start = "vestibule: fatal signal SIGSEGV in plugin \"crashes\" (on_new_user, ";
    assert!(last.starts_with(start), "{logs}");
    world.program.start_again().await;
    assert!(world.is_signed_in(&world.sign_in("google", "fail").await).await);
}
