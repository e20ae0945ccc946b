//! From what is configured to instances that are able to work, or to the reason why not.

use std::collections::{BTreeSet, HashMap};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::error::{LoadError, LoadFault};
use crate::instance::Instance;
use crate::library::{CheckedFile, Library};
use crate::observer::{CallObserver, Operation};
use crate::{InstanceSpec, PluginPath};

/// What an instance is wanted for.
#[derive(Clone, Copy)]
pub(crate) enum Role {
    Permissions,
    Extension,
}

/// Loads each file once, however many instances it serves.
pub(crate) struct Loader<'a> {
    path: &'a PluginPath,
    observer: Arc<dyn CallObserver>,
    libraries: HashMap<PathBuf, Arc<Library>>,
}

impl<'a> Loader<'a> {
    pub(crate) fn new(path: &'a PluginPath, observer: Arc<dyn CallObserver>) -> Self {
        Self { path, observer, libraries: HashMap::new() }
    }

    /// Starts all instances of one role, in their order.
    pub(crate) fn start_all(
        &mut self,
        specs: impl IntoIterator<Item = InstanceSpec>,
        role: Role,
    ) -> Result<Vec<Instance>, LoadError> {
        let mut aliases = BTreeSet::new();
        let mut instances = Vec::new();
        for spec in specs {
            if !aliases.insert(spec.alias.clone()) {
                return Err(LoadError::from(LoadFault::DuplicateAlias).under_alias(&spec.alias));
            }
            let alias = spec.alias.clone();
            instances.push(self.start(spec, role).map_err(|error| error.under_alias(&alias))?);
        }
        Ok(instances)
    }

    fn start(&mut self, spec: InstanceSpec, role: Role) -> Result<Instance, LoadError> {
        spec.settings.check()?;
        let file = self.path.find(&spec.plugin)?;
        self.start_from(&file, spec, role).map_err(|fault| LoadError::from(fault).in_file(&file))
    }

    fn start_from(&mut self, file: &Path, spec: InstanceSpec, role: Role) -> Result<Instance, LoadFault> {
        let library = self.library(file, spec.settings.sha256)?;
        check_role(&library, role)?;
        Instance::start(library, spec, Arc::clone(&self.observer))
    }

    /// The pin is compared before the library is mapped, which already runs code of it.
    fn library(&mut self, path: &Path, pin: Option<[u8; 32]>) -> Result<Arc<Library>, LoadFault> {
        if let Some(library) = self.libraries.get(path) {
            check_pin(library.description().sha256, pin)?;
            return Ok(Arc::clone(library));
        }
        let file = CheckedFile::read(path)?;
        check_pin(file.sha256(), pin)?;
        let library = Arc::new(Library::open(&file)?);
        self.libraries.insert(path.to_owned(), Arc::clone(&library));
        Ok(library)
    }
}

fn check_pin(found: [u8; 32], pin: Option<[u8; 32]>) -> Result<(), LoadFault> {
    match pin {
        Some(expected) if expected != found => {
            Err(LoadFault::Pin { expected: hex::encode(expected), found: hex::encode(found) })
        }
        _ => Ok(()),
    }
}

fn check_role(library: &Library, role: Role) -> Result<(), LoadFault> {
    let provides = |operation| library.description().provides(operation);
    let hooks = [Operation::NewUser, Operation::UserLogin, Operation::UserLogout];
    match role {
        Role::Permissions if !provides(Operation::Permissions) => {
            Err(LoadFault::Provides("no permissions, so it cannot answer for a service"))
        }
        Role::Extension if !hooks.into_iter().any(provides) => {
            Err(LoadFault::Provides("no hook, so it cannot be an extension"))
        }
        _ => Ok(()),
    }
}
