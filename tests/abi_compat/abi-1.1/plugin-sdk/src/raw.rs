//! From pointers of the host to values of Rust, and nothing more.

use std::slice;

use vestibule_plugin_abi::{Host, MAJOR, Str};

use crate::{Error, Result};

/// The host's table, known to be whole.
#[derive(Clone, Copy)]
pub(crate) struct HostRef(&'static Host);

impl HostRef {
    /// Takes a host of our major version whose table has at least the members that this SDK knows.
    ///
    /// # Safety
    /// `host` is null or points at the table of a host, which lives as long as the process.
    pub(crate) unsafe fn from_raw(host: *const Host) -> Option<Self> {
        // SAFETY: the first members are there in every version; the rest is only reached through `Some`, that is,
        // when the table is at least as long as ours.
        let (size, major) = unsafe { ((*non_null(host)?).struct_size, (*host).abi_major) };
        let whole = major == MAJOR && size as usize >= size_of::<Host>();
        // SAFETY: the table is as long as ours and is never written or freed.
        whole.then(|| Self(unsafe { &*host }))
    }
}

impl std::ops::Deref for HostRef {
    type Target = Host;

    fn deref(&self) -> &Host {
        self.0
    }
}

fn non_null<T>(pointer: *const T) -> Option<*const T> {
    (!pointer.is_null()).then_some(pointer)
}

/// The text behind a `Str`.
///
/// # Safety
/// `text` comes from the host as the argument of an operation that outlives `'a`.
pub(crate) unsafe fn text<'a>(text: Str) -> Result<&'a str> {
    if text.len == 0 {
        return Ok("");
    }
    let bytes = non_null(text.ptr).ok_or_else(|| Error::fatal("the host gave a null text"))?;
    // SAFETY: the host lends `len` bytes for the length of the operation.
    let bytes = unsafe { slice::from_raw_parts(bytes, text.len) };
    std::str::from_utf8(bytes).map_err(|_| Error::fatal("the host gave a text that is not UTF-8"))
}
