//! The smallest host that keeps the promises of the header.

use std::slice;
use std::sync::atomic::{AtomicI32, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use vestibule_plugin_abi::{Call, Host, Logger, MAJOR, MINOR, Str, code, level};

use super::Answer;

/// What one operation did through the table.
pub(super) struct Recorder {
    deadline: Instant,
    replies: Vec<String>,
    error: Option<String>,
    ttl: Option<Duration>,
}

/// Runs an operation with a call of its own and collects what it did.
pub(super) fn record(timeout: Duration, operation: impl FnOnce(*mut Call) -> Option<i32>) -> Option<Answer> {
    let mut recorder =
        Recorder { deadline: Instant::now() + timeout, replies: Vec::new(), error: None, ttl: None };
    let call = (&raw mut recorder).cast::<Call>();
    let code = operation(call)?;
    let reply = match recorder.replies.as_slice() {
        [one] => serde_json::from_str(one).ok(),
        _ => None,
    };
    Some(Answer { code, reply, error: recorder.error, ttl: recorder.ttl })
}

/// What an instance has logged.
pub(super) struct LogBook {
    level: AtomicI32,
    lines: Mutex<Vec<(i32, String, String)>>,
}

impl Default for LogBook {
    fn default() -> Self {
        Self { level: AtomicI32::new(level::TRACE), lines: Mutex::default() }
    }
}

impl LogBook {
    pub(super) fn as_abi(&'static self) -> *mut Logger {
        std::ptr::from_ref(self).cast_mut().cast()
    }

    pub(super) fn lines(&self) -> Vec<(i32, String, String)> {
        self.lines.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    pub(super) fn set_level(&self, level: i32) {
        self.level.store(level, Ordering::Relaxed);
    }

    /// Higher numbers matter less; those that do not exist count as errors.
    fn takes(&self, level: i32) -> bool {
        !(level::ERROR..=level::TRACE).contains(&level) || level <= self.level.load(Ordering::Relaxed)
    }
}

pub(super) fn table() -> *const Host {
    static HOST: Host = Host {
        struct_size: size_of_struct::<Host>(),
        abi_major: MAJOR,
        abi_minor: MINOR,
        log: Some(log),
        log_enabled: Some(log_enabled),
        reply: Some(reply),
        set_error: Some(set_error),
        set_ttl: Some(set_ttl),
        remaining_ms: Some(remaining_ms),
    };
    &raw const HOST
}

#[expect(clippy::cast_possible_truncation, reason = "no struct of the ABI comes near 4 GiB")]
pub(super) const fn size_of_struct<T>() -> u32 {
    size_of::<T>() as u32
}

unsafe fn owned(text: Str) -> String {
    if text.len == 0 || text.ptr.is_null() {
        return String::new();
    }
    // SAFETY: the plugin lends `len` bytes for the length of this call.
    String::from_utf8_lossy(unsafe { slice::from_raw_parts(text.ptr, text.len) }).into_owned()
}

/// # Safety
/// `call` comes from [`record`] and is in progress on this thread.
unsafe fn recorder<'a>(call: *mut Call) -> &'a mut Recorder {
    // SAFETY: the caller says so.
    unsafe { &mut *call.cast() }
}

unsafe extern "C" fn log(logger: *mut Logger, level: i32, message: Str, fields: Str) {
    // SAFETY: `logger` is a `LogBook` that lives for ever; the texts are lent.
    let (book, message, fields) = unsafe { (&*logger.cast::<LogBook>(), owned(message), owned(fields)) };
    if book.takes(level) {
        book.lines.lock().unwrap_or_else(PoisonError::into_inner).push((level, message, fields));
    }
}

unsafe extern "C" fn log_enabled(logger: *mut Logger, level: i32) -> i32 {
    // SAFETY: `logger` is a `LogBook` that lives for ever.
    i32::from(unsafe { &*logger.cast::<LogBook>() }.takes(level))
}

unsafe extern "C" fn reply(call: *mut Call, json: Str) -> i32 {
    // SAFETY: the plugin passes on what it was given.
    let (recorder, json) = unsafe { (recorder(call), owned(json)) };
    recorder.replies.push(json);
    if recorder.replies.len() == 1 { code::OK } else { code::FATAL }
}

unsafe extern "C" fn set_error(call: *mut Call, message: Str) {
    // SAFETY: the plugin passes on what it was given.
    let (recorder, message) = unsafe { (recorder(call), owned(message)) };
    recorder.error = Some(message);
}

unsafe extern "C" fn set_ttl(call: *mut Call, seconds: u32) {
    // SAFETY: the plugin passes on what it was given.
    unsafe { recorder(call) }.ttl = Some(Duration::from_secs(seconds.into()));
}

unsafe extern "C" fn remaining_ms(call: *mut Call) -> i64 {
    // SAFETY: the plugin passes on what it was given.
    let left = unsafe { recorder(call) }.deadline.saturating_duration_since(Instant::now());
    i64::try_from(left.as_millis()).unwrap_or(i64::MAX)
}
