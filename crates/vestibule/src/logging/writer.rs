//! Lines on their way to standard error.
//!
//! A thread of its own writes them, in the order in which they came, and nobody else ever waits for whoever reads standard
//! error. There is one line for each request, and a system call for each would be a good part of what a request costs: so
//! those lines are gathered for a moment and written together. Every other line is written at once, with what waits before
//! it.
//!
//! When the reader is slow or stands still, what waits is bounded: beyond [`ROOM`] lines of requests are dropped, and beyond
//! [`ROOM`] and [`RESERVED`] the others are, and either is counted. The service goes on. What matters to security is in the
//! database besides.

use std::io::{self, Write};
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, OnceLock, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use tracing::{Level, Metadata};
use tracing_subscriber::fmt::MakeWriter;

/// That a request was answered.
const ACCESS: &str = "vestibule::access";
/// Where it is said, below WARN, what a client did wrong.
const REFUSALS: &str = "vestibule_http::edge";
/// How many bytes wait at most; some thousand lines.
const ROOM: usize = 1024 * 1024;
/// How many more of lines that are not of requests.
const RESERVED: usize = 1024 * 1024;
/// How many of them stay reserved when they are written: more than what is gathered in a busy moment.
const KEPT_ROOM: usize = 64 * 1024;
/// How long lines are gathered.
const PAUSE: Duration = Duration::from_millis(2);
/// How long to wait until a standard error that does not block is tried again.
const PAUSE_WHILE_FULL: Duration = Duration::from_millis(20);
/// How long the end of the process is put off for them: when it is asked to end, and when it must.
const PATIENCE: Duration = Duration::from_secs(2);
const PATIENCE_OF_THE_DYING: Duration = Duration::from_millis(200);

/// The bytes that are not written yet, for those who may take no lock.
static WAITING: AtomicUsize = AtomicUsize::new(0);
static LINES: OnceLock<Arc<Lines>> = OnceLock::new();

/// Lines that nobody will ever read, because there was no room or nobody who reads.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Lost {
    /// Of requests.
    pub(crate) access: u64,
    /// All others.
    pub(crate) others: u64,
}

/// Whole lines, one behind the other.
#[derive(Default)]
struct Text {
    bytes: Vec<u8>,
    count: Lost,
}

#[derive(Default)]
struct Gathered {
    text: Text,
    /// Whether one of them is to be written at once.
    is_urgent: bool,
    /// Whether the thread will look again by itself.
    is_awake: bool,
}

#[derive(Default)]
struct Lines {
    gathered: Mutex<Gathered>,
    some: Condvar,
    lost_access: AtomicU64,
    lost_others: AtomicU64,
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Lines {
    /// Takes a line, or counts it.
    fn take(&self, line: &[u8], is_of_request: bool) {
        let mut gathered = lock(&self.gathered);
        let room = if is_of_request { ROOM } else { ROOM + RESERVED };
        if gathered.text.bytes.len() + line.len() > room {
            return self.count(one(is_of_request));
        }
        gathered.text.bytes.extend_from_slice(line);
        gathered.text.count.add(one(is_of_request));
        gathered.is_urgent |= !is_of_request;
        WAITING.fetch_add(line.len(), Ordering::SeqCst);
        if gathered.is_urgent || !gathered.is_awake {
            gathered.is_awake = true;
            self.some.notify_one();
        }
    }

    fn count(&self, lost: Lost) {
        self.lost_access.fetch_add(lost.access, Ordering::Relaxed);
        self.lost_others.fetch_add(lost.others, Ordering::Relaxed);
    }

    /// Waits for lines, and then a moment for more; takes what is there in exchange for an empty text.
    fn next(&self, empty: Text) -> Text {
        let mut gathered = lock(&self.gathered);
        while gathered.text.bytes.is_empty() {
            gathered.is_awake = false;
            gathered = self.some.wait(gathered).unwrap_or_else(PoisonError::into_inner);
        }
        gathered.is_awake = true;
        let more = self.some.wait_timeout_while(gathered, PAUSE, |gathered| !gathered.is_urgent);
        let mut gathered = more.unwrap_or_else(PoisonError::into_inner).0;
        gathered.is_urgent = false;
        std::mem::replace(&mut gathered.text, empty)
    }

    /// Writes what waits next. Blocks as long as the reader takes nothing.
    fn write_next(&self, empty: Text, to: &mut impl Write) -> Text {
        let mut text = self.next(empty);
        // A standard error that is closed is not worth the end of the service.
        if write_whole(to, &text.bytes).is_err() {
            self.count(text.count);
        }
        WAITING.fetch_sub(text.bytes.len(), Ordering::SeqCst);
        text.clear();
        text
    }

    fn write_for_ever(&self) {
        let mut text = Text::default();
        loop {
            text = self.write_next(text, &mut io::stderr());
        }
    }

    /// Lets the thread write what waits.
    fn hurry(&self) {
        lock(&self.gathered).is_urgent = true;
        self.some.notify_one();
    }
}

/// Also to a standard error that is set not to block, as it may be when another program shares it.
fn write_whole(to: &mut impl Write, mut bytes: &[u8]) -> io::Result<()> {
    while !bytes.is_empty() {
        match to.write(bytes) {
            Ok(0) => return Err(io::ErrorKind::WriteZero.into()),
            Ok(written) => bytes = bytes.get(written..).unwrap_or_default(),
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => thread::sleep(PAUSE_WHILE_FULL),
            Err(error) => return Err(error),
        }
    }
    Ok(())
}

fn one(is_of_request: bool) -> Lost {
    let access = u64::from(is_of_request);
    Lost { access, others: 1 - access }
}

impl Lost {
    fn add(&mut self, more: Self) {
        self.access += more.access;
        self.others += more.others;
    }
}

impl Text {
    /// The room is used again.
    fn clear(&mut self) {
        self.bytes.clear();
        self.bytes.shrink_to(KEPT_ROOM);
        self.count = Lost::default();
    }
}

/// Waits until what waits is written, but not for a reader who takes nothing. For the moment before the process ends.
pub(super) fn flush() {
    if let Some(lines) = LINES.get() {
        lines.hurry();
        wait_until_written(PATIENCE);
    }
}

/// Waits until the other threads have written what waits. Takes no lock and allocates nothing: for handlers of signals.
fn wait_until_written(patience: Duration) {
    let began = Instant::now();
    while WAITING.load(Ordering::SeqCst) > 0 && began.elapsed() < patience {
        thread::sleep(PAUSE / 2);
    }
}

/// What was lost so far.
pub(super) fn lost() -> Lost {
    let read = |count: &AtomicU64| count.load(Ordering::Relaxed);
    LINES.get().map_or_else(Lost::default, |lines| Lost {
        access: read(&lines.lost_access),
        others: read(&lines.lost_others),
    })
}

/// Whether the reader keeps up: little waits.
pub(super) fn has_room() -> bool {
    WAITING.load(Ordering::SeqCst) < ROOM / 2
}

/// Where the lines of the log go.
pub(super) struct StandardError(Arc<Lines>);

impl StandardError {
    /// Begins to gather and to write. Called once.
    pub(super) fn start() -> io::Result<Self> {
        let lines = Arc::clone(LINES.get_or_init(Arc::default));
        let thread = thread::Builder::new().name("log".to_owned()).stack_size(64 * 1024);
        let writing = Arc::clone(&lines);
        thread.spawn(move || writing.write_for_ever())?;
        vestibule_plugin_host::before_last_line(|| wait_until_written(PATIENCE_OF_THE_DYING));
        Ok(Self(lines))
    }
}

impl<'a> MakeWriter<'a> for StandardError {
    type Writer = Line<'a>;

