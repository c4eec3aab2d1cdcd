//! A store in memory, with faults on demand.

use std::{
    collections::BTreeMap,
    sync::{Mutex, MutexGuard},
};

use crate::{
    base::{Mailbox, UnixMillis},
    decision::record::{MailboxRecord, Version, Versioned},
    ports::{
        BoxFuture,
        event::TrailEvent,
        store::{Change, Commit, Entry, EntryKey, Expect, Page, Store, StoreError, Watcher},
        trail::{Expired, Lane, Trail, TrailPage, TrailQuery},
    },
};

#[derive(Default)]
struct State {
    records: BTreeMap<Mailbox, Versioned<MailboxRecord>>,
    entries: BTreeMap<(Mailbox, &'static str, String), Versioned<Entry>>,
    notes: Vec<TrailEvent>,
    version: u64,
    fault: Option<StoreError>,
    conflicts: usize,
    damaged: Option<Mailbox>,
    fate: Fate,
    meanwhile: Option<(Moment, Vec<Change>)>,
}

/// When somebody else is there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Moment {
    /// Right after an entry of this kind was read.
    EntryRead(&'static str),
    /// Right after a commit was done.
    Committed,
}

/// What becomes of commits.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Fate {
    #[default]
    Done,
    /// Done, and nobody hears of it.
    Unanswered,
    /// Not done.
    Refused,
    /// Done, and the answer never comes.
    Hangs,
}

#[derive(Default)]
pub struct MemoryStore(Mutex<State>);

impl MemoryStore {
    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap()
    }

    pub fn record(&self, mailbox: &Mailbox) -> Option<MailboxRecord> {
        self.state().records.get(mailbox).map(|found| found.value.clone())
    }

    /// The kinds of all entries.
    pub fn kinds(&self) -> Vec<&'static str> {
        self.state().entries.keys().map(|(_, kind, _)| *kind).collect()
    }

    pub fn change(&self, mailbox: &Mailbox, change: impl FnOnce(&mut MailboxRecord)) {
        change(&mut self.state().records.get_mut(mailbox).unwrap().value);
    }

    /// All entries are gone, as if somebody else had taken them away.
    pub fn forget_entries(&self) {
        self.state().entries.clear();
    }

    /// The notes of changes, in their order.
    pub fn notes(&self) -> Vec<TrailEvent> {
        self.state().notes.clone()
    }

    /// Every call fails with this from now on.
    pub fn fail(&self, error: StoreError) {
        self.state().fault = Some(error);
    }

    /// So many commits meet a conflict.
    pub fn conflict(&self, times: usize) {
        self.state().conflicts = times;
    }

    /// This becomes of all commits from now on.
    pub fn commits(&self, fate: Fate) {
        self.state().fate = fate;
    }

    /// Somebody else does this, once, at the next such moment.
    pub fn meanwhile(&self, moment: Moment, changes: Vec<Change>) {
        self.state().meanwhile = Some((moment, changes));
    }

    /// Whether that moment has not come yet.
    pub fn is_waiting(&self) -> bool {
        self.state().meanwhile.is_some()
    }

    /// A listing cannot read this record.
    pub fn damage(&self, mailbox: &Mailbox) {
        self.state().damaged = Some(mailbox.clone());
    }
}

impl MemoryStore {
    fn apply(&self, changes: Vec<Change>) -> Result<Commit, StoreError> {
        let mut state = self.state();
        state.result(())?;
        if state.conflicts > 0 {
            state.conflicts -= 1;
            return Ok(Commit::Conflict);
        }
        if !changes.iter().all(|change| state.allows(change)) {
            return Ok(Commit::Conflict);
        }
        state.version += 1;
        let version = Version(state.version);
        for change in changes {
            state.apply(change);
        }
        state.passes(Moment::Committed);
        Ok(Commit::Done(version))
    }
}

fn name(key: &EntryKey) -> (Mailbox, &'static str, String) {
    (key.mailbox.clone(), key.kind, key.id.clone())
}

fn holds(found: Option<Version>, expect: Expect) -> bool {
    match expect {
        Expect::Absent => found.is_none(),
        Expect::Version(version) => found == Some(version),
    }
}

impl State {
    fn result<T>(&self, value: T) -> Result<T, StoreError> {
        self.fault.clone().map_or(Ok(value), Err)
    }

    fn allows(&self, change: &Change) -> bool {
        match change {
            Change::Mailbox { mailbox, expect, .. } => {
                holds(self.records.get(mailbox).map(|found| found.version), *expect)
            }
            Change::Entry { key, expect, .. } => {
                let found = self.entries.get(&name(key));
                expect.is_none_or(|expect| holds(found.map(|found| found.version), expect))
            }
            Change::Note(_) => true,
        }
    }

    fn passes(&mut self, moment: Moment) {
        if let Some((_, changes)) = self.meanwhile.take_if(|(due, _)| *due == moment) {
            self.version += 1;
            for change in changes {
                self.apply(change);
            }
        }
    }

