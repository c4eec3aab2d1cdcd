//! Holds refusals back until the moment at which all of them leave.
//!
//! A refusal leaves a whole number of delays after its login arrived: the first such moment after
//! the decision. A decision that took longer than one delay (a slow hash, a slow upstream) leaves
//! at the second, not at a moment of its own.

use std::{cmp::Reverse, collections::BinaryHeap, time::Duration};

use tokio::time::Instant;

use crate::{
    base::refusal::leaves_after,
    wire::{Fields, RequestId},
};

/// Refusals that wait, the earliest first.
#[derive(Debug)]
pub(super) struct Refusals {
    delay: Duration,
    waiting: BinaryHeap<Reverse<Waiting>>,
    count: u64,
}

#[derive(Debug)]
struct Waiting {
    due: Instant,
    number: u64,
    id: RequestId,
    fields: Fields,
}

impl PartialEq for Waiting {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other).is_eq()
    }
}

impl Eq for Waiting {}

impl PartialOrd for Waiting {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Waiting {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        (self.due, self.number).cmp(&(other.due, other.number))
    }
}

impl Refusals {
    pub(super) fn new(delay: Duration) -> Self {
        Self { delay, waiting: BinaryHeap::new(), count: 0 }
    }

    /// Holds a refusal of a login that arrived at `arrived` and was decided at `now`.
    pub(super) fn hold(&mut self, arrived: Instant, now: Instant, id: RequestId, fields: Fields) {
        self.count += 1;
        let due = due(arrived, now, self.delay);
        self.waiting.push(Reverse(Waiting { due, number: self.count, id, fields }));
    }

    /// When the next one leaves.
    pub(super) fn next_due(&self) -> Option<Instant> {
        self.waiting.peek().map(|Reverse(waiting)| waiting.due)
    }

    /// The next one that is due, if any.
    pub(super) fn pop(&mut self, now: Instant) -> Option<(RequestId, Fields)> {
        if self.next_due()? > now {
            return None;
        }
        self.waiting.pop().map(|Reverse(waiting)| (waiting.id, waiting.fields))
    }

    /// Drops the refusal of a request that was cancelled: no answer is due, and what a peer starts and
    /// cancels must not pile up here.
    pub(super) fn forget(&mut self, id: RequestId) {
        self.waiting.retain(|Reverse(waiting)| waiting.id != id);
    }

    pub(super) fn is_empty(&self) -> bool {
        self.waiting.is_empty()
    }
}

fn due(arrived: Instant, now: Instant, delay: Duration) -> Instant {
    let taken = now.saturating_duration_since(arrived);
    arrived.checked_add(leaves_after(taken, delay)).unwrap_or(now)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_that_no_clock_reaches_leaves_at_once() {
        let (arrived, ms) = (Instant::now(), Duration::from_millis);
        let now = arrived + ms(5);
        assert_eq!(due(arrived, now, ms(2_000)), arrived + ms(2_000));
        assert_eq!(due(arrived, now, Duration::ZERO), now);
        assert_eq!(due(arrived, now, Duration::MAX), now);
    }

    #[test]
    fn the_earliest_leaves_first_and_none_early() {
        let start = Instant::now();
        let s = Duration::from_secs;
        let mut refusals = Refusals::new(s(2));
        refusals.hold(start + s(1), start + s(1), RequestId::new(1), Fields::new());
        refusals.hold(start, start, RequestId::new(2), Fields::new());
        assert_eq!(refusals.next_due(), Some(start + s(2)));
        assert!(refusals.pop(start + s(1)).is_none());
        assert_eq!(refusals.pop(start + s(9)).map(|(id, _)| id.number()), Some(2));
        assert_eq!(refusals.pop(start + s(9)).map(|(id, _)| id.number()), Some(1));
        assert!(refusals.is_empty());
    }

    #[test]
    fn a_cancelled_one_is_forgotten() {
        let start = Instant::now();
        let mut refusals = Refusals::new(Duration::from_secs(2));
        for number in 1..=3 {
            refusals.hold(start, start, RequestId::new(number), Fields::new());
        }
        refusals.forget(RequestId::new(2));
        let later = start + Duration::from_secs(2);
        let left = std::iter::from_fn(|| refusals.pop(later)).map(|(id, _)| id.number());
        assert_eq!(left.collect::<Vec<_>>(), [1, 3]);
    }
}
