//! The place in a list at which a token with domains goes on, sealed.
//!
//! A name that may be shown is such a place as it is. Where nothing was found within reach, the place is
//! between names that may not be shown: it is sealed with XChaCha20-Poly1305 for the one that asked, and
//! padded, so that its length tells nothing either.
//!
//! # Security
//!
//! Its text comes back from outside. What was not made here, or not for this token, does not open.

use base64::{Engine as _, prelude::BASE64_URL_SAFE_NO_PAD};
use chacha20poly1305::{
    KeyInit, XChaCha20Poly1305, XNonce,
    aead::{Aead, Payload},
};

use super::digest::{CredentialKey, Kind};
use crate::base::{Mailbox, limits::MAILBOX_BYTES};

/// What one begins with. A name without a domain is in no token's reach, so none is taken for one.
const PREFIX: &str = "~";
/// Bytes of a nonce: enough for random ones.
pub const NONCE_BYTES: usize = 24;
/// Fills up; no name has it.
const PADDING: u8 = 0;

/// Whether a text means to be one.
pub fn is_sealed(text: &str) -> bool {
    text.starts_with(PREFIX) && !text.contains('@')
}

/// Seals the place after a mailbox for `by`. `None` if the cipher refuses.
pub fn seal(
    key: &CredentialKey,
    by: &str,
    mailbox: &Mailbox,
    nonce: &[u8; NONCE_BYTES],
) -> Option<String> {
    let mut padded = mailbox.as_str().as_bytes().to_vec();
    padded.resize(MAILBOX_BYTES, PADDING);
    let payload = Payload { msg: &padded, aad: by.as_bytes() };
    let sealed = cipher(key).encrypt(&XNonce::from(*nonce), payload).ok()?;
    let all = [nonce.as_slice(), &sealed].concat();
    Some(format!("{PREFIX}{}", BASE64_URL_SAFE_NO_PAD.encode(all)))
}

/// The mailbox after which to go on; `None` if this is none of `by`.
pub fn open(key: &CredentialKey, by: &str, text: &str) -> Option<Mailbox> {
    let all = BASE64_URL_SAFE_NO_PAD.decode(text.strip_prefix(PREFIX)?).ok()?;
    let (nonce, msg) = all.split_first_chunk::<NONCE_BYTES>()?;
    let payload = Payload { msg, aad: by.as_bytes() };
    let padded = cipher(key).decrypt(&XNonce::from(*nonce), payload).ok()?;
    let name = padded.split(|byte| *byte == PADDING).next()?;
    Mailbox::from_bytes(name).ok()
}

fn cipher(key: &CredentialKey) -> XChaCha20Poly1305 {
    XChaCha20Poly1305::new(key.digest_of(Kind::Cursor, &[]).bytes().into())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::Secret;

    fn key(byte: u8) -> CredentialKey {
        CredentialKey::new(Secret::from_slice(&[byte; 32]))
    }

    #[test]
    fn it_opens_for_its_own_token_and_tells_nothing() {
        let (short, long) =
            (Mailbox::new("a@b").unwrap(), Mailbox::new(&"x".repeat(MAILBOX_BYTES)).unwrap());
        let sealed =
            |mailbox: &Mailbox| seal(&key(1), "token t", mailbox, &[3; NONCE_BYTES]).unwrap();
        assert_eq!(sealed(&short).len(), sealed(&long).len());
        for mailbox in [short, long] {
            let text = sealed(&mailbox);
            assert!(is_sealed(&text) && !text.contains(mailbox.as_str()));
            assert_eq!(open(&key(1), "token t", &text), Some(mailbox));
            let changed =
                text.replacen(&text[60..61], if &text[60..61] == "A" { "B" } else { "A" }, 1);
            for (key, by, text) in [
                (key(2), "token t", &*text),
                (key(1), "token u", &*text),
                (key(1), "token t", &text[..text.len() - 4]),
                (key(1), "token t", &*changed),
                (key(1), "token t", "~"),
                (key(1), "token t", "~a@b"),
            ] {
                assert_eq!(open(&key, by, text), None, "{text}");
            }
        }
    }
}
