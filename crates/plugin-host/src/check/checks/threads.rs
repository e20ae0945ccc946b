//! Many calls at once: as the service does, and harder.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::mpsc::{self, RecvTimeoutError, Sender};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use crate::check::event::Note;
use crate::check::plan::ENOUGH;
use crate::check::questions::Person;
use crate::check::subject::{Subject, Verdict, advice_on, ask, verdict};
use crate::error::LoadFault;
use crate::observer::Operation;
use crate::pool::start_thread;
use crate::raw::RawInstance;

const THREADS: usize = 8;
const CALLS: usize = 1_000;
const LOOK: Duration = Duration::from_millis(500);

/// What all threads share.
struct LoadState {
    instance: RawInstance,
    /// Held during each call of a plugin that is called one at a time; by whichever thread comes next.
    one_at_a_time: Option<Mutex<()>>,
    done: AtomicUsize,
    stop: AtomicBool,
}

/// The question that one thread repeats, with the answer that a single thread gets, if that is always the same.
struct Task {
    operation: Operation,
    person: Person,
    alone: Option<Verdict>,
}

pub(super) fn run(subject: &Subject<'_>) -> Result<Note, LoadFault> {
    let instance = subject.create()?;
    let tasks = (0..THREADS).map(|number| tasks(subject, &instance, number)).collect();
    let state = Arc::new(LoadState {
        instance,
        one_at_a_time: subject.is_serial().then(Mutex::default),
        done: AtomicUsize::new(0),
        stop: AtomicBool::new(false),
    });
    let outcome = call_at_once(subject, &state, tasks);
    let calls = state.done.load(Ordering::Relaxed);
    if let Some(instance) = Arc::into_inner(state) {
        subject.destroy(instance.instance);
    }
    Ok(outcome.unwrap_or_else(|| {
        let how = if subject.is_serial() { ", one call at a time as the plugin wants it" } else { "" };
        Note::ok(format_args!("{calls} calls on {THREADS} threads{how}")).figure("calls", calls)
    }))
}

fn tasks(subject: &Subject<'_>, instance: &RawInstance, number: usize) -> Vec<Task> {
    let task = |operation: &Operation| {
        subject.progress.doing(format_args!("it answered {} twice in a row", operation.as_str()));
        let person = Person::new(&format!("user-{number}"));
        let answer = || verdict(*operation, ask(instance, &person.question(*operation)));
        let alone = answer();
        let alone = (answer() == alone).then_some(alone);
        Task { operation: *operation, person, alone }
    };
    subject.operations().iter().map(task).collect()
}

/// Runs all threads to their end; the first fault, if there is one.
fn call_at_once(subject: &Subject<'_>, state: &Arc<LoadState>, tasks: Vec<Vec<Task>>) -> Option<Note> {
    let doing = format!("it answered calls on {THREADS} threads at once");
    subject.progress.doing(&doing);
    let (sender, receiver) = mpsc::channel();
    for (number, tasks) in tasks.into_iter().enumerate() {
        let (state, sender) = (Arc::clone(state), sender.clone());
        if start_thread("check", number, move || work(&state, &tasks, &sender)).is_err() {
            return Some(Note::failed("no thread could be started", "Check the limits of this machine"));
        }
    }
    drop(sender);
    let (began, mut seen) = (Instant::now(), 0);
    let mut fault = None;
    loop {
        match receiver.recv_timeout(LOOK) {
            Ok(note) => {
                state.stop.store(true, Ordering::Relaxed);
                fault.get_or_insert(note);
            }
            Err(RecvTimeoutError::Disconnected) => return fault,
            Err(RecvTimeoutError::Timeout) => {
                let done = state.done.load(Ordering::Relaxed);
                if done > seen {
                    // Tells the parent that the plugin is slow, but lives.
                    subject.progress.doing(&doing);
                }
                seen = done;
                state.stop.fetch_or(began.elapsed() > ENOUGH, Ordering::Relaxed);
            }
        }
    }
}

fn work(state: &LoadState, tasks: &[Task], faults: &Sender<Note>) {
    for task in tasks.iter().cycle().take(CALLS) {
        if state.stop.load(Ordering::Relaxed) {
            return;
        }
        let turn = state.one_at_a_time.as_ref();
        let turn = turn.map(|turn| turn.lock().unwrap_or_else(PoisonError::into_inner));
        let answer = ask(&state.instance, &task.person.question(task.operation));
        drop(turn);
        state.done.fetch_add(1, Ordering::Relaxed);
        if let Some(note) = compare(task, verdict(task.operation, answer)) {
            drop(faults.send(note));
            return;
        }
    }
}

fn compare(task: &Task, now: Verdict) -> Option<Note> {
    let name = task.operation.as_str();
    match (&task.alone, now) {
        (_, Verdict::Bad(kind)) => {
            Some(Note::failed(format_args!("{name} on {THREADS} threads: {kind}"), advice_on(kind)))
        }
        (Some(alone), now) if *alone != now => Some(Note::failed(
            format_args!("{name} answers otherwise when {THREADS} threads ask at once than when one does"),
            "Put what calls share behind a lock, or declare SERIAL",
        )),
        _ => None,
    }
}
