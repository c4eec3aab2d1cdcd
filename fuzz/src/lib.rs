//! What the fuzz targets share: a world without chance, time, disk or peers, and codes of our own
//! reckoning.

mod desk;
mod shelf;

use arbitrary::Arbitrary;
use hmac::{Hmac, KeyInit, Mac};
use mail2fa::base::{Rng, clock::RngError};
use sha1::Sha1;

pub use desk::{ALICE, BOB, Desk, NOW, PASSWORD, SECRET, WEBMAIL, key, mailbox};
pub use shelf::Shelf;

/// Randomness that is always the same.
pub struct Fixed;

impl Rng for Fixed {
    fn fill(&self, buffer: &mut [u8]) -> Result<(), RngError> {
        buffer.fill(7);
        Ok(())
    }
}

/// RFC 4226, six digits.
pub fn hotp(secret: &[u8], step: u64) -> String {
    let mut mac = Hmac::<Sha1>::new_from_slice(secret).unwrap();
    mac.update(&step.to_be_bytes());
    let hash = mac.finalize().into_bytes();
    let at = usize::from(hash[19] & 15);
    let number = u32::from_be_bytes(hash[at..at + 4].try_into().unwrap()) & 0x7fff_ffff;
    format!("{:06}", number % 1_000_000)
}

/// The bytes with one of them changed.
pub fn flipped(bytes: &[u8], (at, mask): (u16, u8)) -> Vec<u8> {
    let mut bytes = bytes.to_vec();
    if let Some(at) = usize::from(at).checked_rem(bytes.len()) {
        bytes[at] ^= mask;
    }
    bytes
}

/// The bytes with some of them replaced.
pub fn spliced(bytes: &[u8], (from, until): (u8, u8), by: &[u8]) -> Vec<u8> {
    let from = usize::from(from) % (bytes.len() + 1);
    let until = from + usize::from(until) % (bytes.len() + 1 - from);
    [&bytes[..from], by, &bytes[until..]].concat()
}

/// True bytes, or what somebody makes of them.
#[derive(Arbitrary, Debug)]
pub enum Altered {
    True,
    Flip(u16, u8),
    Splice(u8, u8, Vec<u8>),
    Raw(Vec<u8>),
}

impl Altered {
    /// What becomes of the true bytes.
    pub fn of(self, truth: &[u8]) -> Vec<u8> {
        match self {
            Self::True => truth.to_vec(),
            Self::Flip(at, mask) => flipped(truth, (at, mask)),
            Self::Splice(from, until, by) => spliced(truth, (from, until), &by),
            Self::Raw(bytes) => bytes,
        }
    }
}
