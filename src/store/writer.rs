//! The one thread that writes: group commit with one flush and one `fdatasync`.
//!
//! It takes what has gathered in the queue, checks each set's expectations (nobody else writes,
//! so they stay true), applies the sets in order, makes all of it durable, and only then answers
//! all of them. sled's `flush` is not enough on Linux: it ends in `sync_file_range`, which
//! neither writes the file's extents nor empties the disk's cache. What makes the data durable
//! is the `fdatasync` of our own descriptor that follows.
//!
//! After a crash in the middle of a group nothing of it was acknowledged. sled writes its log in
//! the order of the calls and recovers a prefix of it, and a batch whole or not at all. A set of
//! several keys is in one batch, together with its neighbours: each batch costs sled a write to the
//! file of its own, so a batch for each set would make a group as slow as its sets one by one. So
//! what is found is: the first sets of the group, each whole, and none of the later ones.
//!
//! An error ends the store. After a failed `fdatasync` the kernel may have dropped the pages and
//! will report success the next time, so trying again would acknowledge what is not there.

use std::{
    collections::HashMap,
    fs::File,
    io,
    panic::{AssertUnwindSafe, catch_unwind},
    sync::{
        Arc,
        mpsc::{Receiver, RecvTimeoutError, TryRecvError},
    },
    time::{Duration, Instant},
};

use tokio::sync::oneshot;

use super::{
    engine::{EngineCommit, Key, Stored, Write, WriteSet, holds},
    folder::Mark,
    shared::Shared,
    sled_engine::{COUNTER_KEY, Durability, LAST_KEY, decode_value, encode_value},
};
use crate::{
    base::limits::{ENGINE_WRITE_SET, STORE_GROUP, STORE_MARK_MILLIS},
    decision::record::Version,
    ports::store::StoreError,
};

/// Versions set aside at a time. The number set aside is stored before the first of them is
/// used, so a version never comes back; up to this many are skipped at a restart.
const VERSION_BLOCK: u64 = 65_536;

pub(super) type Answer<T> = oneshot::Sender<Result<T, StoreError>>;

/// What the writer is asked to do.
pub(super) enum Job {
    /// Apply a set.
    Commit(WriteSet, Answer<EngineCommit>),
    /// Flush and answer.
    Sync(Answer<()>),
    /// End the thread.
    Stop,
}

/// An error that ends the store.
enum Fatal {
    Full(String),
    Other(String),
}

impl From<sled::Error> for Fatal {
    fn from(error: sled::Error) -> Self {
        match error {
            sled::Error::Io(error) => Self::from(error),
            sled::Error::CollectionNotFound(_)
            | sled::Error::Unsupported(_)
            | sled::Error::ReportableBug(_)
            | sled::Error::Corruption { .. } => Self::Other(error.to_string()),
        }
    }
}

impl From<io::Error> for Fatal {
    fn from(error: io::Error) -> Self {
        use io::ErrorKind::{FileTooLarge, QuotaExceeded, StorageFull};
        if matches!(error.kind(), StorageFull | QuotaExceeded | FileTooLarge) {
            Self::Full(error.to_string())
        } else {
            Self::Other(error.to_string())
        }
    }
}

/// Sets that sled is to write at once, in their order.
#[derive(Default)]
struct Batch {
    sled: sled::Batch,
    writes: usize,
}

/// An answer that waits for the group to be durable.
enum Waiting {
    Commit(Answer<EngineCommit>, EngineCommit),
    Done(Answer<()>),
}

/// The writing thread's own.
pub(super) struct Writer {
    pub(super) db: sled::Db,
    pub(super) data: File,
    pub(super) mark: Mark,
    pub(super) shared: Arc<Shared>,
    pub(super) last_version: u64,
    pub(super) reserved: u64,
    pub(super) durability: Durability,
    /// Whether something was written since the mark was.
    pub(super) unmarked: bool,
    pub(super) marked_at: Instant,
}

impl Writer {
    /// Runs until it is told to stop, everybody who could ask is gone, or the store ends.
    pub(super) fn run(mut self, jobs: &Receiver<Job>) {
        let mut group = Vec::new();
        loop {
            let stop = !self.gather(jobs, &mut group);
            let mut waiting = Vec::with_capacity(group.len());
            // What the unwinding leaves half done is not used again: the store ends.
            let result =
                catch_unwind(AssertUnwindSafe(|| self.group(&mut group, &mut waiting, stop)));
            let result =
                result.unwrap_or_else(|_| Err(Fatal::Other("sled panicked while writing".into())));
            if let Err(fatal) = result {
                self.end(fatal, waiting, group, jobs);
                return;
            }
            for answer in waiting {
                // Whoever asked may have gone away.
                match answer {
                    Waiting::Commit(answer, outcome) => drop(answer.send(Ok(outcome))),
                    Waiting::Done(answer) => drop(answer.send(Ok(()))),
                }
            }
            if stop {
                return;
            }
        }
    }

