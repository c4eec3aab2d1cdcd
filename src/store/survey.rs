//! Comparing the records with the census.

use std::collections::BTreeSet;

use super::{
    census::{Census, Shard, Standing},
    engine::{Engine, Key},
    index::Listed,
    keys,
    seal::Purpose,
    sealed::SealedStore,
    state::{Health, Inner, Kept},
};
use crate::{
    base::{Mailbox, limits::SCAN_PAGE},
    ports::store::StoreError,
};

/// What a full comparison found.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Verified {
    /// Records that are there.
    pub records: u64,
    /// Those with a second factor.
    pub enrolled: u64,
    /// Mailboxes whose record cannot be read. They are refused; the others are not concerned.
    pub unreadable: Vec<Mailbox>,
    /// Shards whose census does not agree, and why.
    pub damaged: Vec<(Shard, String)>,
}

/// What is really there, in one shard.
#[derive(Default)]
pub(super) struct Survey {
    pub(super) census: Census,
    pub(super) found: Vec<(Mailbox, Listed)>,
    pub(super) unreadable: Vec<Mailbox>,
    /// Something that should not be there.
    pub(super) strange: Option<String>,
}

impl<E: Engine> Inner<E> {
    /// Finds out what became of a write whose outcome was not known.
    pub(super) async fn settle(&self, shard: Shard) -> Result<(), StoreError> {
        let mut kept = self.shard(shard).kept.lock().await;
        if self.health(shard) == Health::Unsettled {
            self.compare(shard, &mut kept).await?;
        }
        Ok(())
    }

    /// Compares a shard, whose lock the caller holds, and sets its health and its part of the
    /// index. A shard that was damaged stays so: what made it disagree may be gone from sight.
    pub(super) async fn compare(
        &self,
        shard: Shard,
        kept: &mut Option<Kept>,
    ) -> Result<Verified, StoreError> {
        let outcome = match self.survey(shard).await {
            Ok(survey) => match self.read_census(shard).await {
                Ok(now) => {
                    *kept = Some(now);
                    let verdict = self.judge(&survey, &now.census);
                    Ok((survey, verdict))
                }
                Err(StoreError::Damaged(reason)) => Ok((survey, Err(reason))),
                Err(error) => Err(error),
            },
            Err(StoreError::Damaged(reason)) => Ok((Survey::default(), Err(reason))),
            Err(error) => Err(error),
        };
        let (survey, mut verdict) = outcome?;
        if let Health::Damaged(reason) = self.health(shard) {
            verdict = Err(reason);
        }
        let mut verified = Verified {
            records: survey.census.records.count,
            enrolled: survey.census.enrolled.count,
            unreadable: survey.unreadable,
            damaged: Vec::new(),
        };
        if verdict.is_ok() && self.fell_back(shard, &survey.found) {
            verdict = Err("records and census fell back to an older state".into());
        }
        match verdict {
            Ok(()) => {
                if !self.index.is_exactly(shard, &survey.found) {
                    self.index.replace_shard(shard, survey.found);
                }
                self.set_health(shard, Health::Sound);
            }
            Err(reason) => {
                // What is known stays known; what is new is not hidden.
                for (mailbox, listed) in survey.found {
                    self.index.put(mailbox, listed);
                }
                self.set_health(shard, Health::Damaged(reason.clone()));
                verified.damaged.push((shard, reason));
            }
        }
        Ok(verified)
    }

    /// Whether names are gone that this process knew. A census that agrees with what is there all
    /// the same means that both were exchanged. After a write whose outcome was not known, a name
    /// may be gone because that write removed it.
    fn fell_back(&self, shard: Shard, found: &[(Mailbox, Listed)]) -> bool {
        if self.health(shard) == Health::Unsettled || self.index.is_exactly(shard, found) {
            return false;
        }
        let there: BTreeSet<_> = found.iter().map(|(mailbox, _)| mailbox).collect();
        self.index.of_shard(shard).iter().any(|known| !there.contains(known))
    }

    fn judge(&self, survey: &Survey, census: &Census) -> Result<(), String> {
        if let Some(strange) = &survey.strange {
            return Err(strange.clone());
        }
        if survey.census.agrees(census, &self.names, &survey.unreadable) {
            return Ok(());
        }
        Err(format!(
            "{} records with {} enrolled were counted, {} with {} are there{}",
            census.records.count,
            census.enrolled.count,
            survey.census.records.count,
            survey.census.enrolled.count,
            if survey.census.records.count == census.records.count {
                ", or not the same"
            } else {
                ""
            },
        ))
    }

    /// Reads all records of a shard.
    pub(super) async fn survey(&self, shard: Shard) -> Result<Survey, StoreError> {
        let mut survey = Survey::default();
        let prefix = keys::records(shard);
        let mut after: Option<Key> = None;
        // What was on its way before has its outcome afterwards.
        self.engine.sync().await?;
        loop {
            let page = self.engine.scan(&prefix, after.as_deref(), SCAN_PAGE).await?;
            let Some((last, _)) = page.last() else {
                break;
            };
            after = Some(last.clone());
            for (key, stored) in page {
                let Some(mailbox) = keys::placed_name(&key, shard, &self.names) else {
                    survey.strange = Some("a record lies where none belongs".into());
                    continue;
                };
                let enrolled = if let Ok(record) = self.unseal(&key, &mailbox, &stored) {
                    Some(record.is_enrolled())
                } else {
                    survey.unreadable.push(mailbox.clone());
                    None
                };
                let to = if enrolled == Some(true) { Standing::Enrolled } else { Standing::Plain };
                survey.census.note(&self.names, &mailbox, Standing::Absent, to);
                survey.found.push((mailbox, Listed { version: stored.version, shard, enrolled }));
            }
        }
        // A scan may show versions that are not durable yet; the index must not.
        self.engine.sync().await?;
        Ok(survey)
    }

    /// Reads the census of a shard.
    pub(super) async fn read_census(&self, shard: Shard) -> Result<Kept, StoreError> {
        let key = keys::census(shard);
        let damaged = |what: String| StoreError::Damaged(format!("its census {what}"));
        let stored = self.engine.get(&key).await?.ok_or_else(|| damaged("is missing".into()))?;
        let text = self
            .sealer
            .open(Purpose::Census, &key, &stored.value)
            .map_err(|error| damaged(format!("cannot be read: {error}")))?;
        let census = Census::from_bytes(&text).ok_or_else(|| damaged("is malformed".into()))?;
        Ok(Kept { census, version: stored.version })
    }
}

impl<E: Engine> SealedStore<E> {
    /// Compares all records with the census, shard by shard, while logins go on. A shard that
    /// does not agree is damaged from then on.
    pub async fn verify(&self) -> Result<Verified, StoreError> {
        let mut all = Verified::default();
        for shard in Shard::all() {
            let mut kept = self.inner.shard(shard).kept.lock().await;
            let mut one = self.inner.compare(shard, &mut kept).await?;
            all.records += one.records;
            all.enrolled += one.enrolled;
            all.unreadable.append(&mut one.unreadable);
            all.damaged.append(&mut one.damaged);
        }
        Ok(all)
    }
}
