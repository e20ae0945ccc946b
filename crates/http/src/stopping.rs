//! Whether the service is about to end.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

/// A switch that readiness looks at: while the service ends, it still answers, but wants no more requests. Cheap to
/// clone; all clones are one switch.
#[derive(Debug, Clone, Default)]
pub struct Stopping(Arc<AtomicBool>);

impl Stopping {
    /// From now on the service is not ready.
    pub fn begin(&self) {
        self.0.store(true, Ordering::Relaxed);
    }

    pub(crate) fn has_begun(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }
}
