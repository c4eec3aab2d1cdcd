//! Going on after damage: what an administrator may decide and no program may.
//!
//! # Security
//!
//! Both operations can turn a mailbox with a second factor into one without. They are never
//! called by the daemon on its own, and each is noted in the audit trail by the write that does it.

use std::collections::BTreeSet;

use super::{
    census::{Shard, Standing},
    engine::{Engine, EngineCommit, Write, WriteSet},
    keys,
    seal::Purpose,
    sealed::SealedStore,
    state::{Health, Inner, Kept, damaged_shard},
    survey::Survey,
};
use crate::{
    base::{Mailbox, limits::ACCEPTED_NAMES},
    ports::{
        event::TrailEvent,
        store::{Expect, StoreError},
    },
};

/// What an administrator may accept, or has accepted, for one shard.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Accepted {
    /// The shard.
    pub shard: Shard,
    /// Why it was damaged.
    pub reason: String,
    /// What its census had counted, if it could be read: records, and enrolled ones.
    pub counted: Option<(u64, u64)>,
    /// The mailboxes that are left, and whether they are enrolled; `None` if the record cannot be
    /// read.
    pub left: Vec<(Mailbox, Option<bool>)>,
    /// Mailboxes that this process knew of and that are gone. Names lost before it started are
    /// not known to anybody.
    pub lost: Vec<Mailbox>,
}

impl Accepted {
    /// How many records are missing at least, as far as the census tells.
    pub fn missing(&self) -> Option<u64> {
        let (records, _) = self.counted?;
        let left = self.left.len() as u64;
        Some(records.saturating_sub(left).max(self.lost.len() as u64))
    }
}

/// What the audit trail says: of all at once, and of each mailbox that is known to be lost.
fn notes(note: &TrailEvent, accepted: &[Accepted]) -> Vec<TrailEvent> {
    let shards: Vec<String> = accepted.iter().map(|one| one.shard.to_string()).collect();
    let missing: Option<u64> = accepted.iter().map(Accepted::missing).sum();
    let missing = missing.map_or_else(|| "an unknown number of".to_owned(), |n| n.to_string());
    let left: usize = accepted.iter().map(|one| one.left.len()).sum();
    // The numbers first: the list of shards may be cut.
    let detail = format!(
        "{missing} records lost at least, {left} left, in {} shards: {}",
        shards.len(),
        shards.join(", ")
    );
    let lost = accepted.iter().flat_map(|one| &one.lost).take(ACCEPTED_NAMES);
    let lost = lost.map(|mailbox| TrailEvent {
        mailbox: Some(mailbox.to_string()),
        ..note.clone().with_detail("its record is lost")
    });
    [note.clone().with_detail(&detail)].into_iter().chain(lost).collect()
}

impl<E: Engine> Inner<E> {
    /// What is left of a damaged shard, whose lock the caller holds.
    async fn assess(&self, shard: Shard, reason: String) -> Result<(Accepted, Survey), StoreError> {
        let counted = self
            .read_census(shard)
            .await
            .ok()
            .map(|kept| (kept.census.records.count, kept.census.enrolled.count));
        let survey = self.survey(shard).await?;
        if let Some(strange) = &survey.strange {
            return Err(damaged_shard(shard, strange));
        }
        let there: BTreeSet<_> = survey.found.iter().map(|(name, _)| name).collect();
        let mut lost = self.index.of_shard(shard);
        lost.retain(|name| !there.contains(name));
        let left = survey.found.iter().map(|(name, it)| (name.clone(), it.enrolled)).collect();
        Ok((Accepted { shard, reason, counted, left, lost }, survey))
    }
}

impl<E: Engine> SealedStore<E> {
    /// What [`accept_damage`](Self::accept_damage) would accept, to be shown before somebody
    /// decides. Changes nothing.
    pub async fn assess_damage(&self) -> Result<Vec<Accepted>, StoreError> {
        let inner = &self.inner;
        let mut assessed = Vec::new();
        for shard in Shard::all() {
            let _kept = inner.shard(shard).kept.lock().await;
            if let Health::Damaged(reason) = inner.health(shard) {
                assessed.push(inner.assess(shard, reason).await?.0);
            }
        }
        Ok(assessed)
    }

