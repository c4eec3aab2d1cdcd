//! Scheme names: which there are, how a hash names its own, and how its bytes are written.

use std::fmt;

use super::{
    digest::Function,
    encoding::{from_base64, from_hex},
    malformed,
};
use crate::{base::Secret, ports::password::HashError};

/// A supported scheme, under Dovecot's main name for it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[expect(missing_docs, reason = "the names are Dovecot's and explain themselves")]
pub enum SchemeName {
    Argon2i,
    Argon2id,
    BlfCrypt,
    Sha512Crypt,
    Sha256Crypt,
    Md5Crypt,
    Yescrypt,
    Pbkdf2,
    Ssha512,
    Ssha256,
    Ssha,
    Smd5,
    Sha512,
    Sha256,
    Sha,
    PlainMd5,
    Plain,
}

impl SchemeName {
    /// The name for messages. yescrypt has none in Dovecot: it is `{CRYPT}$y$…`.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Argon2i => "ARGON2I",
            Self::Argon2id => "ARGON2ID",
            Self::BlfCrypt => "BLF-CRYPT",
            Self::Sha512Crypt => "SHA512-CRYPT",
            Self::Sha256Crypt => "SHA256-CRYPT",
            Self::Md5Crypt => "MD5-CRYPT",
            Self::Yescrypt => "CRYPT (yescrypt)",
            Self::Pbkdf2 => "PBKDF2",
            Self::Ssha512 => "SSHA512",
            Self::Ssha256 => "SSHA256",
            Self::Ssha => "SSHA",
            Self::Smd5 => "SMD5",
            Self::Sha512 => "SHA512",
            Self::Sha256 => "SHA256",
            Self::Sha => "SHA",
            Self::PlainMd5 => "PLAIN-MD5",
            Self::Plain => "PLAIN",
        }
    }
}

impl fmt::Display for SchemeName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// How the hashes of a name are read.
#[derive(Clone, Copy)]
pub(super) enum Family {
    Argon2,
    Crypt,
    Md5Crypt,
    Md5,
    Pbkdf2,
    Salted(Function),
    Unsalted(Function),
    Plain,
}

/// Every name that a stored hash may have.
const NAMES: [(&str, Family); 22] = [
    ("ARGON2I", Family::Argon2),
    ("ARGON2ID", Family::Argon2),
    ("BLF-CRYPT", Family::Crypt),
    ("SHA512-CRYPT", Family::Crypt),
    ("SHA256-CRYPT", Family::Crypt),
    ("CRYPT", Family::Crypt),
    ("MD5-CRYPT", Family::Md5Crypt),
    ("MD5", Family::Md5),
    ("PBKDF2", Family::Pbkdf2),
    ("SSHA512", Family::Salted(Function::Sha512)),
    ("SSHA256", Family::Salted(Function::Sha256)),
    ("SSHA", Family::Salted(Function::Sha1)),
    ("SMD5", Family::Salted(Function::Md5)),
    ("SHA512", Family::Unsalted(Function::Sha512)),
    ("SHA256", Family::Unsalted(Function::Sha256)),
    ("SHA1", Family::Unsalted(Function::Sha1)),
    ("SHA", Family::Unsalted(Function::Sha1)),
    ("PLAIN-MD5", Family::Unsalted(Function::Md5)),
    ("LDAP-MD5", Family::Unsalted(Function::Md5)),
    ("PLAIN", Family::Plain),
    ("CLEARTEXT", Family::Plain),
    ("CLEAR", Family::Plain),
];

/// Longest scheme name that an error repeats, characters.
const NAME: usize = 32;

/// A scheme as a hash names it.
pub(super) struct Scheme {
    /// The name in capitals, without the suffix.
    pub(super) label: &'static str,
    pub(super) family: Family,
    suffix: Option<Suffix>,
}

#[derive(Clone, Copy)]
enum Suffix {
    Hex,
    Base64,
}

/// Splits `{SCHEME.SUFFIX}rest` and looks the scheme up.
pub(super) fn split(text: &str) -> Result<(Scheme, &str), HashError> {
    let (name, rest) = text
        .strip_prefix('{')
        .and_then(|text| text.split_once('}'))
        .ok_or_else(|| malformed("password", "it does not begin with its {SCHEME}"))?;
    let (base, suffix) = match name.split_once('.') {
        None => (name, None),
        Some((base, suffix)) if suffix.eq_ignore_ascii_case("hex") => (base, Some(Suffix::Hex)),
        Some((base, suffix))
            if suffix.eq_ignore_ascii_case("b64") || suffix.eq_ignore_ascii_case("base64") =>
        {
            (base, Some(Suffix::Base64))
        }
        Some(_) => return Err(unknown(name)),
    };
    NAMES
        .iter()
        .find(|(known, _)| known.eq_ignore_ascii_case(base))
        .map(|&(label, family)| (Scheme { label, family, suffix }, rest))
        .ok_or_else(|| unknown(name))
}

/// Repeats a name only when it looks like one: it may be part of a password.
fn unknown(name: &str) -> HashError {
    let plausible = !name.is_empty()
        && name.len() <= NAME
        && name
            .bytes()
            .all(|b| b.is_ascii_uppercase() || b.is_ascii_digit() || b"-._".contains(&b));
    HashError::UnknownScheme(if plausible { name } else { "of this hash" }.to_owned())
}

impl Scheme {
    /// The bytes that the text stands for.
    pub(super) fn decode(&self, text: &str) -> Option<Secret> {
        let text = text.as_bytes();
        let suffix = self.suffix.or_else(|| self.default_suffix(text.len()));
        match suffix {
            None => Some(Secret::from_slice(text)),
            Some(Suffix::Hex) => from_hex(text).map(Secret::from_vec),
            Some(Suffix::Base64) => from_base64(text).map(Secret::from_vec),
        }
    }

    /// How a text of this length is written when its name does not say so.
    fn default_suffix(&self, length: usize) -> Option<Suffix> {
        match self.family {
            Family::Unsalted(function) if length == 2 * function.length() => Some(Suffix::Hex),
            Family::Salted(_) | Family::Unsalted(_) => Some(Suffix::Base64),
            Family::Argon2
            | Family::Crypt
            | Family::Md5Crypt
            | Family::Md5
            | Family::Pbkdf2
            | Family::Plain => None,
        }
    }
}
