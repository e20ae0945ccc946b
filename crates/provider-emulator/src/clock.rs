//! Time as an argument, in the one unit that the protocols use.

use std::fmt;
use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

/// What tells the emulator the time: seconds since the Unix epoch. Issue and expiry times in ID tokens and the
/// life of codes follow it, so a test that moves the service's clock gives the emulator the same one.
#[derive(Clone)]
pub struct Clock(Arc<dyn Fn() -> i64 + Send + Sync>);

impl Clock {
    /// The computer's own clock.
    pub fn system() -> Self {
        Self::from_fn(system_seconds)
    }

    /// A clock that asks `seconds` each time.
    pub fn from_fn(seconds: impl Fn() -> i64 + Send + Sync + 'static) -> Self {
        Self(Arc::new(seconds))
    }

    /// Seconds since the Unix epoch, now.
    pub fn now(&self) -> i64 {
        (self.0)()
    }
}

impl Default for Clock {
    fn default() -> Self {
        Self::system()
    }
}

impl fmt::Debug for Clock {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("Clock")
    }
}

#[expect(
    clippy::disallowed_methods,
    reason = "this crate depends on nothing of ours: here is its one place that asks the system"
)]
fn system_seconds() -> i64 {
    let since_epoch = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since_epoch.as_secs()).unwrap_or(i64::MAX)
}
