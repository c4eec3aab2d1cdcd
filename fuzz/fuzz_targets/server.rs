//! The server machine: any bytes in any pieces, answered in any order. It never panics, each
//! request has one answer, and all that it sends are replies.

#![no_main]

use libfuzzer_sys::fuzz_target;
use mail2fa::base::Secret;
use mail2fa::wire::{
    Attempt, Fields, Greeting, Mechanism, MechanismOffer, ProtocolVersion, RelayStart, Reply,
    RequestId, Server, ServerEvent,
};

/// The first byte is the size of the pieces, the second says when and how to answer.
fn run(input: &[u8], step: usize, answers: u8) -> (Vec<String>, Vec<u8>) {
    let mut server = Server::new();
    let mechanisms = [Mechanism::Plain, Mechanism::Login];
    let mut greeting = Greeting::offering(ProtocolVersion::minor(4), &mechanisms);
    let relayed = MechanismOffer { name: "XOAUTH2".into(), parameters: Vec::new() };
    greeting.mechanisms.push(relayed);
    server.greet(&greeting);
    let mut events = Vec::new();
    let mut waiting: Vec<RequestId> = Vec::new();
    for chunk in input.chunks(step) {
        server.receive(chunk);
        loop {
            match server.poll() {
                Ok(None) => break,
                Err(fatal) => {
                    assert_eq!(server.poll(), Err(fatal));
                    assert_eq!(server.pending(), 0);
                    events.push(format!("{fatal:?}"));
                    return (events, server.take_output().to_vec());
                }
                Ok(Some(event)) => {
                    events.push(format!("{event:?}"));
                    match event {
                        ServerEvent::Attempt(Attempt { id, .. })
                        | ServerEvent::Rejected { id, .. } => waiting.push(id),
                        ServerEvent::Relay(RelayStart { id, .. })
                        | ServerEvent::Response { id, .. } => {
                            if answers & 128 == 0 {
                                waiting.push(id);
                            } else {
                                let more = Secret::from_slice(b"more");
                                assert!(server.challenge(id, &more).is_ok());
                                assert!(server.accept(id, &Fields::new()).is_err());
                            }
                        }
                        ServerEvent::Cancelled(id) => {
                            // A request that never got to us is not among those that wait.
                            waiting.retain(|other| *other != id);
                            assert!(server.accept(id, &Fields::new()).is_err());
                        }
                        ServerEvent::Handshake { .. } => {}
                    }
                }
            }
            assert!(server.pending() >= waiting.len());
            if waiting.len() > usize::from(answers % 8) {
                let id = waiting.remove(usize::from(answers) % waiting.len());
                let fields = Fields::new().with("user", b"a\tb\n");
                let result = if answers & 64 == 0 {
                    server.accept(id, &fields)
                } else {
                    server.refuse(id, &fields)
                };
                assert!(result.is_ok());
                assert!(server.accept(id, &fields).is_err());
            }
        }
    }
    (events, server.take_output().to_vec())
}

fuzz_target!(|input: &[u8]| {
    let [step, answers, stream @ ..] = input else {
        return;
    };
    let pieces = run(stream, usize::from(*step).max(1), *answers);
    assert_eq!(pieces, run(stream, 4_096, *answers));
    for line in pieces.1.split_inclusive(|byte| *byte == b'\n') {
        let line = line.strip_suffix(b"\n").expect("whole lines only");
        assert!(matches!(Reply::parse(line), Ok(reply) if reply != Reply::Unknown));
    }
});
