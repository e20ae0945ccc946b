//! Keeps this process closed to other processes of its user, which the processes of plugins are.
//!
//! INVARIANT: code of a plugin runs, here or in a child, only after this process is no longer dumpable: a descriptor of its memory that
//! is open once is good for ever. So the program does it before anything else, and nothing starts a child before.

use std::ffi::OsString;
use std::io;

#[cfg(target_os = "linux")]
mod dumpable;
#[cfg(target_os = "linux")]
mod environment;

/// Keeps other processes of our user from looking into the memory, the environment and the open files of this one (it is not *dumpable*
/// any more, in the words of prctl(2)), and the kernel from writing a core file of it. Holds until the process executes another
/// program, or code in it takes it back.
///
/// # Errors
/// When the system does not do it.
pub fn disable_dumping() -> io::Result<()> {
    #[cfg(target_os = "linux")]
    dumpable::disable()?;
    Ok(())
}

/// Fails if other processes of this user could read this one; checked before a child is started.
pub(crate) fn require_not_dumpable() -> io::Result<()> {
    #[cfg(target_os = "linux")]
    dumpable::require_not_dumpable()?;
    Ok(())
}

/// Takes the variables out of the environment of this process, in their order, and wipes them from the place where the kernel shows
/// them to others. Those whose names are to be kept are left as well: the C library and others look them up there.
///
/// # Errors
/// When the process has other threads already, which may be reading the environment.
pub fn take_environment(is_kept: fn(&[u8]) -> bool) -> io::Result<Vec<(OsString, OsString)>> {
    #[cfg(target_os = "linux")]
    return environment::take(is_kept);
    #[cfg(not(target_os = "linux"))]
    {
        let _ = is_kept;
        Ok(std::env::vars_os().collect())
    }
}
