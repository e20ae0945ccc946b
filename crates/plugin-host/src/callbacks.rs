//! The table that plugins call back through.

use std::panic;
use std::time::Instant;

use vestibule_plugin_abi::{Call, Host, Logger, MAJOR, MINOR, Str, code};

use crate::answer::{MAX_REPLY_BYTES, RawAnswer, RawReply};
use crate::bad_reply::BadReply;
use crate::{deadline_probe, log_sink, text};

/// The one table, for every plugin and as long as the process lives.
pub(crate) static HOST: Host = Host {
    struct_size: size_of_abi::<Host>(),
    abi_major: MAJOR,
    abi_minor: MINOR,
    log: Some(log),
    log_enabled: Some(log_enabled),
    reply: Some(reply),
    set_error: Some(set_error),
    set_ttl: Some(set_ttl),
    remaining_ms: Some(remaining_ms),
};

/// The size of a struct of the ABI, as the ABI writes it.
#[expect(clippy::cast_possible_truncation, reason = "no struct of the ABI comes near 4 GiB")]
pub(crate) const fn size_of_abi<T>() -> u32 {
    size_of::<T>() as u32
}

/// What a `vestibule_call` is: the state of one operation, on the stack of the thread that runs it.
pub(crate) struct CallState {
    deadline: Instant,
    reply: RawReply,
    error: String,
    ttl_seconds: Option<u32>,
}

impl CallState {
    pub(crate) fn new(deadline: Instant) -> Self {
        Self { deadline, reply: RawReply::None, error: String::new(), ttl_seconds: None }
    }

    /// The pointer that the plugin gets. INVARIANT: nothing else touches the state until the operation has returned.
    pub(crate) fn as_abi(&mut self) -> *mut Call {
        (&raw mut *self).cast()
    }

    pub(crate) fn finish(self, code: i32) -> RawAnswer {
        RawAnswer { code, reply: self.reply, error: self.error, ttl_seconds: self.ttl_seconds }
    }
}

/// What a `vestibule_logger` is: the alias of an instance.
pub(crate) struct InstanceLog {
    alias: String,
}

impl InstanceLog {
    /// OWNERSHIP: never freed. A plugin may log from its own threads for as long as the process lives.
    pub(crate) fn leak(alias: &str) -> *mut Logger {
        std::ptr::from_mut(Box::leak(Box::new(Self { alias: alias.to_owned() }))).cast()
    }
}

/// # Safety
/// `call` is what the plugin was given for the operation that runs on this thread.
unsafe fn state<'a>(call: *mut Call) -> Option<&'a mut CallState> {
    // SAFETY: it points at the `CallState` of the operation, which nothing else touches until the operation returns.
    unsafe { call.cast::<CallState>().as_mut() }
}

unsafe extern "C" fn reply(call: *mut Call, json: Str) -> i32 {
    // SAFETY: the plugin passes on the call that it was given.
    let Some(state) = (unsafe { state(call) }) else { return code::FATAL };
    let taken = if json.len > MAX_REPLY_BYTES || (json.ptr.is_null() && json.len > 0) {
        state.reply = RawReply::Bad(BadReply::TooLarge);
        false
    } else if json.len == 0 {
        state.reply.give(b"")
    } else {
        // SAFETY: the plugin lends `len` bytes for the length of this call; not null, and of bounded length.
        state.reply.give(unsafe { std::slice::from_raw_parts(json.ptr, json.len) })
    };
    if taken { code::OK } else { code::FATAL }
}

unsafe extern "C" fn set_error(call: *mut Call, message: Str) {
    // SAFETY: the plugin passes on the call that it was given, and lends the text.
    unsafe {
        if let Some(state) = state(call) {
            state.error = text::copy_printable(message);
        }
    }
}

unsafe extern "C" fn set_ttl(call: *mut Call, seconds: u32) {
    // SAFETY: the plugin passes on the call that it was given.
    if let Some(state) = unsafe { state(call) } {
        state.ttl_seconds = Some(seconds);
    }
}

unsafe extern "C" fn remaining_ms(call: *mut Call) -> i64 {
    // SAFETY: the plugin passes on the call that it was given.
    let Some(state) = (unsafe { state(call) }) else { return 0 };
    deadline_probe::count_read();
    let left = state.deadline.saturating_duration_since(Instant::now());
    i64::try_from(left.as_millis()).unwrap_or(i64::MAX)
}

unsafe extern "C" fn log_enabled(_logger: *mut Logger, level: i32) -> i32 {
    i32::from(log_sink::is_enabled(level))
}

unsafe extern "C" fn log(logger: *mut Logger, level: i32, message: Str, fields: Str) {
    // SAFETY: the plugin passes on the logger that it was given, which is never freed.
    let Some(log) = (unsafe { logger.cast::<InstanceLog>().as_ref() }) else { return };
    // SAFETY: the plugin lends the texts for the length of this call.
    let (message, fields) = unsafe { (text::copy_printable(message), text::copy_printable(fields)) };
    // A panic of a log sink must not cross the border: that would end the process.
    drop(panic::catch_unwind(|| log_sink::write(&log.alias, level, &message, &fields)));
}
