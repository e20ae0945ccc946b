//! Starts the process of a plugin and creates the instance in it.

use std::io;
use std::sync::Arc;
use std::time::{Duration, Instant};

use super::confine::Sandbox;
use super::life::{Process, describe};
use super::link::{Link, ReceiveError};
use super::output::{OutputLog, OutputReader};
use super::program::ChildProgram;
use super::wire::{self, CreateOrder, FromChild, LoadOrder, MAX_PIECE, Report};
use crate::config::ResolvedConfig;
use crate::error::LoadFault;
use crate::library::{LoadableFile, PluginDescription};
use crate::log_sink;
use crate::text::printable;

/// How long a library may take to be loaded: its constructors run.
const LOAD_TIMEOUT: Duration = Duration::from_secs(30);
/// How long `create` may take. Longer than a call: it may have to reach a directory or a database.
pub(crate) const CREATE_TIMEOUT: Duration = Duration::from_secs(30);
/// How long `destroy` may take once the instance is not needed any more.
pub(super) const DESTROY_TIMEOUT: Duration = Duration::from_secs(10);

/// A process in which a library is loaded and, after [`StartingProcess::create`], an instance made.
pub(crate) struct StartingProcess {
    child: Child,
    description: PluginDescription,
}

impl StartingProcess {
    /// Starts a process and lets it load the library. Blocks its thread.
    pub(crate) fn load(
        program: &ChildProgram,
        output: &Arc<OutputLog>,
        file: &LoadableFile,
        threads: usize,
        sandbox: Sandbox,
    ) -> Result<Self, LoadFault> {
        let mut child = Child::start(program, output).map_err(LoadFault::Process)?;
        let order = LoadOrder {
            parent: std::process::id(),
            file: file.path().to_owned(),
            sha256: file.sha256(),
            threads,
            sandbox,
            log_level: log_sink::most_verbose(),
        };
        let sent = child.link.send_with_file(&wire::load(&order), file.copy());
        sent.map_err(|_| child.ended("while it was started"))?;
        match child.report("while the library was loaded", LOAD_TIMEOUT)? {
            Report::Loaded(description) => Ok(Self { child, description: description.received(file) }),
            _ => Err(LoadFault::Misbehaves),
        }
    }

    /// The plugin's description of itself.
    pub(crate) fn description(&self) -> &PluginDescription {
        &self.description
    }

    /// Lets it make the instance. Blocks its thread.
    pub(crate) fn create(mut self, config: &ResolvedConfig) -> Result<Self, LoadFault> {
        let sent = self.child.send_config(config.to_json().as_bytes());
        sent.map_err(|_| self.child.ended("before an instance was made"))?;
        match self.child.report("while it made an instance", CREATE_TIMEOUT)? {
            Report::Created => Ok(self),
            _ => Err(LoadFault::Misbehaves),
        }
    }

    /// The socket and the process, for the worker that sends calls.
    pub(super) fn into_parts(self) -> (Link, Process) {
        (self.child.link, self.child.process)
    }

    /// Lets it destroy the instance and end. Blocks its thread.
    pub(crate) fn end(mut self) -> Result<(), LoadFault> {
        self.child.link.end();
        let moment = "while it ended the instance";
        match self.child.process.wait_until(Instant::now() + DESTROY_TIMEOUT) {
            Some(status) if status.success() => Ok(()),
            Some(status) => Err(LoadFault::Ended { moment, how: describe(status) }),
            None => Err(LoadFault::Hangs { moment, after: DESTROY_TIMEOUT }),
        }
    }
}

/// A process that takes orders.
struct Child {
    link: Link,
    process: Process,
    alias: String,
}

impl Child {
    fn start(program: &ChildProgram, output: &Arc<OutputLog>) -> io::Result<Self> {
        let (link, socket) = Link::pair()?;
        let alias = output.alias().to_owned();
        let (reader, output) = OutputReader::start(Arc::clone(output))?;
        let process = Process::with_output(program.spawn(&alias, socket, output)?, reader);
        Ok(Self { link, process, alias })
    }

    fn send_config(&self, json: &[u8]) -> io::Result<()> {
        for piece in json.chunks(MAX_PIECE) {
            self.link.send(&zeroize::Zeroizing::new(wire::piece(piece)))?;
        }
        self.link.send(&wire::create(&CreateOrder { alias: self.alias.clone(), left: CREATE_TIMEOUT }))
    }

    /// Waits for what the child says of the last order; what its plugin logs meanwhile goes to the log.
    fn report(&mut self, moment: &'static str, timeout: Duration) -> Result<Report, LoadFault> {
        let until = Instant::now() + timeout;
        loop {
            let packet = match self.link.receive_until(until) {
                Ok(packet) => packet,
                Err(ReceiveError::Closed) => return Err(self.ended(moment)),
                Err(ReceiveError::TimedOut) => return Err(LoadFault::Hangs { moment, after: timeout }),
            };
            match FromChild::parse(&packet) {
                Ok(FromChild::Report(Report::Failed(text))) => {
                    return Err(LoadFault::Reported(printable(&text)));
                }
                Ok(FromChild::Report(report)) => return Ok(report),
                Ok(FromChild::Log { level, message, fields }) => {
                    log_sink::write(&self.alias, level, &message, &fields);
                }
                Ok(FromChild::Answer { .. }) | Err(_) => return Err(LoadFault::Misbehaves),
            }
        }
    }

    fn ended(&mut self, moment: &'static str) -> LoadFault {
        let status = self.process.wait_until(Instant::now() + Duration::from_secs(1));
        let how = status.map_or_else(|| "it closed its socket".to_owned(), describe);
        LoadFault::Ended { moment, how }
    }
}
