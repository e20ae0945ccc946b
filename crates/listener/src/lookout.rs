//! The look over all connections, four times a second, and the clock that it keeps for them.

use std::sync::atomic::{AtomicU32, Ordering};

use crate::connection::Tick;

/// The present in ticks. Reading it costs a load.
#[derive(Default)]
pub(crate) struct Clock(AtomicU32);

impl Clock {
    pub(crate) fn now(&self) -> Tick {
        self.0.load(Ordering::Relaxed)
    }

    pub(crate) fn advance(&self) {
        self.0.fetch_add(1, Ordering::Relaxed);
    }
}
