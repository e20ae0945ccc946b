//! The plugin's process, from its first moment to its last.

use std::io;
use std::os::fd::{AsFd, AsRawFd, OwnedFd, RawFd};
use std::sync::Arc;
use std::time::{Duration, Instant};

use rustix::fs::{Mode, OFlags};

use super::confine::confine;
use super::link::Link;
use super::wire::{self, CreateOrder, LoadOrder, MAX_PACKET, Report, ToChild};
use crate::answer::RawAnswer;
use crate::config::ResolvedConfig;
use crate::exit::exit_now;
use crate::hardening::disable_dumping;
use crate::library::{Library, LoadableFile};
use crate::log_sink::{self, LogSink};
use crate::pool;
use crate::raw::RawInstance;

/// Serves the calls of one plugin to the process that started this one; standard input is the socket between them. Does not
/// come back: the process ends with its plugin.
///
/// The first thing that a program does with the arguments of [`ChildProgram`](crate::ChildProgram), before it reads any
/// setting.
pub fn run_plugin_process() -> ! {
    match Served::begin() {
        Ok(()) => exit_now(0),
        Err(_) => exit_now(1),
    }
}

/// A plugin that is loaded, and the service that it serves.
struct Served {
    link: Arc<Link>,
    library: Arc<Library>,
    threads: usize,
}

impl Served {
    /// Loads, makes the instance, serves until the service has nothing more to ask, and ends the instance.
    fn begin() -> io::Result<()> {
        // Other plugins have no business with this one's configuration either.
        disable_dumping()?;
        let link = Arc::new(Link::new(take_socket()?));
        let (packet, file) = link.receive_with_file()?;
        let (Ok(ToChild::Load(order)), Some(file)) = (ToChild::parse(&packet), file) else {
            return Err(io::ErrorKind::InvalidInput.into());
        };
        let threads = order.threads;
        let Some(library) = reported(&link, load(&link, order, file))? else { return Ok(()) };
        let threads = if library.description().serial { 1 } else { threads };
        let description = Box::new(library.description().clone());
        link.send(&wire::report(&Report::Loaded(description)))?;
        Self { link, library: Arc::new(library), threads }.make()
    }

    fn make(self) -> io::Result<()> {
        let Some((order, config)) = self.receive_config()? else { return Ok(()) };
        let until = Instant::now() + order.left;
        let created = RawInstance::create(Arc::clone(&self.library), &order.alias, &config, until);
        drop(config);
        let Some(instance) = reported(&self.link, created.map_err(|fault| fault.to_string()))? else {
            return Ok(());
        };
        self.link.send(&wire::report(&Report::Created))?;
        self.serve(Arc::new(instance), &order.alias)
    }

    /// The configuration comes in pieces, since it may be longer than a packet.
    fn receive_config(&self) -> io::Result<Option<(CreateOrder, ResolvedConfig)>> {
        let mut buffer = vec![0; MAX_PACKET];
        let mut json = Vec::new();
        while let Some(packet) = self.link.receive(&mut buffer)? {
            match ToChild::parse(packet) {
                Ok(ToChild::Piece(piece)) => json.extend(piece),
                Ok(ToChild::Create(order)) => {
                    buffer.fill(0);
                    return Ok(Some((order, ResolvedConfig::from_json(json)?)));
                }
                _ => return Err(io::ErrorKind::InvalidInput.into()),
            }
        }
        Ok(None)
    }

    /// Every thread waits for questions itself; the instance is destroyed when the last has nothing more to wait for.
    fn serve(self, instance: Arc<RawInstance>, alias: &str) -> io::Result<()> {
        let mut threads = Vec::new();
        for number in 0..self.threads {
            let (link, instance) = (Arc::clone(&self.link), Arc::clone(&instance));
            let work = move || drop(answer_all(&link, &instance));
            threads.push(pool::start_thread(alias, number, work).map_err(io::Error::other)?);
        }
        for thread in threads {
            drop(thread.join());
        }
        drop(instance);
        Ok(())
    }
}

/// Passes a success on, and tells the service of a failure.
fn reported<T>(link: &Link, outcome: Result<T, String>) -> io::Result<Option<T>> {
    match outcome {
        Ok(value) => Ok(Some(value)),
        Err(fault) => link.send(&wire::report(&Report::Failed(fault))).map(|()| None),
    }
}

/// Takes the socket away from the standard input, so that nothing that the plugin starts gets it.
pub(crate) fn take_socket() -> io::Result<OwnedFd> {
    let stdin = io::stdin();
    let socket = stdin.as_fd().try_clone_to_owned()?;
    let nothing = rustix::fs::open("/dev/null", OFlags::RDONLY | OFlags::CLOEXEC, Mode::empty())?;
    rustix::stdio::dup2_stdin(&nothing)?;
    drop(nothing);
    close_all_but(&socket);
    Ok(socket)
}

/// Closes whatever else came with the process: files of the service are made to be closed by themselves, but a library of it, or
/// its starter, may have missed one.
fn close_all_but(socket: &OwnedFd) {
    let Ok(listing) = std::fs::read_dir("/proc/self/fd") else { return };
    let numbers = listing.filter_map(|entry| entry.ok()?.file_name().to_str()?.parse::<RawFd>().ok());
    // Collected first: the listing is a file itself, and is closed by the end of this line.
    let numbers: Vec<RawFd> = numbers.collect();
    for number in numbers.into_iter().filter(|number| *number > 2 && *number != socket.as_raw_fd()) {
        // SAFETY: nothing of this process uses a file yet but the socket and the first three. A number that is not open, such
        // as the listing's, is an error without consequences.
        unsafe { libc::close(number) };
    }
}

fn load(link: &Arc<Link>, order: LoadOrder, file: OwnedFd) -> Result<Library, String> {
    confine(order.parent, order.threads, order.sandbox)
        .map_err(|error| format!("its process cannot be confined: {error}"))?;
    log_sink::divert(Box::new(ToService { link: Arc::clone(link), most_verbose: order.log_level }));
    let file = LoadableFile::from_parts(order.file, order.sha256, file);
    Library::open(&file).map_err(|fault| fault.to_string())
}

fn answer_all(link: &Link, instance: &RawInstance) -> io::Result<()> {
    let mut buffer = vec![0; MAX_PACKET];
    while let Some(packet) = link.receive(&mut buffer)? {
        let Ok(ToChild::Ask { id, left, question }) = ToChild::parse(packet) else { break };
        let answer = match left {
            Duration::ZERO => RawAnswer::fatal("the question came too late"),
            left => instance.ask(&question, Instant::now() + left),
        };
        link.send(&wire::answer(id, &answer))?;
    }
    Ok(())
}

/// The log of the service.
struct ToService {
    link: Arc<Link>,
    most_verbose: i32,
}

impl LogSink for ToService {
    fn is_enabled(&self, level: i32) -> bool {
        level <= self.most_verbose
    }

    fn write(&self, level: i32, message: &str, fields: &str) {
        if self.is_enabled(level) {
            drop(self.link.send(&wire::log(level, message, fields)));
        }
    }
}
