//! A store that fails as it is told.

use std::sync::{Arc, Mutex};

use mail2fa::{
    base::{Mailbox, UnixMillis},
    decision::record::{MailboxRecord, Versioned},
    ports::{
        BoxFuture,
        store::{Change, Commit, Entry, EntryKey, Page, Store, StoreError, Watcher},
    },
};

/// How it fails.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Fault {
    #[default]
    None,
    /// Nothing can be read.
    Unavailable,
    /// What is read is damaged.
    Damaged,
    /// Somebody else is always faster.
    Conflict,
    /// Nobody knows what became of a write.
    Ambiguous,
}

/// The store, and how it fails now.
pub struct Faulty {
    pub store: Arc<dyn Store>,
    pub fault: Mutex<Fault>,
}

impl Faulty {
    fn read(&self) -> Result<(), StoreError> {
        match *self.fault.lock().unwrap() {
            Fault::Unavailable => Err(StoreError::Unavailable("a test".into())),
            Fault::Damaged => Err(StoreError::Damaged("a test".into())),
            Fault::None | Fault::Conflict | Fault::Ambiguous => Ok(()),
        }
    }
}

impl Store for Faulty {
    fn load<'a>(
        &'a self,
        mailbox: &'a Mailbox,
    ) -> BoxFuture<'a, Result<Option<Versioned<MailboxRecord>>, StoreError>> {
        Box::pin(async {
            self.read()?;
            self.store.load(mailbox).await
        })
    }

    fn load_entry<'a>(
        &'a self,
        key: &'a EntryKey,
        now: UnixMillis,
    ) -> BoxFuture<'a, Result<Option<Versioned<Entry>>, StoreError>> {
        Box::pin(async move {
            self.read()?;
            self.store.load_entry(key, now).await
        })
    }

    fn commit(&self, changes: Vec<Change>) -> BoxFuture<'_, Result<Commit, StoreError>> {
        match *self.fault.lock().unwrap() {
            Fault::Conflict => Box::pin(async { Ok(Commit::Conflict) }),
            Fault::Ambiguous => Box::pin(async { Err(StoreError::Ambiguous("a test".into())) }),
            Fault::None | Fault::Unavailable | Fault::Damaged => self.store.commit(changes),
        }
    }

    fn page<'a>(
        &'a self,
        after: Option<&'a Mailbox>,
        limit: usize,
    ) -> BoxFuture<'a, Result<Page, StoreError>> {
        Box::pin(async move {
            self.read()?;
            self.store.page(after, limit).await
        })
    }

    fn entries<'a>(
        &'a self,
        kind: &'static str,
        after: Option<&'a Mailbox>,
        limit: usize,
    ) -> BoxFuture<'a, Result<Vec<Mailbox>, StoreError>> {
        self.store.entries(kind, after, limit)
    }

    fn entries_of<'a>(
        &'a self,
        kind: &'static str,
        mailbox: &'a Mailbox,
        now: UnixMillis,
        limit: usize,
    ) -> BoxFuture<'a, Result<Vec<(String, Entry)>, StoreError>> {
        self.store.entries_of(kind, mailbox, now, limit)
    }

    fn purge(&self, now: UnixMillis) -> BoxFuture<'_, Result<usize, StoreError>> {
        self.store.purge(now)
    }

    fn watch(&self, watcher: Watcher) {
        self.store.watch(watcher);
    }

    fn ping(&self) -> BoxFuture<'_, Result<(), StoreError>> {
        Box::pin(async {
            self.read()?;
            self.store.ping().await
        })
    }
}
