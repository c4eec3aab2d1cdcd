//! An entry that expires: any text is one or an error, and one reads back as it was.

#![no_main]

use libfuzzer_sys::fuzz_target;
use mail2fa::store::record::{decode_entry, encode_entry};

fuzz_target!(|text: &[u8]| {
    let Ok(entry) = decode_entry(text) else { return };
    let again = encode_entry(&entry);
    assert_eq!(decode_entry(&again).as_ref(), Ok(&entry));
    let fields: serde_json::Value = serde_json::from_slice(text).expect("it is JSON");
    assert_eq!(fields["expires"].as_u64(), Some(entry.expires.millis()));
    assert_eq!(fields["version"].as_u64(), Some(1));
});
