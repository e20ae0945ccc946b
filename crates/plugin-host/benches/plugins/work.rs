//! One thing that is done again and again.

use serde_json::{Map, Value};
use vestibule_domain::{ServiceName, User, UserContext};
use vestibule_plugin_host::PermissionRequest;

use crate::stage::{self, Stage};

/// A user about whom modules in Python have an answer at once.
pub(crate) const INSTANT: &str = "instant";
/// A user about whom they wait for 2 ms, as for a database.
pub(crate) const WAITS: &str = "waits";
/// A user about whom the answer takes so long that every worker gets a question, and names the worker.
pub(crate) const WARM_UP: &str = "warm-up";
/// How many calls there are at once where there are many.
pub(crate) const MANY: usize = 64;

/// One thing that is done again and again.
#[derive(Clone, Copy, PartialEq)]
pub(crate) enum Task {
    Signature,
    Ask { service: &'static str, user: &'static str },
}

impl Task {
    pub(crate) const fn ask(service: &'static str, user: &'static str) -> Self {
        Self::Ask { service, user }
    }
}

/// A task, and by how many it is done at once.
#[derive(Clone, Copy, PartialEq)]
pub(crate) struct Load {
    pub(crate) task: Task,
    pub(crate) at_once: usize,
}

impl Load {
    pub(crate) fn one(task: Task) -> Self {
        Self { task, at_once: 1 }
    }

    pub(crate) fn many(task: Task) -> Self {
        Self { task, at_once: MANY }
    }

    pub(crate) fn one_worker(user: &'static str) -> Self {
        Self { task: Task::ask("python-1", user), at_once: 1 }
    }

    pub(crate) fn eight_workers(user: &'static str) -> Self {
        Self { task: Task::ask("python-8", user), at_once: 8 }
    }
}

/// A task that is ready to be done.
pub(crate) enum Work {
    Signature(Stage),
    Ask { stage: Stage, service: ServiceName, user: Box<User>, user_context: UserContext },
}

impl Work {
    pub(crate) fn new(stage: &Stage, task: Task) -> Self {
        match task {
            Task::Signature => Self::Signature(stage.clone()),
            Task::Ask { service, user } => Self::Ask {
                stage: stage.clone(),
                service: ServiceName::parse(service).expect("the name of a service"),
                user: Box::new(stage::user(user)),
                // Nobody knows more of this user; a plugin that wants to know is told so.
                user_context: UserContext::default(),
            },
        }
    }

    /// Does it once. A signature has no answer.
    pub(crate) async fn perform(&self) -> Map<String, Value> {
        match self {
            Self::Signature(stage) => {
                stage.sign();
                Map::new()
            }
            Self::Ask { stage, service, user, user_context } => {
                let request = PermissionRequest {
                    service,
                    user,
                    provider_id: Some("github:42"),
                    session: None,
                    user_context: Some(user_context),
                    memo: None,
                };
                stage.host().permissions(&request).await.expect("an answer")
            }
        }
    }
}
