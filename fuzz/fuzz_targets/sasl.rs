//! PLAIN messages: what was read is written as the same, and no odd name gets through.

#![no_main]

use libfuzzer_sys::fuzz_target;
use mail2fa::wire::PlainCredentials;

fuzz_target!(|message: &[u8]| {
    let Ok(read) = PlainCredentials::parse_plain(message) else {
        return;
    };
    assert!(!read.authcid.is_empty());
    for name in [&read.authzid, &read.authcid] {
        assert!(!name.iter().any(|byte| b"\0\t\r\n".contains(byte)));
    }
    let password = read.password.expose();
    let written = PlainCredentials::encode_plain(&read.authzid, &read.authcid, password);
    assert_eq!(written.expose(), message);
});
