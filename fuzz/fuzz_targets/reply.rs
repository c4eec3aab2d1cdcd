//! Lines of a server: what was read is written and read again as the same.

#![no_main]

use libfuzzer_sys::fuzz_target;
use mail2fa::wire::{FailCode, Reply, Wiped};

fuzz_target!(|line: &[u8]| {
    let Ok(reply) = Reply::parse(line) else {
        return;
    };
    if let Reply::Fail { fields, .. } = &reply {
        let _ = FailCode::of(fields);
    }
    let mut output = Wiped::new();
    reply.encode(&mut output);
    if reply == Reply::Unknown {
        assert!(output.is_empty());
        return;
    }
    let (end, written) = output.split_last().expect("every known reply has a line");
    assert_eq!(*end, b'\n');
    assert!(!written.iter().any(|byte| b"\0\r\n".contains(byte)));
    assert_eq!(Reply::parse(written), Ok(reply));
});
