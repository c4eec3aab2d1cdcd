//! The server machine, line by line.

use super::{machine::TRACKED_REQUESTS, *};
use crate::{
    base::limits::{AUTH_PARAMETERS, OUTPUT_BYTES, PENDING_REQUESTS},
    wire::{
        frame::{BUFFER_BYTES, FrameError},
        sasl,
    },
};

mod relaying;

const HELLO: &[u8] = b"VERSION\t1\t2\nCPID\t4711\n";

fn greeting() -> Greeting {
    Greeting::offering(ProtocolVersion::minor(2), &[Mechanism::Plain, Mechanism::Login])
}

/// A server past the handshake, its greeting read.
fn ready(hello: &[u8]) -> Server {
    let mut server = Server::new();
    server.greet(&greeting());
    server.receive(hello);
    assert!(matches!(server.poll(), Ok(Some(ServerEvent::Handshake { cpid: 4711, .. }))));
    server.take_output();
    server
}

fn events(server: &mut Server) -> Vec<ServerEvent> {
    std::iter::from_fn(|| server.poll().unwrap()).collect()
}

fn ask(server: &mut Server, lines: &[u8]) -> Vec<ServerEvent> {
    server.receive(lines);
    events(server)
}

fn attempt(event: Option<ServerEvent>) -> Attempt {
    match event {
        Some(ServerEvent::Attempt(attempt)) => attempt,
        other => panic!("no attempt: {other:?}"),
    }
}

fn rejection(event: Option<ServerEvent>) -> (RequestId, Rejection) {
    match event {
        Some(ServerEvent::Rejected { id, why, .. }) => (id, why),
        other => panic!("not rejected: {other:?}"),
    }
}

fn output(server: &mut Server) -> String {
    String::from_utf8(server.take_output().to_vec()).unwrap()
}

fn base64(message: &[u8]) -> String {
    String::from_utf8(sasl::encode(message).expose().to_vec()).unwrap()
}

#[test]
fn plain_with_initial_response() {
    let mut server = ready(HELLO);
    let line = format!(
        "AUTH\t1\tPLAIN\tservice=imap\trip=192.0.2.1\tresp={}\n",
        base64(b"\0alice\0secret189145")
    );
    let attempt = attempt(ask(&mut server, line.as_bytes()).pop());
    assert_eq!(attempt.id.number(), 1);
    assert_eq!(attempt.mechanism, Mechanism::Plain);
    assert_eq!(attempt.parameters.service(), crate::base::Service::Imap);
    assert_eq!(attempt.credentials.authcid, b"alice");
    assert_eq!(attempt.credentials.password.expose(), b"secret189145");
    assert_eq!((server.output_len(), server.pending()), (0, 1));
    server.accept(attempt.id, &Fields::new().with("user", b"alice")).unwrap();
    assert_eq!(output(&mut server), "OK\t1\tuser=alice\n");
    assert_eq!(server.pending(), 0);
}

#[test]
fn plain_without_initial_response() {
    let mut server = ready(HELLO);
    assert!(ask(&mut server, b"AUTH\t1\tplain\tservice=smtp\n").is_empty());
    assert_eq!(output(&mut server), "CONT\t1\t\n");
    let line = format!("CONT\t1\t{}\n", base64(b"bob\0alice\0x"));
    let attempt = attempt(ask(&mut server, line.as_bytes()).pop());
    assert_eq!(attempt.credentials.authzid, b"bob");
    server.refuse(attempt.id, &Fields::new().with("user", b"alice")).unwrap();
    assert_eq!(output(&mut server), "FAIL\t1\tuser=alice\n");
}

#[test]
fn login_with_and_without_initial_response() {
    for start in ["AUTH\t1\tLOGIN\tservice=imap\n", "AUTH\t1\tLOGIN\tservice=imap\tresp=\n"] {
        let mut server = ready(HELLO);
        assert!(ask(&mut server, start.as_bytes()).is_empty());
        assert_eq!(output(&mut server), "CONT\t1\tVXNlcm5hbWU6\n");
        let name = format!("CONT\t1\t{}\n", base64(b"alice"));
        assert!(ask(&mut server, name.as_bytes()).is_empty());
        assert_eq!(output(&mut server), "CONT\t1\tUGFzc3dvcmQ6\n");
        let password = format!("CONT\t1\t{}\n", base64(b"x"));
        let attempt = attempt(ask(&mut server, password.as_bytes()).pop());
        assert_eq!(attempt.mechanism, Mechanism::Login);
        assert_eq!(attempt.credentials, PlainCredentials::new(b"", b"alice", b"x").unwrap());
    }
    let mut server = ready(HELLO);
    let start = format!("AUTH\t1\tLOGIN\tservice=imap\tresp={}\n", base64(b"alice"));
    assert!(ask(&mut server, start.as_bytes()).is_empty());
    assert_eq!(output(&mut server), "CONT\t1\tUGFzc3dvcmQ6\n");
    let attempt = attempt(ask(&mut server, b"CONT\t1\t\n").pop());
    assert!(attempt.credentials.password.is_empty(), "an empty response is an empty password");
}

