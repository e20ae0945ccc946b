//! What a call costs, and whether workers get in each other's way. Prints a table; nothing depends on the figures.
//!
//! `cargo test --release -p python speed -- --nocapture` shows it.

use std::collections::BTreeSet;
use std::sync::Mutex;
use std::thread;
use std::time::{Duration, Instant};

use vestibule_plugin_sdk::json;

use super::stage::{Stage, eventually};

const CALLS: u32 = 400;
const SOURCE: &str = "import os, time
def get_permissions(service, userid):
    if service == 'warm up':
        time.sleep(0.1)
        return {'pid': os.getpid()}
    return {'provider-token': '{}-{}'.format(service, userid)}
";

#[test]
fn the_cost_of_a_call_with_one_worker_and_with_eight() {
    let (one, eight) = (measure(1), measure(8));
    println!("| workers and threads | microseconds a call | calls a second | ratio |");
    println!("| --- | --- | --- | --- |");
    for (threads, took) in [(1_u32, one), (8, eight)] {
        let calls = f64::from(CALLS * threads);
        let microseconds = took.as_secs_f64() * 1e6 / calls;
        let ratio = microseconds / (one.as_secs_f64() * 1e6 / f64::from(CALLS));
        println!("| {threads} | {microseconds:.1} | {:.0} | {ratio:.2} |", 1e6 / microseconds);
    }
}

/// How long so many threads take for their calls, once every worker is up.
fn measure(threads: usize) -> Duration {
    let stage = Stage::new(SOURCE, json!({"workers": threads}));
    let seen = Mutex::new(BTreeSet::new());
    eventually("all workers", || {
        at_once(threads, || {
            let pid = stage.reply("warm up")["pid"].to_string();
            seen.lock().unwrap().insert(pid);
        });
        seen.lock().unwrap().len() == threads
    });
    let expected = json!({"provider-token": "billing-u1"});
    let begin = Instant::now();
    at_once(threads, || {
        for _ in 0..CALLS {
            assert_eq!(stage.reply("billing"), expected);
        }
    });
    begin.elapsed()
}

fn at_once(threads: usize, work: impl Fn() + Sync) {
    thread::scope(|scope| {
        for _ in 0..threads {
            scope.spawn(&work);
        }
    });
}
