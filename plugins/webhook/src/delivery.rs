//! One message on its way: attempts, pauses, and the end of its time.

use std::time::Duration;

use reqwest::Client;
use tokio::time::{Instant, sleep, timeout_at};
use url::Url;
use vestibule_plugin_sdk::{Error, Level, Logger, Result, json};

use crate::outcome::Miss;
use crate::reply::{Question, Reply};
use crate::signature::Signer;
use crate::{backoff, clock, outcome};

/// The way to the receiver.
pub(crate) struct Route {
    pub(crate) client: Client,
    pub(crate) url: Url,
    pub(crate) signer: Signer,
    pub(crate) retries: u32,
    pub(crate) log: Logger,
}

/// What is asked. The id is the same in all attempts, so that the receiver can tell that they are one message.
pub(crate) struct Delivery {
    pub(crate) id: String,
    pub(crate) question: Question,
    pub(crate) body: Vec<u8>,
}

impl Route {
    /// Sends until there is an answer, or neither attempts nor time are left, which is an error as well.
    pub(crate) async fn deliver(&self, delivery: &Delivery, time: Duration) -> Result<Reply> {
        let late = || Error::retry("no answer in the time that the call has");
        if time.is_zero() {
            return Err(late());
        }
        let deadline = Instant::now() + time;
        timeout_at(deadline, self.deliver_until(delivery, deadline)).await.map_err(|_| late())?
    }

    async fn deliver_until(&self, delivery: &Delivery, deadline: Instant) -> Result<Reply> {
        let mut attempts = 0;
        loop {
            let (reason, after) = match self.attempt(delivery).await {
                Ok(answer) => return Ok(answer),
                Err(Miss::Final(error)) => return Err(error),
                Err(Miss::Again { reason, after }) => (reason, after),
            };
            attempts += 1;
            if attempts > self.retries {
                return Err(Error::retry(format!("{reason}; attempts: {attempts}")));
            }
            let pause = backoff::pause(attempts, after);
            if pause >= deadline.saturating_duration_since(Instant::now()) {
                return Err(Error::retry(format!("{reason}; attempts: {attempts}; no time for another")));
            }
            let details = json!({"webhook_id": delivery.id, "attempt": attempts, "reason": reason});
            self.log.event(Level::Debug, "trying again", &details);
            sleep(pause).await;
        }
    }

    /// Each attempt has a time and signatures of its own.
    async fn attempt(&self, delivery: &Delivery) -> Result<Reply, Miss> {
        let timestamp = clock::now().unix_timestamp();
        let request = self
            .client
            .post(self.url.clone())
            .header("webhook-id", &delivery.id)
            .header("webhook-timestamp", timestamp)
            .header("webhook-signature", self.signer.sign(&delivery.id, timestamp, &delivery.body))
            .body(delivery.body.clone());
        let response = request.send().await.map_err(|error| outcome::of_failure(&error))?;
        outcome::of_response(delivery.question, response).await
    }
}
