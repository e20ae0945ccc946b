//! The signals that end the service, and how much time they leave.

use std::time::Duration;

use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::sync::watch;
use tokio::time::{Instant, sleep, timeout};
use vestibule_http::Stopping;

use crate::error::CommandError;

/// Whoever has sent nothing for so long is taken to have noticed that readiness says no.
const QUIET: Duration = Duration::from_secs(1);
/// How much longer than the delay those are waited for who have not noticed. Taken from the time of the last requests, so that
/// the end comes no later for it.
const LONGEST_OVERTIME: Duration = Duration::from_secs(3);

/// How far the end has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Stage {
    Running,
    /// Readiness says no; everything else goes on.
    Asked,
    /// Nothing new is accepted, after so much more than the delay.
    Waited(Duration),
}

/// Tells when to end. SIGTERM leaves those who look at readiness the time to send requests elsewhere, and a little more to those
/// who still do not; SIGINT, which a person at a terminal sends, and a second signal do not.
pub(crate) struct Ending(watch::Receiver<Stage>);

impl Ending {
    /// Listens for signals from now on. Needs a runtime.
    pub(crate) fn listen(delay: Duration, stopping: Stopping) -> Result<Self, CommandError> {
        let while_doing = CommandError::while_doing("signals");
        let terminate = signal(SignalKind::terminate());
        let interrupt = signal(SignalKind::interrupt());
        let (terminate, interrupt) = match (terminate, interrupt) {
            (Ok(terminate), Ok(interrupt)) => (terminate, interrupt),
            (Err(error), _) | (_, Err(error)) => return Err(while_doing(error)),
        };
        let (stage, told) = watch::channel(Stage::Running);
        tokio::spawn(tell(terminate, interrupt, Drain { delay, stopping }, stage));
        Ok(Self(told))
    }

    /// Waits until somebody wants the end.
    pub(crate) async fn asked(&self) {
        self.reached(Stage::Asked).await;
    }

    /// Waits until nothing new is to be accepted; by how much the delay was exceeded.
    pub(crate) async fn waited(&self) -> Duration {
        match self.reached(Stage::Waited(Duration::ZERO)).await {
            Stage::Waited(overtime) => overtime,
            Stage::Running | Stage::Asked => Duration::ZERO,
        }
    }

    async fn reached(&self, stage: Stage) -> Stage {
        let mut told = self.0.clone();
        // INVARIANT: the sender lives until the last stage.
        told.wait_for(|known| *known >= stage).await.map_or(stage, |known| *known)
    }
}

/// What is waited for before the listener closes.
struct Drain {
    delay: Duration,
    stopping: Stopping,
}

impl Drain {
    /// Waits for the delay, and then for those who still send requests: a proxy on a busy machine may look late, and a request
    /// that is sent to a listener as it closes is lost if it cannot be asked twice. Answers what it took beyond the delay.
    async fn pass(self) -> Duration {
        if self.delay.is_zero() {
            return Duration::ZERO;
        }
        let end = Instant::now() + self.delay;
        let quiet = QUIET.min(self.delay);
        sleep(self.delay.saturating_sub(quiet)).await;
        drop(timeout(quiet + LONGEST_OVERTIME, self.rest(quiet)).await);
        Instant::now().saturating_duration_since(end)
    }

    /// Waits until nothing has come for so long.
    async fn rest(&self, quiet: Duration) {
        loop {
            let before = self.stopping.unwanted_requests();
            sleep(quiet).await;
            if self.stopping.unwanted_requests() == before {
                return;
            }
        }
    }
}

async fn tell(mut terminate: Signal, mut interrupt: Signal, drain: Drain, stage: watch::Sender<Stage>) {
    let at_once = tokio::select! {
        _ = terminate.recv() => false,
        _ = interrupt.recv() => true,
    };
    stage.send_replace(Stage::Asked);
    let overtime = tokio::select! {
        overtime = drain.pass(), if !at_once => overtime,
        _ = terminate.recv(), if !at_once => Duration::ZERO,
        _ = interrupt.recv(), if !at_once => Duration::ZERO,
        else => Duration::ZERO,
    };
    stage.send_replace(Stage::Waited(overtime));
}

#[cfg(test)]
mod tests {
    use super::*;

    const DELAY: Duration = Duration::from_secs(3);

    fn drain(delay: Duration) -> (Drain, Stopping) {
        let stopping = Stopping::default();
        stopping.begin();
        (Drain { delay, stopping: stopping.clone() }, stopping)
    }

    /// Sends a request a tenth of a second for so long.
    fn send_for(stopping: Stopping, time: Duration) {
        tokio::spawn(timeout(time, async move {
            loop {
                stopping.note_request("/auth/check");
                sleep(Duration::from_millis(100)).await;
            }
        }));
    }

    async fn timed(drain: Drain) -> (Duration, Duration) {
        let begun = Instant::now();
        let overtime = drain.pass().await;
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
        assert_eq!(timed(drain).await, (DELAY + LONGEST_OVERTIME, LONGEST_OVERTIME));
    }

    #[tokio::test(start_paused = true)]
    async fn without_a_delay_nobody_is_waited_for() {
        let (drain, stopping) = drain(Duration::ZERO);
        send_for(stopping, DELAY);
        assert_eq!(timed(drain).await, (Duration::ZERO, Duration::ZERO));
    }
}
