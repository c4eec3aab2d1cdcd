//! What the store knows of one mailbox, as the decision sees it.
//!
//! How a record is written down (JSON, sealed) is the store's business and lives in `store/`.

use super::{app_password::AppPassword, digest::Digest, session::Session};
use crate::base::{Secret, SecretText, UnixMillis};

/// One mailbox. In `dovecot` mode a record exists for mailboxes that have something to remember
/// (2-factor authentication is on); in `store` mode for every mailbox.
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
    /// Since when the mailbox is locked: nobody gets in.
    pub locked: Option<UnixMillis>,
    /// When all sign-ins were ended at once, those to the User Panel too.
    pub panel_ended: Option<UnixMillis>,
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
            locked: None,
            panel_ended: None,
            created,
            unknown_fields: None,
        }
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
            && self.locked.is_none()
            && self.panel_ended.is_none()
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
