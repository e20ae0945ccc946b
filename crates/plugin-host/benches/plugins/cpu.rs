//! How much time of processors this program has taken, together with the processes of its plugins.
#![allow(unsafe_code, reason = "the C library alone has the clock of another process")]

use std::fs;
use std::time::Duration;

/// This program and its children at one moment.
pub(crate) struct Family {
    members: Vec<libc::pid_t>,
}

impl Family {
    /// Whoever is there now.
    pub(crate) fn find() -> Self {
        let parent = std::process::id().to_string();
        let numbers = fs::read_dir("/proc").into_iter().flatten().flatten();
        let numbers = numbers.filter_map(|entry| entry.file_name().to_str()?.parse().ok());
        let children = numbers.filter(|number| parent_of(*number).as_deref() == Some(&parent));
        // 0 is this process itself.
        Self { members: children.chain([0]).collect() }
    }

    /// What they have taken since they started; `None` where the system does not tell.
    pub(crate) fn taken(&self) -> Option<Duration> {
        self.members.iter().map(|member| taken_by(*member)).sum()
    }
}

fn parent_of(process: libc::pid_t) -> Option<String> {
    let status = fs::read_to_string(format!("/proc/{process}/status")).ok()?;
    status.lines().find_map(|line| line.strip_prefix("PPid:")).map(|parent| parent.trim().to_owned())
}

#[cfg(target_os = "linux")]
fn taken_by(process: libc::pid_t) -> Option<Duration> {
    let mut clock = 0;
    let mut taken = libc::timespec { tv_sec: 0, tv_nsec: 0 };
    // SAFETY: both write to the place that they are given, which is of the type that they expect.
    let code = unsafe {
        match libc::clock_getcpuclockid(process, &raw mut clock) {
            0 => libc::clock_gettime(clock, &raw mut taken),
            code => code,
        }
    };
    let (seconds, nanoseconds) = (u64::try_from(taken.tv_sec).ok()?, u32::try_from(taken.tv_nsec).ok()?);
    (code == 0).then(|| Duration::new(seconds, nanoseconds))
}

#[cfg(not(target_os = "linux"))]
fn taken_by(_process: libc::pid_t) -> Option<Duration> {
    None
}
