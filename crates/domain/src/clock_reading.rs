//! The clock of another machine beside ours.

use std::time::Duration;

use crate::Timestamp;

/// What another machine said about the time, between our question and its answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ClockReading {
    /// When we asked, by our clock.
    pub asked: Timestamp,
    /// When the answer was there, by our clock.
    pub answered: Timestamp,
    /// What it said.
    pub theirs: Timestamp,
    /// How coarsely it said so: it may have meant any moment from `theirs` up to this much later.
    pub precision: Duration,
}

/// How far another clock is from ours, by as much as is certain.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ClockDifference {
    /// Not for certain.
    None,
    /// It is ahead of ours.
    Ahead(Duration),
    /// It is behind ours.
    Behind(Duration),
}

impl ClockReading {
    /// The difference that is left when the way of question and answer, and the coarse answer, are taken into account.
    pub fn difference(&self) -> ClockDifference {
        let ahead = self.theirs.since(self.answered);
        let behind = self.asked.since(self.theirs.plus(self.precision));
        match (ahead.is_zero(), behind.is_zero()) {
            (false, _) => ClockDifference::Ahead(ahead),
            (true, false) => ClockDifference::Behind(behind),
            (true, true) => ClockDifference::None,
        }
    }
}

impl ClockDifference {
    /// Its length, whichever clock is ahead.
    pub fn length(self) -> Duration {
        match self {
            Self::None => Duration::ZERO,
            Self::Ahead(length) | Self::Behind(length) => length,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A clock that says `theirs`, in whole seconds, to a question that took from 100 s to 104 s.
    fn difference(theirs: i64) -> ClockDifference {
        let at = Timestamp::from_seconds;
        let precision = Duration::from_secs(1);
        ClockReading { asked: at(100), answered: at(104), theirs: at(theirs), precision }.difference()
    }

    #[test]
    fn only_what_neither_the_way_nor_the_coarse_answer_explains_is_a_difference() {
        for explained in 99..=104 {
            assert_eq!(difference(explained), ClockDifference::None, "{explained}");
        }
        assert_eq!(difference(98), ClockDifference::Behind(Duration::from_secs(1)));
        assert_eq!(difference(105), ClockDifference::Ahead(Duration::from_secs(1)));
        assert_eq!(difference(704).length(), Duration::from_secs(600));
        assert_eq!(difference(39).length(), Duration::from_secs(60));
    }
}
