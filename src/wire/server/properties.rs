//! What holds for the server machine whatever a peer sends and however it arrives.

use std::collections::BTreeMap;

use proptest::{collection::vec, prelude::*, sample::select};

use super::*;
use crate::wire::{sasl, testing::bytes};

/// Plays one whole stream and answers each event at once, every second time OK. Gives what happened, as text,
/// and all that was sent.
fn play(chunks: &[&[u8]]) -> (Vec<String>, Vec<u8>) {
    let mut server = Server::new();
    let mut greeting =
        Greeting::offering(ProtocolVersion::minor(2), &[Mechanism::Plain, Mechanism::Login]);
    let gssapi = crate::wire::MechanismOffer { name: "GSSAPI".into(), parameters: Vec::new() };
    greeting.mechanisms.push(gssapi);
    server.greet(&greeting);
    let mut happened = Vec::new();
    for chunk in chunks {
        server.receive(chunk);
        loop {
            let event = match server.poll() {
                Ok(Some(event)) => event,
                Ok(None) => break,
                Err(fatal) => {
                    happened.push(format!("{fatal}"));
                    return (happened, server.take_output().to_vec());
                }
            };
            happened.push(format!("{event:?}"));
            match event {
                ServerEvent::Attempt(attempt) if attempt.id.number() % 2 == 0 => {
                    let name = attempt.credentials.authcid.clone();
                    let fields = Fields::new().with("user", &name);
                    assert_ne!(server.accept(attempt.id, &fields), Err(AnswerError::NotPending));
                }
                ServerEvent::Attempt(Attempt { id, .. }) | ServerEvent::Rejected { id, .. } => {
                    assert_eq!(server.refuse(id, &Fields::new()), Ok(()));
                }
                // Asked for more, or answered, by what came.
                ServerEvent::Relay(RelayStart { id, response: None, .. }) => {
                    assert_eq!(server.challenge(id, &Secret::from_slice(b"more")), Ok(()));
                }
                ServerEvent::Relay(RelayStart { id, response: Some(response), .. })
                | ServerEvent::Response { id, response } => {
                    if response.len() % 3 == 0 {
                        assert_eq!(server.accept(id, &Fields::new()), Ok(()));
                    } else {
                        assert_eq!(server.challenge(id, &response), Ok(()));
                        assert_eq!(server.accept(id, &Fields::new()), Err(AnswerError::NotPending));
                    }
                }
                ServerEvent::Handshake { .. } | ServerEvent::Cancelled(_) => {}
            }
        }
    }
    (happened, server.take_output().to_vec())
}

/// Lines that mean something most of the time.
fn line() -> impl Strategy<Value = Vec<u8>> {
    let response = prop_oneof![
        (bytes(), bytes(), bytes()).prop_map(|(act_as, name, password)| {
            let message = PlainCredentials::encode_plain(&act_as, &name, &password);
            sasl::encode(message.expose()).expose().to_vec()
        }),
        bytes().prop_map(|message| sasl::encode(&message).expose().to_vec()),
        bytes(),
        select(vec![b"*".to_vec(), b"=".to_vec(), b"".to_vec()]),
    ];
    let text = |text: &str| text.as_bytes().to_vec();
    prop_oneof![
        8 => (1_u32..6, select(vec!["PLAIN", "LOGIN", "login", "X", "GSSAPI", "gssapi"]), response.clone()).prop_map(
            move |(id, mechanism, response)| {
                [text(&format!("AUTH\t{id}\t{mechanism}\tservice=imap\tresp=")), response].concat()
            }
        ),
        3 => (1_u32..6, select(vec!["PLAIN", "LOGIN", "GSSAPI"])).prop_map(move |(id, mechanism)| {
            text(&format!("AUTH\t{id}\t{mechanism}\tprotocol=pop3"))
        }),
        8 => (1_u32..6, response).prop_map(move |(id, response)| {
            [text(&format!("CONT\t{id}\t")), response].concat()
        }),
        2 => (1_u32..6).prop_map(move |id| text(&format!("CANCEL\t{id}"))),
        1 => bytes(),
    ]
}

fn stream() -> impl Strategy<Value = Vec<u8>> {
    (0_u32..6, vec(line(), 0..24)).prop_map(|(minor, lines)| {
        let mut stream = format!("VERSION\t1\t{minor}\nCPID\t7\n").into_bytes();
        for line in lines {
            stream.extend(line);
            stream.push(b'\n');
        }
        stream
    })
}

/// One thing that happens to a connection.
#[derive(Clone, Debug)]
enum Act {
    Ask(u32),
    Start(u32),
    Continue(u32),
    Cancel(u32),
    /// Answers the n-th of the attempts that were ever handed out.
    Answer(usize, bool),
}

fn act() -> impl Strategy<Value = Act> {
    let id = 1_u32..5;
    prop_oneof![
        id.clone().prop_map(Act::Ask),
        id.clone().prop_map(Act::Start),
        id.clone().prop_map(Act::Continue),
        id.prop_map(Act::Cancel),
        (any::<usize>(), any::<bool>()).prop_map(|(which, ok)| Act::Answer(which, ok)),
    ]
}

