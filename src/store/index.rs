//! The names that have a record, in memory and in order.
//!
//! It is built from a full scan when the store is opened and kept up with every acknowledged
//! commit. It makes "there is no such record" cheap and says which names there are; what a
//! record says is always read from the engine.

use std::{
    collections::BTreeMap,
    ops::Bound,
    sync::{PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard},
};

use super::census::Shard;
use crate::{base::Mailbox, decision::record::Version};

/// What is known of a name without reading its record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Listed {
    /// A version that was acknowledged; the record has this one or a newer one.
    pub(super) version: Version,
    /// The shard of the name.
    pub(super) shard: Shard,
    /// Whether the record of that version has a second factor; `None` if it could not be read.
    pub(super) enrolled: Option<bool>,
}

/// The names.
#[derive(Default)]
pub(super) struct Index {
    names: RwLock<Names>,
}

#[derive(Default)]
struct Names {
    all: BTreeMap<Mailbox, Listed>,
    /// How many of each shard.
    counts: BTreeMap<Shard, usize>,
}

impl Names {
    fn put(&mut self, mailbox: Mailbox, listed: Listed) {
        if self.all.insert(mailbox, listed).is_none() {
            *self.counts.entry(listed.shard).or_default() += 1;
        }
    }

    fn count(&self, shard: Shard) -> usize {
        self.counts.get(&shard).copied().unwrap_or_default()
    }
}

impl Index {
    fn read(&self) -> RwLockReadGuard<'_, Names> {
        self.names.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn write(&self) -> RwLockWriteGuard<'_, Names> {
        self.names.write().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn get(&self, mailbox: &Mailbox) -> Option<Listed> {
        self.read().all.get(mailbox).copied()
    }

    /// Notes a newer version of a record whose standing is the same. Answers may come out of
    /// order, so an older one changes nothing.
    pub(super) fn advance(&self, mailbox: &Mailbox, version: Version) {
        if let Some(listed) = self.write().all.get_mut(mailbox)
            && listed.version < version
        {
            listed.version = version;
        }
    }

    pub(super) fn put(&self, mailbox: Mailbox, listed: Listed) {
        let mut names = self.write();
        let known = names.all.get(&mailbox).map(|known| known.version);
        if known.is_none_or(|known| known <= listed.version) {
            names.put(mailbox, listed);
        }
    }

    pub(super) fn remove(&self, mailbox: &Mailbox) {
        let mut names = self.write();
        if let Some(listed) = names.all.remove(mailbox)
            && let Some(count) = names.counts.get_mut(&listed.shard)
        {
            *count = count.saturating_sub(1);
        }
    }

    /// Whether the names of a shard are exactly these.
    pub(super) fn is_exactly(&self, shard: Shard, found: &[(Mailbox, Listed)]) -> bool {
        let names = self.read();
        names.count(shard) == found.len()
            && found.iter().all(|(mailbox, _)| names.all.contains_key(mailbox))
    }

    /// Replaces what is known of a shard.
    pub(super) fn replace_shard(&self, shard: Shard, found: Vec<(Mailbox, Listed)>) {
        let mut names = self.write();
        if names.count(shard) > 0 {
            names.all.retain(|_, listed| listed.shard != shard);
            names.counts.remove(&shard);
        }
        for (mailbox, listed) in found {
            names.put(mailbox, listed);
        }
    }

    /// At most `limit` names after one, in order.
    pub(super) fn after(&self, after: Option<&Mailbox>, limit: usize) -> Vec<Mailbox> {
        let start = after.map_or(Bound::Unbounded, Bound::Excluded);
        let names = self.read();
        let following = names.all.range((start, Bound::Unbounded));
        following.take(limit).map(|(name, _)| name.clone()).collect()
    }

    /// The names of a shard. Looks at all names.
    pub(super) fn of_shard(&self, shard: Shard) -> Vec<Mailbox> {
        let names = self.read();
        if names.count(shard) == 0 {
            return Vec::new();
        }
        let listed = names.all.iter().filter(|(_, listed)| listed.shard == shard);
        listed.map(|(name, _)| name.clone()).collect()
    }

    /// How many names there are.
    pub(super) fn len(&self) -> usize {
        self.read().all.len()
    }
}
