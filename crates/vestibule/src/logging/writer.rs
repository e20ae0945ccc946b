//! The queue of log lines in front of standard error.
//!
//! A thread of its own writes the lines, in their order, so no other thread waits for the reader of standard error. There is one
//! line for each request, and a system call for each would be a good part of the cost of a request: so these lines are pending
//! for a moment and written together. Every other line is written at once, with the lines that wait before it.
//!
//! When the reader is slow or stands still, the queue is bounded: beyond [`ROOM`] it drops lines of requests, and beyond [`ROOM`]
//! and [`RESERVED`] all others. Both are counted, and the service goes on. What matters to security is in the database as well.
//!
//! docs/decisions/0012-observability.md compares this with tracing-appender, which keeps none of these promises.

use std::io::{self, Write};
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, OnceLock, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use tracing::{Level, Metadata};
use tracing_subscriber::fmt::MakeWriter;

/// The target of the line that a request was answered.
const ACCESS: &str = "vestibule::access";
/// The target of the lines, below WARN, that say what a client did wrong.
const REFUSALS: &str = "vestibule_http::middleware";
/// How many bytes may wait: some thousand lines.
const ROOM: usize = 1024 * 1024;
/// How many more bytes may wait of lines that are not of requests.
const RESERVED: usize = 1024 * 1024;
/// The capacity that stays allocated after writing: more than a busy moment gathers.
const KEPT_CAPACITY: usize = 64 * 1024;
/// How long lines of requests are pending.
const GATHER_TIME: Duration = Duration::from_millis(2);
/// How long to wait before trying a full, non-blocking standard error again.
const RETRY_INTERVAL: Duration = Duration::from_millis(20);
/// How long a process that ends in order waits until its lines are written, and how long one that crashes.
const FLUSH_TIMEOUT: Duration = Duration::from_secs(2);
const CRASH_FLUSH_TIMEOUT: Duration = Duration::from_millis(200);

/// The number of bytes that are not written yet, for signal handlers, which may take no lock.
static UNWRITTEN: AtomicUsize = AtomicUsize::new(0);
static QUEUE: OnceLock<Arc<Queue>> = OnceLock::new();

/// How many lines: of requests, and others.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub(crate) struct LineCounts {
    /// Of requests.
    pub(crate) access: u64,
    /// All others.
    pub(crate) others: u64,
}

/// Whole lines, one after the other.
#[derive(Default)]
struct Batch {
    bytes: Vec<u8>,
    count: LineCounts,
}

#[derive(Default)]
struct Pending {
    batch: Batch,
    /// Whether one of the lines is to be written at once.
    is_urgent: bool,
    /// Whether the writing thread will look again by itself.
    is_awake: bool,
}

#[derive(Default)]
struct Queue {
    pending: Mutex<Pending>,
    changed: Condvar,
    lost_access: AtomicU64,
    lost_others: AtomicU64,
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Queue {
    /// Takes a line, or counts it as lost.
    fn push(&self, line: &[u8], is_of_request: bool) {
        let mut pending = lock(&self.pending);
        let room = if is_of_request { ROOM } else { ROOM + RESERVED };
        if pending.batch.bytes.len() + line.len() > room {
            return self.count_lost(one(is_of_request));
        }
        pending.batch.bytes.extend_from_slice(line);
        pending.batch.count.add(one(is_of_request));
        pending.is_urgent |= !is_of_request;
        UNWRITTEN.fetch_add(line.len(), Ordering::SeqCst);
        if pending.is_urgent || !pending.is_awake {
            pending.is_awake = true;
            self.changed.notify_one();
        }
    }

    fn count_lost(&self, lost: LineCounts) {
        self.lost_access.fetch_add(lost.access, Ordering::Relaxed);
        self.lost_others.fetch_add(lost.others, Ordering::Relaxed);
    }

    /// Waits for lines, and then a moment for more. Exchanges them for an empty batch.
    fn next(&self, empty: Batch) -> Batch {
        let mut pending = lock(&self.pending);
        while pending.batch.bytes.is_empty() {
            pending.is_awake = false;
            pending = self.changed.wait(pending).unwrap_or_else(PoisonError::into_inner);
        }
        pending.is_awake = true;
        let more = self.changed.wait_timeout_while(pending, GATHER_TIME, |pending| !pending.is_urgent);
        let mut pending = more.unwrap_or_else(PoisonError::into_inner).0;
        pending.is_urgent = false;
        std::mem::replace(&mut pending.batch, empty)
    }

    /// Writes the next batch. Blocks while the reader takes nothing.
    fn write_next(&self, empty: Batch, to: &mut impl Write) -> Batch {
        let mut batch = self.next(empty);
        // A closed standard error must not end the service.
        if write_whole(to, &batch.bytes).is_err() {
            self.count_lost(batch.count);
        }
        UNWRITTEN.fetch_sub(batch.bytes.len(), Ordering::SeqCst);
        batch.clear();
        batch
    }

    fn write_forever(&self) {
        let mut batch = Batch::default();
        loop {
            batch = self.write_next(batch, &mut io::stderr());
        }
    }

    /// Makes the thread write at once.
    fn hurry(&self) {
        lock(&self.pending).is_urgent = true;
        self.changed.notify_one();
    }
}

/// Writes all bytes, also to a standard error that another program has made non-blocking.
fn write_whole(to: &mut impl Write, mut bytes: &[u8]) -> io::Result<()> {
    while !bytes.is_empty() {
        match to.write(bytes) {
            Ok(0) => return Err(io::ErrorKind::WriteZero.into()),
            Ok(written) => bytes = bytes.get(written..).unwrap_or_default(),
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => thread::sleep(RETRY_INTERVAL),
            Err(error) => return Err(error),
        }
    }
    Ok(())
}

fn one(is_of_request: bool) -> LineCounts {
    let access = u64::from(is_of_request);
    LineCounts { access, others: 1 - access }
}

impl LineCounts {
    fn add(&mut self, more: Self) {
        self.access += more.access;
        self.others += more.others;
    }
}

impl Batch {
    /// Keeps some capacity for the next lines.
    fn clear(&mut self) {
        self.bytes.clear();
        self.bytes.shrink_to(KEPT_CAPACITY);
        self.count = LineCounts::default();
    }
}

/// Waits until all lines are written, or [`FLUSH_TIMEOUT`] has passed. To be called before the process ends.
pub(super) fn flush() {
    if let Some(queue) = QUEUE.get() {
        queue.hurry();
        wait_until_written(FLUSH_TIMEOUT);
    }
}

/// Waits until the writing thread has written all lines. Takes no lock and allocates nothing, so a signal handler may call it.
fn wait_until_written(timeout: Duration) {
    let began = Instant::now();
    while UNWRITTEN.load(Ordering::SeqCst) > 0 && began.elapsed() < timeout {
        thread::sleep(GATHER_TIME / 2);
    }
}

/// How many lines were lost so far.
pub(super) fn lost() -> LineCounts {
    let read = |count: &AtomicU64| count.load(Ordering::Relaxed);
    QUEUE.get().map_or_else(LineCounts::default, |queue| LineCounts {
        access: read(&queue.lost_access),
        others: read(&queue.lost_others),
    })
}

/// Whether the reader keeps up.
pub(super) fn has_room() -> bool {
    UNWRITTEN.load(Ordering::SeqCst) < ROOM / 2
}

/// A writer that puts lines into the queue.
pub(super) struct StandardError(Arc<Queue>);

impl StandardError {
    /// Starts the writing thread. Called once.
    pub(super) fn start() -> io::Result<Self> {
        let queue = Arc::clone(QUEUE.get_or_init(Arc::default));
        let thread = thread::Builder::new().name("log".to_owned()).stack_size(64 * 1024);
        let writing = Arc::clone(&queue);
        thread.spawn(move || writing.write_forever())?;
        vestibule_plugin_host::before_last_line(|| wait_until_written(CRASH_FLUSH_TIMEOUT));
        Ok(Self(queue))
    }
}

impl<'a> MakeWriter<'a> for StandardError {
    type Writer = Line<'a>;

