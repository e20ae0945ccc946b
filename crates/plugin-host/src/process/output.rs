//! What the process of a plugin prints.
//!
//! Its standard output and error are pipes of its own. So nothing that a plugin does to them (filling, closing, shutting down, marking
//! as non-blocking, forging lines) reaches the output of the service. A thread for each process reads both pipes and logs each line
//! under the name of the plugin. Lines are cut and counted (`allowance`): what goes beyond is dropped, and the plugin is slowed down.

mod allowance;
mod lines;

use std::io::{self, ErrorKind, PipeReader, PipeWriter, Read as _, Write as _};
use std::os::fd::AsFd as _;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::fs::{OFlags, fcntl_setfl};
use vestibule_plugin_abi::level;

use crate::log_sink;
use crate::text::printable;
use allowance::Allowance;
use lines::Lines;

/// How much is read at once.
const CHUNK: usize = 16 * 1024;
/// How much of each pipe is still read when the process has ended: as much as a pipe usually holds.
const LAST_BYTES: usize = 64 * 1024;
/// The pause after each read while the allowance is spent. It slows down a plugin that prints without end.
const PAUSE: Duration = Duration::from_millis(10);

/// Where the lines of one instance go. Its processes, one after the other, share what they may print.
pub(crate) struct OutputLog {
    alias: String,
    allowance: Mutex<Allowance>,
}

impl OutputLog {
    pub(crate) fn new(alias: &str) -> Arc<Self> {
        Arc::new(Self { alias: alias.to_owned(), allowance: Mutex::new(Allowance::new(Instant::now())) })
    }

    pub(crate) fn alias(&self) -> &str {
        &self.alias
    }

    fn lock(&self) -> MutexGuard<'_, Allowance> {
        self.allowance.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn write(&self, stream: StreamName, line: &str) {
        if self.lock().admit_line() {
            let fields = format!(r#"{{"stream":"{}"}}"#, stream.as_str());
            self.log(stream.level(), &printable(line), &fields);
        }
    }

    fn report_dropped(&self, dropped: Option<u64>) {
        if let Some(dropped) = dropped {
            let fields = format!(r#"{{"dropped_lines":{dropped}}}"#);
            self.log(level::WARN, "it prints more than the log takes of a plugin", &fields);
        }
    }

    /// Commands have no log: there, the lines go to standard error.
    fn log(&self, level: i32, message: &str, fields: &str) {
        if tracing::dispatcher::has_been_set() {
            log_sink::write(&self.alias, level, message, fields);
        } else {
            // An operator who closed standard error wants no lines.
            drop(writeln!(io::stderr(), "plugin {:?}: {message} {fields}", self.alias));
        }
    }
}

#[derive(Clone, Copy)]
enum StreamName {
    Output,
    Error,
}

impl StreamName {
    fn as_str(self) -> &'static str {
        match self {
            Self::Output => "stdout",
            Self::Error => "stderr",
        }
    }

    fn level(self) -> i32 {
        match self {
            Self::Output => level::INFO,
            Self::Error => level::WARN,
        }
    }
}

/// The ends of the pipes that the process gets.
pub(super) struct ChildOutput {
    pub(super) stdout: PipeWriter,
    pub(super) stderr: PipeWriter,
}

/// The thread that reads what one process prints. Dropping it waits until the last lines are logged.
pub(super) struct OutputReader {
    /// Closed when the process has ended. The pipes alone do not tell: what the plugin has started may keep them open.
    running: Option<PipeWriter>,
    thread: Option<JoinHandle<()>>,
}

impl OutputReader {
    pub(super) fn start(log: Arc<OutputLog>) -> io::Result<(Self, ChildOutput)> {
        let (stdout, child_stdout) = io::pipe()?;
        let (stderr, child_stderr) = io::pipe()?;
        let (ended, running) = io::pipe()?;
        let streams = vec![Stream::new(StreamName::Output, stdout)?, Stream::new(StreamName::Error, stderr)?];
        let pump = Pump { log, streams, ended };
        let thread = thread::Builder::new().name("plugin-output".to_owned()).spawn(move || pump.run())?;
        let reader = Self { running: Some(running), thread: Some(thread) };
        Ok((reader, ChildOutput { stdout: child_stdout, stderr: child_stderr }))
    }
}

impl Drop for OutputReader {
    fn drop(&mut self) {
        drop(self.running.take());
        drop(self.thread.take().map(JoinHandle::join));
    }
}

/// What the thread works on.
struct Pump {
    log: Arc<OutputLog>,
    streams: Vec<Stream>,
    ended: PipeReader,
}

impl Pump {
    fn run(mut self) {
        while self.wait_and_read() {}
        for stream in &mut self.streams {
            stream.read_rest(&self.log);
        }
        let dropped = self.log.lock().take_dropped();
        self.log.report_dropped(dropped);
    }

