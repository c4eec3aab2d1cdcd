//! Panel sessions: opened at sign-in, looked up at every page, ended.
//!
//! # Security
//!
//! A ticket is 256 random bits that are stored as a keyed hash. It is new at every sign-in and after
//! every change of the second factor, so that one that was planted or seen before is worth nothing.

use super::{Owner, OwnerError};
use crate::{
    base::{Mailbox, NetAddress, UnixMillis},
    decision::{
        panel::{self, PanelSession, Standing, TOKEN_BYTES},
        proof::SignedIn,
    },
    ports::store::{Change, Commit, Entry, EntryKey, Expect},
    service::behalf::Successor,
};

/// What the browser holds: whose session, and the secret that names it.
#[derive(Clone, PartialEq, Eq)]
pub struct Ticket {
    /// Whose.
    pub mailbox: Mailbox,
    /// The secret.
    pub token: zeroize::Zeroizing<[u8; TOKEN_BYTES]>,
}

impl std::fmt::Debug for Ticket {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Ticket({}, …)", self.mailbox)
    }
}

/// A page view by somebody whose session lives.
#[derive(Debug)]
pub struct Visit {
    /// Whose mailbox.
    pub mailbox: Mailbox,
    /// When the session was opened.
    pub opened: UnixMillis,
    /// From where this page is viewed.
    pub from: NetAddress,
    pub(super) ticket: Ticket,
    pub(super) session: PanelSession,
}

impl Visit {
    /// Who made the link by which the session was opened, if it was one: then no password was given.
    pub fn by_link(&self) -> Option<&str> {
        self.session.by_link.as_deref()
    }

    /// The ticket that the browser brought.
    pub fn ticket(&self) -> &Ticket {
        &self.ticket
    }
}

/// How long a session lives that takes the place of another one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Span {
    /// As one that is opened now: a code was given.
    New,
    /// No longer than the other one. Else whoever has it could stay in for ever.
    Same,
}

/// The session that an entry keeps.
pub(super) fn read(entry: &Entry) -> Result<PanelSession, OwnerError> {
    PanelSession::decode(&entry.value).map_err(|error| OwnerError::Unavailable(error.to_string()))
}

impl Owner {
    /// Opens a session of a mailbox that stood like this when its owner proved to be there. If it stands
    /// otherwise by now, the session is dead when it is opened.
    pub(super) async fn open(
        &self,
        mailbox: &Mailbox,
        from: NetAddress,
        standing: Standing,
    ) -> Result<Ticket, OwnerError> {
        let now = self.now().map_err(OwnerError::Unavailable)?;
        let ticket = self.new_ticket(mailbox)?;
        let session = PanelSession::open(now, from, standing);
        self.store(&ticket, Some(&session), None).await?;
        Ok(ticket)
    }

    pub(super) fn new_ticket(&self, mailbox: &Mailbox) -> Result<Ticket, OwnerError> {
        let mut token = zeroize::Zeroizing::new([0; TOKEN_BYTES]);
        self.admin()
            .rng
            .fill(&mut *token)
            .map_err(|error| OwnerError::Unavailable(error.to_string()))?;
        Ok(Ticket { mailbox: mailbox.clone(), token })
    }

    /// Whose page it is, if the session of the ticket lives.
    ///
    /// # Errors
    ///
    /// When the store does not answer: then nobody is in.
    pub async fn visit(
        &self,
        ticket: Ticket,
        from: NetAddress,
    ) -> Result<Option<Visit>, OwnerError> {
        let now = self.now().map_err(OwnerError::Unavailable)?;
        let key = self.key(&ticket);
        let Some(found) = self.admin().store.load_entry(&key, now).await? else { return Ok(None) };
        let mut session = read(&found.value)?;
        let admin = self.admin();
        let standing = admin.standing(&ticket.mailbox).await?;
        if !admin.is_named(&ticket.mailbox)
            || !session.is_live(&self.parts().policy, &standing, now)
        {
            return Ok(None);
        }
        if session.is_stale(&self.parts().policy, now) {
            session.last_use = now;
            // Somebody else may have noted a use, or ended it: the next page will tell.
            self.store(&ticket, Some(&session), Some(Expect::Version(found.version))).await?;
        }
        Ok(Some(Visit {
            mailbox: ticket.mailbox.clone(),
            opened: session.opened,
            from,
            ticket,
            session,
        }))
    }

