//! A session of the panel that asks for a change, and what takes its place where the change ends it.
//!
//! # Security
//!
//! What a session asks for is written on condition that it is there still, and that its mailbox stands as it
//! does in it: it may end between the last look at it and the write. The session that takes its place is in
//! that very write, so it is bound to how the mailbox stands by it, not to how it is found afterwards, and
//! there is no moment at which the one has ended and the other does not live. What ends nothing, such as the
//! count of a wrong code, replaces nothing.

use super::admin::{Admin, AdminError};
use crate::{
    base::{Mailbox, UnixMillis},
    decision::{
        panel::{PanelSession, Standing},
        record::Versioned,
    },
    ports::store::{Change, Entry, EntryKey, Expect},
};

/// The session: where it is kept, and how its mailbox stands in it.
#[derive(Debug)]
pub(super) struct Behalf {
    key: EntryKey,
    stands: Standing,
    successor: Option<Successor>,
}

/// A session that takes the place of the one that asks.
#[derive(Debug)]
pub(super) struct Successor {
    /// Where it is kept.
    pub(super) key: EntryKey,
    /// As it is but for how the mailbox stands by the change.
    pub(super) session: PanelSession,
    /// Until when.
    pub(super) expires: UnixMillis,
}

impl Behalf {
    /// Of the session that is kept there, bound to this standing.
    pub(super) fn new(key: EntryKey, stands: Standing) -> Self {
        Self { key, stands, successor: None }
    }

    /// The same for a change that ends the session.
    pub(super) fn replaced_by(self, successor: Successor) -> Self {
        Self { successor: Some(successor), ..self }
    }

    /// Whose.
    pub(super) fn mailbox(&self) -> &Mailbox {
        &self.key.mailbox
    }

    /// The changes that belong to one by which the mailbox stands like this, on condition that the session is
    /// as it was found: it stays, or another one takes its place.
    fn stays_or_ends(&self, found: Versioned<Entry>, standing: Standing) -> Vec<Change> {
        let successor = self.successor.as_ref().filter(|_| standing != self.stands);
        let stays = successor.is_none().then_some(found.value);
        let expect = Some(Expect::Version(found.version));
        let own = Change::Entry { key: self.key.clone(), expect, entry: stays };
        successor.map(|successor| successor.of(standing)).into_iter().chain([own]).collect()
    }
}

impl Successor {
    /// The change that opens it, of a mailbox that stands like this.
    fn of(&self, standing: Standing) -> Change {
        let session = PanelSession { standing, ..self.session.clone() };
        let entry = Some(Entry { value: session.encode(), expires: self.expires });
        Change::Entry { key: self.key.clone(), expect: Some(Expect::Absent), entry }
    }
}

impl Admin {
    /// Puts the condition to changes that a session asks for that it lives, and the session that takes its
    /// place if it does not by them.
    pub(super) async fn on_behalf(
        &self,
        session: &Behalf,
        changes: &mut Vec<Change>,
    ) -> Result<(), AdminError> {
        let mailbox = session.mailbox();
        // One whose time is over is here until it is cleared away, and was looked at before.
        let own = self.store.load_entry(&session.key, UnixMillis::default()).await?;
        let own = own.ok_or(AdminError::Busy)?;
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
        changes.extend(session.stays_or_ends(own, standing));
        Ok(())
    }
}
