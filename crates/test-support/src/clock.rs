//! A clock that a test moves, in a program that knows nothing of it.

use std::fs::File;
use std::os::unix::fs::FileExt as _;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use tempfile::TempDir;

/// Moves the real-time clock of every program that it is given to; their monotonic clocks, and with them their
/// timeouts, go on as they are. Several programs can share one.
///
/// The program is started with a small library (`clock_shim.c`) in front of the C library. It adds to the clock what
/// the first eight bytes of a file say, in nanoseconds.
#[derive(Debug)]
pub struct MovableClock {
    directory: TempDir,
    offset: File,
    nanoseconds: AtomicI64,
}

impl MovableClock {
    /// A clock that is right, so far.
    pub fn new() -> Self {
        let directory = tempfile::tempdir().expect("a temporary directory");
        let offset = File::create(file_in(&directory)).expect("a file in it");
        let clock = Self { directory, offset, nanoseconds: AtomicI64::new(0) };
        clock.move_by(0);
        clock
    }

    /// Puts the clock forward.
    pub fn advance(&self, by: Duration) {
        self.move_by(nanoseconds(by));
    }

    /// Puts the clock back.
    pub fn back(&self, by: Duration) {
        self.move_by(-nanoseconds(by));
    }

    /// What its programs take for the present, in seconds since the epoch.
    #[expect(
        clippy::disallowed_methods,
        reason = "tests ask the machine's clock by design: the programs do as well"
    )]
    pub fn now_seconds(&self) -> i64 {
        let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).expect("after 1970");
        (nanoseconds(now) + self.nanoseconds.load(Ordering::SeqCst)).div_euclid(1_000_000_000)
    }

    /// The environment that puts a program under this clock.
    pub(crate) fn environment(&self) -> [(&'static str, PathBuf); 2] {
        let shim = Path::new(env!("CLOCK_SHIM")).to_owned();
        [("LD_PRELOAD", shim), ("CLOCK_SHIM_OFFSET", file_in(&self.directory))]
    }

    fn move_by(&self, by: i64) {
        let offset = self.nanoseconds.fetch_add(by, Ordering::SeqCst) + by;
        self.offset.write_all_at(&offset.to_ne_bytes(), 0).expect("a writable file");
    }
}

impl Default for MovableClock {
    fn default() -> Self {
        Self::new()
    }
}

fn file_in(directory: &TempDir) -> PathBuf {
    directory.path().join("offset")
}

fn nanoseconds(duration: Duration) -> i64 {
    i64::try_from(duration.as_nanos()).expect("less than three centuries")
}

#[cfg(test)]
mod tests {
    use std::process::Command;

    use super::*;

    /// The year that a program sees.
    fn year_under(clock: &MovableClock) -> u32 {
        let output = Command::new("date").arg("+%Y").envs(clock.environment()).output().expect("date runs");
        String::from_utf8_lossy(&output.stdout).trim().parse().expect("a year")
    }

    #[test]
    fn a_program_sees_the_clock_move_forward_and_back() {
        let year = Duration::from_secs(366 * 24 * 3600);
        let clock = MovableClock::new();
        let this_year = year_under(&clock);
        clock.advance(2 * year);
        assert_eq!(year_under(&clock), this_year + 2);
        clock.back(4 * year);
        assert!(year_under(&clock) < this_year);
    }

    #[test]
    fn the_present_of_the_programs_can_be_asked() {
        let (right, fast) = (MovableClock::new(), MovableClock::new());
        fast.advance(Duration::from_secs(3600));
        assert!(fast.now_seconds() >= right.now_seconds() + 3599);
    }
}
