//! Who is next: calls that wait, in turns between the users whom they are about.
//!
//! The calls of one user stand in one line, the lines take turns, and of each line only so many are under way at once. So
//! whoever asks much waits behind themselves. When there is no more room, the longest line gives way to a shorter one.

use std::collections::hash_map::Entry;
use std::collections::{HashMap, VecDeque};

use crate::failure::Unavailability;
use crate::job::Job;

/// How many calls about one user are under way at once, at most.
const MOST_OF_ONE_USER: usize = 2;

/// The calls that wait for one instance, and how many of whom are under way. Users are hashes.
pub(crate) struct Turns<J> {
    lines: HashMap<u64, Line<J>>,
    /// INVARIANT: those whose next call may begin, each of them once, in the order in which they will.
    ready: VecDeque<u64>,
    waiting: usize,
    most_each: usize,
}

struct Line<J> {
    waiting: VecDeque<J>,
    under_way: usize,
}

impl<J> Line<J> {
    fn new() -> Self {
        Self { waiting: VecDeque::new(), under_way: 0 }
    }

    fn is_ready(&self, most: usize) -> bool {
        !self.waiting.is_empty() && self.under_way < most
    }
}

impl<J> Turns<J> {
    /// For an instance that makes so many calls at once. One user never has more than half of them, where that can be.
    pub(crate) fn new(at_once: usize) -> Self {
        let most_each = MOST_OF_ONE_USER.min(at_once / 2).max(1);
        Self { lines: HashMap::new(), ready: VecDeque::new(), waiting: 0, most_each }
    }

    #[cfg(test)]
    fn waiting(&self) -> usize {
        self.waiting
    }

    /// Whether a call waits that may begin.
    pub(crate) fn is_ready(&self) -> bool {
        !self.ready.is_empty()
    }

    /// Puts a call at the end of its user's line.
    pub(crate) fn push(&mut self, user: u64, job: J) {
        let line = self.lines.entry(user).or_insert_with(Line::new);
        let was_ready = line.is_ready(self.most_each);
        line.waiting.push_back(job);
        self.waiting += 1;
        if !was_ready && line.is_ready(self.most_each) {
            self.ready.push_back(user);
        }
    }

    /// Takes the next call that may begin. It is under way until [`Turns::end`].
    pub(crate) fn begin(&mut self) -> Option<(u64, J)> {
        let user = self.ready.pop_front()?;
        let line = self.lines.get_mut(&user)?;
        let job = line.waiting.pop_front()?;
        line.under_way += 1;
        self.waiting -= 1;
        if line.is_ready(self.most_each) {
            self.ready.push_back(user);
        }
        Some((user, job))
    }

    /// Notes that a call of this user has come to its end.
    pub(crate) fn end(&mut self, user: u64) {
        let Entry::Occupied(mut entry) = self.lines.entry(user) else { return };
        let line = entry.get_mut();
        let was_ready = line.is_ready(self.most_each);
        line.under_way = line.under_way.saturating_sub(1);
        if line.waiting.is_empty() && line.under_way == 0 {
            entry.remove();
        } else if !was_ready && line.is_ready(self.most_each) {
            self.ready.push_back(user);
        }
    }

    /// Puts a call back that could not begin after all, to the head of its line.
    pub(crate) fn put_back(&mut self, user: u64, job: J) {
        let line = self.lines.entry(user).or_insert_with(Line::new);
        let was_ready = line.is_ready(self.most_each);
        line.under_way = line.under_way.saturating_sub(1);
        line.waiting.push_front(job);
        self.waiting += 1;
        if !was_ready {
            self.ready.push_front(user);
        }
    }

    /// Throws out the waiting calls of which this is not true.
    fn retain(&mut self, keep: impl Fn(&J) -> bool) {
        for line in self.lines.values_mut() {
            line.waiting.retain(&keep);
        }
        self.lines.retain(|_, line| line.under_way > 0 || !line.waiting.is_empty());
        self.waiting = self.lines.values().map(|line| line.waiting.len()).sum();
        let (lines, most) = (&self.lines, self.most_each);
        self.ready.retain(|user| lines.get(user).is_some_and(|line| line.is_ready(most)));
    }

    /// Takes the last call out of the longest line, if that is longer than this user's will be.
    fn shorten_for(&mut self, user: u64) -> Option<J> {
        let own = self.lines.get(&user).map_or(0, |line| line.waiting.len());
        let longest = self.lines.values_mut().max_by_key(|line| line.waiting.len())?;
        if longest.waiting.len() <= own + 1 {
            return None;
        }
        self.waiting -= 1;
        longest.waiting.pop_back()
    }

    /// Takes out all calls that wait.
    pub(crate) fn drain(&mut self) -> Vec<J> {
        self.ready.clear();
        self.waiting = 0;
        let waiting = self.lines.values_mut().flat_map(|line| line.waiting.drain(..)).collect();
        self.lines.retain(|_, line| line.under_way > 0);
        waiting
    }
}

