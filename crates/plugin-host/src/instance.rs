//! One configured instance: how it is asked, and what is noted about each call.
//!
//! A call passes the breaker, which may refuse it; the runner, which brings it to the plugin; `interpret`, which says what the
//! answer comes to; and is recorded. Before all that, a question about permissions may have an answer already, or
//! be under way for another caller: that is in `permissions`.

use std::hash::{BuildHasher as _, Hash, RandomState};
use std::sync::Arc;
use std::time::{Duration, Instant};

use serde_json::{Map, Value};
use tokio::time::timeout_at;
use tracing::Instrument as _;
use vestibule_domain::UserId;
use vestibule_plugin_abi::code;

use crate::answer::RawAnswer;
use crate::breaker::{Breaker, Ending, Transition};
use crate::cache::{PermissionCache, QuestionDigest, Verdict};
use crate::failure::{CallFailure, FailureKind, interpret};
use crate::gauges::{Inflight, PluginGauges};
use crate::job::Order;
use crate::library::PluginDescription;
use crate::observer::{CacheResult, CallObserver, Operation, Outcome};
use crate::probe::Probe;
use crate::question::Question;
use crate::runner::Runner;
use crate::single_flight::{Role, SingleFlight};
use crate::unavailability::Unavailability;
use crate::{InstanceSettings, InstanceSpec};

/// One configured instance.
pub(crate) struct Instance {
    alias: String,
    settings: InstanceSettings,
    description: PluginDescription,
    runner: Runner,
    probe: Probe,
    breaker: Breaker,
    pub(crate) cache: PermissionCache,
    pub(crate) single_flight: SingleFlight<QuestionDigest, Verdict>,
    inflight: Inflight,
    hasher: RandomState,
    pub(crate) observer: Arc<dyn CallObserver>,
}

/// One call that is to be made.
pub(crate) struct Call<'a> {
    /// Whom it is about; of a token it is who presents it. Nobody gets more than a share of the plugin, and the failures of one
    /// do not count against all.
    pub(crate) asker: &'a str,
    pub(crate) question: Question,
    pub(crate) deadline: Instant,
    /// What the plugin is to have for it: as much as is left until the deadline, unless others have taken of it.
    pub(crate) time: Duration,
    pub(crate) may_deny: bool,
}

/// What a call came to.
pub(crate) struct Answered<T> {
    pub(crate) verdict: Result<T, CallFailure>,
    /// How long the plugin lets it be used again.
    pub(crate) ttl_seconds: Option<u32>,
    outcome: Outcome,
    /// Whether the plugin had less than its time.
    hurried: bool,
    /// What the plugin says about a failure.
    said: String,
}

impl Instance {
    pub(crate) fn new(
        description: PluginDescription,
        spec: &InstanceSpec,
        runner: Runner,
        observer: Arc<dyn CallObserver>,
    ) -> Self {
        let (alias, settings) = (spec.alias.clone(), spec.settings.clone());
        Self {
            alias,
            description,
            runner,
            probe: Probe::default(),
            breaker: Breaker::default(),
            cache: PermissionCache::new(settings.max_ttl),
            single_flight: SingleFlight::new(),
            inflight: Inflight::default(),
            hasher: RandomState::new(),
            settings,
            observer,
        }
    }

    pub(crate) fn alias(&self) -> &str {
        &self.alias
    }

    pub(crate) fn settings(&self) -> &InstanceSettings {
        &self.settings
    }

    pub(crate) fn description(&self) -> &PluginDescription {
        &self.description
    }

    pub(crate) fn runner(&self) -> &Runner {
        &self.runner
    }

    /// Whether the plugin decides by more than the user.
    pub(crate) fn wants_identities(&self) -> bool {
        self.description().wants_identities
    }

    pub(crate) fn provides(&self, operation: Operation) -> bool {
        self.description().provides(operation)
    }

    /// Asks, waits until the deadline, judges the answer and reads what was replied. A failure has been logged and counted when this
    /// returns.
    pub(crate) async fn ask<T>(
        &self,
        call: Call<'_>,
        read: impl FnOnce(Option<Map<String, Value>>) -> Result<T, FailureKind>,
    ) -> Answered<T> {
        let (operation, started) = (call.question.operation(), Instant::now());
        let user = self.hasher.hash_one(call.asker);
        let answered = match self.breaker.enter(user, started) {
            Ok(pass) => {
                let answered = self.run(call, user, read).await;
                let ending = Ending::of(&answered.verdict, answered.hurried);
                let transition = pass.end(ending, Instant::now());
                self.log_failure(operation, &answered);
                self.log_transition(transition);
                answered
            }
            // Not logged: that it opened was.
            Err(rest) => self.unavailable(Unavailability::Open(rest)),
        };
        self.observer.observe(&self.alias, operation, answered.outcome, started.elapsed());
        answered
    }

    /// Brings the question to the plugin, in a span that the plugin's thread enters as well.
    async fn run<T>(
        &self,
        call: Call<'_>,
        user: u64,
        read: impl FnOnce(Option<Map<String, Value>>) -> Result<T, FailureKind>,
    ) -> Answered<T> {
        let operation = call.question.operation();
        let span = tracing::info_span!(
            "plugin_call",
            alias = self.alias,
            operation = operation.as_str(),
            outcome = tracing::field::Empty
        );
        let inside = self.inflight.enter();
        let Call { question, deadline, time, .. } = call;
        let returned =
            self.runner.ask(Order { question, user, deadline, time }).instrument(span.clone()).await;
        drop(inside);
        let answered = match returned.answer {
            Ok(answer) => self.interpret(operation, call.may_deny, answer, read),
            Err(cause) => self.unavailable(cause),
        };
        let answered = Answered { hurried: returned.hurried, ..answered };
        span.record("outcome", answered.outcome.as_str());
        answered
    }

