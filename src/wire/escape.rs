//! Tab-escaping: how any byte travels inside a field.
//!
//! Five bytes have a meaning to the framing and are written as two: NUL as `\001 0`, `\001` as
//! `\001 1`, TAB as `\001 t`, CR as `\001 r`, LF as `\001 n`. All other bytes stand for themselves.
//! Source: `str_append_tabescaped_n` and `str_tabunescape` in Dovecot's `src/lib/strescape.c` (its
//! published page says `l` for LF; the code, old and new, writes and reads `n`).
//!
//! # Security
//!
//! Reading is defined for every input, as in Dovecot: `\001` before any other byte gives that
//! byte, and a lone `\001` at the end is dropped. A peer and an upstream that read a field
//! differently would be two opinions about who logs in.

use super::wiped::Wiped;

const ESCAPE: u8 = 1;

/// Appends `bytes` in escaped form.
pub fn escape_into(output: &mut Wiped, bytes: &[u8]) {
    let mut rest = bytes;
    while let Some((at, letter)) =
        rest.iter().enumerate().find_map(|(at, byte)| letter_of(*byte).map(|letter| (at, letter)))
    {
        output.extend(rest.get(..at).unwrap_or_default());
        output.extend(&[ESCAPE, letter]);
        rest = rest.get(at + 1..).unwrap_or_default();
    }
    output.extend(rest);
}

/// The bytes an escaped field stands for.
pub fn unescape(field: &[u8]) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(field.len());
    let mut input = field.iter();
    while let Some(byte) = input.next() {
        if *byte == ESCAPE {
            bytes.extend(input.next().map(|letter| byte_of(*letter)));
        } else {
            bytes.push(*byte);
        }
    }
    bytes
}

fn letter_of(byte: u8) -> Option<u8> {
    match byte {
        0 => Some(b'0'),
        ESCAPE => Some(b'1'),
        b'\t' => Some(b't'),
        b'\r' => Some(b'r'),
        b'\n' => Some(b'n'),
        _ => None,
    }
}

fn byte_of(letter: u8) -> u8 {
    match letter {
        b'0' => 0,
        b'1' => ESCAPE,
        b't' => b'\t',
        b'r' => b'\r',
        b'n' => b'\n',
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn escaped(bytes: &[u8]) -> Vec<u8> {
        let mut output = Wiped::new();
        escape_into(&mut output, bytes);
        output.take().to_vec()
    }

    #[test]
    fn known_answers() {
        let table: [(&[u8], &[u8]); 5] = [
            (b"", b""),
            (b"alice@example.org", b"alice@example.org"),
            (b"a\tb", b"a\x01tb"),
            (b"\0\x01\t\r\n", b"\x010\x011\x01t\x01r\x01n"),
            ("j\u{fc}rgen".as_bytes(), "j\u{fc}rgen".as_bytes()),
        ];
        for (bytes, field) in table {
            assert_eq!(escaped(bytes), field);
            assert_eq!(unescape(field), bytes);
        }
    }

    #[test]
    fn escapes_nobody_writes_are_read_as_dovecot_reads_them() {
        assert_eq!(unescape(b"a\x01"), b"a", "a lone escape at the end is dropped");
        assert_eq!(unescape(b"a\x01zb"), b"azb", "an unknown letter stands for itself");
        assert_eq!(unescape(b"\x01\x01"), b"\x01");
    }

    proptest! {
        #[test]
        fn unescape_inverts_escape(bytes: Vec<u8>) {
            let field = escaped(&bytes);
            prop_assert!(!field.iter().any(|byte| b"\0\t\r\n".contains(byte)));
            prop_assert_eq!(unescape(&field), bytes);
        }
    }
}
