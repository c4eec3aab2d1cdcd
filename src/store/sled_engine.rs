//! The embedded engine: sled, with one writing thread in front of it and a cache of what is
//! durable beside it.
//!
//! A value is stored with its version in front, eight bytes. There is one tree. Reads that miss
//! the cache run on tokio's blocking threads; writes go to the thread in `writer.rs`.
//!
//! # Security
//!
//! sled panics on damaged pages. Opening, reading and writing therefore run inside
//! `catch_unwind`, and a panic becomes an error. sled may also lose keys without a word; the
//! census above this file is what notices.

use std::{
    panic::{AssertUnwindSafe, catch_unwind},
    path::Path,
    sync::{
        Arc, Mutex, PoisonError,
        mpsc::{SyncSender, TrySendError, sync_channel},
    },
    thread::JoinHandle,
    time::Instant,
};

use tokio::sync::oneshot;

use super::{
    engine::{
        Engine, EngineCommit, FatalNotice, Key, Notice, Scan, Stored, WriteSet, check_set, end_of,
    },
    error::OpenError,
    folder::{Folder, Mark, older_than_mark},
    shared::Shared,
    writer::{Answer, Job, Writer},
};
use crate::{
    base::{
        Rng,
        limits::{STORE_CACHE_BYTES, STORE_QUEUE, STORE_SEGMENT_BYTES},
    },
    decision::record::Version,
    ports::{BoxFuture, store::StoreError},
};

/// Where the writer keeps the number of versions it has set aside.
pub(super) const COUNTER_KEY: &[u8] = b"\0counter";
/// Where the writer notes, with each mark, the newest version there is.
pub(super) const LAST_KEY: &[u8] = b"\0last";
/// Where the database keeps its id, which the mark must carry too.
const ID_KEY: &[u8] = b"\0id";

/// What an acknowledgement waits for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[doc(hidden)]
pub enum Durability {
    /// The disk has it.
    #[default]
    Full,
    /// sled has flushed, and does not sync in the background. Loses acknowledged writes with the
    /// power: only for the test that shows it.
    FlushOnly,
}

/// The embedded engine.
pub struct SledEngine {
    db: sled::Db,
    folder: Folder,
    shared: Arc<Shared>,
    jobs: SyncSender<Job>,
    thread: Mutex<Option<JoinHandle<()>>>,
    fell_back: Option<String>,
}

/// What a database says of itself when it is opened.
struct Opening {
    mark: Mark,
    /// The versions set aside.
    reserved: u64,
    /// The newest version that the mark or the data knows of.
    newest: u64,
    fell_back: Option<String>,
}

impl SledEngine {
    /// Makes a new, empty database. The folder must be absent or empty. Blocks.
    pub fn create(dir: &Path, rng: &dyn Rng) -> Result<Self, OpenError> {
        let folder = Folder::create(dir)?;
        let mut id = [0; 16];
        rng.fill(&mut id)?;
        let db = open_sled(&folder, Durability::Full)?;
        let written = db
            .insert(COUNTER_KEY, &0_u64.to_be_bytes())
            .and_then(|_| db.insert(LAST_KEY, &0_u64.to_be_bytes()))
            .and_then(|_| db.insert(ID_KEY, &id))
            .and_then(|_| db.flush());
        written.map_err(|error| sled_error(&folder, error))?;
        let mark = folder.new_mark(id)?;
        folder.sync_new()?;
        let opening = Opening { mark, reserved: 0, newest: 0, fell_back: None };
        Self::start(folder, db, opening, Durability::Full)
    }

    /// Opens an existing database. Blocks.
    pub fn open(dir: &Path) -> Result<Self, OpenError> {
        Self::open_with(dir, Durability::Full)
    }

    /// Opens an existing database with a weaker durability.
    #[doc(hidden)]
    pub fn open_with(dir: &Path, durability: Durability) -> Result<Self, OpenError> {
        let folder = Folder::existing(dir)?;
        let mark = folder.lock_mark()?;
        folder.remove_torn_snapshots()?;
        let db = open_sled(&folder, durability)?;
        let read = catch_unwind(AssertUnwindSafe(|| {
            Ok::<_, sled::Error>((db.get(ID_KEY)?, db.get(COUNTER_KEY)?, db.get(LAST_KEY)?))
        }));
        let (id, counter, last) = match read {
            Ok(read) => read.map_err(|error| sled_error(&folder, error))?,
            Err(_) => return Err(folder.damaged("sled panicked while reading")),
        };
        let id = id.and_then(|id| <[u8; 16]>::try_from(&*id).ok());
        let (Some(id), Some(reserved), Some(last)) = (id, number(counter), number(last)) else {
            return Err(folder.damaged("its first entries are missing"));
        };
        let (mark, marked) = mark.of(id);
        let (newest, fell_back) = match marked {
            None => {
                (last, Some("the file mark cannot be read, or belongs to another store".into()))
            }
            Some(Version(marked)) if last < marked => (marked, Some(older_than_mark(last, marked))),
            Some(_) => (last, None),
        };
        let opening = Opening { mark, reserved, newest, fell_back };
        Self::start(folder, db, opening, durability)
    }

