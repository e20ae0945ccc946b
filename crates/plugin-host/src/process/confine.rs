//! What the child takes from itself before a line of the plugin runs.

use std::io;

use rustix::process::{Resource, Rlimit, setrlimit};

/// How much memory of its own the process may have beside the stacks of its threads. Bounds the number of its threads as well.
const MAX_DATA_BYTES: u64 = 512 * 1024 * 1024;
/// The stack of a thread that runs calls, with room for what the allocator reserves beside it.
const BYTES_FOR_A_THREAD: u64 = 16 * 1024 * 1024;
const MAX_DESCRIPTORS: u64 = 1024;

/// Lets the process die with its parent, gives up gaining privileges, and bounds what it can take from the machine.
pub(super) fn confine(parent: u32, threads: usize) -> io::Result<()> {
    die_with(parent)?;
    let memory = MAX_DATA_BYTES + BYTES_FOR_A_THREAD * threads as u64;
    limit(Resource::Data, memory)?;
    limit(Resource::Nofile, MAX_DESCRIPTORS)?;
    // A dump would hold the configuration.
    limit(Resource::Core, 0)
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
    rustix::thread::set_no_new_privs(true)?;
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
