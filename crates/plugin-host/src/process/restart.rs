//! Processes that take the place of others, and the watch over the time of calls.

use std::sync::{Arc, Weak};
use std::time::{Duration, Instant};

use tokio::time::sleep;

use super::{Shared, worker};

/// How exactly the time of calls is watched.
const TICK: Duration = Duration::from_millis(50);
const FIRST_PAUSE: Duration = Duration::from_millis(100);
const LONGEST_PAUSE: Duration = Duration::from_secs(30);

/// Looks after calls that hang for as long as the runner is there. Sleeps while there are no calls.
pub(super) async fn watch(shared: Weak<Shared>) {
    loop {
        let Some(present) = shared.upgrade() else { return };
        let idle = {
            let mut state = present.lock();
            if state.is_closed() {
                return;
            }
            state.unwatch()
        };
        if idle {
            // A weak reference while it sleeps would let the last owner go unnoticed: `close` wakes it up.
            present.busy.notified().await;
        } else {
            drop(present);
            sleep(TICK).await;
        }
        let Some(present) = shared.upgrade() else { return };
        let (finished, start) = present.lock().expire(Instant::now());
        if start {
            tracing::error!(
                plugin = present.seed.alias,
                "a call hangs: the process of the plugin is replaced"
            );
            spawn(&present);
        }
        worker::kill_all(&present, finished);
    }
}

/// Starts another process in place of one that took calls.
pub(super) fn spawn(shared: &Arc<Shared>) {
    shared.runtime.spawn(start(Arc::downgrade(shared)));
}

/// Tries until a process has made the instance: at once, and after pauses when processes end without ever having answered.
async fn start(shared: Weak<Shared>) {
    loop {
        let Some(pause) = shared.upgrade().map(|shared| pause_after(shared.lock().count_start())) else {
            return;
        };
        if !pause.is_zero() {
            match shared.upgrade() {
                Some(shared) => shared.lock().rest(),
                None => return,
            }
            sleep(pause).await;
        }
        let Some(shared) = shared.upgrade() else { return };
        if !shared.lock().begin_start() {
            return;
        }
        shared.seed.observer.restarted(&shared.seed.alias);
        let seeding = Arc::clone(&shared);
        let grown = shared.runtime.spawn_blocking(move || {
            seeding.seed.grow().and_then(|newborn| worker::install(&seeding, newborn))
        });
        match grown.await {
            Ok(Err(fault)) => {
                tracing::error!(
                    plugin = shared.seed.alias,
                    "the process of the plugin does not start: {fault}"
                );
            }
            Ok(Ok(())) | Err(_) => return,
        }
    }
}

/// Nothing after the first end, then 100 ms, and twice as much each time.
fn pause_after(starts: u32) -> Duration {
    match starts {
        0 => Duration::ZERO,
        more => FIRST_PAUSE.saturating_mul(1 << (more - 1).min(16)).min(LONGEST_PAUSE),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_pause_grows_and_has_an_end() {
        let pauses: Vec<_> = (0..5).map(|starts| pause_after(starts).as_millis()).collect();
        assert_eq!(pauses, [0, 100, 200, 400, 800]);
        assert_eq!(pause_after(u32::MAX), LONGEST_PAUSE);
    }
}
