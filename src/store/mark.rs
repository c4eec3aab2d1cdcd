//! The text of the mark: which database it belongs to, and the version of its latest change.
//!
//! One line that always has the same length. `folder.rs` keeps the file it stands in.
//!
//! # Security
//!
//! The mark is not sealed. Any text that is not exactly a mark of this database is none, and then the
//! store serves nothing until an administrator says so.

use crate::decision::record::Version;

/// The mark of the database with this id at this version.
pub fn mark_text(id: [u8; 16], version: Version) -> String {
    format!("mail2fa-mark 1 {:032x} {:020}\n", u128::from_be_bytes(id), version.0)
}

/// Reads what [`mark_text`] wrote for this id; `None` for any other text.
pub fn parse_mark(text: &[u8], id: [u8; 16]) -> Option<Version> {
    let digits = std::str::from_utf8(text).ok()?.trim_end().rsplit(' ').next()?;
    let version = Version(digits.parse().ok()?);
    (text == mark_text(id, version).as_bytes()).then_some(version)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn marks_read_back_and_others_do_not() {
        let text = mark_text([7; 16], Version(42));
        assert_eq!(parse_mark(text.as_bytes(), [7; 16]), Some(Version(42)));
        assert_eq!(parse_mark(text.as_bytes(), [8; 16]), None);
        assert_eq!(parse_mark(&text.as_bytes()[..30], [7; 16]), None);
        assert_eq!(parse_mark(b"", [7; 16]), None);
    }
}