proptest! {
    #[test]
    fn chunks_do_not_matter(stream in stream(), cuts in vec(any::<prop::sample::Index>(), 0..8)) {
        let mut cuts: Vec<_> = cuts.iter().map(|cut| cut.index(stream.len() + 1)).collect();
        cuts.sort_unstable();
        let mut chunks = Vec::new();
        let mut rest = &stream[..];
        let mut done = 0;
        for cut in cuts {
            let (chunk, behind) = rest.split_at(cut - done);
            chunks.push(chunk);
            rest = behind;
            done = cut;
        }
        chunks.push(rest);
        let singles: Vec<_> = stream.chunks(1).collect();
        let whole = play(&[&stream]);
        prop_assert_eq!(&whole, &play(&chunks));
        prop_assert_eq!(&whole, &play(&singles));
    }

    #[test]
    fn no_bytes_panic(chunks in vec(vec(any::<u8>(), 0..200), 0..8)) {
        let chunks: Vec<_> = chunks.iter().map(Vec::as_slice).collect();
        play(&chunks);
    }

    #[test]
    fn every_line_sent_is_a_reply(stream in stream()) {
        let (_, output) = play(&[&stream]);
        prop_assert!(output.ends_with(b"\n"));
        for line in output[..output.len() - 1].split(|byte| *byte == b'\n') {
            let reply = crate::wire::Reply::parse(line);
            prop_assert!(matches!(reply, Ok(reply) if reply != crate::wire::Reply::Unknown));
        }
    }

    #[test]
    fn each_id_is_answered_exactly_once(acts in vec(act(), 0..60)) {
        let mut server = Server::new();
        server.greet(&Greeting::offering(ProtocolVersion::minor(2), &[Mechanism::Plain]));
        server.receive(b"VERSION\t1\t2\nCPID\t7\n");
        prop_assert!(server.poll().is_ok());
        server.take_output();
        // What the peer may expect: per number, whether an answer is due, and whether the server asked for more.
        let mut due: BTreeMap<u32, bool> = BTreeMap::new();
        let mut handed_out = Vec::new();
        let mut current: BTreeMap<u32, RequestId> = BTreeMap::new();
        for act in acts {
            let line = match act {
                Act::Ask(id) | Act::Start(id) if due.contains_key(&id) => continue,
                Act::Ask(id) => {
                    due.insert(id, false);
                    format!("AUTH\t{id}\tPLAIN\tservice=imap\tresp=AGEAYg==\n")
                }
                Act::Start(id) => {
                    due.insert(id, true);
                    format!("AUTH\t{id}\tPLAIN\tservice=imap\n")
                }
                // A CONT always has an answer of its own, unless it leads to an attempt.
                Act::Continue(id) => format!("CONT\t{id}\tAGEAYg==\n"),
                Act::Cancel(id) => {
                    due.remove(&id);
                    format!("CANCEL\t{id}\n")
                }
                Act::Answer(which, ok) => {
                    if !handed_out.is_empty() {
                        let id: RequestId = handed_out[which % handed_out.len()];
                        let fields = Fields::new();
                        let result =
                            if ok { server.accept(id, &fields) } else { server.refuse(id, &fields) };
                        let sent = server.take_output().to_vec();
                        match result {
                            Ok(()) => {
                                prop_assert_eq!(due.remove(&id.number()), Some(false));
                                prop_assert_eq!(current.get(&id.number()), Some(&id));
                                let verb = if ok { "OK" } else { "FAIL" };
                                let expected = format!("{verb}\t{id}\n");
                                prop_assert_eq!(sent, expected.into_bytes());
                            }
                            Err(_) => prop_assert!(sent.is_empty()),
                        }
                    }
                    continue;
                }
            };
            server.receive(line.as_bytes());
            let event = server.poll().unwrap();
            prop_assert_eq!(server.poll(), Ok(None));
            let sent = String::from_utf8(server.take_output().to_vec()).unwrap();
            match act {
                Act::Ask(_) => prop_assert_eq!(sent, ""),
                Act::Start(id) => prop_assert_eq!(sent, format!("CONT\t{id}\t\n")),
                Act::Cancel(_) | Act::Answer(..) => prop_assert_eq!(sent, ""),
                Act::Continue(id) if due.get(&id) == Some(&true) => {
                    due.insert(id, false);
                    prop_assert_eq!(sent, "");
                }
                Act::Continue(id) => {
                    due.remove(&id);
                    prop_assert_eq!(sent, format!("FAIL\t{id}\tcode=temp_fail\n"));
                }
            }
            if let Some(ServerEvent::Attempt(attempt)) = event {
                handed_out.push(attempt.id);
                current.insert(attempt.id.number(), attempt.id);
            }
            prop_assert_eq!(server.pending(), due.len());
        }
    }
}
