//! Exchanges that the upstream decides: what is handed on, in which order, and how long.

use std::collections::BTreeMap;

use proptest::{collection::vec, prelude::*};

use super::*;
use crate::{
    base::{
        RelayedMechanism, Secret,
        limits::{RELAYED_BYTES, RELAYED_ROUNDS},
    },
    wire::MechanismOffer,
};

fn offer(name: &str) -> MechanismOffer {
    MechanismOffer { name: name.into(), parameters: Vec::new() }
}

/// A server past the handshake that offers these beside PLAIN.
fn offering(names: &[&str], hello: &[u8]) -> Server {
    let mut greeting = Greeting::offering(ProtocolVersion::minor(2), &[Mechanism::Plain]);
    greeting.mechanisms.extend(names.iter().copied().map(offer));
    let mut server = Server::new();
    server.greet(&greeting);
    server.receive(hello);
    assert!(matches!(server.poll(), Ok(Some(ServerEvent::Handshake { .. }))));
    server.take_output();
    server
}

fn relay(event: Option<ServerEvent>) -> RelayStart {
    match event {
        Some(ServerEvent::Relay(start)) => start,
        other => panic!("not relayed: {other:?}"),
    }
}

fn response(event: Option<ServerEvent>) -> Vec<u8> {
    match event {
        Some(ServerEvent::Response { response, .. }) => response.expose().to_vec(),
        other => panic!("no response: {other:?}"),
    }
}

#[test]
fn messages_go_through_in_their_order() {
    let mut server = offering(&["GSSAPI"], HELLO);
    let line = format!("AUTH\t7\tgssapi\tservice=imap\tx=1\tresp={}\n", base64(b"ticket"));
    let start = relay(ask(&mut server, line.as_bytes()).pop());
    assert_eq!(start.mechanism, RelayedMechanism::GssApi);
    assert_eq!(start.parameters.value("x"), Some(&b"1"[..]));
    assert_eq!(start.response, Some(Secret::from_slice(b"ticket")));
    assert_eq!((server.output_len(), server.pending()), (0, 1));
    for round in [&b"first"[..], b"", b"\0\xff"] {
        server.challenge(start.id, &Secret::from_slice(round)).unwrap();
        assert_eq!(output(&mut server), format!("CONT\t7\t{}\n", base64(round)));
        let line = format!("CONT\t7\t{}\n", base64(round));
        assert_eq!(response(ask(&mut server, line.as_bytes()).pop()), round);
    }
    server.accept(start.id, &Fields::new().with("user", b"alice")).unwrap();
    assert_eq!(output(&mut server), "OK\t7\tuser=alice\n");
    assert_eq!(server.pending(), 0);
}

#[test]
fn no_response_and_an_empty_one_differ() {
    for (tail, expected) in [
        ("", None),
        ("\tresp=", Some(Secret::from_slice(b""))),
        ("\tresp==", Some(Secret::from_slice(b""))),
    ] {
        let mut server = offering(&["XOAUTH2"], HELLO);
        let line = format!("AUTH\t1\tXOAUTH2\tservice=imap{tail}\n");
        assert_eq!(relay(ask(&mut server, line.as_bytes()).pop()).response, expected, "{tail}");
    }
    // Before 1.2 an empty one is none.
    let mut server = offering(&["XOAUTH2"], b"VERSION\t1\t1\nCPID\t4711\n");
    let start = relay(ask(&mut server, b"AUTH\t1\tXOAUTH2\tservice=smtp\tresp=\n").pop());
    assert_eq!(start.response, None);
}

#[test]
fn what_is_not_offered_is_not_relayed() {
    let mut server = offering(&["OAUTHBEARER", "CRAM-MD5", "EXTERNAL", "DOVECOT-TOKEN"], HELLO);
    for name in ["XOAUTH2", "GSSAPI", "CRAM-MD5", "EXTERNAL", "DOVECOT-TOKEN", "OAUTHBEARER2"] {
        let line = format!("AUTH\t1\t{name}\tservice=imap\tresp=\n");
        let (id, why) = rejection(ask(&mut server, line.as_bytes()).pop());
        assert_eq!(why, Rejection::Mechanism, "{name}");
        server.refuse(id, &Fields::new()).unwrap();
    }
}

