//! What a user may do, from what is known already or from the plugin.

use std::sync::Arc;
use std::time::Instant;

use serde_json::{Map, Value};

use crate::ContextMemo;
use crate::cache::{CacheQuery, Known, Verdict};
use crate::describe;
use crate::failure::{CallFailure, FailureKind};
use crate::host::PermissionRequest;
use crate::instance::{Call, Instance};
use crate::observer::{CacheResult, Operation};
use crate::question::Question;
use crate::unavailability::Unavailability;

impl Instance {
    /// What the user may do at the service. An answer that the plugin lets be used again is; whoever asks the same at one
    /// moment shares one call, each as long as their own time lasts.
    ///
    /// INVARIANT: what is shared was not begun before the user was last forgotten: the epoch is a part of the question.
    pub(crate) async fn permissions(self: &Arc<Self>, request: &PermissionRequest<'_>) -> Verdict {
        let started = Instant::now();
        let deadline = started + self.settings().timeout;
        let context_json = self.context(request)?;
        let asked = self.cache.question(&request.user.id, request.session, &context_json);
        if let Some(verdict) = self.look_up(&asked) {
            return verdict;
        }
        let call = || {
            let question = Question::Permissions {
                service: request.service.as_str().to_owned(),
                user_id: request.user.id.as_str().to_owned(),
                context_json: Arc::clone(&context_json),
            };
            Arc::clone(self).ask_and_keep(asked.clone(), question, deadline)
        };
        self.share(Operation::Permissions, &self.single_flight, asked.digest(), started, call).await
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
        let (time, may_deny) = (self.settings().timeout, self.settings().may_deny);
        let deadline = Instant::now() + time;
        let call = Call { asker: request.user.id.as_str(), question, deadline, time, may_deny };
        self.ask(call, replied).await.verdict.map(Some)
    }

    /// What the plugin is told. A plugin that decides by identities is not asked without them, which can only happen when it
    /// has just taken the place of one that does not: it would answer as if the person had none.
    fn context(&self, request: &PermissionRequest<'_>) -> Result<Arc<str>, CallFailure> {
        let wanted = self.wants_identities();
        if wanted && request.user_context.is_none() {
            return Err(CallFailure::unavailable(self.alias(), Unavailability::Retry));
        }
        let user_context = request.user_context.filter(|_| wanted);
        Ok(match (user_context, request.memo) {
            (None, Some(memo)) => memo.get_or_write(request.user, request.provider_id),
            (user_context, memo) => {
                let credential = memo.and_then(ContextMemo::credential);
                describe::permission_context(request.user, request.provider_id, user_context, credential)
                    .into()
            }
        })
    }

    fn look_up(&self, asked: &CacheQuery) -> Option<Verdict> {
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
        self: Arc<Self>,
        asked: CacheQuery,
        question: Question,
        deadline: Instant,
    ) -> Verdict {
        let (time, may_deny) = (self.settings().timeout, self.settings().may_deny);
        let call = Call { asker: asked.user().as_str(), question, deadline, time, may_deny };
        let answered = self.ask(call, replied).await;
        self.cache.keep(&asked, &answered.verdict, answered.ttl_seconds, Instant::now());
        answered.verdict
    }
}

fn replied(object: Option<Map<String, Value>>) -> Result<Map<String, Value>, FailureKind> {
    object.ok_or(FailureKind::NoReply)
}
