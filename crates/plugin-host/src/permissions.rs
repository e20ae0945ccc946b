//! What a user may do, from what is known already or from the plugin.

use std::time::Instant;

use serde_json::{Map, Value};
use tokio::time::timeout_at;

use crate::cache::{Asked, Known, Verdict};
use crate::describe;
use crate::failure::{CallFailure, FailureKind, Unavailability};
use crate::flights::Seat;
use crate::host::PermissionRequest;
use crate::instance::{Call, Instance};
use crate::observer::{CacheResult, Operation};
use crate::question::Question;

impl Instance {
    /// What the user may do at the service. An answer that the plugin lets be used again is; whoever asks the same at one
    /// moment shares one call, each as long as their own time lasts.
    pub(crate) async fn permissions(&self, request: &PermissionRequest<'_>) -> Verdict {
        let started = Instant::now();
        let deadline = started + self.settings().timeout;
        let context_json = self.context(request)?;
        let asked = self.cache.question(&request.user.id, request.session, &context_json);
        let question = || Question::Permissions {
            service: request.service.as_str().to_owned(),
            user_id: request.user.id.as_str().to_owned(),
            context_json: context_json.clone(),
        };
        if let Some(verdict) = self.look_up(&asked) {
            return verdict;
        }
        while self.cache.in_use() {
            match self.cache.join(&asked) {
                Seat::Leader(lead) => {
                    let verdict = self.ask_and_keep(&asked, request, question(), deadline).await;
                    if concerns_everybody(&verdict) {
                        lead.land(verdict.clone());
                    }
                    return verdict;
                }
                Seat::Follower(follow) => match timeout_at(deadline.into(), follow.wait()).await {
                    Ok(Some(verdict)) => {
                        self.observer.cache(self.alias(), CacheResult::Shared);
                        return verdict;
                    }
                    Ok(None) => {}
                    Err(_) => return Err(self.waited_in_vain(started.elapsed())),
                },
            }
        }
        self.ask_and_keep(&asked, request, question(), deadline).await
    }

    /// What the user may do at the service and why; `None` when the plugin does not explain. Always asked afresh.
    pub(crate) async fn explain(
        &self,
        request: &PermissionRequest<'_>,
    ) -> Result<Option<Map<String, Value>>, CallFailure> {
        if !self.provides(Operation::Explain) {
            return Ok(None);
        }
        let question = Question::Explain {
            service: request.service.as_str().to_owned(),
            user_id: request.user.id.as_str().to_owned(),
            context_json: self.context(request)?,
        };
        let (deadline, may_deny) = (Instant::now() + self.settings().timeout, self.settings().may_deny);
        let answered = self.ask(Call { user: &request.user.id, question, deadline, may_deny }).await;
        answered.verdict?.ok_or_else(|| self.no_reply()).map(Some)
    }

    /// What the plugin is told. A plugin that decides by identities is not asked without them, which can only happen when it
    /// has just taken the place of one that does not: it would answer as if the person had none.
    fn context(&self, request: &PermissionRequest<'_>) -> Result<String, CallFailure> {
        let wanted = self.wants_identities();
        if wanted && request.person.is_none() {
            return Err(CallFailure::unavailable(self.alias(), Unavailability::Retry));
        }
        let person = request.person.filter(|_| wanted);
        Ok(describe::permission_context(request.user, request.provider_id, person))
    }

    fn look_up(&self, asked: &Asked) -> Option<Verdict> {
        let known = self.cache.find(asked, Instant::now());
        let (result, verdict) = match known {
            Known::Fresh(verdict) => (CacheResult::Hit, Some(verdict)),
            Known::Stale => (CacheResult::Stale, None),
            Known::Nothing => (CacheResult::Miss, None),
        };
        self.observer.cache(self.alias(), result);
        verdict
    }

    async fn ask_and_keep(
        &self,
        asked: &Asked,
        request: &PermissionRequest<'_>,
        question: Question,
        deadline: Instant,
    ) -> Verdict {
        let may_deny = self.settings().may_deny;
        let answered = self.ask(Call { user: &request.user.id, question, deadline, may_deny }).await;
        let verdict = answered.verdict.and_then(|object| object.ok_or_else(|| self.no_reply()));
        self.cache.keep(asked, &verdict, answered.ttl_seconds, answered.bytes, Instant::now());
        verdict
    }

    fn no_reply(&self) -> CallFailure {
        CallFailure::Failed { alias: self.alias().to_owned(), kind: FailureKind::NoReply }
    }
}

/// Whether a verdict is the plugin's. That the caller's own time is over, or that there was no room for the call, says
/// nothing to others.
fn concerns_everybody(verdict: &Verdict) -> bool {
    match verdict {
        Ok(_) | Err(CallFailure::Denied(_) | CallFailure::Failed { .. }) => true,
        Err(CallFailure::Unavailable { cause, .. }) => {
            matches!(cause, Unavailability::Retry | Unavailability::Crashed)
        }
        Err(CallFailure::UnknownService) => false,
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn what_was_wrong_with_one_caller_is_not_told_to_the_others() {
        let unavailable = |cause| Err(CallFailure::unavailable("a", cause));
        for own in [
            Unavailability::Timeout,
            Unavailability::QueueFull,
            Unavailability::Stuck,
            Unavailability::Restarting,
            Unavailability::Closed,
            Unavailability::Open(Duration::ZERO),
        ] {
            assert!(!concerns_everybody(&unavailable(own)), "{own}");
        }
        let failed = CallFailure::Failed { alias: "a".into(), kind: FailureKind::Panic };
        let causes = [Unavailability::Retry, Unavailability::Crashed].map(unavailable);
        for verdict in causes.into_iter().chain([Err(failed), Err(CallFailure::Denied("no".into()))]) {
            assert!(concerns_everybody(&verdict), "{verdict:?}");
        }
    }
}
