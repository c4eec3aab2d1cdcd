//! Plain and salted digests: SHA, SSHA, SHA256, SSHA256, SHA512, SSHA512, SMD5, PLAIN-MD5,
//! LDAP-MD5.
//!
//! A salted one is `digest(password, salt)` followed by the salt, of any length from one byte on
//! (Dovecot `src/auth/password-scheme.c`). They cost a microsecond: whoever steals one tries
//! billions of passwords a second. They are checked because mailboxes have them, never made.

use md5::Md5;
use sha1::Sha1;
use sha2::{Digest, Sha256, Sha512};

use super::{SchemeName, Why, matches};
use crate::{base::Secret, ports::password::Verdict};

/// The digest function.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Function {
    Md5,
    Sha1,
    Sha256,
    Sha512,
}

impl Function {
    /// Length of its result, bytes.
    pub(super) const fn length(self) -> usize {
        match self {
            Self::Md5 => 16,
            Self::Sha1 => 20,
            Self::Sha256 => 32,
            Self::Sha512 => 64,
        }
    }
}

/// A stored digest and its salt, empty for the unsalted schemes.
pub(super) struct DigestHash {
    function: Function,
    digest: Secret,
    salt: Vec<u8>,
}

impl DigestHash {
    /// Without salt: the bytes are the digest.
    pub(super) fn unsalted(function: Function, raw: &[u8]) -> Result<Self, Why> {
        if raw.len() != function.length() {
            return Err("the digest has the wrong length");
        }
        Ok(Self { function, digest: Secret::from_slice(raw), salt: Vec::new() })
    }

    /// With salt: the digest, then at least one byte of salt.
    pub(super) fn salted(function: Function, raw: &[u8]) -> Result<Self, Why> {
        match raw.split_at_checked(function.length()) {
            Some((digest, salt)) if !salt.is_empty() => {
                Ok(Self { function, digest: Secret::from_slice(digest), salt: salt.to_vec() })
            }
            _ => Err("it is too short for a digest and a salt"),
        }
    }

    pub(super) fn name(&self) -> SchemeName {
        match (self.function, self.salt.is_empty()) {
            (Function::Md5, true) => SchemeName::PlainMd5,
            (Function::Md5, false) => SchemeName::Smd5,
            (Function::Sha1, true) => SchemeName::Sha,
            (Function::Sha1, false) => SchemeName::Ssha,
            (Function::Sha256, true) => SchemeName::Sha256,
            (Function::Sha256, false) => SchemeName::Ssha256,
            (Function::Sha512, true) => SchemeName::Sha512,
            (Function::Sha512, false) => SchemeName::Ssha512,
        }
    }

    pub(super) fn verify(&self, password: &[u8]) -> Verdict {
        let computed = match self.function {
            Function::Md5 => self.compute::<Md5>(password),
            Function::Sha1 => self.compute::<Sha1>(password),
            Function::Sha256 => self.compute::<Sha256>(password),
            Function::Sha512 => self.compute::<Sha512>(password),
        };
        matches(self.digest.expose(), &computed)
    }

    fn compute<D: Digest>(&self, password: &[u8]) -> Vec<u8> {
        D::new().chain_update(password).chain_update(&self.salt).finalize().to_vec()
    }
}
