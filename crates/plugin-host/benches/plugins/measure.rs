//! Rounds in which everything has its turn.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::{Duration, Instant};

use crate::cpu::Family;
use crate::stage::Stage;
use crate::work::{Load, Task, WARM_UP, Work};

const ROUNDS: usize = 30;
/// How long each load lasts in a round.
const TURN: Duration = Duration::from_millis(30);
/// The instances in Python that have several workers, and how many.
const WORKERS: [(&str, usize); 2] = [("python", 4), ("python-8", 8)];

/// One turn of a load: microseconds a call.
struct Turn {
    wall: f64,
    cpu: Option<f64>,
}

/// What the rounds gave, in the middle.
#[derive(Clone, Copy)]
pub(crate) struct Cost {
    /// Microseconds between one answer and the next.
    pub(crate) wall: f64,
    /// Microseconds of all processors, in this program and in those of the plugins.
    pub(crate) cpu: Option<f64>,
}

/// What each load costs.
pub(crate) struct Rounds(Vec<(Load, Cost)>);

impl Rounds {
    pub(crate) fn measure(stage: &Stage, loads: &[Load]) -> Self {
        for (service, workers) in WORKERS {
            stage.runtime().block_on(wait_for_workers(stage, service, workers));
        }
        let family = Family::find();
        let mut turns: Vec<Vec<Turn>> = loads.iter().map(|_| Vec::new()).collect();
        // The first round warms up.
        for load in loads {
            take_turn(stage, *load, TURN, &family);
        }
        for _ in 0..ROUNDS {
            for (load, turns) in loads.iter().zip(&mut turns) {
                turns.push(take_turn(stage, *load, TURN, &family));
            }
        }
        Self(loads.iter().copied().zip(turns.iter().map(|turns| middle_of(turns))).collect())
    }

    pub(crate) fn of(&self, load: Load) -> Cost {
        let (_, cost) = self.0.iter().find(|(measured, _)| *measured == load).expect("it was measured");
        *cost
    }
}

fn middle_of(turns: &[Turn]) -> Cost {
    let wall = median(turns.iter().map(|turn| turn.wall).collect()).expect("there were rounds");
    Cost { wall, cpu: median(turns.iter().filter_map(|turn| turn.cpu).collect()) }
}

fn median(mut figures: Vec<f64>) -> Option<f64> {
    figures.sort_by(f64::total_cmp);
    figures.get(figures.len() / 2).copied()
}

fn take_turn(stage: &Stage, load: Load, length: Duration, family: &Family) -> Turn {
    let work = Arc::new(Work::new(stage, load.task));
    let (taken, begin) = (family.taken(), Instant::now());
    let calls = stage.runtime().block_on(work_until(&work, load.at_once, begin + length)) as f64;
    let (wall, now_taken) = (begin.elapsed(), family.taken());
    let each = |time: Duration| time.as_secs_f64() * 1e6 / calls;
    let cpu = taken.zip(now_taken).map(|(before, after)| each(after.saturating_sub(before)));
    Turn { wall: each(wall), cpu }
}

/// How many calls there were. They are made as a server makes them, on the threads of the runtime.
async fn work_until(work: &Arc<Work>, at_once: usize, until: Instant) -> usize {
    let tasks: Vec<_> = (0..at_once).map(|_| tokio::spawn(repeat(Arc::clone(work), until))).collect();
    let mut calls = 0;
    for task in tasks {
        calls += task.await.expect("no call fails");
    }
    calls
}

/// Waits until every worker has answered: they are started when they are needed first.
async fn wait_for_workers(stage: &Stage, service: &'static str, workers: usize) {
    let work = Arc::new(Work::new(stage, Task::ask(service, WARM_UP)));
    let mut seen = BTreeSet::new();
    while seen.len() < workers {
        let asked: Vec<_> = (0..workers)
            .map(|_| {
                let work = Arc::clone(&work);
                tokio::spawn(async move { work.perform().await })
            })
            .collect();
        for answer in asked {
            let answer = answer.await.expect("no call fails");
            seen.insert(answer.get("pid").expect("it is in the module").to_string());
        }
    }
}

async fn repeat(work: Arc<Work>, until: Instant) -> usize {
    let mut calls = 0;
    while Instant::now() < until {
        work.perform().await;
        calls += 1;
    }
    calls
}