    fn make_writer(&'a self) -> Line<'a> {
        Line { lines: &self.0, is_of_request: false }
    }

    fn make_writer_for(&'a self, metadata: &Metadata<'_>) -> Line<'a> {
        let is_refusal = metadata.target() == REFUSALS && *metadata.level() >= Level::INFO;
        Line { lines: &self.0, is_of_request: metadata.target() == ACCESS || is_refusal }
    }
}

/// One line; it comes in one piece.
pub(super) struct Line<'a> {
    lines: &'a Lines,
    is_of_request: bool,
}

impl Write for Line<'_> {
    fn write(&mut self, line: &[u8]) -> io::Result<usize> {
        self.lines.take(line, self.is_of_request);
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

    fn lost_of(lines: &Lines) -> (u64, u64) {
        (lines.lost_access.load(Ordering::Relaxed), lines.lost_others.load(Ordering::Relaxed))
    }

    #[test]
    fn lines_are_written_in_the_order_in_which_they_came() {
        let lines = Lines::default();
        for (line, kind) in [("one\n", REQUEST), ("two\n", REQUEST), ("three\n", OTHER), ("four\n", REQUEST)]
        {
            lines.take(line.as_bytes(), kind);
        }
        let mut written = Vec::new();
        lines.write_next(Text::default(), &mut written);
        assert_eq!(String::from_utf8(written).unwrap(), "one\ntwo\nthree\nfour\n");
        assert_eq!(lost_of(&lines), (0, 0));
    }

    #[test]
    fn k12_when_nobody_reads_nobody_waits_what_is_kept_is_bounded_and_what_is_not_is_counted() {
        let lines = Lines::default();
        let line = [b'x'; 1024];
        for _ in 0..3 * ROOM / 1024 {
            lines.take(&line, REQUEST);
        }
        assert_eq!(lines.gathered.lock().unwrap().text.bytes.len(), ROOM);
        assert_eq!(lost_of(&lines), (2048, 0), "lines of requests leave room for the others");
        for _ in 0..2 * RESERVED / 1024 {
            lines.take(&line, OTHER);
        }
        assert_eq!(lines.gathered.lock().unwrap().text.bytes.len(), ROOM + RESERVED);
        assert_eq!(lost_of(&lines), (2048, 1024));
        let mut written = Vec::new();
        lines.write_next(Text::default(), &mut written);
        assert_eq!(written.len(), ROOM + RESERVED);
        lines.take(&line, REQUEST);
        assert_eq!(lost_of(&lines), (2048, 1024), "there is room again");
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
        let lines = Lines::default();
        lines.take(b"one\n", REQUEST);
        lines.take(b"two\n", OTHER);
        lines.write_next(Text::default(), &mut Closed);
        assert_eq!(lost_of(&lines), (1, 1));
    }
}
