//! Reads the state of the service at the moment of a scrape.

use std::sync::Arc;
use std::time::Duration;

use tokio::runtime::Handle;
use vestibule_domain::{Clock, Timestamp};
use vestibule_http::{AccessLog, KeysReading, Metrics, PoolReading, RuntimeReading, ServiceReading};
use vestibule_storage::{PoolState, Storage};
use vestibule_tokens::{KeyInfo, KeyState, TokenService};

use crate::logging::LostLines;
use crate::telemetry::SpanCounts;

/// What a scrape reads besides the database.
pub(crate) struct Watched<'a> {
    pub(crate) tokens: &'a Arc<TokenService>,
    pub(crate) clock: &'a Arc<dyn Clock>,
    pub(crate) spans: Option<Arc<SpanCounts>>,
    pub(crate) access_log: &'a AccessLog,
}

/// Makes each scrape read the state.
pub(crate) fn watch(metrics: &Metrics, storage: &Storage, watched: Watched<'_>) {
    let Watched { tokens, clock, spans, access_log } = watched;
    let (storage, tokens, clock) = (storage.clone(), Arc::clone(tokens), Arc::clone(clock));
    let access_log = access_log.clone();
    let runtime = Handle::current();
    metrics.watch(move || ServiceReading {
        pools: storage.pools().iter().map(read_pool).collect(),
        keys: read_keys(&tokens.describe_keys(), clock.now()),
        runtime: Some(read_runtime(&runtime)),
        spans: spans.as_ref().map(|spans| spans.read()).unwrap_or_default(),
        lost_lines: LostLines::read(&access_log).to_readings(),
    });
}

fn read_pool(pool: &PoolState) -> PoolReading {
    let PoolState { name, most, open, in_use, waiting } = *pool;
    PoolReading { name, most, idle: open.saturating_sub(in_use), in_use, waiting }
}

fn read_keys(keys: &[KeyInfo], now: Timestamp) -> KeysReading {
    let count = |state: &'static str| (state, keys.iter().filter(|key| name_of(&key.state) == state).count());
    let find = |state| keys.iter().find(|key| name_of(&key.state) == state);
    // A key of the settings has no time of activation.
    let signing = find("signing").filter(|key| key.active_from > Timestamp::from_seconds(0));
    KeysReading {
        counts: ["signing", "next", "verifying", "retired"].map(count).to_vec(),
        signing_age: signing.map(|key| now.since(key.active_from)),
        next_in: find("next").map(|key| key.active_from.since(now)),
    }
}

fn name_of(state: &KeyState) -> &'static str {
    match state {
        KeyState::Signing => "signing",
        KeyState::Next => "next",
        KeyState::Verifying { .. } => "verifying",
        KeyState::Retired => "retired",
    }
}

fn read_runtime(runtime: &Handle) -> RuntimeReading {
    let metrics = runtime.metrics();
    let workers = metrics.num_workers();
    let busy = (0..workers).map(|worker| metrics.worker_total_busy_duration(worker)).sum::<Duration>();
    RuntimeReading { workers, tasks: metrics.num_alive_tasks(), queued: metrics.global_queue_depth(), busy }
}
