//! Whether a plugin looks at the time that is left to it: for the check of a plugin, which tells authors.

use std::cell::Cell;

thread_local! {
    static LOOKS: Cell<u64> = const { Cell::new(0) };
}

/// A plugin has asked on this thread.
pub(crate) fn note_a_look() {
    LOOKS.set(LOOKS.get().wrapping_add(1));
}

/// How often plugins have asked on this thread.
pub(crate) fn looks() -> u64 {
    LOOKS.get()
}
