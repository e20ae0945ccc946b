//! One call on its way to a plugin, and the wait for it.
//!
//! A caller waits until a deadline, and the wait for a turn is a part of that. What a plugin fails at says something about the
//! plugin only if it was given its time; whether it was is known to both sides.

use std::sync::{Arc, OnceLock};
use std::time::{Duration, Instant};

use tokio::sync::oneshot;
use tokio::time::timeout_at;
use tracing::Span;

use crate::answer::{CallResult, RawAnswer};
use crate::question::Question;
use crate::unavailability::Unavailability;

/// What is to be asked about whom, and how long that may take.
pub(crate) struct Order {
    pub(crate) question: Question,
    /// A hash of the user whom it is about.
    pub(crate) user: u64,
    /// Until when the caller waits.
    pub(crate) deadline: Instant,
    /// What the plugin is to have for it.
    pub(crate) time: Duration,
}

/// When a plugin got a call.
type Begun = Arc<OnceLock<Instant>>;

/// What is brought back for a call. The order comes back with it, so that its texts are freed on the threads that allocated them:
/// allocators make threads wait for each other otherwise.
pub(crate) struct Delivery {
    answer: CallResult,
    _order: Option<Order>,
}

impl From<CallResult> for Delivery {
    fn from(answer: CallResult) -> Self {
        Self { answer, _order: None }
    }
}

/// One call, on the side of the plugin.
pub(crate) struct Job {
    pub(crate) order: Order,
    pub(crate) asked: Instant,
    begun: Begun,
    answer: oneshot::Sender<Delivery>,
    pub(crate) span: Span,
}

/// One call, on the side of the caller.
pub(crate) struct Pending {
    deadline: Instant,
    time: Duration,
    begun: Begun,
    answer: oneshot::Receiver<Delivery>,
}

/// What a call came to.
pub(crate) struct Returned {
    pub(crate) answer: CallResult,
    /// Whether the plugin had less time than it is to have.
    pub(crate) hurried: bool,
}

impl Order {
    pub(crate) fn place(self) -> (Job, Pending) {
        let (answer, receiver) = oneshot::channel();
        let begun = Begun::default();
        let pending =
            Pending { deadline: self.deadline, time: self.time, begun: Arc::clone(&begun), answer: receiver };
        (Job { order: self, asked: Instant::now(), begun, answer, span: Span::current() }, pending)
    }
}

impl Job {
    pub(crate) fn user(&self) -> u64 {
        self.order.user
    }

    pub(crate) fn is_given_up(&self) -> bool {
        self.answer.is_closed() || self.order.deadline <= Instant::now()
    }

    /// Notes that the plugin gets it now. Says when it will have had its time.
    pub(crate) fn begin(&self) -> Instant {
        *self.begun.get_or_init(Instant::now) + self.order.time
    }

    /// Who is told the answer, when the rest is not needed any more.
    pub(crate) fn into_answer(self) -> oneshot::Sender<Delivery> {
        self.answer
    }

    /// Sends the answer to the caller, if it still waits.
    pub(crate) fn finish(self, answer: RawAnswer) {
        drop(self.answer.send(Delivery { answer: Ok(answer), _order: Some(self.order) }));
    }

    /// Tells the caller that the call will not be made.
    pub(crate) fn refuse(self, cause: Unavailability) {
        drop(self.answer.send(Err(cause).into()));
    }
}

impl Pending {
    /// Waits for the answer, but not beyond the deadline.
    pub(crate) async fn wait(mut self) -> Returned {
        let answer = match timeout_at(self.deadline.into(), &mut self.answer).await {
            Ok(Ok(delivery)) => delivery.answer,
            // The sender is gone without an answer: the instance is closed, or the call broke down on our side.
            Ok(Err(_)) if Instant::now() < self.deadline => Err(Unavailability::Closed),
            Ok(Err(_)) | Err(_) if self.was_hurried() => Err(Unavailability::QueueTimeout),
            Ok(Err(_)) | Err(_) => Err(Unavailability::Timeout),
        };
        Returned { answer, hurried: self.was_hurried() }
    }

    /// The answer if it is there.
    pub(crate) fn try_take(&mut self) -> Result<CallResult, oneshot::error::TryRecvError> {
        self.answer.try_recv().map(|delivery| delivery.answer)
    }

    /// Whether the plugin has got it.
    pub(crate) fn has_begun(&self) -> bool {
        self.begun.get().is_some()
    }

    /// Whether the way to the plugin has taken more than a tenth of the plugin's time.
    fn was_hurried(&self) -> bool {
        let had = self.begun.get().map(|begun| self.deadline.saturating_duration_since(*begun));
        had.is_none_or(|had| had < self.time.mul_f32(0.9))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TIME: Duration = Duration::from_millis(50);

    fn place(left: Duration) -> (Job, Pending) {
        let deadline = Instant::now() + left;
        Order { question: Question::Health, user: 1, deadline, time: TIME }.place()
    }

    #[tokio::test]
    async fn e4_time_that_is_lost_on_the_way_is_not_the_plugin_s() {
        let (waits, pending) = place(TIME);
        let returned = pending.wait().await;
        assert_eq!(returned.answer.unwrap_err(), Unavailability::QueueTimeout);
        assert!(returned.hurried && waits.is_given_up());

        let (late, pending) = place(TIME / 2);
        late.begin();
        let returned = pending.wait().await;
        assert_eq!(returned.answer.unwrap_err(), Unavailability::QueueTimeout, "it had half of its time");
        assert!(returned.hurried);
    }

    #[tokio::test]
    async fn e4_a_plugin_that_had_its_time_has_no_excuse() {
        let (job, pending) = place(Duration::from_secs(60));
        let had = job.begin();
        assert!(had <= Instant::now() + TIME);
        job.finish(RawAnswer::fatal("no"));
        let returned = pending.wait().await;
        assert!(returned.answer.is_ok() && !returned.hurried);

        let (hangs, pending) = place(TIME * 10);
        hangs.begin();
        let returned = pending.wait().await;
        assert_eq!(returned.answer.unwrap_err(), Unavailability::Timeout);
        assert!(!returned.hurried);
    }

    #[tokio::test]
    async fn a_call_that_is_dropped_before_its_deadline_means_that_the_instance_is_closed() {
        let (job, pending) = place(Duration::from_secs(60));
        drop(job);
        assert_eq!(pending.wait().await.answer.unwrap_err(), Unavailability::Closed);
    }
}
