//! A store that is a map: it never fails, and a test puts into it what it wants.

use std::{
    collections::BTreeMap,
    future::ready,
    sync::{Mutex, MutexGuard},
};

use mail2fa::{
    base::{Mailbox, Secret, UnixMillis},
    decision::record::{MailboxRecord, Version, Versioned},
    ports::{
        BoxFuture,
        event::TrailEvent,
        store::{Change, Commit, Entry, EntryKey, Expect, Page, Store, StoreError, Watcher},
        trail::{Expired, Lane, Trail, TrailPage, TrailQuery},
    },
};

type Key = (&'static str, String, String);

/// What lies on it.
#[derive(Default)]
pub struct Shelf(Mutex<Kept>);

#[derive(Default)]
struct Kept {
    version: u64,
    records: BTreeMap<String, Versioned<MailboxRecord>>,
    entries: BTreeMap<Key, Versioned<Entry>>,
}

fn of(key: &EntryKey) -> Key {
    (key.kind, key.mailbox.to_string(), key.id.clone())
}

impl Shelf {
    fn kept(&self) -> MutexGuard<'_, Kept> {
        self.0.lock().unwrap()
    }

    /// Takes everything off.
    pub fn clear(&self) {
        *self.kept() = Kept::default();
    }

    /// Puts a record there, or takes it away.
    pub fn put(&self, name: &str, record: Option<MailboxRecord>) {
        let mut kept = self.kept();
        kept.version += 1;
        let version = Version(kept.version);
        match record {
            Some(value) => kept.records.insert(name.into(), Versioned { value, version }),
            None => kept.records.remove(name),
        };
    }

    /// Puts an entry there that does not end.
    pub fn put_entry(&self, kind: &'static str, name: &str, id: &str, value: &[u8]) {
        let mut kept = self.kept();
        kept.version += 1;
        let (value, expires) = (Secret::from_slice(value), UnixMillis::from_millis(u64::MAX));
        let version = Version(kept.version);
        let found = Versioned { value: Entry { value, expires }, version };
        kept.entries.insert((kind, name.into(), id.into()), found);
    }

    /// The record of a mailbox.
    pub fn record(&self, name: &str) -> Option<MailboxRecord> {
        self.kept().records.get(name).map(|found| found.value.clone())
    }

    /// All records.
    pub fn records(&self) -> BTreeMap<String, MailboxRecord> {
        let kept = self.kept();
        kept.records.iter().map(|(name, found)| (name.clone(), found.value.clone())).collect()
    }

    /// All entries of some kinds, with what they hold.
    pub fn entries(&self, fits: impl Fn(&str, &str) -> bool) -> Vec<(Key, Vec<u8>)> {
        let kept = self.kept();
        let fitting = kept.entries.iter().filter(|((kind, name, _), _)| fits(kind, name));
        fitting.map(|(key, found)| (key.clone(), found.value.value.expose().to_vec())).collect()
    }
}

impl Kept {
    fn holds(&self, change: &Change) -> bool {
        let (found, expect) = match change {
            Change::Mailbox { mailbox, expect, .. } => {
                (self.records.get(mailbox.as_str()).map(|found| found.version), Some(*expect))
            }
            Change::Entry { key, expect, .. } => {
                (self.entries.get(&of(key)).map(|found| found.version), *expect)
            }
            Change::Note(_) => (None, None),
        };
        match expect {
            None => true,
            Some(Expect::Absent) => found.is_none(),
            Some(Expect::Version(version)) => found == Some(version),
        }
    }

    fn commit(&mut self, changes: Vec<Change>) -> Commit {
        if !changes.iter().all(|change| self.holds(change)) {
            return Commit::Conflict;
        }
        self.version += 1;
        let version = Version(self.version);
        for change in changes {
            match change {
                Change::Mailbox { mailbox, record, .. } => {
                    let name = mailbox.to_string();
                    match record {
                        Some(value) => {
                            let value = *value;
                            self.records.insert(name, Versioned { value, version })
                        }
                        None => self.records.remove(&name),
                    };
                }
                Change::Entry { key, entry, .. } => {
                    match entry {
                        Some(value) => self.entries.insert(of(&key), Versioned { value, version }),
                        None => self.entries.remove(&of(&key)),
                    };
                }
                Change::Note(_) => {}
            }
        }
        Commit::Done(version)
    }
}

impl Store for Shelf {
    fn load<'a>(
        &'a self,
        mailbox: &'a Mailbox,
    ) -> BoxFuture<'a, Result<Option<Versioned<MailboxRecord>>, StoreError>> {
        Box::pin(ready(Ok(self.kept().records.get(mailbox.as_str()).cloned())))
    }

    fn load_entry<'a>(
        &'a self,
        key: &'a EntryKey,
        now: UnixMillis,
    ) -> BoxFuture<'a, Result<Option<Versioned<Entry>>, StoreError>> {
        let found = self.kept().entries.get(&of(key)).cloned();
        Box::pin(ready(Ok(found.filter(|found| found.value.expires > now))))
    }

    fn commit(&self, changes: Vec<Change>) -> BoxFuture<'_, Result<Commit, StoreError>> {
        Box::pin(ready(Ok(self.kept().commit(changes))))
    }

    fn page<'a>(
        &'a self,
        after: Option<&'a Mailbox>,
        limit: usize,
    ) -> BoxFuture<'a, Result<Page, StoreError>> {
        let kept = self.kept();
        let follows = |name: &str| after.is_none_or(|after| name > after.as_str());
        let found = kept.records.iter().filter(|(name, _)| follows(name)).take(limit);
        let page = found.map(|(name, found)| (Mailbox::new(name).unwrap(), Ok(found.clone())));
        Box::pin(ready(Ok(page.collect())))
    }

    fn entries<'a>(
        &'a self,
        _: &'static str,
        _: Option<&'a Mailbox>,
        _: usize,
    ) -> BoxFuture<'a, Result<Vec<Mailbox>, StoreError>> {
        Box::pin(ready(Ok(Vec::new())))
    }

    fn entries_of<'a>(
        &'a self,
        _: &'static str,
        _: &'a Mailbox,
        _: UnixMillis,
        _: usize,
    ) -> BoxFuture<'a, Result<Vec<(String, Entry)>, StoreError>> {
        Box::pin(ready(Ok(Vec::new())))
    }

    fn purge(&self, _: UnixMillis) -> BoxFuture<'_, Result<usize, StoreError>> {
        Box::pin(ready(Ok(0)))
    }

    fn watch(&self, _: Watcher) {}

    fn ping(&self) -> BoxFuture<'_, Result<(), StoreError>> {
        Box::pin(ready(Ok(())))
    }
}

/// A trail that keeps nothing.
impl Trail for Shelf {
    fn append(&self, _: Lane, _: Vec<TrailEvent>) -> BoxFuture<'_, Result<(), StoreError>> {
        Box::pin(ready(Ok(())))
    }

    fn read<'a>(&'a self, _: &'a TrailQuery) -> BoxFuture<'a, Result<TrailPage, StoreError>> {
        Box::pin(ready(Ok(TrailPage { blocks: Vec::new(), next: None, unreadable: 0 })))
    }

    fn expire(&self, _: Lane, _: UnixMillis, _: u64) -> BoxFuture<'_, Result<Expired, StoreError>> {
        Box::pin(ready(Ok(Expired::default())))
    }
}
