//! Who it was, when a plugin ends the process.
//!
//! A plugin on our threads can end the process: by following a bad pointer, by overflowing its stack, by calling `abort` or
//! `exit`. Nothing can be saved then, but the last line on standard error can say in which plugin and in which
//! operation it happened. Each call of plugin code leaves a note on its thread, which the handlers of fatal signals
//! read; on threads that a plugin started itself, the address of the code tells.
//!
//! INVARIANT: whatever a handler runs allocates nothing, takes no lock and cannot panic.

mod code;
mod exit;
mod line;
mod signals;
mod stack;

use std::cell::Cell;
use std::path::Path;
use std::ptr;
use std::sync::atomic::{AtomicI32, Ordering, compiler_fence};
use std::sync::{Once, OnceLock};

use crate::text::printable;
pub(crate) use code::remember as remember_code;

/// A plugin, as the last line of the process names it.
pub(crate) struct Site {
    name: String,
    origin: String,
}

impl Site {
    /// OWNERSHIP: never freed, since a signal may come at any time.
    pub(crate) fn leak(name: &str, file: &Path, sha256: &[u8; 32]) -> &'static Self {
        let name = format!("{:?}", printable(name));
        let origin = format!("{}, sha256 {}", printable(&file.display().to_string()), hex::encode(sha256));
        Box::leak(Box::new(Self { name, origin }))
    }
}

/// That plugin code runs on this thread.
struct Note {
    site: &'static Site,
    operation: &'static str,
}

thread_local! {
    /// The innermost call of plugin code on this thread. Needs neither initialisation nor a destructor, so that a handler may
    /// read it.
    static NOTE: Cell<*const Note> = const { Cell::new(ptr::null()) };
}

/// Puts back the note of an outer call.
struct Outer(*const Note);

impl Drop for Outer {
    fn drop(&mut self) {
        NOTE.set(self.0);
    }
}

/// Runs code of a plugin under its name.
pub(crate) fn within<T>(site: &'static Site, operation: &'static str, run: impl FnOnce() -> T) -> T {
    stack::prepare();
    let note = Note { site, operation };
    let outer = Outer(NOTE.replace(&raw const note));
    compiler_fence(Ordering::SeqCst);
    let outcome = run();
    compiler_fence(Ordering::SeqCst);
    drop(outer);
    outcome
}

/// The process whose end is ours to explain. A child that a plugin forks off inherits handlers and notes.
static PROCESS: AtomicI32 = AtomicI32::new(0);

/// What has to be done before the last line.
static BEFORE_LAST_LINE: OnceLock<fn()> = OnceLock::new();

/// What the last line of the process has to wait for, such as lines that other threads are about to write. Runs in a handler
/// of a signal: it must neither allocate nor take a lock, and must come to an end. Only the first one counts.
pub fn before_last_line(wait: fn()) {
    BEFORE_LAST_LINE.get_or_init(|| wait);
}

fn wait_for_the_others() {
    if let Some(wait) = BEFORE_LAST_LINE.get() {
        wait();
    }
}

/// Watches for the end of the process. Later calls renew what has to come last.
pub(crate) fn watch() {
    static SIGNALS: Once = Once::new();
    SIGNALS.call_once(|| {
        // SAFETY: no preconditions.
        PROCESS.store(unsafe { libc::getpid() }, Ordering::SeqCst);
        signals::install();
    });
    exit::install();
}

fn is_our_process() -> bool {
    // SAFETY: no preconditions.
    PROCESS.load(Ordering::SeqCst) == unsafe { libc::getpid() }
}

/// The note on this thread.
fn note() -> Option<&'static Note> {
    // SAFETY: the note lives on the stack of the call that has put it there, which has not returned: it takes it away.
    unsafe { NOTE.get().as_ref() }
}