    /// Reads a chunk of each pipe that has something. `false` when the process has ended.
    fn wait_and_read(&mut self) -> bool {
        let is_spent = self.log.lock().is_spent();
        if is_spent && !self.pause() {
            return false;
        }
        let Some(readable) = self.wait() else { return false };
        let log = &self.log;
        let dropped = log.lock().renew(Instant::now());
        log.report_dropped(dropped);
        let mut readable = readable.into_iter();
        self.streams.retain_mut(|stream| readable.next() != Some(true) || stream.read(log));
        true
    }

    /// `false` when the process has ended.
    fn pause(&self) -> bool {
        let mut ended = [PollFd::new(&self.ended, PollFlags::IN)];
        let pause = Timespec::try_from(PAUSE).ok();
        matches!(poll(&mut ended, pause.as_ref()), Ok(0) | Err(rustix::io::Errno::INTR))
    }

    /// Waits until there is something to read or to report. Which streams, in their order; `None` when the process has ended.
    fn wait(&self) -> Option<Vec<bool>> {
        let files = self.streams.iter().map(|stream| stream.pipe.as_fd()).chain([self.ended.as_fd()]);
        let mut polled: Vec<_> = files.map(|file| PollFd::from_borrowed_fd(file, PollFlags::IN)).collect();
        let time = self.log.lock().time_to_report(Instant::now());
        let time = time.and_then(|time| Timespec::try_from(time).ok());
        match poll(&mut polled, time.as_ref()) {
            Ok(_) | Err(rustix::io::Errno::INTR) => {}
            Err(_) => return None,
        }
        let mut readable: Vec<_> = polled.iter().map(|file| !file.revents().is_empty()).collect();
        (readable.pop() == Some(false)).then_some(readable)
    }
}

/// One pipe.
struct Stream {
    name: StreamName,
    pipe: PipeReader,
    lines: Lines,
}

impl Stream {
    fn new(name: StreamName, pipe: PipeReader) -> io::Result<Self> {
        fcntl_setfl(&pipe, OFlags::NONBLOCK)?;
        Ok(Self { name, pipe, lines: Lines::default() })
    }

    /// Reads what is there now. `false` at the end of the pipe.
    fn read(&mut self, log: &OutputLog) -> bool {
        self.read_chunk(log).unwrap_or_else(|error| error.kind() == ErrorKind::WouldBlock)
    }

    fn read_chunk(&mut self, log: &OutputLog) -> io::Result<bool> {
        let mut chunk = [0; CHUNK];
        let count = match self.pipe.read(&mut chunk) {
            Err(error) if error.kind() == ErrorKind::Interrupted => return Ok(true),
            outcome => outcome?,
        };
        log.lock().count_bytes(count);
        let name = self.name;
        match chunk.get(..count) {
            Some(printed) if count > 0 => self.lines.push(printed, |line| log.write(name, line)),
            _ => self.lines.finish(|line| log.write(name, line)),
        }
        Ok(count > 0)
    }

    /// Reads what is left, but no more than a pipe holds: others may go on writing.
    fn read_rest(&mut self, log: &OutputLog) {
        let mut reads = 0..LAST_BYTES / CHUNK;
        while reads.next().is_some() && matches!(self.read_chunk(log), Ok(true)) {}
        let name = self.name;
        self.lines.finish(|line| log.write(name, line));
    }
}
