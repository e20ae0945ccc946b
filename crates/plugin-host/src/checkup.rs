//! The health of an instance, asked and waited for: what an operator wants to know, as against a probe, which never waits.

use std::time::Instant;

use vestibule_plugin_abi::code;

use crate::instance::Instance;
use crate::job::Order;
use crate::observer::Operation;
use crate::question::Question;
use crate::text::printable;

/// In place of the hash of a user.
const NO_USER: u64 = 0;

/// What an instance says of its health.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Health {
    /// It is able to work.
    Well,
    /// The plugin does not offer to say.
    Unstated,
    /// It is not able to work, or did not answer within its timeout. Why, in one line.
    Unwell(String),
}

/// Asks, and waits for the answer for as long as a call of this instance may take.
pub(crate) async fn ask(instance: &Instance) -> Health {
    if !instance.provides(Operation::Health) {
        return Health::Unstated;
    }
    let time = instance.settings().timeout;
    let order = Order { question: Question::Health, user: NO_USER, deadline: Instant::now() + time, time };
    match instance.runner().ask(order).await.answer {
        Ok(answer) if answer.code == code::OK => Health::Well,
        Ok(answer) if answer.error.is_empty() => {
            Health::Unwell("it says that it is not able to work".to_owned())
        }
        Ok(answer) => Health::Unwell(format!("it says: {}", printable(&answer.error))),
        Err(cause) => Health::Unwell(cause.to_string()),
    }
}
