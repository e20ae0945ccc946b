//! The tables.

use std::thread;

use crate::measure::{Cost, Rounds};
use crate::work::{INSTANT, Load, MANY, Task};
use crate::{MODULES, ROWS};

pub(crate) fn print(rounds: &Rounds) {
    let processors = thread::available_parallelism().map_or(1, usize::from);
    println!("\nMicroseconds a call, in the middle of the rounds. Processors: {processors}.\n");
    print_costs(rounds);
    println!();
    print_workers(rounds);
    println!();
    print_aims(rounds);
}

fn print_costs(rounds: &Rounds) {
    let signature = rounds.of(Load::one(Task::Signature)).wall;
    println!(
        "| {:28} | {:>13} | {:>6} | {:>11} | {:>8} | {:>6} |",
        "",
        "one at a time",
        "CPU",
        "signatures",
        format!("{MANY} at once"),
        "CPU"
    );
    println!("| --- | ---: | ---: | ---: | ---: | ---: |");
    for (name, task) in ROWS {
        let (one, many) = (rounds.of(Load::one(task)), rounds.of(Load::many(task)));
        println!(
            "| {name:28} | {:13.1} | {:>6} | {:11.3} | {:10.1} | {:>6} |",
            one.wall,
            cpu(one),
            one.wall / signature,
            many.wall,
            cpu(many)
        );
    }
}

fn cpu(cost: Cost) -> String {
    cost.cpu.map_or_else(|| "-".to_owned(), |microseconds| format!("{microseconds:.1}"))
}

fn print_workers(rounds: &Rounds) {
    println!(
        "| {:28} | 1 worker, calls a second | 8 workers, 8 at once | ratio |",
        "a module in Python that"
    );
    println!("| --- | ---: | ---: | ---: |");
    for (name, user) in MODULES {
        let (one, eight) = rates(rounds, user);
        println!("| {name:28} | {one:24.0} | {eight:20.0} | {:5.2} |", eight / one);
    }
}

/// Calls a second, with one worker and with eight.
fn rates(rounds: &Rounds, user: &'static str) -> (f64, f64) {
    let rate = |load| 1e6 / rounds.of(load).wall;
    (rate(Load::one_worker(user)), rate(Load::eight_workers(user)))
}

fn print_aims(rounds: &Rounds) {
    let wall = |task| rounds.of(Load::one(task)).wall;
    let hop = wall(Task::ask("process", INSTANT)) / wall(Task::Signature);
    println!("A call in a process under a third of a signature: {}, {hop:.2}.", met(hop < 1.0 / 3.0));
    for (name, user) in MODULES {
        let (one, eight) = rates(rounds, user);
        let verdict = met(eight >= one);
        println!("Eight modules in Python, each of which {name}, not slower than one: {verdict}.");
    }
}

fn met(is_so: bool) -> &'static str {
    if is_so { "met" } else { "not met" }
}
