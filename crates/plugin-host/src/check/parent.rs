//! The side of a check that survives it.

use std::io::{self, BufRead, BufReader, Read, Write};
use std::os::fd::OwnedFd;
use std::os::unix::net::UnixStream;
use std::os::unix::process::ExitStatusExt;
use std::path::Path;
use std::process::{ChildStderr, ExitStatus, Stdio};
use std::sync::mpsc::{self, Receiver};
use std::thread;
use std::time::{Duration, Instant};

use super::event::{About, Event, Job, Note};
use super::mask::Mask;
use super::plan::Check;
use super::scratch::Scratch;
use crate::process::{ChildProgram, Process};
use crate::signal;

/// How much of what a plugin writes to its standard error output is kept.
const KEPT_BYTES: usize = 4 * 1024;
/// How our own lines begin: that the process has crashed is told already, and better.
const OURS: &str = "vestibule: ";
/// How long the rest of that output is waited for: a process that the plugin has started may hold it open.
const RUN_OUT: Duration = Duration::from_millis(500);

/// What came of one check.
pub(super) struct Ran {
    pub(super) about: Option<About>,
    pub(super) notes: Vec<Note>,
    pub(super) took: Duration,
}

/// Runs one check in a child and puts whatever ends it early down to what it was doing.
pub(super) fn run(program: &ChildProgram, job: &Job) -> io::Result<Ran> {
    let began = Instant::now();
    let scratch = (job.check == Check::BrokenConfigurations).then(Scratch::new).transpose()?;
    let (mut child, words, mut stream) = start(program, scratch.as_ref().map(Scratch::path))?;
    serde_json::to_writer(&stream, job)?;
    stream.write_all(b"\n")?;
    let patience = job.check.patience();
    stream.set_read_timeout(Some(patience))?;
    let mut story =
        Story { doing: "its library was being loaded".to_owned(), about: None, notes: Vec::new() };
    let ending = listen(stream, &mut story);
    if ending != Ending::Told {
        // One that does not listen to us any more may live on: it is not waited for without end.
        let time = if ending == Ending::Silent { Duration::ZERO } else { patience };
        let status = child.wait_until(Instant::now() + time);
        let mut note = describe(status, patience, &story.doing);
        drop(child);
        if let Some(words) = words.recv_timeout(RUN_OUT).ok().and_then(|words| last_line(&words)) {
            note = note.with_words(&Mask::new(&job.config).quote(&words));
        }
        story.notes.push(note);
    }
    Ok(Ran { about: story.about, notes: story.notes, took: began.elapsed() })
}

/// The child, the end of what its plugin writes, and our end of the socket between us.
type Started = (Process, Receiver<String>, UnixStream);

fn start(program: &ChildProgram, folder: Option<&Path>) -> io::Result<Started> {
    let (ours, theirs) = UnixStream::pair()?;
    let mut command = program.command()?;
    if let Some(folder) = folder {
        command.current_dir(folder);
    }
    command.stdin(OwnedFd::from(theirs)).stdout(Stdio::null()).stderr(Stdio::piped());
    let mut child = command.spawn()?;
    let words = gather(child.stderr.take());
    Ok((Process::new(child), words, ours))
}

/// What is known of a check while it runs.
struct Story {
    doing: String,
    about: Option<About>,
    notes: Vec<Note>,
}

/// How the child stopped talking.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Ending {
    Told,
    Gone,
    Silent,
}

fn listen(stream: UnixStream, story: &mut Story) -> Ending {
    let mut lines = BufReader::new(stream);
    let mut line = String::new();
    loop {
        line.clear();
        match lines.read_line(&mut line) {
            Ok(0) => return Ending::Gone,
            Ok(_) => {}
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Ending::Silent,
            Err(_) => return Ending::Gone,
        }
        match serde_json::from_str(&line) {
            Ok(Event::Doing(what)) => story.doing = what,
            Ok(Event::About(about)) => story.about = Some(about),
            Ok(Event::Note(note)) => story.notes.push(note),
            Ok(Event::End) => return Ending::Told,
            // The plugin has found our end of the socket, or died in the middle of a line.
            Err(_) => return Ending::Gone,
        }
    }
}

/// Collects the end of the plugin's output, on a detached thread.
fn gather(output: Option<ChildStderr>) -> Receiver<String> {
    let (sender, receiver) = mpsc::channel();
    thread::spawn(move || {
        let (mut kept, mut chunk) = (Vec::new(), [0; 1024]);
        let Some(mut output) = output else { return };
        while let Ok(length @ 1..) = output.read(&mut chunk) {
            kept.extend_from_slice(chunk.get(..length).unwrap_or_default());
            kept.drain(..kept.len().saturating_sub(KEPT_BYTES));
        }
        drop(sender.send(String::from_utf8_lossy(&kept).into_owned()));
    });
    receiver
}

/// The last words of the plugin, which may be those of a failed assertion.
fn last_line(words: &str) -> Option<String> {
    let lines = words.lines().rev().map(str::trim);
    lines.filter(|line| !line.starts_with(OURS)).find(|line| !line.is_empty()).map(str::to_owned)
}

/// The note for a child that did not come to its end. `None` stands for one that hangs.
fn describe(status: Option<ExitStatus>, patience: Duration, doing: &str) -> Note {
    match status {
        None => Note::failed(
            format_args!("the plugin did not come back within {} s while {doing}", patience.as_secs()),
            "Give every wait a limit of its own, and ask how much time is left (`remaining_ms`)",
        ),
        Some(status) => {
            let (what, advice) = cause(status);
            Note::failed(format_args!("the plugin ended the process {what} while {doing}"), advice)
        }
    }
}

fn cause(status: ExitStatus) -> (String, &'static str) {
    let Some(signal) = status.signal() else {
        return ("by calling exit".to_owned(), "Return a code instead; only the service may end the process");
    };
    let what = signal::name_of(signal).map_or_else(|| format!("signal {signal}"), str::to_owned);
    (format!("with {what}"), advice_on(signal))
}

fn advice_on(signal: i32) -> &'static str {
    match signal {
        libc::SIGSEGV | libc::SIGBUS => {
            "It has followed a bad pointer or used up its stack; a debugger or -fsanitize=address finds the place"
        }
        libc::SIGABRT => {
            "Look for abort, a failed assertion, damaged memory, or a panic or exception that left the plugin"
        }
        libc::SIGILL => "Look for a trap, or code for another processor",
        libc::SIGFPE => "Look for a division by zero",
        libc::SIGKILL => "Perhaps the system ran out of memory",
        _ => "A plugin must not send signals to the process",
    }
}
