//! Reading: what may be served of records and entries, and what an absence means.
//!
//! # Security
//!
//! `Ok(None)` from [`Inner::load`] lets a mailbox in without a second factor, so it is given only
//! when the index, which agreed with the census, has no such name. In a damaged shard only records
//! that ask for a code are served: they are authentic. A record without a factor may be an older
//! one of a mailbox that has one now, so it is refused like an absent one. When all of the data is
//! older than what was acknowledged, burns are lost too, and nothing is served.

use futures_util::future;

use super::{
    census::Shard,
    engine::{Engine, Stored},
    index::Listed,
    keys, record,
    seal::Purpose,
    state::{Health, Inner, damaged_shard},
};
use crate::{
    base::{Mailbox, UnixMillis, limits::SCAN_PAGE},
    decision::record::{MailboxRecord, Version, Versioned},
    ports::store::{Entry, EntryKey, Page, Since, StoreError},
};

impl<E: Engine> Inner<E> {
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

    pub(super) async fn load(
        &self,
        mailbox: &Mailbox,
    ) -> Result<Option<Versioned<MailboxRecord>>, StoreError> {
        match self.load_unless(mailbox, None).await? {
            Since::Changed(now) => Ok(now),
            Since::Same => Err(StoreError::Unavailable("no version was named".into())),
        }
    }

    pub(super) async fn load_unless(
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

    pub(super) async fn load_entry(
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

    pub(super) async fn page(
        &self,
        after: Option<&Mailbox>,
        limit: usize,
    ) -> Result<Page, StoreError> {
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

    pub(super) async fn entries(
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

    /// What cannot be read is left out: an entry that is damaged keeps nobody from the others.
    pub(super) async fn entries_of(
        &self,
        kind: &str,
        mailbox: &Mailbox,
        now: UnixMillis,
        limit: usize,
    ) -> Result<Vec<(String, Entry)>, StoreError> {
        self.check_current()?;
        let prefix = keys::entries_of(kind, mailbox)?;
        let found = self.engine.scan(&prefix, None, limit.min(SCAN_PAGE)).await?;
        let mut entries = Vec::with_capacity(found.len());
        for (key, stored) in found {
            let entry = match self.unseal_entry(&key, &stored) {
                Ok(entry) => entry,
                Err(error) => {
                    tracing::warn!(%mailbox, %error, "an entry cannot be read");
                    continue;
                }
            };
            let id = key.strip_prefix(&*prefix).map(String::from_utf8_lossy).unwrap_or_default();
            if entry.expires > now {
                entries.push((id.into_owned(), entry));
            }
        }
        Ok(entries)
    }
}