#[test]
fn a_challenge_needs_its_turn() {
    let mut server = offering(&["GSSAPI"], HELLO);
    let more = Secret::from_slice(b"more");
    let start = relay(ask(&mut server, b"AUTH\t1\tGSSAPI\tservice=imap\n").pop());
    server.challenge(start.id, &more).unwrap();
    output(&mut server);
    assert_eq!(server.challenge(start.id, &more), Err(AnswerError::NotPending));
    assert_eq!(server.accept(start.id, &Fields::new()), Err(AnswerError::NotPending));
    assert_eq!(server.output_len(), 0);
    // It may still fail: the upstream has lost its patience.
    server.refuse(start.id, &Fields::new()).unwrap();
    assert_eq!(output(&mut server), "FAIL\t1\n");
    assert_eq!(server.challenge(start.id, &more), Err(AnswerError::NotPending));
    // Nor is a login with a password asked anything.
    let line = format!("AUTH\t1\tPLAIN\tservice=imap\tresp={}\n", base64(b"\0a\0b"));
    let attempt = attempt(ask(&mut server, line.as_bytes()).pop());
    assert_eq!(server.challenge(attempt.id, &more), Err(AnswerError::NotPending));
    assert_eq!(server.challenge(start.id, &more), Err(AnswerError::NotPending));
}

#[test]
fn a_response_that_nobody_asked_for_ends_the_request() {
    let mut server = offering(&["GSSAPI"], HELLO);
    let start = relay(ask(&mut server, b"AUTH\t1\tGSSAPI\tservice=imap\n").pop());
    let events = ask(&mut server, b"CONT\t1\tAA==\nCONT\t9\tAA==\n");
    assert_eq!(events, [ServerEvent::Cancelled(start.id)]);
    assert_eq!(output(&mut server), "FAIL\t1\tcode=temp_fail\nFAIL\t9\tcode=temp_fail\n");
    assert_eq!(server.accept(start.id, &Fields::new()), Err(AnswerError::NotPending));
}

#[test]
fn a_hopeless_response_is_a_rejection() {
    for (text, why) in [("*", Rejection::Aborted), ("#", Rejection::Base64)] {
        let mut server = offering(&["GSSAPI"], HELLO);
        let start = relay(ask(&mut server, b"AUTH\t1\tGSSAPI\tservice=imap\n").pop());
        server.challenge(start.id, &Secret::from_slice(b"")).unwrap();
        output(&mut server);
        let event = ask(&mut server, format!("CONT\t1\t{text}\n").as_bytes()).pop();
        assert_eq!(rejection(event), (start.id, why));
        // From now on it has one answer, and takes no challenge.
        assert!(server.challenge(start.id, &Secret::from_slice(b"")).is_err());
        server.refuse(start.id, &Fields::new()).unwrap();
        assert_eq!(output(&mut server), "FAIL\t1\n");
    }
}

#[test]
fn rounds_and_bytes_are_bounded() {
    let long = vec![b'x'; 12_000];
    for (said, rounds) in [(&b""[..], RELAYED_ROUNDS), (&long, RELAYED_BYTES / long.len())] {
        let mut server = offering(&["GSSAPI"], HELLO);
        let start = relay(ask(&mut server, b"AUTH\t1\tGSSAPI\tservice=imap\n").pop());
        let line = format!("CONT\t1\t{}\n", base64(said));
        for _ in 0..rounds {
            server.challenge(start.id, &Secret::from_slice(b"")).unwrap();
            assert_eq!(response(ask(&mut server, line.as_bytes()).pop()), said);
            server.take_output();
        }
        server.challenge(start.id, &Secret::from_slice(b"")).unwrap();
        let (_, why) = rejection(ask(&mut server, line.as_bytes()).pop());
        assert_eq!(why, Rejection::TooLong);
    }
}

#[test]
fn a_challenge_that_fits_no_line_is_not_sent() {
    let mut server = offering(&["GSSAPI"], HELLO);
    let start = relay(ask(&mut server, b"AUTH\t4294967295\tGSSAPI\tservice=imap\n").pop());
    let long = Secret::from_slice(&vec![b'x'; LINE_BYTES / 4 * 3]);
    assert_eq!(server.challenge(start.id, &long), Err(AnswerError::TooLong));
    assert_eq!(server.output_len(), 0);
    server.refuse(start.id, &Fields::new()).unwrap();
}

