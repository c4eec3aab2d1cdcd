//! Mailboxes: add, list, show, password, rename, remove.

use super::{
    AdminError, Disclosed, MailboxView, NewPassword, Response, acting::Acting, change::Missing,
    error::page_of,
};
use crate::{
    base::{
        Mailbox, Secret, SecretText, UnixMillis,
        limits::{ADMIN_ATTEMPTS, ADMIN_PAGE, CODE_DIGITS, CREDENTIAL_BYTES, HASH_BYTES},
    },
    decision::{
        record::{MailboxRecord, Versioned},
        throttle::{Key, Owner},
    },
    ports::{
        notice::What,
        store::{Change, Commit, EntryKey, Expect, StoreError},
    },
    service::counters::entry_key,
};

/// Longest new password: a code, also with a space in it, must fit behind it.
const PASSWORD_BYTES: usize = CREDENTIAL_BYTES - CODE_DIGITS - 1;
/// Characters of a store's complaint in a listing.
const PROBLEM_CHARS: usize = 100;

impl Acting<'_> {
    pub(super) async fn add(
        &self,
        typed: &str,
        password: NewPassword,
    ) -> Result<Response, AdminError> {
        let mailbox = self.name(typed)?;
        let exists = || AdminError::Exists { mailbox: mailbox.to_string() };
        // Asked before the costly hash; the commit decides.
        if self.hasher.is_some() && self.record(&mailbox).await?.is_some() {
            return Err(exists());
        }
        let mut record = MailboxRecord::new(self.now()?);
        record.password_hash = Some(self.hash(password).await?);
        let change = write(&mailbox, Expect::Absent, Some(record));
        match self.commit(&mailbox, vec![change], "").await? {
            Commit::Done(_) => Ok(Response::Added { mailbox: mailbox.to_string() }),
            Commit::Conflict => Err(exists()),
        }
    }

    pub(super) async fn set_password(
        &self,
        typed: &str,
        password: NewPassword,
    ) -> Result<Response, AdminError> {
        let mailbox = self.name(typed)?;
        if self.hasher.is_some() {
            self.existing(&mailbox).await?;
        }
        let hash = self.hash(password).await?;
        self.change(&mailbox, Missing::Refuse, |record| {
            record.password_hash = Some(hash.clone());
            record.sessions.clear();
            Ok(((), String::new()))
        })
        .await?;
        Ok(Response::PasswordSet { mailbox: mailbox.to_string() })
    }

    /// Moves the record in one write set, and the count of failures with it: whoever guesses goes on
    /// where they were. A started enrolment is dropped with the old name: the app would show that name
    /// for ever. Sessions, app passwords and recovery codes are dropped too: their hashes are bound to
    /// the old name, so that none of them opens another mailbox. Which places are known is forgotten.
    /// Where passwords are Dovecot's the old name may go on, without its factor: its owner is told.
    pub(super) async fn rename(&self, typed: &str, to: &str) -> Result<Response, AdminError> {
        let (from, to) = (self.name(typed)?, self.name(to)?);
        if from == to {
            return Err(AdminError::SameName { mailbox: to.to_string() });
        }
        for _ in 0..ADMIN_ATTEMPTS {
            let found = self.existing(&from).await?;
            if self.record(&to).await?.is_some() {
                return Err(AdminError::Exists { mailbox: to.to_string() });
            }
            let opens = self.opens_without(&found.value);
            let mut record = found.value;
            record.sessions.clear();
            let app_passwords = std::mem::take(&mut record.app_passwords).len();
            let recovery_codes = std::mem::take(&mut record.recovery).len();
            let created = record.created;
            let mut changes = vec![write(&from, Expect::Version(found.version), None)];
            if let Some(record) = self.worth_keeping(record) {
                changes.push(write(&to, Expect::Absent, Some(record)));
                changes.extend(
                    self.move_counter(counter(&from, created)?, counter(&to, created)?).await?,
                );
            }
            changes.extend([Self::drop_enrolment(&from), Self::drop_enrolment(&to)]);
            changes.extend(Self::drop_summaries(&from));
            changes.push(self.begin_era(&from)?);
            let mut note = self.note(&from).await;
            note.target = Some(to.to_string());
            match self.commit_noted(changes, note).await? {
                Commit::Done(_) => {
                    self.trail.forget(&from);
                    if opens {
                        self.tell_owner(&from, What::SecondFactorOff);
                    }
                    return Ok(Response::Renamed {
                        from: from.to_string(),
                        mailbox: to.to_string(),
                        app_passwords,
                        recovery_codes,
                    });
                }
                Commit::Conflict => {}
            }
        }
        Err(AdminError::Busy)
    }

    /// The changes that take the count of a mailbox's failures along.
    async fn move_counter(&self, from: EntryKey, to: EntryKey) -> Result<Vec<Change>, AdminError> {
        let found = self.store.load_entry(&from, self.now()?).await?;
        let Some(found) = found else { return Ok(Vec::new()) };
        let expect = Some(Expect::Version(found.version));
        let moved = Change::Entry { key: to, expect: None, entry: Some(found.value) };
        Ok(vec![drop_entry(from, expect), moved])
    }

    /// Drops everything. What is left of the counters, those of its places, belongs to the record that
    /// was, and ends by itself: a mailbox that is made again under the name starts clean.
    pub(super) async fn remove(&self, typed: &str) -> Result<Response, AdminError> {
        let mailbox = self.name(typed)?;
        for _ in 0..ADMIN_ATTEMPTS {
            let found = self.existing(&mailbox).await?;
            let opens = self.opens_without(&found.value);
            let mut changes = vec![
                write(&mailbox, Expect::Version(found.version), None),
                Self::drop_enrolment(&mailbox),
                drop_entry(counter(&mailbox, found.value.created)?, None),
            ];
            changes.extend(Self::drop_summaries(&mailbox));
            changes.push(self.begin_era(&mailbox)?);
            match self.commit(&mailbox, changes, "").await? {
                Commit::Done(_) => {
                    self.trail.forget(&mailbox);
                    if opens {
                        self.tell_owner(&mailbox, What::SecondFactorOff);
                    }
                    return Ok(Response::Removed { mailbox: mailbox.to_string() });
                }
                Commit::Conflict => {}
            }
        }
        Err(AdminError::Busy)
    }

    /// Whether a name whose record goes opens with its password alone from then on: where passwords are
    /// Dovecot's the mailbox stays.
    fn opens_without(&self, record: &MailboxRecord) -> bool {
        self.hasher.is_none() && record.is_enrolled()
    }

    pub(super) async fn show(&self, typed: &str) -> Result<Response, AdminError> {
        let mailbox = self.name(typed)?;
        let found = self.existing(&mailbox).await?;
        Ok(Response::Mailbox(view(&mailbox, &found.value)))
    }

    pub(super) async fn list(
        &self,
        after: Option<&str>,
        limit: usize,
    ) -> Result<Response, AdminError> {
        // A cursor is a name from the page before, canonical already.
        let after = after
            .map(Mailbox::new)
            .transpose()
            .map_err(|error| AdminError::BadName { why: error.to_string() })?;
        let limit = page_of(limit, ADMIN_PAGE)?;
        let page = self.store.page(after.as_ref(), limit).await?;
        let next = if page.len() < limit { None } else { page.last() };
        let next = next.map(|(mailbox, _)| mailbox.to_string());
        let mailboxes = page.iter().map(|(mailbox, found)| listed(mailbox, found)).collect();
        Ok(Response::Mailboxes { mailboxes, next })
    }

    /// The hash of a new password, or the given one if it can be used.
    async fn hash(&self, password: NewPassword) -> Result<SecretText, AdminError> {
        let hasher = self.hasher.as_ref().ok_or(AdminError::NotOurPasswords)?;
        match password {
            NewPassword::Clear(text) => {
                let password = usable(&text)?;
                Ok(hasher.hash(&password).await?)
            }
            NewPassword::Hash(text) => {
                let hash = text.into_secret();
                if !hash.expose().starts_with('{') || hash.expose().len() > HASH_BYTES {
                    let why = "a hash begins with its scheme, such as {SSHA512} or {ARGON2ID}, and \
                               is not longer than 4096 bytes; `doveadm pw` makes one";
                    return Err(AdminError::BadPassword { why: why.into() });
                }
                // A check against any password tells whether the hash can be checked at all.
                let _any: crate::ports::password::Verdict =
                    hasher.verify(&Secret::from_slice(b"-"), Some(&hash)).await?;
                Ok(hash)
            }
        }
    }
}

