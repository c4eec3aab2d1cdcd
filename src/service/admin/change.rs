//! A change of one record: read, edited, written by compare-and-swap, tried again when it changed
//! meanwhile.

use super::{Admin, AdminError, acting::Acting, mailbox::write, unchanged};
use crate::{
    base::{Mailbox, limits::ADMIN_ATTEMPTS},
    decision::record::{MailboxRecord, Versioned},
    ports::store::{Change, Commit},
};

/// What is done where passwords are Dovecot's and the mailbox has no record. Where they are our
/// own, it does not exist then.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Missing {
    /// It gets one.
    Make,
    /// There is nothing to change.
    Refuse,
}

impl Acting<'_> {
    /// Edits a record. `edit` may run several times; its last result counts. The text it returns is
    /// the detail of the note in the audit trail.
    pub(super) async fn change<T>(
        &self,
        mailbox: &Mailbox,
        missing: Missing,
        edit: impl Fn(&mut MailboxRecord) -> Result<(T, String), AdminError>,
    ) -> Result<T, AdminError> {
        self.change_with(mailbox, missing, &[], edit).await
    }

    /// The same, in one write with other changes.
    pub(super) async fn change_with<T>(
        &self,
        mailbox: &Mailbox,
        missing: Missing,
        others: &[Change],
        edit: impl Fn(&mut MailboxRecord) -> Result<(T, String), AdminError>,
    ) -> Result<T, AdminError> {
        for _ in 0..ADMIN_ATTEMPTS {
            let found = match missing {
                Missing::Make => self.known(mailbox).await?,
                Missing::Refuse => Some(self.existing(mailbox).await?),
            };
            let expect = unchanged(found.as_ref());
            let mut record = match found {
                Some(found) => found.value,
                None => MailboxRecord::new(self.now()?),
            };
            let (result, detail) = edit(&mut record)?;
            let mut changes = vec![write(mailbox, expect, self.worth_keeping(record))];
            changes.extend_from_slice(others);
            match self.commit(mailbox, changes, &detail).await? {
                Commit::Done(_) => return Ok(result),
                Commit::Conflict => {}
            }
        }
        Err(AdminError::Busy)
    }

    /// The record of a mailbox that may exist: with passwords of our own it must.
    pub(super) async fn known(
        &self,
        mailbox: &Mailbox,
    ) -> Result<Option<Versioned<MailboxRecord>>, AdminError> {
        match self.hasher {
            Some(_) => self.existing(mailbox).await.map(Some),
            None => self.record(mailbox).await,
        }
    }
}

impl Admin {
    /// Where Dovecot knows the passwords, a record with nothing in it is no record.
    pub(in crate::service) fn worth_keeping(&self, record: MailboxRecord) -> Option<MailboxRecord> {
        (self.hasher.is_some() || !record.is_blank()).then_some(record)
    }
}
