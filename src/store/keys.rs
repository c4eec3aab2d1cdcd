//! The keys under which an engine keeps what the store writes.
//!
//! | key | value |
//! |---|---|
//! | `m` | the meta record |
//! | `c` shard | the census of a shard |
//! | `r` shard name | a mailbox record |
//! | `e` kind NUL name NUL id | an entry that expires |
//! | `a` lane stamp | a block of the audit trail |
//! | `i` mark stamp lane | nothing: the block concerns a mailbox with this mark |
//!
//! Names stand in the clear: the log has them too, and a scan by shard needs them. A name holds
//! no NUL, so the parts of an entry's key cannot run into each other.

use super::{
    census::{NameDigests, Shard},
    engine::Key,
};
use crate::{
    base::Mailbox,
    ports::{
        store::{EntryKey, StoreError},
        trail::{Lane, Stamp},
    },
};

/// What eight bytes of a name's digest are.
pub(super) type NameMark = [u8; 8];

/// The meta record.
pub(super) const META: &[u8] = b"m";
/// What the keys of all entries start with.
pub(super) const ENTRIES: &[u8] = b"e";

/// The census of a shard.
pub(super) fn census(shard: Shard) -> Key {
    [b'c', shard.number()].into()
}

/// What the keys of all records of a shard start with.
pub(super) fn records(shard: Shard) -> [u8; 2] {
    [b'r', shard.number()]
}

/// The record of a mailbox.
pub(super) fn record(shard: Shard, mailbox: &Mailbox) -> Key {
    let name = mailbox.as_str().as_bytes();
    let mut key = Vec::with_capacity(2 + name.len());
    key.extend_from_slice(&records(shard));
    key.extend_from_slice(name);
    key.into()
}

/// The mailbox whose record a key is for; `None` for other keys.
pub(super) fn record_name(key: &[u8]) -> Option<Mailbox> {
    match key {
        [b'r', _, name @ ..] => Mailbox::from_bytes(name).ok(),
        _ => None,
    }
}

/// The mailbox of a record's key, if that is where its record belongs.
pub(super) fn placed_name(key: &[u8], shard: Shard, names: &NameDigests) -> Option<Mailbox> {
    let mailbox = record_name(key)?;
    (names.shard(&mailbox) == shard && key.get(1) == Some(&shard.number())).then_some(mailbox)
}

/// An entry.
pub(super) fn entry(key: &EntryKey) -> Result<Key, StoreError> {
    let mut bytes = entries_of(key.kind, &key.mailbox)?.into_vec();
    if !key.id.bytes().all(|byte| byte.is_ascii_graphic() && byte != b'/') {
        return Err(StoreError::Unavailable("an entry's id is malformed".into()));
    }
    bytes.extend_from_slice(key.id.as_bytes());
    Ok(bytes.into())
}

/// What the keys of all entries of a kind start with.
pub(super) fn entries(kind: &str) -> Result<Key, StoreError> {
    let is_plain = |byte: u8| byte.is_ascii_lowercase() || byte == b'-';
    if kind.is_empty() || !kind.bytes().all(is_plain) {
        return Err(StoreError::Unavailable("an entry's kind is malformed".into()));
    }
    Ok([ENTRIES, kind.as_bytes(), &[0]].concat().into())
}

/// What the keys of all entries of a kind and a mailbox start with; the rest is their id.
pub(super) fn entries_of(kind: &str, mailbox: &Mailbox) -> Result<Key, StoreError> {
    Ok([&*entries(kind)?, mailbox.as_str().as_bytes(), &[0]].concat().into())
}

/// What lies behind all entries of a mailbox and before those of the next one.
pub(super) fn after_entries(prefix: &[u8], mailbox: &Mailbox) -> Key {
    // Ids are ASCII.
    [prefix, mailbox.as_str().as_bytes(), &[0, u8::MAX]].concat().into()
}

/// The mailbox of an entry, of those that start so.
pub(super) fn entry_name(prefix: &[u8], key: &[u8]) -> Option<Mailbox> {
    let name = key.strip_prefix(prefix)?.split(|byte| *byte == 0).next()?;
    Mailbox::from_bytes(name).ok()
}

const fn lane_letter(lane: Lane) -> u8 {
    match lane {
        Lane::Change => b'c',
        Lane::SignIn => b's',
        Lane::Refused => b'r',
    }
}

/// What the keys of all blocks of a lane start with.
pub(super) fn blocks(lane: Lane) -> [u8; 2] {
    [b'a', lane_letter(lane)]
}

/// A block of the audit trail.
pub(super) fn block(lane: Lane, stamp: Stamp) -> Key {
    [&blocks(lane)[..], &stamp.bytes()].concat().into()
}

/// The stamp in the key of a block.
pub(super) fn block_stamp(key: &[u8]) -> Option<Stamp> {
    match key {
        [b'a', _, stamp @ ..] => stamp.try_into().ok().map(Stamp::from_bytes),
        _ => None,
    }
}

/// What the keys of all marks of a name start with.
pub(super) fn marks(mark: NameMark) -> Key {
    [&b"i"[..], &mark].concat().into()
}

/// What lies before all marks of a stamp and after those of earlier ones.
pub(super) fn before_mark(mark: NameMark, stamp: Stamp) -> Key {
    [&b"i"[..], &mark, &stamp.bytes()].concat().into()
}

/// The mark that leads from a name to a block.
pub(super) fn mark(mark: NameMark, stamp: Stamp, lane: Lane) -> Key {
    [&b"i"[..], &mark, &stamp.bytes(), &[lane_letter(lane)]].concat().into()
}

/// The block that a mark leads to.
pub(super) fn marked_block(key: &[u8]) -> Option<(Stamp, Lane)> {
    let (_, rest) = key.strip_prefix(b"i")?.split_first_chunk::<8>()?;
    let (stamp, rest) = rest.split_first_chunk::<16>()?;
    let lane = Lane::ALL.into_iter().find(|lane| rest == [lane_letter(*lane)])?;
    Some((Stamp::from_bytes(*stamp), lane))
}
