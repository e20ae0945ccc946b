//! How much of the time the machine had for others.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;
use std::time::{Duration, Instant};

const STEP: Duration = Duration::from_millis(10);

/// Notes by how much a thread that only sleeps wakes up late. What a test measured on a machine that stood still meanwhile
/// says nothing about the program, so a bound is best held against the rest.
#[derive(Debug)]
pub struct Machine(Arc<AtomicU64>);

impl Machine {
    /// Watches from now on, until it is dropped.
    pub fn watch() -> Self {
        let lost = Arc::new(AtomicU64::new(0));
        let told = Arc::downgrade(&lost);
        thread::spawn(move || {
            while let Some(lost) = told.upgrade() {
                let begun = Instant::now();
                thread::sleep(STEP);
                let late = begun.elapsed().saturating_sub(STEP).as_micros();
                lost.fetch_add(u64::try_from(late).unwrap_or(u64::MAX), Ordering::Relaxed);
            }
        });
        Self(lost)
    }

    /// The time that was not there, so far.
    pub fn lost(&self) -> Duration {
        Duration::from_micros(self.0.load(Ordering::Relaxed))
    }
}
