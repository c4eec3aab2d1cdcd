//! The six digits, and where they are cut off the string that a person types.
//!
//! Only for mailboxes with 2-factor authentication on: without it a credential is never split,
//! however it ends.
//!
//! # Security
//!
//! The password part must not be empty: an empty password is an anonymous bind to some
//! upstreams (CVE-2014-7828). A string that cannot be split is refused; it is never taken for
//! "the whole string is the password".

use crate::base::{Secret, limits::CODE_DIGITS};

/// A TOTP code as typed: six ASCII digits.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Code(Secret);

impl Code {
    /// Reads `189145` or `189 145`; anything else is not a code.
    pub fn parse(text: &[u8]) -> Option<Self> {
        let digits = match text {
            [head @ .., b' ', _, _, _] if head.len() == CODE_DIGITS / 2 => {
                [head, text.get(head.len() + 1..)?].concat()
            }
            text => text.to_vec(),
        };
        let all = digits.len() == CODE_DIGITS && digits.iter().all(u8::is_ascii_digit);
        all.then(|| Self(Secret::from_vec(digits)))
    }

    /// The six digits as text, for the comparison in `totp` only.
    pub(super) fn digits(&self) -> &str {
        std::str::from_utf8(self.0.expose()).unwrap_or_default()
    }
}

/// A credential cut in two.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PasswordAndCode {
    /// What is left of the code; never empty.
    pub password: Secret,
    /// The code at the end.
    pub code: Code,
}

/// Why a credential could not be cut.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SplitError {
    /// It does not end in six ASCII digits.
    NoCode,
    /// There is nothing, or nothing but white space, in front of the code.
    NoPassword,
}

/// Cuts the code off the end of a credential: the last six ASCII digits, also typed as `189 145`.
///
/// `secret 189145` (a space before an unbroken code) keeps its space: it may belong to the
/// password, and only the owner knows.
pub fn split(credential: &Secret) -> Result<PasswordAndCode, SplitError> {
    let bytes = credential.expose();
    let (password, code) = cut(bytes, CODE_DIGITS)
        .or_else(|| cut(bytes, CODE_DIGITS + 1))
        .ok_or(SplitError::NoCode)?;
    if password.iter().all(|b| b.is_ascii_whitespace() || *b == 0) {
        return Err(SplitError::NoPassword);
    }
    Ok(PasswordAndCode { password: Secret::from_slice(password), code })
}

fn cut(bytes: &[u8], tail: usize) -> Option<(&[u8], Code)> {
    let (password, code) = bytes.split_at_checked(bytes.len().checked_sub(tail)?)?;
    Some((password, Code::parse(code)?))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn try_split(text: &[u8]) -> Result<(Vec<u8>, String), SplitError> {
        split(&Secret::from_slice(text))
            .map(|s| (s.password.expose().to_vec(), s.code.digits().to_owned()))
    }

    #[test]
    fn known_answers() {
        let good: [(&[u8], &[u8], &str); 9] = [
            (b"T9D3K!px189145", b"T9D3K!px", "189145"),
            (b"T9D3K!px189 145", b"T9D3K!px", "189145"),
            (b"12345678901234", b"12345678", "901234"),
            (b"secret000000", b"secret", "000000"),
            (b"a;b$c:001122", b"a;b$c:", "001122"),
            (b"x1234567", b"x1", "234567"),
            (b"secret 189145", b"secret ", "189145"),
            (b"\xffbytes123456", b"\xffbytes", "123456"),
            // The last six unbroken digits win over the spaced form.
            (b"pw123 456789", b"pw123 ", "456789"),
        ];
        for (typed, password, code) in good {
            assert_eq!(try_split(typed), Ok((password.to_vec(), code.to_owned())), "{typed:?}");
        }
        let bad: [(&[u8], SplitError); 12] = [
            (b"", SplitError::NoCode),
            (b"12345", SplitError::NoCode),
            (b"123456", SplitError::NoPassword),
            (b"189 145", SplitError::NoPassword),
            (b"   123456", SplitError::NoPassword),
            (b"\x00\x00123456", SplitError::NoPassword),
            (b"password", SplitError::NoCode),
            (b"password12345", SplitError::NoCode),
            (b"password12345x", SplitError::NoCode),
            (b"password1891 45", SplitError::NoCode),
            (b"password189145 ", SplitError::NoCode),
            // Arabic-Indic digits are digits to Unicode, not to an authenticator app.
            ("password٠١٢٣٤٥".as_bytes(), SplitError::NoCode),
        ];
        for (typed, error) in bad {
            assert_eq!(try_split(typed), Err(error), "{typed:?}");
        }
    }

    proptest! {
        #[test]
        fn what_is_joined_is_cut_at_the_same_place(
            password in proptest::collection::vec(any::<u8>(), 1..40),
            code in 0_u32..1_000_000,
        ) {
            prop_assume!(password.iter().any(|b| !b.is_ascii_whitespace() && *b != 0));
            let code = format!("{code:06}");
            let typed = [&password[..], code.as_bytes()].concat();
            prop_assert_eq!(try_split(&typed), Ok((password, code)));
        }

        #[test]
        fn never_panics_and_never_leaves_an_empty_password(
            typed in proptest::collection::vec(any::<u8>(), 0..64),
        ) {
            if let Ok((password, code)) = try_split(&typed) {
                prop_assert!(!password.is_empty());
                prop_assert_eq!(code.len(), 6);
            }
        }
    }
}
