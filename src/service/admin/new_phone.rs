//! A new phone: the second factor gets another secret, while the old one counts until a code of the new one
//! has come back. Recovery codes and app passwords stay.
//!
//! # Security
//!
//! Whoever has the administrator's rights may replace a secret; the owner may with a code of the old one,
//! which `service::owner` asks for. The code of the new one is burned in the write that replaces it, and
//! wrong ones are counted like at an enrolment. Everybody who is signed in has to do it again.

use super::{
    AdminError, Disclosed, Response,
    acting::Acting,
    enrolment::{Unproven, code_of, detail, proven, replace_pending},
    mailbox::write,
};
use crate::{
    base::{Mailbox, UnixMillis, limits::ADMIN_ATTEMPTS},
    decision::record::{MailboxRecord, TotpFactor, Versioned},
    ports::store::{Commit, Expect},
};

impl Acting<'_> {
    /// A new secret, which waits for a code. One that was started before is replaced by it.
    pub(super) async fn begin_move(&self, typed: &str) -> Result<Response, AdminError> {
        let mailbox = self.name(typed)?;
        self.with_factor(&mailbox).await?;
        self.new_pending(&mailbox).await
    }

    /// Looks whether a code of the new phone is right, and counts a wrong one.
    pub(super) async fn check_move(
        &self,
        typed: &str,
        code: &Disclosed,
    ) -> Result<Response, AdminError> {
        let mailbox = self.name(typed)?;
        let code = code_of(code)?;
        for _ in 0..ADMIN_ATTEMPTS {
            self.with_factor(&mailbox).await?;
            let (waiting, confirmation) = self.judge(&mailbox, &code, self.now()?).await?;
            let Err(unproven) = proven(&mailbox, &waiting, confirmation) else {
                return Ok(Response::MoveChecked { mailbox: mailbox.to_string() });
            };
            let Unproven { change, error } = *unproven;
            match self.commit(&mailbox, vec![change], &error.to_string()).await? {
                Commit::Done(_) => return Err(error),
                Commit::Conflict => {}
            }
        }
        Err(AdminError::Busy)
    }

    /// Replaces the old secret by the new one.
    pub(super) async fn confirm_move(
        &self,
        typed: &str,
        code: &Disclosed,
    ) -> Result<Response, AdminError> {
        let mailbox = self.name(typed)?;
        let code = code_of(code)?;
        for _ in 0..ADMIN_ATTEMPTS {
            let (found, enabled) = self.with_factor(&mailbox).await?;
            let (waiting, confirmation) = self.judge(&mailbox, &code, self.now()?).await?;
            let (changes, result) = match proven(&mailbox, &waiting, confirmation) {
                Err(unproven) => (vec![unproven.change], Err(unproven.error)),
                Ok((factor, drift)) => {
                    let mut record = found.value;
                    record.totp = Some(TotpFactor { enabled, ..factor });
                    record.sessions.clear();
                    let expect = Expect::Version(found.version);
                    let changes = vec![
                        write(&mailbox, expect, Some(record)),
                        replace_pending(&mailbox, &waiting, None),
                    ];
                    let mailbox = mailbox.to_string();
                    (changes, Ok(Response::Moved { mailbox, drift_steps: drift.0 }))
                }
            };
            match self.commit(&mailbox, changes, &detail(&result)).await? {
                Commit::Done(_) => return result,
                Commit::Conflict => {}
            }
        }
        Err(AdminError::Busy)
    }

    /// The record, and since when its factor counts.
    async fn with_factor(
        &self,
        mailbox: &Mailbox,
    ) -> Result<(Versioned<MailboxRecord>, UnixMillis), AdminError> {
        let off = || AdminError::AlreadyOff { mailbox: mailbox.to_string() };
        let found = self.known(mailbox).await?.ok_or_else(off)?;
        let enabled = found.value.totp.as_ref().map(|totp| totp.enabled).ok_or_else(off)?;
        Ok((found, enabled))
    }
}
