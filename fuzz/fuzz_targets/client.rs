//! The client machine against an upstream that says anything. It never panics, and an answer
//! reaches only a request that is under way.

#![no_main]

use std::collections::BTreeSet;

use libfuzzer_sys::fuzz_target;
use mail2fa::{
    base::Secret,
    wire::{Client, ClientEvent, Command, Fields, Parameters, RequestId},
};

/// After each piece of input, the byte before it says what the client does next.
fn act(client: &mut Client, action: u8, waiting: &mut BTreeSet<RequestId>) {
    let id = RequestId::new(u32::from(action >> 4));
    let data = Secret::from_slice(&[0, b'a', 0, action]);
    match action & 3 {
        0 => {
            let parameters: Parameters = Fields::new().with("service", b"imap").into();
            if client.auth(id, "PLAIN", &parameters, Some(&data)).is_ok() {
                assert!(waiting.insert(id));
            }
        }
        1 => {
            client.cancel(id);
            waiting.remove(&id);
        }
        2 => assert_eq!(client.cont(id, &data).is_ok(), waiting.contains(&id)),
        _ => {}
    }
}

fuzz_target!(|input: &[u8]| {
    let Some((minor, stream)) = input.split_first() else {
        return;
    };
    let mut client = Client::new(u32::from(minor % 6), 7);
    let mut waiting = BTreeSet::new();
    let mut sent = Vec::new();
    for line in stream.split_inclusive(|byte| *byte == b'\n') {
        client.receive(line);
        loop {
            match client.poll() {
                Ok(None) => break,
                Ok(Some(ClientEvent::Greeting(_))) => {}
                Ok(Some(ClientEvent::Ok { id, .. } | ClientEvent::Fail { id, .. })) => {
                    assert!(waiting.remove(&id));
                }
                Ok(Some(ClientEvent::Cont { id, .. })) => assert!(waiting.contains(&id)),
                Err(fatal) => {
                    assert_eq!(client.poll(), Err(fatal));
                    assert_eq!(client.in_flight(), 0);
                    return;
                }
            }
        }
        assert_eq!(client.in_flight(), waiting.len());
        act(&mut client, line.first().copied().unwrap_or_default(), &mut waiting);
        for extra in line.iter().skip(1).take(2) {
            act(&mut client, *extra, &mut waiting);
        }
        sent.extend_from_slice(&client.take_output());
    }
    for line in sent.split_inclusive(|byte| *byte == b'\n') {
        let line = line.strip_suffix(b"\n").expect("whole lines only");
        assert!(Command::parse(line).is_ok());
    }
});
