//! What a store has in memory: its engine and keys, the names that exist, and what each shard is
//! good for.
//!
//! It reads and writes nothing; `read.rs`, `commit.rs`, `survey.rs`, `repair.rs` and `trail.rs` do.

use std::sync::{
    Arc, Mutex, PoisonError, RwLock,
    atomic::{AtomicBool, AtomicU64, Ordering},
};

use super::{
    census::{Census, NameDigests, Shard},
    engine::Engine,
    index::Index,
    keys,
    seal::Sealer,
};
use crate::{
    base::{Mailbox, UnixMillis, limits::CENSUS_SHARDS},
    decision::{digest::CredentialKey, record::Version},
    ports::{
        store::{StoreError, Watcher},
        trail::Lane,
    },
};

/// What a shard is good for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Health {
    /// The census agrees with the records.
    Sound,
    /// The outcome of a write is not known; the next one who needs the shard finds out.
    Unsettled,
    /// The census does not agree, for this reason.
    Damaged(String),
}

/// The census of a shard as it stands in the engine.
#[derive(Clone, Copy, Debug)]
pub(super) struct Kept {
    pub(super) census: Census,
    pub(super) version: Version,
}

/// A shard.
pub(super) struct ShardState {
    /// Held by whoever adds, removes, enrols or disenrols a mailbox of this shard, and by whoever
    /// compares it. `None` while the census cannot be read.
    pub(super) kept: tokio::sync::Mutex<Option<Kept>>,
    health: Mutex<Health>,
}

/// The shared part of a store.
pub(super) struct Inner<E: Engine> {
    pub(super) engine: E,
    pub(super) sealer: Sealer,
    pub(super) names: NameDigests,
    pub(super) index: Index,
    pub(super) credentials: CredentialKey,
    pub(super) created: UnixMillis,
    pub(super) trail: TrailState,
    shards: [ShardState; CENSUS_SHARDS],
    /// Whether all of the data is older than what was acknowledged.
    fell_back: AtomicBool,
    /// Whether some shard is not sound, so that the common case looks at one flag.
    trouble: AtomicBool,
    watchers: Arc<RwLock<Vec<Watcher>>>,
}

/// What a process knows of the trail.
pub(super) struct TrailState {
    /// Tells blocks of one millisecond apart.
    pub(super) number: AtomicU64,
    /// The number of the next event in each lane, once it was looked up.
    pub(super) next: Mutex<[Option<u64>; Lane::ALL.len()]>,
    /// Whether a block that cannot be read was told of.
    pub(super) told: AtomicBool,
}

impl TrailState {
    /// Of a process whose blocks are told from those of others by this number.
    pub(super) fn new(process: u32) -> Self {
        Self {
            number: AtomicU64::new(u64::from(process) << 32),
            next: Mutex::default(),
            told: AtomicBool::new(false),
        }
    }
}

impl<E: Engine> Inner<E> {
    pub(super) fn new(
        engine: E,
        sealer: Sealer,
        names: NameDigests,
        credentials: CredentialKey,
        created: UnixMillis,
        trail: TrailState,
    ) -> Arc<Self> {
        let watchers = Arc::<RwLock<Vec<Watcher>>>::default();
        let told = Arc::clone(&watchers);
        engine.watch(Arc::new(move |key| {
            if let Some(mailbox) = keys::record_name(key) {
                let watchers = told.read().unwrap_or_else(PoisonError::into_inner);
                watchers.iter().for_each(|watcher| watcher(&mailbox));
            }
        }));
        Arc::new(Self {
            engine,
            sealer,
            names,
            index: Index::default(),
            credentials,
            created,
            trail,
            shards: std::array::from_fn(|_| ShardState {
                kept: tokio::sync::Mutex::new(None),
                health: Mutex::new(Health::Sound),
            }),
            fell_back: AtomicBool::new(false),
            trouble: AtomicBool::new(false),
            watchers,
        })
    }

    /// Notes that all of the data is older than what was acknowledged.
    pub(super) fn note_fall_back(&self, reason: &str) {
        self.fell_back.store(true, Ordering::Release);
        for shard in Shard::all() {
            self.set_health(shard, Health::Damaged(reason.into()));
        }
    }

    /// Notes that an administrator goes on with older data.
    pub(super) fn accept_fall_back(&self) {
        self.fell_back.store(false, Ordering::Release);
    }

    /// An error when all of the data is older than what was acknowledged: then codes that were
    /// used count as unused, so nothing is served or written.
    pub(super) fn check_current(&self) -> Result<(), StoreError> {
        if self.fell_back.load(Ordering::Acquire) {
            return Err(StoreError::Damaged("all data fell back to an older state".into()));
        }
        Ok(())
    }

    #[expect(clippy::indexing_slicing, reason = "a shard's number is below CENSUS_SHARDS")]
    pub(super) fn shard(&self, shard: Shard) -> &ShardState {
        &self.shards[usize::from(shard.number())]
    }

    pub(super) fn health(&self, shard: Shard) -> Health {
        if !self.trouble.load(Ordering::Acquire) {
            return Health::Sound;
        }
        self.shard(shard).health.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    pub(super) fn set_health(&self, shard: Shard, health: Health) {
        if let Health::Damaged(reason) = &health {
            tracing::error!(
                shard = shard.number(),
                reason,
                "the store is damaged: logins of this shard that need no code are refused"
            );
        }
        let sound = health == Health::Sound;
        *self.shard(shard).health.lock().unwrap_or_else(PoisonError::into_inner) = health;
        let trouble = !sound
            || self.shards.iter().any(|state| {
                *state.health.lock().unwrap_or_else(PoisonError::into_inner) != Health::Sound
            });
        self.trouble.store(trouble, Ordering::Release);
    }

    /// Notes that a record is gone.
    pub(super) fn lost(&self, shard: Shard, mailbox: &Mailbox) -> StoreError {
        let reason = format!("the record of {mailbox} is lost");
        if self.health(shard) == Health::Sound {
            self.set_health(shard, Health::Damaged(reason.clone()));
        }
        StoreError::Damaged(reason)
    }

    /// Tells this watcher of every change of a record.
    pub(super) fn watch(&self, watcher: Watcher) {
        self.watchers.write().unwrap_or_else(PoisonError::into_inner).push(watcher);
    }
}

/// What is said of a shard that does not serve.
pub(super) fn damaged_shard(shard: Shard, reason: &str) -> StoreError {
    StoreError::Damaged(format!("shard {shard}: {reason}"))
}
