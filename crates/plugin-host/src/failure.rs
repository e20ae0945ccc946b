//! Why a call has no answer, and what each code of the ABI comes to.

use std::time::Duration;

use serde_json::{Map, Value};
use thiserror::Error;
use vestibule_plugin_abi::code;

use crate::answer::RawAnswer;
use crate::bad_reply::BadReply;
use crate::identity::BadIdentity;
use crate::observer::{Operation, Outcome};
use crate::unavailability::Unavailability;

/// Why a call has no answer. Neither the texts nor the variants, but for the reason of a denial, hold anything that
/// the plugin said: that is in the log.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum CallFailure {
    /// The plugin refuses the user, which its settings allow. Holds its reason, for the operator.
    #[error("the plugin refuses the user")]
    Denied(String),
    /// It may work soon.
    #[error("the plugin {alias:?} is unavailable: {cause}")]
    Unavailable {
        /// The instance.
        alias: String,
        /// In what way.
        cause: Unavailability,
    },
    /// It will not work until it is repaired.
    #[error("the plugin {alias:?} failed: {kind}")]
    Failed {
        /// The instance.
        alias: String,
        /// In what way.
        kind: FailureKind,
    },
    /// No plugin answers for this service.
    #[error("no plugin answers for this service")]
    UnknownService,
}

/// How a plugin failed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum FailureKind {
    /// It says so.
    #[error("it reports a failure")]
    Fatal,
    /// It panicked, and caught that itself.
    #[error("it panicked")]
    Panic,
    /// It has nothing to say where an answer is needed.
    #[error("it has no opinion about the user")]
    NoOpinion,
    /// It refuses the user, which its settings do not allow.
    #[error("it refused the user, which `may_deny` does not allow")]
    MayNotDeny,
    /// It reports success and gave no answer.
    #[error("it gave no answer")]
    NoReply,
    /// Its answer breaks the rules.
    #[error("its answer is not valid: {0}")]
    BadReply(BadReply),
    /// Its answer about a token names nobody in the proper way.
    #[error("its answer is not valid: {0}")]
    BadIdentity(BadIdentity),
    /// It says that a token stands for a person of ours, which its settings do not allow.
    #[error("it named a user of the service, which `may_name_users` does not allow")]
    MayNotNameUsers,
    /// It returned a code that does not exist.
    #[error("it returned the unknown code {0}")]
    UnknownCode(i32),
}

impl CallFailure {
    /// How long a client should wait before it asks again.
    pub fn retry_after(&self) -> Duration {
        match self {
            Self::Unavailable { cause: Unavailability::Open(rest), .. } => whole_seconds(*rest),
            Self::Unavailable { cause: Unavailability::Stuck, .. }
            | Self::Denied(_)
            | Self::Failed { .. }
            | Self::UnknownService => Duration::from_secs(30),
            Self::Unavailable { .. } => Duration::from_secs(2),
        }
    }

    pub(crate) fn unavailable(alias: &str, cause: Unavailability) -> Self {
        Self::Unavailable { alias: alias.to_owned(), cause }
    }

    pub(crate) fn outcome(&self) -> Outcome {
        match self {
            Self::Denied(_) => Outcome::Denied,
            Self::UnknownService => Outcome::Failed,
            Self::Unavailable { cause, .. } => match cause {
                Unavailability::Timeout => Outcome::Timeout,
                Unavailability::QueueFull => Outcome::QueueFull,
                Unavailability::QueueTimeout => Outcome::QueueTimeout,
                Unavailability::Stuck => Outcome::Stuck,
                Unavailability::Retry => Outcome::Retry,
                Unavailability::Crashed => Outcome::Crashed,
                Unavailability::Restarting => Outcome::Restarting,
                Unavailability::Open(_) => Outcome::BreakerOpen,
                Unavailability::Closed => Outcome::Closed,
            },
            Self::Failed { kind, .. } => match kind {
                FailureKind::Fatal | FailureKind::MayNotDeny | FailureKind::MayNotNameUsers => {
                    Outcome::Failed
                }
                FailureKind::Panic => Outcome::Panic,
                FailureKind::NoOpinion => Outcome::NoOpinion,
                FailureKind::NoReply
                | FailureKind::BadReply(_)
                | FailureKind::BadIdentity(_)
                | FailureKind::UnknownCode(_) => Outcome::BadAnswer,
            },
        }
    }
}

/// At least one, and not too early.
fn whole_seconds(wait: Duration) -> Duration {
    Duration::from_secs(wait.as_secs() + 1)
}

