//! The thread of an instance that reads the output of its workers and writes it to the log, line by line.
//!
//! One thread serves all pipes. A process that a module has started may keep a pipe open for ever, and a thread of its own
//! that reads this pipe could not be ended.

mod lines;

use std::io::{self, ErrorKind, PipeReader, Read as _, Write as _};
use std::os::fd::{AsFd as _, BorrowedFd};
use std::os::unix::net::UnixStream;
use std::sync::mpsc::{Receiver, Sender, TryRecvError, channel};
use std::thread::{self, JoinHandle};

use rustix::event::{PollFd, PollFlags, poll};
use rustix::fs::{OFlags, fcntl_setfl};
use vestibule_plugin_sdk::{Level, Logger, json};

use crate::process::Output;
use lines::Lines;

const READ_BYTES: usize = 16 * 1024;
/// How much is read of a worker that has ended: as much as a pipe usually holds.
const MAX_LAST_OUTPUT: usize = 64 * 1024;

enum Command {
    Follow(Stream),
    Finish { worker: u32 },
}

/// The handle of the thread.
pub(crate) struct LogPump {
    commands: Sender<Command>,
    waker: UnixStream,
    thread: Option<JoinHandle<()>>,
}

impl LogPump {
    pub(crate) fn start(alias: &str, log: Logger) -> io::Result<Self> {
        let (waker, woken) = UnixStream::pair()?;
        waker.set_nonblocking(true)?;
        woken.set_nonblocking(true)?;
        let (commands, inbox) = channel();
        let thread = thread::Builder::new().name(format!("py-{alias}-log"));
        let thread =
            thread.spawn(move || PumpThread { log, inbox, waker: woken, streams: Vec::new() }.work())?;
        Ok(Self { commands, waker, thread: Some(thread) })
    }

    /// Starts to read the output of this worker.
    pub(crate) fn follow(&self, worker: u32, output: Output) -> io::Result<()> {
        for (pipe, level) in [(output.stdout, Level::Info), (output.stderr, Level::Warn)] {
            fcntl_setfl(&pipe, OFlags::NONBLOCK)?;
            self.send(Command::Follow(Stream { worker, pipe, level, lines: Lines::default() }));
        }
        Ok(())
    }

    /// Reads the rest of the output of a worker that has ended.
    pub(crate) fn finish(&self, worker: u32) {
        self.send(Command::Finish { worker });
    }

    fn send(&self, command: Command) {
        // Fails only if the thread has ended, and then there is nothing left to do.
        drop(self.commands.send(command));
        // A full socket has woken the thread already.
        drop((&self.waker).write(&[1]));
    }
}

/// Lets the thread write what it has read, then waits for its end.
impl Drop for LogPump {
    fn drop(&mut self) {
        drop(std::mem::replace(&mut self.commands, channel().0));
        drop(self.waker.shutdown(std::net::Shutdown::Both));
        drop(self.thread.take().map(JoinHandle::join));
    }
}

/// The state of the thread.
struct PumpThread {
    log: Logger,
    inbox: Receiver<Command>,
    waker: UnixStream,
    streams: Vec<Stream>,
}

impl PumpThread {
    fn work(mut self) {
        loop {
            let Some(readable) = self.wait() else { return };
            self.read(&readable);
            if !self.read_commands() {
                return self.streams.iter_mut().for_each(|stream| stream.read_to_end(self.log));
            }
        }
    }

    /// Waits until a stream or the waker is readable. Returns which streams are, in their order.
    fn wait(&self) -> Option<Vec<bool>> {
        let handles: Vec<BorrowedFd<'_>> = self.streams.iter().map(|stream| stream.pipe.as_fd()).collect();
        let all = handles.into_iter().chain([self.waker.as_fd()]);
        let mut polled: Vec<_> = all.map(|handle| PollFd::from_borrowed_fd(handle, PollFlags::IN)).collect();
        match poll(&mut polled, None) {
            Ok(_) | Err(rustix::io::Errno::INTR) => {}
            Err(_) => return None,
        }
        drop((&self.waker).read(&mut [0; 64]));
        Some(self.streams.iter().zip(&polled).map(|(_, polled)| !polled.revents().is_empty()).collect())
    }

    fn read(&mut self, readable: &[bool]) {
        let log = self.log;
        let mut readable = readable.iter();
        self.streams.retain_mut(|stream| readable.next() != Some(&true) || stream.read(log));
    }

    /// Runs the commands that have come. False once there will be no more.
    fn read_commands(&mut self) -> bool {
        loop {
            match self.inbox.try_recv() {
                Ok(Command::Follow(stream)) => self.streams.push(stream),
                Ok(Command::Finish { worker }) => self.finish(worker),
                Err(TryRecvError::Empty) => return true,
                Err(TryRecvError::Disconnected) => return false,
            }
        }
    }

    fn finish(&mut self, worker: u32) {
        for stream in self.streams.iter_mut().filter(|stream| stream.worker == worker) {
            stream.read_to_end(self.log);
        }
        self.streams.retain(|stream| stream.worker != worker);
    }
}

/// One pipe of one worker.
struct Stream {
    worker: u32,
    pipe: PipeReader,
    level: Level,
    lines: Lines,
}

impl Stream {
    /// Reads what is available. False at the end of the stream.
    fn read(&mut self, log: Logger) -> bool {
        let mut buffer = [0; READ_BYTES];
        match self.pipe.read(&mut buffer) {
            Ok(0) => {}
            Ok(count) => {
                let (level, worker) = (self.level, self.worker);
                let printed = buffer.get(..count).unwrap_or_default();
                self.lines.push(printed, |line| write(log, level, worker, line));
                return true;
            }
            Err(error) if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::Interrupted) => {
                return true;
            }
            Err(_) => {}
        }
        self.finish(log);
        false
    }

    /// Reads the rest, but no more than a pipe holds: other processes may still write to it.
    fn read_to_end(&mut self, log: Logger) {
        for _ in 0..MAX_LAST_OUTPUT / READ_BYTES {
            if !self.read(log) {
                return;
            }
        }
        self.finish(log);
    }

    fn finish(&mut self, log: Logger) {
        let (level, worker) = (self.level, self.worker);
        self.lines.finish(|line| write(log, level, worker, line));
    }
}

fn write(log: Logger, level: Level, worker: u32, line: &str) {
    log.event(level, line, &json!({ "worker": worker }));
}
