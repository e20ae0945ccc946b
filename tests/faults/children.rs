//! The processes of plugins: one that is killed under requests, and what is left when the service is killed.

use std::fs;

use rustix::process::{Pid, Signal, kill_process};
use vestibule_test_support::{Method, Program, eventually};

use super::stage::{sign_in_as, with_folder};
use super::traffic::{CALLERS, Traffic};
use crate::authorize::plugins::PluginFolder;
use crate::authorize::{assert_unavailable, granted};
use crate::world::World;

/// Kills at most this often.
const KILLS: usize = 20;
/// How many calls of one plugin are under way at once.
const CONCURRENCY: usize = 4;

/// The living processes that a program has started for the plugins of these aliases.
pub(super) fn children_of(program: &Program, alias: &str) -> Vec<u32> {
    let parent = program.pid();
    let entries = fs::read_dir("/proc").unwrap().filter_map(Result::ok);
    let processes = entries.filter_map(|entry| entry.file_name().to_str()?.parse().ok());
    processes.filter(|process| is_of(*process, alias) && parent_of(*process) == Some(parent)).collect()
}

/// Unless it has ended.
fn parent_of(process: u32) -> Option<u32> {
    let stat = fs::read_to_string(format!("/proc/{process}/stat")).ok()?;
    let mut after_name = stat.rsplit_once(')')?.1.split_whitespace();
    let state = after_name.next()?;
    after_name.next()?.parse().ok().filter(|_| state != "Z")
}

/// The alias is the last of its arguments.
fn is_of(process: u32, alias: &str) -> bool {
    let arguments = fs::read_to_string(format!("/proc/{process}/cmdline")).unwrap_or_default();
    arguments.trim_end_matches('\0').rsplit('\0').next() == Some(alias)
}

fn kill(process: u32) {
    let process = Pid::from_raw(i32::try_from(process).unwrap()).unwrap();
    // It may have ended by itself.
    let _ = kill_process(process, Signal::KILL);
}

async fn with_process(folder: &PluginFolder) -> World {
    folder.add_turns("turns", &[]);
    let table = "[plugin.turns]\nisolation = \"process\"\ntimeout = \"60s\"\n";
    with_folder(folder, "turns;storage:sample-permissions", table).start().await
}

#[tokio::test(flavor = "multi_thread")]
async fn e5_a_plugin_s_process_that_is_killed_under_requests_costs_those_under_way_and_no_other() {
    let folder = PluginFolder::new();
    let world = with_process(&folder).await;
    let (ada, patient) = (world.sign_in("google", "ada").await, sign_in_as(&world, "hang").await);
    let bystander = world.sign_in("github", "linus").await;
    // This one is sure to be under way.
    let browser = world.browser();
    let request = browser.request(Method::GET, "/auth/authorize?service=turns").bearer_auth(patient);
    let hanging = tokio::spawn(async move { browser.send(request).await });
    let traffic = Traffic::start(&world, &ada, &["turns", "storage"]);
    let mut kills = 0;
    while !hanging.is_finished() {
        assert!(kills < KILLS, "the call that hangs was never lost");
        traffic.go_on_for(60).await;
        children_of(&world.program, "turns").into_iter().for_each(kill);
        kills += 1;
        // Whoever calls next waits for the next process. Ada may be waiting for a call that is lost already.
        granted(&world, &bystander, "turns").await;
    }
    assert_unavailable(&hanging.await.unwrap(), "2", "its process was killed");
    let lost = traffic.finish().await;
    let calls = lost_calls(&world).await;
    assert!(calls <= kills * CONCURRENCY, "{calls} of {kills}");
    // Those who asked the same shared a call.
    assert!(lost.len() <= calls * CALLERS, "{} of {calls}: {:?}", lost.len(), lost.first());
    for answer in lost {
        assert!(answer.url.query() == Some("service=turns"), "{}: {}", answer.url, answer.body);
        assert_unavailable(&answer, "2", "it was under way");
    }
    assert_eq!(children_of(&world.program, "turns").len(), 1);
}

async fn lost_calls(world: &World) -> usize {
    let metrics = world.admin().get("/metrics").await.body;
    let lost =
        "vestibule_plugin_calls_total{alias=\"turns\",operation=\"get_permissions\",outcome=\"crashed\"} ";
    metrics.lines().find_map(|line| line.strip_prefix(lost)).map_or(0, |count| count.parse().unwrap())
}

#[tokio::test(flavor = "multi_thread")]
async fn e5_plugins_processes_do_not_outlive_a_service_that_is_killed() {
    let folder = PluginFolder::new();
    let mut world = with_process(&folder).await;
    let (ada, patient) = (world.sign_in("google", "ada").await, sign_in_as(&world, "hang").await);
    granted(&world, &ada, "turns").await;
    let browser = world.browser();
    let request = browser.request(Method::GET, "/auth/authorize?service=turns").bearer_auth(patient);
    let hanging = tokio::spawn(async move { browser.try_send(request).await });
    let busy = "vestibule_plugin_inflight{alias=\"turns\"} 1";
    let is_asked = async || world.admin().get("/metrics").await.body.lines().any(|line| line == busy);
    eventually("the plugin is in a call", is_asked).await;
    let children = children_of(&world.program, "turns");
    assert_eq!(children.len(), 1);
    world.program.kill().await;
    assert!(hanging.await.unwrap().is_err(), "nobody is left to answer");
    let are_gone =
        async || children.iter().all(|child| parent_of(*child).is_none() || !is_of(*child, "turns"));
    eventually("the plugin's process is gone", are_gone).await;
    world.program.start_again().await;
    granted(&world, &ada, "turns").await;
}