/// Where the failures of a mailbox are counted.
fn counter(mailbox: &Mailbox, created: UnixMillis) -> Result<EntryKey, AdminError> {
    let owner = Owner { mailbox: mailbox.clone(), since: created };
    Ok(entry_key(&Key::Mailbox(owner))?)
}

fn drop_entry(key: EntryKey, expect: Option<Expect>) -> Change {
    Change::Entry { key, expect, entry: None }
}

/// A password that a login can carry.
fn usable(text: &Disclosed) -> Result<Secret, AdminError> {
    let bytes = text.expose().as_bytes();
    let why = if bytes.is_empty() {
        "the password is empty".to_owned()
    } else if bytes.len() > PASSWORD_BYTES {
        format!("the password is longer than {PASSWORD_BYTES} bytes")
    } else if bytes.iter().any(|byte| b"\0\r\n".contains(byte)) {
        "the password has a line end or a NUL in it".to_owned()
    } else if bytes.iter().all(u8::is_ascii_whitespace) {
        // With a code behind it such a password would not count as one.
        "the password has only white space".to_owned()
    } else {
        return Ok(Secret::from_slice(bytes));
    };
    Err(AdminError::BadPassword { why })
}

/// The change that writes or removes a record.
pub(super) fn write(mailbox: &Mailbox, expect: Expect, record: Option<MailboxRecord>) -> Change {
    Change::Mailbox { mailbox: mailbox.clone(), expect, record: record.map(Box::new) }
}