    /// Goes on with what is left: an administrator's decision, never a program's. Takes the
    /// records of each damaged shard as they are and writes a census that fits them.
    ///
    /// From then on **a mailbox whose record was lost has no second factor**, and one whose
    /// record fell back has the factor it had then. So first restore a backup if there is one;
    /// and before mail2fa serves logins again, compare the answer with who should be enrolled.
    ///
    /// `note` says in the audit trail who did it, and when; what was accepted is added.
    pub async fn accept_damage(&self, note: &TrailEvent) -> Result<Vec<Accepted>, StoreError> {
        let inner = &self.inner;
        let mut accepted = Vec::new();
        let mut surveyed = Vec::new();
        let mut writes = Vec::new();
        for shard in Shard::all() {
            let kept = inner.shard(shard).kept.lock().await;
            let Health::Damaged(reason) = inner.health(shard) else {
                continue;
            };
            let (assessed, survey) = inner.assess(shard, reason).await?;
            let key = keys::census(shard);
            let value = inner.sealer.seal(Purpose::Census, &key, &survey.census.to_bytes())?;
            writes.push(Write { key, expect: None, value: Some(value) });
            accepted.push(assessed);
            surveyed.push((shard, kept, survey.census, survey.found));
        }
        if writes.is_empty() {
            return Ok(accepted);
        }
        writes.extend(inner.notes_writes(notes(note, &accepted))?);
        // One set: half of it, and the mark that goes with it, would hide the other half.
        let set = WriteSet { writes, mark: true };
        let EngineCommit::Done(version) = inner.engine.commit(set).await? else {
            return Err(StoreError::Unavailable("an unconditional write conflicted".into()));
        };
        for (shard, mut kept, census, found) in surveyed {
            *kept = Some(Kept { census, version });
            inner.index.replace_shard(shard, found);
            inner.set_health(shard, Health::Sound);
        }
        inner.accept_fall_back();
        tracing::warn!(shards = accepted.len(), "damage was accepted by an administrator");
        Ok(accepted)
    }

    /// Removes a record that cannot be read, which nothing else can. **The mailbox then has no
    /// second factor.** `false` when there is no record; an error when it can be read, or when its
    /// shard is damaged.
    ///
    /// `note` says in the audit trail who did it, and when.
    pub async fn discard_unreadable(
        &self,
        mailbox: &Mailbox,
        note: &TrailEvent,
    ) -> Result<bool, StoreError> {
        let inner = &self.inner;
        let shard = inner.names.shard(mailbox);
        let key = keys::record(shard, mailbox);
        let mut kept = inner.shard(shard).kept.lock().await;
        let _ = inner.compare(shard, &mut kept).await?;
        if let Health::Damaged(reason) = inner.health(shard) {
            return Err(damaged_shard(shard, &reason));
        }
        let Some(stored) = inner.engine.get(&key).await? else {
            return Ok(false);
        };
        if inner.unseal(&key, mailbox, &stored).is_ok() {
            return Err(StoreError::Unavailable(format!("the record of {mailbox} can be read")));
        }
        let now = inner.read_census(shard).await?;
        let mut rest = inner.survey(shard).await?;
        rest.census.note(&inner.names, mailbox, Standing::Plain, Standing::Absent);
        rest.unreadable.retain(|other| other != mailbox);
        // Only one of the two leaves a census that fits the rest: that is what the record was.
        let census = [Standing::Plain, Standing::Enrolled]
            .into_iter()
            .map(|from| {
                let mut census = now.census;
                census.note(&inner.names, mailbox, from, Standing::Absent);
                census
            })
            .find(|census| rest.census.agrees(census, &inner.names, &rest.unreadable))
            .ok_or_else(|| damaged_shard(shard, "its census does not fit the other records"))?;
        let census_key = keys::census(shard);
        let value = inner.sealer.seal(Purpose::Census, &census_key, &census.to_bytes())?;
        let expect = |version| Some(Expect::Version(version));
        let note = TrailEvent { mailbox: Some(mailbox.to_string()), ..note.clone() };
        let mut writes = inner.note_writes(&note)?;
        writes.extend([
            Write { key, expect: expect(stored.version), value: None },
            Write { key: census_key, expect: expect(now.version), value: Some(value) },
        ]);
        match inner.engine.commit(WriteSet { writes, mark: true }).await? {
            EngineCommit::Conflict(_) => {
                Err(StoreError::Unavailable("it was changed meanwhile".into()))
            }
            EngineCommit::Done(version) => {
                *kept = Some(Kept { census, version });
                inner.index.remove(mailbox);
                tracing::warn!(%mailbox, "an unreadable record was discarded");
                Ok(true)
            }
        }
    }
}
