//! yescrypt: crypt(3)'s `$y$`, what Debian and Fedora write to `/etc/shadow`.
//!
//! Only the parameters that crypt_gensalt(3) chooses are taken: the native mode, one lane, no
//! extra time. Memory is `128 × N × r` bytes.

use yescrypt::{Mode, Params};

use super::{
    Why,
    encoding::{from_crypt64, is_crypt64, to_crypt64},
    matches,
};
use crate::{
    base::{SecretText, limits::YESCRYPT_BYTES},
    ports::password::Verdict,
};

/// Digits of the hash: 32 bytes.
const DIGITS: usize = 43;

/// Longest salt, bytes (`yescrypt-common.c` of libxcrypt).
const SALT: usize = 64;

/// A parsed yescrypt hash.
pub(super) struct YescryptHash {
    params: Params,
    salt: Vec<u8>,
    digits: SecretText,
}

impl YescryptHash {
    /// Reads what follows `$y$`.
    pub(super) fn parse(rest: &str) -> Result<Self, Why> {
        let fields: Vec<&str> = rest.split('$').collect();
        let [params, salt, digits] = fields.as_slice() else {
            return Err("it is not of the form $y$parameters$salt$hash");
        };
        if !is_crypt64(params, params.len()) {
            return Err("its parameters have foreign digits");
        }
        let params: Params = params.parse().map_err(|_| "its parameters cannot be read")?;
        let bytes = params.n().checked_mul(u64::from(params.r())).and_then(|n| n.checked_mul(128));
        if bytes.is_none_or(|bytes| bytes > YESCRYPT_BYTES) {
            return Err("its memory is beyond the bounds");
        }
        // Equal to the parameters without lanes, time and upgrades: there are none of them.
        if Params::new(Mode::Rw, params.n(), params.r(), 1) != Ok(params) {
            return Err("its parameters are unusual");
        }
        let salt = from_crypt64(salt).ok_or("its salt has foreign digits")?;
        if salt.len() > SALT {
            return Err("its salt is too long");
        }
        if !is_crypt64(digits, DIGITS) {
            return Err("its hash has the wrong length or digits");
        }
        Ok(Self { params, salt, digits: SecretText::new((*digits).to_owned()) })
    }

    pub(super) fn verify(&self, password: &[u8]) -> Result<Verdict, Why> {
        let mut computed = [0; 32];
        yescrypt::yescrypt(password, &self.salt, &self.params, &mut computed)
            .map_err(|_| "its parameters are unusual")?;
        Ok(matches(self.digits.expose().as_bytes(), to_crypt64(computed).as_bytes()))
    }
}
