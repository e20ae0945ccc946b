//! Restarts processes, and watches the time of calls.

use std::sync::{Arc, Weak};
use std::time::{Duration, Instant};

use tokio::time::sleep;

use super::{RunnerInner, worker};

/// How often the time of calls is checked.
const TICK: Duration = Duration::from_millis(50);
const FIRST_PAUSE: Duration = Duration::from_millis(100);
const LONGEST_PAUSE: Duration = Duration::from_secs(30);

/// Replaces a process in which a call hangs, until the runner is gone. Sleeps while there are no calls.
pub(super) async fn watch(inner: Weak<RunnerInner>) {
    loop {
        let Some(present) = inner.upgrade() else { return };
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
        let Some(present) = inner.upgrade() else { return };
        let (finished, start) = present.lock().expire(Instant::now());
        if start {
            tracing::error!(
                plugin = present.spec.alias,
                "a call hangs: the process of the plugin is replaced"
            );
            restart(&present);
        }
        worker::kill_all(&present, finished);
    }
}

/// Starts another process in place of the one that took calls.
pub(super) fn restart(inner: &Arc<RunnerInner>) {
    inner.runtime.spawn(start(Arc::downgrade(inner)));
}

/// Tries until a process has created the instance: at once, then after growing pauses while processes end without an answer.
async fn start(inner: Weak<RunnerInner>) {
    loop {
        let Some(pause) = inner.upgrade().map(|inner| pause_after(inner.lock().count_start())) else {
            return;
        };
        if !pause.is_zero() {
            match inner.upgrade() {
                Some(inner) => inner.lock().rest(),
                None => return,
            }
            sleep(pause).await;
        }
        let Some(inner) = inner.upgrade() else { return };
        if !inner.lock().begin_start() {
            return;
        }
        inner.spec.observer.restarted(&inner.spec.alias);
        let owner = Arc::clone(&inner);
        let spawned = inner.runtime.spawn_blocking(move || {
            owner.spec.spawn().and_then(|starting| worker::install(&owner, starting))
        });
        match spawned.await {
            Ok(Err(fault)) => {
                tracing::error!(
                    plugin = inner.spec.alias,
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
