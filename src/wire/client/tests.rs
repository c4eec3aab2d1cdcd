//! The client machine, line by line.

use super::{
    machine::{HANDSHAKE_LINES, RETIRED_REQUESTS},
    *,
};
use crate::{
    base::limits::PENDING_REQUESTS,
    wire::{FailCode, ProtocolVersion, frame::FrameError},
};

const HELLO_2_3: &[u8] = b"VERSION\t1\t2\nMECH\tPLAIN\tplaintext\nMECH\tLOGIN\tplaintext\n\
    MECH\tEXTERNAL\nSPID\t11\nCUID\t22\nCOOKIE\tabcdef\nDONE\n";
const HELLO_2_4: &[u8] = b"VERSION\t1\t4\nMECH\tPLAIN\tplaintext\nSPID\t11\nCUID\t22\n\
    COOKIE\tabcdef\nDONE\n";

fn ready(minor: u32, hello: &[u8]) -> Client {
    let mut client = Client::new(minor, 4711);
    client.receive(hello);
    assert!(matches!(client.poll(), Ok(Some(ClientEvent::Greeting(_)))));
    client.take_output();
    client
}

fn parameters() -> Parameters {
    Fields::new().with("service", b"imap").with("rip", b"192.0.2.1").into()
}

fn id(number: u32) -> RequestId {
    RequestId::new(number)
}

fn start(client: &mut Client, number: u32) -> Result<(), RequestError> {
    client.auth(id(number), "PLAIN", &parameters(), Some(&Secret::from_slice(b"\0a\0b")))
}

fn events(client: &mut Client, lines: &[u8]) -> Vec<ClientEvent> {
    client.receive(lines);
    std::iter::from_fn(|| client.poll().unwrap()).collect()
}

fn output(client: &mut Client) -> String {
    String::from_utf8(client.take_output().to_vec()).unwrap()
}

#[test]
fn the_client_speaks_first() {
    assert_eq!(output(&mut Client::new(2, 4711)), "VERSION\t1\t2\nCPID\t4711\n");
}

#[test]
fn the_greeting_is_read_whole() {
    let mut client = Client::new(2, 4711);
    assert_eq!(start(&mut client, 1), Err(RequestError::NotReady));
    let mut all = events(&mut client, HELLO_2_3);
    let Some(ClientEvent::Greeting(greeting)) = all.pop() else {
        panic!("no greeting");
    };
    assert_eq!(greeting.version, ProtocolVersion::minor(2));
    let names: Vec<_> = greeting.mechanisms.iter().map(|offer| offer.name.as_str()).collect();
    assert_eq!(names, ["PLAIN", "LOGIN", "EXTERNAL"]);
    assert_eq!(greeting.spid.as_deref(), Some(&b"11"[..]));
    assert_eq!(greeting.cuid.as_deref(), Some(&b"22"[..]));
    assert_eq!(greeting.cookie.unwrap().expose(), b"abcdef");
}

#[test]
fn unknown_handshake_lines_are_skipped() {
    let mut client = Client::new(2, 4711);
    let lines = b"VERSION\t1\t9\nHELLO\tx\nMECH\tPLAIN\n\nDONE\n";
    assert!(matches!(&events(&mut client, lines)[..], [ClientEvent::Greeting(_)]));
}

#[test]
fn what_no_upstream_says_is_fatal() {
    let table: [(&[u8], Fatal); 14] = [
        (b"MECH\tPLAIN\n", Fatal::VersionExpected),
        (b"HTTP/1.1 400 Bad Request\r\n", Fatal::VersionExpected),
        (b"VERSION\t2\t0\n", Fatal::MajorVersion(2)),
        (b"VERSION\tx\n", Fatal::VersionMalformed),
        (b"VERSION\t1\t2\nVERSION\t1\t2\n", Fatal::HandshakeExpected),
        (b"VERSION\t1\t2\nOK\t1\n", Fatal::HandshakeExpected),
        (b"VERSION\t1\t2\nSPID\t1\nDONE\n", Fatal::NoMechanism),
        (b"VERSION\t1\t2\nSPID\t1\nSPID\t1\n", Fatal::HandshakeMalformed),
        (b"VERSION\t1\t2\nCOOKIE\ta\nCOOKIE\ta\n", Fatal::HandshakeMalformed),
        (b"VERSION\t1\t2\nMECH\tA\nDONE\nMECH\tB\n", Fatal::HandshakeExpected),
        (b"VERSION\t1\t2\nMECH\tA\nDONE\nHELLO\n", Fatal::UnknownCommand),
        (b"VERSION\t1\t2\nMECH\tA\nDONE\n\n", Fatal::UnknownCommand),
        (b"VERSION\t1\t2\nMECH\tA\nDONE\nOK\n", Fatal::RequestId),
        (b"VERSION\t1\t2\nMECH\tA\nDONE\nCONT\t1\n", Fatal::Incomplete),
    ];
    for (lines, fatal) in table {
        let mut client = Client::new(2, 4711);
        client.receive(lines);
        let result = loop {
            match client.poll() {
                Ok(Some(ClientEvent::Greeting(_))) => {}
                other => break other,
            }
        };
        assert_eq!(result, Err(fatal), "{}", lines.escape_ascii());
        assert_eq!(client.poll(), Err(fatal));
        assert_eq!(start(&mut client, 1), Err(RequestError::NotReady));
    }
}

