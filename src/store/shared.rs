//! What the sled engine's writer and its readers share: the cache of what is durable, what is
//! under way, and whether the store has ended.

use std::{
    collections::HashMap,
    sync::{Mutex, MutexGuard, OnceLock, PoisonError},
};

use quick_cache::{Weighter, sync::Cache};

use super::engine::{FatalNotice, Key, Notice, Stored};
use crate::{
    base::limits::{RECORD_CACHE, RECORD_CACHE_BYTES},
    ports::store::StoreError,
};

/// Weighs what is cached by the memory it takes, roughly.
#[derive(Clone)]
pub(super) struct Bytes;

impl Weighter<Key, Stored> for Bytes {
    fn weight(&self, key: &Key, stored: &Stored) -> u64 {
        (key.len() + stored.value.len() + 128) as u64
    }
}

/// What the writer and the readers share.
pub(super) struct Shared {
    /// Acknowledged values, so that a hot key costs no thread hop.
    pub(super) cache: Cache<Key, Stored, Bytes>,
    pending: Mutex<Pending>,
    dead: OnceLock<String>,
    fatal: Mutex<Vec<FatalNotice>>,
    notices: Mutex<Vec<Notice>>,
}

/// What has been applied and is not durable yet.
#[derive(Default)]
pub(super) struct Pending {
    /// The durable value of each key that the present group changes.
    pub(super) before: HashMap<Key, Option<Stored>>,
    /// Counts the writes, so that a reader notices one that passed it.
    pub(super) writes: u64,
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Shared {
    pub(super) fn new() -> Self {
        Self {
            cache: Cache::with_weighter(RECORD_CACHE, RECORD_CACHE_BYTES, Bytes),
            pending: Mutex::default(),
            dead: OnceLock::new(),
            fatal: Mutex::default(),
            notices: Mutex::default(),
        }
    }

    pub(super) fn pending(&self) -> MutexGuard<'_, Pending> {
        lock(&self.pending)
    }

    pub(super) fn check_alive(&self) -> Result<(), StoreError> {
        match self.dead.get() {
            Some(reason) => {
                Err(StoreError::Unavailable(format!("the store has stopped: {reason}")))
            }
            None => Ok(()),
        }
    }

    pub(super) fn watch(&self, notice: Notice) {
        lock(&self.notices).push(notice);
    }

    pub(super) fn notices(&self) -> Vec<Notice> {
        lock(&self.notices).clone()
    }

    pub(super) fn on_fatal(&self, notice: FatalNotice) {
        let mut waiting = lock(&self.fatal);
        match self.dead.get() {
            None => waiting.push(notice),
            Some(reason) => {
                drop(waiting);
                notice(reason);
            }
        }
    }

    /// Ends the store. The first reason stays.
    pub(super) fn die(&self, reason: String) {
        let waiting = {
            let mut waiting = lock(&self.fatal);
            let _ = self.dead.set(reason);
            std::mem::take(&mut *waiting)
        };
        let reason = self.dead.get().map_or("", String::as_str);
        tracing::error!(reason, "the store has stopped");
        for notice in waiting {
            notice(reason);
        }
    }
}
