//! A session of the panel that asks for a change, and what takes its place where the change ends it.
//!
//! # Security
//!
//! What a session asks for is written on condition that its mailbox stands as it does in the session: it may
//! end between the last look at it and the write. The session that takes its place is in that very write, so
//! it is bound to how the mailbox stands by it, not to how it is found afterwards, and there is no moment at
//! which the one has ended and the other does not live. What ends nothing, such as the count of a wrong code,
//! replaces nothing.

use super::admin::{Admin, AdminError};
use crate::{
    base::{Mailbox, UnixMillis},
    decision::panel::{PanelSession, Standing},
    ports::store::{Change, Entry, EntryKey, Expect},
};

/// The session: of which mailbox, and how that stands in it.
#[derive(Debug)]
pub(super) struct Behalf {
    mailbox: Mailbox,
    stands: Standing,
    successor: Option<Successor>,
}

/// A session that takes the place of the one that asks.
#[derive(Debug)]
pub(super) struct Successor {
    /// Where the one that asks is kept.
    pub(super) replaced: EntryKey,
    /// Where this one is.
    pub(super) key: EntryKey,
    /// As it is but for how the mailbox stands by the change.
    pub(super) session: PanelSession,
    /// Until when.
    pub(super) expires: UnixMillis,
}

impl Behalf {
    /// Of a session of this mailbox, bound to this standing.
    pub(super) fn new(mailbox: Mailbox, stands: Standing) -> Self {
        Self { mailbox, stands, successor: None }
    }

    /// The same for a change that ends the session.
    pub(super) fn replaced_by(self, successor: Successor) -> Self {
        Self { successor: Some(successor), ..self }
    }

    /// Whose.
    pub(super) fn mailbox(&self) -> &Mailbox {
        &self.mailbox
    }
}

impl Successor {
    /// The changes by which it takes the other one's place, of a mailbox that stands like this by them.
    fn takes_over(&self, standing: Standing) -> [Change; 2] {
        let session = PanelSession { standing, ..self.session.clone() };
        let entry = Entry { value: session.encode(), expires: self.expires };
        let (expect, key) = (Some(Expect::Absent), self.key.clone());
        [
            Change::Entry { key: self.replaced.clone(), expect: None, entry: None },
            Change::Entry { key, expect, entry: Some(entry) },
        ]
    }
}

impl Admin {
    /// Puts the condition to changes that a session asks for that its mailbox stands as it did, and the
    /// session that takes its place if it does not by them.
    pub(super) async fn on_behalf(
        &self,
        session: &Behalf,
        changes: &mut Vec<Change>,
    ) -> Result<(), AdminError> {
        let mailbox = &session.mailbox;
        let found = self.store.load(mailbox).await?;
        let record = found.as_ref().map(|found| &found.value);
        let era = self.era(mailbox).await?;
        if era.standing(&self.key, record) != session.stands {
            return Err(AdminError::Busy);
        }
        let written = changes.iter().find_map(|change| match change {
            Change::Mailbox { mailbox: of, record, .. } if of == mailbox => Some(record.as_deref()),
            Change::Mailbox { .. } | Change::Entry { .. } | Change::Note(_) => None,
        });
        let standing = Standing::of(&self.key, mailbox, written.unwrap_or(record));
        let standing = standing.in_era(&self.key, mailbox, era.held(changes).as_ref());
        if let Some(successor) = session.successor.as_ref().filter(|_| standing != session.stands) {
            changes.extend(successor.takes_over(standing));
        }
        Ok(())
    }
}
