//! The audit trail port: events are appended in blocks, read newest first, and expire by age and
//! number.
//!
//! A change of a mailbox is told by [`Change::Note`](super::store::Change::Note), in the write set
//! of the change itself. Logins are appended here, by whoever collects them.
//!
//! Events are kept in lanes, so that what strangers can cause at will pushes out only its like.

use std::fmt;

use super::{BoxFuture, event::TrailEvent, store::StoreError};
use crate::base::{Mailbox, UnixMillis};

/// Names a block of events and orders blocks by time: milliseconds since 1970, then what tells
/// blocks of one millisecond apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Stamp(u128);

impl Stamp {
    /// Of a moment, and a number that no other block of that moment has.
    pub const fn new(at: UnixMillis, number: u64) -> Self {
        Self(((at.millis() as u128) << 64) | number as u128)
    }

    /// As it stands in keys.
    pub const fn bytes(self) -> [u8; 16] {
        self.0.to_be_bytes()
    }

    /// Out of a key.
    pub const fn from_bytes(bytes: [u8; 16]) -> Self {
        Self(u128::from_be_bytes(bytes))
    }

    /// When the block was written down.
    pub const fn at(self) -> UnixMillis {
        UnixMillis::from_millis((self.0 >> 64) as u64)
    }

    /// The one right after it.
    #[must_use]
    pub const fn next(self) -> Self {
        Self(self.0.saturating_add(1))
    }

    /// Reads what [`fmt::Display`] writes.
    pub fn parse(text: &str) -> Option<Self> {
        let plain = text.len() == 32 && text.bytes().all(|byte| byte.is_ascii_hexdigit());
        plain.then(|| u128::from_str_radix(text, 16).ok().map(Self)).flatten()
    }
}

impl fmt::Display for Stamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:032x}", self.0)
    }
}

/// Events that are kept and expire together.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Lane {
    /// Changes.
    Change,
    /// Logins that somebody made who knew the password.
    SignIn,
    /// Logins that anybody can cause to fail.
    Refused,
}

impl Lane {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Change, Self::SignIn, Self::Refused];
}

/// Events that were written together.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TrailBlock {
    /// Its name.
    pub stamp: Stamp,
    /// In the order in which they happened.
    pub events: Vec<TrailEvent>,
}

/// Which blocks to read.
#[derive(Clone, Debug)]
pub struct TrailQuery {
    /// Only blocks with an event that concerns this mailbox; they may hold others too.
    pub mailbox: Option<Mailbox>,
    /// Only these lanes.
    pub lanes: Vec<Lane>,
    /// Only blocks before this one.
    pub before: Option<Stamp>,
    /// Only blocks that were written then or later.
    pub since: UnixMillis,
    /// At most so many blocks.
    pub most: usize,
}

/// A page of the trail.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TrailPage {
    /// Newest first.
    pub blocks: Vec<TrailBlock>,
    /// Where the next page begins; `None` at the end.
    pub next: Option<Stamp>,
    /// Blocks that cannot be read; they were skipped.
    pub unreadable: usize,
}

/// What an expiry did.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Expired {
    /// Events that were removed.
    pub events: u64,
    /// Whether there may be more to remove.
    pub more: bool,
}

/// The audit trail.
pub trait Trail: Send + Sync {
    /// Adds events to a lane, in their order.
    ///
    /// # Errors
    ///
    /// Some of them may be there then. [`StoreError::Full`] while there is little room: the trail
    /// leaves the rest to logins and changes.
    fn append(&self, lane: Lane, events: Vec<TrailEvent>) -> BoxFuture<'_, Result<(), StoreError>>;

    /// Reads blocks, newest first. One that cannot be read is skipped and counted.
    fn read<'a>(&'a self, query: &'a TrailQuery) -> BoxFuture<'a, Result<TrailPage, StoreError>>;

    /// Removes the oldest blocks of a lane: those written before `before`, and those beyond the
    /// newest `keep` events. At most some thousands of events at a time.
    fn expire(
        &self,
        lane: Lane,
        before: UnixMillis,
        keep: u64,
    ) -> BoxFuture<'_, Result<Expired, StoreError>>;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stamps_are_ordered_by_time_and_read_back() {
        let at = |millis, number| Stamp::new(UnixMillis::from_millis(millis), number);
        assert!(at(1, u64::MAX) < at(2, 0) && at(2, 0) < at(2, 1));
        assert!(at(1, u64::MAX).bytes() < at(2, 0).bytes());
        assert_eq!(at(7, 3).at().millis(), 7);
        assert_eq!(Stamp::parse(&at(7, 3).to_string()), Some(at(7, 3)));
        for wrong in ["", "7", "+0000000000000000000000000000007", &"f".repeat(33)] {
            assert_eq!(Stamp::parse(wrong), None, "{wrong}");
        }
    }
}
