//! BLF-CRYPT: bcrypt, crypt(3)'s `$2a$`, `$2b$` and `$2y$`.
//!
//! The three agree on every password that a correct implementation hashed. `$2x$` marks hashes of
//! one that was not correct and is refused. Bytes of the password after the 72nd do not count, as
//! in crypt(3).

use super::{Why, matches, number};
use crate::{
    base::{Secret, limits::BCRYPT_COST},
    ports::password::Verdict,
};

/// Lowest cost of the algorithm.
const COST_MIN: u32 = 4;

/// A parsed bcrypt hash.
pub(super) struct BcryptHash {
    cost: u32,
    salt: [u8; 16],
    hash: Secret,
}

impl BcryptHash {
    /// Reads what follows `$2a$`, `$2b$` or `$2y$`.
    pub(super) fn parse(rest: &str) -> Result<Self, Why> {
        let (cost, digits) = rest.split_once('$').ok_or("it has no cost")?;
        if cost.len() != 2 {
            return Err("its cost does not have two digits");
        }
        let cost = number(cost.strip_prefix('0').unwrap_or(cost)).ok_or("its cost is no number")?;
        if !(COST_MIN..=BCRYPT_COST).contains(&cost) {
            return Err("its cost is beyond the bounds");
        }
        if digits.len() != 53 {
            return Err("it has the wrong length");
        }
        let (salt, hash) = digits.split_at_checked(22).ok_or("it has foreign digits")?;
        let salt = decode(salt)?.try_into().map_err(|_| "its salt has the wrong length")?;
        Ok(Self { cost, salt, hash: Secret::from_vec(decode(hash)?) })
    }

    pub(super) fn verify(&self, password: &[u8]) -> Result<Verdict, Why> {
        let computed = bcrypt::hash_with_salt(password, self.cost, self.salt)
            .map_err(|_| "its cost is beyond the bounds")?;
        let text = computed.format_for_version(bcrypt::Version::TwoB);
        let (_, digits) = text.split_at_checked(29).ok_or("it cannot be computed")?;
        Ok(matches(self.hash.expose(), &decode(digits)?))
    }
}

fn decode(digits: &str) -> Result<Vec<u8>, Why> {
    use base64::Engine as _;
    bcrypt::BASE_64.decode(digits).map_err(|_| "it has foreign digits")
}
