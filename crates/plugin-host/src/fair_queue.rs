//! Fair queueing of calls between the users that they are about.
//!
//! Each user has a line of calls. The lines are served round robin, and each has a maximum of calls under way. So a user with
//! many calls delays only themselves. When the queue is full, the longest line loses its last call to a shorter one.

use std::collections::hash_map::Entry;
use std::collections::{HashMap, VecDeque};

use crate::job::Job;
use crate::unavailability::Unavailability;

/// Maximum number of calls about one user that are under way at once.
const MAX_OF_ONE_USER: usize = 2;

/// The calls that wait for one instance, and the number under way for each user. A user is a hash.
pub(crate) struct FairQueue<J> {
    lines: HashMap<u64, Line<J>>,
    /// INVARIANT: the users whose next call may begin, each once, in the order in which they will be served.
    ready: VecDeque<u64>,
    waiting: usize,
    max_of_one_user: usize,
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

impl<J> FairQueue<J> {
    /// A queue for an instance that makes `at_once` calls at once. One user gets at most half of them, but at least one.
    pub(crate) fn new(at_once: usize) -> Self {
        let max_of_one_user = MAX_OF_ONE_USER.min(at_once / 2).max(1);
        Self { lines: HashMap::new(), ready: VecDeque::new(), waiting: 0, max_of_one_user }
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
        let was_ready = line.is_ready(self.max_of_one_user);
        line.waiting.push_back(job);
        self.waiting += 1;
        if !was_ready && line.is_ready(self.max_of_one_user) {
            self.ready.push_back(user);
        }
    }

    /// Takes the next call that may begin. It is under way until [`FairQueue::end`].
    pub(crate) fn begin(&mut self) -> Option<(u64, J)> {
        let user = self.ready.pop_front()?;
        let line = self.lines.get_mut(&user)?;
        let job = line.waiting.pop_front()?;
        line.under_way += 1;
        self.waiting -= 1;
        if line.is_ready(self.max_of_one_user) {
            self.ready.push_back(user);
        }
        Some((user, job))
    }

    /// Records that a call of this user has ended.
    pub(crate) fn end(&mut self, user: u64) {
        let Entry::Occupied(mut entry) = self.lines.entry(user) else { return };
        let line = entry.get_mut();
        let was_ready = line.is_ready(self.max_of_one_user);
        line.under_way = line.under_way.saturating_sub(1);
        if line.waiting.is_empty() && line.under_way == 0 {
            entry.remove();
        } else if !was_ready && line.is_ready(self.max_of_one_user) {
            self.ready.push_back(user);
        }
    }

    /// Puts a call that could not begin back at the head of its line.
    pub(crate) fn put_back(&mut self, user: u64, job: J) {
        let line = self.lines.entry(user).or_insert_with(Line::new);
        let was_ready = line.is_ready(self.max_of_one_user);
        line.under_way = line.under_way.saturating_sub(1);
        line.waiting.push_front(job);
        self.waiting += 1;
        if !was_ready {
            self.ready.push_front(user);
        }
    }

