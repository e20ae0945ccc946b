//! From what is configured to instances that are able to work, or to the reason why not.
//!
//! A library is loaded in a process of its own first, where the instance is made with its real configuration: a library that
//! crashes or hangs is an error that names it, and not the end of a service that was well. If the instance is to have a process
//! of its own, that one is kept; else it ends its instance, and the same bytes are loaded here.

use std::collections::{BTreeSet, HashMap};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use crate::config::ResolvedConfig;
use crate::error::{LoadError, LoadFault};
use crate::instance::Instance;
use crate::library::{CheckedFile, Library, LoadableFile, PluginDescription};
use crate::observer::Operation;
use crate::plan::HostParts;
use crate::process::{OutputLog, ProcessRunner, ProcessSpec, StartingProcess};
use crate::runner::Runner;
use crate::schema;
use crate::{InstanceSettings, InstanceSpec, Isolation, PluginPath};

/// How many libraries may be mapped. None is ever unmapped, so this bounds how often code can be reloaded.
const MAX_LIBRARIES: usize = 64;

/// What an instance is wanted for.
#[derive(Clone, Copy)]
pub(crate) enum PluginKind {
    Permissions,
    Extension,
    TokenHandler,
}

/// Every library that this process has mapped, by the digest of its file. The same bytes are never mapped twice.
#[derive(Default)]
pub(crate) struct Libraries(Mutex<HashMap<[u8; 32], Arc<Library>>>);

impl Libraries {
    fn open(&self, file: &LoadableFile) -> Result<Arc<Library>, LoadFault> {
        let mut libraries = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(library) = libraries.get(&file.sha256()) {
            return Ok(Arc::clone(library));
        }
        if libraries.len() >= MAX_LIBRARIES {
            return Err(LoadFault::TooManyLibraries(MAX_LIBRARIES));
        }
        let library = Arc::new(Library::open(file)?);
        libraries.insert(file.sha256(), Arc::clone(&library));
        Ok(library)
    }
}

/// Reads each file once, however many instances it serves.
pub(crate) struct Loader<'a> {
    path: &'a PluginPath,
    parts: &'a HostParts,
    libraries: &'a Libraries,
    files: HashMap<PathBuf, Arc<LoadableFile>>,
}

impl<'a> Loader<'a> {
    pub(crate) fn new(path: &'a PluginPath, parts: &'a HostParts, libraries: &'a Libraries) -> Self {
        Self { path, parts, libraries, files: HashMap::new() }
    }

