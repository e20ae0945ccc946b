//! Reports about calls, for metrics.

use std::time::Duration;

use serde::{Deserialize, Serialize};
use vestibule_domain::PatchError;

use crate::Hook;

/// What a plugin was asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
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
    /// Whom a token stands for.
    ResolveToken,
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
            Self::ResolveToken => "resolve_token",
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
    /// The wait for a turn took the time that there was.
    QueueTimeout,
    /// Every thread of the instance hangs.
    Stuck,
    /// The process of the instance ended during the call.
    Crashed,
    /// The process of the instance ends again and again.
    Restarting,
    /// The host is closing.
    Closed,
    /// The plugin failed.
    Failed,
    /// The plugin panicked.
    Panic,
    /// The answer breaks the rules.
    BadAnswer,
    /// The plugin was not asked, because it had failed too often.
    BreakerOpen,
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
            Self::QueueTimeout => "queue_timeout",
            Self::Stuck => "stuck",
            Self::Crashed => "crashed",
            Self::Restarting => "restarting",
            Self::Closed => "closed",
            Self::Failed => "failed",
            Self::Panic => "panic",
            Self::BadAnswer => "bad_answer",
            Self::BreakerOpen => "breaker_open",
        }
    }
}

/// What the cache had for a question about permissions or a token.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum CacheResult {
    /// The answer.
    Hit,
    /// Nothing.
    Miss,
    /// An answer that was too old, or given to another question.
    Stale,
    /// Nothing, but the same call was under way.
    Shared,
}

impl CacheResult {
    /// For a label of a metric.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Hit => "hit",
            Self::Miss => "miss",
            Self::Stale => "stale",
            Self::Shared => "shared",
        }
    }
}

/// A member of a user that an extension tried to change.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum PatchField {
    /// The name.
    Name,
    /// The picture.
    AvatarUrl,
    /// What extensions keep about a user.
    Attributes,
    /// Anything else, which no extension may change.
    Other,
}

impl PatchField {
    pub(crate) fn of(error: &PatchError) -> Self {
        match error {
            PatchError::NotAllowed(_) => Self::Other,
            PatchError::WrongType(member) | PatchError::TooLarge(member) => match *member {
                "name" => Self::Name,
                "avatar_url" => Self::AvatarUrl,
                "attributes" => Self::Attributes,
                _ => Self::Other,
            },
        }
    }

    /// For a label of a metric.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Name => "name",
            Self::AvatarUrl => "avatar_url",
            Self::Attributes => "attributes",
            Self::Other => "other",
        }
    }
}

/// Hears of what happens to the instances. Called on the threads of requests and of plugins: be quick.
pub trait CallObserver: Send + Sync {
    /// A call for permissions, of a hook or about a token came to an end. `duration` includes the wait for a thread.
    fn observe(&self, alias: &str, operation: Operation, outcome: Outcome, duration: Duration);

    /// A call found a thread after this long.
    fn waited(&self, _alias: &str, _duration: Duration) {}

    /// A question about permissions or a token came, and the cache had this.
    fn cache(&self, _alias: &str, _result: CacheResult) {}

    /// A part of what an extension wanted to change was refused.
    fn patch_rejected(&self, _alias: &str, _field: PatchField) {}

    /// A plugin in a process of its own was started again.
    fn restarted(&self, _alias: &str) {}
}

/// Does not listen.
#[derive(Debug, Clone, Copy, Default)]
pub struct NoObserver;

impl CallObserver for NoObserver {
    fn observe(&self, _alias: &str, _operation: Operation, _outcome: Outcome, _duration: Duration) {}
}