#[test]
fn an_empty_initial_response_depends_on_the_version() {
    // 1.2: `resp=` is an empty PLAIN message, which is none.
    for response in ["", "="] {
        let mut server = ready(HELLO);
        let line = format!("AUTH\t1\tPLAIN\tservice=imap\tresp={response}\n");
        let (_, why) = rejection(ask(&mut server, line.as_bytes()).pop());
        assert_eq!(why, Rejection::Malformed);
    }
    // 1.0 and 1.1, Exim: `resp=` is no response.
    for hello in [&b"VERSION\t1\t0\nCPID\t4711\n"[..], b"VERSION\t1\t1\nCPID\t4711\n"] {
        let mut server = ready(hello);
        assert!(ask(&mut server, b"AUTH\t1\tPLAIN\tservice=smtp\tresp=\n").is_empty());
        assert_eq!(output(&mut server), "CONT\t1\t\n");
        let (_, why) = rejection(ask(&mut server, b"AUTH\t2\tPLAIN\tservice=smtp\tresp==\n").pop());
        assert_eq!(why, Rejection::Malformed);
    }
}

#[test]
fn what_a_mail_client_gets_wrong_is_a_rejection() {
    let long = base64(&[b"\0a\0".as_slice(), &[b'x'; 1025]].concat());
    let table = [
        ("PLAIN", "****".to_owned(), Rejection::Base64),
        ("PLAIN", "*".to_owned(), Rejection::Aborted),
        ("PLAIN", "#".to_owned(), Rejection::Base64),
        ("PLAIN", format!("{}\tuser=root", base64(b"\0a\0b")), Rejection::Base64),
        ("PLAIN", base64(b"alice"), Rejection::Malformed),
        ("PLAIN", base64(b"\0alice\0x\0y"), Rejection::Malformed),
        ("PLAIN", base64(b"\0\0x"), Rejection::EmptyName),
        ("PLAIN", base64(b"\0a\nb\0x"), Rejection::ForbiddenInName),
        ("PLAIN", base64(b"a\tb\0alice\0x"), Rejection::ForbiddenInName),
        ("PLAIN", long, Rejection::TooLong),
        ("LOGIN", base64(b"a\0b"), Rejection::ForbiddenInName),
        ("LOGIN", base64(b"a\rb"), Rejection::ForbiddenInName),
        ("EXTERNAL", String::new(), Rejection::Mechanism),
        ("CRAM-MD5", String::new(), Rejection::Mechanism),
        ("", String::new(), Rejection::Mechanism),
    ];
    let mut server = ready(HELLO);
    for (mechanism, response, expected) in table {
        let line = format!("AUTH\t9\t{mechanism}\tservice=imap\tresp={response}\n");
        let (id, why) = rejection(ask(&mut server, line.as_bytes()).pop());
        assert_eq!(why, expected, "{line}");
        assert_eq!(server.output_len(), 0, "nothing is sent before the driver says so");
        server.refuse(id, &Fields::new()).unwrap();
        assert_eq!(output(&mut server), "FAIL\t9\n");
    }
    let (_, why) = {
        ask(&mut server, b"AUTH\t1\tLOGIN\tservice=imap\n");
        rejection(ask(&mut server, b"CONT\t1\t*\n").pop())
    };
    assert_eq!(why, Rejection::Aborted);
    ask(&mut server, format!("AUTH\t2\tLOGIN\tservice=imap\tresp={}\n", base64(b"a")).as_bytes());
    let line = format!("CONT\t2\t{}\n", base64(b"x\0y"));
    assert_eq!(rejection(ask(&mut server, line.as_bytes()).pop()).1, Rejection::NulInPassword);
}

