//! What a sign-in would like to know of a provider and can do without.
//!
//! A sign-in whose statement is validated is never undone because a further question stays without an answer. What only that answer
//! would have said is then missing: docs/faults.md says for each question what that means.

use std::time::Duration;

use tokio::time::{Instant, timeout_at};
use vestibule_domain::{LogThrottle, OnceEach, ProviderName};

use crate::error::{Reason, Step, StepError};
use crate::outbound::OutboundClient;

/// How long it is not said again that sign-ins are incomplete.
const PAUSE_BETWEEN_WARNINGS: Duration = Duration::from_secs(60);

/// The questions to one provider that may stay without an answer.
pub(crate) struct Wishes {
    provider: ProviderName,
    client: OutboundClient,
    warning: LogThrottle,
    refusals: OnceEach,
    claims_that_came: OnceEach,
    claims_that_are_missed: OnceEach,
}

impl Wishes {
    pub(crate) fn new(provider: &ProviderName, client: &OutboundClient) -> Self {
        Self {
            provider: provider.clone(),
            client: client.clone(),
            warning: LogThrottle::new(PAUSE_BETWEEN_WARNINGS),
            refusals: OnceEach::default(),
            claims_that_came: OnceEach::default(),
            claims_that_are_missed: OnceEach::default(),
        }
    }

    /// When a step that begins now has to be over, with all its wishes.
    pub(crate) fn deadline(&self) -> Instant {
        Instant::now() + 2 * self.client.shared_timeout()
    }

    /// The answer to a question, if it comes in half of the time of a step, and before the step is over. A failure is counted and
    /// logged here.
    pub(crate) async fn ask<T>(
        &self,
        step: Step,
        deadline: Instant,
        question: impl Future<Output = Result<T, StepError>>,
    ) -> Result<T, StepError> {
        let limit = deadline.min(Instant::now() + self.client.shared_timeout());
        let late = Err(StepError::unavailable(step, Reason::Timeout));
        let outcome = timeout_at(limit, question).await.unwrap_or(late);
        if let Err(failure) = &outcome {
            self.note_failure(step, *failure);
        }
        outcome
    }

    fn note_failure(&self, step: Step, failure: StepError) {
        self.client.report_incomplete(step);
        if let Some(suppressed) = self.warning.admit() {
            tracing::warn!(
                provider = %self.provider,
                %failure,
                suppressed,
                "a sign-in goes on without a part of what the provider was asked for"
            );
        }
    }

    /// Says once that the provider does not let us ask a question, which only the operator can change.
    pub(crate) fn note_refusal(&self, step: Step, remedy: &'static str) {
        self.client.report_incomplete(step);
        if self.refusals.is_first(remedy) {
            tracing::warn!(
                provider = %self.provider,
                %step,
                "the provider does not let us read a part of what it is asked for, so people sign in without it: {remedy}"
            );
        }
    }

    /// Says once of each claim that is to be kept that it has not come, unless it came for another person before.
    pub(crate) fn note_claims<'c>(&self, chosen: &'c [String], came: impl Fn(&'c String) -> bool) {
        for claim in chosen {
            if came(claim) {
                self.claims_that_came.is_first(claim);
            } else if !self.claims_that_came.has_seen(claim) && self.claims_that_are_missed.is_first(claim) {
                tracing::warn!(
                    provider = %self.provider,
                    claim,
                    "a claim that the settings keep has not come yet, neither in the ID token nor from userinfo: look at its name, \
                     the scopes, and what the provider puts into its tokens"
                );
            }
        }
    }
}