    fn apply(&mut self, change: Change) {
        let version = Version(self.version);
        match change {
            Change::Mailbox { mailbox, record: Some(record), .. } => {
                self.records.insert(mailbox, Versioned { value: *record, version });
            }
            Change::Mailbox { mailbox, record: None, .. } => {
                self.records.remove(&mailbox);
            }
            Change::Entry { key, entry: Some(value), .. } => {
                self.entries.insert(name(&key), Versioned { value, version });
            }
            Change::Entry { key, entry: None, .. } => {
                self.entries.remove(&name(&key));
            }
            Change::Note(note) => self.notes.push(*note),
        }
    }
}

impl Store for MemoryStore {
    fn load<'a>(
        &'a self,
        mailbox: &'a Mailbox,
    ) -> BoxFuture<'a, Result<Option<Versioned<MailboxRecord>>, StoreError>> {
        Box::pin(async move {
            let state = self.state();
            state.result(state.records.get(mailbox).cloned())
        })
    }

    fn load_entry<'a>(
        &'a self,
        key: &'a EntryKey,
        now: UnixMillis,
    ) -> BoxFuture<'a, Result<Option<Versioned<Entry>>, StoreError>> {
        Box::pin(async move {
            let mut state = self.state();
            let found = state.entries.get(&name(key));
            let found = state.result(found.filter(|found| found.value.expires > now).cloned());
            state.passes(Moment::EntryRead(key.kind));
            found
        })
    }

    fn commit(&self, changes: Vec<Change>) -> BoxFuture<'_, Result<Commit, StoreError>> {
        Box::pin(async move {
            let fate = self.state().fate;
            if fate == Fate::Refused {
                return Err(StoreError::Unavailable("refused".into()));
            }
            let done = self.apply(changes);
            match fate {
                Fate::Done | Fate::Refused => done,
                Fate::Unanswered => Err(StoreError::Ambiguous("no answer".into())),
                Fate::Hangs => std::future::pending().await,
            }
        })
    }

    fn page<'a>(
        &'a self,
        after: Option<&'a Mailbox>,
        limit: usize,
    ) -> BoxFuture<'a, Result<Page, StoreError>> {
        Box::pin(async move {
            let state = self.state();
            let follows = |name: &Mailbox| after.is_none_or(|after| name > after);
            let read = |(name, found): (&Mailbox, &Versioned<MailboxRecord>)| {
                let damaged = state.damaged.as_ref() == Some(name);
                let damage = || Err(StoreError::Damaged("cannot be opened".into()));
                (name.clone(), if damaged { damage() } else { Ok(found.clone()) })
            };
            let found = state.records.iter().filter(|(name, _)| follows(name));
            state.result(found.take(limit).map(read).collect())
        })
    }

    fn entries<'a>(
        &'a self,
        kind: &'static str,
        after: Option<&'a Mailbox>,
        limit: usize,
    ) -> BoxFuture<'a, Result<Vec<Mailbox>, StoreError>> {
        Box::pin(async move {
            let state = self.state();
            let of_kind = state.entries.keys().filter(|(_, own, _)| *own == kind);
            let mut found: Vec<_> = of_kind.map(|(name, ..)| name.clone()).collect();
            found.sort();
            found.dedup();
            found.retain(|name| after.is_none_or(|after| name > after));
            found.truncate(limit);
            state.result(found)
        })
    }

    fn entries_of<'a>(
        &'a self,
        kind: &'static str,
        mailbox: &'a Mailbox,
        now: UnixMillis,
        limit: usize,
    ) -> BoxFuture<'a, Result<Vec<(String, Entry)>, StoreError>> {
        Box::pin(async move {
            let state = self.state();
            let own = state.entries.iter().filter(|((of, is, _), _)| of == mailbox && *is == kind);
            let first = own.take(limit).filter(|(_, found)| found.value.expires > now);
            let found = first.map(|((.., id), found)| (id.clone(), found.value.clone())).collect();
            state.result(found)
        })
    }

    fn purge(&self, _: UnixMillis) -> BoxFuture<'_, Result<usize, StoreError>> {
        Box::pin(async { Ok(0) })
    }

    fn watch(&self, _: Watcher) {}

    fn ping(&self) -> BoxFuture<'_, Result<(), StoreError>> {
        Box::pin(async { Ok(()) })
    }
}

/// Keeps the notes of changes only.
impl Trail for MemoryStore {
    fn append(&self, _: Lane, _: Vec<TrailEvent>) -> BoxFuture<'_, Result<(), StoreError>> {
        Box::pin(async { Ok(()) })
    }

    fn read<'a>(&'a self, _: &'a TrailQuery) -> BoxFuture<'a, Result<TrailPage, StoreError>> {
        Box::pin(async { Ok(TrailPage::default()) })
    }

    fn expire(&self, _: Lane, _: UnixMillis, _: u64) -> BoxFuture<'_, Result<Expired, StoreError>> {
        Box::pin(async { Ok(Expired::default()) })
    }
}
