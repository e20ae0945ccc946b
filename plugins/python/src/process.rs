//! One process of a worker: how it starts and how it ends.

use std::env;
use std::ffi::OsString;
use std::io::{self, IoSlice, PipeReader, PipeWriter};
use std::mem::MaybeUninit;
use std::os::fd::{AsFd as _, OwnedFd};
use std::os::unix::net::UnixStream;
use std::os::unix::process::CommandExt as _;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::Instant;

use rustix::io::Errno;
use rustix::net::{SendAncillaryBuffer, SendAncillaryMessage, SendFlags, sendmsg};
#[cfg(target_os = "linux")]
use rustix::process::{DumpableBehavior, dumpable_behavior};
use rustix::process::{Pid, Signal, WaitId, WaitIdOptions, kill_process_group, waitid};

use crate::config::Settings;
use crate::frame::{self, FrameError};

/// Given to the interpreter as an argument, so it is short: every user of the machine may read arguments.
const BOOT: &str = include_str!("boot.py");
/// Sent through the socket: it never lies on a disk, where it could be exchanged.
const BRIDGE: &str = include_str!("bridge.py");
/// What workers inherit of the environment. The service keeps its secrets there.
const INHERITED: [&str; 6] = ["PATH", "HOME", "LANG", "LC_ALL", "TZ", "TMPDIR"];

/// A process that has not been waited for. It leads a process group of its own, so that what the module starts ends with it,
/// and signals from a terminal do not reach it.
pub(crate) struct Process {
    child: Child,
    /// When this is closed, for whatever reason, the kernel kills the group.
    _lifeline: PipeWriter,
    waited_for: bool,
}

/// What a process has printed and will print.
pub(crate) struct Output {
    pub(crate) stdout: PipeReader,
    pub(crate) stderr: PipeReader,
}

impl Process {
    /// Starts the interpreter with the bridge in it, which waits for the first message on the socket.
    pub(crate) fn start(
        alias: &str,
        settings: &Settings,
        until: Instant,
    ) -> io::Result<(Self, UnixStream, Output)> {
        require_concealed()?;
        let (ours, theirs) = UnixStream::pair()?;
        let (stdout, their_stdout) = io::pipe()?;
        let (stderr, their_stderr) = io::pipe()?;
        let (their_lifeline, lifeline) = io::pipe()?;
        let child = command(alias, settings)
            .stdin(Stdio::from(OwnedFd::from(theirs)))
            .stdout(Stdio::from(their_stdout))
            .stderr(Stdio::from(their_stderr))
            .spawn()
            .map_err(explain)?;
        let process = Self { child, _lifeline: lifeline, waited_for: false };
        // An interpreter that is no Python hangs up at once, which the first message will find.
        match frame::send(&ours, &frame::with_length(BRIDGE.as_bytes()), until) {
            Ok(()) => send_descriptor(&ours, &their_lifeline)?,
            Err(FrameError::Gone) => {}
            Err(error) => return Err(io::Error::other(error)),
        }
        Ok((process, ours, Output { stdout, stderr }))
    }

    pub(crate) fn id(&self) -> u32 {
        self.child.id()
    }

    /// Kills it and what it has started. The process is still to be waited for.
    pub(crate) fn kill(&self) {
        // INVARIANT: only while it has not been waited for is the number certainly its own.
        if let (false, Some(group)) = (self.waited_for, self.pid()) {
            // An error says that no process is left in it.
            let _: Result<(), Errno> = kill_process_group(group, Signal::KILL);
        }
    }

    /// Whether it has ended and only waits to be waited for.
    pub(crate) fn has_ended(&self) -> bool {
        let options = WaitIdOptions::EXITED | WaitIdOptions::NOHANG | WaitIdOptions::NOWAIT;
        self.pid().is_none_or(|pid| !matches!(waitid(WaitId::Pid(pid), options), Ok(None)))
    }

    /// Kills what is left of it and waits for its end, which is near. How it ended.
    pub(crate) fn end(mut self) -> io::Result<ExitStatus> {
        self.kill_and_wait()
    }

    fn pid(&self) -> Option<Pid> {
        i32::try_from(self.id()).ok().and_then(Pid::from_raw)
    }

    fn kill_and_wait(&mut self) -> io::Result<ExitStatus> {
        self.kill();
        // A process that ended before keeps its own status.
        let status = self.child.wait()?;
        self.waited_for = true;
        Ok(status)
    }
}

/// No zombie is left, whatever became of the worker.
impl Drop for Process {
    fn drop(&mut self) {
        drop(self.kill_and_wait());
    }
}

/// What a worker runs must not look into the process around this plugin. That process sees to it, and this is a look whether it has.
fn require_concealed() -> io::Result<()> {
    #[cfg(target_os = "linux")]
    if dumpable_behavior()? == DumpableBehavior::Dumpable {
        return Err(io::Error::other("it could look into the process that starts it"));
    }
    Ok(())
}

/// Around a plugin that may not start processes the kernel says that the operation is not permitted.
fn explain(error: io::Error) -> io::Error {
    match error.raw_os_error().map(Errno::from_raw_os_error) {
        Some(Errno::PERM) => {
            io::Error::other(format!("{error}; with isolation = \"process\" it needs may_spawn = true"))
        }
        _ => error,
    }
}

fn command(alias: &str, settings: &Settings) -> Command {
    let mut command = Command::new(&settings.python);
    command
        .args(["-c", BOOT])
        // For the list of processes.
        .arg(format!("vestibule plugin {alias}: {}", settings.module))
        .env_clear()
        .envs(inherited())
        .env("PYTHONUNBUFFERED", "1")
        .envs(&settings.env)
        .process_group(0);
    command
}

fn inherited() -> impl Iterator<Item = (&'static str, OsString)> {
    INHERITED.into_iter().filter_map(|name| Some((name, env::var_os(name)?)))
}

/// Sends a file descriptor along with one byte.
fn send_descriptor(stream: &UnixStream, descriptor: &PipeReader) -> io::Result<()> {
    let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(1))];
    let mut ancillary = SendAncillaryBuffer::new(&mut space);
    let descriptors = [descriptor.as_fd()];
    ancillary.push(SendAncillaryMessage::ScmRights(&descriptors));
    match sendmsg(stream, &[IoSlice::new(b"L")], &mut ancillary, SendFlags::NOSIGNAL) {
        // The first message will find out.
        Ok(_) | Err(Errno::PIPE | Errno::CONNRESET) => Ok(()),
        Err(error) => Err(error.into()),
    }
}
