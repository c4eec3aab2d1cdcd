//! Password hashes as Dovecot writes them: `{SCHEME}hash`, `{SCHEME.HEX}hash`, `{SCHEME.B64}hash`.
//!
//! [`StoredHash::parse`] reads one into a typed value whose cost is within the bounds of
//! `base::limits`; `StoredHash::verify` checks a password against it. What the names mean is
//! Dovecot's (`src/auth/password-scheme.c`, `password-scheme-crypt.c`):
//!
//! - Scheme names and suffixes in any letter case. A suffix says how the bytes after the brace
//!   are written; without one the digests are base 64 (the unsalted ones also hexadecimal, told
//!   apart by the length) and all others are text.
//! - The names of the crypt(3) family are one scheme: `{SHA512-CRYPT}$5$…` and `{CRYPT}$6$…` are
//!   judged by the prefix of the hash. The same holds for the two of Argon2.
//! - `{MD5}` is MD5-CRYPT or PLAIN-MD5.
//!
//! Not supported, and said so: traditional DES and the lesser prefixes of crypt(3), SCRAM,
//! CRAM-MD5, DIGEST-MD5, OTP, PLAIN-MD4, PLAIN-TRUNC. A hash without `{SCHEME}` is not guessed
//! at: a password that happens to look like a hash would become one.
//!
//! # Security
//!
//! A stored hash may be an administrator's import of anything. Nothing in it is believed: every
//! length, digit and cost is checked before anything is computed, and errors carry none of its
//! bytes. Hashes are compared in constant time.

mod argon2;
mod bcrypt;
mod digest;
mod encoding;
mod md5_crypt;
mod name;
mod pbkdf2;
mod sha_crypt;
mod yescrypt;

#[cfg(test)]
mod tests;

use std::fmt;

use ::sha2::{Digest as _, Sha256};
use subtle::ConstantTimeEq as _;

pub(super) use self::argon2::{SALT, Scratch, check_cost, create};
pub use self::name::SchemeName;
use self::name::{Family, split};
use self::{
    argon2::Argon2Hash,
    bcrypt::BcryptHash,
    digest::{DigestHash, Function},
    encoding::{from_base64, from_hex},
    md5_crypt::Md5CryptHash,
    pbkdf2::Pbkdf2Hash,
    sha_crypt::{ShaCryptHash, Variant},
    yescrypt::YescryptHash,
};
use crate::{
    base::{Secret, limits::HASH_BYTES},
    ports::password::{HashError, Verdict},
};

/// What is wrong with a hash, without any of its bytes.
type Why = &'static str;

/// Where a check is computed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cost {
    /// Microseconds: where it is asked for. A thread hop would cost more than the check.
    Inline,
    /// From a tenth of a millisecond to seconds: on the pool.
    Pool,
}

/// A stored hash, understood and within the bounds.
pub struct StoredHash {
    /// The scheme as the hash names it, for messages.
    label: &'static str,
    kind: Kind,
}

enum Kind {
    Plain(Secret),
    Digest(DigestHash),
    Pbkdf2(Pbkdf2Hash),
    Md5Crypt(Md5CryptHash),
    ShaCrypt(ShaCryptHash),
    Bcrypt(BcryptHash),
    Yescrypt(YescryptHash),
    Argon2(Argon2Hash),
}

/// Why the text after the brace is not a hash.
enum Refusal {
    /// It is one of a scheme that is not supported.
    Unknown(&'static str),
    /// It is not one of its scheme.
    Malformed(Why),
}

impl From<Why> for Refusal {
    fn from(why: Why) -> Self {
        Self::Malformed(why)
    }
}

/// Checks that a hash can be stored: it is understood and its cost is within the bounds. Returns
/// the scheme that will be computed.
pub fn check_hash(text: &str) -> Result<SchemeName, HashError> {
    StoredHash::parse(text).map(|hash| hash.name())
}

impl StoredHash {
    /// Reads a hash with its `{SCHEME}`.
    pub fn parse(text: &str) -> Result<Self, HashError> {
        if text.len() > HASH_BYTES {
            return Err(malformed("password", "it is too long"));
        }
        let (scheme, encoded) = split(text)?;
        let kind = scheme
            .decode(encoded)
            .ok_or(Refusal::Malformed("its encoding cannot be read"))
            .and_then(|raw| Kind::parse(scheme.family, raw.expose()));
        match kind {
            Ok(kind) => Ok(Self { label: scheme.label, kind }),
            Err(Refusal::Unknown(name)) => Err(HashError::UnknownScheme(name.to_owned())),
            Err(Refusal::Malformed(why)) => Err(malformed(scheme.label, why)),
        }
    }

    /// The scheme that is computed.
    pub fn name(&self) -> SchemeName {
        match &self.kind {
            Kind::Plain(_) => SchemeName::Plain,
            Kind::Digest(hash) => hash.name(),
            Kind::Pbkdf2(_) => SchemeName::Pbkdf2,
            Kind::Md5Crypt(_) => SchemeName::Md5Crypt,
            Kind::ShaCrypt(hash) => hash.name(),
            Kind::Bcrypt(_) => SchemeName::BlfCrypt,
            Kind::Yescrypt(_) => SchemeName::Yescrypt,
            Kind::Argon2(hash) => hash.name(),
        }
    }

    /// Where to compute it.
    pub fn cost(&self) -> Cost {
        match &self.kind {
            Kind::Plain(_) | Kind::Digest(_) => Cost::Inline,
            Kind::Pbkdf2(_)
            | Kind::Md5Crypt(_)
            | Kind::ShaCrypt(_)
            | Kind::Bcrypt(_)
            | Kind::Yescrypt(_)
            | Kind::Argon2(_) => Cost::Pool,
        }
    }

