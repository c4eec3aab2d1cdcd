//! Types for what must never be seen: passwords, codes, keys.
//!
//! They have no `Display`, no `Serialize`, and a `Debug` that prints their name only; they are wiped when
//! dropped and compared in constant time. Reading one is spelled `expose`, so that a search for
//! that word finds every place that does.
//!
//! # Security
//!
//! A buffer that grew leaves copies behind: build a secret once, from a slice of the right
//! length, and move it.

use std::fmt;

use subtle::ConstantTimeEq;
use zeroize::{Zeroize, Zeroizing};

/// Secret bytes: a password part, a key, a TOTP secret.
#[derive(Clone)]
pub struct Secret(Zeroizing<Box<[u8]>>);

impl Secret {
    /// Copies the bytes; the caller wipes its own copy if it keeps one.
    pub fn from_slice(bytes: &[u8]) -> Self {
        Self(Zeroizing::new(bytes.into()))
    }

    /// Takes the bytes over. A vector with spare capacity is copied and wiped.
    pub fn from_vec(mut bytes: Vec<u8>) -> Self {
        let secret = Self::from_slice(&bytes);
        bytes.zeroize();
        secret
    }

    /// The bytes. Never log, print or store what this returns unsealed.
    pub fn expose(&self) -> &[u8] {
        &self.0
    }

    /// Number of bytes.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether there are no bytes at all.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(…)")
    }
}

impl PartialEq for Secret {
    fn eq(&self, other: &Self) -> bool {
        self.0.ct_eq(&other.0).into()
    }
}

impl Eq for Secret {}

/// Secret text: a TOTP secret in base 32, an otpauth URI, a password hash.
#[derive(Clone, PartialEq, Eq)]
pub struct SecretText(Secret);

impl SecretText {
    /// Takes the text over and wipes the original.
    pub fn new(text: String) -> Self {
        Self(Secret::from_vec(text.into_bytes()))
    }

    /// The text. Never log what this returns.
    pub fn expose(&self) -> &str {
        // The constructor took a String, so this is UTF-8; an empty text is the harmless answer.
        std::str::from_utf8(self.0.expose()).unwrap_or_default()
    }
}

impl fmt::Debug for SecretText {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SecretText(…)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn debug_shows_nothing() {
        let secret = Secret::from_slice(b"hunter2");
        assert!(!format!("{secret:?}").contains("hunter2"));
        assert!(!format!("{:?}", SecretText::new("hunter2".into())).contains("hunter2"));
    }

    #[test]
    fn comparison_looks_at_the_bytes() {
        assert_eq!(Secret::from_slice(b"a"), Secret::from_vec(b"a".to_vec()));
        assert_ne!(Secret::from_slice(b"a"), Secret::from_slice(b"ab"));
    }
}
