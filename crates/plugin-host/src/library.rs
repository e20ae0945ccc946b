//! One loaded library: from a path to a checked copy of its table.

mod description;
mod elf;
mod file;
#[cfg(any(test, fuzzing))]
pub(crate) mod fuzzing;
mod table;

use std::env::consts::DLL_PREFIX;
use std::ffi::c_int;

use libloading::os::unix;
use vestibule_plugin_abi::{self as abi, ENTRY_SYMBOL, EntryFn};

use crate::crash::{self, Site};
use crate::error::LoadFault;
pub use description::PluginDescription;
pub(crate) use file::{CheckedFile, LoadableFile};

/// A library that is mapped for as long as the process lives.
pub(crate) struct Library {
    table: abi::Plugin,
    description: PluginDescription,
}

// SAFETY: the pointers of the table lead to code and constants of a library that is never unloaded.
unsafe impl Send for Library {}
// SAFETY: as above; nothing is ever written.
unsafe impl Sync for Library {}

/// Everything resolved now, so that a missing symbol is an error here and not the end of the process later; nothing lent to
/// other libraries; never unloaded.
const FLAGS: c_int = unix::RTLD_NOW | unix::RTLD_LOCAL | libc::RTLD_NODELETE;

impl Library {
    /// Maps the library, which runs its constructors, and reads its table.
    pub(crate) fn open(file: &LoadableFile) -> Result<Self, LoadFault> {
        crash::watch();
        let name = file.path().file_stem().unwrap_or_default().to_string_lossy();
        let name = name.strip_prefix(DLL_PREFIX).unwrap_or(&name);
        let site = Site::leak(name, file.path(), &file.sha256());
        let source = crash::within(site, "load", || Self::map(file, site))?;
        crash::watch();
        // SAFETY: the table is static and constant, and the library stays mapped.
        let table = unsafe { table::copy(source) }?;
        // SAFETY: as above.
        let description = unsafe { PluginDescription::read(&table, file) }?;
        Ok(Self { table, description })
    }

    /// Maps it and asks for its table.
    fn map(file: &LoadableFile, site: &'static Site) -> Result<*const abi::Plugin, LoadFault> {
        let path = file.keep()?;
        // SAFETY: constructors of a library may do anything. The operator chose the file, and it has passed the checks.
        let library = unsafe { unix::Library::open(Some(path.as_path()), FLAGS) }.map_err(refused)?;
        // SAFETY: the symbol has this type in every plugin; the header says so.
        let entry = *unsafe { library.get::<EntryFn>(ENTRY_SYMBOL) }.map_err(|_| LoadFault::NoEntrySymbol)?;
        // OWNERSHIP: the handle is never closed: code and constants stay where they are.
        let _: *mut libc::c_void = library.into_raw();
        crash::remember_code(entry as usize, site);
        // SAFETY: the function has no side effects and no preconditions.
        Ok(unsafe { entry() })
    }

    /// What the last line of the process calls an instance of it.
    pub(crate) fn site_of(&self, alias: &str) -> &'static Site {
        Site::leak(alias, &self.description.file, &self.description.sha256)
    }

    pub(crate) fn table(&self) -> &abi::Plugin {
        &self.table
    }

    pub(crate) fn description(&self) -> &PluginDescription {
        &self.description
    }
}

fn refused(error: libloading::Error) -> LoadFault {
    match error {
        libloading::Error::DlOpen { source } => {
            LoadFault::Refused(crate::text::printable(&source.to_string()))
        }
        other => LoadFault::Refused(other.to_string()),
    }
}
