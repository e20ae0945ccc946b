//! The side of a check that loads the plugin, and may die of it.

use std::fmt::Display;
use std::io::{self, BufRead, BufReader, Write};
use std::os::unix::net::UnixStream;
use std::panic::{self, AssertUnwindSafe};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use rustix::process::{Resource, Rlimit, setrlimit};

use super::checks;
use super::errors;
use super::event::{Event, Job, Note};
use crate::exit_now;
use crate::process::{Sandbox, enter_sandbox, take_socket};

/// The status of a child whose parent has gone, or who could not begin.
const NOBODY_LISTENS: i32 = 3;

/// Does what the parent asks for over the standard input, which is a socket, and ends the process.
pub fn run_check_child() -> ! {
    end_with_parent();
    errors::listen();
    let Ok((job, progress)) = begin() else { exit_now(NOBODY_LISTENS) };
    let outcome = panic::catch_unwind(AssertUnwindSafe(|| checks::run(&job, &progress)));
    if outcome.is_err() {
        progress.note(Note::failed(
            "the check itself broke down",
            "This is a mistake of Vestibule; please report it",
        ));
    }
    progress.send(&Event::End);
    exit_now(0)
}

/// Dies with the parent, and leaves no core file behind: crashes are expected here.
fn end_with_parent() {
    #[cfg(target_os = "linux")]
    rustix::process::set_parent_process_death_signal(Some(rustix::process::Signal::KILL)).ok();
    setrlimit(Resource::Core, Rlimit { current: Some(0), maximum: Some(0) }).ok();
}

/// Takes the socket away from the standard input, which plugins and their children could read, and sandbox from this process.
fn begin() -> io::Result<(Job, Progress)> {
    let stream = UnixStream::from(take_socket()?);
    // Some plugins start processes, and all of them work under the service's own sandbox elsewhere.
    enter_sandbox(Sandbox::MaySpawn)?;
    let mut line = String::new();
    BufReader::new(&stream).read_line(&mut line)?;
    Ok((serde_json::from_str(&line)?, Progress(Mutex::new((stream, Instant::now())))))
}

/// How long a check may go on before it says that it still lives.
const SIGN_OF_LIFE: Duration = Duration::from_secs(1);

/// Tells the parent what goes on.
pub(super) struct Progress(Mutex<(UnixStream, Instant)>);

impl Progress {
    /// Something that the plugin is about to do.
    pub(super) fn doing(&self, what: impl Display) {
        self.send(&Event::Doing(what.to_string()));
    }

    /// The same for something that is done so often that not each time can be told.
    pub(super) fn still_doing(&self, what: impl Display) {
        let told_at = self.0.lock().unwrap_or_else(PoisonError::into_inner).1;
        if told_at.elapsed() > SIGN_OF_LIFE {
            self.doing(what);
        }
    }

    pub(super) fn note(&self, note: Note) {
        self.send(&Event::Note(note));
    }

    pub(super) fn send(&self, event: &Event) {
        let Ok(mut line) = serde_json::to_vec(event) else { return };
        line.push(b'\n');
        let mut inner = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        inner.1 = Instant::now();
        if inner.0.write_all(&line).is_err() {
            exit_now(NOBODY_LISTENS);
        }
    }
}
