//! The machine's clock. A plugin is given none, and a receiver compares our time with its own.

use std::time::SystemTime;

use time::OffsetDateTime;

#[expect(clippy::disallowed_methods, reason = "plugins have no clock of the host; this is the only place")]
pub(crate) fn now() -> OffsetDateTime {
    SystemTime::now().into()
}
