//! The signals that end the service, and the time that each leaves it.

use std::time::Duration;

use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::sync::watch;
use tokio::time::{Instant, sleep, timeout};
use vestibule_http::Shutdown;

use crate::error::CommandError;

/// Clients that send nothing for this long have noticed that readiness says no.
const QUIET: Duration = Duration::from_secs(1);
/// How long the service waits beyond the delay for clients that have not noticed. This time is taken from the grace period of the
/// last requests, so that the process ends no later.
const MAX_OVERTIME: Duration = Duration::from_secs(3);

/// How far the shutdown has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Stage {
    Running,
    /// Readiness says no; everything else goes on.
    Requested,
    /// Nothing new is accepted. The time is what the drain took beyond the delay.
    Drained(Duration),
}

/// Says when to stop. SIGTERM leaves load balancers time to read readiness and to send requests elsewhere, and a little more to
/// those that still send some. SIGINT, which a person at a terminal sends, and a second signal leave none.
pub(crate) struct ShutdownSignal(watch::Receiver<Stage>);

impl ShutdownSignal {
    /// Listens for signals from now on. Needs a runtime.
    pub(crate) fn listen(delay: Duration, stopping: Shutdown) -> Result<Self, CommandError> {
        let while_doing = CommandError::while_doing("signals");
        let terminate = signal(SignalKind::terminate());
        let interrupt = signal(SignalKind::interrupt());
        let (terminate, interrupt) = match (terminate, interrupt) {
            (Ok(terminate), Ok(interrupt)) => (terminate, interrupt),
            (Err(error), _) | (_, Err(error)) => return Err(while_doing(error)),
        };
        let (stage, told) = watch::channel(Stage::Running);
        tokio::spawn(follow_signals(terminate, interrupt, Drain { delay, stopping }, stage));
        Ok(Self(told))
    }

    /// Waits until a signal asks for the shutdown.
    pub(crate) async fn requested(&self) {
        self.reach(Stage::Requested).await;
    }

    /// Waits until the listener is to close. Returns by how much the drain exceeded the delay.
    pub(crate) async fn drained(&self) -> Duration {
        match self.reach(Stage::Drained(Duration::ZERO)).await {
            Stage::Drained(overtime) => overtime,
            Stage::Running | Stage::Requested => Duration::ZERO,
        }
    }

    async fn reach(&self, stage: Stage) -> Stage {
        let mut told = self.0.clone();
        // INVARIANT: the sender lives until the last stage.
        told.wait_for(|known| *known >= stage).await.map_or(stage, |known| *known)
    }
}

/// The wait before the listener closes.
struct Drain {
    delay: Duration,
    stopping: Shutdown,
}

impl Drain {
    /// Waits for the delay, and then for clients that still send requests: a proxy on a busy machine may look late, and a request
    /// that reaches a closing listener is lost unless it can be repeated. Returns what it took beyond the delay.
    async fn wait(self) -> Duration {
        if self.delay.is_zero() {
            return Duration::ZERO;
        }
        let end = Instant::now() + self.delay;
        let quiet = QUIET.min(self.delay);
        sleep(self.delay.saturating_sub(quiet)).await;
        drop(timeout(quiet + MAX_OVERTIME, self.wait_for_quiet(quiet)).await);
        Instant::now().saturating_duration_since(end)
    }

    /// Waits until no request has come for this long.
    async fn wait_for_quiet(&self, quiet: Duration) {
        loop {
            let before = self.stopping.late_requests();
            sleep(quiet).await;
            if self.stopping.late_requests() == before {
                return;
            }
        }
    }
}

async fn follow_signals(
    mut terminate: Signal,
    mut interrupt: Signal,
    drain: Drain,
    stage: watch::Sender<Stage>,
) {
    let at_once = tokio::select! {
        _ = terminate.recv() => false,
        _ = interrupt.recv() => true,
    };
    stage.send_replace(Stage::Requested);
    let overtime = tokio::select! {
        overtime = drain.wait(), if !at_once => overtime,
        _ = terminate.recv(), if !at_once => Duration::ZERO,
        _ = interrupt.recv(), if !at_once => Duration::ZERO,
        else => Duration::ZERO,
    };
    stage.send_replace(Stage::Drained(overtime));
}

#[cfg(test)]
mod tests {
    use super::*;

    const DELAY: Duration = Duration::from_secs(3);

    fn drain(delay: Duration) -> (Drain, Shutdown) {
        let stopping = Shutdown::default();
        stopping.begin();
        (Drain { delay, stopping: stopping.clone() }, stopping)
    }

    /// Sends a request a tenth of a second for so long.
    fn send_for(stopping: Shutdown, time: Duration) {
        tokio::spawn(timeout(time, async move {
            loop {
                stopping.note_request();
                sleep(Duration::from_millis(100)).await;
            }
        }));
    }

    async fn timed(drain: Drain) -> (Duration, Duration) {
        let begun = Instant::now();
        let overtime = drain.wait().await;
        (begun.elapsed(), overtime)
    }

    #[tokio::test(start_paused = true)]
    async fn l10_the_listener_closes_after_the_delay_when_all_have_noticed() {
        let (drain, stopping) = drain(DELAY);
        send_for(stopping, Duration::from_millis(1500));
        assert_eq!(timed(drain).await, (DELAY, Duration::ZERO));
    }

    #[tokio::test(start_paused = true)]
    async fn l10_the_listener_stays_open_for_those_who_have_not_noticed_yet() {
        let (drain, stopping) = drain(DELAY);
        send_for(stopping, Duration::from_millis(3500));
        let (took, overtime) = timed(drain).await;
        assert_eq!(took, Duration::from_secs(5), "nothing has come for a second");
        assert_eq!(DELAY + overtime, took);
    }

    #[tokio::test(start_paused = true)]
    async fn l10_the_listener_does_not_wait_for_ever_for_those_who_never_notice() {
        let (drain, stopping) = drain(DELAY);
        send_for(stopping, Duration::from_secs(3600));
        assert_eq!(timed(drain).await, (DELAY + MAX_OVERTIME, MAX_OVERTIME));
    }

    #[tokio::test(start_paused = true)]
    async fn without_a_delay_there_is_no_wait() {
        let (drain, stopping) = drain(Duration::ZERO);
        send_for(stopping, DELAY);
        assert_eq!(timed(drain).await, (Duration::ZERO, Duration::ZERO));
    }
}
