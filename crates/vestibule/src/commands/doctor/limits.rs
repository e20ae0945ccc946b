//! What the system gives a service: a user, open files, memory, disk.

use std::fs;
use std::path::{Path, PathBuf};

use rustix::fs::statvfs;
use rustix::process::geteuid;

use super::findings::{Check, Findings};
use crate::serve::Descriptors;
use crate::settings::table::MAX_CONNECTIONS;
use crate::settings::{Settings, Understood};

const MEBIBYTE: u64 = 1024 * 1024;
/// What a service takes without connections, and what a connection takes at most while it rests: docs/operations.md.
const MEMORY_OF_SERVICE: u64 = 64 * MEBIBYTE;
const MEMORY_OF_CONNECTION: u64 = 20 * 1024;
/// Less is a failure, since SQLite's log alone takes some of it.
const LEAST_DISK: u64 = 64 * MEBIBYTE;
const LITTLE_DISK: u64 = 1024 * MEBIBYTE;

pub(super) fn look(settings: Option<&Settings>, understood: &Understood) -> Findings {
    let mut findings = Findings::default();
    look_at_user(&mut findings, understood.dev);
    if let Some(settings) = settings {
        look_at_open_files(&mut findings, settings);
        look_at_memory(&mut findings, settings.max_connections);
    }
    if let Some(file) = understood.database.as_ref().and_then(|url| url.file()) {
        look_at_disk(&mut findings, file);
    }
    findings
}

/// Root may read and write what the user of the service may not.
fn look_at_user(findings: &mut Findings, dev: bool) {
    let user = geteuid();
    if user.is_root() && !dev {
        let mending = "look as the user of the service; if that is root, give it one of its own";
        findings.warning(Check::User, "root", "root may do what the user of the service may not", mending);
    } else {
        findings.ok(Check::User, user.as_raw(), "files are looked at as this user sees them");
    }
}

fn look_at_open_files(findings: &mut Findings, settings: &Settings) {
    let descriptors = Descriptors::divide(settings);
    let (all, reserved, room) = (descriptors.all(), descriptors.reserved(), descriptors.room_for_clients());
    let (setting, wanted) = (MAX_CONNECTIONS.name(), settings.max_connections);
    let mending = "raise it (LimitNOFILE of systemd, ulimits of a container)";
    if all <= reserved {
        let message = format_args!("the limit is {all}, and the service alone needs {reserved}");
        findings.failure(Check::OpenFiles, "ulimit -n", message, mending);
    } else if room < wanted {
        let message = format_args!(
            "the limit of {all} leaves room for {room} connections of clients, and {setting} is {wanted}"
        );
        findings.warning(
            Check::OpenFiles,
            "ulimit -n",
            message,
            format_args!("{mending}, or lower {setting}"),
        );
    } else {
        let message =
            format_args!("the limit of {all} leaves room for the {wanted} connections of {setting}");
        findings.ok(Check::OpenFiles, "ulimit -n", message);
    }
}

fn look_at_memory(findings: &mut Findings, connections: usize) {
    let Some((place, free)) = least_memory() else { return };
    let needed = MEMORY_OF_SERVICE + MEMORY_OF_CONNECTION * connections as u64;
    let message = format_args!(
        "{} MiB, and a service with {connections} connections takes up to {} MiB, beside its plugins",
        free / MEBIBYTE,
        needed / MEBIBYTE
    );
    if free < needed {
        let mending = format_args!("give it more, or lower {}", MAX_CONNECTIONS.name());
        findings.warning(Check::Memory, place, message, mending);
    } else {
        findings.ok(Check::Memory, place, message);
    }
}

/// The least of what the machine has available and what the control groups of this process allow, and which of them it is.
fn least_memory() -> Option<(&'static str, u64)> {
    let machine = available_memory().map(|free| ("available", free));
    let group = memory_limit().map(|limit| ("the limit of the control group", limit));
    machine.into_iter().chain(group).min_by_key(|(_, bytes)| *bytes)
}

fn available_memory() -> Option<u64> {
    let text = fs::read_to_string("/proc/meminfo").ok()?;
    let line = text.lines().find_map(|line| line.strip_prefix("MemAvailable:"))?;
    let kibibytes: u64 = line.split_whitespace().next()?.parse().ok()?;
    Some(kibibytes * 1024)
}

/// The least `memory.max` of the group of this process and of those above it (control groups version 2).
fn memory_limit() -> Option<u64> {
    let groups = fs::read_to_string("/proc/self/cgroup").ok()?;
    let group = groups.lines().find_map(|line| line.strip_prefix("0::/"))?;
    let root = Path::new("/sys/fs/cgroup");
    let limit =
        |folder: &Path| fs::read_to_string(folder.join("memory.max")).ok()?.trim().parse::<u64>().ok();
    let folder = root.join(group);
    folder.ancestors().take_while(|folder| folder.starts_with(root)).filter_map(limit).min()
}

fn look_at_disk(findings: &mut Findings, file: &Path) {
    let Some(folder) = nearest_folder(file) else { return };
    let Ok(system) = statvfs(&folder) else { return };
    let free = system.f_bavail.saturating_mul(system.f_frsize);
    let message = format_args!("{} MiB are free", free / MEBIBYTE);
    let mending = "make room: a full disk stops every sign-in";
    if free < LEAST_DISK {
        findings.failure(Check::Disk, folder.display(), message, mending);
    } else if free < LITTLE_DISK {
        findings.warning(Check::Disk, folder.display(), message, mending);
    } else {
        findings.ok(Check::Disk, folder.display(), message);
    }
}

/// The folder of a file, or the nearest above it that is there.
fn nearest_folder(file: &Path) -> Option<PathBuf> {
    let file = std::path::absolute(file).ok()?;
    file.ancestors().skip(1).find(|folder| folder.is_dir()).map(Path::to_owned)
}
