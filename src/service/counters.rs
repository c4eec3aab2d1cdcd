//! The counters of throttling: kept in memory while they are in use, in the store always.
//!
//! It decides nothing: what a failure does to a counter is `decision::throttle`'s. Here is that a
//! counter is read, changed and written by one login at a time, and that it is on disk before its
//! login is answered, so that neither a restart nor a refusal takes it back.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use futures_util::future;
use quick_cache::sync::Cache;

use super::gates::{Entered, Gates};
use crate::{
    base::{Mailbox, Secret, UnixMillis, limits::THROTTLE_CACHE},
    decision::{
        flow::Count,
        throttle::{self, Counter, Event, Key, ThrottlePolicy, View},
    },
    ports::{
        BoxFuture,
        store::{Change, Commit, Entry, EntryKey, Store, StoreError},
    },
};

/// Whose the counters of networks are. No login can have this name: a mailbox has no `@` in front.
const NETWORKS: &str = "@networks";

/// A commit that is on its way.
type Sent<'a> = BoxFuture<'a, Result<Commit, StoreError>>;

/// All counters of one store.
pub struct Counters {
    store: Arc<dyn Store>,
    /// What the store has, including that it has nothing, or is about to have: a failure is put here
    /// as it is sent to the store, a success when the store has it. An abandoned login's is written
    /// by the next one.
    known: Cache<Key, Counter>,
    /// Held while counters are changed and sent to the store; never across an await.
    changing: Mutex<()>,
    gates: Gates,
}

impl Counters {
    /// Over a store.
    pub fn new(store: Arc<dyn Store>) -> Self {
        Self {
            store,
            known: Cache::new(THROTTLE_CACHE),
            changing: Mutex::new(()),
            gates: Gates::default(),
        }
    }

    /// Waits until no other login looks at a code of this mailbox; the next one waits for this one.
    pub async fn enter(&self, mailbox: &Mailbox) -> Entered {
        self.gates.enter(mailbox).await
    }

    /// The counters of these keys. What lies in the future because the clock was set back is
    /// moved to the present first.
    pub async fn view(
        &self,
        policy: &ThrottlePolicy,
        keys: &[Key],
        now: UnixMillis,
    ) -> Result<View, StoreError> {
        let loaded = self.load(keys, now).await?;
        let (view, sent) = {
            let _changing = self.changing();
            let view = loaded.updated(self.current(keys));
            let settled = throttle::settle(policy, &view, now);
            if settled.is_empty() {
                return Ok(view);
            }
            self.keep(&settled);
            (view.updated(self.current(keys)), self.send(policy, None, &settled)?)
        };
        done(sent.await?)?;
        Ok(view)
    }

    /// Counts what came out of a login. What must last is on disk when this returns; the rest is in
    /// memory, and goes to disk with the next change of its counter that must.
    pub async fn count(
        &self,
        policy: &ThrottlePolicy,
        count: &Count,
        now: UnixMillis,
    ) -> Result<(), StoreError> {
        let loaded = self.load(&count.keys, now).await?;
        let sent = {
            let _changing = self.changing();
            // What another login has changed since is in `known`; what was pushed out of it
            // meanwhile was written, and is as it was loaded.
            let view = loaded.updated(self.current(&count.keys));
            let changed = throttle::after(policy, &view, count.event, now);
            if changed.is_empty() {
                return Ok(());
            }
            // Into memory first, so that whoever counts next counts on top of it.
            self.keep(&changed);
            let lasting = lasting(count.event, &changed);
            if lasting.is_empty() {
                return Ok(());
            }
            self.send(policy, None, &lasting)?
        };
        done(sent.await?)
    }

    /// Writes a change and counts with it, in one write set: both are on disk, or neither. After a
    /// conflict nothing is counted, in memory neither.
    pub async fn commit_and_count(
        &self,
        policy: &ThrottlePolicy,
        change: Change,
        count: &Count,
        now: UnixMillis,
    ) -> Result<Commit, StoreError> {
        let loaded = self.load(&count.keys, now).await?;
        let (view, changed, sent) = {
            let _changing = self.changing();
            let view = loaded.updated(self.current(&count.keys));
            let changed = throttle::after(policy, &view, count.event, now);
            let sent = self.send(policy, Some(change), &lasting(count.event, &changed))?;
            (view, changed, sent)
        };
        let commit = sent.await?;
        let sent = match commit {
            Commit::Done(_) => self.counted(policy, view, changed, count, now)?,
            Commit::Conflict => None,
        };
        if let Some(sent) = sent {
            done(sent.await?)?;
        }
        Ok(commit)
    }

