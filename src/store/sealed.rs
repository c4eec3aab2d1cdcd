//! The store: mailbox records and entries, sealed, over any engine.
//!
//! This is what others have of it. `state.rs` holds what it is made of, `read.rs` reads, `commit.rs`
//! writes, `survey.rs` compares the records with the census, `open.rs` makes and opens a store.

use std::sync::Arc;

use super::{
    census::Shard,
    commit::{commit, purge},
    engine::{Engine, FatalNotice},
    state::{Health, Inner},
};
use crate::{
    base::{Mailbox, UnixMillis},
    decision::{
        digest::CredentialKey,
        record::{MailboxRecord, Version, Versioned},
    },
    ports::{
        BoxFuture,
        store::{Change, Commit, Entry, EntryKey, Page, Since, Store, StoreError, Watcher},
    },
};

/// A store over an engine. Cheap to clone; the engine ends with the last clone.
pub struct SealedStore<E: Engine> {
    pub(super) inner: Arc<Inner<E>>,
}

impl<E: Engine> Clone for SealedStore<E> {
    fn clone(&self) -> Self {
        Self { inner: Arc::clone(&self.inner) }
    }
}

impl<E: Engine> SealedStore<E> {
    /// Asks to be told, once, when the store has ended for good. The daemon then exits with an
    /// error, so that it is started again: a failed disk write is never tried again.
    pub fn on_fatal(&self, notice: FatalNotice) {
        self.inner.engine.on_fatal(notice);
    }

    /// The shards that are damaged, and why. Empty is good.
    pub fn damage(&self) -> Vec<(Shard, String)> {
        Shard::all()
            .filter_map(|shard| match self.inner.health(shard) {
                Health::Sound | Health::Unsettled => None,
                Health::Damaged(reason) => Some((shard, reason)),
            })
            .collect()
    }

    /// How many mailboxes have a record.
    pub fn records(&self) -> usize {
        self.inner.index.len()
    }

    /// The key of the hashes of app passwords, recovery codes and sessions.
    pub fn credential_key(&self) -> CredentialKey {
        self.inner.credentials.clone()
    }

    /// At most `limit` names of mailboxes with a record, those after `after` in their order.
    pub fn names(&self, after: Option<&Mailbox>, limit: usize) -> Vec<Mailbox> {
        self.inner.index.after(after, limit)
    }

    /// When the store was made.
    pub fn created(&self) -> UnixMillis {
        self.inner.created
    }

    /// The engine, for tests that damage it.
    pub fn engine(&self) -> &E {
        &self.inner.engine
    }
}

impl<E: Engine> Store for SealedStore<E> {
    fn load<'a>(
        &'a self,
        mailbox: &'a Mailbox,
    ) -> BoxFuture<'a, Result<Option<Versioned<MailboxRecord>>, StoreError>> {
        Box::pin(self.inner.load(mailbox))
    }

    fn load_entry<'a>(
        &'a self,
        key: &'a EntryKey,
        now: UnixMillis,
    ) -> BoxFuture<'a, Result<Option<Versioned<Entry>>, StoreError>> {
        Box::pin(self.inner.load_entry(key, now))
    }

    fn load_since<'a>(
        &'a self,
        mailbox: &'a Mailbox,
        version: Version,
    ) -> BoxFuture<'a, Result<Since, StoreError>> {
        Box::pin(self.inner.load_unless(mailbox, Some(version)))
    }

    fn commit(&self, changes: Vec<Change>) -> BoxFuture<'_, Result<Commit, StoreError>> {
        commit(&self.inner, changes)
    }

    fn page<'a>(
        &'a self,
        after: Option<&'a Mailbox>,
        limit: usize,
    ) -> BoxFuture<'a, Result<Page, StoreError>> {
        Box::pin(self.inner.page(after, limit))
    }

    fn entries<'a>(
        &'a self,
        kind: &'static str,
        after: Option<&'a Mailbox>,
        limit: usize,
    ) -> BoxFuture<'a, Result<Vec<Mailbox>, StoreError>> {
        Box::pin(self.inner.entries(kind, after, limit))
    }

    fn entries_of<'a>(
        &'a self,
        kind: &'static str,
        mailbox: &'a Mailbox,
        now: UnixMillis,
        limit: usize,
    ) -> BoxFuture<'a, Result<Vec<(String, Entry)>, StoreError>> {
        Box::pin(self.inner.entries_of(kind, mailbox, now, limit))
    }

    fn purge(&self, now: UnixMillis) -> BoxFuture<'_, Result<usize, StoreError>> {
        Box::pin(purge(&self.inner, now))
    }

    fn watch(&self, watcher: Watcher) {
        self.inner.watch(watcher);
    }

    fn ping(&self) -> BoxFuture<'_, Result<(), StoreError>> {
        self.inner.engine.sync()
    }
}
