//! How a process for a plugin is started.

use std::env;
use std::ffi::OsString;
use std::io;
use std::os::fd::OwnedFd;
use std::os::unix::process::CommandExt;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::sync::{LazyLock, mpsc};
use std::thread;

use super::output::ChildOutput;
use crate::hardening::require_not_dumpable;

/// What a plugin's process keeps of the environment. No setting of the service is among these.
const KEPT_VARIABLES: [&str; 6] = ["PATH", "HOME", "LANG", "LC_ALL", "TZ", "TMPDIR"];

/// The program that plugins run in when they have a process of their own: it calls
/// [`run_plugin_process`](crate::run_plugin_process).
#[derive(Debug, Clone)]
pub struct ChildProgram {
    /// The executable.
    pub path: PathBuf,
    /// Its arguments; the alias of the instance is added, for the list of processes.
    pub arguments: Vec<OsString>,
}

impl ChildProgram {
    /// Starts the program with the socket as its standard input, and with these as its output and error. It has no file of this
    /// process.
    pub(super) fn spawn(&self, alias: &str, socket: OwnedFd, output: ChildOutput) -> io::Result<Child> {
        let mut command = self.command()?;
        command.arg(alias).stdin(Stdio::from(socket));
        command.stdout(Stdio::from(output.stdout)).stderr(Stdio::from(output.stderr));
        spawn_from_lasting_thread(command)
    }

    /// The program as every child of ours is started: without our environment, and as the leader of a process group, so that a
    /// key pressed at a terminal is not meant for it.
    ///
    /// # Errors
    /// While the child could look into this process.
    pub(crate) fn command(&self) -> io::Result<Command> {
        require_not_dumpable()?;
        let mut command = Command::new(&self.path);
        command.arg0("vestibule").args(&self.arguments).env_clear().process_group(0);
        command.envs(KEPT_VARIABLES.iter().filter_map(|name| Some((name, env::var_os(name)?))));
        Ok(command)
    }
}

type Order = (Command, mpsc::Sender<io::Result<Child>>);

/// A child dies with the *thread* that started it (`PR_SET_PDEATHSIG` in prctl(2)), so one thread starts them all, and it ends with
/// the process.
static NURSERY: LazyLock<Option<mpsc::Sender<Order>>> = LazyLock::new(|| {
    let (orders, received) = mpsc::channel::<Order>();
    let work = move || {
        for (mut command, answer) in received {
            drop(answer.send(command.spawn()));
        }
    };
    thread::Builder::new().name("plug-nursery".to_owned()).spawn(work).ok().map(|_| orders)
});

fn spawn_from_lasting_thread(command: Command) -> io::Result<Child> {
    let gone = || io::Error::other("the thread that starts processes is not there");
    let orders = NURSERY.as_ref().ok_or_else(gone)?;
    let (answer, spawned) = mpsc::channel();
    orders.send((command, answer)).map_err(|_| gone())?;
    spawned.recv().map_err(|_| gone())?
}