    fn make_writer(&'a self) -> Line<'a> {
        Line { queue: &self.0, is_of_request: false }
    }

    fn make_writer_for(&'a self, metadata: &Metadata<'_>) -> Line<'a> {
        let is_refusal = metadata.target() == REFUSALS && *metadata.level() >= Level::INFO;
        Line { queue: &self.0, is_of_request: metadata.target() == ACCESS || is_refusal }
    }
}

/// Takes one line, which comes in one piece.
pub(super) struct Line<'a> {
    queue: &'a Queue,
    is_of_request: bool,
}

impl Write for Line<'_> {
    fn write(&mut self, line: &[u8]) -> io::Result<usize> {
        self.queue.push(line, self.is_of_request);
        Ok(line.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const REQUEST: bool = true;
    const OTHER: bool = false;

    fn lost_of(queue: &Queue) -> (u64, u64) {
        (queue.lost_access.load(Ordering::Relaxed), queue.lost_others.load(Ordering::Relaxed))
    }

    #[test]
    fn lines_are_written_in_the_order_in_which_they_came() {
        let queue = Queue::default();
        for (line, kind) in [("one\n", REQUEST), ("two\n", REQUEST), ("three\n", OTHER), ("four\n", REQUEST)]
        {
            queue.push(line.as_bytes(), kind);
        }
        let mut written = Vec::new();
        queue.write_next(Batch::default(), &mut written);
        assert_eq!(String::from_utf8(written).unwrap(), "one\ntwo\nthree\nfour\n");
        assert_eq!(lost_of(&queue), (0, 0));
    }

    #[test]
    fn k12_when_nobody_reads_nobody_waits_what_is_kept_is_bounded_and_what_is_not_is_counted() {
        let queue = Queue::default();
        let line = [b'x'; 1024];
        for _ in 0..3 * ROOM / 1024 {
            queue.push(&line, REQUEST);
        }
        assert_eq!(queue.pending.lock().unwrap().batch.bytes.len(), ROOM);
        assert_eq!(lost_of(&queue), (2048, 0), "lines of requests leave room for the others");
        for _ in 0..2 * RESERVED / 1024 {
            queue.push(&line, OTHER);
        }
        assert_eq!(queue.pending.lock().unwrap().batch.bytes.len(), ROOM + RESERVED);
        assert_eq!(lost_of(&queue), (2048, 1024));
        let mut written = Vec::new();
        queue.write_next(Batch::default(), &mut written);
        assert_eq!(written.len(), ROOM + RESERVED);
        queue.push(&line, REQUEST);
        assert_eq!(lost_of(&queue), (2048, 1024), "there is room again");
    }

    #[test]
    fn k12_what_a_closed_standard_error_does_not_take_is_counted() {
        struct Closed;
        impl Write for Closed {
            fn write(&mut self, _: &[u8]) -> io::Result<usize> {
                Err(io::ErrorKind::BrokenPipe.into())
            }
            fn flush(&mut self) -> io::Result<()> {
                Ok(())
            }
        }
        let queue = Queue::default();
        queue.push(b"one\n", REQUEST);
        queue.push(b"two\n", OTHER);
        queue.write_next(Batch::default(), &mut Closed);
        assert_eq!(lost_of(&queue), (1, 1));
    }
}
