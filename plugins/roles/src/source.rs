//! Where the rules come from, and how they change while the service runs.

use std::io::{self, Read};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError, RwLock};
use std::time::{Duration, Instant};

use vestibule_file_permissions::{Fault, Reason, Rule};

use crate::config::{Config, RuleSet};
use crate::policy::Policy;

/// How often a file is looked at, at most.
const PAUSE: Duration = Duration::from_secs(1);
/// More than is written by hand.
const MAX_BYTES: u64 = 1024 * 1024;

/// The rules in force, and the file that they came from, if they came from one.
pub(crate) struct Source {
    policy: RwLock<Arc<Policy>>,
    watch: Option<Watch>,
}

/// What a look at the file brought.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum News {
    /// Other rules are in force now.
    Changed(String),
    /// The file is not in order, in a way that was not known yet.
    Broken(String),
}

struct Watch {
    file: PathBuf,
    /// Held by the thread that checks the file; the others go on with the rules that are in force.
    seen: Mutex<Seen>,
    problem: Mutex<Option<String>>,
}

struct Seen {
    stamp: Option<Stamp>,
    at: Instant,
}

/// By what a changed file is known: its place on the disk, its size, its rights, and when it was written.
#[derive(Clone, Copy, PartialEq, Eq)]
struct Stamp {
    device: u64,
    inode: u64,
    size: u64,
    mode: u32,
    modified: (i64, i64),
}

impl Source {
    /// The rules of the settings, or of the file that they name, which must be in order now.
    pub(crate) fn open(config: Config, now: Instant) -> Result<Self, String> {
        let file = config.file.clone();
        let set = config.rule_set();
        let Some(file) = file else {
            let policy = Policy::new(set).map_err(|mistake| mistake.to_string())?;
            return Ok(Self { policy: RwLock::new(Arc::new(policy)), watch: None });
        };
        if !set.is_empty() {
            return Err(
                "roles, rules, default_roles and database stand in the file when there is one".to_owned()
            );
        }
        let file = std::path::absolute(&file).map_err(|error| format!("file: {error}"))?;
        let (stamp, policy) = read(&file);
        let policy = policy.map_err(|problem| format!("{}: {problem}", file.display()))?;
        let seen = Mutex::new(Seen { stamp, at: now });
        let watch = Some(Watch { file, seen, problem: Mutex::default() });
        Ok(Self { policy: RwLock::new(Arc::new(policy)), watch })
    }

    /// The rules in force.
    pub(crate) fn policy(&self) -> Arc<Policy> {
        Arc::clone(&self.policy.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// Checks the file, at most once a second, and takes in what has changed. Rules that are not in order leave the
    /// old ones in force.
    pub(crate) fn look(&self, now: Instant) -> Option<News> {
        let watch = self.watch.as_ref()?;
        let mut seen = watch.seen.try_lock().ok()?;
        if now.saturating_duration_since(seen.at) < PAUSE {
            return None;
        }
        seen.at = now;
        let found = stamp_of(&watch.file);
        if found.is_some() && found == seen.stamp {
            return None;
        }
        let (stamp, policy) = read(&watch.file);
        seen.stamp = stamp;
        let name = watch.file.display();
        match policy {
            Ok(policy) => {
                *self.policy.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(policy);
                watch.note(None);
                Some(News::Changed(format!("{name} has changed and is in force")))
            }
            Err(problem) => {
                let problem = format!("{name}: {problem}; the rules of before stay in force");
                watch.note(Some(problem.clone())).then_some(News::Broken(problem))
            }
        }
    }

    /// Why the file as it is now is not in force, if so.
    pub(crate) fn problem(&self) -> Option<String> {
        self.watch.as_ref()?.problem.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

impl Watch {
    /// Keeps what is wrong with the file now; says whether that was not known before.
    fn note(&self, problem: Option<String>) -> bool {
        let mut noted = self.problem.lock().unwrap_or_else(PoisonError::into_inner);
        let is_new = *noted != problem;
        *noted = problem;
        is_new
    }
}

fn stamp_of(file: &Path) -> Option<Stamp> {
    std::fs::metadata(file).ok().map(|metadata| Stamp::of(&metadata))
}

impl Stamp {
    fn of(metadata: &std::fs::Metadata) -> Self {
        Self {
            device: metadata.dev(),
            inode: metadata.ino(),
            size: metadata.size(),
            mode: metadata.mode(),
            modified: (metadata.mtime(), metadata.mtime_nsec()),
        }
    }
}

/// Reads the file. Without a stamp it is read again at the next look: it was not there, or was written meanwhile.
fn read(file: &Path) -> (Option<Stamp>, Result<Policy, String>) {
    match read_text(file) {
        Ok((stamp, text)) => (Some(stamp), text.and_then(|text| policy_of(&text))),
        Err(error) => (None, Err(format!("cannot be read: {error}"))),
    }
}

/// The text, or what keeps it from being one; an error when there is nothing to remember the file by.
fn read_text(path: &Path) -> io::Result<(Stamp, Result<String, String>)> {
    // Opening a pipe would wait for a writer.
    let found = std::fs::metadata(path)?;
    if !found.is_file() {
        return Ok((Stamp::of(&found), Err("is not a regular file".to_owned())));
    }
    let mut file = match Rule::DECIDES.open(path).map_err(Fault::into_reason) {
        Ok(file) => file,
        Err(Reason::Unreadable(error)) => return Err(error),
        Err(reason @ Reason::WritableByOthers(_)) => return Ok((Stamp::of(&found), Err(reason.to_string()))),
        // The file is the same when this has been mended.
        Err(reason) => return Err(io::Error::other(reason.to_string())),
    };
    let stamp = Stamp::of(&file.metadata()?);
    let mut bytes = Vec::new();
    file.by_ref().take(MAX_BYTES + 1).read_to_end(&mut bytes)?;
    if Stamp::of(&file.metadata()?) != stamp {
        return Err(io::Error::other("it is being written"));
    }
    if bytes.len() as u64 > MAX_BYTES {
        return Ok((stamp, Err("is larger than 1 MiB".to_owned())));
    }
    Ok((stamp, String::from_utf8(bytes).map_err(|_| "is not UTF-8".to_owned())))
}

fn policy_of(text: &str) -> Result<Policy, String> {
    let set = RuleSet::parse(text)?;
    // A file that is just being written begins empty, and an empty one would let the usual roles in.
    if set.is_empty() {
        return Err("is empty".to_owned());
    }
    Policy::new(set).map_err(|mistake| mistake.to_string())
}

#[cfg(test)]
mod tests;
