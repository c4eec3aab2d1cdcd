//! The audit trail: blocks of events in the order of time, and marks that lead to a mailbox's.
//!
//! A block is one value: a head in the clear, which is all that an expiry reads, and the events,
//! sealed. For each mailbox that a block concerns there is a mark, a key without a value:
//!
//! | key | value |
//! |---|---|
//! | `a` lane stamp | head, sealed events |
//! | `i` mark stamp lane | nothing |
//!
//! A mark begins with eight bytes of the name's keyed digest. Two names may share them; whoever
//! reads looks at the names in the events. Opening a store reads none of this.
//!
//! # Security
//!
//! What is read here was sealed by us; the head was not, and decides only what an expiry removes. A
//! block that cannot be read is skipped and counted: the trail never keeps anybody out.

use std::sync::{Mutex, PoisonError, atomic::Ordering};

use super::{
    block::{Draft, Head, drafts},
    engine::{Engine, EngineCommit, Key, Stored, Write, WriteSet},
    keys,
    seal::Purpose,
    sealed::SealedStore,
    state::Inner,
};
use crate::{
    base::{
        Mailbox, UnixMillis,
        limits::{AUDIT_EXPIRE_BLOCKS, AUDIT_FREE_FLOOR_BYTES, SCAN_PAGE},
    },
    ports::{
        BoxFuture,
        event::TrailEvent,
        store::StoreError,
        trail::{Expired, Lane, Stamp, Trail, TrailBlock, TrailPage, TrailQuery},
    },
};

/// Blocks that are removed side by side.
const SIDE_BY_SIDE: usize = 32;

fn position(lane: Lane) -> usize {
    match lane {
        Lane::Change => 0,
        Lane::SignIn => 1,
        Lane::Refused => 2,
    }
}

impl<E: Engine> Inner<E> {
    /// The writes of several events that go with a change.
    pub(super) fn notes_writes(&self, events: Vec<TrailEvent>) -> Result<Vec<Write>, StoreError> {
        let mut writes = Vec::new();
        for draft in drafts(events)? {
            writes.extend(self.block_writes(Lane::Change, 0, &draft)?);
        }
        Ok(writes)
    }

    /// The writes of one event that goes with a change.
    pub(super) fn note_writes(&self, event: &TrailEvent) -> Result<Vec<Write>, StoreError> {
        self.notes_writes(vec![event.clone()])
    }

    fn stamp(&self, events: &[TrailEvent]) -> Stamp {
        let at = events.iter().map(|event| event.at).max().unwrap_or_default();
        Stamp::new(UnixMillis::from_millis(at), self.trail.number.fetch_add(1, Ordering::Relaxed))
    }

    fn block_writes(
        &self,
        lane: Lane,
        first: u64,
        draft: &Draft,
    ) -> Result<Vec<Write>, StoreError> {
        let stamp = self.stamp(&draft.events);
        let mut marks = Vec::new();
        for mailbox in draft.events.iter().flat_map(TrailEvent::concerns) {
            let mark = self.names.mark(&mailbox);
            if !marks.contains(&mark) {
                marks.push(mark);
            }
        }
        let key = keys::block(lane, stamp);
        let sealed = self.sealer.seal(Purpose::Trail, &key, &draft.text)?;
        let count = u32::try_from(draft.events.len()).unwrap_or(u32::MAX);
        let head = Head { first, count, marks };
        let mut value = Vec::with_capacity(16 + head.marks.len() * 8 + sealed.len());
        head.write(&mut value);
        value.extend_from_slice(&sealed);
        let put = |key, value| Write { key, expect: None, value: Some(value) };
        let marks = head.marks.iter().map(|mark| put(keys::mark(*mark, stamp, lane), [].into()));
        let mut writes: Vec<Write> = marks.collect();
        writes.push(put(key, value.into()));
        Ok(writes)
    }

    /// How many events were ever written to a lane, as far as its newest block tells.
    async fn written(&self, lane: Lane) -> Result<u64, StoreError> {
        let known = |next: &Mutex<[Option<u64>; 3]>| {
            let next = next.lock().unwrap_or_else(PoisonError::into_inner);
            next.get(position(lane)).copied().flatten()
        };
        if let Some(next) = known(&self.trail.next) {
            return Ok(next);
        }
        let newest = self.engine.scan_back(&keys::blocks(lane), None, SIDE_BY_SIDE).await?;
        let heads = newest.iter().filter_map(|(_, stored)| Head::read(&stored.value));
        let found = heads.map(|(head, _)| head.first.saturating_add(u64::from(head.count)));
        let found = found.max().unwrap_or(0);
        Ok(known(&self.trail.next).unwrap_or(found))
    }

