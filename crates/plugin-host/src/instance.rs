//! One configured instance: how it is asked, and what is noted about each call.
//!
//! A call passes the breaker, which may refuse it; the runner, which brings it to the plugin; `interpret`, which says what the
//! answer comes to; and is recorded. Before all that, a question about permissions may have an answer already, or
//! be under way for another caller: that is in `permissions`.

use std::hash::{BuildHasher as _, RandomState};
use std::sync::Arc;
use std::time::{Duration, Instant};

use serde_json::{Map, Value};
use tracing::Instrument as _;
use vestibule_domain::UserId;
use vestibule_plugin_abi::code;

use crate::answer::RawAnswer;
use crate::breaker::{Breaker, Ending, Transition};
use crate::cache::{PermissionCache, QuestionDigest, Verdict};
use crate::failure::{CallFailure, interpret};
use crate::gauges::{Inflight, PluginGauges};
use crate::job::Order;
use crate::library::PluginDescription;
use crate::observer::{CallObserver, Operation, Outcome};
use crate::probe::Probe;
use crate::question::Question;
use crate::runner::Runner;
use crate::single_flight::SingleFlight;
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
    /// Whom it is about.
    pub(crate) user: &'a UserId,
    pub(crate) question: Question,
    pub(crate) deadline: Instant,
    /// What the plugin is to have for it: as much as is left until the deadline, unless others have taken of it.
    pub(crate) time: Duration,
    pub(crate) may_deny: bool,
}

/// What a call came to.
pub(crate) struct Answered {
    pub(crate) verdict: Result<Option<Map<String, Value>>, CallFailure>,
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

    /// Asks, waits until the deadline, and judges the answer. A failure has been logged and counted when this returns.
    pub(crate) async fn ask(&self, call: Call<'_>) -> Answered {
        let (operation, started) = (call.question.operation(), Instant::now());
        let user = self.hasher.hash_one(call.user.as_str());
        let answered = match self.breaker.enter(user, started) {
            Ok(pass) => {
                let answered = self.run(call, user).await;
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
    async fn run(&self, call: Call<'_>, user: u64) -> Answered {
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
            Ok(answer) => self.interpret(operation, call.may_deny, answer),
            Err(cause) => self.unavailable(cause),
        };
        let answered = Answered { hurried: returned.hurried, ..answered };
        span.record("outcome", answered.outcome.as_str());
        answered
    }

    fn interpret(&self, operation: Operation, may_deny: bool, answer: RawAnswer) -> Answered {
        let (ttl_seconds, said) = (answer.ttl_seconds, answer.error.clone());
        let no_opinion = answer.code == code::NO_OPINION;
        let verdict = interpret(&self.alias, operation, may_deny, answer);
        let outcome = match &verdict {
            Ok(_) if no_opinion => Outcome::NoOpinion,
            Ok(_) => Outcome::Ok,
            Err(failure) => failure.outcome(),
        };
        Answered { verdict, ttl_seconds, outcome, hurried: false, said }
    }

    /// What it comes to when there is no answer.
    fn unavailable(&self, cause: Unavailability) -> Answered {
        let failure = CallFailure::unavailable(&self.alias, cause);
        let outcome = failure.outcome();
        Answered { verdict: Err(failure), ttl_seconds: None, outcome, hurried: false, said: String::new() }
    }

    fn log_failure(&self, operation: Operation, answered: &Answered) {
        let Err(failure) = &answered.verdict else { return };
        let (plugin, operation) = (self.alias.as_str(), operation.as_str());
        let said = (!answered.said.is_empty()).then_some(answered.said.as_str());
        tracing::warn!(plugin, operation, outcome = answered.outcome.as_str(), said, "{failure}");
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

    /// The result of a call that waited in vain for the answer to another one.
    pub(crate) fn waited_in_vain(&self, waited: Duration) -> CallFailure {
        let failure = CallFailure::unavailable(&self.alias, Unavailability::Timeout);
        self.observer.observe(&self.alias, Operation::Permissions, failure.outcome(), waited);
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
