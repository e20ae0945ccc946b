//! The time of the sweep over all connections, four times a second.

use std::sync::atomic::{AtomicU32, Ordering};

use crate::connection::Tick;

/// A clock that counts ticks. Reading it costs one load.
#[derive(Default)]
pub(crate) struct CoarseClock(AtomicU32);

impl CoarseClock {
    pub(crate) fn now(&self) -> Tick {
        self.0.load(Ordering::Relaxed)
    }

    pub(crate) fn advance(&self) {
        self.0.fetch_add(1, Ordering::Relaxed);
    }
}
