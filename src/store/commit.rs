//! Writing: the common case touches one key, the rare one keeps the census.
//!
//! A change that leaves a mailbox's standing as it is (a burn above all) goes straight to the
//! engine. One that adds, removes, enrols or disenrols takes the locks of the shards concerned,
//! reads the records it replaces, and writes the new census in the same atomic set. Such a commit
//! runs as a task of its own, so that a caller who stops waiting does not leave the index behind
//! what the engine has.

use std::sync::Arc;

use futures_util::future;
use tokio::sync::MutexGuard;

use super::{
    census::{Shard, Standing},
    engine::{Engine, EngineCommit, Key, Write, WriteSet, holds},
    index::Listed,
    keys, record,
    seal::Purpose,
    state::{Health, Inner, Kept, damaged_shard},
};
use crate::{
    base::{
        Mailbox, UnixMillis,
        limits::{SCAN_PAGE, STORE_FREE_FLOOR_BYTES, WRITE_SET},
    },
    decision::record::{MailboxRecord, Version},
    ports::{
        BoxFuture,
        store::{Change, Commit, Entry, EntryKey, Expect, StoreError},
    },
};

/// How often a commit that lost against another process's census is tried again.
const CENSUS_ATTEMPTS: usize = 8;

/// Does all changes or none. The common case is with the engine when this returns, so that the
/// order of the calls is the order of the writes.
pub(super) fn commit<E: Engine>(
    inner: &Arc<Inner<E>>,
    changes: Vec<Change>,
) -> BoxFuture<'_, Result<Commit, StoreError>> {
    if let Err(error) = check(inner, &changes) {
        return Box::pin(future::ready(Err(error)));
    }
    if changes.iter().all(|change| inner.keeps_standing(change)) {
        return match inner.plain_set(&changes) {
            Ok(set) => {
                let answer = inner.engine.commit(set);
                Box::pin(inner.finish_plain(changes, answer))
            }
            Err(error) => Box::pin(future::ready(Err(error))),
        };
    }
    Box::pin(commit_with_census(inner, changes))
}

fn check<E: Engine>(inner: &Inner<E>, changes: &[Change]) -> Result<(), StoreError> {
    inner.check_current()?;
    if changes.len() > WRITE_SET {
        return Err(StoreError::TooLarge(format!("{} changes in one set", changes.len())));
    }
    Ok(())
}

async fn commit_with_census<E: Engine>(
    inner: &Arc<Inner<E>>,
    changes: Vec<Change>,
) -> Result<Commit, StoreError> {
    match tokio::runtime::Handle::try_current() {
        Ok(runtime) => {
            let inner = Arc::clone(inner);
            let task = runtime.spawn(async move { inner.commit_counted(&changes).await });
            task.await.unwrap_or_else(|_| {
                Err(StoreError::Ambiguous("the program stopped during a write".into()))
            })
        }
        Err(_) => inner.commit_counted(&changes).await,
    }
}

/// Removes the entries that expired.
pub(super) async fn purge<E: Engine>(
    inner: &Inner<E>,
    now: UnixMillis,
) -> Result<usize, StoreError> {
    inner.check_current()?;
    let mut removed = 0;
    let mut after: Option<Key> = None;
    loop {
        let page = inner.engine.scan(keys::ENTRIES, after.as_deref(), SCAN_PAGE).await?;
        let Some((last, _)) = page.last() else {
            return Ok(removed);
        };
        after = Some(last.clone());
        let mut commits = Vec::new();
        for (key, stored) in page {
            match inner.unseal_entry(&key, &stored) {
                Ok(entry) if entry.expires > now => {}
                Ok(_) => {
                    let expect = Some(Expect::Version(stored.version));
                    let writes = vec![Write { key, expect, value: None }];
                    commits.push(inner.engine.commit(WriteSet { writes, mark: false }));
                }
                // Left for the administrator to see: it may be the wrong key, not a bad entry.
                Err(error) => tracing::warn!(%error, "an entry cannot be read"),
            }
        }
        for commit in commits {
            match commit.await? {
                EngineCommit::Done(_) => removed += 1,
                // Written anew meanwhile.
                EngineCommit::Conflict(_) => {}
            }
        }
    }
}

/// The locked censuses of the shards of a commit.
type Locked<'a> = Vec<(Shard, MutexGuard<'a, Option<Kept>>)>;

/// A set with what it does to the index and the censuses.
struct Plan {
    set: WriteSet,
    /// How many of the set's writes are the caller's; those come first.
    own: usize,
    censuses: Vec<(Shard, super::census::Census)>,
}

