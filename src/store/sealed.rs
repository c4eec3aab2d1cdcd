//! The store: mailbox records and entries, sealed, over any engine.
//!
//! Reads and what is common to all operations are here; `commit.rs` writes, `survey.rs` compares
//! the records with the census, `open.rs` makes and opens a store.
//!
//! # Security
//!
//! `Ok(None)` from [`load`](crate::ports::store::Store::load) lets a mailbox in without a second
//! factor, so it is given only when the index, which agreed with the census, has no such name. In
//! a damaged shard only records that ask for a code are served: they are authentic. A record
//! without a factor may be an older one of a mailbox that has one now, so it is refused like an
//! absent one. When all of the data is older than what was acknowledged, burns are lost too, and
//! nothing is served.

use std::sync::{
    Arc, Mutex, PoisonError, RwLock,
    atomic::{AtomicBool, Ordering},
};

use futures_util::future;

use super::{
    census::{Census, NameDigests, Shard},
    engine::{Engine, FatalNotice, Stored},
    index::{Index, Listed},
    keys, record,
    seal::{Purpose, Sealer},
    trail::TrailState,
};
use crate::{
    base::{
        Mailbox, UnixMillis,
        limits::{CENSUS_SHARDS, SCAN_PAGE},
    },
    decision::{
        digest::CredentialKey,
        record::{MailboxRecord, Version, Versioned},
    },
    ports::{
        BoxFuture,
        store::{Change, Commit, Entry, EntryKey, Since, Store, StoreError, Watcher},
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

    /// Opens and reads a record.
    pub(super) fn unseal(
        &self,
        key: &[u8],
        mailbox: &Mailbox,
        stored: &Stored,
    ) -> Result<MailboxRecord, StoreError> {
        let damaged = |what: String| {
            StoreError::Damaged(format!("the record of {mailbox} cannot be read: {what}"))
        };
        let text = self
            .sealer
            .open(Purpose::Record, key, &stored.value)
            .map_err(|error| damaged(error.to_string()))?;
        record::decode(&text).map_err(|error| damaged(error.to_string()))
    }

    async fn load(
        &self,
        mailbox: &Mailbox,
    ) -> Result<Option<Versioned<MailboxRecord>>, StoreError> {
        match self.load_unless(mailbox, None).await? {
            Since::Changed(now) => Ok(now),
            Since::Same => Err(StoreError::Unavailable("no version was named".into())),
        }
    }

    async fn load_unless(
        &self,
        mailbox: &Mailbox,
        known: Option<Version>,
    ) -> Result<Since, StoreError> {
        self.check_current()?;
        // Twice is enough: settling leaves a shard sound or damaged, or is an error.
        for _ in 0..4 {
            let Some(listed) = self.index.get(mailbox) else {
                let shard = self.names.shard(mailbox);
                match self.health(shard) {
                    Health::Sound => return Ok(Since::Changed(None)),
                    Health::Unsettled => self.settle(shard).await?,
                    Health::Damaged(reason) => return Err(damaged_shard(shard, &reason)),
                }
                continue;
            };
            let key = keys::record(listed.shard, mailbox);
            match self.engine.get(&key).await? {
                Some(stored) if known == Some(stored.version) && self.vouches(listed, &stored) => {
                    return Ok(Since::Same);
                }
                Some(stored) => {
                    let record = self.serve(&key, mailbox, listed, &stored)?;
                    return Ok(Since::Changed(Some(record)));
                }
                None => self.look_into_loss(listed.shard, mailbox).await?,
            }
        }
        Err(StoreError::Unavailable(format!("the record of {mailbox} does not stand still")))
    }

    /// Whether a record may be served without a look at what it says.
    fn vouches(&self, listed: Listed, stored: &Stored) -> bool {
        stored.version >= listed.version && self.health(listed.shard) == Health::Sound
    }

    fn serve(
        &self,
        key: &[u8],
        mailbox: &Mailbox,
        listed: Listed,
        stored: &Stored,
    ) -> Result<Versioned<MailboxRecord>, StoreError> {
        if stored.version < listed.version {
            let reason = format!("the record of {mailbox} fell back to an older one");
            self.set_health(listed.shard, Health::Damaged(reason.clone()));
            return Err(StoreError::Damaged(reason));
        }
        let value = self.unseal(key, mailbox, stored)?;
        if !value.is_enrolled()
            && let Health::Damaged(reason) = self.health(listed.shard)
        {
            return Err(damaged_shard(listed.shard, &reason));
        }
        if stored.version > listed.version && listed.enrolled == Some(value.is_enrolled()) {
            // Acknowledged a moment ago, and its writer has not come to noting it.
            self.index.advance(mailbox, stored.version);
        }
        Ok(Versioned { value, version: stored.version })
    }

    /// The index has a name and the engine no record. Either it was removed this moment, or it is
    /// lost. With the shard's lock held nobody is removing anything.
    async fn look_into_loss(&self, shard: Shard, mailbox: &Mailbox) -> Result<(), StoreError> {
        let kept = self.shard(shard).kept.lock().await;
        let Some(listed) = self.index.get(mailbox) else {
            return Ok(());
        };
        if self.engine.get(&keys::record(listed.shard, mailbox)).await?.is_some() {
            return Ok(());
        }
        if self.health(shard) == Health::Unsettled {
            drop(kept);
            return self.settle(shard).await;
        }
        Err(self.lost(shard, mailbox))
    }

    /// Notes that a record is gone.
    pub(super) fn lost(&self, shard: Shard, mailbox: &Mailbox) -> StoreError {
        let reason = format!("the record of {mailbox} is lost");
        if self.health(shard) == Health::Sound {
            self.set_health(shard, Health::Damaged(reason.clone()));
        }
        StoreError::Damaged(reason)
    }

    async fn load_entry(
        &self,
        key: &EntryKey,
        now: UnixMillis,
    ) -> Result<Option<Versioned<Entry>>, StoreError> {
        self.check_current()?;
        let key = keys::entry(key)?;
        let Some(stored) = self.engine.get(&key).await? else {
            return Ok(None);
        };
        let entry = self.unseal_entry(&key, &stored)?;
        let live = entry.expires > now;
        Ok(live.then_some(Versioned { value: entry, version: stored.version }))
    }

    pub(super) fn unseal_entry(&self, key: &[u8], stored: &Stored) -> Result<Entry, StoreError> {
        let text = self.sealer.open(Purpose::Entry, key, &stored.value)?;
        Ok(record::decode_entry(&text)?)
    }

    async fn page(&self, after: Option<&Mailbox>, limit: usize) -> Result<Page, StoreError> {
        let names = self.index.after(after, limit.min(SCAN_PAGE));
        let loaded = future::join_all(names.iter().map(|name| self.load(name))).await;
        let mut page = Page::with_capacity(names.len());
        for (name, record) in names.into_iter().zip(loaded) {
            match record {
                Ok(Some(record)) => page.push((name, Ok(record))),
                // Removed while the page was read.
                Ok(None) => {}
                Err(error @ StoreError::Damaged(_)) => page.push((name, Err(error))),
                Err(error) => return Err(error),
            }
        }
        Ok(page)
    }
}

impl<E: Engine> Inner<E> {
    async fn entries(
        &self,
        kind: &str,
        after: Option<&Mailbox>,
        limit: usize,
    ) -> Result<Vec<Mailbox>, StoreError> {
        self.check_current()?;
        let prefix = keys::entries(kind)?;
        let mut after = after.map(|mailbox| keys::after_entries(&prefix, mailbox));
        let limit = limit.min(SCAN_PAGE);
        let mut names: Vec<Mailbox> = Vec::new();
        while names.len() < limit {
            let found = self.engine.scan(&prefix, after.as_deref(), limit).await?;
            let Some((last, _)) = found.last() else { break };
            after = Some(last.clone());
            for mailbox in found.iter().filter_map(|(key, _)| keys::entry_name(&prefix, key)) {
                if names.len() < limit && names.last() != Some(&mailbox) {
                    names.push(mailbox);
                }
            }
        }
        Ok(names)
    }
}

type Page = Vec<(Mailbox, Result<Versioned<MailboxRecord>, StoreError>)>;

pub(super) fn damaged_shard(shard: Shard, reason: &str) -> StoreError {
    StoreError::Damaged(format!("shard {shard}: {reason}"))
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
        super::commit::commit(&self.inner, changes)
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

    fn purge(&self, now: UnixMillis) -> BoxFuture<'_, Result<usize, StoreError>> {
        Box::pin(super::commit::purge(&self.inner, now))
    }

    fn watch(&self, watcher: Watcher) {
        self.inner.watchers.write().unwrap_or_else(PoisonError::into_inner).push(watcher);
    }

    fn ping(&self) -> BoxFuture<'_, Result<(), StoreError>> {
        self.inner.engine.sync()
    }
}
