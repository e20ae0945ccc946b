//! What is told to whoever counts calls.

use std::time::Duration;

use crate::Hook;

/// What a plugin was asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Operation {
    /// The permissions of a user.
    Permissions,
    /// A user was made.
    NewUser,
    /// A user signed in.
    UserLogin,
    /// A user signed out.
    UserLogout,
    /// Whether it is able to work.
    Health,
    /// The permissions of a user and the reasons.
    Explain,
}

impl Operation {
    /// The name of the operation in the ABI.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Permissions => "get_permissions",
            Self::NewUser => "on_new_user",
            Self::UserLogin => "on_user_login",
            Self::UserLogout => "on_user_logout",
            Self::Health => "health",
            Self::Explain => "explain",
        }
    }
}

impl From<Hook> for Operation {
    fn from(hook: Hook) -> Self {
        match hook {
            Hook::NewUser => Self::NewUser,
            Hook::UserLogin => Self::UserLogin,
            Hook::UserLogout => Self::UserLogout,
        }
    }
}

/// How a call ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Outcome {
    /// With an answer.
    Ok,
    /// The plugin has nothing to say.
    NoOpinion,
    /// The plugin refused the user, and may.
    Denied,
    /// The plugin asks to try later.
    Retry,
    /// It took too long.
    Timeout,
    /// Too many calls were waiting.
    QueueFull,
    /// Every thread of the instance hangs.
    Stuck,
    /// The host is closing.
    Closed,
    /// The plugin failed.
    Failed,
    /// The plugin panicked.
    Panic,
    /// The answer breaks the rules.
    BadAnswer,
}

impl Outcome {
    /// For a label of a metric.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::NoOpinion => "no_opinion",
            Self::Denied => "denied",
            Self::Retry => "retry",
            Self::Timeout => "timeout",
            Self::QueueFull => "queue_full",
            Self::Stuck => "stuck",
            Self::Closed => "closed",
            Self::Failed => "failed",
            Self::Panic => "panic",
            Self::BadAnswer => "bad_answer",
        }
    }
}

/// Hears of every call for permissions or of a hook that came to an end.
pub trait CallObserver: Send + Sync {
    /// `duration` includes the wait for a thread. Called on the threads of requests: be quick.
    fn observe(&self, alias: &str, operation: Operation, outcome: Outcome, duration: Duration);
}

/// Does not listen.
#[derive(Debug, Clone, Copy, Default)]
pub struct NoObserver;

impl CallObserver for NoObserver {
    fn observe(&self, _alias: &str, _operation: Operation, _outcome: Outcome, _duration: Duration) {}
}