impl<E: Engine> Inner<E> {
    /// Whether a change surely leaves the census as it is: the index knows the standing of the
    /// very version that the change expects. Versions never come back, so that stays true.
    fn keeps_standing(&self, change: &Change) -> bool {
        match change {
            Change::Entry { .. } | Change::Note(_) => true,
            Change::Mailbox { mailbox, expect: Expect::Version(version), record: Some(record) } => {
                self.index.get(mailbox).is_some_and(|listed| {
                    listed.version == *version && listed.enrolled == Some(record.is_enrolled())
                })
            }
            Change::Mailbox { .. } => false,
        }
    }

    fn plain_set(&self, changes: &[Change]) -> Result<WriteSet, StoreError> {
        let mut writes = Vec::with_capacity(changes.len());
        for change in changes {
            self.write(change, &mut writes)?;
        }
        Ok(WriteSet { writes, mark: false })
    }

    async fn finish_plain(
        &self,
        changes: Vec<Change>,
        sent: BoxFuture<'_, Result<EngineCommit, StoreError>>,
    ) -> Result<Commit, StoreError> {
        match sent.await? {
            EngineCommit::Conflict(_) => Ok(Commit::Conflict),
            EngineCommit::Done(version) => {
                for change in &changes {
                    if let Change::Mailbox { mailbox, .. } = change {
                        self.index.advance(mailbox, version);
                    }
                }
                Ok(Commit::Done(version))
            }
        }
    }

    async fn commit_counted(&self, changes: &[Change]) -> Result<Commit, StoreError> {
        let mut locked = self.lock_shards(changes).await?;
        for _ in 0..CENSUS_ATTEMPTS {
            let Some(plan) = self.plan(changes, &locked).await? else {
                return Ok(Commit::Conflict);
            };
            match self.engine.commit(plan.set).await {
                Ok(EngineCommit::Done(version)) => {
                    self.settle_plan(changes, &plan.censuses, version, &mut locked);
                    return Ok(Commit::Done(version));
                }
                Ok(EngineCommit::Conflict(position)) if position < plan.own => {
                    return Ok(Commit::Conflict);
                }
                // The caller's expectations held; another process was faster with the census.
                Ok(EngineCommit::Conflict(_)) => {
                    for (shard, kept) in &mut locked {
                        **kept = Some(self.read_census(*shard).await?);
                    }
                }
                Err(error) => {
                    if matches!(error, StoreError::Ambiguous(_)) {
                        for (shard, _) in &plan.censuses {
                            if self.health(*shard) == Health::Sound {
                                self.set_health(*shard, Health::Unsettled);
                            }
                        }
                    }
                    return Err(error);
                }
            }
        }
        Err(StoreError::Unavailable("the census is changed too often by others".into()))
    }

