//! What the sealed store needs of a storage engine, in bytes.
//!
//! An engine keeps values under keys and gives each write a version. It knows nothing of
//! mailboxes, keys of encryption or time. The embedded engine is sled; etcd and PostgreSQL fit
//! behind the same trait, so nothing here speaks of files, trees or one process.
//!
//! What every engine promises:
//!
//! - **Durable before acknowledged.** When [`Engine::commit`] returns `Done`, the set survives a
//!   power loss. There is no other way to make a write durable and none is needed.
//! - **All or nothing.** A set is applied whole or not at all, also across a crash.
//! - **Versions never come back.** A version is an opaque number. All keys of one set get the
//!   same one; it is greater than any version a key had before, also after a restart and after
//!   the key was removed and written again.
//! - **Reads show what was acknowledged**: never less, and never a write that a power loss could
//!   still take back.
//! - **Eager commits.** A commit is on its way when the method returns. Dropping the future
//!   does not take it back.
//!
//! Keys are chosen by the caller and do not start with a NUL byte; those are the engine's own.

use std::sync::Arc;

use crate::{
    base::limits::{ENGINE_WRITE_SET, RECORD_BYTES},
    decision::record::Version,
    ports::{
        BoxFuture,
        store::{Expect, StoreError},
    },
};

/// A key.
pub type Key = Box<[u8]>;

/// A value as it was read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stored {
    /// The version of the write that left it.
    pub version: Version,
    /// The bytes.
    pub value: Arc<[u8]>,
}

/// One change of a set.
#[derive(Clone, Debug)]
pub struct Write {
    /// Which key.
    pub key: Key,
    /// What must be true of it; `None` writes whatever is there.
    pub expect: Option<Expect>,
    /// The new value; `None` removes the key.
    pub value: Option<Arc<[u8]>>,
}

/// Changes that happen together.
#[derive(Clone, Debug, Default)]
pub struct WriteSet {
    /// The changes; no key twice.
    pub writes: Vec<Write>,
    /// Whether the loss of this very set must be noticed at the next start, see
    /// [`Engine::fell_back`]. For other sets the engine may take a moment.
    pub mark: bool,
}

/// What became of a set.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use]
pub enum EngineCommit {
    /// All of it is durable and has this version.
    Done(Version),
    /// The expectation of the write at this position, the first such, did not hold; nothing was
    /// written.
    Conflict(usize),
}

/// Called with each key that was written, after the write is durable and can be read, before it
/// is acknowledged. It runs on the engine's own thread and must not wait for anything.
pub type Notice = Arc<dyn Fn(&[u8]) + Send + Sync>;

/// Called once with the reason when an engine has ended for good.
pub type FatalNotice = Box<dyn FnOnce(&str) + Send>;

/// Keys and values in the order of their keys, as a scan returns them.
pub type Scan = Vec<(Key, Stored)>;

/// A storage engine. See the top of the file for what it promises.
pub trait Engine: Send + Sync + 'static {
    /// Reads a key.
    fn get<'a>(&'a self, key: &'a [u8]) -> BoxFuture<'a, Result<Option<Stored>, StoreError>>;

    /// Reads at most `limit` keys that start with `prefix` and follow `after`, in order. Unlike
    /// [`Engine::get`] it may show a write that is not durable yet; whoever needs more keeps
    /// writers away.
    fn scan<'a>(
        &'a self,
        prefix: &'a [u8],
        after: Option<&'a [u8]>,
        limit: usize,
    ) -> BoxFuture<'a, Result<Scan, StoreError>>;

    /// Reads at most `limit` keys that start with `prefix` and precede `before`, the last one
    /// first. Otherwise as [`Engine::scan`].
    fn scan_back<'a>(
        &'a self,
        prefix: &'a [u8],
        before: Option<&'a [u8]>,
        limit: usize,
    ) -> BoxFuture<'a, Result<Scan, StoreError>>;

    /// Applies a set.
    fn commit(&self, set: WriteSet) -> BoxFuture<'_, Result<EngineCommit, StoreError>>;

    /// A round trip through everything that a commit goes through, without a change. When it
    /// returns, every commit started before it has its outcome.
    fn sync(&self) -> BoxFuture<'_, Result<(), StoreError>>;

    /// Whether the data, when it was opened, was older than what had been acknowledged, and how
    /// that shows. An engine on one disk keeps a mark apart from the data for this; one whose own
    /// copies protect it (a cluster) answers `None`.
    fn fell_back(&self) -> Option<String>;

    /// Free space for new data, bytes; `None` where that is somebody else's business.
    fn free_bytes(&self) -> Option<u64>;

    /// Asks to be told of writes, from now on.
    fn watch(&self, notice: Notice);

    /// Asks to be told when the engine ends for good; at once if it has.
    fn on_fatal(&self, notice: FatalNotice);
}

/// Checks the bounds that hold for every engine.
pub(super) fn check_set(set: &WriteSet) -> Result<(), StoreError> {
    if set.writes.len() > ENGINE_WRITE_SET {
        return Err(StoreError::TooLarge(format!("{} writes in one set", set.writes.len())));
    }
    for (position, write) in set.writes.iter().enumerate() {
        if let Some(value) = &write.value
            && value.len() > RECORD_BYTES
        {
            return Err(StoreError::TooLarge(format!("a value of {} bytes", value.len())));
        }
        if set.writes.iter().take(position).any(|earlier| earlier.key == write.key) {
            return Err(StoreError::Unavailable("a write set names one key twice".into()));
        }
    }
    Ok(())
}

/// The first key after all that start with a prefix; `None` if there is none.
pub(super) fn end_of(prefix: &[u8]) -> Option<Key> {
    let kept = prefix.iter().rposition(|byte| *byte != u8::MAX)?;
    let mut end = prefix.get(..=kept)?.to_vec();
    *end.last_mut()? += 1;
    Some(end.into())
}

/// Whether an expectation holds for the version found.
pub(super) fn holds(expect: Option<Expect>, found: Option<Version>) -> bool {
    match expect {
        None => true,
        Some(Expect::Absent) => found.is_none(),
        Some(Expect::Version(version)) => found == Some(version),
    }
}