fn view(mailbox: &Mailbox, record: &MailboxRecord) -> MailboxView {
    MailboxView {
        mailbox: mailbox.to_string(),
        password: record.password_hash.is_some(),
        scheme: record.password_hash.as_ref().and_then(scheme),
        totp: Some(record.is_enrolled()),
        totp_since: record.totp.as_ref().map(|totp| totp.enabled.seconds()),
        app_passwords: Some(record.app_passwords.len()),
        locked: record.locked.map(UnixMillis::seconds),
        created: Some(record.created.seconds()),
        problem: None,
    }
}

fn listed(mailbox: &Mailbox, found: &Result<Versioned<MailboxRecord>, StoreError>) -> MailboxView {
    match found {
        Ok(found) => view(mailbox, &found.value),
        Err(error) => MailboxView {
            mailbox: mailbox.to_string(),
            password: false,
            scheme: None,
            totp: None,
            totp_since: None,
            app_passwords: None,
            locked: None,
            created: None,
            problem: Some(error.to_string().chars().take(PROBLEM_CHARS).collect()),
        },
    }
}

/// The scheme in front of a hash; nothing of the hash itself.
fn scheme(hash: &SecretText) -> Option<String> {
    let (scheme, _) = hash.expose().strip_prefix('{')?.split_once('}')?;
    let plain = scheme.bytes().all(|b| b.is_ascii_alphanumeric() || b"-.".contains(&b));
    (plain && scheme.len() <= 32).then(|| scheme.to_owned())
}
