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
        specs: Vec<InstanceSpec>,
        role: Role,
    ) -> Result<Vec<Instance>, LoadError> {
        require_unique_aliases(&specs)?;
        let start = |spec: InstanceSpec| {
            let alias = spec.alias.clone();
            self.start(spec, role).map_err(|error| error.under_alias(&alias))
        };
        specs.into_iter().map(start).collect()
    }

    /// Goes as far as [`Loader::start_all`] without making an instance.
    pub(crate) fn check_all<'s>(
        &mut self,
        specs: impl Iterator<Item = &'s InstanceSpec> + Clone,
        role: Role,
    ) -> Result<(), LoadError> {
        require_unique_aliases(specs.clone())?;
        for spec in specs {
            self.find(spec, role).map_err(|error| error.under_alias(&spec.alias))?;
        }
        Ok(())
    }

    fn start(&mut self, spec: InstanceSpec, role: Role) -> Result<Instance, LoadError> {
        let (file, library) = self.find(&spec, role)?;
        let instance = Instance::start(library, spec, Arc::clone(&self.observer));
        instance.map_err(|fault| LoadError::from(fault).in_file(&file))
    }

    /// The library of an instance, fit for what it is wanted for.
    fn find(&mut self, spec: &InstanceSpec, role: Role) -> Result<(PathBuf, Arc<Library>), LoadError> {
        spec.settings.check()?;
        let file = self.path.find(&spec.plugin)?;
        let library = self.library(&file, spec.settings.sha256);
        match library.and_then(|library| check_role(&library, role).map(|()| library)) {
            Ok(library) => Ok((file, library)),
            Err(fault) => Err(LoadError::from(fault).in_file(&file)),
        }
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

fn require_unique_aliases<'s>(specs: impl IntoIterator<Item = &'s InstanceSpec>) -> Result<(), LoadError> {
    let mut aliases = BTreeSet::new();
    match specs.into_iter().find(|spec| !aliases.insert(spec.alias.as_str())) {
        Some(spec) => Err(LoadError::from(LoadFault::DuplicateAlias).under_alias(&spec.alias)),
        None => Ok(()),
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
