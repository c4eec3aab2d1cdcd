//! PLAIN (RFC 4616): `authzid NUL authcid NUL password` in one message.
//!
//! # Security
//!
//! Exactly two NULs, as in Dovecot's `src/lib-sasl/sasl-server-mech-plain.c`: with more of them two
//! readers could disagree about where the password begins.

use zeroize::Zeroizing;

use super::{PlainCredentials, Rejection};
use crate::base::Secret;

/// PLAIN asks with an empty challenge.
pub(super) const CHALLENGE: &[u8] = b"";

pub(super) fn parse(message: &[u8]) -> Result<PlainCredentials, Rejection> {
    let mut parts = message.split(|byte| *byte == 0);
    let (Some(act_as), Some(name), Some(password), None) =
        (parts.next(), parts.next(), parts.next(), parts.next())
    else {
        return Err(Rejection::Malformed);
    };
    PlainCredentials::new(act_as, name, password)
}

pub(super) fn encode(act_as: &[u8], name: &[u8], password: &[u8]) -> Secret {
    let length = act_as.len() + name.len() + password.len() + 2;
    let mut message = Zeroizing::new(Vec::with_capacity(length));
    message.extend_from_slice(act_as);
    message.push(0);
    message.extend_from_slice(name);
    message.push(0);
    message.extend_from_slice(password);
    Secret::from_slice(&message)
}
