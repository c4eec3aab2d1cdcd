//! MD5-CRYPT: crypt(3)'s `$1$salt$hash`, a thousand rounds of MD5.
//!
//! The algorithm is Poul-Henning Kamp's of FreeBSD 2.0 (1994). No maintained crate has it. It is
//! checked because old mailboxes have it, never made.

use md5::{Digest, Md5};

use super::{
    Why,
    encoding::{is_crypt64, to_crypt64},
    matches,
};
use crate::{base::SecretText, ports::password::Verdict};

/// What the hash begins with; also mixed into it.
pub(super) const PREFIX: &str = "$1$";

/// Most characters of salt that the algorithm uses.
const SALT: usize = 8;

/// Digits of the hash.
const DIGITS: usize = 22;

/// Rounds, fixed.
const ROUNDS: u32 = 1_000;

/// The order in which the 16 bytes of the result are written.
const ORDER: [usize; 16] = [12, 6, 0, 13, 7, 1, 14, 8, 2, 15, 9, 3, 5, 10, 4, 11];

/// A parsed MD5-CRYPT hash.
pub(super) struct Md5CryptHash {
    salt: String,
    digits: SecretText,
}

impl Md5CryptHash {
    pub(super) fn parse(text: &str) -> Result<Self, Why> {
        let (salt, digits) = text
            .strip_prefix(PREFIX)
            .and_then(|rest| rest.split_once('$'))
            .ok_or("it is not of the form $1$salt$hash")?;
        if salt.len() > SALT {
            return Err("its salt is too long");
        }
        if !is_crypt64(digits, DIGITS) {
            return Err("its hash has the wrong length or digits");
        }
        Ok(Self { salt: salt.to_owned(), digits: SecretText::new(digits.to_owned()) })
    }

    pub(super) fn verify(&self, password: &[u8]) -> Verdict {
        let computed = compute(password, self.salt.as_bytes());
        let digits = to_crypt64(ORDER.iter().filter_map(|place| computed.get(*place).copied()));
        matches(self.digits.expose().as_bytes(), digits.as_bytes())
    }
}

/// The sixteen bytes of the hash.
fn compute(password: &[u8], salt: &[u8]) -> [u8; 16] {
    let inner = digest(&[password, salt, password]);
    let mut outer =
        Md5::new().chain_update(password).chain_update(PREFIX.as_bytes()).chain_update(salt);
    for chunk in password.chunks(inner.len()) {
        outer.update(inner.get(..chunk.len()).unwrap_or_default());
    }
    // One byte for each bit of the length: zero for a one, the first of the password for a zero.
    let mut bits = password.len();
    while bits != 0 {
        outer.update(if bits & 1 == 1 { &[0][..] } else { password.get(..1).unwrap_or_default() });
        bits >>= 1;
    }
    let mut state: [u8; 16] = outer.finalize().into();
    for round in 0..ROUNDS {
        let odd = round & 1 == 1;
        let (first, last) = if odd { (password, &state[..]) } else { (&state[..], password) };
        let salt = if round % 3 == 0 { &[][..] } else { salt };
        let middle = if round % 7 == 0 { &[][..] } else { password };
        state = digest(&[first, salt, middle, last]);
    }
    state
}

fn digest(parts: &[&[u8]]) -> [u8; 16] {
    parts.iter().fold(Md5::new(), Digest::chain_update).finalize().into()
}
