//! How often one account may ask for what costs something.
//!
//! Addresses are limited in front of the flows, where they are known; the counting is the same.

use std::hash::{BuildHasher as _, Hash, RandomState};
use std::net::IpAddr;
use std::num::NonZeroU32;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use quick_cache::sync::Cache;
use vestibule_domain::{IdentityKey, Rate, UserId};

use crate::{FlowError, Flows};

/// How many keys a limiter remembers, in at most 4 MiB. Beyond it, those that ask rarely are forgotten first.
const CAPACITY: usize = 32_768;

/// How often one account may do what costs something; `None`: as often as it likes.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct AccountRates {
    /// Sign-ins that a provider has vouched for.
    pub sign_in: Option<Rate>,
    /// Attempts to choose a username.
    pub update: Option<Rate>,
    /// Requests for permission tokens.
    pub authorize: Option<Rate>,
}

/// How often tokens of people and role accounts may be used; `None`: as often as one likes.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct TokenRates {
    /// Texts of one address that have the form of a token and are none. Tokens that are in memory count also beyond it.
    pub failure_per_address: Option<Rate>,
    /// Uses of one token.
    pub per_credential: Option<Rate>,
    /// Tokens, and grants, that one account makes.
    pub create_per_account: Option<Rate>,
    /// Refreshes of all grants of one account.
    pub refresh_per_account: Option<Rate>,
}

/// Counts by key, in memory and within bounds.
///
/// The generic cell rate algorithm: a key has one number, the moment at which it has earned back all that it
/// spent. Any number of requests at once is decided exactly, without a lock, and a refused one costs its sender nothing more.
pub struct RateLimiter {
    began: Instant,
    hasher: RandomState,
    /// By a keyed hash, so that nothing of an address or account stays in memory; nanoseconds since `began`.
    earned_back_at: Cache<u64, Arc<AtomicU64>>,
}

impl RateLimiter {
    /// An empty limiter.
    pub fn new() -> Self {
        Self { began: Instant::now(), hasher: RandomState::new(), earned_back_at: Cache::new(CAPACITY) }
    }

    /// Takes note of one request of `key`, or says how long it must wait. `key` should name what is asked for, if
    /// several things are counted apart.
    pub fn admit(&self, rate: &Rate, key: impl Hash) -> Result<(), Duration> {
        self.admit_at(rate, key, self.began.elapsed())
    }

    /// The same for a request that counts in several places: in all of them, or, where one of them refuses, in none.
    ///
    /// The narrowest comes first, so that a flood is refused there and takes nothing from the wider ones.
    pub fn admit_in_all<K: Hash>(&self, places: &[(Rate, K)]) -> Result<(), Duration> {
        self.admit_in_all_at(places, self.began.elapsed())
    }

    fn admit_in_all_at<K: Hash>(&self, places: &[(Rate, K)], now: Duration) -> Result<(), Duration> {
        for (taken, (rate, key)) in places.iter().enumerate() {
            if let Err(wait) = self.admit_at(rate, key, now) {
                places.iter().take(taken).for_each(|(rate, key)| self.give_back(rate, key));
                return Err(wait);
            }
        }
        Ok(())
    }

    /// Takes back the note of one request. What others have spent meanwhile stays spent, since all of it only adds up.
    fn give_back(&self, rate: &Rate, key: impl Hash) {
        let interval = nanoseconds(rate.interval());
        let less = |known: u64| Some(known.saturating_sub(interval));
        let outcome = self.slot(key).fetch_update(Ordering::Relaxed, Ordering::Relaxed, less);
        debug_assert!(outcome.is_ok(), "there is always less");
    }

