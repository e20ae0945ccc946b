//! Calls on the thread of the request: for plugins that compute and never wait.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;

use tokio::sync::oneshot;

use crate::answer::Answer;
use crate::failure::Unavailability;
use crate::question::Question;
use crate::raw::RawInstance;

/// An instance without threads.
pub(crate) struct Inline {
    instance: Mutex<Option<Arc<RawInstance>>>,
    /// Held during each call of a plugin that is called one at a time.
    one_at_a_time: Option<Mutex<()>>,
}

impl Inline {
    pub(crate) fn new(instance: RawInstance, serial: bool) -> Self {
        Self { instance: Mutex::new(Some(Arc::new(instance))), one_at_a_time: serial.then(Mutex::default) }
    }

    /// Runs the call before it returns. Nothing bounds it: that is what "inline" trades away.
    pub(crate) fn ask(
        &self,
        question: &Question,
        deadline: Instant,
    ) -> Result<oneshot::Receiver<Answer>, Unavailability> {
        let instance = self.instance.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let instance = instance.ok_or(Unavailability::Closed)?;
        let turn =
            self.one_at_a_time.as_ref().map(|turn| turn.lock().unwrap_or_else(PoisonError::into_inner));
        let answer = instance.ask(question, deadline);
        drop(turn);
        let (sender, receiver) = oneshot::channel();
        drop(sender.send(Ok(answer)));
        Ok(receiver)
    }

    /// Takes no more calls; the last of those that run destroys the instance.
    pub(crate) fn close(&self) {
        let instance = self.instance.lock().unwrap_or_else(PoisonError::into_inner).take();
        drop(instance);
    }
}
