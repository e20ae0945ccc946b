//! Counts how often a plugin reads its deadline, for the check that tells authors whether theirs does.

use std::cell::Cell;

thread_local! {
    static READS: Cell<u64> = const { Cell::new(0) };
}

/// Records that a plugin on this thread has read its deadline.
pub(crate) fn count_read() {
    READS.set(READS.get().wrapping_add(1));
}

/// How often plugins on this thread have read their deadline.
pub(crate) fn reads() -> u64 {
    READS.get()
}
