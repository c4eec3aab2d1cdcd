//! SHA256-CRYPT and SHA512-CRYPT: crypt(3)'s `$5$` and `$6$`, as specified by Ulrich Drepper
//! ("Unix crypt using SHA-256 and SHA-512", 2008).
//!
//! The digests come from the `sha-crypt` crate's plain functions; the text form is read and
//! written here, because the crate's own reader refuses the empty salt, which crypt(3) allows,
//! and takes any number of rounds.

use sha_crypt::{Params, sha256_crypt, sha512_crypt};

use super::{
    SchemeName, Why,
    encoding::{is_crypt64, to_crypt64},
    matches, number,
};
use crate::{
    base::{SecretText, limits::SHA_CRYPT_ROUNDS},
    ports::password::Verdict,
};

/// Most characters of salt that the algorithm uses.
const SALT: usize = 16;

/// Fewest rounds that crypt(3) computes.
const ROUNDS_MIN: u32 = 1_000;

/// Which of the two.
#[derive(Clone, Copy)]
pub(super) enum Variant {
    Sha256,
    Sha512,
}

/// A parsed SHA-crypt hash.
pub(super) struct ShaCryptHash {
    variant: Variant,
    rounds: Params,
    salt: String,
    digits: SecretText,
}

impl ShaCryptHash {
    /// Reads what follows `$5$` or `$6$`.
    pub(super) fn parse(variant: Variant, rest: &str) -> Result<Self, Why> {
        let (rounds, rest) = match rest.strip_prefix("rounds=") {
            None => (Params::RECOMMENDED_ROUNDS, rest),
            Some(rest) => {
                let (rounds, rest) = rest.split_once('$').ok_or("it ends after its rounds")?;
                (number(rounds).ok_or("its rounds are not a number")?, rest)
            }
        };
        if !(ROUNDS_MIN..=SHA_CRYPT_ROUNDS).contains(&rounds) {
            return Err("its rounds are beyond the bounds");
        }
        let rounds = Params::new(rounds).map_err(|_| "its rounds are beyond the bounds")?;
        let (salt, digits) = rest.split_once('$').ok_or("it has no salt and hash")?;
        if salt.len() > SALT {
            return Err("its salt is too long");
        }
        if !is_crypt64(digits, variant.digits()) {
            return Err("its hash has the wrong length or digits");
        }
        let digits = SecretText::new(digits.to_owned());
        Ok(Self { variant, rounds, salt: salt.to_owned(), digits })
    }

    pub(super) fn name(&self) -> SchemeName {
        match self.variant {
            Variant::Sha256 => SchemeName::Sha256Crypt,
            Variant::Sha512 => SchemeName::Sha512Crypt,
        }
    }

    pub(super) fn verify(&self, password: &[u8]) -> Verdict {
        let salt = self.salt.as_bytes();
        let digits = match self.variant {
            Variant::Sha256 => self.variant.text(&sha256_crypt(password, salt, self.rounds)),
            Variant::Sha512 => self.variant.text(&sha512_crypt(password, salt, self.rounds)),
        };
        matches(self.digits.expose().as_bytes(), digits.as_bytes())
    }
}

impl Variant {
    /// Digits of the hash.
    const fn digits(self) -> usize {
        match self {
            Self::Sha256 => 43,
            Self::Sha512 => 86,
        }
    }

    /// Writes a digest in the algorithm's order: bytes a third of the digest apart are one
    /// group, and the places within the next group are each one further, rotated.
    fn text(self, digest: &[u8]) -> String {
        let third = digest.len() / 3;
        let mut group = [2 * third, third, 0];
        let mut order = Vec::with_capacity(digest.len());
        for _ in 0..third {
            order.extend(group);
            let [low, middle, high] = group.map(|place| place + 1);
            group = match self {
                Self::Sha256 => [middle, high, low],
                Self::Sha512 => [high, low, middle],
            };
        }
        order.extend(3 * third..digest.len());
        to_crypt64(order.into_iter().filter_map(|place| digest.get(place).copied()))
    }
}