    fn admit_at(&self, rate: &Rate, key: impl Hash, now: Duration) -> Result<(), Duration> {
        let (now, interval) = (nanoseconds(now), nanoseconds(rate.interval()));
        let at_once = interval.saturating_mul(u64::from(rate.count()) - 1);
        let decide = |earned_back_at: u64| {
            let from = earned_back_at.max(now);
            if from - now > at_once { Err(from - now - at_once) } else { Ok(from.saturating_add(interval)) }
        };
        let slot = self.slot(key);
        let outcome = slot.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |known| decide(known).ok());
        outcome.map(drop).map_err(|known| Duration::from_nanos(decide(known).err().unwrap_or(interval)))
    }

    fn slot(&self, key: impl Hash) -> Arc<AtomicU64> {
        let make = || Ok::<_, std::convert::Infallible>(Arc::default());
        self.earned_back_at
            .get_or_insert_with(&self.hasher.hash_one(key), make)
            .unwrap_or_else(|never| match never {})
    }
}

impl Default for RateLimiter {
    fn default() -> Self {
        Self::new()
    }
}

fn nanoseconds(duration: Duration) -> u64 {
    u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX)
}

/// How many lines a second there may be about sign-ins that come to nothing, for each reason. Whoever they are, they are nobody
/// yet, so nothing else bounds them all together; metrics count each.
const REFUSAL_LINES: Rate = Rate::per_second(NonZeroU32::MIN.saturating_add(99));

/// What an account's requests are counted for.
#[derive(Debug, Clone, Copy, Hash)]
enum AccountRateClass {
    SignIn,
    Update,
    Authorize,
    UnknownToken,
    Credential,
    TokenCreation,
    Refresh,
}

impl Flows {
    /// Takes note of a text whose token is about to be looked for. If there is one, [`Flows::forgive_unknown_token`] takes it back: so
    /// those that come at once are counted before any of them has its answer.
    pub(crate) fn admit_unknown_token(&self, client: Option<IpAddr>) -> Result<(), FlowError> {
        self.admit(self.settings.token_rates.failure_per_address, AccountRateClass::UnknownToken, client)
    }

    pub(crate) fn forgive_unknown_token(&self, client: Option<IpAddr>) {
        if let Some(rate) = self.settings.token_rates.failure_per_address {
            self.limiter.give_back(&rate, (AccountRateClass::UnknownToken, client));
        }
    }

    pub(crate) fn admit_credential(&self, id: &str) -> Result<(), FlowError> {
        self.admit(self.settings.token_rates.per_credential, AccountRateClass::Credential, id)
    }

    pub(crate) fn admit_token_creation(&self, user: &UserId) -> Result<(), FlowError> {
        self.admit(self.settings.token_rates.create_per_account, AccountRateClass::TokenCreation, user)
    }

    pub(crate) fn admit_refresh(&self, user: &UserId) -> Result<(), FlowError> {
        self.admit(self.settings.token_rates.refresh_per_account, AccountRateClass::Refresh, user)
    }

    /// An account that nobody may have here yet is the provider's, and is counted before anything is written.
    pub(crate) fn admit_sign_in(&self, identity: &IdentityKey) -> Result<(), FlowError> {
        self.admit(self.settings.account_rates.sign_in, AccountRateClass::SignIn, identity)
    }

    pub(crate) fn admit_update(&self, user: &UserId) -> Result<(), FlowError> {
        self.admit(self.settings.account_rates.update, AccountRateClass::Update, user)
    }

    pub(crate) fn admit_authorization(&self, user: &UserId) -> Result<(), FlowError> {
        self.admit(self.settings.account_rates.authorize, AccountRateClass::Authorize, user)
    }

    /// Whether there is room in the log for one more line about a sign-in that came to nothing for this reason.
    pub(crate) fn admits_refusal_line(&self, reason: &'static str) -> bool {
        self.limiter.admit(&REFUSAL_LINES, ("refusal", reason)).is_ok()
    }

    fn admit(
        &self,
        rate: Option<Rate>,
        class: AccountRateClass,
        account: impl Hash,
    ) -> Result<(), FlowError> {
        let Some(rate) = rate else { return Ok(()) };
        let outcome = self.limiter.admit(&rate, (class, account));
        outcome.map_err(|retry_after| FlowError::TooManyRequests { retry_after })
    }
}

#[cfg(test)]
mod tests;
