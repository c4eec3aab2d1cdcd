//! How a mailbox stood before its owner proved to be there, and whose mailbox that opened.
//!
//! What is opened afterwards, a session of the panel or a webmail's token, is bound to how the mailbox
//! stood *before* its password and code were looked at. What changes meanwhile ends it before it is used.
//!
//! # Security
//!
//! A mailbox can come to stand as it did before: its factor is switched off, its lock ended, its record
//! removed. So whatever ends what is open at the panel begins an era (`Admin::begin_era`), and the record
//! is always read before the era is: whoever reads an old record beside a new era finds something that
//! nothing was ever opened in.

use super::admin::{Admin, AdminError};
use crate::{
    base::{Mailbox, Secret, UnixMillis, limits::PANEL_ERA_SECONDS},
    decision::{
        digest::CredentialKey,
        outcome::Accepted,
        panel::{ERA_BYTES, Standing},
        record::{MailboxRecord, Versioned},
    },
    ports::store::{Change, Entry, EntryKey, Expect, StoreError},
};

/// The mailbox that was typed, before anything was looked at.
#[derive(Debug)]
pub(super) struct Before {
    mailbox: Mailbox,
    standing: Standing,
}

/// Whose mailbox is opened, and how it stood.
#[derive(Debug)]
pub(super) struct Proved {
    pub(super) mailbox: Mailbox,
    pub(super) standing: Standing,
    /// Whether the mailbox is the one that was typed, so that its own factor was judged.
    pub(super) own: bool,
}

/// A mailbox's era at the panel, as it was read.
#[derive(Debug)]
pub(super) struct Era {
    mailbox: Mailbox,
    /// Nothing in the first, or when that is long ago.
    begun: Option<Versioned<Entry>>,
}

impl Admin {
    /// How the mailbox of a typed name stands; `None` if it is no name.
    pub(super) async fn before(&self, typed: &[u8]) -> Result<Option<Before>, StoreError> {
        let Ok(mailbox) = self.names.canonical(typed) else { return Ok(None) };
        let standing = self.standing(&mailbox).await?;
        Ok(Some(Before { mailbox, standing }))
    }

    /// What a login proves: whose mailbox its password opens, which may be another one than was typed. A
    /// second factor of an alias would not be asked for under the mailbox's own name; so one that has a
    /// factor, or a lock, is opened by its own name only: `None`.
    pub(super) async fn proved(
        &self,
        accepted: &Accepted,
        before: Option<Before>,
    ) -> Result<Option<Proved>, StoreError> {
        let returned = accepted.user().and_then(|name| self.names.canonical(name).ok());
        let mailbox = returned.unwrap_or_else(|| accepted.identity().opened().clone());
        if let Some(before) = before.filter(|before| before.mailbox == mailbox) {
            return Ok(Some(Proved { mailbox, standing: before.standing, own: true }));
        }
        let found = self.store.load(&mailbox).await?;
        let record = found.as_ref().map(|found| &found.value);
        if record.is_some_and(|record| record.is_enrolled() || record.locked.is_some()) {
            return Ok(None);
        }
        let standing = self.stands(&mailbox, record).await?;
        Ok(Some(Proved { mailbox, standing, own: false }))
    }

    /// How a mailbox stands now.
    pub(super) async fn standing(&self, mailbox: &Mailbox) -> Result<Standing, StoreError> {
        let found = self.store.load(mailbox).await?;
        self.stands(mailbox, found.as_ref().map(|found| &found.value)).await
    }

    /// How a mailbox stands whose record, just read, is this.
    pub(super) async fn stands(
        &self,
        mailbox: &Mailbox,
        record: Option<&MailboxRecord>,
    ) -> Result<Standing, StoreError> {
        Ok(self.era(mailbox).await?.standing(&self.key, record))
    }

    /// The era of a mailbox. It lasts until it is cleared away, whatever the clock says: a write that
    /// expects none would not be done before.
    pub(super) async fn era(&self, mailbox: &Mailbox) -> Result<Era, StoreError> {
        let begun = self.store.load_entry(&era_key(mailbox), UnixMillis::default()).await?;
        Ok(Era { mailbox: mailbox.clone(), begun })
    }

    /// Whether the name of a mailbox is its name still: a reload may have brought other rules, by which it
    /// means another one.
    pub(super) fn is_named(&self, mailbox: &Mailbox) -> bool {
        self.names.canonical(mailbox.as_str().as_bytes()).is_ok_and(|name| name == *mailbox)
    }

    /// The change that ends what is open at the panel, so that it does not come back.
    pub(super) fn begin_era(&self, mailbox: &Mailbox) -> Result<Change, AdminError> {
        let mut random = [0; ERA_BYTES];
        self.random(&mut random)?;
        let now = self.clock.now().unwrap_or(UnixMillis::from_millis(u64::MAX));
        let (value, expires) = (Secret::from_slice(&random), now.plus_seconds(PANEL_ERA_SECONDS));
        let entry = Some(Entry { value, expires });
        Ok(Change::Entry { key: era_key(mailbox), expect: None, entry })
    }
}

impl Era {
    /// How the mailbox stands in it, if this is its record and was read before it.
    pub(super) fn standing(&self, key: &CredentialKey, record: Option<&MailboxRecord>) -> Standing {
        let standing = Standing::of(key, &self.mailbox, record);
        standing.in_era(key, &self.mailbox, self.begun.as_ref().map(|begun| &begun.value.value))
    }

    fn expect(&self) -> Expect {
        self.begun.as_ref().map_or(Expect::Absent, |begun| Expect::Version(begun.version))
    }

    /// Puts the condition to changes that this is the era still, one of which may begin another; the one
    /// that is by them.
    pub(super) fn held(self, changes: &mut Vec<Change>) -> Option<Secret> {
        let next = changes.iter_mut().find_map(|change| match change {
            Change::Entry { key, expect, entry } if *key == era_key(&self.mailbox) => {
                *expect = Some(self.expect());
                Some(entry.as_ref().map(|entry| entry.value.clone()))
            }
            Change::Mailbox { .. } | Change::Entry { .. } | Change::Note(_) => None,
        });
        next.unwrap_or_else(|| {
            let same = self.begun.as_ref().map(|begun| begun.value.value.clone());
            changes.push(self.lasts());
            same
        })
    }

    /// The change that changes nothing, on condition that this is the era still.
    pub(super) fn lasts(self) -> Change {
        let expect = self.expect();
        let entry = self.begun.map(|begun| begun.value);
        Change::Entry { key: era_key(&self.mailbox), expect: Some(expect), entry }
    }
}

/// Whether a change begins an era of this mailbox, or keeps it.
pub(super) fn is_era(change: &Change, mailbox: &Mailbox) -> bool {
    matches!(change, Change::Entry { key, .. } if *key == era_key(mailbox))
}

/// Where the era of a mailbox is kept.
fn era_key(mailbox: &Mailbox) -> EntryKey {
    EntryKey { kind: "panel-era", mailbox: mailbox.clone(), id: String::new() }
}
