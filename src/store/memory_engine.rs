//! An engine in memory, for tests and simulations, with faults on demand.
//!
//! It keeps every promise of [`Engine`] but the one about power loss.
//! [`MemoryEngine::reopen`] gives a second engine over the same data, as a restart would.

use std::{
    collections::BTreeMap,
    ops::Bound,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use futures_util::future;

use super::engine::{
    Engine, EngineCommit, FatalNotice, Key, Notice, Scan, Stored, WriteSet, check_set, end_of,
    holds,
};
use crate::{
    decision::record::Version,
    ports::{BoxFuture, store::StoreError},
};

/// Faults that are still to come. Each number counts down as the fault happens.
#[derive(Clone, Copy, Debug, Default)]
pub struct Faults {
    /// Commits that fail and change nothing.
    pub failing_commits: u32,
    /// Commits that happen and are answered `Ambiguous`.
    pub ambiguous_done: u32,
    /// Commits that do not happen and are answered `Ambiguous`.
    pub ambiguous_lost: u32,
    /// Reads and scans that fail.
    pub failing_reads: u32,
}

#[derive(Default)]
struct Data {
    keys: BTreeMap<Key, Stored>,
    last_version: u64,
    mark: u64,
}

#[derive(Default)]
struct State {
    faults: Faults,
    free_bytes: Option<u64>,
    dead: Option<String>,
    fatal: Vec<FatalNotice>,
}

/// An engine in memory.
#[derive(Default)]
pub struct MemoryEngine {
    data: Arc<Mutex<Data>>,
    state: Mutex<State>,
    notices: Mutex<Vec<Notice>>,
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl MemoryEngine {
    /// An empty engine.
    pub fn new() -> Self {
        Self::default()
    }

    /// A second engine over the same data, without the faults and notices of the first.
    #[must_use]
    pub fn reopen(&self) -> Self {
        Self { data: Arc::clone(&self.data), ..Self::default() }
    }

    /// Sets the faults to come.
    pub fn set_faults(&self, faults: Faults) {
        lock(&self.state).faults = faults;
    }

    /// Sets what [`Engine::free_bytes`] answers.
    pub fn set_free_bytes(&self, bytes: Option<u64>) {
        lock(&self.state).free_bytes = bytes;
    }

    /// Ends the engine, as a failed disk does.
    pub fn kill(&self, reason: &str) {
        let fatal = {
            let mut state = lock(&self.state);
            state.dead = Some(reason.into());
            std::mem::take(&mut state.fatal)
        };
        for notice in fatal {
            notice(reason);
        }
    }

    /// Removes a key behind the back of everybody, as damage does. Says whether it was there.
    pub fn lose(&self, key: &[u8]) -> bool {
        lock(&self.data).keys.remove(key).is_some()
    }

    /// Puts bytes under a key without a new version, as damage does.
    pub fn tamper(&self, key: &[u8], value: &[u8]) {
        if let Some(stored) = lock(&self.data).keys.get_mut(key) {
            stored.value = value.into();
        }
    }

    /// Everything that is stored, in order.
    pub fn dump(&self) -> Scan {
        lock(&self.data).keys.iter().map(|(k, v)| (k.clone(), v.clone())).collect()
    }

    /// Replaces everything that is stored, as a restored disk does. The mark stays.
    pub fn restore(&self, content: Scan) {
        lock(&self.data).keys = content.into_iter().collect();
    }

    fn check_alive(&self) -> Result<(), StoreError> {
        match &lock(&self.state).dead {
            Some(reason) => {
                Err(StoreError::Unavailable(format!("the store has stopped: {reason}")))
            }
            None => Ok(()),
        }
    }

    fn read_fault(&self) -> Result<(), StoreError> {
        self.check_alive()?;
        if count_down(&mut lock(&self.state).faults.failing_reads) {
            return Err(StoreError::Unavailable("a read was made to fail".into()));
        }
        Ok(())
    }

    fn apply(&self, set: WriteSet) -> Result<EngineCommit, StoreError> {
        check_set(&set)?;
        self.check_alive()?;
        let ambiguous_done = {
            let faults = &mut lock(&self.state).faults;
            if count_down(&mut faults.failing_commits) {
                return Err(StoreError::Unavailable("a commit was made to fail".into()));
            }
            if count_down(&mut faults.ambiguous_lost) {
                return Err(StoreError::Ambiguous("a commit was made to get lost".into()));
            }
            count_down(&mut faults.ambiguous_done)
        };
        let outcome = self.apply_now(set);
        if ambiguous_done {
            return Err(StoreError::Ambiguous("a commit's answer was made to get lost".into()));
        }
        Ok(outcome)
    }

    fn apply_now(&self, set: WriteSet) -> EngineCommit {
        let mut data = lock(&self.data);
        for (position, write) in set.writes.iter().enumerate() {
            if !holds(write.expect, data.keys.get(&write.key).map(|stored| stored.version)) {
                return EngineCommit::Conflict(position);
            }
        }
        data.last_version += 1;
        let version = Version(data.last_version);
        let mut changed = Vec::with_capacity(set.writes.len());
        for write in set.writes {
            changed.push(write.key.clone());
            match write.value {
                Some(value) => data.keys.insert(write.key, Stored { version, value }),
                None => data.keys.remove(&write.key),
            };
        }
        if set.mark {
            data.mark = version.0;
        }
        drop(data);
        let notices = lock(&self.notices).clone();
        for key in &changed {
            for notice in &notices {
                notice(key);
            }
        }
        EngineCommit::Done(version)
    }
}

fn count_down(left: &mut u32) -> bool {
    let due = *left > 0;
    *left = left.saturating_sub(1);
    due
}

/// The first of the rows, as long as they begin like this.
fn collect<'a>(
    rows: impl Iterator<Item = (&'a Key, &'a Stored)>,
    prefix: &[u8],
    limit: usize,
) -> Scan {
    rows.take_while(|(key, _)| key.starts_with(prefix))
        .take(limit)
        .map(|(key, stored)| (key.clone(), stored.clone()))
        .collect()
}

impl Engine for MemoryEngine {
    fn get<'a>(&'a self, key: &'a [u8]) -> BoxFuture<'a, Result<Option<Stored>, StoreError>> {
        let answer = self.read_fault().map(|()| lock(&self.data).keys.get(key).cloned());
        Box::pin(future::ready(answer))
    }

    fn scan<'a>(
        &'a self,
        prefix: &'a [u8],
        after: Option<&'a [u8]>,
        limit: usize,
    ) -> BoxFuture<'a, Result<Scan, StoreError>> {
        let start = match after {
            Some(key) if key >= prefix => Bound::Excluded(Key::from(key)),
            _ => Bound::Included(Key::from(prefix)),
        };
        let answer = self.read_fault().map(|()| {
            let data = lock(&self.data);
            collect(data.keys.range((start, Bound::Unbounded)), prefix, limit)
        });
        Box::pin(future::ready(answer))
    }

    fn scan_back<'a>(
        &'a self,
        prefix: &'a [u8],
        before: Option<&'a [u8]>,
        limit: usize,
    ) -> BoxFuture<'a, Result<Scan, StoreError>> {
        let end = match before.map(Key::from).or_else(|| end_of(prefix)) {
            // A range that ends before it begins is none.
            Some(end) => Bound::Excluded(end.max(Key::from(prefix))),
            None => Bound::Unbounded,
        };
        let answer = self.read_fault().map(|()| {
            let data = lock(&self.data);
            collect(data.keys.range((Bound::Included(Key::from(prefix)), end)).rev(), prefix, limit)
        });
        Box::pin(future::ready(answer))
    }

    fn commit(&self, set: WriteSet) -> BoxFuture<'_, Result<EngineCommit, StoreError>> {
        Box::pin(future::ready(self.apply(set)))
    }

    fn sync(&self) -> BoxFuture<'_, Result<(), StoreError>> {
        Box::pin(future::ready(self.check_alive()))
    }

    fn fell_back(&self) -> Option<String> {
        let data = lock(&self.data);
        let newest = data.keys.values().map(|stored| stored.version.0).max().unwrap_or(0);
        (newest < data.mark).then(|| super::folder::older_than_mark(newest, data.mark))
    }

    fn free_bytes(&self) -> Option<u64> {
        lock(&self.state).free_bytes
    }

    fn watch(&self, notice: Notice) {
        lock(&self.notices).push(notice);
    }

    fn on_fatal(&self, notice: FatalNotice) {
        let reason = {
            let mut state = lock(&self.state);
            match state.dead.clone() {
                None => {
                    state.fatal.push(notice);
                    return;
                }
                Some(reason) => reason,
            }
        };
        notice(&reason);
    }
}
