//! The store's mark: any text is the mark of this very database, to the byte, or none; cut short, made
//! longer or of another database it is none; and marks are ordered like their versions.

#![no_main]

use arbitrary::Arbitrary;
use libfuzzer_sys::fuzz_target;
use mail2fa::{
    decision::record::Version,
    store::mark::{mark_text, parse_mark},
};

#[derive(Arbitrary, Debug)]
struct Case {
    id: [u8; 16],
    other: [u8; 16],
    versions: [u64; 2],
    text: Vec<u8>,
    /// Put the text into a true mark, from here to there.
    splice: Option<(u8, u8)>,
}

fuzz_target!(|case: Case| {
    let Case { id, other, versions, text, splice } = case;
    let [one, two] = versions.map(|version| mark_text(id, Version(version)));
    assert_eq!(one.len(), two.len(), "a mark is written over the one before");
    assert_eq!(versions[0].cmp(&versions[1]), one.cmp(&two));
    for (version, mark) in versions.iter().zip([&one, &two]) {
        assert_eq!(parse_mark(mark.as_bytes(), id), Some(Version(*version)));
        assert_eq!(parse_mark(mark.as_bytes(), other).is_some(), id == other);
    }
    let mut given = text.clone();
    if let Some((from, until)) = splice {
        given = one.clone().into_bytes();
        let from = usize::from(from) % (given.len() + 1);
        let until = from + usize::from(until) % (given.len() + 1 - from);
        given.splice(from..until, text);
    }
    if let Some(version) = parse_mark(&given, id) {
        assert_eq!(given, mark_text(id, version).as_bytes());
        for cut in 0..given.len() {
            assert_eq!(parse_mark(&given[..cut], id), None, "a torn mark is none");
        }
    }
});