    fn note_written(&self, lane: Lane, next: u64) {
        let mut all = self.trail.next.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(known) = all.get_mut(position(lane)) {
            *known = Some(known.unwrap_or(0).max(next));
        }
    }

    async fn append(&self, lane: Lane, events: Vec<TrailEvent>) -> Result<(), StoreError> {
        self.check_current()?;
        if let Some(free) = self.engine.free_bytes()
            && free < AUDIT_FREE_FLOOR_BYTES
        {
            return Err(StoreError::Full(format!(
                "{free} bytes are free; below {AUDIT_FREE_FLOOR_BYTES} no login is written to the \
                 audit trail"
            )));
        }
        let mut next = self.written(lane).await?;
        let mut commits = Vec::new();
        for draft in drafts(events)? {
            let writes = self.block_writes(lane, next, &draft)?;
            next = next.saturating_add(draft.events.len() as u64);
            self.note_written(lane, next);
            commits.push(self.engine.commit(WriteSet { writes, mark: false }));
        }
        for commit in commits {
            // Nothing is expected, so nothing conflicts.
            let (EngineCommit::Done(_) | EngineCommit::Conflict(_)) = commit.await?;
        }
        Ok(())
    }

    async fn read_trail(&self, query: &TrailQuery) -> Result<TrailPage, StoreError> {
        let most = query.most.clamp(1, SCAN_PAGE);
        let found = match &query.mailbox {
            Some(mailbox) => self.marked(query, mailbox, most).await?,
            None => self.latest(query, most).await?,
        };
        let next = (found.len() == most).then(|| found.last().map(|(stamp, ..)| *stamp)).flatten();
        let mut page = TrailPage { next, ..TrailPage::default() };
        for (stamp, key, stored) in found {
            if stamp.at() < query.since {
                page.next = None;
                break;
            }
            let stored = match stored {
                Some(stored) => Some(stored),
                None => self.engine.get(&key).await?,
            };
            // A mark whose block has expired this moment leads nowhere.
            let Some(stored) = stored else { continue };
            match self.read_block(&key, &stored) {
                Some(events) => page.blocks.push(TrailBlock { stamp, events }),
                None => page.unreadable += 1,
            }
        }
        if page.unreadable > 0 && !self.trail.told.swap(true, Ordering::Relaxed) {
            tracing::warn!("parts of the audit trail cannot be read; see `mail2fa store check`");
        }
        Ok(page)
    }

    fn read_block(&self, key: &[u8], stored: &Stored) -> Option<Vec<TrailEvent>> {
        let (_, sealed) = Head::read(&stored.value)?;
        let text = self.sealer.open(Purpose::Trail, key, sealed).ok()?;
        let lines = text.split(|byte| *byte == b'\n').filter(|line| !line.is_empty());
        lines.map(|line| serde_json::from_slice(line).ok()).collect()
    }

    /// The blocks that a mailbox's marks lead to, newest first.
    async fn marked(
        &self,
        query: &TrailQuery,
        mailbox: &Mailbox,
        most: usize,
    ) -> Result<Vec<(Stamp, Key, Option<Stored>)>, StoreError> {
        let mark = self.names.mark(mailbox);
        let prefix = keys::marks(mark);
        let mut found = Vec::new();
        let mut before: Option<Key> = query.before.map(|stamp| keys::before_mark(mark, stamp));
        while found.len() < most {
            let page = self.engine.scan_back(&prefix, before.as_deref(), most).await?;
            let Some((last, _)) = page.last() else { break };
            before = Some(last.clone());
            for (key, _) in &page {
                let Some((stamp, lane)) = keys::marked_block(key) else { continue };
                if stamp.at() < query.since {
                    return Ok(found);
                }
                if query.lanes.contains(&lane) && found.len() < most {
                    found.push((stamp, keys::block(lane, stamp), None));
                }
            }
        }
        Ok(found)
    }

