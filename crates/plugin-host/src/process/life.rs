//! A child process that must not outlive its purpose.

use std::os::unix::process::ExitStatusExt;
use std::process::{Child, ExitStatus};
use std::thread;
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, WaitId, WaitIdOptions, kill_process_group, waitid};

use super::output::OutputReader;
use crate::signal;

/// A leader of a process group. Dropping it kills it, with all that it has started.
pub(crate) struct Process {
    child: Child,
    status: Option<ExitStatus>,
    /// Until the process has ended and its last lines are logged.
    output: Option<OutputReader>,
}

impl Process {
    pub(crate) fn new(child: Child) -> Self {
        Self { child, status: None, output: None }
    }

    /// A process whose output is read by us.
    pub(super) fn with_output(child: Child, output: OutputReader) -> Self {
        Self { child, status: None, output: Some(output) }
    }

    /// Its number, for the log.
    pub(super) fn id(&self) -> u32 {
        self.child.id()
    }

    /// How it ended, if it has. Whatever it has started is ended then as well.
    pub(super) fn ended(&mut self) -> Option<ExitStatus> {
        // It is looked at before it is reaped: until then no other process can have the number of its group.
        if self.status.is_none() && self.waits_to_be_reaped() {
            self.kill_group();
            self.reap();
        }
        self.status
    }

    /// Waits for its end, but not for ever. Blocks its thread.
    pub(crate) fn wait_until(&mut self, until: Instant) -> Option<ExitStatus> {
        let mut pause = Duration::from_micros(200);
        loop {
            if let Some(status) = self.ended() {
                return Some(status);
            }
            if Instant::now() >= until {
                return None;
            }
            thread::sleep(pause);
            pause = (pause * 2).min(Duration::from_millis(20));
        }
    }

    /// Ends it and whatever it has started.
    pub(super) fn kill(&mut self) {
        if self.status.is_none() {
            self.kill_group();
            drop(self.child.kill());
            self.reap();
        }
    }

    fn reap(&mut self) {
        self.status = self.child.wait().ok();
        drop(self.output.take());
    }

    fn pid(&self) -> Option<Pid> {
        i32::try_from(self.child.id()).ok().and_then(Pid::from_raw)
    }

    fn waits_to_be_reaped(&self) -> bool {
        let options = WaitIdOptions::EXITED | WaitIdOptions::NOHANG | WaitIdOptions::NOWAIT;
        let look = |pid| waitid(WaitId::Pid(pid), options);
        // An error means that there is nothing to wait for, which reaping will say again.
        self.pid().is_none_or(|pid| !matches!(look(pid), Ok(None)))
    }

    fn kill_group(&self) {
        if let Some(group) = self.pid() {
            let _ = kill_process_group(group, Signal::KILL);
        }
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        self.kill();
    }
}

/// How a process ended, for people.
pub(super) fn describe(status: ExitStatus) -> String {
    match (status.signal(), status.code()) {
        (Some(signal), _) => match signal::name_of(signal) {
            Some(name) => format!("signal {name}"),
            None => format!("signal {signal}"),
        },
        (None, Some(code)) => format!("exit status {code}"),
        (None, None) => "an unknown end".to_owned(),
    }
}
