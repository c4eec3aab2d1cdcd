//! Keyed hashes of credentials: what is stored of an app password, a recovery code, a session.
//!
//! HMAC-SHA-256 (RFC 2104) with a key of the store's, over fields that are each preceded by their
//! length, so that no two different sets of fields are the same bytes.
//!
//! # Security
//!
//! The random codes have 50 to 125 bits of their own. A session's credential holds a password of
//! unknown strength: its hash is worth nothing without the key, which is not in the store.

use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;
use subtle::ConstantTimeEq;

use crate::base::{Mailbox, Secret};

/// The key of credential hashes, derived from the store's master key.
#[derive(Clone, Debug)]
pub struct CredentialKey(Secret);

/// What a hash is of; part of what is hashed, so that one kind never stands for another.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// An app password.
    AppPassword,
    /// A recovery code.
    Recovery,
    /// The whole credential of a session.
    Session,
    /// What throttling remembers of a password or credential that failed.
    Fingerprint,
    /// The token of a panel session.
    PanelToken,
    /// What the forms of a panel session carry.
    PanelForm,
    /// A name that may be a password in the wrong field.
    TypedName,
    /// What a mailbox's record says of who may in.
    Standing,
    /// The same, after what was open at the panel was ended.
    Era,
    /// A webmail token.
    WebmailToken,
    /// The token of a one-time link to the panel.
    PanelLink,
    /// A token of the API.
    ApiToken,
    /// A question to a password source, while its answer is kept in memory.
    Recall,
    /// The key of sealed places in lists.
    Cursor,
}

impl Kind {
    fn label(self) -> &'static [u8] {
        match self {
            Self::AppPassword => b"app password",
            Self::Recovery => b"recovery code",
            Self::Session => b"session",
            Self::Fingerprint => b"fingerprint",
            Self::PanelToken => b"panel token",
            Self::PanelForm => b"panel form",
            Self::TypedName => b"typed name",
            Self::Standing => b"standing",
            Self::Era => b"era",
            Self::WebmailToken => b"webmail token",
            Self::PanelLink => b"panel link",
            Self::ApiToken => b"api token",
            Self::Recall => b"recall",
            Self::Cursor => b"cursor",
        }
    }
}

/// A keyed hash; compared in constant time.
#[derive(Clone, Copy)]
pub struct Digest([u8; 32]);

impl Digest {
    /// As it was stored.
    pub fn from_bytes(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    /// For storing.
    pub fn bytes(&self) -> &[u8; 32] {
        &self.0
    }
}

impl PartialEq for Digest {
    fn eq(&self, other: &Self) -> bool {
        self.0.ct_eq(&other.0).into()
    }
}

impl Eq for Digest {}

impl std::fmt::Debug for Digest {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Digest(…)")
    }
}

impl CredentialKey {
    /// Any bytes; 32 random ones outside tests.
    pub fn new(key: Secret) -> Self {
        Self(key)
    }

    /// The hash of these fields for this mailbox.
    pub fn digest(&self, kind: Kind, mailbox: &Mailbox, fields: &[&[u8]]) -> Digest {
        self.hash(&[kind.label(), mailbox.as_str().as_bytes()], fields)
    }

    /// The hash of fields that are no mailbox's. A kind has either these or those with a mailbox.
    pub fn digest_of(&self, kind: Kind, fields: &[&[u8]]) -> Digest {
        self.hash(&[kind.label()], fields)
    }

    fn hash(&self, first: &[&[u8]], fields: &[&[u8]]) -> Digest {
        let Ok(mut mac) = Hmac::<Sha256>::new_from_slice(self.0.expose()) else {
            // HMAC takes keys of any length; were it not so, nothing may match.
            return Digest([0; 32]);
        };
        for field in first.iter().chain(fields) {
            mac.update(&(field.len() as u64).to_be_bytes());
            mac.update(field);
        }
        Digest(mac.finalize().into_bytes().into())
    }
}