/// Turns an answer into a value or a failure. This is the whole failure policy: an answer that is not understood is a failure.
///
/// A permission provider must answer with an object, and so must its explanation. A hook may answer nothing, which changes nothing.
/// A token handler answers with an object, or has no opinion.
pub(crate) fn interpret(
    alias: &str,
    operation: Operation,
    may_deny: bool,
    answer: RawAnswer,
) -> Result<Option<Map<String, Value>>, CallFailure> {
    let failed = |kind| Err(CallFailure::Failed { alias: alias.to_owned(), kind });
    let opinion_needed = matches!(operation, Operation::Permissions | Operation::Explain);
    let reply_needed = opinion_needed || operation == Operation::ResolveToken;
    match answer.code {
        code::OK => match RawAnswer::object(answer.reply) {
            Ok(None) if reply_needed => failed(FailureKind::NoReply),
            Ok(object) => Ok(object),
            Err(fault) => failed(FailureKind::BadReply(fault)),
        },
        code::NO_OPINION if opinion_needed => failed(FailureKind::NoOpinion),
        code::NO_OPINION => Ok(None),
        code::DENY if may_deny => Err(CallFailure::Denied(answer.error)),
        code::DENY => failed(FailureKind::MayNotDeny),
        code::RETRY => Err(CallFailure::unavailable(alias, Unavailability::Retry)),
        code::FATAL => failed(FailureKind::Fatal),
        code::PANIC => failed(FailureKind::Panic),
        unknown => failed(FailureKind::UnknownCode(unknown)),
    }
}

#[cfg(test)]
mod properties;
#[cfg(test)]
mod tests {
    use super::*;
    use crate::answer::RawReply;

    fn judged(operation: Operation, may_deny: bool, code: i32, reply: RawReply) -> Result<bool, CallFailure> {
        let answer = RawAnswer { code, reply, error: "because".to_owned(), ttl_seconds: None };
        interpret("acl", operation, may_deny, answer).map(|object| object.is_some())
    }

    fn failed(kind: FailureKind) -> Result<bool, CallFailure> {
        Err(CallFailure::Failed { alias: "acl".to_owned(), kind })
    }

    #[test]
    fn a_permission_provider_must_answer() {
        let judged = |code, reply| judged(Operation::Permissions, false, code, reply);
        assert_eq!(judged(code::OK, RawReply::One(b"{}".to_vec())), Ok(true));
        assert_eq!(judged(code::OK, RawReply::None), failed(FailureKind::NoReply));
        assert_eq!(judged(code::NO_OPINION, RawReply::None), failed(FailureKind::NoOpinion));
        assert_eq!(judged(code::NO_OPINION, RawReply::One(b"{}".to_vec())), failed(FailureKind::NoOpinion));
    }

    #[test]
    fn a_hook_may_say_nothing() {
        let judged = |code, reply| judged(Operation::UserLogin, false, code, reply);
        assert_eq!(judged(code::OK, RawReply::None), Ok(false));
        assert_eq!(judged(code::OK, RawReply::One(b"{}".to_vec())), Ok(true));
        assert_eq!(judged(code::NO_OPINION, RawReply::One(b"{}".to_vec())), Ok(false));
    }

    #[test]
    fn h11_a_token_handler_answers_or_has_no_opinion() {
        let judged = |code, reply| judged(Operation::ResolveToken, true, code, reply);
        assert_eq!(judged(code::OK, RawReply::One(b"{}".to_vec())), Ok(true));
        assert_eq!(judged(code::OK, RawReply::None), failed(FailureKind::NoReply));
        assert_eq!(judged(code::NO_OPINION, RawReply::None), Ok(false));
        assert_eq!(judged(code::NO_OPINION, RawReply::One(b"{\"uid\":\"u\"}".to_vec())), Ok(false));
    }

    #[test]
    fn a_denial_counts_only_where_it_is_allowed() {
        for operation in [Operation::Permissions, Operation::UserLogin] {
            let denied = Err(CallFailure::Denied("because".to_owned()));
            assert_eq!(judged(operation, true, code::DENY, RawReply::None), denied);
            assert_eq!(judged(operation, false, code::DENY, RawReply::None), failed(FailureKind::MayNotDeny));
        }
    }

    #[test]
    fn e7_every_other_code_fails_even_with_a_reply() {
        for operation in [Operation::Permissions, Operation::UserLogin, Operation::ResolveToken] {
            for code in [-1, 6, 99, i32::MIN, i32::MAX] {
                let reply = RawReply::One(b"{}".to_vec());
                assert_eq!(judged(operation, true, code, reply), failed(FailureKind::UnknownCode(code)));
            }
            let reply = RawReply::One(b"[]".to_vec());
            let bad = failed(FailureKind::BadReply(BadReply::NotAnObject));
            assert_eq!(judged(operation, true, code::OK, reply), bad);
            assert_eq!(judged(operation, true, code::PANIC, RawReply::None), failed(FailureKind::Panic));
        }
    }
}