    /// Starts all instances of one kind, in their order.
    pub(crate) fn start_all<'s>(
        &mut self,
        specs: impl Iterator<Item = &'s InstanceSpec> + Clone,
        kind: PluginKind,
    ) -> Result<Vec<Instance>, LoadError> {
        require_unique_aliases(specs.clone())?;
        let start =
            |spec: &InstanceSpec| self.start(spec, kind).map_err(|error| error.under_alias(&spec.alias));
        specs.map(start).collect()
    }

    /// Goes as far as [`Loader::start_all`] without making an instance, and through all of them.
    pub(crate) fn check_all<'s>(
        &mut self,
        specs: impl Iterator<Item = &'s InstanceSpec> + Clone,
        kind: PluginKind,
    ) -> Vec<LoadError> {
        let twice = require_unique_aliases(specs.clone()).err();
        let checks = specs.filter_map(|spec| Some(self.check(spec, kind).err()?.under_alias(&spec.alias)));
        twice.into_iter().chain(checks).collect()
    }

    fn start(&mut self, spec: &InstanceSpec, kind: PluginKind) -> Result<Instance, LoadError> {
        let file = self.find(spec)?;
        let started = self.make(spec, kind, &file);
        let (description, runner) = started.map_err(|fault| LoadError::from(fault).in_file(file.path()))?;
        Ok(Instance::new(description, spec, runner, Arc::clone(&self.parts.observer)))
    }

    fn check(&mut self, spec: &InstanceSpec, kind: PluginKind) -> Result<(), LoadError> {
        let file = self.find(spec)?;
        let tried = self.try_out(spec, kind, &file, &OutputLog::new(&spec.alias));
        tried.map(drop).map_err(|fault| LoadError::from(fault).in_file(file.path()))
    }

    fn make(
        &self,
        spec: &InstanceSpec,
        kind: PluginKind,
        file: &Arc<LoadableFile>,
    ) -> Result<(PluginDescription, Runner), LoadFault> {
        let output = OutputLog::new(&spec.alias);
        let (tried, config) = self.try_out(spec, kind, file, &output)?;
        let tried = tried.create(&config)?;
        let description = tried.description().clone();
        let threads = if description.serial { 1 } else { spec.settings.concurrency };
        if spec.settings.isolation == Isolation::Process {
            let process = self.process_spec(spec, file, threads, output);
            return Ok((description, Runner::Process(ProcessRunner::start(process, tried)?)));
        }
        tried.end()?;
        let library = self.libraries.open(file)?;
        Ok((description, Runner::in_this_process(library, spec, config, threads, &self.parts.observer)?))
    }

    /// Loads the library in a process of its own, and looks whether it and its configuration are fit for what it is wanted for.
    fn try_out(
        &self,
        spec: &InstanceSpec,
        kind: PluginKind,
        file: &LoadableFile,
        output: &Arc<OutputLog>,
    ) -> Result<(StartingProcess, ResolvedConfig), LoadFault> {
        let InstanceSettings { concurrency, .. } = spec.settings;
        let sandbox = spec.settings.sandbox();
        let tried = StartingProcess::load(&self.parts.child, output, file, concurrency, sandbox)?;
        check_kind(tried.description(), kind)?;
        let config = spec.settings.config.resolve(&*self.parts.environment)?;
        schema::validate(&tried.description().config_schema, config.as_object())?;
        Ok((tried, config))
    }

    fn process_spec(
        &self,
        spec: &InstanceSpec,
        file: &Arc<LoadableFile>,
        threads: usize,
        output: Arc<OutputLog>,
    ) -> ProcessSpec {
        ProcessSpec {
            alias: spec.alias.clone(),
            output,
            program: self.parts.child.clone(),
            file: Arc::clone(file),
            config: spec.settings.config.clone(),
            environment: Arc::clone(&self.parts.environment),
            threads,
            sandbox: spec.settings.sandbox(),
            queue_limit: spec.settings.queue,
            observer: Arc::clone(&self.parts.observer),
        }
    }

    /// The file of an instance, checked.
    fn find(&mut self, spec: &InstanceSpec) -> Result<Arc<LoadableFile>, LoadError> {
        spec.settings.check()?;
        let path = self.path.find(&spec.plugin)?;
        self.read(&path, spec.settings.sha256).map_err(|fault| LoadError::from(fault).in_file(&path))
    }

    /// The pin is compared before the library is mapped anywhere, which already runs code of it.
    fn read(&mut self, path: &Path, pin: Option<[u8; 32]>) -> Result<Arc<LoadableFile>, LoadFault> {
        if let Some(file) = self.files.get(path) {
            check_pin(file.sha256(), pin)?;
            return Ok(Arc::clone(file));
        }
        let file = CheckedFile::read(path, self.path.writers())?;
        check_pin(file.sha256(), pin)?;
        let file = Arc::new(file.to_loadable()?);
        self.files.insert(path.to_owned(), Arc::clone(&file));
        Ok(file)
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

fn check_kind(description: &PluginDescription, kind: PluginKind) -> Result<(), LoadFault> {
    let hooks = [Operation::NewUser, Operation::UserLogin, Operation::UserLogout];
    match kind {
        PluginKind::Permissions if !description.provides(Operation::Permissions) => {
            Err(LoadFault::Provides("no permissions, so it cannot answer for a service"))
        }
        PluginKind::Extension if !hooks.into_iter().any(|hook| description.provides(hook)) => {
            Err(LoadFault::Provides("no hook, so it cannot be an extension"))
        }
        PluginKind::TokenHandler if !description.provides(Operation::ResolveToken) => {
            Err(LoadFault::Provides("no resolve_token, so it cannot be a token handler"))
        }
        _ => Ok(()),
    }
}
