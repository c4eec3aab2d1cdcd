//! One-time links to the User Panel.
//!
//! # Security
//!
//! A link opens the panel without a password, so that is noted with who asked for it, and the link leaves
//! once, in the answer. A mailbox that is locked gets none.

use zeroize::Zeroizing;

use super::{AdminError, Disclosed, Response, acting::Acting};
use crate::{
    base::{SecretText, limits::PANEL_LINK_ISSUER_BYTES},
    decision::panel_link::{LinkToken, PanelLink, TOKEN_BYTES},
    ports::{
        event::clean,
        store::{Change, Commit, Entry, EntryKey},
    },
};

impl Acting<'_> {
    /// Makes one. Where passwords are Dovecot's, the mailbox needs no record.
    pub(super) async fn link_to_panel(&self, typed: &str) -> Result<Response, AdminError> {
        let mailbox = self.name(typed)?;
        let found = self.known(&mailbox).await?;
        let record = found.as_ref().map(|found| &found.value);
        if record.is_some_and(|record| record.locked.is_some()) {
            return Err(AdminError::AlreadyLocked { mailbox: mailbox.to_string() });
        }
        let mut token = Zeroizing::new([0; TOKEN_BYTES]);
        self.random(&mut *token)?;
        let link = PanelLink {
            issued: self.now()?,
            standing: self.stands(&mailbox, record).await?,
            by: clean(self.by, PANEL_LINK_ISSUER_BYTES),
        };
        let token = LinkToken::new(mailbox.clone(), token);
        let change = Change::Entry {
            key: self.panel_link(&token),
            expect: None,
            entry: Some(Entry { value: link.encode(), expires: link.expires() }),
        };
        match self.commit(&mailbox, vec![change], "").await? {
            Commit::Done(_) => Ok(Response::PanelLink {
                mailbox: mailbox.to_string(),
                link: Disclosed::new(token.shown()),
                url: self.panel.as_deref().map(|panel| address(panel, &token)),
                expires: link.expires().seconds(),
            }),
            Commit::Conflict => Err(AdminError::Busy),
        }
    }
}

/// Where a link leads: below what is configured, whatever a request says of hosts.
fn address(panel: &str, token: &LinkToken) -> Disclosed {
    Disclosed::new(SecretText::new([panel, "link?t=", token.shown().expose()].concat()))
}

impl super::Admin {
    /// Where a link waits.
    pub(in crate::service) fn panel_link(&self, token: &LinkToken) -> EntryKey {
        let (mailbox, id) = (token.mailbox.clone(), token.name(&self.key));
        EntryKey { kind: "link", mailbox, id }
    }
}