#[test]
fn a_challenge_that_is_not_base64_is_fatal() {
    let mut client = ready(2, HELLO_2_3);
    client.auth(id(1), "LOGIN", &parameters(), None).unwrap();
    client.receive(b"CONT\t1\t***\n");
    assert_eq!(client.poll(), Err(Fatal::ChallengeMalformed));
}

#[test]
fn a_handshake_without_end_is_fatal() {
    let mut client = Client::new(2, 4711);
    client.receive(b"VERSION\t1\t2\n");
    client.receive(&b"MECH\tA\n".repeat(HANDSHAKE_LINES + 1));
    assert_eq!(client.poll(), Err(Fatal::HandshakeTooLong));
    let mut client = Client::new(2, 4711);
    client.receive(&vec![b'a'; LINE_BYTES + 1]);
    assert_eq!(client.poll(), Err(Fatal::Frame(FrameError::LineTooLong)));
}

#[test]
fn resp_is_last() {
    let mut client = ready(2, HELLO_2_3);
    start(&mut client, 1).unwrap();
    assert_eq!(output(&mut client), "AUTH\t1\tPLAIN\tservice=imap\trip=192.0.2.1\tresp=AGEAYg==\n");
    client.auth(id(2), "LOGIN", &parameters(), None).unwrap();
    assert_eq!(output(&mut client), "AUTH\t2\tLOGIN\tservice=imap\trip=192.0.2.1\n");
}

#[test]
fn an_empty_initial_response_is_written_as_the_version_reads_it() {
    for (minor, text) in [(1, "="), (2, ""), (4, "")] {
        let mut client = ready(minor, HELLO_2_3);
        let empty = Secret::from_slice(b"");
        client.auth(id(1), "EXTERNAL", &parameters(), Some(&empty)).unwrap();
        let line = output(&mut client);
        assert_eq!(line, format!("AUTH\t1\tEXTERNAL\tservice=imap\trip=192.0.2.1\tresp={text}\n"));
    }
}

#[test]
fn answers_find_their_requests() {
    let mut client = ready(2, HELLO_2_3);
    for number in 1..=3 {
        start(&mut client, number).unwrap();
    }
    assert_eq!(client.in_flight(), 3);
    let lines = b"FAIL\t3\tuser=c\nOK\t1\tuser=a\tx\nCONT\t2\tYQ==\nOK\t1\tuser=again\nFAIL\t9\n";
    let all = events(&mut client, lines);
    assert_eq!(
        all,
        [
            ClientEvent::Fail { id: id(3), fields: Fields::new().with("user", b"c") },
            ClientEvent::Ok { id: id(1), fields: Fields::new().with("user", b"a").with_flag("x") },
            ClientEvent::Cont { id: id(2), data: Secret::from_slice(b"a") },
        ],
        "a second answer and one to an unknown id are dropped"
    );
    client.take_output();
    client.cont(id(2), &Secret::from_slice(b"b")).unwrap();
    assert_eq!(output(&mut client), "CONT\t2\tYg==\n");
    assert_eq!(client.cont(id(1), &Secret::from_slice(b"b")), Err(RequestError::NotInFlight));
    assert_eq!(client.in_flight(), 1);
    start(&mut client, 1).unwrap();
}

#[test]
fn an_event_carries_the_id_that_was_given() {
    let mut client = ready(2, HELLO_2_3);
    let marked = RequestId::marked(1, 7);
    client.auth(marked, "PLAIN", &parameters(), None).unwrap();
    assert_eq!(client.cont(id(1), &Secret::from_slice(b"")), Err(RequestError::NotInFlight));
    let all = events(&mut client, b"OK\t1\n");
    assert_eq!(all, [ClientEvent::Ok { id: marked, fields: Fields::new() }]);
}

#[test]
fn requests_that_cannot_be_sent() {
    let mut client = ready(2, HELLO_2_3);
    assert_eq!(start(&mut client, 0), Err(RequestError::IdZero));
    let long = Secret::from_slice(&[b'a'; LINE_BYTES]);
    let result = client.auth(id(1), "PLAIN", &parameters(), Some(&long));
    assert_eq!(result, Err(RequestError::TooLong));
    assert_eq!((client.output_len(), client.in_flight()), (0, 0));
    for number in 1..=u32::try_from(PENDING_REQUESTS).unwrap() {
        start(&mut client, number).unwrap();
    }
    assert_eq!(start(&mut client, 1), Err(RequestError::IdInUse));
    assert_eq!(start(&mut client, 9_999), Err(RequestError::TooMany));
}

