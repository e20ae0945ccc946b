//! How many sign-ins at one provider may be finished at once: from before the attempt is spent until the sign-in is stored.
//!
//! Each callback with a code makes the service open a connection to the provider, also if the client is gone before the answer. What
//! they cost is therefore bounded here, and not by what they themselves hold open. It also bounds how many wait for the database with
//! an attempt that is spent already: when both are overloaded, those who are refused may come again with the same callback.

use std::sync::Arc;
use std::time::Duration;

use thiserror::Error;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use vestibule_domain::{LogThrottle, ProviderName};

/// How many sign-ins at one provider may be finished at once.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ExchangeLimit(usize);

impl ExchangeLimit {
    /// With a provider that takes half a second, enough for a hundred sign-ins a second.
    pub const MOST: Self = Self(64);
    /// However few descriptors there are, so many.
    const LEAST: Self = Self(8);

    /// As many as so many descriptors are enough for.
    pub fn within(descriptors: usize) -> Self {
        let exchanges = (descriptors.saturating_sub(Self(0).descriptors())) / DESCRIPTORS_OF_A_REQUEST;
        Self(exchanges.clamp(Self::LEAST.0, Self::MOST.0))
    }

    /// How many descriptors the connections to one provider may then take: those of requests and those that are idle.
    pub fn descriptors(self) -> usize {
        DESCRIPTORS_OF_A_REQUEST * (self.0 + SHARED_FETCHES) + MAX_IDLE_HOSTS * MAX_IDLE
    }
}

/// A request has one; another may still be under way to a server for which it has meanwhile found an idle connection.
const DESCRIPTORS_OF_A_REQUEST: usize = 2;
/// Metadata and keys, each fetched once at a time.
const SHARED_FETCHES: usize = 2;
/// A provider may spread its endpoints over so many hosts.
const MAX_IDLE_HOSTS: usize = 4;
/// Idle connections to one host.
pub(crate) const MAX_IDLE: usize = 4;

/// Callbacks that wait for a place. They hold nothing but memory.
const MAX_QUEUED: usize = 256;
/// How long one waits.
const QUEUE_TIMEOUT: Duration = Duration::from_secs(2);
/// How long it is not said again that all places are taken.
const PAUSE_BETWEEN_WARNINGS: Duration = Duration::from_secs(60);

/// As many exchanges with this provider are under way as may be.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("as many sign-ins at {0} are being finished as may be at once")]
pub struct ProviderBusy(pub ProviderName);

/// The right to finish one sign-in at the provider that gave it. It ends when it is dropped.
#[derive(Debug)]
pub struct ExchangePermit(#[expect(dead_code, reason = "it is held, not read")] OwnedSemaphorePermit);

/// The exchanges with one provider.
pub(crate) struct Exchanges {
    provider: ProviderName,
    places: Arc<Semaphore>,
    waiting: Semaphore,
    warning: LogThrottle,
}

impl Exchanges {
    pub(crate) fn new(provider: &ProviderName, limit: ExchangeLimit) -> Self {
        Self {
            provider: provider.clone(),
            places: Arc::new(Semaphore::new(limit.0)),
            waiting: Semaphore::new(MAX_QUEUED),
            warning: LogThrottle::new(PAUSE_BETWEEN_WARNINGS),
        }
    }

    /// A place, after a short wait if need be, in the order in which they are asked for.
    pub(crate) async fn permit(&self) -> Result<ExchangePermit, ProviderBusy> {
        if let Ok(place) = Arc::clone(&self.places).try_acquire_owned() {
            return Ok(ExchangePermit(place));
        }
        let Ok(_waiting) = self.waiting.try_acquire() else { return Err(self.busy()) };
        let place = tokio::time::timeout(QUEUE_TIMEOUT, Arc::clone(&self.places).acquire_owned()).await;
        place.ok().and_then(Result::ok).map(ExchangePermit).ok_or_else(|| self.busy())
    }

    fn busy(&self) -> ProviderBusy {
        if let Some(suppressed) = self.warning.admit() {
            tracing::warn!(
                provider = %self.provider,
                suppressed,
                "the maximum number of sign-ins is being finished at a provider; further callbacks are answered with 503"
            );
        }
        ProviderBusy(self.provider.clone())
    }
}

#[cfg(test)]
mod tests {
    use futures_util::future::join_all;

    use super::*;

    const LIMIT: ExchangeLimit = ExchangeLimit(16);

    fn exchanges() -> Exchanges {
        Exchanges::new(&ProviderName::parse("corporate").unwrap(), LIMIT)
    }

    async fn take_all(exchanges: &Exchanges) -> Vec<ExchangePermit> {
        let all = join_all((0..LIMIT.0).map(|_| exchanges.permit())).await;
        all.into_iter().map(Result::unwrap).collect()
    }

    #[test]
    fn k2_exchanges_fit_into_the_descriptors_that_they_are_given_but_for_the_least() {
        for descriptors in 0..400 {
            let limit = ExchangeLimit::within(descriptors);
            assert!((ExchangeLimit::LEAST.0..=ExchangeLimit::MOST.0).contains(&limit.0));
            assert!(limit == ExchangeLimit::LEAST || limit.descriptors() <= descriptors, "{descriptors}");
        }
        assert_eq!(ExchangeLimit::within(usize::MAX), ExchangeLimit::MOST);
    }

    #[tokio::test(start_paused = true)]
    async fn k2_so_many_have_a_place_and_one_more_waits_for_the_next() {
        let exchanges = exchanges();
        let mut taken = take_all(&exchanges).await;
        let release = async {
            tokio::time::sleep(QUEUE_TIMEOUT / 2).await;
            drop(taken.pop());
        };
        let (waited, ()) = tokio::join!(exchanges.permit(), release);
        assert!(waited.is_ok());
    }

    #[tokio::test(start_paused = true)]
    async fn k2_whoever_waits_in_vain_and_whoever_finds_the_queue_full_is_refused() {
        let exchanges = exchanges();
        let taken = take_all(&exchanges).await;
        let begun = tokio::time::Instant::now();
        let outcomes = join_all((0..MAX_QUEUED + 50).map(|_| async {
            let refused = exchanges.permit().await.is_err();
            (refused, begun.elapsed())
        }));
        let outcomes = outcomes.await;
        assert!(outcomes.iter().all(|(refused, _)| *refused));
        assert_eq!(outcomes.iter().filter(|(_, after)| after.is_zero()).count(), 50, "without a wait");
        drop(taken);
        assert_eq!(take_all(&exchanges).await.len(), LIMIT.0, "every place is free again");
    }
}
