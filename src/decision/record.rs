//! What the store knows of one mailbox, as the decision sees it.
//!
//! How a record is written down (JSON, sealed) is the store's business and lives in `store/`.

use super::{app_password::AppPassword, digest::Digest, enforcement::OwnLevel, session::Session};
use crate::base::{Secret, SecretText, UnixMillis};

/// One mailbox. In `dovecot` mode a record exists for mailboxes that have something to remember
/// (2-factor authentication is on, a lock, a level of its own); in `store` mode for every mailbox.
///
/// Whatever must change together with the factor lives in this one record, so that one
/// compare-and-swap covers it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MailboxRecord {
    /// Hash of the password with its scheme in front, `{ARGON2ID}$argon2id$…`: `store` mode only.
    pub password_hash: Option<SecretText>,
    /// The authenticator app; `Some` means that 2-factor authentication is on.
    pub totp: Option<TotpFactor>,
    /// App passwords; they work whether or not 2-factor authentication is on.
    pub app_passwords: Vec<AppPassword>,
    /// What is left of the set of recovery codes; empty while 2-factor authentication is off.
    pub recovery: Vec<Digest>,
    /// Live sign-ins, and perhaps some that have ended since.
    pub sessions: Vec<Session>,
    /// The highest id that a session of this record has had.
    pub last_session: u64,
    /// Since when the mailbox is locked: nobody gets in.
    pub locked: Option<UnixMillis>,
    /// Whether it must have a second factor, where domain and server are not to say.
    pub enforcement: Option<OwnLevel>,
    /// When the record was made.
    pub created: UnixMillis,
    /// Fields written by a newer version of mail2fa, kept as they were: a JSON object's text.
    pub unknown_fields: Option<SecretText>,
}

/// A confirmed TOTP secret and how far its codes are used up.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TotpFactor {
    /// The shared secret, raw bytes.
    pub secret: Secret,
    /// The latest burned step; a code counts only when its step is greater (RFC 6238 5.2).
    pub last_step: u64,
    /// When the confirming code was given.
    pub enabled: UnixMillis,
}

impl MailboxRecord {
    /// An empty record: no password, no second factor.
    pub fn new(created: UnixMillis) -> Self {
        Self {
            password_hash: None,
            totp: None,
            app_passwords: Vec::new(),
            recovery: Vec::new(),
            sessions: Vec::new(),
            last_session: 0,
            locked: None,
            enforcement: None,
            created,
            unknown_fields: None,
        }
    }

    /// A new id for a session: one that was revoked must not name another one later.
    pub fn next_session(&mut self) -> u64 {
        let live = self.sessions.iter().map(|session| session.id).max().unwrap_or(0);
        self.last_session = self.last_session.max(live).saturating_add(1);
        self.last_session
    }

    /// Switches 2-factor authentication off: what exists only while it is on goes with it.
    pub fn disenrol(&mut self) {
        self.totp = None;
        self.recovery.clear();
        self.sessions.clear();
    }

    /// Whether there is anything in it that must be remembered.
    pub fn is_blank(&self) -> bool {
        self.password_hash.is_none()
            && self.totp.is_none()
            && self.app_passwords.is_empty()
            && !self.sessions.iter().any(|session| session.webmail.is_some())
            && self.locked.is_none()
            && self.enforcement.is_none()
            && self.unknown_fields.is_none()
    }

    /// Whether a code is asked at login.
    pub fn is_enrolled(&self) -> bool {
        self.totp.is_some()
    }
}

/// The version of a stored record: changes with every write, never comes back.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Version(pub u64);

/// A value together with the version it was read at.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Versioned<T> {
    /// What was read.
    pub value: T,
    /// The version to expect when writing it back.
    pub version: Version,
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        base::{NetAddress, Service},
        decision::{place::Use, session::SessionPolicy},
    };

    #[test]
    fn the_id_of_a_session_does_not_come_back() {
        let mut record = MailboxRecord::new(UnixMillis::from_seconds(1));
        let open = |record: &mut MailboxRecord| {
            let from = NetAddress::parse("192.0.2.1");
            let opened = Use { at: UnixMillis::from_seconds(1), from, service: Service::Imap };
            let digest = Digest::from_bytes([0; 32]);
            let session = SessionPolicy::default().open(digest, opened, record.next_session());
            record.sessions.push(session);
            record.last_session
        };
        assert_eq!([open(&mut record), open(&mut record)], [1, 2]);
        // The latest one is revoked.
        record.sessions.pop();
        assert_eq!(open(&mut record), 3);
        record.disenrol();
        assert_eq!(open(&mut record), 4);
        // Written by a version that did not count.
        record.last_session = 0;
        assert_eq!(open(&mut record), 5);
    }
}