    /// Keeps only the waiting calls for which `keep` is true.
    fn retain(&mut self, keep: impl Fn(&J) -> bool) {
        for line in self.lines.values_mut() {
            line.waiting.retain(&keep);
        }
        self.lines.retain(|_, line| line.under_way > 0 || !line.waiting.is_empty());
        self.waiting = self.lines.values().map(|line| line.waiting.len()).sum();
        let (lines, most) = (&self.lines, self.max_of_one_user);
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

impl FairQueue<Job> {
    /// Puts a call at the end of its user's line. If `limit` calls wait already, the longest line loses its last call, or this
    /// one is refused.
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

    fn queue(at_once: usize, jobs: &[(u64, u32)]) -> FairQueue<u32> {
        let mut queue = FairQueue::new(at_once);
        for (user, job) in jobs {
            queue.push(*user, *job);
        }
        queue
    }

    fn all(queue: &mut FairQueue<u32>) -> Vec<u32> {
        std::iter::from_fn(|| queue.begin()).map(|(_, job)| job).collect()
    }

    #[test]
    fn e4_whoever_asks_much_waits_behind_themselves() {
        let mut queue = queue(4, &[(1, 10), (1, 11), (1, 12), (1, 13), (2, 20), (3, 30)]);
        assert_eq!(
            all(&mut queue),
            [10, 20, 30, 11],
            "round robin, and at most two of one user are under way"
        );
        assert_eq!((queue.waiting(), queue.is_ready()), (2, false));
        queue.end(2);
        assert!(!queue.is_ready());
        queue.end(1);
        queue.push(4, 40);
        assert_eq!(all(&mut queue), [12, 40]);
    }

    #[test]
    fn e4_one_user_never_has_more_than_half_where_that_can_be() {
        for (at_once, most) in [(1, 1), (2, 1), (3, 1), (4, 2), (64, 2), (usize::MAX, 2)] {
            let mut queue = queue(at_once, &[(1, 1), (1, 2), (1, 3), (1, 4)]);
            assert_eq!(all(&mut queue).len(), most, "{at_once}");
        }
    }

    #[test]
    fn e4_when_there_is_no_room_the_longest_line_gives_way_to_a_shorter_one() {
        let mut queue = queue(4, &[(1, 10), (1, 11), (1, 12), (2, 20)]);
        assert_eq!(queue.shorten_for(1), None, "nobody gives way to the longest");
        assert_eq!(queue.shorten_for(2), Some(12));
        assert_eq!(queue.shorten_for(2), None, "theirs would be as long");
        assert_eq!(queue.shorten_for(3), Some(11));
        assert_eq!(queue.shorten_for(3), None);
        assert_eq!((queue.waiting(), all(&mut queue)), (2, vec![10, 20]));
    }

    #[test]
    fn what_is_thrown_out_or_put_back_keeps_the_turns() {
        let mut queue = queue(4, &[(1, 10), (2, 20), (3, 30)]);
        queue.retain(|job| *job != 20);
        let (user, job) = queue.begin().unwrap();
        queue.put_back(user, job);
        assert_eq!((queue.waiting(), all(&mut queue)), (2, vec![10, 30]));
        queue.push(1, 11);
        assert_eq!(queue.drain(), [11]);
        assert_eq!((queue.waiting(), queue.is_ready()), (0, false));
        queue.push(1, 12);
        assert_eq!(all(&mut queue), [12]);
        for user in [1, 1, 3] {
            queue.end(user);
        }
        assert!(queue.lines.is_empty(), "no line is left of a user without calls");
    }

    proptest! {
        /// Whatever comes in whatever order: no call is lost, none begins beyond its user's share, and none waits that may begin.
        #[test]
        fn e4_no_call_is_lost_or_left(steps in prop::collection::vec((0_u8..5, 0_u64..4), 0..200)) {
            let mut queue = FairQueue::new(4);
            let (mut number, mut begun, mut out, mut ended) = (0_u32, Vec::new(), 0, 0);
            for (step, user) in steps {
                match step {
                    0 | 1 => {
                        queue.push(user, number);
                        number += 1;
                    }
                    2 => begun.extend(queue.begin()),
                    3 => {
                        if let Some(at) = begun.iter().position(|(one, _)| *one == user) {
                            let (user, job) = begun.swap_remove(at);
                            if job % 3 == 0 {
                                queue.put_back(user, job);
                            } else {
                                queue.end(user);
                                ended += 1;
                            }
                        }
                    }
                    _ => out += usize::from(queue.shorten_for(user).is_some()),
                }
                for user in 0..4 {
                    let under_way = begun.iter().filter(|(one, _)| *one == user).count();
                    let waiting = queue.lines.get(&user).map_or(0, |line| line.waiting.len());
                    prop_assert!(under_way <= 2);
                    let may_begin = waiting > 0 && under_way < 2;
                    prop_assert_eq!(queue.ready.iter().filter(|one| **one == user).count(), usize::from(may_begin));
                }
                prop_assert_eq!(queue.waiting() + begun.len() + out + ended, number as usize);
            }
        }
    }
}
