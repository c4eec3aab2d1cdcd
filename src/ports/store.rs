//! The store port: mailbox records with versions, compare-and-swap, small atomic write sets,
//! entries that expire, ordered paged scans, change notices.
//!
//! The words are chosen so that a cluster store (etcd, PostgreSQL) fits behind it: nothing here
//! assumes one process or one disk. In particular a commit that timed out is *ambiguous*; its
//! error is [`StoreError::Ambiguous`] and the caller fails closed.

use std::sync::Arc;

use super::{BoxFuture, event::TrailEvent};
use crate::{
    base::{Mailbox, Secret, UnixMillis},
    decision::record::{MailboxRecord, Version, Versioned},
};

/// Why the store gave no answer. None of these says anything about a mailbox.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum StoreError {
    /// The store cannot be reached or is overloaded; trying again may help.
    #[error("the store is unavailable: {0}")]
    Unavailable(String),
    /// Something that must be there is missing, or is not what was written.
    #[error("the store is damaged: {0}")]
    Damaged(String),
    /// No room left.
    #[error("the store's disk is full: {0}")]
    Full(String),
    /// The write may or may not have happened.
    #[error("the outcome of a write is unknown: {0}")]
    Ambiguous(String),
    /// The record or write set is larger than the store takes.
    #[error("too large for the store: {0}")]
    TooLarge(String),
}

/// What must be true of a key for a write set to happen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Expect {
    /// There is no value.
    Absent,
    /// The value has exactly this version.
    Version(Version),
}

/// One change of a write set.
#[derive(Clone, Debug)]
pub enum Change {
    /// Writes (`Some`) or removes (`None`) a mailbox record.
    Mailbox {
        /// Whose record.
        mailbox: Mailbox,
        /// Condition.
        expect: Expect,
        /// The new record.
        record: Option<Box<MailboxRecord>>,
    },
    /// Writes or removes an entry that expires.
    Entry {
        /// Which entry.
        key: EntryKey,
        /// Condition; `None` writes whatever is there.
        expect: Option<Expect>,
        /// The new value.
        entry: Option<Entry>,
    },
    /// Tells the audit trail of what the set does; it is there if, and only if, the rest is.
    Note(Box<TrailEvent>),
}

/// Names an expiring entry: what it is for, whose it is.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct EntryKey {
    /// What the entry is for; a constant of the code, ASCII lower case, e.g. `enrolment`.
    pub kind: &'static str,
    /// Whose it is.
    pub mailbox: Mailbox,
    /// Distinguishes several of one kind and mailbox; may be empty. ASCII without `/`.
    pub id: String,
}

/// A value that stops existing at a moment. Its expiry is part of the value and checked on read,
/// so that no timer has to run for it to end.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// The content; sealed at rest.
    pub value: Secret,
    /// From this moment on the entry does not exist.
    pub expires: UnixMillis,
}

/// What became of a write set: all of it or nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use]
pub enum Commit {
    /// All changes are on disk; every key written has this version now.
    Done(Version),
    /// An expectation did not hold; nothing was written.
    Conflict,
}

/// What became of a record since it was read.
#[derive(Clone, Debug)]
pub enum Since {
    /// It still has that version, so it is what was read: versions never come back.
    Same,
    /// This is there now.
    Changed(Option<Versioned<MailboxRecord>>),
}

/// Mailboxes in their order, each with its record or why it cannot be read.
pub type Page = Vec<(Mailbox, Result<Versioned<MailboxRecord>, StoreError>)>;

/// Called after a record has changed (from any process, in a cluster).
pub type Watcher = Arc<dyn Fn(&Mailbox) + Send + Sync>;

/// The store.
pub trait Store: Send + Sync {
    /// Reads a mailbox's record. `Ok(None)` says that there surely is none: a store that may have
    /// lost it answers [`StoreError::Damaged`].
    fn load<'a>(
        &'a self,
        mailbox: &'a Mailbox,
    ) -> BoxFuture<'a, Result<Option<Versioned<MailboxRecord>>, StoreError>>;

    /// Reads an entry; an expired one is `None`.
    fn load_entry<'a>(
        &'a self,
        key: &'a EntryKey,
        now: UnixMillis,
    ) -> BoxFuture<'a, Result<Option<Versioned<Entry>>, StoreError>>;

    /// As [`Store::load`], for a record that was read at this version: nothing is read or opened
    /// when it still has it. (etcd: a read on condition that the revision is another one.)
    fn load_since<'a>(
        &'a self,
        mailbox: &'a Mailbox,
        version: Version,
    ) -> BoxFuture<'a, Result<Since, StoreError>> {
        Box::pin(async move {
            Ok(match self.load(mailbox).await? {
                Some(record) if record.version == version => Since::Same,
                now => Since::Changed(now),
            })
        })
    }

    /// Does all changes or none; when it returns `Done` they survive a power loss.
    ///
    /// The order of the calls is the order of the writes: of two commits by one process that
    /// write the same entry, that of the later call stays, whichever is awaited first. Dropping the
    /// future takes nothing back. Only sets that add, remove, enrol or disenrol a mailbox may be
    /// written later than they were asked for.
    fn commit(&self, changes: Vec<Change>) -> BoxFuture<'_, Result<Commit, StoreError>>;

    /// The records whose names follow `after` in order, at most `limit` of them. A record that
    /// cannot be read is an error of its own in the page and does not hide the ones after it.
    fn page<'a>(
        &'a self,
        after: Option<&'a Mailbox>,
        limit: usize,
    ) -> BoxFuture<'a, Result<Page, StoreError>>;

    /// The mailboxes that have an entry of a kind and follow `after` in order, at most `limit` of them. An
    /// entry that has expired may still count.
    fn entries<'a>(
        &'a self,
        kind: &'static str,
        after: Option<&'a Mailbox>,
        limit: usize,
    ) -> BoxFuture<'a, Result<Vec<Mailbox>, StoreError>>;

    /// The entries of a kind that a mailbox has, in the order of their ids, each with its id, of the first
    /// `limit` those that have not expired by `now` and can be read.
    fn entries_of<'a>(
        &'a self,
        kind: &'static str,
        mailbox: &'a Mailbox,
        now: UnixMillis,
        limit: usize,
    ) -> BoxFuture<'a, Result<Vec<(String, Entry)>, StoreError>>;

    /// Removes entries that expired before `now`; returns how many.
    fn purge(&self, now: UnixMillis) -> BoxFuture<'_, Result<usize, StoreError>>;

    /// Calls the watcher after each change of a mailbox record, from now on.
    fn watch(&self, watcher: Watcher);

    /// One round trip through the writer: proves that a write would be taken. Feeds the watchdog.
    fn ping(&self) -> BoxFuture<'_, Result<(), StoreError>>;
}