    /// Locks the shards of all mailboxes in the set, always in the same order.
    async fn lock_shards(&self, changes: &[Change]) -> Result<Locked<'_>, StoreError> {
        let mut shards: Vec<_> = changes
            .iter()
            .filter_map(|change| match change {
                Change::Mailbox { mailbox, .. } => Some(self.names.shard(mailbox)),
                Change::Entry { .. } | Change::Note(_) => None,
            })
            .collect();
        shards.sort();
        shards.dedup();
        let mut locked = Vec::with_capacity(shards.len());
        for shard in shards {
            let mut kept = self.shard(shard).kept.lock().await;
            if self.health(shard) == Health::Unsettled {
                self.compare(shard, &mut kept).await?;
            }
            locked.push((shard, kept));
        }
        Ok(locked)
    }

    /// Reads what the changes replace and works out the set; `None` when an expectation of the
    /// caller does not hold.
    async fn plan(
        &self,
        changes: &[Change],
        locked: &Locked<'_>,
    ) -> Result<Option<Plan>, StoreError> {
        let mut writes = Vec::with_capacity(changes.len() * 2);
        let mut censuses: Vec<(Shard, super::census::Census)> = Vec::new();
        for change in changes {
            self.write(change, &mut writes)?;
            let Change::Mailbox { mailbox, expect, record } = change else {
                continue;
            };
            let shard = self.names.shard(mailbox);
            let Some(from) = self.standing(shard, mailbox, *expect).await? else {
                return Ok(None);
            };
            let to = standing_of(record.as_deref());
            if from == to {
                continue;
            }
            if let Health::Damaged(reason) = self.health(shard) {
                return Err(damaged_shard(shard, &reason));
            }
            if from == Standing::Absent || to == Standing::Enrolled {
                self.check_room()?;
            }
            if !censuses.iter().any(|(known, _)| *known == shard) {
                censuses.push((shard, kept(locked, shard)?.census));
            }
            for (known, census) in &mut censuses {
                if *known == shard {
                    census.note(&self.names, mailbox, from, to);
                }
            }
        }
        let own = writes.len();
        for (shard, census) in &censuses {
            let key = keys::census(*shard);
            let value = self.sealer.seal(Purpose::Census, &key, &census.to_bytes())?;
            let expect = Some(Expect::Version(kept(locked, *shard)?.version));
            writes.push(Write { key, expect, value: Some(value) });
        }
        let mark = !censuses.is_empty();
        Ok(Some(Plan { set: WriteSet { writes, mark }, own, censuses }))
    }

    /// The standing of the record that a change expects; `None` when the expectation fails.
    async fn standing(
        &self,
        shard: Shard,
        mailbox: &Mailbox,
        expect: Expect,
    ) -> Result<Option<Standing>, StoreError> {
        let key = keys::record(shard, mailbox);
        let stored = self.engine.get(&key).await?;
        // With the lock held the index follows the engine exactly.
        if stored.is_none() && self.index.get(mailbox).is_some() {
            return Err(self.lost(shard, mailbox));
        }
        if !holds(Some(expect), stored.as_ref().map(|stored| stored.version)) {
            return Ok(None);
        }
        match stored {
            None => Ok(Some(Standing::Absent)),
            Some(stored) => Ok(Some(standing_of(Some(&self.unseal(&key, mailbox, &stored)?)))),
        }
    }

    fn settle_plan(
        &self,
        changes: &[Change],
        censuses: &[(Shard, super::census::Census)],
        version: Version,
        locked: &mut Locked<'_>,
    ) {
        for (shard, kept) in locked {
            for (changed, census) in censuses {
                if changed == shard {
                    **kept = Some(Kept { census: *census, version });
                }
            }
        }
        for change in changes {
            match change {
                Change::Entry { .. } | Change::Note(_) => {}
                Change::Mailbox { mailbox, record: None, .. } => self.index.remove(mailbox),
                Change::Mailbox { mailbox, record: Some(record), .. } => {
                    let shard = self.names.shard(mailbox);
                    let enrolled = Some(record.is_enrolled());
                    self.index.put(mailbox.clone(), Listed { version, shard, enrolled });
                }
            }
        }
    }

    /// Adds what a change writes to `writes`.
    fn write(&self, change: &Change, writes: &mut Vec<Write>) -> Result<(), StoreError> {
        match change {
            Change::Mailbox { mailbox, expect, record } => {
                let key = keys::record(self.shard_of(mailbox), mailbox);
                let value = match record {
                    None => None,
                    Some(record) => {
                        let text = record::encode(record)?;
                        Some(self.sealer.seal(Purpose::Record, &key, &text)?)
                    }
                };
                writes.push(Write { key, expect: Some(*expect), value });
            }
            Change::Entry { key, expect, entry } => {
                writes.push(self.entry_write(key, *expect, entry.as_ref())?);
            }
            Change::Note(event) => writes.extend(self.note_writes(event)?),
        }
        Ok(())
    }

    fn entry_write(
        &self,
        key: &EntryKey,
        expect: Option<Expect>,
        entry: Option<&Entry>,
    ) -> Result<Write, StoreError> {
        let key = keys::entry(key)?;
        let value = match entry {
            None => None,
            Some(entry) => {
                Some(self.sealer.seal(Purpose::Entry, &key, &record::encode_entry(entry))?)
            }
        };
        Ok(Write { key, expect, value })
    }

    fn shard_of(&self, mailbox: &Mailbox) -> Shard {
        self.index.get(mailbox).map_or_else(|| self.names.shard(mailbox), |listed| listed.shard)
    }

    fn check_room(&self) -> Result<(), StoreError> {
        match self.engine.free_bytes() {
            Some(free) if free < STORE_FREE_FLOOR_BYTES => Err(StoreError::Full(format!(
                "{free} bytes are free; below {STORE_FREE_FLOOR_BYTES} no mailbox is added or \
                 enrolled, logins go on"
            ))),
            _ => Ok(()),
        }
    }
}

fn standing_of(record: Option<&MailboxRecord>) -> Standing {
    match record {
        None => Standing::Absent,
        Some(record) if record.is_enrolled() => Standing::Enrolled,
        Some(_) => Standing::Plain,
    }
}

fn kept(locked: &Locked<'_>, shard: Shard) -> Result<Kept, StoreError> {
    locked
        .iter()
        .find(|(known, _)| *known == shard)
        .and_then(|(_, kept)| **kept)
        .ok_or_else(|| damaged_shard(shard, "its census cannot be read"))
}