#[test]
fn debug_shows_no_token() {
    let mut server = offering(&["XOAUTH2"], HELLO);
    let token = base64(b"hunter2 token");
    server.receive(format!("AUTH\t1\tXOAUTH2\tservice=imap\tresp={token}\n").as_bytes());
    let start = relay(server.poll().unwrap());
    server.challenge(start.id, &Secret::from_slice(b"hunter2")).unwrap();
    server.receive(format!("CONT\t1\t{token}\n").as_bytes());
    let event = server.poll();
    let all = format!("{start:?}{event:?}{server:?}");
    assert!(!all.contains("hunter2") && !all.contains(&token), "{all}");
}

/// One thing that happens to a connection.
#[derive(Clone, Debug)]
enum Act {
    Ask(u32),
    Continue(u32),
    Cancel(u32),
    /// The driver's side of the n-th exchange that ever was.
    Challenge(usize),
    Answer(usize, bool),
}

fn act() -> impl Strategy<Value = Act> {
    let id = 1_u32..4;
    prop_oneof![
        id.clone().prop_map(Act::Ask),
        id.clone().prop_map(Act::Continue),
        id.prop_map(Act::Cancel),
        any::<usize>().prop_map(Act::Challenge),
        (any::<usize>(), any::<bool>()).prop_map(|(which, ok)| Act::Answer(which, ok)),
    ]
}

proptest! {
    /// Whatever the order: one answer for each request, no OK while a challenge is open, and an old
    /// exchange never touches a new one under its number.
    #[test]
    fn each_exchange_has_one_end(acts in vec(act(), 0..80)) {
        let mut server = offering(&["GSSAPI"], HELLO);
        let mut all: Vec<RequestId> = Vec::new();
        // The live exchange of a number, and whether it awaits a response.
        let mut live: BTreeMap<u32, (RequestId, bool)> = BTreeMap::new();
        for act in acts {
            match act {
                Act::Ask(number) if live.contains_key(&number) => {}
                Act::Ask(number) => {
                    let line = format!("AUTH\t{number}\tGSSAPI\tservice=imap\n");
                    let id = relay(ask(&mut server, line.as_bytes()).pop()).id;
                    all.push(id);
                    live.insert(number, (id, false));
                }
                Act::Continue(number) => {
                    let events = ask(&mut server, format!("CONT\t{number}\tAA==\n").as_bytes());
                    let sent = output(&mut server);
                    match live.get(&number).copied() {
                        Some((id, true)) => {
                            let response = Secret::from_slice(b"\0");
                            prop_assert_eq!(events, [ServerEvent::Response { id, response }]);
                            prop_assert_eq!(sent, "");
                            live.insert(number, (id, false));
                        }
                        Some((id, false)) => {
                            prop_assert_eq!(events, [ServerEvent::Cancelled(id)]);
                            prop_assert_eq!(sent, format!("FAIL\t{number}\tcode=temp_fail\n"));
                            live.remove(&number);
                        }
                        None => {
                            prop_assert!(events.is_empty());
                            prop_assert_eq!(sent, format!("FAIL\t{number}\tcode=temp_fail\n"));
                        }
                    }
                }
                Act::Cancel(number) => {
                    let events = ask(&mut server, format!("CANCEL\t{number}\n").as_bytes());
                    let gone = live.remove(&number).map(|(id, _)| ServerEvent::Cancelled(id));
                    prop_assert_eq!(events, Vec::from_iter(gone));
                }
                Act::Challenge(_) | Act::Answer(..) if all.is_empty() => {}
                Act::Challenge(which) => {
                    let id = all[which % all.len()];
                    let open = live.get(&id.number()) == Some(&(id, false));
                    let sent = server.challenge(id, &Secret::from_slice(b"\0"));
                    prop_assert_eq!(sent.is_ok(), open);
                    prop_assert_eq!(output(&mut server).is_empty(), !open);
                    if open {
                        live.insert(id.number(), (id, true));
                    }
                }
                Act::Answer(which, ok) => {
                    let id = all[which % all.len()];
                    let fields = Fields::new();
                    let sent = if ok { server.accept(id, &fields) } else { server.refuse(id, &fields) };
                    let due = match live.get(&id.number()) {
                        Some((known, awaiting)) if *known == id => !(ok && *awaiting),
                        Some(_) | None => false,
                    };
                    prop_assert_eq!(sent.is_ok(), due);
                    prop_assert_eq!(output(&mut server).is_empty(), !due);
                    if due {
                        live.remove(&id.number());
                    }
                }
            }
            prop_assert_eq!(server.pending(), live.len());
        }
    }
}
