//! Many callers at once: each gets the answer to its own question. What a call costs is measured by `make bench-plugins`.

use std::collections::BTreeSet;
use std::sync::Mutex;
use std::thread;

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
fn one_caller_and_eight_at_once_get_every_answer() {
    for threads in [1, 8] {
        for service in ["billing", "waits"] {
            ask(threads, service);
        }
    }
}

/// So many threads ask so many workers, once every worker is up.
fn ask(threads: u32, service: &str) {
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
    at_once(threads, || {
        for _ in 0..CALLS {
            assert_eq!(stage.reply(service), expected);
        }
    });
}

fn at_once(threads: u32, work: impl Fn() + Sync) {
    thread::scope(|scope| {
        for _ in 0..threads {
            scope.spawn(&work);
        }
    });
}
