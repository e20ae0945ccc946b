//! What a call costs, and whether workers get in each other's way. Prints a table; nothing depends on the figures.
//!
//! `cargo test --release -p python speed -- --nocapture` shows it.

use std::collections::BTreeSet;
use std::sync::Mutex;
use std::thread;
use std::time::Instant;

use vestibule_plugin_sdk::json;

use super::stage::{Stage, eventually};

const CALLS: u32 = 400;
const SOURCE: &str = "import os, time
def get_permissions(service, userid):
    if service == 'warm up':
        time.sleep(0.1)
        return {'pid': os.getpid()}
    if service == 'waits':
        time.sleep(0.002)
    return {'provider-token': '{}-{}'.format(service, userid)}
";

#[test]
fn the_cost_of_a_call_with_one_worker_and_with_eight() {
    println!("| module | workers and threads | microseconds a call | calls a second | ratio |");
    println!("| --- | --- | --- | --- | --- |");
    for (module, service) in [("answers at once", "billing"), ("waits for 2 ms, as for a database", "waits")]
    {
        let one = measure(1, service);
        for (threads, microseconds) in [(1, one), (8, measure(8, service))] {
            let (rate, ratio) = (1e6 / microseconds, microseconds / one);
            println!("| {module} | {threads} | {microseconds:.1} | {rate:.0} | {ratio:.2} |");
        }
    }
}

/// What one of the calls of so many threads costs in microseconds, once every worker is up.
fn measure(threads: u32, service: &str) -> f64 {
    let stage = Stage::new(SOURCE, json!({"workers": threads}));
    let seen = Mutex::new(BTreeSet::new());
    eventually("all workers", || {
        at_once(threads, || {
            let pid = stage.reply("warm up")["pid"].to_string();
            seen.lock().unwrap().insert(pid);
        });
        seen.lock().unwrap().len() == threads as usize
    });
    let expected = json!({"provider-token": format!("{service}-u1")});
    let begin = Instant::now();
    at_once(threads, || {
        for _ in 0..CALLS {
            assert_eq!(stage.reply(service), expected);
        }
    });
    begin.elapsed().as_secs_f64() * 1e6 / f64::from(CALLS * threads)
}

fn at_once(threads: u32, work: impl Fn() + Sync) {
    thread::scope(|scope| {
        for _ in 0..threads {
            scope.spawn(&work);
        }
    });
}