    fn start(
        folder: Folder,
        db: sled::Db,
        opening: Opening,
        durability: Durability,
    ) -> Result<Self, OpenError> {
        let shared = Arc::new(Shared::new());
        let fell_back = opening.fell_back;
        let writer = Writer {
            db: db.clone(),
            data: folder.data_file()?,
            mark: opening.mark,
            shared: Arc::clone(&shared),
            // After a fall-back the counter is old too; the mark is not.
            last_version: opening.reserved.max(opening.newest),
            reserved: opening.reserved,
            durability,
            unmarked: false,
            marked_at: Instant::now(),
        };
        let (jobs, queue) = sync_channel(STORE_QUEUE);
        let thread = std::thread::Builder::new()
            .name("store-writer".into())
            .spawn(move || writer.run(&queue))
            .map_err(|source| folder.io("starting the writer thread", source))?;
        Ok(Self { db, folder, shared, jobs, thread: Mutex::new(Some(thread)), fell_back })
    }

    fn ask<'a, T: Send + 'a>(
        &'a self,
        job: impl FnOnce(Answer<T>) -> Job,
    ) -> BoxFuture<'a, Result<T, StoreError>> {
        let (answer, outcome) = oneshot::channel();
        // Sent now, not when first polled: a commit is on its way when the method returns.
        let sent = self.shared.check_alive().and_then(|()| {
            self.jobs.try_send(job(answer)).map_err(|error| match error {
                TrySendError::Full(_) => {
                    StoreError::Unavailable("too many writes wait for the store".into())
                }
                TrySendError::Disconnected(_) => {
                    StoreError::Unavailable("the store has stopped".into())
                }
            })
        });
        Box::pin(async move {
            sent?;
            match outcome.await {
                Ok(result) => result,
                // The writer dropped it while ending: it may have been applied.
                Err(_) => Err(StoreError::Ambiguous("the store stopped before it answered".into())),
            }
        })
    }

    async fn off_thread<T: Send + 'static>(
        &self,
        read: impl FnOnce(&sled::Db, &Shared) -> Result<T, StoreError> + Send + 'static,
    ) -> Result<T, StoreError> {
        self.shared.check_alive()?;
        let (db, shared) = (self.db.clone(), Arc::clone(&self.shared));
        let task = tokio::task::spawn_blocking(move || {
            catch_unwind(AssertUnwindSafe(|| read(&db, &shared)))
                .unwrap_or_else(|_| Err(StoreError::Damaged("sled panicked while reading".into())))
        });
        task.await
            .unwrap_or_else(|_| Err(StoreError::Unavailable("the program is stopping".into())))
    }
}

impl Drop for SledEngine {
    /// Waits for the writer, so that the folder can be opened again at once.
    fn drop(&mut self) {
        // A full queue is being worked off; the writer also ends when the queue is closed.
        let _ = self.jobs.send(Job::Stop);
        let thread = self.thread.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(thread) = thread {
            let _ = thread.join();
        }
    }
}

impl Engine for SledEngine {
    fn get<'a>(&'a self, key: &'a [u8]) -> BoxFuture<'a, Result<Option<Stored>, StoreError>> {
        Box::pin(async move {
            self.shared.check_alive()?;
            if let Some(stored) = self.shared.cache.get(key) {
                return Ok(Some(stored));
            }
            let key = Key::from(key);
            self.off_thread(move |db, shared| read(db, shared, &key)).await
        })
    }

    fn scan<'a>(
        &'a self,
        prefix: &'a [u8],
        after: Option<&'a [u8]>,
        limit: usize,
    ) -> BoxFuture<'a, Result<Scan, StoreError>> {
        let prefix = Key::from(prefix);
        let start = after.filter(|after| *after >= &*prefix).map(Key::from);
        Box::pin(self.off_thread(move |db, _| {
            use std::ops::Bound;
            let start = match &start {
                Some(after) => Bound::Excluded(&**after),
                None => Bound::Included(&*prefix),
            };
            collect(db.range::<&[u8], _>((start, Bound::Unbounded)).take(limit), &prefix)
        }))
    }

    fn scan_back<'a>(
        &'a self,
        prefix: &'a [u8],
        before: Option<&'a [u8]>,
        limit: usize,
    ) -> BoxFuture<'a, Result<Scan, StoreError>> {
        let end = before.map(Key::from).or_else(|| end_of(prefix));
        let prefix = Key::from(prefix);
        Box::pin(self.off_thread(move |db, _| {
            use std::ops::Bound;
            let end = end.as_deref().map_or(Bound::Unbounded, Bound::Excluded);
            let range = db.range::<&[u8], _>((Bound::Included(&*prefix), end));
            collect(range.rev().take(limit), &prefix)
        }))
    }

    fn commit(&self, set: WriteSet) -> BoxFuture<'_, Result<EngineCommit, StoreError>> {
        if let Err(error) = check_set(&set) {
            return Box::pin(std::future::ready(Err(error)));
        }
        self.ask(|answer| Job::Commit(set, answer))
    }

    fn sync(&self) -> BoxFuture<'_, Result<(), StoreError>> {
        self.ask(Job::Sync)
    }

    fn fell_back(&self) -> Option<String> {
        self.fell_back.clone()
    }

    fn free_bytes(&self) -> Option<u64> {
        self.folder.free_bytes()
    }

    fn watch(&self, notice: Notice) {
        self.shared.watch(notice);
    }

    fn on_fatal(&self, notice: FatalNotice) {
        self.shared.on_fatal(notice);
    }
}

