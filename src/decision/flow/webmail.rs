//! A webmail's token: its own proof, of which the mail server is told as of an app password.

use std::collections::VecDeque;

use super::{Basis, Claim, Effect, Login, Next, Role, State, Write, refuse};
use crate::decision::{
    enforcement::Permit,
    names::Identity,
    proof::WebmailTokenRight,
    record::{MailboxRecord, Versioned},
    refusal::Refusal,
    webmail::{AtDoor, MintedOn, TypedWebmailToken},
};

impl Login {
    /// No password source is asked, and nobody guesses tokens: they work while others are kept waiting.
    pub(super) fn webmail_token(
        self,
        typed: TypedWebmailToken,
        seen: Versioned<MailboxRecord>,
    ) -> Next {
        match self.webmail_token_right(&typed, &seen.value) {
            Err(refusal) => refuse(refusal),
            Ok((right, _)) => {
                let mailbox = self.identity.opened().clone();
                let waiting = VecDeque::from([(mailbox.clone(), Role::WithWebmailToken)]);
                let basis = Basis::WebmailToken(right, typed, seen);
                let claim = Box::new(Claim { basis, user: None, waiting });
                self.perform(State::Establishing(claim), Effect::Establish(mailbox))
            }
        }
    }

    pub(super) fn webmail_token_right(
        &self,
        typed: &TypedWebmailToken,
        record: &MailboxRecord,
    ) -> Result<(WebmailTokenRight, Permit), Refusal> {
        let Identity::Own(mailbox) = &self.identity else {
            // The sign-in of one person opens no other mailbox.
            return Err(Refusal::WebmailTokenOutOfScope);
        };
        let policy = &self.policy;
        let door = AtDoor { at: &self.arrival, via: self.via };
        let (right, minted_on) = WebmailTokenRight::from_check(
            &policy.webmail,
            typed,
            record,
            mailbox,
            &policy.key,
            door,
        )?;
        // A token is worth what it was minted on: with a code a full sign-in, without one the password.
        let ruling = self.ruling(mailbox, Some(record)).without_exemption();
        let permit = match minted_on {
            MintedOn::PasswordAndCode => ruling.full()?,
            MintedOn::Password => ruling.password_alone()?.1,
        };
        Ok((right, permit))
    }

    pub(super) fn webmail_token_use(
        &self,
        id: u64,
        seen: Versioned<MailboxRecord>,
    ) -> Option<Write> {
        let Versioned { value: mut record, version } = seen;
        let session = record.sessions.iter_mut().find(|session| session.id == id)?;
        let rule = self.policy.webmail.get(&session.webmail.as_ref()?.webmail)?;
        if !rule.is_stale(session, self.arrival.at) {
            return None;
        }
        session.last_use = self.arrival.clone();
        Some(self.write(version, record))
    }
}
