//! Which key does what at a given moment: pure rules over the times from which the keys are active.

use std::time::Duration;

use vestibule_domain::Timestamp;

/// What a key does at a moment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum KeyState {
    /// Signs new tokens.
    Signing,
    /// Published, so that verifiers know it before it signs.
    Next,
    /// Signs no more, or never did here; tokens that it signed are still good.
    Verifying {
        /// When the last token that it can have signed has ended; `None` while no newer key has taken over.
        until: Option<Timestamp>,
    },
    /// Out of use: not published, and its tokens are refused. The file may be deleted.
    Retired,
}

/// What the rules need to know of a key.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Slot {
    pub(crate) active_from: Timestamp,
    pub(crate) can_sign: bool,
}

/// The keys in the order in which they become active.
pub(crate) struct Schedule(Vec<Slot>);

impl Schedule {
    /// INVARIANT: the slots are sorted by `active_from`.
    pub(crate) fn new(slots: Vec<Slot>) -> Self {
        debug_assert!(slots.is_sorted_by_key(|slot| slot.active_from));
        Self(slots)
    }

    /// The newest key that is active and can sign; before any is active, the first that will be. A service that has a key
    /// is never without one because a clock is behind.
    pub(crate) fn signing(&self, now: Timestamp) -> Option<usize> {
        let signers = || self.0.iter().enumerate().filter(|(_, slot)| slot.can_sign);
        let active = signers().rfind(|(_, slot)| slot.active_from <= now);
        active.or_else(|| signers().next()).map(|(index, _)| index)
    }

    /// The state of the key at an index. `grace` is how long a token can outlive the moment at which its key was replaced.
    pub(crate) fn state(&self, index: usize, now: Timestamp, grace: Duration) -> KeyState {
        if self.signing(now) == Some(index) {
            return KeyState::Signing;
        }
        if self.0.get(index).is_some_and(|slot| slot.can_sign && slot.active_from > now) {
            return KeyState::Next;
        }
        match self.successor(index).map(|slot| slot.active_from) {
            Some(replaced_at) if replaced_at > now => KeyState::Verifying { until: None },
            Some(replaced_at) if replaced_at.plus(grace) <= now => KeyState::Retired,
            replaced_at => KeyState::Verifying { until: replaced_at.map(|moment| moment.plus(grace)) },
        }
    }

    /// The next moment after this one at which the state of any key is another.
    pub(crate) fn next_change(&self, now: Timestamp, grace: Duration) -> Option<Timestamp> {
        let moments = self.0.iter().flat_map(|slot| [slot.active_from, slot.active_from.plus(grace)]);
        moments.filter(|moment| *moment > now).min()
    }

    /// The key that took over from this one, or will.
    fn successor(&self, index: usize) -> Option<&Slot> {
        self.0.iter().skip(index + 1).find(|slot| slot.can_sign)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const GRACE: Duration = Duration::from_secs(100);

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_seconds(seconds)
    }

    fn schedule(slots: &[(i64, bool)]) -> Schedule {
        Schedule::new(
            slots.iter().map(|&(from, can_sign)| Slot { active_from: at(from), can_sign }).collect(),
        )
    }

    fn states(schedule: &Schedule, now: i64) -> Vec<KeyState> {
        (0..schedule.0.len()).map(|index| schedule.state(index, at(now), GRACE)).collect()
    }

    #[test]
    fn m2_a_key_is_published_before_it_signs_and_verifies_until_its_last_token_has_ended() {
        use KeyState::{Next, Retired, Signing, Verifying};
        let schedule = schedule(&[(10, true), (1000, true)]);
        let until = Some(at(1100));
        assert_eq!(states(&schedule, 10), [Signing, Next]);
        assert_eq!(states(&schedule, 999), [Signing, Next]);
        assert_eq!(states(&schedule, 1000), [Verifying { until }, Signing]);
        assert_eq!(states(&schedule, 1099), [Verifying { until }, Signing]);
        assert_eq!(states(&schedule, 1100), [Retired, Signing]);
    }

    #[test]
    fn the_earliest_key_signs_while_all_lie_ahead() {
        let schedule = schedule(&[(500, false), (1000, true), (2000, true)]);
        assert_eq!(schedule.signing(at(0)), Some(1));
        assert_eq!(states(&schedule, 0)[1..], [KeyState::Signing, KeyState::Next]);
    }

    #[test]
    fn a_public_key_verifies_until_a_newer_key_has_taken_over() {
        let schedule = schedule(&[(10, false), (1000, true), (1001, false)]);
        assert_eq!(states(&schedule, 500)[0], KeyState::Verifying { until: None });
        assert_eq!(states(&schedule, 1050)[0], KeyState::Verifying { until: Some(at(1100)) });
        assert_eq!(
            states(&schedule, 1200),
            [KeyState::Retired, KeyState::Signing, KeyState::Verifying { until: None }]
        );
    }

    #[test]
    fn nothing_changes_between_one_change_and_the_next() {
        let schedule = schedule(&[(10, true), (500, false), (1000, true), (1050, true)]);
        let mut changes = Vec::new();
        for now in 0..1300 {
            let next = schedule.next_change(at(now), GRACE);
            assert!(next.is_none_or(|next| next > at(now)), "{now}");
            if states(&schedule, now) != states(&schedule, now + 1) {
                assert_eq!(next, Some(at(now + 1)));
                changes.push(now + 1);
            }
        }
        assert_eq!(changes, [1000, 1050, 1100, 1150]);
    }

    #[test]
    fn without_a_private_key_nothing_signs() {
        assert_eq!(schedule(&[(10, false)]).signing(at(20)), None);
        assert_eq!(schedule(&[]).signing(at(20)), None);
    }
}
