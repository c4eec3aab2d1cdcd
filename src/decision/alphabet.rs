//! The characters of codes that people copy by hand: no two of them look alike.
//!
//! Lower-case letters without `l` and `o`, digits without `0` and `1`: 32 characters, five bits
//! each. Case does not matter when a code is read.

/// The characters, in the order of their values.
const CHARACTERS: &[u8; 32] = b"abcdefghijkmnpqrstuvwxyz23456789";

/// The bits of one character.
pub const BITS: usize = 5;

/// The character of the low five bits of a random byte: every character is equally likely.
pub fn character(random: u8) -> u8 {
    let index = usize::from(random) % CHARACTERS.len();
    CHARACTERS.get(index).copied().unwrap_or(b'a')
}

/// A typed character in its one form, if it is one of them.
pub fn normalise(typed: u8) -> Option<u8> {
    let lower = typed.to_ascii_lowercase();
    CHARACTERS.contains(&lower).then_some(lower)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn every_character_is_equally_likely_and_none_is_ambiguous() {
        let all: BTreeSet<u8> = CHARACTERS.iter().copied().collect();
        assert_eq!(all.len(), 32);
        assert_eq!(1 << BITS, CHARACTERS.len());
        for ambiguous in b"01lo" {
            assert_eq!(normalise(*ambiguous), None);
        }
        let mut counts = [0; 256];
        for random in 0..=u8::MAX {
            counts[usize::from(character(random))] += 1;
        }
        assert!(CHARACTERS.iter().all(|c| counts[usize::from(*c)] == 8));
        assert_eq!(normalise(b'A'), Some(b'a'));
    }
}