    /// Does the jobs of one group and makes them durable.
    fn group(
        &mut self,
        group: &mut Vec<Job>,
        waiting: &mut Vec<Waiting>,
        stop: bool,
    ) -> Result<(), Fatal> {
        let mut written: HashMap<Key, Option<Stored>> = HashMap::new();
        let mut batch = Batch::default();
        let mut mark_now = stop;
        for job in group.drain(..) {
            match job {
                Job::Commit(set, answer) => {
                    let marked = set.mark;
                    let (outcome, result) = match self.check(&set, &written) {
                        Err(fatal) => (None, Err(fatal)),
                        Ok(Some(position)) => (Some(EngineCommit::Conflict(position)), Ok(())),
                        Ok(None) => {
                            self.last_version += 1;
                            let version = Version(self.last_version);
                            self.unmarked = true;
                            mark_now |= marked;
                            let result = self.apply(set, version, &mut written, &mut batch);
                            (Some(EngineCommit::Done(version)), result)
                        }
                    };
                    // Without an outcome the answer is still owed: `end` gives it.
                    let outcome = outcome.unwrap_or(EngineCommit::Conflict(0));
                    waiting.push(Waiting::Commit(answer, outcome));
                    result?;
                }
                Job::Sync(answer) => waiting.push(Waiting::Done(answer)),
                Job::Stop => {}
            }
        }
        self.apply_batch(&mut batch)?;
        let mark = self.unmarked && (mark_now || self.until_mark().is_zero());
        if waiting.is_empty() && !mark {
            return Ok(());
        }
        if mark {
            self.db.insert(LAST_KEY, &self.last_version.to_be_bytes())?;
        }
        self.db.flush()?;
        if self.durability == Durability::Full {
            self.data.sync_data()?;
        }
        if mark {
            if self.durability == Durability::Full {
                self.mark.write(Version(self.last_version))?;
            }
            self.unmarked = false;
            self.marked_at = Instant::now();
        }
        self.publish(&written);
        Ok(())
    }

    /// How long the mark may still wait.
    fn until_mark(&self) -> Duration {
        Duration::from_millis(STORE_MARK_MILLIS).saturating_sub(self.marked_at.elapsed())
    }

    /// Waits for a job, or for the moment the mark is due, and takes along what has gathered.
    /// `false` when this is the last group.
    fn gather(&self, jobs: &Receiver<Job>, group: &mut Vec<Job>) -> bool {
        let first = if self.unmarked {
            jobs.recv_timeout(self.until_mark())
        } else {
            jobs.recv().map_err(RecvTimeoutError::from)
        };
        match first {
            Err(RecvTimeoutError::Timeout) => return true,
            Ok(Job::Stop) | Err(RecvTimeoutError::Disconnected) => return false,
            Ok(job) => group.push(job),
        }
        while group.len() < STORE_GROUP {
            match jobs.try_recv() {
                Ok(Job::Stop) | Err(TryRecvError::Disconnected) => return false,
                Ok(job) => group.push(job),
                Err(TryRecvError::Empty) => break,
            }
        }
        true
    }

    /// The position of the first expectation that does not hold.
    fn check(
        &self,
        set: &WriteSet,
        written: &HashMap<Key, Option<Stored>>,
    ) -> Result<Option<usize>, Fatal> {
        for (position, write) in set.writes.iter().enumerate() {
            if write.expect.is_none() {
                continue;
            }
            let found = match written.get(&write.key) {
                Some(value) => value.as_ref().map(|stored| stored.version),
                None => self.durable(&write.key)?.map(|stored| stored.version),
            };
            if !holds(write.expect, found) {
                return Ok(Some(position));
            }
        }
        Ok(None)
    }

    /// The value of a key that the present group has not changed.
    fn durable(&self, key: &[u8]) -> Result<Option<Stored>, Fatal> {
        if let Some(stored) = self.shared.cache.get(key) {
            return Ok(Some(stored));
        }
        match self.db.get(key)? {
            None => Ok(None),
            Some(bytes) => decode_value(&bytes)
                .map(Some)
                .ok_or_else(|| Fatal::Other("a value without a version".into())),
        }
    }

