//! The fence around every entry point: no panic leaves the plugin.
//!
//! A panic that crosses into the host would end the process, and the host cannot catch it: it comes from another copy
//! of the standard library. So it is caught on this side.

use std::any::Any;
use std::mem;
use std::panic::{self, AssertUnwindSafe, PanicHookInfo};
use std::sync::Once;

use vestibule_plugin_abi::code;

use crate::{CallCtx, Logger, Result, current};

/// Runs an operation and says how it ended, as a code.
pub(crate) fn operation(call: &CallCtx<'_>, log: Logger, run: impl FnOnce() -> Result<()>) -> i32 {
    match fenced(log, run) {
        Ok(Ok(())) => code::OK,
        Ok(Err(error)) => {
            call.set_error(error.text());
            error.code()
        }
        Err(message) => {
            call.set_error(&format!("panic: {message}"));
            code::PANIC
        }
    }
}

/// Runs something that cannot report; a panic has been logged when this returns.
pub(crate) fn quietly(log: Logger, run: impl FnOnce()) {
    drop(fenced(log, run));
}

fn fenced<T>(log: Logger, run: impl FnOnce() -> T) -> std::result::Result<T, String> {
    let before = current::replace(Some(log));
    // Whatever the operation left half done is the author's own state, behind the author's own locks, which are poisoned.
    let outcome = panic::catch_unwind(AssertUnwindSafe(run));
    current::replace(before);
    outcome.map_err(|payload| {
        let message = message_of(payload.as_ref()).to_owned();
        // Dropping the payload runs code of the author, which might panic outside the fence.
        mem::forget(payload);
        message
    })
}

fn message_of(payload: &(dyn Any + Send)) -> &str {
    let text = payload.downcast_ref::<&str>().copied();
    text.or_else(|| payload.downcast_ref::<String>().map(String::as_str)).unwrap_or("of unknown kind")
}

/// Sends the place of a panic to the host's log. Each plugin has its own copy of the hook, so this affects no other plugin.
/// Panics on threads that belong to no instance go where they went before: to the standard error output.
pub(crate) fn install_panic_hook() {
    static INSTALLED: Once = Once::new();
    INSTALLED.call_once(|| {
        let previous = panic::take_hook();
        panic::set_hook(Box::new(move |panic| match current::get() {
            Some(log) => log.error(&describe(panic)),
            None => previous(panic),
        }));
    });
}

fn describe(panic: &PanicHookInfo<'_>) -> String {
    let place = panic.location().map_or_else(String::new, |location| format!(" at {location}"));
    format!("the plugin panicked{place}: {}", message_of(panic.payload()))
}
