//! One instance: the way to its receiver, and what drives the requests.

use std::time::Duration;

use vestibule_plugin_sdk::{CallCtx, Error, Logger, Result, Runtime};

use crate::client;
use crate::config::Config;
use crate::delivery::{Delivery, Route};
use crate::reply::{Question, Reply};
use crate::signature::Signer;

/// What is kept of a call's time to bring the answer home: an answer that comes too late is as good as none.
const MARGIN: Duration = Duration::from_millis(100);

pub(crate) struct Webhook {
    route: Route,
    pub(crate) send_identities: bool,
    runtime: Runtime,
}

impl Webhook {
    pub(crate) fn new(alias: &str, config: &Config, log: Logger) -> Result<Self> {
        let route = Route {
            client: client::build(config)?,
            url: config.url()?,
            signer: Signer::new(&config.secrets)?,
            retries: config.retries()?,
            log,
        };
        // Its thread also watches idle connections between the calls: one that was closed must not be used.
        let runtime = Runtime::new(alias, log);
        Ok(Self { route, send_identities: config.send_identities, runtime })
    }

    /// Sends one message and waits for its answer. An error names the message, as receivers know it.
    pub(crate) fn ask(&self, call: &CallCtx<'_>, question: Question, body: Vec<u8>) -> Result<Reply> {
        let left = call.remaining();
        let time = left.saturating_sub(MARGIN.min(left / 10));
        let delivery = Delivery { id: new_id()?, question, body };
        let answer = self.runtime.block_on(self.route.deliver(&delivery, time))?;
        answer.map_err(|error| named(error, &delivery.id))
    }
}

fn new_id() -> Result<String> {
    let mut bytes = [0; 16];
    aws_lc_rs::rand::fill(&mut bytes).map_err(|_| Error::retry("the machine has no randomness"))?;
    Ok(format!("msg_{}", hex::encode(bytes)))
}

fn named(error: Error, id: &str) -> Error {
    match error {
        Error::Retry(text) => Error::Retry(format!("{text} (webhook-id {id})")),
        Error::Fatal(text) => Error::Fatal(format!("{text} (webhook-id {id})")),
        other => other,
    }
}