impl Turns<Job> {
    /// Puts a call at the end of its user's line, unless `limit` others wait already and none of them has to give way.
    pub(crate) fn admit(&mut self, job: Job, limit: usize) -> Result<(), Unavailability> {
        if self.waiting >= limit {
            self.retain(|job| !job.is_given_up());
        }
        if self.waiting >= limit {
            let last = self.shorten_for(job.user()).ok_or(Unavailability::QueueFull)?;
            last.refuse(Unavailability::QueueFull);
        }
        self.push(job.user(), job);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn queue(at_once: usize, jobs: &[(u64, u32)]) -> Turns<u32> {
        let mut turns = Turns::new(at_once);
        for (user, job) in jobs {
            turns.push(*user, *job);
        }
        turns
    }

    fn all(turns: &mut Turns<u32>) -> Vec<u32> {
        std::iter::from_fn(|| turns.begin()).map(|(_, job)| job).collect()
    }

    #[test]
    fn e4_whoever_asks_much_waits_behind_themselves() {
        let mut turns = queue(4, &[(1, 10), (1, 11), (1, 12), (1, 13), (2, 20), (3, 30)]);
        assert_eq!(all(&mut turns), [10, 20, 30, 11], "the lines take turns, and two of one are under way");
        assert_eq!((turns.waiting(), turns.is_ready()), (2, false));
        turns.end(2);
        assert!(!turns.is_ready());
        turns.end(1);
        turns.push(4, 40);
        assert_eq!(all(&mut turns), [12, 40]);
    }

    #[test]
    fn e4_one_user_never_has_more_than_half_where_that_can_be() {
        for (at_once, most) in [(1, 1), (2, 1), (3, 1), (4, 2), (64, 2), (usize::MAX, 2)] {
            let mut turns = queue(at_once, &[(1, 1), (1, 2), (1, 3), (1, 4)]);
            assert_eq!(all(&mut turns).len(), most, "{at_once}");
        }
    }

    #[test]
    fn e4_when_there_is_no_room_the_longest_line_gives_way_to_a_shorter_one() {
        let mut turns = queue(4, &[(1, 10), (1, 11), (1, 12), (2, 20)]);
        assert_eq!(turns.shorten_for(1), None, "nobody gives way to the longest");
        assert_eq!(turns.shorten_for(2), Some(12));
        assert_eq!(turns.shorten_for(2), None, "theirs would be as long");
        assert_eq!(turns.shorten_for(3), Some(11));
        assert_eq!(turns.shorten_for(3), None);
        assert_eq!((turns.waiting(), all(&mut turns)), (2, vec![10, 20]));
    }

    #[test]
    fn what_is_thrown_out_or_put_back_keeps_the_turns() {
        let mut turns = queue(4, &[(1, 10), (2, 20), (3, 30)]);
        turns.retain(|job| *job != 20);
        let (user, job) = turns.begin().unwrap();
        turns.put_back(user, job);
        assert_eq!((turns.waiting(), all(&mut turns)), (2, vec![10, 30]));
        turns.push(1, 11);
        assert_eq!(turns.drain(), [11]);
        assert_eq!((turns.waiting(), turns.is_ready()), (0, false));
        turns.push(1, 12);
        assert_eq!(all(&mut turns), [12]);
        for user in [1, 1, 3] {
            turns.end(user);
        }
        assert!(turns.lines.is_empty(), "nothing is left of whoever has nothing here");
    }

    proptest! {
        /// Whatever comes in whatever order: no call is lost, none begins beyond its user's share, and none waits that may begin.
        #[test]
        fn e4_no_call_is_lost_or_left(steps in prop::collection::vec((0_u8..5, 0_u64..4), 0..200)) {
            let mut turns = Turns::new(4);
            let (mut number, mut begun, mut out, mut ended) = (0_u32, Vec::new(), 0, 0);
            for (step, user) in steps {
                match step {
                    0 | 1 => {
                        turns.push(user, number);
                        number += 1;
                    }
                    2 => begun.extend(turns.begin()),
                    3 => {
                        if let Some(at) = begun.iter().position(|(one, _)| *one == user) {
                            let (user, job) = begun.swap_remove(at);
                            if job % 3 == 0 {
                                turns.put_back(user, job);
                            } else {
                                turns.end(user);
                                ended += 1;
                            }
                        }
                    }
                    _ => out += usize::from(turns.shorten_for(user).is_some()),
                }
                for user in 0..4 {
                    let under_way = begun.iter().filter(|(one, _)| *one == user).count();
                    let waiting = turns.lines.get(&user).map_or(0, |line| line.waiting.len());
                    prop_assert!(under_way <= 2);
                    let may_begin = waiting > 0 && under_way < 2;
                    prop_assert_eq!(turns.ready.iter().filter(|one| **one == user).count(), usize::from(may_begin));
                }
                prop_assert_eq!(turns.waiting() + begun.len() + out + ended, number as usize);
            }
        }
    }
}
