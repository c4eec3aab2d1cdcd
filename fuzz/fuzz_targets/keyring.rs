//! The key file: any text is a ring of keys or an error that quotes none of it.

#![no_main]

use libfuzzer_sys::fuzz_target;
use mail2fa::store::Keyring;

fuzz_target!(|text: &[u8]| {
    match Keyring::parse(text) {
        Ok(ring) => {
            let ids: Vec<_> = ring.ids().collect();
            assert!(!ids.is_empty() && ids.len() <= 16);
            let mut sorted: Vec<_> = ids.iter().map(ToString::to_string).collect();
            sorted.sort();
            sorted.dedup();
            assert_eq!(sorted.len(), ids.len(), "an id names one key");
        }
        Err(error) => {
            let shown = format!("{error} {error:?}");
            for word in text.split(u8::is_ascii_whitespace).filter(|word| word.len() >= 24) {
                let word = String::from_utf8_lossy(word);
                assert!(!shown.contains(&*word), "an error shows the file");
            }
        }
    }
});
