//! The way to a file, folder by folder and link by link.

use std::collections::VecDeque;
use std::ffi::OsString;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Component, Path, PathBuf};

use crate::fault::{Fault, Reason};
use crate::{Rule, is_foreign};

/// As many as the kernel follows.
const MAX_LINKS: usize = 40;

enum Step {
    Root,
    Up,
    Into(OsString),
}

/// The path without links, when all folders and links on it are as they should be.
pub(crate) fn resolve(path: &Path, rule: Rule) -> Result<PathBuf, Fault> {
    let absolute = std::path::absolute(path).map_err(|error| Reason::Unreadable(error).of(path))?;
    walk(&absolute, rule).map_err(|reason| reason.of(path))
}

fn walk(path: &Path, rule: Rule) -> Result<PathBuf, Reason> {
    let mut steps: VecDeque<Step> = steps_of(path).collect();
    let (mut real, mut links) = (PathBuf::from("/"), 0);
    while let Some(step) = steps.pop_front() {
        match step {
            Step::Root => real = PathBuf::from("/"),
            Step::Up => drop(real.pop()),
            Step::Into(name) => {
                require_folder(&real, rule)?;
                real.push(name);
                if let Some(target) = read_link(&real)? {
                    links += 1;
                    if links > MAX_LINKS {
                        return Err(Reason::TooManyLinks);
                    }
                    real.pop();
                    for step in steps_of(&target).rev() {
                        steps.push_front(step);
                    }
                }
            }
        }
    }
    Ok(real)
}

fn steps_of(path: &Path) -> impl DoubleEndedIterator<Item = Step> {
    path.components().filter_map(|component| match component {
        Component::RootDir | Component::Prefix(_) => Some(Step::Root),
        Component::CurDir => None,
        Component::ParentDir => Some(Step::Up),
        Component::Normal(name) => Some(Step::Into(name.to_owned())),
    })
}

fn require_folder(folder: &Path, rule: Rule) -> Result<(), Reason> {
    let metadata = folder.symlink_metadata().map_err(Reason::Unreadable)?;
    if metadata.is_dir() { rule.check_on_the_way(folder, &metadata) } else { Ok(()) }
}

/// Where a link leads; nothing when it is none. In a folder with the sticky bit any user can make one.
fn read_link(path: &Path) -> Result<Option<PathBuf>, Reason> {
    let metadata = path.symlink_metadata().map_err(Reason::Unreadable)?;
    if !metadata.is_symlink() {
        return Ok(None);
    }
    if is_foreign(metadata.uid()) {
        return Err(Reason::LinkForeign { link: path.to_owned(), owner: metadata.uid() });
    }
    path.read_link().map(Some).map_err(Reason::Unreadable)
}
