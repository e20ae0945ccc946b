//! `vestibule plugin inspect`.

use std::path::Path;

use vestibule_file_permissions::Writers;

use crate::error::{LoadError, LoadFault};
use crate::library::{CheckedFile, PluginDescription};
use crate::process::{ChildProgram, OutputLog, Sandbox, StartingProcess};

/// What the log calls the plugin.
const ALIAS: &str = "inspect";

/// Says what a library is, after the same checks as at a start. It is loaded in a child, whose end is waited for: its constructors run, as they do
/// whenever a library is loaded; no instance is made.
///
/// # Errors
/// When the file is refused, or the library does not come to say what it is.
pub fn inspect(file: &Path, child: &ChildProgram) -> Result<PluginDescription, LoadError> {
    let path = std::path::absolute(file).map_err(|error| LoadError::from(LoadFault::Unreadable(error)));
    let path = path.map_err(|error| error.in_file(file))?;
    describe(&path, child).map_err(|fault| LoadError::from(fault).in_file(&path))
}

fn describe(path: &Path, child: &ChildProgram) -> Result<PluginDescription, LoadFault> {
    let file = CheckedFile::read(path, Writers::Owner)?.to_loadable()?;
    let loaded = StartingProcess::load(child, &OutputLog::new(ALIAS), &file, 1, Sandbox::NoProcesses)?;
    Ok(loaded.description().clone())
}
