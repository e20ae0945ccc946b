//! The end of a process that has loaded plugins.

/// Ends the process at once: no destructors and no exit handlers, neither ours nor those of loaded libraries, whose
/// threads may still be running. Flush and close what matters before.
pub fn exit_now(status: i32) -> ! {
    // SAFETY: `_exit` has no preconditions.
    unsafe { libc::_exit(status) }
}
