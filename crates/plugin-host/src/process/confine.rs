//! What the child takes from itself before a line of the plugin runs.

#[cfg(target_os = "linux")]
mod calls;
#[cfg(target_os = "linux")]
mod domain;
#[cfg(target_os = "linux")]
mod filter;

use std::io;

use rustix::process::{Resource, Rlimit, setrlimit};
use serde::{Deserialize, Serialize};

/// How much memory of its own the process may have beside the stacks of its threads. Bounds the number of its threads as well.
const MAX_DATA_BYTES: u64 = 512 * 1024 * 1024;
/// The stack of a thread that runs calls, with room for what the allocator reserves beside it.
const BYTES_FOR_A_THREAD: u64 = 16 * 1024 * 1024;
const MAX_DESCRIPTORS: u64 = 1024;

/// What a child may do besides what it does within itself, with files and over the network.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Rights {
    /// Nothing to any other process, and there are none of its own.
    Alone,
    /// It may start processes, to which and to itself the same applies as far as the kernel can tell them from others.
    MaySpawn,
    /// All that its user may: a plugin is tried out that is to run in the service itself.
    AsTheService,
}

/// Lets the process die with its parent, gives up rights, and bounds what it can take from the machine.
pub(super) fn confine(parent: u32, threads: usize, rights: Rights) -> io::Result<()> {
    die_with(parent)?;
    let memory = MAX_DATA_BYTES + BYTES_FOR_A_THREAD * threads as u64;
    limit(Resource::Data, memory)?;
    limit(Resource::Nofile, MAX_DESCRIPTORS)?;
    // A dump would hold the configuration.
    limit(Resource::Core, 0)?;
    give_up_rights(rights)
}

/// Gives up gaining privileges, and all rights but these. INVARIANT: the process has one thread.
pub(crate) fn give_up_rights(rights: Rights) -> io::Result<()> {
    #[cfg(target_os = "linux")]
    {
        rustix::thread::set_no_new_privs(true)?;
        if rights != Rights::AsTheService {
            give_up_capabilities()?;
            domain::enter()?;
            calls::restrict(rights)?;
        }
    }
    #[cfg(not(target_os = "linux"))]
    let _ = rights;
    Ok(())
}

/// Root without capabilities may not look into a process that has concealed itself.
#[cfg(target_os = "linux")]
fn give_up_capabilities() -> io::Result<()> {
    use rustix::thread::{CapabilitySet, CapabilitySets, capabilities, set_capabilities};
    let none = CapabilitySet::empty();
    let present = capabilities(None)?;
    // Where there is nothing to give up, the call itself may be forbidden, as by systemd's `SystemCallFilter=~@privileged`.
    if present.permitted.is_empty() && present.inheritable.is_empty() {
        return Ok(());
    }
    Ok(set_capabilities(None, CapabilitySets { effective: none, permitted: none, inheritable: none })?)
}

#[cfg(target_os = "linux")]
fn die_with(parent: u32) -> io::Result<()> {
    use rustix::process::{Signal, getppid, set_parent_process_death_signal};
    set_parent_process_death_signal(Some(Signal::KILL))?;
    // The parent may have gone before the line above: then nothing will ever send the signal.
    let present = getppid().map(|pid| pid.as_raw_nonzero().get().unsigned_abs());
    if present != Some(parent) {
        return Err(io::Error::other("the service has ended"));
    }
    Ok(())
}

#[cfg(not(target_os = "linux"))]
fn die_with(_parent: u32) -> io::Result<()> {
    Ok(())
}

/// Lowers a limit for good. One that is lower already stays.
fn limit(resource: Resource, most: u64) -> io::Result<()> {
    let present = rustix::process::getrlimit(resource);
    let least = |limit: Option<u64>| Some(limit.map_or(most, |limit| limit.min(most)));
    setrlimit(resource, Rlimit { current: least(present.current), maximum: least(present.maximum) })?;
    Ok(())
}