/// Reads a key's durable value, and caches it if nothing was written meanwhile.
fn read(db: &sled::Db, shared: &Shared, key: &[u8]) -> Result<Option<Stored>, StoreError> {
    let writes = {
        let pending = shared.pending();
        if let Some(before) = pending.before.get(key) {
            return Ok(before.clone());
        }
        pending.writes
    };
    let found = lookup(db, key)?;
    let pending = shared.pending();
    if let Some(before) = pending.before.get(key) {
        return Ok(before.clone());
    }
    // With the lock held no write can begin, so this is the durable value.
    let found = if pending.writes == writes { found } else { lookup(db, key)? };
    if let Some(stored) = &found {
        shared.cache.insert(key.into(), stored.clone());
    }
    Ok(found)
}

fn lookup(db: &sled::Db, key: &[u8]) -> Result<Option<Stored>, StoreError> {
    match db.get(key).map_err(|error| read_error(&error))? {
        None => Ok(None),
        Some(bytes) => decode_value(&bytes).map(Some).ok_or_else(no_version),
    }
}

/// Reads a number of the writer's.
fn number(bytes: Option<sled::IVec>) -> Option<u64> {
    Some(u64::from_be_bytes(<[u8; 8]>::try_from(&*bytes?).ok()?))
}

fn no_version() -> StoreError {
    StoreError::Damaged("a value without a version".into())
}

fn read_error(error: &sled::Error) -> StoreError {
    match error {
        sled::Error::Io(error) => StoreError::Unavailable(error.to_string()),
        sled::Error::CollectionNotFound(_)
        | sled::Error::Unsupported(_)
        | sled::Error::ReportableBug(_)
        | sled::Error::Corruption { .. } => StoreError::Damaged(error.to_string()),
    }
}

/// What a walk comes by, up to the first key without the prefix.
fn collect(
    walk: impl Iterator<Item = sled::Result<(sled::IVec, sled::IVec)>>,
    prefix: &[u8],
) -> Result<Scan, StoreError> {
    let mut found = Vec::new();
    for item in walk {
        let (key, bytes) = item.map_err(|error| read_error(&error))?;
        if !key.starts_with(prefix) {
            break;
        }
        found.push((Key::from(&*key), decode_value(&bytes).ok_or_else(no_version)?));
    }
    Ok(found)
}

/// Takes the version off a value as sled has it.
pub(super) fn decode_value(bytes: &[u8]) -> Option<Stored> {
    let (version, value) = bytes.split_first_chunk::<8>()?;
    Some(Stored { version: Version(u64::from_be_bytes(*version)), value: value.into() })
}

/// Puts the version in front of a value.
pub(super) fn encode_value(version: Version, value: &[u8]) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(8 + value.len());
    bytes.extend_from_slice(&version.0.to_be_bytes());
    bytes.extend_from_slice(value);
    bytes
}

fn open_sled(folder: &Folder, durability: Durability) -> Result<sled::Db, OpenError> {
    let mut config = sled::Config::new()
        .path(folder.path())
        .cache_capacity(STORE_CACHE_BYTES)
        .segment_size(STORE_SEGMENT_BYTES);
    if durability == Durability::FlushOnly {
        config = config.flush_every_ms(None);
    }
    match catch_unwind(AssertUnwindSafe(|| config.open())) {
        Ok(opened) => opened.map_err(|error| sled_error(folder, error)),
        Err(_) => Err(folder.damaged("sled panicked while opening it")),
    }
}

fn sled_error(folder: &Folder, error: sled::Error) -> OpenError {
    match error {
        // sled wraps the system's error in one of its own and leaves only the text.
        sled::Error::Io(error) if error.to_string().contains("could not acquire lock") => {
            OpenError::Locked { dir: folder.path().into() }
        }
        sled::Error::Io(source) => folder.io("opening the database", source),
        sled::Error::CollectionNotFound(_)
        | sled::Error::Unsupported(_)
        | sled::Error::ReportableBug(_)
        | sled::Error::Corruption { .. } => folder.damaged(error.to_string()),
    }
}
