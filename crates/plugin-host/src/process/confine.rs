//! The confinement of a child, before any code of the plugin runs.

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

/// What a child may do to other processes. Files and the network are bounded by its user alone.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Sandbox {
    /// It may act on no other process and start none.
    NoProcesses,
    /// It may start processes. They and it are kept from all others, as far as the kernel can tell them apart.
    MaySpawn,
    /// Everything that its user may: the plugin is being tried out and will run in the service itself.
    Off,
}

/// Lets the process die with its parent, enters the sandbox, and bounds what it can take from the machine.
pub(super) fn confine(parent: u32, threads: usize, sandbox: Sandbox) -> io::Result<()> {
    die_with(parent)?;
    let memory = MAX_DATA_BYTES + BYTES_FOR_A_THREAD * threads as u64;
    limit(Resource::Data, memory)?;
    limit(Resource::Nofile, MAX_DESCRIPTORS)?;
    // A dump would hold the configuration.
    limit(Resource::Core, 0)?;
    enter_sandbox(sandbox)
}

/// Gives up every right that the sandbox does not have, for good. INVARIANT: the process has one thread.
pub(crate) fn enter_sandbox(sandbox: Sandbox) -> io::Result<()> {
    #[cfg(target_os = "linux")]
    {
        rustix::thread::set_no_new_privs(true)?;
        if sandbox != Sandbox::Off {
            give_up_capabilities()?;
            domain::enter()?;
            calls::restrict(sandbox)?;
        }
    }
    #[cfg(not(target_os = "linux"))]
    let _ = sandbox;
    Ok(())
}

/// Root without capabilities may not look into a process that is not dumpable.
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
