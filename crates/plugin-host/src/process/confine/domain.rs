//! A Landlock domain (landlock(7)): a process in it can neither look into processes outside, whatever they are to each other, nor send
//! them signals, nor connect to sockets without a file that they listen on. What the process starts is in it as well.
//!
//! Linux has it since 5.13, for signals and sockets since 6.12; where it was left out, there is no domain: the other things that a child gives up
//! hold without.

use std::io;
use std::os::fd::{AsRawFd as _, FromRawFd as _, OwnedFd};
use std::ptr;

/// `struct landlock_ruleset_attr`.
#[repr(C)]
struct Ruleset {
    handled_access_fs: u64,
    handled_access_net: u64,
    scoped: u64,
}

impl Ruleset {
    const NONE: Self = Self { handled_access_fs: 0, handled_access_net: 0, scoped: 0 };
}

/// `LANDLOCK_SCOPE_ABSTRACT_UNIX_SOCKET` and `LANDLOCK_SCOPE_SIGNAL`.
const SCOPED: u64 = 0b11;
/// The version that has them.
const WITH_SCOPES: i64 = 6;
/// `LANDLOCK_ACCESS_FS_MAKE_BLOCK`, which no plugin misses: the versions before want something to forbid, and have no scopes.
const MAKE_BLOCK_DEVICE: u64 = 1 << 11;
/// What the first version knows of a ruleset.
const SIZE_OF_FIRST: usize = size_of::<u64>();
/// `LANDLOCK_CREATE_RULESET_VERSION`.
const ASK_FOR_VERSION: libc::c_uint = 1;

pub(super) fn enter() -> io::Result<()> {
    match version() {
        ..=0 => Ok(()),
        1..WITH_SCOPES => {
            enter_one(&Ruleset { handled_access_fs: MAKE_BLOCK_DEVICE, ..Ruleset::NONE }, SIZE_OF_FIRST)
        }
        _ => enter_one(&Ruleset { scoped: SCOPED, ..Ruleset::NONE }, size_of::<Ruleset>()),
    }
}

fn enter_one(ruleset: &Ruleset, size: usize) -> io::Result<()> {
    // SAFETY: the kernel reads as much as it is told there is, which is at most the whole.
    let made = unsafe { libc::syscall(libc::SYS_landlock_create_ruleset, ptr::from_ref(ruleset), size, 0) };
    let made = i32::try_from(made).ok().filter(|made| *made >= 0).ok_or_else(io::Error::last_os_error)?;
    // SAFETY: a new descriptor that nobody else has.
    let made = unsafe { OwnedFd::from_raw_fd(made) };
    // SAFETY: numbers alone.
    match unsafe { libc::syscall(libc::SYS_landlock_restrict_self, made.as_raw_fd(), 0) } {
        0 => Ok(()),
        _ => Err(io::Error::last_os_error()),
    }
}

/// Zero or less without Landlock.
fn version() -> i64 {
    // SAFETY: a question that reads nothing.
    unsafe {
        libc::syscall(libc::SYS_landlock_create_ruleset, ptr::null::<Ruleset>(), 0_usize, ASK_FOR_VERSION)
    }
}