    fn interpret<T>(
        &self,
        operation: Operation,
        may_deny: bool,
        answer: RawAnswer,
        read: impl FnOnce(Option<Map<String, Value>>) -> Result<T, FailureKind>,
    ) -> Answered<T> {
        let (ttl_seconds, said) = (answer.ttl_seconds, answer.error.clone());
        let no_opinion = answer.code == code::NO_OPINION;
        let failed = |kind| CallFailure::Failed { alias: self.alias.clone(), kind };
        let verdict = interpret(&self.alias, operation, may_deny, answer)
            .and_then(|object| read(object).map_err(failed));
        let outcome = match &verdict {
            Ok(_) if no_opinion => Outcome::NoOpinion,
            Ok(_) => Outcome::Ok,
            Err(failure) => failure.outcome(),
        };
        Answered { verdict, ttl_seconds, outcome, hurried: false, said }
    }

    /// What it comes to when there is no answer.
    fn unavailable<T>(&self, cause: Unavailability) -> Answered<T> {
        let failure = CallFailure::unavailable(&self.alias, cause);
        let outcome = failure.outcome();
        Answered { verdict: Err(failure), ttl_seconds: None, outcome, hurried: false, said: String::new() }
    }

    fn log_failure<T>(&self, operation: Operation, answered: &Answered<T>) {
        let Err(failure) = &answered.verdict else { return };
        let said = (!answered.said.is_empty()).then_some(answered.said.as_str());
        let (plugin, outcome) = (self.alias.as_str(), answered.outcome.as_str());
        // Whoever sends garbage is refused, which is nothing to warn of.
        if (operation, answered.outcome) == (Operation::ResolveToken, Outcome::Denied) {
            return tracing::debug!(
                plugin,
                operation = operation.as_str(),
                outcome,
                said,
                "a token is refused"
            );
        }
        tracing::warn!(plugin, operation = operation.as_str(), outcome, said, "{failure}");
    }

    fn log_transition(&self, transition: Option<Transition>) {
        let plugin = self.alias.as_str();
        match transition {
            Some(Transition::Opened(rest)) => {
                let seconds = rest.as_secs_f32();
                tracing::warn!(plugin, "the plugin has failed too often and is not asked for {seconds:.1} s");
            }
            Some(Transition::Closed) => tracing::info!(plugin, "the plugin is asked again"),
            None => {}
        }
    }

    /// Makes a call, or waits for the same one that is under way for another; each as long as their own time lasts.
    pub(crate) async fn share<K, T, F>(
        &self,
        operation: Operation,
        single_flight: &SingleFlight<K, Result<T, CallFailure>>,
        key: K,
        started: Instant,
        call: impl Fn() -> F,
    ) -> Result<T, CallFailure>
    where
        K: Hash + Eq + Copy + Send + 'static,
        T: Clone + Send + Sync + 'static,
        F: Future<Output = Result<T, CallFailure>> + Send + 'static,
    {
        let deadline = started + self.settings.timeout;
        loop {
            match single_flight.join(key, &call) {
                Role::Leader(call) => return call.await,
                Role::Follower(call) => match timeout_at(deadline.into(), call).await {
                    Ok(verdict) if concerns_everybody(&verdict) => {
                        self.observer.cache(&self.alias, CacheResult::Shared);
                        return verdict;
                    }
                    Ok(_) => {}
                    Err(_) => return Err(self.waited_in_vain(operation, started.elapsed())),
                },
            }
        }
    }

    /// The result of a call that waited in vain for the answer to another one.
    fn waited_in_vain(&self, operation: Operation, waited: Duration) -> CallFailure {
        let failure = CallFailure::unavailable(&self.alias, Unavailability::Timeout);
        self.observer.observe(&self.alias, operation, failure.outcome(), waited);
        failure
    }

    /// Forgets what is known about a user.
    pub(crate) fn forget(&self, user: &UserId) {
        self.cache.forget(user);
    }

    /// Forgets the answers about every user.
    pub(crate) fn forget_everybody(&self) {
        self.cache.forget_everybody();
    }

    pub(crate) fn gauges(&self) -> PluginGauges {
        PluginGauges {
            alias: self.alias.clone(),
            inflight: self.inflight.count(),
            stuck_threads: self.runner.stuck_threads(),
            breaker: self.breaker.state(),
        }
    }

    /// Whether the instance is able to work, as far as that is known without waiting.
    pub(crate) fn health(&self) -> Result<(), String> {
        let unwell =
            |reason: &'static str| Err(format!("the plugin {:?} is not able to work: {reason}", self.alias));
        if let Some(reason) = self.runner.unready_reason() {
            return unwell(reason);
        }
        if !self.provides(Operation::Health) {
            return Ok(());
        }
        self.probe.check(&self.alias, |order| self.runner.begin(order)).or_else(unwell)
    }

    pub(crate) fn close(&self) {
        self.runner.close();
    }

    pub(crate) fn wait_until_ended(&self, until: Instant) -> bool {
        self.runner.wait_until_ended(until)
    }
}

/// Whether a verdict is for all who asked. That the time of the one who came first was lost in the queue says nothing to those
/// who came later and still have some.
fn concerns_everybody<T>(verdict: &Result<T, CallFailure>) -> bool {
    !matches!(verdict, Err(CallFailure::Unavailable { cause: Unavailability::QueueTimeout, .. }))
}
