//! What is said once, for each of a few things.

use std::collections::HashSet;
use std::sync::{Mutex, PoisonError};

/// Says of each thing whether it is the first time that it is asked about. For lines of the log that are worth reading once in
/// the life of a process. The things must come from the settings, since none is ever forgotten.
#[derive(Debug, Default)]
pub struct OnceEach(Mutex<HashSet<String>>);

impl OnceEach {
    /// Whether this is the first time for this thing.
    pub fn is_first(&self, thing: &str) -> bool {
        let mut said = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        !said.contains(thing) && said.insert(thing.to_owned())
    }

    /// Whether it was asked about.
    pub fn has_seen(&self, thing: &str) -> bool {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).contains(thing)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_thing_has_one_first_time() {
        let once = OnceEach::default();
        assert!(!once.has_seen("a"));
        assert!(once.is_first("a") && once.is_first("b"));
        assert!(!once.is_first("a") && !once.is_first("b"));
        assert!(once.has_seen("a") && !once.has_seen("c"));
    }
}