    /// Takes into memory what was written with a change. Until then it was in no one's way, so another
    /// login may have counted meanwhile without it: then it is counted once more, on top of that.
    fn counted(
        &self,
        policy: &ThrottlePolicy,
        view: View,
        changed: Vec<(Key, Counter)>,
        count: &Count,
        now: UnixMillis,
    ) -> Result<Option<Sent<'_>>, StoreError> {
        let _changing = self.changing();
        let overtaken = |(key, _): &(Key, Counter)| {
            self.known.get(key).is_some_and(|known| view.get(key) != Some(&known))
        };
        if changed.iter().any(overtaken) {
            let view = view.updated(self.current(&count.keys));
            let changed = throttle::after(policy, &view, count.event, now);
            self.keep(&changed);
            let lasting = lasting(count.event, &changed);
            return (!lasting.is_empty()).then(|| self.send(policy, None, &lasting)).transpose();
        }
        // What was pushed out of memory stays out: the store may have something newer.
        let there = changed.into_iter().filter(|(key, _)| self.known.get(key).is_some());
        self.keep(&there.collect::<Vec<_>>());
        Ok(None)
    }

    /// The same for a login that nobody waits for any more, in memory only: the next change of a
    /// counter writes it. Counters that are not in memory are left as they are.
    pub fn count_abandoned(&self, policy: &ThrottlePolicy, count: &Count, now: UnixMillis) {
        let _changing = self.changing();
        let current = self.current(&count.keys);
        if current.iter().all(|(_, counter)| counter.is_some()) {
            self.keep(&throttle::after(policy, &View::new(current), count.event, now));
        }
    }

    fn changing(&self) -> MutexGuard<'_, ()> {
        self.changing.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What is in memory now; call with `changing` held.
    fn current(&self, keys: &[Key]) -> Vec<(Key, Option<Counter>)> {
        keys.iter().map(|key| (key.clone(), self.known.get(key))).collect()
    }

    /// Takes changed counters into memory; call with `changing` held.
    fn keep(&self, changed: &[(Key, Counter)]) {
        for (key, counter) in changed {
            self.known.insert(key.clone(), counter.clone());
        }
    }

    /// Sends counters to the store, with a change of something else if there is one; call with
    /// `changing` held. So the order of the writes is the order of the counts, and an older value
    /// never follows a newer one. Nothing is expected of counters: alone they conflict with nothing.
    fn send(
        &self,
        policy: &ThrottlePolicy,
        change: Option<Change>,
        counters: &[(Key, Counter)],
    ) -> Result<Sent<'_>, StoreError> {
        let mut changes = Vec::with_capacity(1 + counters.len());
        changes.extend(change);
        for (key, counter) in counters {
            let value = Secret::from_vec(counter.encode());
            let entry = Entry { value, expires: counter.expires(policy) };
            changes.push(Change::Entry { key: entry_key(key)?, expect: None, entry: Some(entry) });
        }
        Ok(self.store.commit(changes))
    }

    /// The counters from memory, and from the store where memory does not have them.
    async fn load(&self, keys: &[Key], now: UnixMillis) -> Result<View, StoreError> {
        let mut counters = self.current(keys);
        let missing = counters.iter_mut().filter(|(_, counter)| counter.is_none());
        let reads = missing.map(|(key, counter)| async move {
            *counter = Some(self.read(key, now).await?);
            Ok::<_, StoreError>(())
        });
        // At once: one counter takes no longer to read than all of them.
        future::try_join_all(reads).await?;
        Ok(View::new(counters))
    }

    async fn read(&self, key: &Key, now: UnixMillis) -> Result<Counter, StoreError> {
        let counter = match self.store.load_entry(&entry_key(key)?, now).await? {
            None => Counter::default(),
            // A counter that cannot be read must not be an empty one.
            Some(entry) => Counter::decode(entry.value.value.expose())
                .map_err(|error| StoreError::Damaged(format!("a throttling counter: {error}")))?,
        };
        let _changing = self.changing();
        // Somebody may have read and changed it meanwhile.
        if let Some(newer) = self.known.get(key) {
            return Ok(newer);
        }
        self.known.insert(key.clone(), counter.clone());
        Ok(counter)
    }
}

/// The counters that must be on disk before the login is answered.
fn lasting(event: Event, changed: &[(Key, Counter)]) -> Vec<(Key, Counter)> {
    changed.iter().filter(|(_, counter)| throttle::must_last(event, counter)).cloned().collect()
}

/// Counters alone are written on no condition, so nothing can be in their way.
fn done(commit: Commit) -> Result<(), StoreError> {
    match commit {
        Commit::Done(_) => Ok(()),
        Commit::Conflict => Err(StoreError::Unavailable("a counter was not written".into())),
    }
}

pub(super) fn entry_key(key: &Key) -> Result<EntryKey, StoreError> {
    let mailbox = match key.mailbox() {
        Some(mailbox) => mailbox.clone(),
        None => {
            Mailbox::new(NETWORKS).map_err(|error| StoreError::Unavailable(error.to_string()))?
        }
    };
    Ok(EntryKey { kind: key.kind(), mailbox, id: key.id() })
}
