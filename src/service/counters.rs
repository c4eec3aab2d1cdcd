//! The counters of throttling: kept in memory while they are in use, in the store always.
//!
//! It decides nothing: what a failure does to a counter is `decision::throttle`'s. Here is that a
//! counter is read, changed and written by one login at a time, and that it is on disk before its
//! login is answered, so that neither a restart nor a refusal takes it back.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError, Weak},
};

use futures_util::lock::{Mutex as Gate, OwnedMutexGuard};
use quick_cache::sync::Cache;

use crate::{
    base::{Mailbox, Secret, UnixMillis, limits::THROTTLE_CACHE},
    decision::throttle::{self, Counter, Event, Key, ThrottlePolicy, View},
    ports::store::{Change, Entry, EntryKey, Store, StoreError},
};

/// Whose the counters of networks are. No login can have this name: a mailbox has no `@` in front.
const NETWORKS: &str = "@networks";

/// How often counters are written again because another login has changed them.
const WRITE_ATTEMPTS: usize = 64;

/// All counters of one store.
pub struct Counters {
    store: Arc<dyn Store>,
    /// What the store has, including that it has nothing. Every value was written before it is
    /// put here, or is being written by the login that put it; an abandoned login's is written by
    /// the next one.
    known: Cache<Key, Counter>,
    /// Held while counters are changed; never across an await.
    changing: Mutex<()>,
    /// One login at a time looks at the code of a mailbox.
    gates: Mutex<HashMap<Mailbox, Weak<Gate<()>>>>,
}

impl Counters {
    /// Over a store.
    pub fn new(store: Arc<dyn Store>) -> Self {
        Self {
            store,
            known: Cache::new(THROTTLE_CACHE),
            changing: Mutex::new(()),
            gates: Mutex::default(),
        }
    }

    /// Waits until no other login looks at a code of this mailbox; the next one waits for the guard.
    pub async fn enter(&self, mailbox: &Mailbox) -> OwnedMutexGuard<()> {
        let gate = {
            let mut gates = self.gates.lock().unwrap_or_else(PoisonError::into_inner);
            gates.retain(|_, gate| gate.strong_count() > 0);
            if let Some(gate) = gates.get(mailbox).and_then(Weak::upgrade) {
                gate
            } else {
                let gate = Arc::new(Gate::new(()));
                gates.insert(mailbox.clone(), Arc::downgrade(&gate));
                gate
            }
        };
        gate.lock_owned().await
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
        let (view, settled) = {
            let _changing = self.changing.lock().unwrap_or_else(PoisonError::into_inner);
            let view = loaded.updated(self.current(keys));
            let settled = throttle::settle(policy, &view, now);
            // Into memory first: what is written is what is there.
            self.keep(&settled);
            (view.updated(self.current(keys)), settled)
        };
        self.write(policy, settled).await?;
        Ok(view)
    }

    /// Counts what came out of a login.
    pub async fn count(
        &self,
        policy: &ThrottlePolicy,
        keys: &[Key],
        event: Event,
        now: UnixMillis,
    ) -> Result<(), StoreError> {
        let loaded = self.load(keys, now).await?;
        let changed = {
            let _changing = self.changing.lock().unwrap_or_else(PoisonError::into_inner);
            // What another login has changed since is in `known`; what was pushed out of it
            // meanwhile was written, and is as it was loaded.
            let view = loaded.updated(self.current(keys));
            let changed = throttle::after(policy, &view, event, now);
            self.keep(&changed);
            changed
        };
        self.write(policy, changed).await
    }

    /// The same for a login that nobody waits for any more, in memory only: the next change of a
    /// counter writes it. Counters that are not in memory are left as they are.
    pub fn count_abandoned(
        &self,
        policy: &ThrottlePolicy,
        keys: &[Key],
        event: Event,
        now: UnixMillis,
    ) {
        let _changing = self.changing.lock().unwrap_or_else(PoisonError::into_inner);
        let current = self.current(keys);
        if current.iter().all(|(_, counter)| counter.is_some()) {
            self.keep(&throttle::after(policy, &View::new(current), event, now));
        }
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

    async fn load(&self, keys: &[Key], now: UnixMillis) -> Result<View, StoreError> {
        let mut counters = Vec::with_capacity(keys.len());
        for key in keys {
            let counter = match self.known.get(key) {
                Some(counter) => counter,
                None => self.read(key, now).await?,
            };
            counters.push((key.clone(), Some(counter)));
        }
        Ok(View::new(counters))
    }

    async fn read(&self, key: &Key, now: UnixMillis) -> Result<Counter, StoreError> {
        let counter = match self.store.load_entry(&entry_key(key)?, now).await? {
            None => Counter::default(),
            // A counter that cannot be read must not be an empty one.
            Some(entry) => Counter::decode(entry.value.value.expose())
                .map_err(|error| StoreError::Damaged(format!("a throttling counter: {error}")))?,
        };
        let _changing = self.changing.lock().unwrap_or_else(PoisonError::into_inner);
        // Somebody may have read and changed it meanwhile.
        if let Some(newer) = self.known.get(key) {
            return Ok(newer);
        }
        self.known.insert(key.clone(), counter.clone());
        Ok(counter)
    }

    async fn write(
        &self,
        policy: &ThrottlePolicy,
        counters: Vec<(Key, Counter)>,
    ) -> Result<(), StoreError> {
        if counters.is_empty() {
            return Ok(());
        }
        let mut written = counters;
        for _ in 0..WRITE_ATTEMPTS {
            // The latest values, whoever made them.
            for (key, counter) in &mut written {
                *counter = self.known.get(key).unwrap_or_else(|| counter.clone());
            }
            let changes = written
                .iter()
                .map(|(key, counter)| {
                    let value = Secret::from_vec(counter.encode());
                    let entry = Entry { value, expires: counter.expires(policy) };
                    Ok(Change::Entry { key: entry_key(key)?, expect: None, entry: Some(entry) })
                })
                .collect::<Result<Vec<_>, StoreError>>()?;
            // Nothing is expected of the entries, so there is no conflict.
            let _ = self.store.commit(changes).await?;
            // Two logins may have committed in the other order than they counted. Whoever finds
            // that there is something newer than what it wrote writes again, so the last is right.
            let current = |(key, counter): &(Key, Counter)| {
                self.known.get(key).is_none_or(|known| known == *counter)
            };
            if written.iter().all(current) {
                return Ok(());
            }
        }
        Err(StoreError::Unavailable("the throttling counters do not stand still".into()))
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