    fn apply(
        &mut self,
        set: WriteSet,
        version: Version,
        written: &mut HashMap<Key, Option<Stored>>,
        batch: &mut Batch,
    ) -> Result<(), Fatal> {
        if self.last_version > self.reserved {
            self.reserved = self.last_version.saturating_add(VERSION_BLOCK);
            self.db.insert(COUNTER_KEY, &self.reserved.to_be_bytes())?;
        }
        // Readers must find the durable value beside before sled shows them the new one.
        for write in &set.writes {
            if !written.contains_key(&write.key) {
                let before = self.durable(&write.key)?;
                self.shared.pending().before.insert(write.key.clone(), before);
            }
        }
        self.shared.pending().writes += 1;
        match <[Write; 1]>::try_from(set.writes) {
            // Alone it needs no batch; behind one that waits it must not overtake it.
            Ok([write]) if batch.writes == 0 => {
                match &write.value {
                    Some(value) => self.db.insert(&write.key, encode_value(version, value))?,
                    None => self.db.remove(&write.key)?,
                };
                remember(written, write, version);
            }
            Ok([write]) => self.stage(vec![write], version, written, batch)?,
            Err(writes) => self.stage(writes, version, written, batch)?,
        }
        Ok(())
    }

    /// Puts a set into the batch that waits, or into the next one when it is full.
    fn stage(
        &self,
        writes: Vec<Write>,
        version: Version,
        written: &mut HashMap<Key, Option<Stored>>,
        batch: &mut Batch,
    ) -> Result<(), Fatal> {
        if batch.writes + writes.len() > ENGINE_WRITE_SET {
            self.apply_batch(batch)?;
        }
        batch.writes += writes.len();
        for write in writes {
            // What is staged twice is there once, as it was staged last.
            match &write.value {
                Some(value) => batch.sled.insert(&*write.key, encode_value(version, value)),
                None => batch.sled.remove(&*write.key),
            }
            remember(written, write, version);
        }
        Ok(())
    }

    fn apply_batch(&self, batch: &mut Batch) -> Result<(), Fatal> {
        let Batch { sled, writes } = std::mem::take(batch);
        if writes > 0 {
            self.db.apply_batch(sled)?;
        }
        Ok(())
    }

    /// Shows the durable group to the readers, then to the watchers.
    fn publish(&self, written: &HashMap<Key, Option<Stored>>) {
        {
            let mut pending = self.shared.pending();
            for (key, value) in written {
                match value {
                    // Only what was read is kept: what is written once and hardly ever read, as the
                    // audit trail is, must not push records out.
                    Some(stored) => {
                        drop(self.shared.cache.replace(key.clone(), stored.clone(), true));
                    }
                    None => drop(self.shared.cache.remove(key)),
                }
            }
            pending.before.clear();
        }
        let notices = self.shared.notices();
        for key in written.keys() {
            for notice in &notices {
                notice(key);
            }
        }
    }

    /// Ends the store and answers everybody who waits.
    fn end(self, fatal: Fatal, waiting: Vec<Waiting>, rest: Vec<Job>, jobs: &Receiver<Job>) {
        let reason = match fatal {
            Fatal::Full(reason) => format!("its disk is full: {reason}"),
            Fatal::Other(reason) => reason,
        };
        // Closing sled flushes, which waits for ever when an earlier write has failed: it stays
        // open, and locked, until the process ends.
        std::mem::forget(self.db);
        self.shared.die(reason.clone());
        for answer in waiting {
            match answer {
                Waiting::Commit(answer, EngineCommit::Done(_) | EngineCommit::Conflict(_)) => {
                    drop(answer.send(Err(StoreError::Ambiguous(reason.clone()))));
                }
                Waiting::Done(answer) => {
                    drop(answer.send(Err(StoreError::Unavailable(reason.clone()))));
                }
            }
        }
        // Nothing of these was begun.
        for job in rest.into_iter().chain(jobs.try_iter()) {
            let error = StoreError::Unavailable(format!("the store has stopped: {reason}"));
            match job {
                Job::Commit(_, answer) => drop(answer.send(Err(error))),
                Job::Sync(answer) => drop(answer.send(Err(error))),
                Job::Stop => {}
            }
        }
    }
}

fn remember(written: &mut HashMap<Key, Option<Stored>>, write: Write, version: Version) {
    written.insert(write.key, write.value.map(|value| Stored { version, value }));
}
