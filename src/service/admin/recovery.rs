//! Recovery codes: a new set, how many are left.
//!
//! # Security
//!
//! A set leaves once, in the answer to the request that made it. The store has keyed hashes only.

use zeroize::Zeroizing;

use super::{Admin, AdminError, Disclosed, Response, acting::Acting, change::Missing};
use crate::{
    base::Mailbox,
    decision::{
        digest::Digest,
        record::MailboxRecord,
        recovery::{CHARACTERS, RecoveryCode, SET},
    },
    ports::notice::What,
};

/// A set that was made and is not stored yet.
pub(super) struct RecoverySet(Vec<RecoveryCode>);

impl RecoverySet {
    /// What the store keeps of it.
    pub(super) fn digests(&self, mailbox: &Mailbox, admin: &Admin) -> Vec<Digest> {
        self.0.iter().map(|code| code.digest(mailbox, &admin.key)).collect()
    }

    /// As its owner sees it, once.
    pub(super) fn shown(&self) -> Vec<Disclosed> {
        self.0.iter().map(|code| Disclosed::new(code.shown())).collect()
    }
}

impl Acting<'_> {
    /// A new set; the old one is worth nothing from then on.
    pub(super) async fn new_recovery_codes(&self, typed: &str) -> Result<Response, AdminError> {
        let mailbox = self.name(typed)?;
        self.enrolled(&mailbox).await?;
        let set = self.recovery_set()?;
        let digests = set.digests(&mailbox, self);
        self.change(&mailbox, Missing::Make, |record| {
            on(record, &mailbox)?;
            record.recovery.clone_from(&digests);
            Ok(((), String::new()))
        })
        .await?;
        self.tell_owner(&mailbox, What::RecoveryCodesReplaced);
        let recovery_codes = set.shown();
        Ok(Response::RecoveryCodes { mailbox: mailbox.to_string(), recovery_codes })
    }

    pub(super) async fn recovery_codes_left(&self, typed: &str) -> Result<Response, AdminError> {
        let mailbox = self.name(typed)?;
        let left = self.enrolled(&mailbox).await?.recovery.len();
        Ok(Response::RecoveryLeft { mailbox: mailbox.to_string(), left, of: SET })
    }

    /// The codes of a set.
    pub(super) fn recovery_set(&self) -> Result<RecoverySet, AdminError> {
        let mut codes = Vec::with_capacity(SET);
        for _ in 0..SET {
            let mut random = Zeroizing::new([0; CHARACTERS]);
            self.random(&mut *random)?;
            codes.push(RecoveryCode::generate(&random));
        }
        Ok(RecoverySet(codes))
    }

    async fn enrolled(&self, mailbox: &Mailbox) -> Result<MailboxRecord, AdminError> {
        let off = || AdminError::AlreadyOff { mailbox: mailbox.to_string() };
        let record = self.known(mailbox).await?.ok_or_else(off)?.value;
        on(&record, mailbox)?;
        Ok(record)
    }
}

fn on(record: &MailboxRecord, mailbox: &Mailbox) -> Result<(), AdminError> {
    if record.is_enrolled() {
        Ok(())
    } else {
        Err(AdminError::AlreadyOff { mailbox: mailbox.to_string() })
    }
}
