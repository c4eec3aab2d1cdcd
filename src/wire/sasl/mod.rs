//! The server side of the two SASL mechanisms that can carry a code: PLAIN and LOGIN.
//!
//! Decoded messages in, credentials out. Whether the credentials are right is decided elsewhere.
//!
//! # Security
//!
//! Everything here comes from a mail client, that is from anybody. Names with NUL, CR, LF or TAB
//! are turned away: behind mail2fa they could become lines or fields of their own (CVE-2026-41940).

mod login;
mod plain;

use std::fmt;

use base64::{
    Engine,
    alphabet::STANDARD,
    engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig},
};
use zeroize::Zeroizing;

use crate::base::{
    Secret,
    limits::{CREDENTIAL_BYTES, MAILBOX_BYTES},
};

/// Longest user name in credentials, bytes: two mailbox names and a master separator.
pub const NAME_BYTES: usize = 2 * MAILBOX_BYTES + 1;

/// Padding must be there, as in Dovecot; stray bits in the last character are let pass.
const BASE64: GeneralPurpose = GeneralPurpose::new(
    &STANDARD,
    GeneralPurposeConfig::new()
        .with_decode_allow_trailing_bits(true)
        .with_decode_padding_mode(DecodePaddingMode::RequireCanonical),
);

/// A mechanism that mail2fa speaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Mechanism {
    /// RFC 4616.
    Plain,
    /// draft-murchison-sasl-login: name and password in two steps.
    Login,
}

impl Mechanism {
    /// By its name, in any case of letters, as Dovecot does.
    pub fn parse(name: &[u8]) -> Option<Self> {
        [Self::Plain, Self::Login]
            .into_iter()
            .find(|mechanism| name.eq_ignore_ascii_case(mechanism.name().as_bytes()))
    }

    /// The registered name.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Plain => "PLAIN",
            Self::Login => "LOGIN",
        }
    }
}

impl fmt::Display for Mechanism {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// Why a request is hopeless before any password was looked at. The peer is never told which.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[must_use]
pub enum Rejection {
    /// A mechanism that is not offered.
    #[error("the mechanism is not offered")]
    Mechanism,
    /// A response that is not base64.
    #[error("the response is not base64")]
    Base64,
    /// The mail client sent `*` (RFC 4954 4, RFC 9051 6.2.2).
    #[error("the mail client gave up")]
    Aborted,
    /// A PLAIN message without exactly two NULs.
    #[error("the message is malformed")]
    Malformed,
    /// No user name.
    #[error("the user name is empty")]
    EmptyName,
    /// NUL, CR, LF or TAB in a user name.
    #[error("a user name holds a control character that no name may have")]
    ForbiddenInName,
    /// NUL in a password, which no mechanism upstream can carry.
    #[error("the password holds a NUL byte")]
    NulInPassword,
    /// A name longer than [`NAME_BYTES`] or a password longer than `CREDENTIAL_BYTES`.
    #[error("the credentials are too long")]
    TooLong,
    /// More requests wait on this connection than the limit.
    #[error("too many unanswered requests")]
    TooManyPending,
}

/// What a mail client says about itself, well-formed and within the limits.
#[derive(Clone, PartialEq, Eq)]
pub struct PlainCredentials {
    /// The name to act as; empty for the authenticating one. LOGIN has none.
    pub authzid: Vec<u8>,
    /// The name the password belongs to; not empty.
    pub authcid: Vec<u8>,
    /// The password, with the code where there is one. May be empty.
    pub password: Secret,
}

impl PlainCredentials {
    /// Checks names and password; `act_as` becomes the authzid, `name` the authcid.
    pub fn new(act_as: &[u8], name: &[u8], password: &[u8]) -> Result<Self, Rejection> {
        check_name(name)?;
        if !act_as.is_empty() {
            check_name(act_as)?;
        }
        if password.len() > CREDENTIAL_BYTES {
            return Err(Rejection::TooLong);
        }
        if password.contains(&0) {
            return Err(Rejection::NulInPassword);
        }
        Ok(Self {
            authzid: act_as.to_vec(),
            authcid: name.to_vec(),
            password: Secret::from_slice(password),
        })
    }