    /// Ends sessions, in one write; one that is not there has ended.
    ///
    /// # Errors
    ///
    /// When the store does not answer.
    pub async fn sign_out(
        &self,
        tickets: impl IntoIterator<Item = &Ticket>,
    ) -> Result<(), OwnerError> {
        let end = |ticket| {
            self.forget_shown(ticket);
            self.stored(ticket, None, None)
        };
        self.write(tickets.into_iter().map(end).collect()).await
    }

    /// The session of a new ticket that takes the place of a visitor's, in the write of the change that ends
    /// that one.
    pub(super) fn successor(
        &self,
        visit: &Visit,
        ticket: &Ticket,
        span: Span,
    ) -> Result<Successor, OwnerError> {
        let now = self.now().map_err(OwnerError::Unavailable)?;
        let PanelSession { opened, standing, by_link, .. } = visit.session.clone();
        let new = PanelSession { by_link, ..PanelSession::open(now, visit.from, standing) };
        let session = match span {
            Span::New => new,
            Span::Same => PanelSession { opened, ..new },
        };
        Ok(Successor {
            key: self.key(ticket),
            expires: session.expires(&self.parts().policy),
            session,
        })
    }

    /// What the forms of a visitor carry.
    pub fn form_token(&self, visit: &Visit) -> String {
        self.form_token_of(&visit.ticket)
    }

    fn form_token_of(&self, ticket: &Ticket) -> String {
        let Ticket { mailbox, token } = ticket;
        panel::hex(panel::form_token(&self.admin().key, mailbox, token).bytes())
    }

    /// Whether a form was sent from a page of this visitor.
    pub fn is_form_of(&self, visit: &Visit, token: &str) -> bool {
        self.is_form_of_ticket(&visit.ticket, token)
    }

    /// Whether a form was sent from a page of the session of this ticket, which may have ended.
    pub fn is_form_of_ticket(&self, ticket: &Ticket, token: &str) -> bool {
        use subtle::ConstantTimeEq;
        self.form_token_of(ticket).as_bytes().ct_eq(token.as_bytes()).into()
    }

    /// The proof that the visitor's session lives, taken anew.
    pub(super) async fn signed_in(&self, visit: &Visit) -> Result<SignedIn, OwnerError> {
        let now = self.now().map_err(OwnerError::Unavailable)?;
        let admin = self.admin();
        let found = admin.store.load_entry(&self.key(&visit.ticket), now).await?;
        if found.is_none() || !admin.is_named(&visit.mailbox) {
            return Err(OwnerError::Ended);
        }
        let standing = admin.standing(&visit.mailbox).await?;
        SignedIn::from_session(&visit.session, &self.parts().policy, &standing, now)
            .ok_or(OwnerError::Ended)
    }

    async fn store(
        &self,
        ticket: &Ticket,
        session: Option<&PanelSession>,
        expect: Option<Expect>,
    ) -> Result<(), OwnerError> {
        self.write(vec![self.stored(ticket, session, expect)]).await
    }

    async fn write(&self, changes: Vec<Change>) -> Result<(), OwnerError> {
        if changes.is_empty() {
            return Ok(());
        }
        match self.admin().store.commit(changes).await? {
            Commit::Done(_) | Commit::Conflict => Ok(()),
        }
    }

    /// The change that keeps a session, or lets it go.
    pub(super) fn stored(
        &self,
        ticket: &Ticket,
        session: Option<&PanelSession>,
        expect: Option<Expect>,
    ) -> Change {
        let entry = session.map(|session| Entry {
            value: session.encode(),
            expires: session.expires(&self.parts().policy),
        });
        Change::Entry { key: self.key(ticket), expect, entry }
    }

    pub(super) fn key(&self, ticket: &Ticket) -> EntryKey {
        let id = panel::name(&self.admin().key, &ticket.mailbox, &ticket.token);
        EntryKey { kind: "panel", mailbox: ticket.mailbox.clone(), id }
    }
}
