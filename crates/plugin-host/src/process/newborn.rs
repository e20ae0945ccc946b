//! A plugin's process from its start until its instance is made.

use std::time::{Duration, Instant};

use super::life::{Process, describe};
use super::link::{Link, Silence};
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
/// How long `destroy` may take when nobody needs the instance any more.
pub(super) const DESTROY_TIMEOUT: Duration = Duration::from_secs(10);

/// A process in which a library is loaded and, after [`Newborn::create`], an instance made.
pub(crate) struct Newborn {
    link: Link,
    process: Process,
    alias: String,
    description: PluginDescription,
}

impl Newborn {
    /// Starts a process and lets it load the library. Blocks its thread.
    pub(crate) fn load(
        program: &ChildProgram,
        alias: &str,
        file: &LoadableFile,
        threads: usize,
    ) -> Result<Self, LoadFault> {
        let (link, socket) = Link::pair().map_err(LoadFault::Process)?;
        let process = program.spawn(alias, socket).map(Process::new).map_err(LoadFault::Process)?;
        let order = LoadOrder {
            parent: std::process::id(),
            file: file.path().to_owned(),
            sha256: file.sha256(),
            threads,
            log_level: log_sink::most_verbose(),
        };
        let sent = link.send_with_file(&wire::load(&order), file.copy());
        let mut start = Start { link, process, alias };
        sent.map_err(|_| start.ended("while it was started"))?;
        match start.report("while the library was loaded", LOAD_TIMEOUT)? {
            Report::Loaded(description) => {
                let Start { link, process, .. } = start;
                let description = description.received(file);
                Ok(Self { link, process, alias: alias.to_owned(), description })
            }
            _ => Err(LoadFault::Misbehaves),
        }
    }

    /// What the plugin says of itself.
    pub(crate) fn description(&self) -> &PluginDescription {
        &self.description
    }

    /// Lets it make the instance. Blocks its thread.
    pub(crate) fn create(self, config: &ResolvedConfig) -> Result<Self, LoadFault> {
        let Self { link, process, alias, description } = self;
        let mut start = Start { link, process, alias: &alias };
        let json = config.to_json();
        let order = CreateOrder { alias: alias.clone(), left: CREATE_TIMEOUT };
        let sent = send_config(&start.link, json.as_bytes(), &order);
        sent.map_err(|_| start.ended("before an instance was made"))?;
        match start.report("while it made an instance", CREATE_TIMEOUT)? {
            Report::Created => {
                let Start { link, process, .. } = start;
                Ok(Self { link, process, alias, description })
            }
            _ => Err(LoadFault::Misbehaves),
        }
    }

    /// The socket and the process, for whoever asks from now on.
    pub(super) fn into_parts(self) -> (Link, Process) {
        (self.link, self.process)
    }

    /// Lets it destroy the instance and end. Blocks its thread.
    pub(crate) fn end(self) -> Result<(), LoadFault> {
        let Self { link, mut process, .. } = self;
        link.end();
        match process.wait_until(Instant::now() + DESTROY_TIMEOUT) {
            Some(status) if status.success() => Ok(()),
            Some(status) => {
                Err(LoadFault::Ended { moment: "while it ended the instance", how: describe(status) })
            }
            None => Err(LoadFault::Hangs { moment: "while it ended the instance", after: DESTROY_TIMEOUT }),
        }
    }
}

fn send_config(link: &Link, json: &[u8], order: &CreateOrder) -> std::io::Result<()> {
    for piece in json.chunks(MAX_PIECE) {
        link.send(&zeroize::Zeroizing::new(wire::piece(piece)))?;
    }
    link.send(&wire::create(order))
}

struct Start<'a> {
    link: Link,
    process: Process,
    alias: &'a str,
}

impl Start<'_> {
    /// Waits for what the child says of the last order; what its plugin logs meanwhile goes to the log.
    fn report(&mut self, moment: &'static str, timeout: Duration) -> Result<Report, LoadFault> {
        let until = Instant::now() + timeout;
        loop {
            let packet = match self.link.receive_until(until) {
                Ok(packet) => packet,
                Err(Silence::Ended) => return Err(self.ended(moment)),
                Err(Silence::Late) => return Err(LoadFault::Hangs { moment, after: timeout }),
            };
            match FromChild::parse(&packet) {
                Ok(FromChild::Report(Report::Failed(text))) => {
                    return Err(LoadFault::Reported(printable(&text)));
                }
                Ok(FromChild::Report(report)) => return Ok(report),
                Ok(FromChild::Log { level, message, fields }) => {
                    log_sink::write(self.alias, level, &message, &fields);
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
