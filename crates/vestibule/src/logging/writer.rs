//! Lines on their way to standard error.
//!
//! There is one line for each request, and a system call for each line would be a good part of what a request costs. So the
//! lines of requests that are over are gathered and written together a moment later, by a thread of their own. All other
//! lines are written at once, after those that wait: the order is that in which things happened, and what went wrong is
//! on record before anything else can go wrong.
//!
//! Nothing is dropped. When whoever reads standard error is slow, requests wait once [`ROOM`] is full, as they would
//! without this.

use std::io::{self, Write};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, OnceLock, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use tracing::Metadata;
use tracing_subscriber::fmt::MakeWriter;

/// What may be put off: that a request was answered, which is told for statistics.
const PUT_OFF: &str = "vestibule::access";
/// How many bytes wait at most; some thousand lines.
const ROOM: usize = 1024 * 1024;
/// How many of them stay reserved when they are written: more than what is gathered in a busy moment.
const KEPT_ROOM: usize = 64 * 1024;
/// How long lines are gathered.
const PAUSE: Duration = Duration::from_millis(2);
/// How long the end of the process is put off for them.
const PATIENCE: Duration = Duration::from_millis(200);

/// The bytes that are gathered and not written, for those who may take no lock.
static WAITING: AtomicUsize = AtomicUsize::new(0);
static LINES: OnceLock<Arc<Lines>> = OnceLock::new();

#[derive(Default)]
struct Gathered {
    text: Vec<u8>,
    /// Whether the thread will look again by itself.
    is_awake: bool,
}

#[derive(Default)]
struct Lines {
    /// Held while writing, so that what was said first is written first. The text that was written last, empty: its room is
    /// used again.
    output: Mutex<Vec<u8>>,
    gathered: Mutex<Gathered>,
    some: Condvar,
    room: Condvar,
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Lines {
    fn put_off(&self, line: &[u8]) {
        let mut gathered = lock(&self.gathered);
        while gathered.text.len() >= ROOM {
            gathered = self.room.wait(gathered).unwrap_or_else(PoisonError::into_inner);
        }
        gathered.text.extend_from_slice(line);
        WAITING.fetch_add(line.len(), Ordering::SeqCst);
        if !gathered.is_awake {
            gathered.is_awake = true;
            self.some.notify_one();
        }
    }

    /// Writes what waits, and then this.
    fn write(&self, line: &[u8], to: &mut impl Write) -> io::Result<()> {
        let mut text = lock(&self.output);
        std::mem::swap(&mut *text, &mut lock(&self.gathered).text);
        self.room.notify_all();
        let waited = text.len();
        text.extend_from_slice(line);
        let outcome = to.write_all(&text);
        WAITING.fetch_sub(waited, Ordering::SeqCst);
        text.clear();
        text.shrink_to(KEPT_ROOM);
        outcome
    }

    fn wait_for_some(&self) {
        let mut gathered = lock(&self.gathered);
        while gathered.text.is_empty() {
            gathered.is_awake = false;
            gathered = self.some.wait(gathered).unwrap_or_else(PoisonError::into_inner);
        }
        gathered.is_awake = true;
    }

    fn write_for_ever(&self) {
        loop {
            self.wait_for_some();
            // A standard error that is closed is not worth the end of the service.
            drop(self.write(&[], &mut io::stderr()));
            thread::sleep(PAUSE);
        }
    }
}

/// Writes what waits. For the moment before the process ends.
pub(super) fn flush() {
    if let Some(lines) = LINES.get() {
        drop(lines.write(&[], &mut io::stderr()));
    }
}

/// Waits until the other threads have written what waits. Takes no lock and allocates nothing: for handlers of signals.
fn wait_until_written() {
    let began = Instant::now();
    while WAITING.load(Ordering::SeqCst) > 0 && began.elapsed() < PATIENCE {
        thread::sleep(PAUSE / 2);
    }
}

/// Where the lines of the log go.
pub(super) struct StandardError {
    lines: Arc<Lines>,
    /// Without the thread every line is written at once.
    can_put_off: bool,
}

impl StandardError {
    /// Begins to gather. Called once.
    pub(super) fn start() -> Self {
        let lines = Arc::clone(LINES.get_or_init(Arc::default));
        let thread = thread::Builder::new().name("log".to_owned()).stack_size(64 * 1024);
        let writing = Arc::clone(&lines);
        let can_put_off = thread.spawn(move || writing.write_for_ever()).is_ok();
        vestibule_plugin_host::before_last_line(wait_until_written);
        Self { lines, can_put_off }
    }
}

impl<'a> MakeWriter<'a> for StandardError {
    type Writer = Line<'a>;

    fn make_writer(&'a self) -> Line<'a> {
        Line { lines: &self.lines, put_off: false }
    }

    fn make_writer_for(&'a self, metadata: &Metadata<'_>) -> Line<'a> {
        Line { lines: &self.lines, put_off: self.can_put_off && metadata.target() == PUT_OFF }
    }
}

/// One line; it comes in one piece.
pub(super) struct Line<'a> {
    lines: &'a Lines,
    put_off: bool,
}

impl Write for Line<'_> {
    fn write(&mut self, line: &[u8]) -> io::Result<usize> {
        if self.put_off {
            self.lines.put_off(line);
        } else {
            self.lines.write(line, &mut io::stderr())?;
        }
        Ok(line.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_at_once_comes_after_what_was_said_before() {
        let lines = Lines::default();
        lines.put_off(b"one\n");
        lines.put_off(b"two\n");
        let mut written = Vec::new();
        lines.write(b"three\n", &mut written).unwrap();
        lines.write(b"", &mut written).unwrap();
        assert_eq!(written, b"one\ntwo\nthree\n");
    }

    #[test]
    fn k1_when_nobody_reads_lines_wait_and_none_is_dropped() {
        let lines = Lines::default();
        let line = [b'x'; 1024];
        thread::scope(|scope| {
            let writers = [(); 4].map(|()| {
                scope.spawn(|| {
                    for _ in 0..ROOM / 1024 {
                        lines.put_off(&line);
                    }
                })
            });
            while lock(&lines.gathered).text.len() < ROOM {
                thread::yield_now();
            }
            assert!(lock(&lines.gathered).text.len() < ROOM + 1024, "it is bounded");
            assert!(writers.iter().any(|writer| !writer.is_finished()), "somebody waits");
            let mut written = Vec::new();
            while written.len() < 4 * ROOM {
                lines.write(&[], &mut written).unwrap();
            }
            assert_eq!(written.len(), 4 * ROOM);
        });
    }
}
