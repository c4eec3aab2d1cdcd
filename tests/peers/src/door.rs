//! Every way into the mail server, each with the client that takes it.

use anyhow::Result;

use crate::answer::Answer;
use crate::clients::{Login, Mail, Sasl, auth_test, mbsync, sieve_login};
use crate::stand::Stand;

/// A way in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Door {
    /// curl, IMAP, SASL PLAIN.
    ImapPlain,
    /// curl, IMAP, SASL LOGIN.
    ImapLogin,
    /// mbsync, IMAP's own LOGIN command.
    Mbsync,
    /// curl, POP3, SASL PLAIN.
    Pop3,
    /// ManageSieve, SASL PLAIN.
    Sieve,
    /// swaks, Dovecot's submission service, SASL PLAIN.
    SubmissionPlain,
    /// swaks, Dovecot's submission service, SASL LOGIN.
    SubmissionLogin,
    /// swaks, Postfix, SASL PLAIN.
    PostfixPlain,
    /// swaks, Postfix, SASL LOGIN.
    PostfixLogin,
    /// `doveadm auth test -a` at the socket that Postfix uses.
    AuthClient,
}

impl Door {
    /// All of them.
    pub const ALL: [Self; 10] = [
        Self::ImapPlain,
        Self::ImapLogin,
        Self::Mbsync,
        Self::Pop3,
        Self::Sieve,
        Self::SubmissionPlain,
        Self::SubmissionLogin,
        Self::PostfixPlain,
        Self::PostfixLogin,
        Self::AuthClient,
    ];

    /// A name for mailboxes that only this door uses.
    pub fn mailbox(self) -> String {
        format!("{self:?}@example.org").to_lowercase()
    }

    /// Whether Dovecot's login processes, and not Postfix, ask here.
    pub fn is_dovecots(self) -> bool {
        !matches!(self, Self::PostfixPlain | Self::PostfixLogin | Self::AuthClient)
    }
}

impl Stand {
    /// Logs in and out at a door.
    ///
    /// # Errors
    /// When the client cannot be started.
    pub fn knock(&self, door: Door, login: Login<'_>) -> Result<Answer> {
        match door {
            Door::ImapPlain => self.imap().login(login, Mail::Nothing),
            Door::ImapLogin => self.imap().with_sasl_login().login(login, Mail::Nothing),
            Door::Mbsync => {
                let into = self.folder.path().join("mbsync").join(login.name);
                mbsync(self.dovecot.imap(), login, &into)
            }
            Door::Pop3 => self.pop3().login(login, Mail::Nothing),
            Door::Sieve => sieve_login(self.dovecot.sieve(), login),
            Door::SubmissionPlain => self.submission(Sasl::Plain).login(login),
            Door::SubmissionLogin => self.submission(Sasl::Login).login(login),
            Door::PostfixPlain => self.smtp(Sasl::Plain).login(login),
            Door::PostfixLogin => self.smtp(Sasl::Login).login(login),
            Door::AuthClient => {
                let socket = self.mail2fa.as_ref().map_or_else(
                    || self.dovecot.client_upstream(),
                    |mail2fa| mail2fa.client_socket().to_path_buf(),
                );
                let more = ["service=smtp", "rip=127.0.0.1", "secured"];
                auth_test(&self.dovecot, &socket, login, &more)
            }
        }
    }
}
