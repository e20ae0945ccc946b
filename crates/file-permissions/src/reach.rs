//! Whether others can get at a file at all.

use std::io;
use std::os::unix::fs::MetadataExt as _;
use std::path::Path;

const ROOT: u32 = 0;
const READ: u32 = 0o4;
const SEARCH: u32 = 0o1;

/// Whether the bits of the group or of all others grant this right.
fn lets(path: &Path, right: u32) -> io::Result<bool> {
    let metadata = path.metadata()?;
    // A group that root has chosen is one to whom root hands the file.
    let group = metadata.uid() != ROOT || crate::our_user() == ROOT;
    let bits = metadata.mode() | if group { metadata.mode() >> 3 } else { 0 };
    Ok(bits & right != 0)
}

pub(crate) fn is_readable_by_others(path: &Path) -> io::Result<bool> {
    let real = path.canonicalize()?;
    if !lets(&real, READ)? {
        return Ok(false);
    }
    for folder in real.ancestors().skip(1) {
        if !lets(folder, SEARCH)? {
            return Ok(false);
        }
    }
    Ok(true)
}