    /// The PLAIN message of RFC 4616, not base64: authzid, authcid, password.
    pub fn encode_plain(act_as: &[u8], name: &[u8], password: &[u8]) -> Secret {
        plain::encode(act_as, name, password)
    }

    /// Reads a PLAIN message of RFC 4616, not base64.
    pub fn parse_plain(message: &[u8]) -> Result<Self, Rejection> {
        plain::parse(message)
    }
}

impl fmt::Debug for PlainCredentials {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // The names are left out too: people type passwords into name fields.
        f.write_str("PlainCredentials(…)")
    }
}

fn check_name(name: &[u8]) -> Result<(), Rejection> {
    if name.is_empty() {
        return Err(Rejection::EmptyName);
    }
    if name.len() > NAME_BYTES {
        return Err(Rejection::TooLong);
    }
    if name.iter().any(|byte| matches!(byte, 0 | b'\r' | b'\n' | b'\t')) {
        return Err(Rejection::ForbiddenInName);
    }
    Ok(())
}

/// Where an exchange stands.
#[derive(Debug)]
pub(super) enum Exchange {
    /// The whole message is awaited.
    Plain,
    /// The name is awaited.
    LoginName,
    /// The password is awaited.
    LoginPassword {
        /// The name, checked.
        authcid: Vec<u8>,
    },
}

/// What comes next.
pub(super) enum Step {
    /// Send this challenge (not base64) and go on.
    Challenge(Exchange, &'static [u8]),
    /// All is there.
    Credentials(PlainCredentials),
    /// It is over.
    Rejected(Rejection),
}

impl Exchange {
    /// Begins. `None` is no initial response; an empty one is a response to PLAIN and none to LOGIN,
    /// as in Dovecot.
    pub(super) fn start(mechanism: Mechanism, initial: Option<&[u8]>) -> Step {
        match (mechanism, initial) {
            (Mechanism::Plain, None) => Step::Challenge(Self::Plain, plain::CHALLENGE),
            (Mechanism::Plain, Some(message)) => Self::Plain.step(message),
            (Mechanism::Login, None | Some([])) => {
                Step::Challenge(Self::LoginName, login::NAME_CHALLENGE)
            }
            (Mechanism::Login, Some(name)) => Self::LoginName.step(name),
        }
    }

    /// Goes on with the next response.
    pub(super) fn step(self, response: &[u8]) -> Step {
        match self {
            Self::Plain => match plain::parse(response) {
                Ok(credentials) => Step::Credentials(credentials),
                Err(why) => Step::Rejected(why),
            },
            Self::LoginName => login::take_name(response),
            Self::LoginPassword { authcid } => login::take_password(&authcid, response),
        }
    }
}

/// Decodes a response as it stands on the wire.
pub(super) fn decode(response: &[u8]) -> Result<Secret, Rejection> {
    if response == b"*" {
        return Err(Rejection::Aborted);
    }
    let mut bytes = Zeroizing::new(vec![0; response.len().div_ceil(4) * 3]);
    let length = BASE64.decode_slice(response, &mut bytes).map_err(|_| Rejection::Base64)?;
    Ok(Secret::from_slice(bytes.get(..length).unwrap_or_default()))
}

/// Encodes for the wire.
pub(super) fn encode(message: &[u8]) -> Secret {
    let mut text = Zeroizing::new(vec![0; message.len().div_ceil(3) * 4]);
    // The buffer has exactly the length of the result, so this cannot fail.
    let length = BASE64.encode_slice(message, &mut text).unwrap_or_default();
    Secret::from_slice(text.get(..length).unwrap_or_default())
}

#[cfg(test)]
mod tests;
