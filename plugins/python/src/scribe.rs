//! One thread of an instance reads what its workers print and writes it to the log, line by line.
//!
//! One thread for all, and not one for each pipe: what a module has started may keep a pipe open for ever, and a thread
//! that reads it could not be ended.

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

const AT_ONCE: usize = 16 * 1024;
/// What is read of a worker that has ended: as much as a pipe usually holds.
const LAST_WORDS: usize = 64 * 1024;

enum Note {
    Follow(Stream),
    Forget { worker: u32 },
}

/// The thread, as seen by the others.
pub(crate) struct Scribe {
    notes: Sender<Note>,
    bell: UnixStream,
    thread: Option<JoinHandle<()>>,
}

impl Scribe {
    pub(crate) fn start(alias: &str, log: Logger) -> io::Result<Self> {
        let (bell, heard) = UnixStream::pair()?;
        bell.set_nonblocking(true)?;
        heard.set_nonblocking(true)?;
        let (notes, inbox) = channel();
        let thread = thread::Builder::new().name(format!("py-{alias}-log"));
        let thread = thread.spawn(move || Desk { log, inbox, bell: heard, streams: Vec::new() }.work())?;
        Ok(Self { notes, bell, thread: Some(thread) })
    }

    /// Reads what this worker prints from now on.
    pub(crate) fn follow(&self, worker: u32, output: Output) -> io::Result<()> {
        for (pipe, level) in [(output.stdout, Level::Info), (output.stderr, Level::Warn)] {
            fcntl_setfl(&pipe, OFlags::NONBLOCK)?;
            self.tell(Note::Follow(Stream { worker, pipe, level, lines: Lines::default() }));
        }
        Ok(())
    }

    /// Reads the last words of a worker that has ended.
    pub(crate) fn forget(&self, worker: u32) {
        self.tell(Note::Forget { worker });
    }

    fn tell(&self, note: Note) {
        // Nobody hears only when the thread has ended, and then there is nothing left to do.
        drop(self.notes.send(note));
        // A bell that is full has been rung.
        drop((&self.bell).write(&[1]));
    }
}

/// Lets the thread write what it has, and end.
impl Drop for Scribe {
    fn drop(&mut self) {
        drop(std::mem::replace(&mut self.notes, channel().0));
        drop(self.bell.shutdown(std::net::Shutdown::Both));
        drop(self.thread.take().map(JoinHandle::join));
    }
}

/// What the thread has before it.
struct Desk {
    log: Logger,
    inbox: Receiver<Note>,
    bell: UnixStream,
    streams: Vec<Stream>,
}

impl Desk {
    fn work(mut self) {
        loop {
            let Some(readable) = self.wait() else { return };
            self.read(&readable);
            if !self.read_notes() {
                return self.streams.iter_mut().for_each(|stream| stream.read_to_end(self.log));
            }
        }
    }

    /// Waits until something is to be read. Which streams, in their order.
    fn wait(&self) -> Option<Vec<bool>> {
        let handles: Vec<BorrowedFd<'_>> = self.streams.iter().map(|stream| stream.pipe.as_fd()).collect();
        let all = handles.into_iter().chain([self.bell.as_fd()]);
        let mut polled: Vec<_> = all.map(|handle| PollFd::from_borrowed_fd(handle, PollFlags::IN)).collect();
        match poll(&mut polled, None) {
            Ok(_) | Err(rustix::io::Errno::INTR) => {}
            Err(_) => return None,
        }
        drop((&self.bell).read(&mut [0; 64]));
        Some(self.streams.iter().zip(&polled).map(|(_, polled)| !polled.revents().is_empty()).collect())
    }

    fn read(&mut self, readable: &[bool]) {
        let log = self.log;
        let mut readable = readable.iter();
        self.streams.retain_mut(|stream| readable.next() != Some(&true) || stream.read(log));
    }

    /// Whether there will be more notes.
    fn read_notes(&mut self) -> bool {
        loop {
            match self.inbox.try_recv() {
                Ok(Note::Follow(stream)) => self.streams.push(stream),
                Ok(Note::Forget { worker }) => self.forget(worker),
                Err(TryRecvError::Empty) => return true,
                Err(TryRecvError::Disconnected) => return false,
            }
        }
    }

    fn forget(&mut self, worker: u32) {
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
    /// Reads what is there now. Whether there may be more some time.
    fn read(&mut self, log: Logger) -> bool {
        let mut buffer = [0; AT_ONCE];
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

    /// Reads what is left, and no more than a pipe holds: others may go on writing.
    fn read_to_end(&mut self, log: Logger) {
        for _ in 0..LAST_WORDS / AT_ONCE {
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
