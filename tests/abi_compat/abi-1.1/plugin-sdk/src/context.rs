//! The operation in progress.

use std::marker::PhantomData;
use std::time::Duration;

use serde::Serialize;
use vestibule_plugin_abi::{Call, Str, code};

use crate::raw::HostRef;
use crate::{Error, Result};

/// The operation in progress, as the host sees it. It stays on its thread.
pub struct CallCtx<'call> {
    host: HostRef,
    call: *mut Call,
    lifetime: PhantomData<&'call ()>,
}

impl CallCtx<'_> {
    /// INVARIANT: `call` is the host's for as long as the value lives.
    pub(crate) fn new(host: HostRef, call: *mut Call) -> Self {
        Self { host, call, lifetime: PhantomData }
    }

    /// Allows the host to use this answer again for a while, for the same user and service, without asking.
    /// Without it an answer is never used again. A host may ask sooner, or each time.
    ///
    /// ```
    /// # use std::time::Duration;
    /// # use vestibule_plugin_sdk::{CallCtx, Map, PermissionRequest, Result, Value};
    /// fn get_permissions(call: &CallCtx<'_>, _: &PermissionRequest<'_>) -> Result<Map<String, Value>> {
    ///     // What is taken away is gone after a minute at the latest.
    ///     call.cache_for(Duration::from_secs(60));
    ///     Ok(Map::new())
    /// }
    /// ```
    pub fn cache_for(&self, duration: Duration) {
        let seconds = u32::try_from(duration.as_secs()).unwrap_or(u32::MAX);
        if let Some(set_ttl) = self.host.set_ttl {
            // SAFETY: the call is in progress on this thread: the type is neither Send nor Sync.
            unsafe { set_ttl(self.call, seconds) }
        }
    }

    /// How long the host still waits; zero when it has given up and any answer comes too late.
    ///
    /// ```
    /// # use vestibule_plugin_sdk::{CallCtx, Error, Result};
    /// # struct Answer;
    /// # fn attempt(_limit: std::time::Duration) -> Option<Answer> { Some(Answer) }
    /// fn ask_until_it_answers(call: &CallCtx<'_>) -> Result<Answer> {
    ///     while !call.remaining().is_zero() {
    ///         if let Some(answer) = attempt(call.remaining()) {
    ///             return Ok(answer);
    ///         }
    ///     }
    ///     Err(Error::retry("the directory does not answer"))
    /// }
    /// ```
    pub fn remaining(&self) -> Duration {
        // SAFETY: as in `cache_for`.
        let left = self.host.remaining_ms.map_or(0, |remaining_ms| unsafe { remaining_ms(self.call) });
        Duration::from_millis(u64::try_from(left).unwrap_or(0))
    }

    pub(crate) fn set_error(&self, text: &str) {
        if let (Some(set_error), false) = (self.host.set_error, text.is_empty()) {
            // SAFETY: as in `cache_for`; the host copies the text.
            unsafe { set_error(self.call, Str::new(text)) }
        }
    }

    pub(crate) fn reply(&self, answer: &impl Serialize) -> Result<()> {
        let json = serde_json::to_string(answer).map_err(Error::fatal)?;
        let reply = self.host.reply.ok_or_else(|| Error::fatal("the host takes no replies"))?;
        // SAFETY: as in `cache_for`; the host copies the text.
        match unsafe { reply(self.call, Str::new(&json)) } {
            code::OK => Ok(()),
            _ => Err(Error::fatal(format!("the host refused an answer of {} bytes", json.len()))),
        }
    }
}
