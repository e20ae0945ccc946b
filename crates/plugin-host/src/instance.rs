//! One configured instance: how it is asked, and what is noted about each call.

use std::sync::Arc;
use std::time::Instant;

use serde_json::{Map, Value};
use vestibule_plugin_abi::code;

use crate::answer::RawAnswer;
use crate::failure::{CallFailure, judge};
use crate::library::PluginDescription;
use crate::observer::{CallObserver, Operation, Outcome};
use crate::probe::Probe;
use crate::question::Question;
use crate::runner::Runner;
use crate::{InstanceSettings, InstanceSpec};

/// One configured instance.
pub(crate) struct Instance {
    alias: String,
    settings: InstanceSettings,
    description: PluginDescription,
    runner: Runner,
    probe: Probe,
    observer: Arc<dyn CallObserver>,
}

impl Instance {
    pub(crate) fn new(
        description: PluginDescription,
        spec: &InstanceSpec,
        runner: Runner,
        observer: Arc<dyn CallObserver>,
    ) -> Self {
        let (alias, settings) = (spec.alias.clone(), spec.settings.clone());
        Self { alias, settings, description, runner, probe: Probe::default(), observer }
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

    pub(crate) fn provides(&self, operation: Operation) -> bool {
        self.description().provides(operation)
    }

    /// Asks, waits until the deadline, and judges the answer. A failure has been logged and counted when this returns.
    pub(crate) async fn ask(
        &self,
        question: Question,
        deadline: Instant,
        may_deny: bool,
    ) -> Result<Option<Map<String, Value>>, CallFailure> {
        let (operation, started) = (question.operation(), Instant::now());
        let answer = self.runner.ask(question, deadline).await;
        let (verdict, outcome) = match answer {
            Ok(answer) => self.judge_and_log(operation, may_deny, answer),
            Err(cause) => {
                let failure = CallFailure::unavailable(&self.alias, cause);
                self.log(operation, &failure, "");
                (Err(failure.clone()), failure.outcome())
            }
        };
        self.observer.observe(&self.alias, operation, outcome, started.elapsed());
        verdict
    }

    fn judge_and_log(
        &self,
        operation: Operation,
        may_deny: bool,
        answer: RawAnswer,
    ) -> (Result<Option<Map<String, Value>>, CallFailure>, Outcome) {
        let said = answer.error.clone();
        let no_opinion = answer.code == code::NO_OPINION;
        let verdict = judge(&self.alias, operation, may_deny, answer);
        let outcome = match &verdict {
            Ok(_) if no_opinion => Outcome::NoOpinion,
            Ok(_) => Outcome::Ok,
            Err(failure) => {
                self.log(operation, failure, &said);
                failure.outcome()
            }
        };
        (verdict, outcome)
    }

    fn log(&self, operation: Operation, failure: &CallFailure, said: &str) {
        let (plugin, operation) = (self.alias.as_str(), operation.as_str());
        let said = (!said.is_empty()).then_some(said);
        tracing::warn!(plugin, operation, outcome = failure.outcome().as_str(), said, "{failure}");
    }

    /// Whether the instance is able to work, as far as that is known without waiting.
    pub(crate) fn health(&self) -> Result<(), String> {
        let unwell =
            |reason: &'static str| Err(format!("the plugin {:?} is not able to work: {reason}", self.alias));
        if let Some(reason) = self.runner.hindrance() {
            return unwell(reason);
        }
        if !self.provides(Operation::Health) {
            return Ok(());
        }
        let begin = |deadline| self.runner.begin(Question::Health, deadline);
        self.probe.check(&self.alias, begin).or_else(unwell)
    }

    pub(crate) fn close(&self) {
        self.runner.close();
    }

    pub(crate) fn wait_until_ended(&self, until: Instant) -> bool {
        self.runner.wait_until_ended(until)
    }
}