#[test]
fn a_mechanism_that_is_not_offered_is_rejected() {
    let mut server = Server::new();
    server.greet(&Greeting::offering(ProtocolVersion::minor(2), &[Mechanism::Plain]));
    server.receive(HELLO);
    server.receive(b"AUTH\t1\tLOGIN\tservice=imap\nAUTH\t2\tfoo\xff\x01tbar\tservice=imap\n");
    let mut all = events(&mut server).into_iter();
    all.next();
    assert_eq!(rejection(all.next()).1, Rejection::Mechanism);
    match all.next() {
        Some(ServerEvent::Rejected { mechanism, .. }) => assert_eq!(mechanism, "foo??bar"),
        other => panic!("not rejected: {other:?}"),
    }
}

#[test]
fn what_the_peer_gets_wrong_is_fatal() {
    let many =
        [b"AUTH\t1\tPLAIN\tservice=x".to_vec(), b"\tx".repeat(AUTH_PARAMETERS), b"\n".to_vec()];
    let table: [(&[u8], Fatal); 11] = [
        (b"NOOP\n", Fatal::UnknownCommand),
        (b"\n", Fatal::UnknownCommand),
        (b"REQUEST\t1\t2\t3\n", Fatal::UnknownCommand),
        (b"VERSION\t1\t2\n", Fatal::HandshakeExpected),
        (b"CPID\t1\n", Fatal::HandshakeExpected),
        (b"AUTH\t0\tPLAIN\tservice=x\n", Fatal::RequestId),
        (b"AUTH\t1\tPLAIN\tlip=192.0.2.1\n", Fatal::ServiceMissing),
        (b"AUTH\t1\tPLAIN\tservice=x\nAUTH\t1\tPLAIN\tservice=x\n", Fatal::DuplicateId),
        (b"CONT\t1\n", Fatal::Incomplete),
        (b"AUTH\t1\tPLAIN\tservice=\0\n", Fatal::NulByte),
        (&many.concat(), Fatal::TooManyParameters),
    ];
    for (lines, fatal) in table {
        let mut server = ready(HELLO);
        server.receive(lines);
        assert_eq!(server.poll(), Err(fatal), "{}", lines.escape_ascii());
        server.receive(b"AUTH\t5\tPLAIN\tservice=x\n");
        assert_eq!(server.poll(), Err(fatal), "there is no way back");
    }
}

#[test]
fn the_handshake_is_strict() {
    let table: [(&[u8], Fatal); 9] = [
        (b"CPID\t1\n", Fatal::VersionExpected),
        (b"AUTH\t1\tPLAIN\tservice=x\n", Fatal::VersionExpected),
        (b"GET / HTTP/1.1\r\n", Fatal::UnknownCommand),
        (b"VERSION\t2\t0\n", Fatal::MajorVersion(2)),
        (b"VERSION\t1\n", Fatal::VersionMalformed),
        (b"VERSION\t1\t2\nVERSION\t1\t2\n", Fatal::HandshakeExpected),
        (b"VERSION\t1\t2\nAUTH\t1\tPLAIN\tservice=x\n", Fatal::HandshakeExpected),
        (b"VERSION\t1\t2\nCPID\t0\n", Fatal::ProcessId),
        (b"VERSION\t1\t2\nCPID\n", Fatal::ProcessId),
    ];
    for (lines, fatal) in table {
        let mut server = Server::new();
        server.greet(&greeting());
        server.receive(lines);
        assert_eq!(server.poll(), Err(fatal), "{}", lines.escape_ascii());
    }
}

#[test]
fn every_minor_version_is_taken() {
    for minor in [0, 1, 2, 3, 4, 5, u32::MAX] {
        let mut server = Server::new();
        server.receive(format!("VERSION\t1\t{minor}\r\nCPID\t7\r\n").as_bytes());
        let version = ProtocolVersion::minor(minor);
        assert_eq!(server.poll(), Ok(Some(ServerEvent::Handshake { version, cpid: 7 })));
    }
}

#[test]
fn requests_wait_for_the_greeting() {
    let mut server = Server::new();
    server.receive(HELLO);
    server.receive(b"AUTH\t1\tLOGIN\tservice=imap\n");
    assert_eq!(events(&mut server).len(), 1, "only the handshake is read");
    assert_eq!(server.pending(), 0);
    server.greet(&greeting());
    assert!(events(&mut server).is_empty());
    assert!(output(&mut server).ends_with("DONE\nCONT\t1\tVXNlcm5hbWU6\n"));
}

