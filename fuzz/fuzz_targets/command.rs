//! Lines of a client: what was read is written and read again as the same.

#![no_main]

use libfuzzer_sys::fuzz_target;
use mail2fa::wire::{Command, Wiped};

fuzz_target!(|line: &[u8]| {
    let Ok(command) = Command::parse(line) else {
        return;
    };
    if let Command::Auth(auth) = &command {
        assert!(auth.id.number() != 0);
        assert!(auth.parameters.iter().all(|field| field.key != b"resp"));
        assert!(auth.parameters.service_name().is_some());
    }
    let mut output = Wiped::new();
    command.encode(&mut output);
    let (end, written) = output.split_last().expect("every command has a line");
    assert_eq!(*end, b'\n');
    assert!(!written.iter().any(|byte| b"\0\r\n".contains(byte)));
    assert_eq!(Command::parse(written), Ok(command));
});
