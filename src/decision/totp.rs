//! Time-based codes (RFC 6238): which step a code belongs to, and how a secret is shown.
//!
//! The parameters are the only ones that every authenticator app takes: HMAC-SHA-1, 6 digits,
//! 30 seconds. The computation is totp-rs'; the window and the comparison are here.

use std::fmt::Write;

use subtle::{Choice, ConditionallySelectable, ConstantTimeEq, ConstantTimeGreater};
use totp_rs::Builder;

use super::code::Code;
use crate::base::{
    Mailbox, Secret, SecretText, UnixMillis,
    limits::{CODE_DIGITS, STEP_SECONDS, TOTP_SECRET_BYTES, WINDOW_STEPS},
};

/// `CODE_DIGITS` as totp-rs wants it.
const DIGITS: u8 = 6;
const _: () = assert!(DIGITS as usize == CODE_DIGITS);

/// The number of a 30-second period since 1970 (RFC 6238 T).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Step(pub u64);

/// Why a code does not count. Audit only: a peer never learns it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CodeMismatch {
    /// It fits no step of the window.
    Wrong,
    /// It fits a step of the window that has been burned already.
    Used,
}

/// The step of the window that a code belongs to, if that step is not burned yet.
///
/// All steps of the window are computed and compared in constant time, whichever fits. Should a
/// code fit two steps (one chance in a million), the later one counts.
pub fn matching_step(
    secret: &Secret,
    code: &Code,
    now: UnixMillis,
    last_burned: u64,
) -> Result<Step, CodeMismatch> {
    let present = now.step();
    let first = present.saturating_sub(WINDOW_STEPS);
    let (mut fits, mut step) = (Choice::from(0), 0_u64);
    for candidate in first..=present.saturating_add(WINDOW_STEPS) {
        let equal = code_at(secret, candidate).as_bytes().ct_eq(code.digits().as_bytes());
        step.conditional_assign(&candidate, equal);
        fits |= equal;
    }
    let fresh = step.ct_gt(&last_burned);
    match (bool::from(fits), bool::from(fresh)) {
        (true, true) => Ok(Step(step)),
        (true, false) => Err(CodeMismatch::Used),
        (false, _) => Err(CodeMismatch::Wrong),
    }
}

/// The code of one step, six digits.
pub(crate) fn code_at(secret: &Secret, step: u64) -> String {
    // `build_noncompliant` skips the checks for things that are constants here; the length of
    // the secret is checked where a secret enters (`new_secret`, import).
    let totp = Builder::new()
        .with_secret(totp_rs::Secret::new(secret.expose().into()))
        .with_step_duration(STEP_SECONDS)
        .with_skew(0)
        .with_digits(DIGITS)
        .build_noncompliant();
    totp.generate(step.saturating_mul(STEP_SECONDS)).to_string()
}

/// Makes a secret from fresh random bytes.
pub fn new_secret(random: [u8; TOTP_SECRET_BYTES]) -> Secret {
    Secret::from_slice(&random)
}

/// The secret as authenticator apps take it by hand: base 32 without padding (RFC 4648).
pub fn base32(secret: &Secret) -> SecretText {
    SecretText::new(::base32::encode(
        ::base32::Alphabet::Rfc4648 { padding: false },
        secret.expose(),
    ))
}

/// The `otpauth://` URI that a QR code carries, in the form Google Authenticator documented and all
/// apps read: issuer both in the label and as a parameter.
pub fn otpauth_uri(issuer: &str, mailbox: &Mailbox, secret: &Secret) -> SecretText {
    let issuer = percent_encode(issuer);
    SecretText::new(format!(
        "otpauth://totp/{issuer}:{}?secret={}&issuer={issuer}&algorithm=SHA1&digits={CODE_DIGITS}&period={STEP_SECONDS}",
        percent_encode(mailbox.as_str()),
        base32(secret).expose(),
    ))
}

/// Percent-encodes everything but RFC 3986's unreserved characters.
fn percent_encode(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            out.push(char::from(byte));
        } else {
            // Writing to a String cannot fail.
            let _ = write!(out, "%{byte:02X}");
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The SHA-1 secret of RFC 6238 appendix B.
    fn rfc_secret() -> Secret {
        Secret::from_slice(b"12345678901234567890")
    }

    fn code(text: &str) -> Code {
        Code::parse(text.as_bytes()).unwrap()
    }

    fn at(seconds: u64) -> UnixMillis {
        UnixMillis::from_seconds(seconds)
    }

    #[test]
    fn codes_of_rfc_6238() {
        // Appendix B gives eight digits; the six-digit code is their tail.
        let table = [
            (59, "287082"),
            (1_111_111_109, "081804"),
            (1_111_111_111, "050471"),
            (1_234_567_890, "005924"),
            (2_000_000_000, "279037"),
            (20_000_000_000, "353130"),
        ];
        for (seconds, digits) in table {
            assert_eq!(code_at(&rfc_secret(), seconds / 30), digits, "{seconds}");
            assert_eq!(
                matching_step(&rfc_secret(), &code(digits), at(seconds), 0),
                Ok(Step(seconds / 30))
            );
        }
    }

    #[test]
    fn the_window_is_one_step_each_way() {
        let now = 1_111_111_111_u64;
        let step = now / 30;
        for offset in -3_i64..=3 {
            let other = step.checked_add_signed(offset).unwrap();
            let result =
                matching_step(&rfc_secret(), &code(&code_at(&rfc_secret(), other)), at(now), 0);
            let expected =
                if offset.abs() <= 1 { Ok(Step(other)) } else { Err(CodeMismatch::Wrong) };
            assert_eq!(result, expected, "offset {offset}");
        }
    }

    #[test]
    fn a_burned_step_and_all_before_it_are_used_up() {
        let now = 1_111_111_111_u64;
        let step = now / 30;
        for (burned, expected) in [
            (step - 1, Ok(Step(step))),
            (step, Err(CodeMismatch::Used)),
            (step + 1, Err(CodeMismatch::Used)),
            (u64::MAX, Err(CodeMismatch::Used)),
        ] {
            let code = code(&code_at(&rfc_secret(), step));
            assert_eq!(matching_step(&rfc_secret(), &code, at(now), burned), expected);
        }
    }

    #[test]
    fn the_first_and_the_last_moment_do_not_overflow() {
        for now in [at(0), UnixMillis::from_millis(u64::MAX)] {
            assert_eq!(
                matching_step(&rfc_secret(), &code("000000"), now, 0),
                Err(CodeMismatch::Wrong)
            );
        }
    }

    #[test]
    fn uri_is_escaped() {
        let mailbox = Mailbox::new("al+x?@example.org").unwrap();
        assert_eq!(
            otpauth_uri("Example: Mail", &mailbox, &rfc_secret()).expose(),
            "otpauth://totp/Example%3A%20Mail:al%2Bx%3F%40example.org\
             ?secret=GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ&issuer=Example%3A%20Mail\
             &algorithm=SHA1&digits=6&period=30"
        );
    }
}