#[test]
fn a_line_has_the_length_that_dovecot_takes() {
    let mut client = ready(2, HELLO_2_3);
    let mut padded = parameters();
    let bare = "AUTH\t1\tPLAIN\tservice=imap\trip=192.0.2.1\tx=\n".len();
    padded.push("x", Some(vec![b'x'; LINE_BYTES - bare]));
    client.auth(id(1), "PLAIN", &padded, None).unwrap();
    assert_eq!(client.take_output().len(), LINE_BYTES, "the line end counts");
    padded.push("y", None);
    assert_eq!(client.auth(id(2), "PLAIN", &padded, None), Err(RequestError::TooLong));
}

#[test]
fn a_late_answer_after_cancel_reaches_nobody() {
    let mut client = ready(2, HELLO_2_3);
    start(&mut client, 1).unwrap();
    client.take_output();
    client.cancel(id(1));
    client.cancel(id(1));
    assert_eq!(output(&mut client), "CANCEL\t1\n");
    assert_eq!(client.in_flight(), 0);
    assert_eq!(start(&mut client, 1), Err(RequestError::IdInUse), "its answer may be on its way");
    assert_eq!(events(&mut client, b"CONT\t1\tYQ==\nOK\t1\tuser=a\n"), []);
    start(&mut client, 1).unwrap();
}

#[test]
fn since_1_4_an_answer_may_come_before_or_behind_cancelled() {
    for lines in [&b"CANCELLED\t1\nOK\t1\n"[..], b"OK\t1\nCANCELLED\t1\n"] {
        let mut client = ready(4, HELLO_2_4);
        start(&mut client, 1).unwrap();
        client.cancel(id(1));
        for line in lines.split_inclusive(|byte| *byte == b'\n') {
            assert_eq!(start(&mut client, 1), Err(RequestError::IdInUse));
            assert_eq!(events(&mut client, line), []);
        }
        start(&mut client, 1).unwrap();
    }
}

#[test]
fn an_ok_can_be_withdrawn() {
    let mut client = ready(2, HELLO_2_3);
    start(&mut client, 1).unwrap();
    assert_eq!(events(&mut client, b"OK\t1\n").len(), 1);
    client.take_output();
    client.cancel(id(1));
    assert_eq!(output(&mut client), "CANCEL\t1\n");
    start(&mut client, 1).unwrap();

    let mut client = ready(4, HELLO_2_4);
    start(&mut client, 1).unwrap();
    assert_eq!(events(&mut client, b"OK\t1\n").len(), 1);
    client.cancel(id(1));
    assert_eq!(start(&mut client, 1), Err(RequestError::IdInUse), "CANCELLED would hit it");
    assert_eq!(events(&mut client, b"CANCELLED\t1\n"), []);
    start(&mut client, 1).unwrap();
}

#[test]
fn cancelled_from_the_other_side_is_a_failure_without_a_verdict() {
    let mut client = ready(4, HELLO_2_4);
    start(&mut client, 1).unwrap();
    let all = events(&mut client, b"CANCELLED\t1\nCANCELLED\t8\n");
    assert_eq!(all, [ClientEvent::Fail { id: id(1), fields: FailCode::TempFail.into_fields() }]);
    assert_eq!(client.in_flight(), 0);
}

#[test]
fn cancelling_another_use_of_a_number_does_nothing() {
    let mut client = ready(2, HELLO_2_3);
    client.auth(RequestId::marked(1, 7), "PLAIN", &parameters(), None).unwrap();
    client.take_output();
    client.cancel(RequestId::marked(1, 6));
    assert_eq!((client.output_len(), client.in_flight()), (0, 1));
}

#[test]
fn too_many_cancelled_requests_ask_for_a_new_connection() {
    let mut client = ready(2, HELLO_2_3);
    for number in 1..=u32::try_from(RETIRED_REQUESTS).unwrap() {
        start(&mut client, number).unwrap();
        client.cancel(id(number));
        client.take_output();
    }
    assert_eq!(start(&mut client, 70_000), Err(RequestError::Exhausted));
}

#[test]
fn debug_shows_no_credentials() {
    let mut client = ready(2, HELLO_2_3);
    start(&mut client, 1).unwrap();
    client.receive(b"OK\t1\tpass=hunter2\n");
    let all = format!("{client:?}{:?}", client.poll());
    assert!(!all.contains("hunter2") && !all.contains("AGEAYg"), "{all}");
}
