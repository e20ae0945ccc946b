//! What the process holds, as the kernel counts it.

use std::fs;

/// A look at the process. Each number is absent where the system does not tell.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Usage {
    pub(super) resident_bytes: Option<u64>,
    pub(super) descriptors: Option<u64>,
    pub(super) threads: Option<u64>,
    pub(super) children: Option<u64>,
}

impl Usage {
    pub(super) fn now() -> Self {
        Self {
            resident_bytes: status("VmRSS:").map(|kibibytes| kibibytes * 1024),
            descriptors: entries("/proc/self/fd"),
            threads: status("Threads:"),
            children: children(),
        }
    }
}

/// A number of `/proc/self/status`.
fn status(name: &str) -> Option<u64> {
    let text = fs::read_to_string("/proc/self/status").ok()?;
    let line = text.lines().find_map(|line| line.strip_prefix(name))?;
    line.split_whitespace().next()?.parse().ok()
}

fn entries(folder: &str) -> Option<u64> {
    Some(fs::read_dir(folder).ok()?.count() as u64)
}

/// The processes that any thread of this one has started and not yet collected.
fn children() -> Option<u64> {
    let mut count = 0;
    for thread in fs::read_dir("/proc/self/task").ok()?.flatten() {
        // A thread may end while we look.
        let text = fs::read_to_string(thread.path().join("children")).unwrap_or_default();
        count += text.split_whitespace().count() as u64;
    }
    Some(count)
}

#[cfg(test)]
#[cfg(target_os = "linux")]
mod tests {
    use super::*;

    #[test]
    fn what_the_process_takes_is_seen() {
        let before = Usage::now();
        let held: Vec<_> = (0..10).map(|_| fs::File::open("/dev/null").unwrap()).collect();
        let memory = vec![1_u8; 64 * 1024 * 1024];
        let after = Usage::now();
        assert!(after.descriptors.unwrap() >= 10 && before.threads.unwrap() >= 1);
        assert!(after.resident_bytes.unwrap() >= 64 * 1024 * 1024, "{after:?}");
        drop((held, memory));
    }
}
