//! Can the service do its work?

use std::time::Duration;

use vestibule_domain::Timestamp;

use crate::Flows;

/// Tokens of a replica count at another whose clock is up to a minute behind. Monitoring hears of it long before.
const TOLERANCE: Duration = Duration::from_secs(10);

/// The service can do its work.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Readiness {
    /// What an operator should look at all the same: no reason to send requests elsewhere.
    pub warnings: Vec<String>,
}

impl Flows {
    /// Says whether the service can do its work, or else what keeps it from that: database, keys or plugins.
    pub async fn check_readiness(&self) -> Result<Readiness, &'static str> {
        let asked = self.dependencies.clock.now();
        let Ok(theirs) = self.dependencies.storage.ping().await else {
            return Err("the database does not answer");
        };
        let answered = self.dependencies.clock.now();
        if !self.dependencies.tokens.is_usable() {
            return Err("there is no usable signing key");
        }
        if let Err(reason) = self.dependencies.plugins.health() {
            tracing::warn!(%reason, "a plugin is not well");
            return Err("a plugin is not well");
        }
        let clock = theirs.and_then(|theirs| difference(asked, theirs, answered));
        Ok(Readiness { warnings: clock.into_iter().collect() })
    }
}

/// By how much our clock differs from theirs, which was looked at in between. Which of the two is wrong is not for us to say, so
/// it is no reason to send nobody here.
fn difference(asked: Timestamp, theirs: Timestamp, answered: Timestamp) -> Option<String> {
    let (ahead, behind) = (asked.since(theirs), theirs.since(answered));
    let (by, word) = if ahead > behind { (ahead, "ahead of") } else { (behind, "behind") };
    (by > TOLERANCE).then(|| format!("the clock is {} s {word} the database's", by.as_secs()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn d9_a_clock_that_differs_is_named_and_the_time_of_the_question_is_no_difference() {
        let at = Timestamp::from_seconds;
        assert_eq!(difference(at(100), at(102), at(104)), None);
        assert_eq!(difference(at(100), at(114), at(104)), None);
        assert_eq!(difference(at(100), at(90), at(104)), None);
        let named = |theirs| difference(at(100), at(theirs), at(104)).unwrap();
        assert_eq!(named(50), "the clock is 50 s ahead of the database's");
        assert_eq!(named(3_704), "the clock is 3600 s behind the database's");
    }
}
