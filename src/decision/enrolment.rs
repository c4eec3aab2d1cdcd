//! A started enrolment: a secret that counts only after a code made from it has come back.
//!
//! It waits outside the mailbox's record, for a bounded time and a bounded number of wrong codes.
//! The confirming code burns its step like any login's, so that it cannot open the mailbox too.
//!
//! # Security
//!
//! A secret that was stored without proof would lock its owner out, and one that is confirmed
//! without a limit on guesses could be confirmed by somebody who never saw it.

use super::{code::Code, record::TotpFactor, totp};
use crate::base::{
    Secret, UnixMillis,
    limits::{ENROLMENT_WRONG_CODES, TOTP_SECRET_BYTES},
};

/// First byte of the stored form.
const FORMAT: u8 = 1;

/// An enrolment that waits for its code.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pending {
    secret: Secret,
    wrong_codes: u8,
}

/// What became of a confirming code.
#[derive(Debug, PartialEq, Eq)]
#[must_use]
pub enum Confirmation {
    /// The factor is proven; it and the clock's drift.
    Confirmed(TotpFactor, Drift),
    /// Wrong; so many more may be tried.
    Wrong {
        /// To be stored in place of the old.
        pending: Pending,
        /// Codes left.
        left: u8,
    },
    /// Wrong once too often: the enrolment is to be dropped.
    Exhausted,
}

/// How far the app's clock is off, in steps of 30 seconds: negative if it is slow.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Drift(pub i64);

/// A stored enrolment that is not one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the stored enrolment cannot be read; start it again")]
pub struct Malformed;

impl Pending {
    /// Starts with a new secret.
    pub fn new(secret: Secret) -> Self {
        Self { secret, wrong_codes: 0 }
    }

    /// The secret, to be shown once.
    pub fn secret(&self) -> &Secret {
        &self.secret
    }

    /// The form in which it waits in the store.
    pub fn encode(&self) -> Secret {
        Secret::from_vec([&[FORMAT, self.wrong_codes], self.secret.expose()].concat())
    }

    /// Reads the stored form.
    ///
    /// # Errors
    ///
    /// [`Malformed`] for anything that [`Pending::encode`] did not write.
    pub fn decode(stored: &Secret) -> Result<Self, Malformed> {
        match stored.expose() {
            [FORMAT, wrong_codes, secret @ ..] if secret.len() == TOTP_SECRET_BYTES => {
                Ok(Self { secret: Secret::from_slice(secret), wrong_codes: *wrong_codes })
            }
            _ => Err(Malformed),
        }
    }

    /// Judges a confirming code.
    pub fn confirm(self, code: &Code, now: UnixMillis) -> Confirmation {
        match totp::matching_step(&self.secret, code, now, 0) {
            Ok(step) => Confirmation::Confirmed(
                TotpFactor { secret: self.secret, last_step: step.0, enabled: now },
                Drift(step.0.cast_signed().saturating_sub(now.step().cast_signed())),
            ),
            Err(totp::CodeMismatch::Wrong | totp::CodeMismatch::Used) => {
                let wrong_codes = self.wrong_codes.saturating_add(1);
                match ENROLMENT_WRONG_CODES.saturating_sub(wrong_codes) {
                    0 => Confirmation::Exhausted,
                    left => Confirmation::Wrong { pending: Self { wrong_codes, ..self }, left },
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// RFC 6238 appendix B: its secret, and the code of 2005-03-18T01:58:29Z (step 37037036).
    const NOW: UnixMillis = UnixMillis::from_seconds(1_111_111_109);

    fn pending() -> Pending {
        Pending::new(Secret::from_slice(b"12345678901234567890"))
    }

    fn code(digits: &str) -> Code {
        Code::parse(digits.as_bytes()).unwrap()
    }

    #[test]
    fn the_right_code_confirms_and_burns_its_step() {
        for (seconds, drift) in [(0, 0), (30, -1)] {
            let confirmation = pending().confirm(&code("081804"), NOW.plus_seconds(seconds));
            let Confirmation::Confirmed(factor, found) = confirmation else { panic!("right") };
            assert_eq!((factor.last_step, found), (37_037_036, Drift(drift)));
            assert_eq!(factor.enabled, NOW.plus_seconds(seconds));
        }
        let early = UnixMillis::from_seconds(1_111_111_079);
        let confirmation = pending().confirm(&code("081804"), early);
        assert!(matches!(confirmation, Confirmation::Confirmed(_, Drift(1))));
    }

    #[test]
    fn five_wrong_codes_end_it() {
        let mut waiting = pending();
        for expected in (1..ENROLMENT_WRONG_CODES).rev() {
            let Confirmation::Wrong { pending, left } = waiting.confirm(&code("000000"), NOW)
            else {
                panic!("wrong, not at its end");
            };
            assert_eq!(left, expected);
            waiting = Pending::decode(&pending.encode()).unwrap();
        }
        assert_eq!(waiting.confirm(&code("000000"), NOW), Confirmation::Exhausted);
    }

    #[test]
    fn only_the_stored_form_is_read() {
        let stored = pending().encode();
        assert_eq!(Pending::decode(&stored), Ok(pending()));
        for bad in [&b""[..], b"\x01", b"\x02\x0012345678901234567890", b"\x01\x00123"] {
            assert_eq!(Pending::decode(&Secret::from_slice(bad)), Err(Malformed));
        }
    }
}
