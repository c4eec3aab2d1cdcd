//! Recovery codes: a set of ten, each a one-time replacement for a code when the phone is lost.
//!
//! Typed behind the password like a code, `abcde-fghij`: the dash in the middle tells it from a
//! TOTP code and from the end of an ordinary password.
//!
//! # Security
//!
//! A set exists only while 2-factor authentication is on, is replaced as a whole, and a used code
//! leaves the record in the same compare-and-swap that admits its login.

use super::{
    alphabet,
    digest::{CredentialKey, Digest, Kind},
};
use crate::base::{Mailbox, Secret, SecretText};

/// Codes in a set.
pub const SET: usize = 10;
/// Characters of a code, without its dash: 50 bits.
pub const CHARACTERS: usize = 10;
/// Characters before the dash, and after it.
const HALF: usize = CHARACTERS / 2;
/// Length of a code as typed.
const TYPED: usize = CHARACTERS + 1;

/// A recovery code as typed.
#[derive(Clone, Debug)]
pub struct RecoveryCode(Secret);

impl RecoveryCode {
    /// Reads `abcde-fghij`, in any case of letters.
    pub fn parse(text: &[u8]) -> Option<Self> {
        if text.len() != TYPED || text.get(HALF) != Some(&b'-') {
            return None;
        }
        let characters: Vec<u8> = text
            .iter()
            .enumerate()
            .filter(|(position, _)| *position != HALF)
            .map(|(_, byte)| alphabet::normalise(*byte))
            .collect::<Option<_>>()?;
        Some(Self(Secret::from_vec(characters)))
    }

    /// Cuts a recovery code off the end of a credential; what is left is the password part.
    pub fn split(credential: &Secret) -> Option<(Secret, Self)> {
        let bytes = credential.expose();
        let (password, tail) = bytes.split_at_checked(bytes.len().checked_sub(TYPED)?)?;
        let code = Self::parse(tail)?;
        let blank = password.iter().all(|b| b.is_ascii_whitespace() || *b == 0);
        (!blank).then(|| (Secret::from_slice(password), code))
    }

    /// Makes one of random bytes.
    pub fn generate(random: &[u8; CHARACTERS]) -> Self {
        Self(Secret::from_vec(random.iter().map(|byte| alphabet::character(*byte)).collect()))
    }

    /// What the store keeps of it.
    pub fn digest(&self, mailbox: &Mailbox, key: &CredentialKey) -> Digest {
        key.digest(Kind::Recovery, mailbox, &[self.0.expose()])
    }

    /// As it is shown to its owner, once.
    pub fn shown(&self) -> SecretText {
        let (first, second) = self.0.expose().split_at(HALF.min(self.0.len()));
        let text = [first, b"-", second].concat();
        SecretText::new(String::from_utf8(text).unwrap_or_default())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_shown_is_cut_off_again() {
        let code = RecoveryCode::generate(&[1, 2, 3, 4, 5, 6, 7, 8, 9, 10]);
        let shown = code.shown();
        let key = CredentialKey::new(Secret::from_slice(b"k"));
        let mailbox = Mailbox::new("alice").unwrap();
        for typed in [shown.expose().to_owned(), shown.expose().to_uppercase()] {
            let credential = Secret::from_slice(format!("pass-word{typed}").as_bytes());
            let (password, read) = RecoveryCode::split(&credential).unwrap();
            assert_eq!(password.expose(), b"pass-word");
            assert_eq!(read.digest(&mailbox, &key), code.digest(&mailbox, &key));
        }
    }

    #[test]
    fn other_endings_are_no_recovery_codes() {
        for typed in [
            "",
            "abcde-fghij",
            "  abcde-fghij",
            "pw189145",
            "pwabcdefghij1",
            "pwabcd-efghijk",
            "pwabcde-fghi0",
        ] {
            assert!(
                RecoveryCode::split(&Secret::from_slice(typed.as_bytes())).is_none(),
                "{typed}"
            );
        }
    }
}
