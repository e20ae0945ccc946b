//! What was asked of the providers, for tests to look at.

use std::collections::BTreeMap;
use std::sync::Mutex;

use crate::lock::lock;
use crate::provider::{Endpoint, Provider};

/// Exchanges of a code for a token at one provider.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct TokenExchanges {
    /// Requests that reached the token endpoint, faults included.
    pub attempted: u64,
    /// Those that got a token.
    pub succeeded: u64,
}

/// All counts, since the start or the last reset.
#[derive(Debug, Default)]
pub(crate) struct Counters(Mutex<Counts>);

#[derive(Debug, Default)]
struct Counts {
    requests: BTreeMap<(Provider, Endpoint), u64>,
    codes: BTreeMap<Provider, u64>,
    tokens: BTreeMap<Provider, u64>,
    trapped: u64,
}

impl Counters {
    pub(crate) fn count_request(&self, provider: Provider, endpoint: Endpoint) {
        *lock(&self.0).requests.entry((provider, endpoint)).or_default() += 1;
    }

    pub(crate) fn count_code(&self, provider: Provider) {
        *lock(&self.0).codes.entry(provider).or_default() += 1;
    }

    pub(crate) fn count_token(&self, provider: Provider) {
        *lock(&self.0).tokens.entry(provider).or_default() += 1;
    }

    pub(crate) fn count_trapped(&self) {
        lock(&self.0).trapped += 1;
    }

    pub(crate) fn requests(&self, provider: Provider, endpoint: Endpoint) -> u64 {
        lock(&self.0).requests.get(&(provider, endpoint)).copied().unwrap_or_default()
    }

    pub(crate) fn codes(&self, provider: Provider) -> u64 {
        lock(&self.0).codes.get(&provider).copied().unwrap_or_default()
    }

    pub(crate) fn exchanges(&self, provider: Provider) -> TokenExchanges {
        let counts = lock(&self.0);
        TokenExchanges {
            attempted: counts.requests.get(&(provider, Endpoint::Token)).copied().unwrap_or_default(),
            succeeded: counts.tokens.get(&provider).copied().unwrap_or_default(),
        }
    }

    pub(crate) fn trapped(&self) -> u64 {
        lock(&self.0).trapped
    }

    pub(crate) fn reset(&self) {
        *lock(&self.0) = Counts::default();
    }
}
