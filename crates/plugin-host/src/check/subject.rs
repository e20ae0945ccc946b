//! The plugin under examination.

use std::io;
use std::sync::Arc;
use std::time::{Duration, Instant};

use serde_json::{Map, Value};
use vestibule_file_permissions::Writers;
use vestibule_plugin_abi::code;

use super::child::Progress;
use super::event::Job;
use super::mask::Mask;
use crate::answer::RawAnswer;
use crate::config::ResolvedConfig;
use crate::error::LoadFault;
use crate::failure::{CallFailure, FailureKind, interpret};
use crate::identity::TokenIdentity;
use crate::library::{CheckedFile, Library};
use crate::observer::Operation;
use crate::process::CREATE_TIMEOUT;
use crate::question::Question;
use crate::raw::{self, RawInstance};

/// The alias of most instances.
pub(super) const ALIAS: &str = "check";
/// How long an ordinary call may take: longer than the service's own default.
const CALL_TIMEOUT: Duration = Duration::from_secs(5);

/// A loaded library, the configuration that it is to work with, and whom to tell.
pub(super) struct Subject<'a> {
    pub(super) library: Arc<Library>,
    pub(super) config: &'a Map<String, Value>,
    pub(super) progress: &'a Progress,
    mask: Mask,
}

impl<'a> Subject<'a> {
    pub(super) fn open(job: &'a Job, progress: &'a Progress) -> Result<Self, LoadFault> {
        progress.doing("its library was being loaded");
        let library = Arc::new(Library::open(&CheckedFile::read(&job.file, Writers::Owner)?.to_loadable()?)?);
        Ok(Self { library, config: &job.config, progress, mask: Mask::new(&job.config) })
    }

    /// What the plugin provides, `health` included.
    pub(super) fn operations(&self) -> &[Operation] {
        &self.library.description().provides
    }

    pub(super) fn is_serial(&self) -> bool {
        self.library.description().serial
    }

    /// Makes an instance with the configuration that is to work.
    pub(super) fn create(&self) -> Result<RawInstance, LoadFault> {
        self.progress.doing("it was created with the given configuration");
        self.create_with(ALIAS, self.config)
    }

    pub(super) fn create_with(
        &self,
        alias: &str,
        config: &Map<String, Value>,
    ) -> Result<RawInstance, LoadFault> {
        let config = serde_json::to_vec(config).map_err(io::Error::from);
        let config = config.and_then(ResolvedConfig::from_json);
        let config = config.map_err(|_| LoadFault::Setting("config cannot be written as JSON"))?;
        RawInstance::create(Arc::clone(&self.library), alias, &config, Instant::now() + CREATE_TIMEOUT)
    }

    /// Ends an instance, under the eyes of the parent.
    pub(super) fn destroy(&self, instance: RawInstance) {
        self.progress.doing("it was destroyed");
        drop(instance);
    }

    /// A fault in words, without what the configuration holds.
    pub(super) fn explain(&self, fault: &LoadFault) -> String {
        self.mask.quote(&fault.to_string())
    }

    /// What the plugin says about a failure, as the end of a sentence.
    pub(super) fn said(&self, words: &str) -> String {
        if words.is_empty() { String::new() } else { format!(" (it says: {})", self.mask.quote(words)) }
    }
}

/// An ordinary call.
pub(super) fn ask(instance: &RawInstance, question: &Question) -> RawAnswer {
    instance.ask(question, Instant::now() + CALL_TIMEOUT)
}

/// What an answer comes to, by the host's own judgement.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Verdict {
    /// An object.
    Object(Map<String, Value>),
    /// Success without an object, where none is needed.
    Nothing,
    /// A failure that the plugin reports in the proper way.
    Refusal(&'static str),
    /// Something that no plugin may do.
    Bad(FailureKind),
}

pub(super) fn verdict(operation: Operation, answer: RawAnswer) -> Verdict {
    let code = answer.code;
    match interpret(ALIAS, operation, true, answer) {
        Ok(Some(object)) if operation == Operation::ResolveToken => {
            let read = TokenIdentity::read(ALIAS, true, object.clone());
            read.map_or_else(Verdict::Bad, |_| Verdict::Object(object))
        }
        Ok(Some(object)) => Verdict::Object(object),
        Ok(None) => Verdict::Nothing,
        Err(CallFailure::Failed { kind, .. }) if !is_proper(code) => Verdict::Bad(kind),
        Err(_) => Verdict::Refusal(name_of(code)),
    }
}

/// Whether a plugin may fail in this way.
fn is_proper(code: i32) -> bool {
    matches!(code, code::NO_OPINION | code::DENY | code::RETRY | code::FATAL)
}

fn name_of(code: i32) -> &'static str {
    match code {
        code::NO_OPINION => "no opinion",
        code::DENY => "deny",
        code::RETRY => "retry",
        _ => "fatal",
    }
}

/// Whether `create` has said no in the way in which it may.
pub(super) fn is_proper_refusal(fault: &LoadFault) -> bool {
    let proper = [code::RETRY, code::FATAL].map(raw::ending_of);
    matches!(fault, LoadFault::Create { ending, .. } if proper.contains(ending))
}

/// What keeps an answer from being used, as the end of "its answer to ...".
pub(super) fn advice_on(kind: FailureKind) -> &'static str {
    match kind {
        FailureKind::Panic => "A panic fails the call and leaves its locks poisoned; return an error instead",
        FailureKind::NoReply => "Call `reply` once before you return OK",
        FailureKind::BadReply(_) => "Reply with one JSON object, in UTF-8, of at most 64 KiB and 32 levels",
        FailureKind::BadIdentity(_) => {
            "Reply {\"uid\":\"...\",\"roleaccount\":true or false,...}; docs/plugins/abi.md has the members"
        }
        FailureKind::UnknownCode(_) => "Return one of the codes of the header",
        _ => "See the table of codes in docs/plugins/abi.md",
    }
}
