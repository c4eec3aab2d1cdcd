//! How a mailbox stood before its owner proved to be there, and whose mailbox that opened.
//!
//! What is opened afterwards, a session of the panel or a webmail's token, is bound to how the mailbox
//! stood *before* its password and code were looked at. What changes meanwhile ends it before it is used.

use super::admin::Admin;
use crate::{
    base::Mailbox,
    decision::{outcome::Accepted, panel::Standing},
    ports::store::StoreError,
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
        let standing = Standing::of(&self.key, &mailbox, record);
        Ok(Some(Proved { mailbox, standing, own: false }))
    }

    /// How a mailbox stands now.
    pub(super) async fn standing(&self, mailbox: &Mailbox) -> Result<Standing, StoreError> {
        let found = self.store.load(mailbox).await?;
        Ok(Standing::of(&self.key, mailbox, found.as_ref().map(|found| &found.value)))
    }
}
