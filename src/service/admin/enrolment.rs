//! Second factors: enable, confirm, disable, status.
//!
//! # Security
//!
//! A secret is new at each enrolment, shown once, and counts only when a code has proven that it
//! arrived (`decision::enrolment`). The code that proves it is burned in the same write.

use super::{
    AdminError, Disclosed, Enrolment, Response, TotpView, acting::Acting, mailbox::write,
    recovery::RecoverySet, unchanged,
};
use crate::{
    base::{
        Mailbox, UnixMillis,
        limits::{ADMIN_ATTEMPTS, ENROLMENT_SECONDS, STEP_SECONDS, TOTP_SECRET_BYTES},
    },
    decision::{
        code::Code,
        enrolment::{Confirmation, Drift, Pending},
        record::{MailboxRecord, TotpFactor, Versioned},
        totp,
    },
    ports::{
        notice::What,
        store::{Change, Commit, Entry, EntryKey, Expect},
    },
};

impl Acting<'_> {
    /// Starts an enrolment; one that was started before is replaced by it.
    pub(super) async fn enable(&self, typed: &str) -> Result<Response, AdminError> {
        let mailbox = self.name(typed)?;
        self.not_enrolled(&mailbox).await?;
        self.new_pending(&mailbox).await
    }

    /// A new secret that waits for a code; one that waited before is replaced by it.
    pub(super) async fn new_pending(&self, mailbox: &Mailbox) -> Result<Response, AdminError> {
        let mut random = zeroize::Zeroizing::new([0; TOTP_SECRET_BYTES]);
        self.random(&mut *random)?;
        let pending = Pending::new(totp::new_secret(*random));
        let expires = self.now()?.plus_seconds(ENROLMENT_SECONDS);
        let change = Change::Entry {
            key: key(mailbox),
            expect: None,
            entry: Some(Entry { value: pending.encode(), expires }),
        };
        match self.commit(mailbox, vec![change], "started").await? {
            Commit::Done(_) => {}
            Commit::Conflict => return Err(AdminError::Busy),
        }
        let uri = totp::otpauth_uri(&self.issuer, mailbox, pending.secret());
        Ok(Response::Enrolment(Enrolment {
            mailbox: mailbox.to_string(),
            secret: Disclosed::new(totp::base32(pending.secret())),
            otpauth_uri: Disclosed::new(uri),
            expires: expires.seconds(),
        }))
    }

    /// Takes the confirming code.
    pub(super) async fn confirm(
        &self,
        typed: &str,
        code: &Disclosed,
    ) -> Result<Response, AdminError> {
        let mailbox = self.name(typed)?;
        let code = code_of(code)?;
        let set = self.recovery_set()?;
        for _ in 0..ADMIN_ATTEMPTS {
            let now = self.now()?;
            let found = self.not_enrolled(&mailbox).await?;
            let (waiting, confirmation) = self.judge(&mailbox, &code, now).await?;
            let (changes, result) =
                self.consequence(&mailbox, found, &waiting, confirmation, now, &set);
            match self.commit(&mailbox, changes, &detail(&result)).await? {
                Commit::Done(_) => {
                    if result.is_ok() {
                        self.tell_owner(&mailbox, What::SecondFactorOn);
                    }
                    return result;
                }
                Commit::Conflict => {}
            }
        }
        Err(AdminError::Busy)
    }

    /// Judges a code for the secret that waits.
    pub(super) async fn judge(
        &self,
        mailbox: &Mailbox,
        code: &Code,
        now: UnixMillis,
    ) -> Result<(Versioned<Entry>, Confirmation), AdminError> {
        let waiting = self
            .store
            .load_entry(&key(mailbox), now)
            .await?
            .ok_or_else(|| AdminError::NoEnrolment { mailbox: mailbox.to_string() })?;
        let pending = Pending::decode(&waiting.value.value)
            .map_err(|error| AdminError::Storage { why: error.to_string() })?;
        Ok((waiting, pending.confirm(code, now)))
    }

    /// Switches off, and drops a started enrolment.
    pub(super) async fn disable(&self, typed: &str) -> Result<Response, AdminError> {
        let mailbox = self.name(typed)?;
        for _ in 0..ADMIN_ATTEMPTS {
            let Some(found) = self.known(&mailbox).await?.filter(|found| found.value.is_enrolled())
            else {
                return self.drop_pending(&mailbox).await;
            };
            let expect = Expect::Version(found.version);
            let mut record = found.value;
            record.disenrol();
            let required = self.is_required(&mailbox, Some(&record), self.now()?);
            let changes = vec![
                write(&mailbox, expect, self.worth_keeping(record)),
                Self::drop_enrolment(&mailbox),
            ];
            match self.commit(&mailbox, changes, "").await? {
                Commit::Done(_) => {
                    self.tell_owner(&mailbox, What::SecondFactorOff);
                    let mailbox = mailbox.to_string();
                    return Ok(Response::Disabled { mailbox, required });
                }
                Commit::Conflict => {}
            }
        }
        Err(AdminError::Busy)
    }

    /// How it stands.
    pub(super) async fn status(&self, typed: &str) -> Result<Response, AdminError> {
        let mailbox = self.name(typed)?;
        let found = self.known(&mailbox).await?;
        let factor = found.and_then(|found| found.value.totp);
        let waiting = self.store.load_entry(&key(&mailbox), self.now()?).await?;
        Ok(Response::Totp(TotpView {
            mailbox: mailbox.to_string(),
            enabled: factor.is_some(),
            since: factor.as_ref().map(|factor| factor.enabled.seconds()),
            last_used: factor.as_ref().map(|factor| factor.last_step.saturating_mul(STEP_SECONDS)),
            pending_until: waiting.map(|waiting| waiting.value.expires.seconds()),
            wrong_codes: self.trail.wrong_codes(&mailbox).await?,
        }))
    }

    /// The change that drops a started enrolment, if there is one.
    pub(super) fn drop_enrolment(mailbox: &Mailbox) -> Change {
        Change::Entry { key: key(mailbox), expect: None, entry: None }
    }

    async fn drop_pending(&self, mailbox: &Mailbox) -> Result<Response, AdminError> {
        let waiting = self.store.load_entry(&key(mailbox), self.now()?).await?;
        if waiting.is_none() {
            return Err(AdminError::AlreadyOff { mailbox: mailbox.to_string() });
        }
        let found = self.known(mailbox).await?;
        let record = found.as_ref().map(|found| &found.value);
        let required = self.is_required(mailbox, record, self.now()?);
        let changes = vec![Self::drop_enrolment(mailbox)];
        match self.commit(mailbox, changes, "a started enrolment").await? {
            Commit::Done(_) => Ok(Response::Disabled { mailbox: mailbox.to_string(), required }),
            Commit::Conflict => Err(AdminError::Busy),
        }
    }

    async fn not_enrolled(
        &self,
        mailbox: &Mailbox,
    ) -> Result<Option<Versioned<MailboxRecord>>, AdminError> {
        let found = self.known(mailbox).await?;
        if found.as_ref().is_some_and(|found| found.value.is_enrolled()) {
            return Err(AdminError::AlreadyOn { mailbox: mailbox.to_string() });
        }
        self.may_enrol(mailbox, found.as_ref().map(|found| &found.value))?;
        Ok(found)
    }

    /// What to write for a judged code, and what to answer once it is written.
    fn consequence(
        &self,
        mailbox: &Mailbox,
        found: Option<Versioned<MailboxRecord>>,
        waiting: &Versioned<Entry>,
        confirmation: Confirmation,
        now: UnixMillis,
        set: &RecoverySet,
    ) -> (Vec<Change>, Result<Response, AdminError>) {
        match proven(mailbox, waiting, confirmation) {
            Err(unproven) => (vec![unproven.change], Err(unproven.error)),
            Ok((factor, drift)) => {
                let expect = unchanged(found.as_ref());
                let mut record = found.map_or_else(|| MailboxRecord::new(now), |found| found.value);
                record.totp = Some(factor);
                record.recovery = set.digests(mailbox, self);
                record.sessions.clear();
                let confirmed = Response::Confirmed {
                    mailbox: mailbox.to_string(),
                    drift_steps: drift.0,
                    recovery_codes: set.shown(),
                };
                let changes = vec![
                    write(mailbox, expect, Some(record)),
                    replace_pending(mailbox, waiting, None),
                ];
                (changes, Ok(confirmed))
            }
        }
    }
}