#[test]
fn a_line_over_the_limit_is_fatal_and_so_is_a_flood() {
    let mut server = ready(HELLO);
    server.receive(b"AUTH\t1\tPLAIN\tservice=x\tresp=");
    server.receive(&[b'A'; LINE_BYTES]);
    assert_eq!(server.poll(), Err(Fatal::Frame(FrameError::LineTooLong)));
    let mut server = ready(HELLO);
    assert_eq!(server.room(), BUFFER_BYTES);
    server.receive(&vec![b'A'; BUFFER_BYTES + 1]);
    assert_eq!(server.poll(), Err(Fatal::Frame(FrameError::Flooded)));
}

#[test]
fn cancel_ends_a_request_without_an_answer() {
    let mut server = ready(HELLO);
    ask(&mut server, b"AUTH\t1\tLOGIN\tservice=imap\n");
    server.take_output();
    let cancelled = ask(&mut server, b"CANCEL\t1\n");
    assert!(matches!(&cancelled[..], [ServerEvent::Cancelled(id)] if id.number() == 1));
    let line = format!("AUTH\t2\tPLAIN\tservice=imap\tresp={}\n", base64(b"\0a\0b"));
    let attempt = attempt(ask(&mut server, line.as_bytes()).pop());
    assert_eq!(ask(&mut server, b"CANCEL\t2\n"), [ServerEvent::Cancelled(attempt.id)]);
    assert_eq!(server.accept(attempt.id, &Fields::new()), Err(AnswerError::NotPending));
    assert!(ask(&mut server, b"CANCEL\t2\nCANCEL\t77\n").is_empty());
    assert_eq!((server.output_len(), server.pending()), (0, 0));
}

#[test]
fn cancel_is_confirmed_from_1_4_on() {
    let mut server = ready(b"VERSION\t1\t4\nCPID\t4711\n");
    ask(&mut server, b"AUTH\t1\tLOGIN\tservice=imap\n");
    server.take_output();
    assert_eq!(ask(&mut server, b"CANCEL\t1\nCANCEL\t9\n").len(), 1);
    assert_eq!(output(&mut server), "CANCELLED\t1\nCANCELLED\t9\n");
    let mut server = ready(b"VERSION\t1\t3\nCPID\t4711\n");
    ask(&mut server, b"CANCEL\t1\n");
    assert_eq!(server.output_len(), 0, "an older client would end the connection");
}

#[test]
fn a_late_verdict_never_hits_the_next_use_of_a_number() {
    let mut server = ready(HELLO);
    let line = format!("AUTH\t1\tPLAIN\tservice=imap\tresp={}\n", base64(b"\0alice\0x"));
    let first = attempt(ask(&mut server, line.as_bytes()).pop());
    ask(&mut server, b"CANCEL\t1\n");
    let line = format!("AUTH\t1\tPLAIN\tservice=imap\tresp={}\n", base64(b"\0mallory\0x"));
    let second = attempt(ask(&mut server, line.as_bytes()).pop());
    assert_eq!(server.accept(first.id, &Fields::new()), Err(AnswerError::NotPending));
    assert_eq!(server.accept(RequestId::new(1), &Fields::new()), Err(AnswerError::NotPending));
    assert_eq!((server.output_len(), server.pending()), (0, 1));
    server.refuse(second.id, &Fields::new()).unwrap();
}

#[test]
fn an_id_is_answered_once_and_free_again() {
    let mut server = ready(HELLO);
    let line = format!("AUTH\t1\tPLAIN\tservice=imap\tresp={}\n", base64(b"\0alice\0x"));
    let first = attempt(ask(&mut server, line.as_bytes()).pop()).id;
    server.refuse(first, &Fields::new()).unwrap();
    assert_eq!(server.refuse(first, &Fields::new()), Err(AnswerError::NotPending));
    assert_eq!(server.accept(first, &Fields::new()), Err(AnswerError::NotPending));
    let second = attempt(ask(&mut server, line.as_bytes()).pop()).id;
    server.accept(second, &Fields::new()).unwrap();
    assert_eq!(output(&mut server), "FAIL\t1\nOK\t1\n");
}

#[test]
fn a_collecting_request_cannot_be_accepted() {
    let mut server = ready(HELLO);
    ask(&mut server, b"AUTH\t1\tLOGIN\tservice=imap\n");
    for mark in 0..4 {
        let id = RequestId::marked(1, mark);
        assert_eq!(server.accept(id, &Fields::new()), Err(AnswerError::NotPending));
    }
}

