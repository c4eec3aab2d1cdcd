//! PBKDF2 with HMAC-SHA-1 as Dovecot writes it: `$1$salt$rounds$` and 20 bytes in hexadecimal
//! (`src/auth/password-scheme-pbkdf2.c`). The salt is used as it is written.

use sha1::Sha1;

use super::{Why, encoding::from_hex, matches, number};
use crate::{
    base::{Secret, limits::PBKDF2_ROUNDS},
    ports::password::Verdict,
};

/// Length of the result, bytes.
const KEY: usize = 20;

/// A parsed PBKDF2 hash.
pub(super) struct Pbkdf2Hash {
    salt: String,
    rounds: u32,
    key: Secret,
}

impl Pbkdf2Hash {
    pub(super) fn parse(text: &str) -> Result<Self, Why> {
        let fields: Vec<&str> =
            text.strip_prefix("$1$").ok_or("it does not begin with $1$")?.split('$').collect();
        let [salt, rounds, key] = fields.as_slice() else {
            return Err("it is not of the form $1$salt$rounds$key");
        };
        let rounds = number(rounds).ok_or("its rounds are not a number")?;
        if !(1..=PBKDF2_ROUNDS).contains(&rounds) {
            return Err("its rounds are beyond the bounds");
        }
        let key = from_hex(key.as_bytes()).ok_or("its key is not hexadecimal")?;
        if key.len() != KEY {
            return Err("its key has the wrong length");
        }
        Ok(Self { salt: (*salt).to_owned(), rounds, key: Secret::from_vec(key) })
    }

    pub(super) fn verify(&self, password: &[u8]) -> Verdict {
        let computed =
            pbkdf2::pbkdf2_hmac_array::<Sha1, KEY>(password, self.salt.as_bytes(), self.rounds);
        matches(self.key.expose(), &computed)
    }
}
