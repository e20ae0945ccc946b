//! Cache of a document that a provider publishes: fetched when needed, refreshed when old.

use std::future::Future;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use vestibule_domain::{Clock, ProviderName, Timestamp};

use crate::error::{Reason, Step, StepError};

/// How long a fetched value is used before it is asked for again.
const FRESH_FOR: Duration = Duration::from_secs(60 * 60);
/// How long a failed fetch is not tried again.
const PAUSE_AFTER_FAILURE: Duration = Duration::from_secs(5);
/// How often a value may be fetched because something is missing in a fresh one.
const PAUSE_BETWEEN_RENEWALS: Duration = Duration::from_secs(30);

/// Where a cached value comes from.
#[async_trait]
pub(crate) trait Source: Send + Sync + 'static {
    /// What is fetched.
    type Value: Send + Sync + 'static;
    /// The step to which a failure belongs.
    const STEP: Step;

    fn provider(&self) -> &ProviderName;
    /// How long one fetch may take.
    fn timeout(&self) -> Duration;
    async fn fetch(&self) -> Result<Self::Value, StepError>;
}

/// A value together with which fetch it came from.
pub(crate) struct Held<T> {
    pub(crate) value: Arc<T>,
    fetched_at: Timestamp,
    generation: u64,
}

impl<T> Clone for Held<T> {
    fn clone(&self) -> Self {
        Self { value: Arc::clone(&self.value), ..*self }
    }
}

struct State<T> {
    held: Option<Held<T>>,
    failed: Option<(Timestamp, StepError)>,
    renewed_at: Option<Timestamp>,
}

/// At most one fetch is under way at a time. It runs in a task of its own, so that a person who gives up does not
/// end it for the others. A failed fetch never takes the earlier value away.
pub(crate) struct Cache<S: Source> {
    source: S,
    clock: Arc<dyn Clock>,
    single_fetch: tokio::sync::Mutex<()>,
    state: Mutex<State<S::Value>>,
}

impl<S: Source> Cache<S> {
    pub(crate) fn new(source: S, clock: Arc<dyn Clock>) -> Arc<Self> {
        let state = Mutex::new(State { held: None, failed: None, renewed_at: None });
        Arc::new(Self { source, clock, single_fetch: tokio::sync::Mutex::new(()), state })
    }

    /// The value: a fresh one if possible, an old one when the provider does not answer.
    pub(crate) async fn current(self: &Arc<Self>) -> Result<Held<S::Value>, StepError> {
        let held = self.state().held.clone();
        let Some(held) = held else {
            return in_own_task(Arc::clone(self).fetch_after(None)).await;
        };
        // If another task is fetching, use the old value rather than wait for an answer that may never come.
        if self.is_over(held.fetched_at, FRESH_FOR) && self.single_fetch.try_lock().is_ok() {
            let renewed = in_own_task(Arc::clone(self).fetch_after(Some(held.generation))).await;
            return Ok(renewed.unwrap_or(held));
        }
        Ok(held)
    }

    /// A value newer than `seen`, because something is missing in that one; `None` when there is none and it is too
    /// early to ask again.
    pub(crate) async fn newer_than(
        self: &Arc<Self>,
        seen: &Held<S::Value>,
    ) -> Result<Option<Held<S::Value>>, StepError> {
        in_own_task(Arc::clone(self).renew_after(seen.generation)).await
    }

    async fn fetch_after(self: Arc<Self>, seen: Option<u64>) -> Result<Held<S::Value>, StepError> {
        let _single_fetch = self.single_fetch.lock().await;
        if let Some(newer) = self.held_other_than(seen) {
            return Ok(newer);
        }
        self.check_pause()?;
        self.fetch().await
    }

    async fn renew_after(self: Arc<Self>, seen: u64) -> Result<Option<Held<S::Value>>, StepError> {
        let _single_fetch = self.single_fetch.lock().await;
        if let Some(newer) = self.held_other_than(Some(seen)) {
            return Ok(Some(newer));
        }
        let renewed_at = self.state().renewed_at;
        if renewed_at.is_some_and(|at| !self.is_over(at, PAUSE_BETWEEN_RENEWALS)) {
            // After a failed fetch it is unknown whether the missing thing exists.
            return self.state().failed.map_or(Ok(None), |(_, failure)| Err(failure));
        }
        self.state().renewed_at = Some(self.clock.now());
        self.fetch().await.map(Some)
    }

    /// INVARIANT: called with `single_fetch` held.
    async fn fetch(&self) -> Result<Held<S::Value>, StepError> {
        let outcome = tokio::time::timeout(self.source.timeout(), self.source.fetch())
            .await
            .unwrap_or(Err(StepError::unavailable(S::STEP, Reason::Timeout)));
        let now = self.clock.now();
        let mut state = self.state();
        match outcome {
            Ok(value) => {
                let generation = state.held.as_ref().map_or(0, |held| held.generation + 1);
                let held = Held { value: Arc::new(value), fetched_at: now, generation };
                state.held = Some(held.clone());
                state.failed = None;
                Ok(held)
            }
            Err(failure) => {
                state.failed = Some((now, failure));
                if state.held.is_some() {
                    tracing::warn!(provider = %self.source.provider(), %failure, "the refresh failed; the earlier copy stays in use");
                }
                Err(failure)
            }
        }
    }

    fn held_other_than(&self, seen: Option<u64>) -> Option<Held<S::Value>> {
        self.state().held.clone().filter(|held| Some(held.generation) != seen)
    }

    fn check_pause(&self) -> Result<(), StepError> {
        let failed = self.state().failed;
        match failed {
            Some((at, failure)) if !self.is_over(at, PAUSE_AFTER_FAILURE) => Err(failure),
            _ => Ok(()),
        }
    }

    /// A clock that was set back makes a pause end early rather than last for hours.
    fn is_over(&self, since: Timestamp, pause: Duration) -> bool {
        let now = self.clock.now();
        now < since || now.since(since) >= pause
    }

    fn state(&self) -> MutexGuard<'_, State<S::Value>> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

async fn in_own_task<T: Send + 'static>(
    work: impl Future<Output = Result<T, StepError>> + Send + 'static,
) -> Result<T, StepError> {
    let stopped = StepError::malformed(Step::Discovery, "the service is stopping");
    tokio::spawn(work).await.unwrap_or(Err(stopped))
}

#[cfg(test)]
mod tests;
