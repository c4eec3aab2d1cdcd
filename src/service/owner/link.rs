//! Into the panel by a one-time link.
//!
//! # Security
//!
//! To look at a link does nothing to it: what opens addresses by itself (a mail scanner, a browser that
//! guesses ahead) looks. To follow it takes it away and opens the session in one write, on condition that
//! the link is what was read: of several who follow it one gets in, also across a crash.
//!
//! Whoever made the link could follow it as well. So a session by link makes nothing that opens mail: it
//! has no app passwords to give, see [`Owner::add_app_password`]. Who made the link stands beside all that
//! it changes, in the audit trail.

use super::{Owner, OwnerError, Ticket};
use crate::{
    base::{Mailbox, NetAddress},
    decision::{
        panel::PanelSession,
        panel_link::{LinkToken, PanelLink},
        record::Versioned,
    },
    ports::{
        event::TrailEvent,
        store::{Change, Commit, Expect},
    },
};

impl Owner {
    /// Whose panel a link leads to, if it can still be followed.
    ///
    /// # Errors
    ///
    /// When the store does not answer.
    pub async fn look_at_link(&self, text: &str) -> Result<Option<Mailbox>, OwnerError> {
        let Some(token) = LinkToken::parse(text) else { return Ok(None) };
        Ok(self.waiting_link(&token).await?.map(|_| token.mailbox))
    }

    /// Follows a link; `None` if it can no longer be.
    ///
    /// # Errors
    ///
    /// When the store does not answer. The link may be gone then.
    pub async fn follow_link(
        &self,
        text: &str,
        from: NetAddress,
    ) -> Result<Option<Ticket>, OwnerError> {
        let Some(token) = LinkToken::parse(text) else { return Ok(None) };
        let Some(found) = self.waiting_link(&token).await? else { return Ok(None) };
        let Versioned { value: PanelLink { standing, by, issued: _ }, version } = found;
        let now = self.now().map_err(OwnerError::Unavailable)?;
        let admin = self.admin();
        let ticket = self.new_ticket(&token.mailbox)?;
        let note = TrailEvent::change(now, &token.mailbox, &format!("link of {by}"), "panel link")
            .with_detail(&format!("followed from {from}"));
        // Bound to how the mailbox stood when the link was made: what changed meanwhile has ended it.
        let session = PanelSession { by_link: Some(by), ..PanelSession::open(now, from, standing) };
        let changes = vec![
            Change::Entry {
                key: admin.panel_link(&token),
                expect: Some(Expect::Version(version)),
                entry: None,
            },
            self.stored(&ticket, Some(&session), Some(Expect::Absent)),
            Change::Note(Box::new(note)),
        ];
        match admin.store.commit(changes).await? {
            Commit::Done(_) => Ok(Some(ticket)),
            // Somebody else has followed it.
            Commit::Conflict => Ok(None),
        }
    }

    async fn waiting_link(
        &self,
        token: &LinkToken,
    ) -> Result<Option<Versioned<PanelLink>>, OwnerError> {
        let now = self.now().map_err(OwnerError::Unavailable)?;
        let admin = self.admin();
        let found = admin.store.load_entry(&admin.panel_link(token), now).await?;
        let Some(Versioned { value: entry, version }) = found else { return Ok(None) };
        let value = PanelLink::decode(&entry.value)
            .map_err(|error| OwnerError::Unavailable(error.to_string()))?;
        let standing = admin.standing(&token.mailbox).await?;
        Ok(value.is_good(&standing, now).then_some(Versioned { value, version }))
    }
}
