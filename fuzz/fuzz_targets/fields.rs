//! Escaping and fields: what was read is written and read again as the same.

#![no_main]

use libfuzzer_sys::fuzz_target;
use mail2fa::wire::{
    Fields, Parameters, Wiped,
    escape::{escape_into, unescape},
};

fuzz_target!(|bytes: &[u8]| {
    let mut escaped = Wiped::new();
    escape_into(&mut escaped, bytes);
    assert!(!escaped.iter().any(|byte| b"\0\t\r\n".contains(byte)));
    assert_eq!(unescape(&escaped), bytes);

    let fields = Fields::parse(bytes);
    let again = fields.encode();
    if !again.is_empty() {
        assert_eq!(Fields::parse(&again), fields);
    }
    let mut parameters = Parameters::from(fields);
    assert!(parameters.iter().all(|field| field.key != b"resp"));
    let _ = (
        parameters.service(),
        parameters.remote_ip(),
        parameters.real_local_ip(),
        parameters.real_remote_port(),
        parameters.transport(),
        format!("{parameters:?}"),
    );
    parameters.remove_forwarded("vouch");
    assert!(!parameters.forwarded().contains("vouch"));
    assert_eq!(parameters.remove_forwarded("vouch"), 0);
});