/// The code that was given, with or without spaces around it.
pub(super) fn code_of(given: &Disclosed) -> Result<Code, AdminError> {
    Code::parse(given.expose().trim().as_bytes()).ok_or(AdminError::BadCode)
}

/// What the audit trail says of a change that is written for this result.
pub(super) fn detail(result: &Result<Response, AdminError>) -> String {
    result.as_ref().err().map(ToString::to_string).unwrap_or_default()
}

/// What to write and say for a code that is not right.
pub(super) struct Unproven {
    /// Counts it, or drops the secret that waits.
    pub(super) change: Change,
    /// What to answer once that is written.
    pub(super) error: AdminError,
}

/// The factor that a judged code has proven.
pub(super) fn proven(
    mailbox: &Mailbox,
    waiting: &Versioned<Entry>,
    confirmation: Confirmation,
) -> Result<(TotpFactor, Drift), Box<Unproven>> {
    let (entry, error) = match confirmation {
        Confirmation::Confirmed(factor, drift) => return Ok((factor, drift)),
        Confirmation::Wrong { pending, left } => {
            let expires = waiting.value.expires;
            let entry = Entry { value: pending.encode(), expires };
            (Some(entry), AdminError::WrongCode { left })
        }
        Confirmation::Exhausted => {
            (None, AdminError::EnrolmentDropped { mailbox: mailbox.to_string() })
        }
    };
    Err(Box::new(Unproven { change: replace_pending(mailbox, waiting, entry), error }))
}

/// Replaces the secret that waits, if it is still the one that was judged.
pub(super) fn replace_pending(
    mailbox: &Mailbox,
    waiting: &Versioned<Entry>,
    entry: Option<Entry>,
) -> Change {
    let expect = Some(Expect::Version(waiting.version));
    Change::Entry { key: key(mailbox), expect, entry }
}

/// Where a secret waits: an enrolment's while 2-factor authentication is off, a new phone's while it is on.
pub(super) fn key(mailbox: &Mailbox) -> EntryKey {
    EntryKey { kind: "enrolment", mailbox: mailbox.clone(), id: String::new() }
}
