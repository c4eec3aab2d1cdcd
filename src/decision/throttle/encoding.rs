//! A counter as bytes, for a store that keeps bytes.
//!
//! One version byte, then numbers of fixed width, least significant byte first. Sealing, and what
//! an unreadable counter means for a login, are the store's.
//!
//! # Security
//!
//! The bytes come from our own store; all the same any bytes are either a counter within its
//! bounds or an error.

use super::counter::{Counter, Fingerprint, Lane, Mark};
use crate::base::{
    UnixMillis,
    limits::{THROTTLE_CODE_MARKS, THROTTLE_PASSWORD_MARKS},
};

const VERSION: u8 = 1;
const NO_SUCCESS: u64 = u64::MAX;

/// Bytes are not a counter.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum DecodeError {
    /// Written by another version.
    #[error("a throttling counter has the unknown version {0}")]
    Version(u8),
    /// Too short, too long, or with more in it than a counter holds.
    #[error("a throttling counter is malformed")]
    Malformed,
}

impl Counter {
    /// The counter as bytes, at most 700 of them.
    pub fn encode(&self) -> Vec<u8> {
        let mut bytes = vec![VERSION];
        let mut put = |number: u64| bytes.extend(number.to_le_bytes());
        put(self.at.millis());
        for level in [self.password, self.code, self.known_code].into_iter().flat_map(|l| l.0) {
            put(level);
        }
        put(self.success.unwrap_or(NO_SUCCESS));
        for marks in [&self.password_marks, &self.code_marks] {
            bytes.push(u8::try_from(marks.len()).unwrap_or(u8::MAX));
            for mark in marks {
                bytes.extend(mark.fingerprint.0);
                bytes.extend(mark.age.to_le_bytes());
            }
        }
        bytes
    }

    /// Reads what [`Counter::encode`] wrote.
    pub fn decode(bytes: &[u8]) -> Result<Self, DecodeError> {
        let mut reader = Reader(bytes);
        match reader.byte()? {
            VERSION => {}
            other => return Err(DecodeError::Version(other)),
        }
        let counter = Self {
            at: UnixMillis::from_millis(reader.number()?),
            password: reader.lane()?,
            code: reader.lane()?,
            known_code: reader.lane()?,
            success: Some(reader.number()?).filter(|age| *age != NO_SUCCESS),
            password_marks: reader.marks(THROTTLE_PASSWORD_MARKS)?,
            code_marks: reader.marks(THROTTLE_CODE_MARKS)?,
        };
        if reader.0.is_empty() { Ok(counter) } else { Err(DecodeError::Malformed) }
    }
}

struct Reader<'a>(&'a [u8]);

impl Reader<'_> {
    fn take<const N: usize>(&mut self) -> Result<[u8; N], DecodeError> {
        let (head, rest) = self.0.split_first_chunk().ok_or(DecodeError::Malformed)?;
        self.0 = rest;
        Ok(*head)
    }

    fn byte(&mut self) -> Result<u8, DecodeError> {
        self.take::<1>().map(|[byte]| byte)
    }

    fn number(&mut self) -> Result<u64, DecodeError> {
        self.take().map(u64::from_le_bytes)
    }

    fn lane(&mut self) -> Result<Lane, DecodeError> {
        Ok(Lane([self.number()?, self.number()?, self.number()?]))
    }

    fn marks(&mut self, most: usize) -> Result<Vec<Mark>, DecodeError> {
        let count = usize::from(self.byte()?);
        if count > most {
            return Err(DecodeError::Malformed);
        }
        (0..count)
            .map(|_| Ok(Mark { fingerprint: Fingerprint(self.take()?), age: self.number()? }))
            .collect()
    }
}
