//! A clock that tests move.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use vestibule_domain::{Clock, Timestamp};
use vestibule_provider_emulator as emulator;

/// When every test begins: 2026-01-01T12:00:00Z.
const BEGIN: Timestamp = Timestamp::from_seconds(1_767_268_800);

/// Stands still until it is moved. The service and the providers share it.
pub(crate) struct TestClock(AtomicI64);

impl TestClock {
    pub(crate) fn new() -> Arc<Self> {
        Arc::new(Self(AtomicI64::new(BEGIN.micros())))
    }

    /// Lets this much time pass.
    pub(crate) fn advance(&self, duration: Duration) {
        self.0.store(self.now().plus(duration).micros(), Ordering::SeqCst);
    }

    /// The same clock for the emulator.
    pub(crate) fn of_emulator(self: &Arc<Self>) -> emulator::Clock {
        let clock = Arc::clone(self);
        emulator::Clock::from_fn(move || clock.now().seconds())
    }
}

impl Clock for TestClock {
    fn now(&self) -> Timestamp {
        Timestamp::from_micros(self.0.load(Ordering::SeqCst))
    }
}
