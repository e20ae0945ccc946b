//! What a call costs through the real host, by the isolation of its plugin, beside one signature of a token.
//!
//! `make bench-plugins` runs it. It takes turns: each round does a little of everything, so that whatever else the machine does
//! falls on all alike, and the median of the rounds is printed. Nothing depends on the figures.
//!
//! To add a way to answer: an instance in `stage`, a row in `ROWS`.
#![allow(
    clippy::expect_used,
    clippy::print_stdout,
    clippy::cast_precision_loss,
    reason = "whoever runs it sees what went wrong, and it is there to print figures"
)]

mod cpu;
mod measure;
mod receiver;
mod report;
mod stage;
mod work;

use std::env;

use measure::Rounds;
use stage::{CHILD, Stage};
use work::{INSTANT, Load, Task, WAITS};

/// What is measured, and how it is named.
const ROWS: [(&str, Task); 7] = [
    ("one RSA-2048 signature", Task::Signature),
    ("an answer that is used again", Task::ask("cached", INSTANT)),
    ("inline", Task::ask("inline", INSTANT)),
    ("thread", Task::ask("thread", INSTANT)),
    ("process", Task::ask("process", INSTANT)),
    ("python, on threads", Task::ask("python", INSTANT)),
    ("webhook, on threads", Task::ask("webhook", INSTANT)),
];

/// Modules in Python, each asked through one worker and through eight.
const MODULES: [(&str, &str); 2] = [("answers at once", INSTANT), ("waits for 2 ms", WAITS)];

fn main() {
    let arguments: Vec<String> = env::args().skip(1).collect();
    if arguments.first().is_some_and(|first| first == CHILD) {
        vestibule_plugin_host::run_plugin_process();
    }
    // Test runners start every program to see which tests are in it. There are none.
    if arguments.iter().any(|argument| argument == "--bench") {
        run();
    }
}

fn run() {
    let stage = Stage::build();
    let rounds = Rounds::measure(&stage, &loads());
    report::print(&rounds);
    stage.close();
    // Plugins are loaded, so this does not return from `main`.
    vestibule_plugin_host::exit_now(0);
}

/// Everything that a round has, in its order.
fn loads() -> Vec<Load> {
    let rows = ROWS.iter().flat_map(|(_, task)| [Load::one(*task), Load::many(*task)]);
    let modules = MODULES.iter().flat_map(|(_, user)| [Load::one_worker(user), Load::eight_workers(user)]);
    rows.chain(modules).collect()
}
