//! Who asks for what: each change that is written says so in the audit trail, in the same write set.
//!
//! This is the only file here that commits.

use std::ops::Deref;

use super::{Admin, AdminError};
use crate::{
    base::Mailbox,
    decision::panel::Standing,
    ports::{
        event::TrailEvent,
        store::{Change, Commit},
    },
    service::{behalf::Behalf, reminders::Reminders, standing::is_era, trail::Recorder},
};

/// One request on its way.
pub(super) struct Acting<'a> {
    pub(super) admin: &'a Admin,
    /// On whose behalf, such as `uid=0`.
    pub(super) by: &'a str,
    /// The word for what is asked.
    pub(super) action: &'static str,
    /// The session of the panel that asks, if it is one: nothing is written once it has ended.
    pub(super) session: Option<&'a Behalf>,
}

impl Deref for Acting<'_> {
    type Target = Admin;

    fn deref(&self) -> &Admin {
        self.admin
    }
}

impl Acting<'_> {
    /// Writes a change of a mailbox, and the note of it. `detail` has no secret in it.
    pub(super) async fn commit(
        &self,
        mailbox: &Mailbox,
        changes: Vec<Change>,
        detail: &str,
    ) -> Result<Commit, AdminError> {
        let note = self.note(mailbox).await.with_detail(detail);
        self.commit_noted(changes, note).await
    }

    /// The note of a change. A clock that has lost its time does not keep an administrator from it.
    pub(super) async fn note(&self, mailbox: &Mailbox) -> TrailEvent {
        let (at, time_unknown) = self.trail.moment().await;
        TrailEvent { time_unknown, ..TrailEvent::change(at, mailbox, self.by, self.action) }
    }

    /// The same with a note of the caller's.
    pub(super) async fn commit_noted(
        &self,
        mut changes: Vec<Change>,
        note: TrailEvent,
    ) -> Result<Commit, AdminError> {
        changes.extend(self.begun_eras(&changes).await?);
        if let Some(session) = self.session {
            self.on_behalf(session, &mut changes).await?;
        }
        changes.push(Change::Note(Box::new(note)));
        Ok(self.store.commit(changes).await?)
    }

    /// The eras that begin with changes of records: where a record says otherwise from then on who may in.
    /// One that is new needs none: what was opened before it finds another standing while there is a
    /// record, and an era once that is gone. What is read here is what the changes expect, or they are not
    /// done.
    async fn begun_eras(&self, changes: &[Change]) -> Result<Vec<Change>, AdminError> {
        let mut eras = Vec::new();
        for change in changes {
            let Change::Mailbox { mailbox, record, .. } = change else { continue };
            if changes.iter().any(|change| is_era(change, mailbox)) {
                continue;
            }
            let Some(was) = self.record(mailbox).await? else { continue };
            let stands = |record| Standing::of(&self.key, mailbox, record);
            if stands(Some(&was.value)) != stands(record.as_deref()) {
                eras.push(self.begin_era(mailbox)?);
            }
        }
        Ok(eras)
    }

    /// The changes that drop what was gathered of a mailbox's logins, and what its owner was told of them.
    pub(super) fn drop_summaries(mailbox: &Mailbox) -> impl Iterator<Item = Change> {
        let keys = Recorder::summaries(mailbox).into_iter().chain([Reminders::key(mailbox)]);
        keys.map(|key| Change::Entry { key, expect: None, entry: None })
    }
}
