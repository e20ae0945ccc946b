//! What the operator configures; `schema.json` says the same for people and tools.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::Duration;

use serde::Deserialize;
use thiserror::Error;
use vestibule_file_permissions::{Fault, Reason, Rule};

const MOST_WORKERS: usize = 64;
const LONGEST_START: Duration = Duration::from_secs(3600);

/// The configuration as it is written.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Config {
    module: String,
    #[serde(default)]
    path: Vec<PathBuf>,
    #[serde(default = "python3")]
    python: PathBuf,
    #[serde(default = "four")]
    workers: usize,
    #[serde(default)]
    max_requests: u64,
    #[serde(default)]
    env: BTreeMap<String, String>,
    #[serde(default = "passing_exceptions")]
    retry_on: Vec<String>,
    #[serde(default)]
    cache_seconds: u64,
    #[serde(default = "twenty_seconds")]
    start_timeout: String,
}

fn python3() -> PathBuf {
    PathBuf::from("python3")
}

fn four() -> usize {
    4
}

fn passing_exceptions() -> Vec<String> {
    ["OperationalError", "TimeoutError"].map(str::to_owned).to_vec()
}

fn twenty_seconds() -> String {
    "20s".to_owned()
}

/// The configuration as it is used. It has no `Debug`: `env` may hold secrets.
pub(crate) struct Settings {
    pub(crate) module: String,
    pub(crate) path: Vec<PathBuf>,
    pub(crate) python: PathBuf,
    pub(crate) workers: usize,
    /// After how many calls a worker is replaced.
    pub(crate) max_requests: Option<u64>,
    pub(crate) env: BTreeMap<String, String>,
    pub(crate) retry_on: Vec<String>,
    pub(crate) cache: Option<Duration>,
    pub(crate) start_timeout: Duration,
}

/// What makes no sense.
#[derive(Debug, Error, PartialEq, Eq)]
pub(crate) enum Nonsense {
    #[error("`module` is a dotted name such as acme.permissions, not a file")]
    Module,
    #[error("`path` has {0:?}, which is not absolute")]
    RelativePath(PathBuf),
    #[error("`path` has {0:?}, which does not exist")]
    NoSuchPath(PathBuf),
    #[error("`python` is an absolute path or a name to be found in PATH")]
    Python,
    #[error("`workers` is from 1 to {MOST_WORKERS}")]
    Workers,
    #[error("a name in `env` is empty or has `=` in it, or a text in it has a zero byte")]
    Environment,
    #[error("{0}")]
    Untrusted(String),
    #[error("`retry_on` has an empty name")]
    RetryOn,
    #[error("`start_timeout` is a duration such as 20s, more than nothing and an hour at most")]
    StartTimeout,
}

impl TryFrom<Config> for Settings {
    type Error = Nonsense;

    fn try_from(config: Config) -> Result<Self, Nonsense> {
        check_module(&config.module)?;
        config.path.iter().try_for_each(|path| check_path(path))?;
        config.path.iter().try_for_each(|path| check_module_files(path, &config.module))?;
        check_python(&config.python)?;
        config.env.iter().try_for_each(check_variable)?;
        if !(1..=MOST_WORKERS).contains(&config.workers) {
            return Err(Nonsense::Workers);
        }
        if config.retry_on.iter().any(String::is_empty) {
            return Err(Nonsense::RetryOn);
        }
        let start_timeout = humantime::parse_duration(&config.start_timeout).ok();
        Ok(Self {
            module: config.module,
            path: config.path,
            python: config.python,
            workers: config.workers,
            max_requests: (config.max_requests > 0).then_some(config.max_requests),
            env: config.env,
            retry_on: config.retry_on,
            cache: (config.cache_seconds > 0).then(|| Duration::from_secs(config.cache_seconds)),
            start_timeout: start_timeout.filter(is_start).ok_or(Nonsense::StartTimeout)?,
        })
    }
}

fn is_start(timeout: &Duration) -> bool {
    !timeout.is_zero() && *timeout <= LONGEST_START
}

fn check_module(name: &str) -> Result<(), Nonsense> {
    let odd = |part: &str| part.is_empty() || part.contains(|c: char| c == '/' || c.is_whitespace());
    if name.split('.').any(odd) || name.rsplit('.').next() == Some("py") {
        Err(Nonsense::Module)
    } else {
        Ok(())
    }
}

fn check_path(path: &Path) -> Result<(), Nonsense> {
    if path.is_relative() {
        return Err(Nonsense::RelativePath(path.to_path_buf()));
    }
    if !path.exists() {
        return Err(Nonsense::NoSuchPath(path.to_path_buf()));
    }
    let looked_at = if path.is_dir() {
        Rule::DECIDES.check_closed_folder(path).map(drop)
    } else {
        Rule::DECIDES.open(path).map(drop)
    };
    looked_at.map_err(|fault| Nonsense::Untrusted(format!("`path`: {fault}")))
}

/// Looks at the files of the module, and of the packages that it is in, which Python would find below a folder of the path. What the
/// module imports in its turn is not known before it runs.
fn check_module_files(folder: &Path, module: &str) -> Result<(), Nonsense> {
    let untrusted = |fault: Fault| Nonsense::Untrusted(format!("`module`: {fault}"));
    let mut place = folder.to_path_buf();
    for part in module.split('.') {
        let file = place.join(format!("{part}.py"));
        if file.exists() {
            Rule::DECIDES.open(&file).map_err(untrusted)?;
        }
        place.push(part);
        if !place.is_dir() {
            break;
        }
        Rule::DECIDES.check_closed_folder(&place).map_err(untrusted)?;
        let package = place.join("__init__.py");
        if package.exists() {
            Rule::DECIDES.open(&package).map_err(untrusted)?;
        }
    }
    Ok(())
}

/// A name is looked up in `PATH`, which is the operator's; a path is looked at.
fn check_python(program: &Path) -> Result<(), Nonsense> {
    if program.components().count() == 1 && !program.is_absolute() {
        return Ok(());
    }
    if program.is_relative() {
        return Err(Nonsense::Python);
    }
    match Rule::DECIDES.find(program) {
        Ok(real) => check_interpreter(&real)
            .map_err(|reason| Nonsense::Untrusted(format!("`python`: {}: {reason}", program.display()))),
        // The worker says that there is none.
        Err(_) if !program.exists() => Ok(()),
        Err(fault) => Err(Nonsense::Untrusted(format!("`python`: {fault}"))),
    }
}

/// It need not be readable.
fn check_interpreter(real: &Path) -> Result<(), Reason> {
    let metadata = real.metadata().map_err(Reason::Unreadable)?;
    // What is no file is no program either, as the worker says.
    if metadata.is_file() { Rule::DECIDES.check(&metadata) } else { Ok(()) }
}

fn check_variable((name, value): (&String, &String)) -> Result<(), Nonsense> {
    let odd = name.is_empty() || name.contains(['=', '\0']) || value.contains('\0');
    if odd { Err(Nonsense::Environment) } else { Ok(()) }
}