#[test]
fn cont_for_an_unknown_id_fails_without_a_verdict() {
    let mut server = ready(HELLO);
    assert!(ask(&mut server, b"CONT\t5\tYQ==\n").is_empty());
    assert_eq!(output(&mut server), "FAIL\t5\tcode=temp_fail\n");
}

#[test]
fn cont_nobody_asked_for_ends_the_request() {
    let mut server = ready(HELLO);
    let line = format!("AUTH\t1\tPLAIN\tservice=imap\tresp={}\n", base64(b"\0alice\0x"));
    let id = attempt(ask(&mut server, line.as_bytes()).pop()).id;
    assert_eq!(ask(&mut server, b"CONT\t1\tYQ==\n"), [ServerEvent::Cancelled(id)]);
    assert_eq!(server.accept(id, &Fields::new()), Err(AnswerError::NotPending));
    assert_eq!(output(&mut server), "FAIL\t1\tcode=temp_fail\n");
}

#[test]
fn requests_are_bounded() {
    let mut server = ready(HELLO);
    let mut ids = Vec::new();
    for number in 1..=TRACKED_REQUESTS {
        let line = format!("AUTH\t{number}\tPLAIN\tservice=x\tresp={}\n", base64(b"\0alice\0x"));
        match ask(&mut server, line.as_bytes()).pop() {
            Some(ServerEvent::Attempt(attempt)) => {
                assert!(number <= PENDING_REQUESTS);
                ids.push(attempt.id);
            }
            event => {
                assert!(number > PENDING_REQUESTS);
                let (id, why) = rejection(event);
                assert_eq!(why, Rejection::TooManyPending);
                ids.push(id);
            }
        }
    }
    server.refuse(ids.pop().unwrap(), &Fields::new()).unwrap();
    ask(&mut server, b"AUTH\t1000\tPLAIN\tservice=x\n");
    assert_eq!(server.pending(), TRACKED_REQUESTS);
    server.receive(b"AUTH\t1001\tPLAIN\tservice=x\n");
    assert_eq!(server.poll(), Err(Fatal::TooManyRequests));
    assert_eq!(server.accept(ids.pop().unwrap(), &Fields::new()), Err(AnswerError::NotPending));
}

#[test]
fn a_peer_that_does_not_read_is_cut_off() {
    let mut server = ready(HELLO);
    let lines = b"CONT\t1\t\n".repeat(1_000);
    let fatal = loop {
        server.receive(&lines);
        match server.poll() {
            Ok(None) => assert!(server.output_len() <= OUTPUT_BYTES + BUFFER_BYTES * 4),
            Ok(Some(event)) => panic!("an event: {event:?}"),
            Err(fatal) => break fatal,
        }
    };
    assert_eq!(fatal, Fatal::OutputFull);
}

#[test]
fn an_answer_over_the_limit_is_not_sent() {
    let mut server = ready(HELLO);
    let line = format!("AUTH\t1\tPLAIN\tservice=imap\tresp={}\n", base64(b"\0alice\0x"));
    let id = attempt(ask(&mut server, line.as_bytes()).pop()).id;
    let longest = LINE_BYTES - "OK\t1\tx=\n".len();
    let fields = Fields::new().with("x", &vec![b'x'; longest + 1]);
    assert_eq!(server.accept(id, &fields), Err(AnswerError::TooLong));
    assert_eq!((server.output_len(), server.pending()), (0, 1));
    server.refuse(id, &fields).unwrap();
    assert_eq!(output(&mut server), "FAIL\t1\tcode=temp_fail\n");
    let id = attempt(ask(&mut server, line.as_bytes()).pop()).id;
    server.accept(id, &Fields::new().with("x", &vec![b'x'; longest])).unwrap();
    assert_eq!(server.output_len(), LINE_BYTES);
}

#[test]
fn debug_shows_no_credentials() {
    let mut server = ready(HELLO);
    let response = base64(b"\0alice\0hunter2");
    server.receive(format!("AUTH\t1\tPLAIN\tservice=imap\tresp={response}\n").as_bytes());
    let before = format!("{server:?}");
    let event = server.poll();
    let all = format!("{before}{event:?}{server:?}");
    assert!(!all.contains("hunter2") && !all.contains(&response), "{all}");
}