    /// Checks a password. An empty one is wrong whatever the hash. A password with a NUL byte is
    /// wrong for the crypt(3) family, whose implementations stop reading there: what follows
    /// would not count.
    pub(super) fn verify(
        &self,
        password: &[u8],
        scratch: &mut Scratch,
    ) -> Result<Verdict, HashError> {
        if password.is_empty() || (self.is_crypt() && password.contains(&0)) {
            return Ok(Verdict::Wrong);
        }
        match &self.kind {
            // Digests are compared, so that the time tells nothing of the stored length either.
            Kind::Plain(stored) => {
                Ok(matches(&Sha256::digest(stored.expose()), &Sha256::digest(password)))
            }
            Kind::Digest(hash) => Ok(hash.verify(password)),
            Kind::Pbkdf2(hash) => Ok(hash.verify(password)),
            Kind::Md5Crypt(hash) => Ok(hash.verify(password)),
            Kind::ShaCrypt(hash) => Ok(hash.verify(password)),
            Kind::Bcrypt(hash) => hash.verify(password).map_err(|why| malformed(self.label, why)),
            Kind::Yescrypt(hash) => hash.verify(password).map_err(|why| malformed(self.label, why)),
            Kind::Argon2(hash) => hash.verify(password, scratch),
        }
    }

    fn is_crypt(&self) -> bool {
        match &self.kind {
            Kind::Md5Crypt(_) | Kind::ShaCrypt(_) | Kind::Bcrypt(_) | Kind::Yescrypt(_) => true,
            Kind::Plain(_) | Kind::Digest(_) | Kind::Pbkdf2(_) | Kind::Argon2(_) => false,
        }
    }
}

impl fmt::Debug for StoredHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "StoredHash({})", self.name())
    }
}

impl Kind {
    fn parse(family: Family, raw: &[u8]) -> Result<Self, Refusal> {
        Ok(match family {
            Family::Plain if raw.is_empty() => return Err("it is empty".into()),
            Family::Plain => Self::Plain(Secret::from_slice(raw)),
            Family::Unsalted(function) => Self::Digest(DigestHash::unsalted(function, raw)?),
            Family::Salted(function) => Self::Digest(DigestHash::salted(function, raw)?),
            Family::Pbkdf2 => Self::Pbkdf2(Pbkdf2Hash::parse(ascii(raw)?)?),
            Family::Md5Crypt => Self::Md5Crypt(Md5CryptHash::parse(ascii(raw)?)?),
            Family::Md5 if raw.starts_with(md5_crypt::PREFIX.as_bytes()) => {
                Self::Md5Crypt(Md5CryptHash::parse(ascii(raw)?)?)
            }
            Family::Md5 => {
                let digest = from_hex(raw).or_else(|| from_base64(raw)).unwrap_or_default();
                Self::Digest(DigestHash::unsalted(Function::Md5, &digest)?)
            }
            Family::Argon2 => Self::Argon2(Argon2Hash::parse(ascii(raw)?)?),
            Family::Crypt => Self::crypt(ascii(raw)?)?,
        })
    }

    /// The crypt(3) family, by the prefix of the hash.
    fn crypt(text: &str) -> Result<Self, Refusal> {
        let prefix = text
            .strip_prefix('$')
            .and_then(|rest| rest.split_once('$'))
            .ok_or(Refusal::Unknown("CRYPT without a $ prefix (traditional DES)"))?;
        Ok(match prefix {
            ("1", _) => Self::Md5Crypt(Md5CryptHash::parse(text)?),
            ("5", rest) => Self::ShaCrypt(ShaCryptHash::parse(Variant::Sha256, rest)?),
            ("6", rest) => Self::ShaCrypt(ShaCryptHash::parse(Variant::Sha512, rest)?),
            ("2a" | "2b" | "2y", rest) => Self::Bcrypt(BcryptHash::parse(rest)?),
            ("y", rest) => Self::Yescrypt(YescryptHash::parse(rest)?),
            ("argon2i" | "argon2id", _) => Self::Argon2(Argon2Hash::parse(text)?),
            ("2x", _) => return Err(Refusal::Unknown("CRYPT with the prefix $2x$")),
            ("7", _) => return Err(Refusal::Unknown("CRYPT with the prefix $7$ (scrypt)")),
            ("gy", _) => return Err(Refusal::Unknown("CRYPT with the prefix $gy$")),
            ("sha1", _) => return Err(Refusal::Unknown("CRYPT with the prefix $sha1$")),
            _ => return Err(Refusal::Unknown("CRYPT with an unknown prefix")),
        })
    }
}

/// All text forms are printable ASCII.
fn ascii(raw: &[u8]) -> Result<&str, Why> {
    std::str::from_utf8(raw)
        .ok()
        .filter(|text| text.bytes().all(|byte| byte.is_ascii_graphic()))
        .ok_or("it has characters that a hash does not have")
}

/// Compares in constant time.
fn matches(stored: &[u8], computed: &[u8]) -> Verdict {
    if stored.ct_eq(computed).into() { Verdict::Right } else { Verdict::Wrong }
}

/// Reads a decimal number without sign and leading zeros.
fn number(text: &str) -> Option<u32> {
    let digits = text.bytes().all(|byte| byte.is_ascii_digit());
    let leading_zero = text.len() > 1 && text.starts_with('0');
    if digits && !leading_zero { text.parse().ok() } else { None }
}

fn malformed(scheme: &str, why: Why) -> HashError {
    HashError::Malformed { scheme: scheme.to_owned(), why }
}
