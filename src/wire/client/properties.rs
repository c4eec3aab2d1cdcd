//! What holds for the client machine whatever an upstream sends and the driver does.

use std::collections::BTreeMap;

use proptest::{collection::vec, prelude::*, sample::select};

use super::*;
use crate::wire::testing::bytes;

const HELLO: &[u8] = b"VERSION\t1\t4\nMECH\tPLAIN\nDONE\n";

#[derive(Clone, Debug)]
enum Act {
    Auth(u32),
    Cancel(u32),
    Cont(u32),
    Reply(Vec<u8>),
}

fn act() -> impl Strategy<Value = Act> {
    let id = 0_u32..5;
    let verb = select(vec!["OK", "FAIL", "CONT", "CANCELLED"]);
    prop_oneof![
        3 => id.clone().prop_map(Act::Auth),
        1 => id.clone().prop_map(Act::Cancel),
        1 => id.clone().prop_map(Act::Cont),
        3 => (verb, id).prop_map(|(verb, id)| {
            Act::Reply(format!("{verb}\t{id}\tYQ==\n").into_bytes())
        }),
    ]
}

proptest! {
    #[test]
    fn answers_reach_only_requests_under_way(minor in 0_u32..6, acts in vec(act(), 0..80)) {
        let mut client = Client::new(minor, 7);
        client.receive(HELLO);
        prop_assert!(matches!(client.poll(), Ok(Some(ClientEvent::Greeting(_)))));
        let parameters = Parameters::from(Fields::new().with("service", b"imap"));
        let data = Secret::from_slice(b"x");
        // Under way, and cancelled with an answer that may still come, by number.
        let mut under_way: BTreeMap<u32, RequestId> = BTreeMap::new();
        let mut owed: Vec<u32> = Vec::new();
        let mut uses = 0;
        for act in acts {
            match act {
                Act::Auth(number) => {
                    uses += 1;
                    let id = RequestId::marked(number, uses);
                    if client.auth(id, "PLAIN", &parameters, None).is_ok() {
                        prop_assert!(number != 0 && !owed.contains(&number));
                        prop_assert_eq!(under_way.insert(number, id), None);
                    }
                }
                Act::Cancel(number) => {
                    if let Some(id) = under_way.remove(&number) {
                        client.cancel(id);
                        owed.push(number);
                    }
                }
                Act::Cont(number) => {
                    let known = under_way.get(&number);
                    let id = known.copied().unwrap_or(RequestId::new(number));
                    prop_assert_eq!(client.cont(id, &data).is_ok(), known.is_some());
                }
                Act::Reply(line) => {
                    client.receive(&line);
                    match client.poll().unwrap() {
                        Some(ClientEvent::Ok { id, .. } | ClientEvent::Fail { id, .. }) => {
                            prop_assert_eq!(under_way.remove(&id.number()), Some(id));
                            if line.starts_with(b"CANCELLED") {
                                owed.push(id.number());
                            }
                        }
                        Some(ClientEvent::Cont { id, .. }) => {
                            prop_assert_eq!(under_way.get(&id.number()), Some(&id));
                        }
                        Some(ClientEvent::Greeting(_)) => prop_assert!(false, "a second greeting"),
                        None => {
                            if line.starts_with(b"OK") || line.starts_with(b"FAIL") {
                                let text = String::from_utf8(line).unwrap();
                                let number = text.split('\t').nth(1).unwrap().parse().unwrap();
                                prop_assert!(!under_way.contains_key(&number));
                                owed.retain(|other| *other != number);
                            }
                        }
                    }
                }
            }
            prop_assert_eq!(client.in_flight(), under_way.len());
        }
    }

    #[test]
    fn no_bytes_panic(hello: bool, lines in vec(bytes(), 0..12)) {
        let mut client = Client::new(4, 7);
        if hello {
            client.receive(HELLO);
        }
        for line in lines {
            client.receive(&line);
            while let Ok(Some(_)) = client.poll() {}
        }
    }

    #[test]
    fn pieces_do_not_matter(lines in vec(bytes(), 0..12), size in 1_usize..9) {
        let stream = [HELLO, &lines.concat()].concat();
        let play = |size: usize| {
            let mut client = Client::new(4, 7);
            let mut events = Vec::new();
            for piece in stream.chunks(size) {
                client.receive(piece);
                loop {
                    match client.poll() {
                        Ok(None) => break,
                        Ok(Some(event)) => events.push(format!("{event:?}")),
                        Err(fatal) => {
                            events.push(fatal.to_string());
                            return events;
                        }
                    }
                }
            }
            events
        };
        prop_assert_eq!(play(size), play(stream.len()));
    }
}