    /// The newest blocks of all lanes, newest first.
    async fn latest(
        &self,
        query: &TrailQuery,
        most: usize,
    ) -> Result<Vec<(Stamp, Key, Option<Stored>)>, StoreError> {
        let mut found = Vec::new();
        for lane in &query.lanes {
            let before = query.before.map(|stamp| keys::block(*lane, stamp));
            let page = self.engine.scan_back(&keys::blocks(*lane), before.as_deref(), most).await?;
            for (key, stored) in page {
                if let Some(stamp) = keys::block_stamp(&key) {
                    found.push((stamp, key, Some(stored)));
                }
            }
        }
        found.sort_by(|(a, ..), (b, ..)| b.cmp(a));
        found.truncate(most);
        Ok(found)
    }

    async fn expire_trail(
        &self,
        lane: Lane,
        before: UnixMillis,
        keep: u64,
    ) -> Result<Expired, StoreError> {
        self.check_current()?;
        let written = self.written(lane).await?;
        let mut expired = Expired::default();
        let mut after: Option<Key> = None;
        for _ in 0..AUDIT_EXPIRE_BLOCKS / SIDE_BY_SIDE {
            let prefix = keys::blocks(lane);
            let page = self.engine.scan(&prefix, after.as_deref(), SIDE_BY_SIDE).await?;
            let Some((last, _)) = page.last() else { return Ok(expired) };
            after = Some(last.clone());
            let mut commits = Vec::new();
            let mut all = page.len() == SIDE_BY_SIDE;
            for (key, stored) in page {
                let Some(stamp) = keys::block_stamp(&key) else { continue };
                let head = Head::read(&stored.value).map(|(head, _)| head);
                let end =
                    head.as_ref().map(|head| head.first.saturating_add(u64::from(head.count)));
                let surplus = end.is_some_and(|end| written.saturating_sub(end) >= keep);
                if stamp.at() >= before && !(surplus && lane != Lane::Change) {
                    all = false;
                    break;
                }
                let remove = |key| Write { key, expect: None, value: None };
                let marks = head.iter().flat_map(|head| &head.marks);
                let mut writes: Vec<Write> =
                    marks.map(|mark| remove(keys::mark(*mark, stamp, lane))).collect();
                writes.push(remove(key));
                expired.events += head.map_or(1, |head| u64::from(head.count));
                commits.push(self.engine.commit(WriteSet { writes, mark: false }));
            }
            for commit in commits {
                let (EngineCommit::Done(_) | EngineCommit::Conflict(_)) = commit.await?;
            }
            if !all {
                return Ok(expired);
            }
        }
        expired.more = true;
        Ok(expired)
    }
}

/// What a look through the whole trail found.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct TrailFound {
    /// Events that can be read.
    pub events: u64,
    /// Blocks that cannot.
    pub unreadable: u64,
}

impl<E: Engine> SealedStore<E> {
    /// Reads the whole audit trail.
    pub async fn check_trail(&self) -> Result<TrailFound, StoreError> {
        let mut found = TrailFound::default();
        for lane in Lane::ALL {
            let prefix = keys::blocks(lane);
            let mut after: Option<Key> = None;
            loop {
                let page = self.inner.engine.scan(&prefix, after.as_deref(), SCAN_PAGE).await?;
                let Some((last, _)) = page.last() else { break };
                after = Some(last.clone());
                for (key, stored) in &page {
                    match self.inner.read_block(key, stored) {
                        Some(events) => found.events += events.len() as u64,
                        None => found.unreadable += 1,
                    }
                }
            }
        }
        Ok(found)
    }
}

impl<E: Engine> Trail for SealedStore<E> {
    fn append(&self, lane: Lane, events: Vec<TrailEvent>) -> BoxFuture<'_, Result<(), StoreError>> {
        Box::pin(self.inner.append(lane, events))
    }

    fn read<'a>(&'a self, query: &'a TrailQuery) -> BoxFuture<'a, Result<TrailPage, StoreError>> {
        Box::pin(self.inner.read_trail(query))
    }

    fn expire(
        &self,
        lane: Lane,
        before: UnixMillis,
        keep: u64,
    ) -> BoxFuture<'_, Result<Expired, StoreError>> {
        Box::pin(self.inner.expire_trail(lane, before, keep))
    }
}
