//! The text encodings that password hashes are written in: hexadecimal, base 64, and the base 64
//! of crypt(3).
//!
//! # Security
//!
//! Stored hashes come from an administrator's import and are not trusted to be well-formed:
//! every function answers `None` for what it cannot read.

use base64::{
    Engine as _, alphabet,
    engine::{GeneralPurpose, GeneralPurposeConfig},
    prelude::BASE64_STANDARD_NO_PAD,
};

/// As Dovecot reads it (`src/lib/base64.c`): with its padding, and bits that the last digit has left over are not
/// looked at.
const DOVECOT_BASE64: GeneralPurpose = GeneralPurpose::new(
    &alphabet::STANDARD,
    GeneralPurposeConfig::new().with_decode_allow_trailing_bits(true),
);

/// The digits of crypt(3)'s base 64, in the order of their values.
const CRYPT_DIGITS: &[u8; 64] = b"./0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";

/// Reads base 64 with its padding, as Dovecot does. White space, which Dovecot skips, is
/// refused.
pub(super) fn from_base64(text: &[u8]) -> Option<Vec<u8>> {
    DOVECOT_BASE64.decode(text).ok()
}

/// Reads base 64 without padding, as Argon2's text form has it.
pub(super) fn from_base64_unpadded(text: &str) -> Option<Vec<u8>> {
    BASE64_STANDARD_NO_PAD.decode(text).ok()
}

/// Writes base 64 without padding.
pub(super) fn to_base64_unpadded(bytes: &[u8]) -> String {
    BASE64_STANDARD_NO_PAD.encode(bytes)
}

/// Reads hexadecimal in either letter case.
pub(super) fn from_hex(text: &[u8]) -> Option<Vec<u8>> {
    let (pairs, rest) = text.as_chunks::<2>();
    if !rest.is_empty() {
        return None;
    }
    pairs.iter().map(|&[high, low]| Some(nibble(high)? << 4 | nibble(low)?)).collect()
}

fn nibble(digit: u8) -> Option<u8> {
    match digit {
        b'0'..=b'9' => Some(digit - b'0'),
        b'a'..=b'f' => Some(digit - b'a' + 10),
        b'A'..=b'F' => Some(digit - b'A' + 10),
        _ => None,
    }
}

/// Writes crypt(3)'s base 64: three bytes are one number, the first byte its lowest, and its
/// lowest six bits are the first digit.
pub(super) fn to_crypt64(bytes: impl IntoIterator<Item = u8>) -> String {
    let mut text = String::new();
    let (mut value, mut bits) = (0_u32, 0);
    for byte in bytes {
        value |= u32::from(byte) << bits;
        bits += 8;
        while bits >= 6 {
            text.push(crypt_digit(value));
            value >>= 6;
            bits -= 6;
        }
    }
    if bits > 0 {
        text.push(crypt_digit(value));
    }
    text
}

fn crypt_digit(value: u32) -> char {
    // The index is below 64, so there is a digit for it.
    CRYPT_DIGITS.get((value & 63) as usize).map_or('.', |digit| char::from(*digit))
}

/// Reads crypt(3)'s base 64. Bits left over at the end must be zero.
pub(super) fn from_crypt64(text: &str) -> Option<Vec<u8>> {
    let mut bytes = Vec::with_capacity(text.len() * 3 / 4);
    let (mut value, mut bits) = (0_u32, 0);
    for digit in text.bytes() {
        let place = CRYPT_DIGITS.iter().position(|known| *known == digit)?;
        value |= u32::try_from(place).ok()? << bits;
        bits += 6;
        if bits >= 8 {
            bytes.push((value & 0xff) as u8);
            value >>= 8;
            bits -= 8;
        }
    }
    (value == 0 && bits < 6).then_some(bytes)
}

/// Whether a text has only digits of crypt(3)'s base 64 and exactly this length.
pub(super) fn is_crypt64(text: &str, length: usize) -> bool {
    text.len() == length && text.bytes().all(|digit| CRYPT_DIGITS.contains(&digit))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn hexadecimal() {
        assert_eq!(from_hex(b"00fFA9"), Some(vec![0, 255, 169]));
        assert_eq!(from_hex(b""), Some(vec![]));
        for bad in [&b"0"[..], b"0g", b"+1", b" 1"] {
            assert_eq!(from_hex(bad), None);
        }
    }

    #[test]
    fn base64_with_and_without_padding() {
        assert_eq!(from_base64(b"YQ=="), Some(b"a".to_vec()));
        assert_eq!(from_base64(b"YR=="), Some(b"a".to_vec()), "bits left over");
        assert_eq!(from_base64_unpadded("YQ"), Some(b"a".to_vec()));
        for bad in [&b"YQ= ="[..], b"YQ", b"Y", b"YQ==YQ==", b"*Q==", b"YQ==\n"] {
            assert_eq!(from_base64(bad), None);
        }
        for bad in ["YQ==", "YR", "Y", "-_"] {
            assert_eq!(from_base64_unpadded(bad), None);
        }
    }

    #[test]
    fn bits_left_over_must_be_zero() {
        assert_eq!(from_crypt64("/."), Some(vec![1]));
        assert_eq!(from_crypt64("//"), Some(vec![65]));
        assert_eq!(from_crypt64("/2"), None);
        assert_eq!(from_crypt64("/"), None);
        assert_eq!(from_crypt64("/=."), None);
    }

    proptest! {
        #[test]
        fn crypt64_comes_back(bytes: Vec<u8>) {
            let text = to_crypt64(bytes.iter().copied());
            prop_assert!(is_crypt64(&text, (bytes.len() * 8).div_ceil(6)));
            prop_assert_eq!(from_crypt64(&text), Some(bytes));
        }
    }
}
