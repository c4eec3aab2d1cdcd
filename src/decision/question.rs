//! What a password source is asked.
//!
//! What it answers stands in `answer`; which answers are kept for a while, in `recall`.

use super::{digest::Digest, names::SaslNames, record::Version};
use crate::base::{Mailbox, NetAddress, Secret, SecretText, Service};

/// The question to a password source.
#[derive(Clone, Debug)]
pub struct PasswordQuestion {
    /// The authenticating user, canonical.
    pub mailbox: Mailbox,
    /// The names to ask an upstream for: as typed, but tidied.
    pub asked: SaslNames,
    /// The password part of the credential, never empty.
    pub password: Secret,
    /// The stored hash, where the passwords are our own. `None` there means that the mailbox is
    /// unknown: the source spends the time of a real check and answers `Wrong`.
    pub hash: Option<SecretText>,
    /// Failures of this login are counted here: a source that slows addresses down on its own
    /// need not, and what it would do is seen by the one who waits.
    pub counted: bool,
    /// An earlier answer may stand for this one; `None` if the source must be asked.
    pub recall: Option<Recall>,
}

/// Makes a question to a password source one that an earlier answer may stand for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Recall {
    /// The version of the record in which the sign-in was found alive.
    pub version: Version,
    /// The sign-in: user, services, place, and the whole string.
    pub session: Digest,
    /// For which service.
    pub service: Service,
    /// From where; never unknown.
    pub from: NetAddress,
    /// How old an answer may be, seconds; never 0.
    pub seconds: u64,
    /// The source is one that names the mailbox whose password is right.
    pub named: bool,
}
