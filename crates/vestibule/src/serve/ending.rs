//! The signals that end the service, and how much time they leave.

use std::time::Duration;

use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::sync::watch;
use tokio::time::sleep;

use crate::failure::Failure;

/// How far the end has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Stage {
    Running,
    /// Readiness says no; everything else goes on.
    Asked,
    /// Nothing new is accepted.
    Waited,
}

/// Tells when to end. SIGTERM leaves those who look at readiness the time to send requests elsewhere; SIGINT, which a person at
/// a terminal sends, and a second signal do not.
pub(crate) struct Ending(watch::Receiver<Stage>);

impl Ending {
    /// Listens for signals from now on. Needs a runtime.
    pub(crate) fn listen(delay: Duration) -> Result<Self, Failure> {
        let while_doing = Failure::while_doing("signals");
        let terminate = signal(SignalKind::terminate());
        let interrupt = signal(SignalKind::interrupt());
        let (terminate, interrupt) = match (terminate, interrupt) {
            (Ok(terminate), Ok(interrupt)) => (terminate, interrupt),
            (Err(error), _) | (_, Err(error)) => return Err(while_doing(error)),
        };
        let (stage, told) = watch::channel(Stage::Running);
        tokio::spawn(tell(terminate, interrupt, delay, stage));
        Ok(Self(told))
    }

    /// Waits until somebody wants the end.
    pub(crate) fn asked(&self) -> impl Future<Output = ()> + use<> {
        self.reached(Stage::Asked)
    }

    /// Waits until nothing new is to be accepted.
    pub(crate) fn waited(&self) -> impl Future<Output = ()> + use<> {
        self.reached(Stage::Waited)
    }

    fn reached(&self, stage: Stage) -> impl Future<Output = ()> + use<> {
        let mut told = self.0.clone();
        async move {
            // INVARIANT: the sender lives until the last stage.
            drop(told.wait_for(|known| *known >= stage).await);
        }
    }
}

async fn tell(mut terminate: Signal, mut interrupt: Signal, delay: Duration, stage: watch::Sender<Stage>) {
    let delay = tokio::select! {
        _ = terminate.recv() => delay,
        _ = interrupt.recv() => Duration::ZERO,
    };
    stage.send_replace(Stage::Asked);
    tokio::select! {
        () = sleep(delay) => {}
        _ = terminate.recv() => {}
        _ = interrupt.recv() => {}
    }
    stage.send_replace(Stage::Waited);
}
