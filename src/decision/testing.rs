//! What the tests of this room share: one key and one mailbox.

use super::digest::CredentialKey;
use crate::base::{Mailbox, Secret};

/// The key that digests are made with.
pub(crate) fn key() -> CredentialKey {
    CredentialKey::new(Secret::from_slice(&[7; 32]))
}

/// Whom most tests are about.
pub(crate) fn alice() -> Mailbox {
    Mailbox::new("alice@example.org").unwrap()
}
