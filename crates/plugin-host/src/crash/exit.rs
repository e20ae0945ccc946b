//! A plugin that calls `exit`.

use super::line::Line;
use super::{is_our_process, note, wait_for_the_others};

/// "Internal software error", of the exit statuses that sendmail made common.
const STATUS: i32 = 70;

/// Exit handlers run in reverse order, so this is done again after each library that is loaded and each instance that is
/// made: those of plugins are not to run before it.
pub(super) fn install() {
    // SAFETY: the function is there as long as the process. That no more fit is no reason not to start.
    unsafe { libc::atexit(on_exit) };
}

/// Without it the process would end like one that was asked to: with whatever status the plugin chose, perhaps success,
/// and after destructors had run under threads that still work.
extern "C" fn on_exit() {
    let Some(note) = note().filter(|_| is_our_process()) else { return };
    wait_for_the_others();
    let mut line = Line::new();
    line.push("vestibule: exit called in plugin ");
    line.push_note(note);
    line.write();
    // SAFETY: no preconditions.
    unsafe { libc::_exit(STATUS) }
}
