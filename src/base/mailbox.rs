//! The canonical name of a mailbox.
//!
//! [`Mailbox`] says only that a name is well-formed: bounded, valid UTF-8, without control
//! characters. How a name as typed becomes the canonical one (lower case, default realm, …) is a
//! decision and lives in `decision::names`.
//!
//! # Security
//!
//! Names come from anybody. NUL, CR, LF and TAB would be fields or lines of their own on the wire
//! and in logs (CVE-2026-41940), so a name with any control character is not a name.

use std::fmt;

use super::limits::MAILBOX_BYTES;

/// A canonical mailbox name, e.g. `alice@example.org`: the key of its record in the store.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Mailbox(Box<str>);

/// Why a text is not a mailbox name. The text itself is left out: it may be a mistyped password.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum MailboxError {
    /// No characters.
    #[error("the mailbox name is empty")]
    Empty,
    /// More than [`MAILBOX_BYTES`] bytes.
    #[error("the mailbox name is longer than {MAILBOX_BYTES} bytes")]
    TooLong,
    /// Not UTF-8.
    #[error("the mailbox name is not valid UTF-8")]
    NotUtf8,
    /// A control character, or white space, which no login name has.
    #[error("the mailbox name has a control character or white space in it")]
    Forbidden,
}

impl Mailbox {
    /// Checks that a text can be a mailbox name.
    pub fn new(name: &str) -> Result<Self, MailboxError> {
        if name.is_empty() {
            return Err(MailboxError::Empty);
        }
        if name.len() > MAILBOX_BYTES {
            return Err(MailboxError::TooLong);
        }
        if name.chars().any(|c| c.is_control() || c.is_whitespace()) {
            return Err(MailboxError::Forbidden);
        }
        Ok(Self(name.into()))
    }

    /// Checks that bytes can be a mailbox name.
    pub fn from_bytes(name: &[u8]) -> Result<Self, MailboxError> {
        Self::new(std::str::from_utf8(name).map_err(|_| MailboxError::NotUtf8)?)
    }

    /// The name as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Mailbox {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for Mailbox {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Mailbox({})", self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn well_formed_names() {
        for name in ["alice", "alice@example.org", "jürgen@exämple.org", "a+tag@example.org"] {
            assert_eq!(Mailbox::new(name).unwrap().as_str(), name);
        }
    }

    #[test]
    fn malformed_names() {
        let table: [(&[u8], MailboxError); 8] = [
            (b"", MailboxError::Empty),
            (b"a\0b", MailboxError::Forbidden),
            (b"a\rb", MailboxError::Forbidden),
            (b"a\nb", MailboxError::Forbidden),
            (b"a\tb", MailboxError::Forbidden),
            (b"a b", MailboxError::Forbidden),
            (b"\xff", MailboxError::NotUtf8),
            (&[b'a'; MAILBOX_BYTES + 1], MailboxError::TooLong),
        ];
        for (name, error) in table {
            assert_eq!(Mailbox::from_bytes(name), Err(error));
        }
    }
}
