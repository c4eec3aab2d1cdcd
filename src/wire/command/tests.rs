//! Commands: known lines, wrong lines, and the way there and back.

use proptest::{option, prelude::*};

use super::*;
use crate::{
    base::Service,
    wire::testing::{bytes, parameters},
};

fn encoded(command: &Command) -> Vec<u8> {
    let mut output = Wiped::new();
    command.encode(&mut output);
    output.take().to_vec()
}

fn auth(line: &[u8]) -> Auth {
    match Command::parse(line).unwrap() {
        Command::Auth(auth) => auth,
        other => panic!("not AUTH: {other:?}"),
    }
}

#[test]
fn lines_as_real_programs_send_them() {
    let table: [(&[u8], Command); 4] = [
        (b"VERSION\t1\t2\n", Command::Version(ProtocolVersion::minor(2))),
        (b"CPID\t4711\n", Command::ClientPid(4711)),
        (b"CANCEL\t7\n", Command::Cancel(RequestId::new(7))),
        (
            b"CONT\t7\tYQ==\n",
            Command::Cont { id: RequestId::new(7), response: Secret::from_slice(b"YQ==") },
        ),
    ];
    for (line, command) in table {
        assert_eq!(Command::parse(line.strip_suffix(b"\n").unwrap()), Ok(command.clone()));
        assert_eq!(encoded(&command), line);
    }
}

#[test]
fn auth_of_2_3_2_4_postfix_and_exim() {
    let dovecot_2_3 =
        auth(b"AUTH\t1\tPLAIN\tservice=imap\tsecured\tsession=abc\trip=::1\tresp=AGEAYg==");
    assert_eq!(dovecot_2_3.parameters.service(), Service::Imap);
    assert_eq!(dovecot_2_3.response.unwrap().expose(), b"AGEAYg==");
    let dovecot_2_4 = auth(b"AUTH\t2\tLOGIN\tprotocol=pop3\tfinal-resp-ok\tsecured=tls");
    assert_eq!(dovecot_2_4.parameters.service(), Service::Pop3);
    assert!(dovecot_2_4.response.is_none());
    let postfix =
        auth(b"AUTH\t3\tPLAIN\tservice=smtp\tnologin\tlip=\trip=192.0.2.1\tsecured\tresp=");
    assert_eq!(postfix.parameters.service(), Service::Smtp);
    assert_eq!(postfix.response.unwrap().expose(), b"");
    let exim = auth(
        b"AUTH\t1\tPLAIN\tservice=smtp\tsecured\trip=192.0.2.1\tlip=192.0.2.2\tnologin\tresp==",
    );
    assert_eq!(exim.response.unwrap().expose(), b"=");
}

#[test]
fn nothing_behind_resp_is_a_parameter() {
    let smuggled = auth(b"AUTH\t1\tPLAIN\tservice=imap\tresp=AGEAYg==\tuser=root\tresp=x");
    assert_eq!(smuggled.parameters.len(), 1);
    assert_eq!(smuggled.response.unwrap().expose(), b"AGEAYg==\tuser=root\tresp=x");
}

#[test]
fn resp_in_disguise_is_no_parameter_either() {
    let bare = auth(b"AUTH\t1\tPLAIN\tservice=imap\tresp");
    assert_eq!(bare.response.unwrap().expose(), b"", "Dovecot reads resp as resp=");
    for line in [
        &b"AUTH\t1\tPLAIN\tservice=imap\tresp\tuser=root"[..],
        b"AUTH\t1\tPLAIN\tservice=imap\tresp\t",
        b"AUTH\t1\tPLAIN\tservice=imap\tr\x01esp=AGEAYg==",
        b"AUTH\t1\tPLAIN\tservice=imap\tre\x01sp\x01=AGEAYg==",
    ] {
        let auth = auth(line);
        assert_eq!(auth.parameters.len(), 1, "{}", line.escape_ascii());
        assert!(crate::wire::sasl::decode(auth.response.unwrap().expose()).is_err());
    }
}

#[test]
fn unknown_parameters_are_kept_in_order() {
    let auth = auth(b"AUTH\t1\tPLAIN\tx=1\tservice=imap\tnew-flag\tx=2\t\tresp=");
    let keys: Vec<_> = auth.parameters.iter().map(|field| field.key.as_slice()).collect();
    assert_eq!(keys, [&b"x"[..], b"service", b"new-flag", b"x", b""]);
}

#[test]
fn malformed_lines_are_fatal() {
    let many = [b"AUTH\t1\tPLAIN\tservice=imap".to_vec(), b"\tx".repeat(AUTH_PARAMETERS)].concat();
    let table: [(&[u8], Fatal); 27] = [
        (b"", Fatal::UnknownCommand),
        (b"NOOP", Fatal::UnknownCommand),
        (b"auth\t1\tPLAIN\tservice=imap", Fatal::UnknownCommand),
        (b"OK\t1", Fatal::UnknownCommand),
        (b"AUTH\t1\tPLAIN\tservice=imap\0", Fatal::NulByte),
        (b"VERSION", Fatal::VersionMalformed),
        (b"VERSION\t1", Fatal::VersionMalformed),
        (b"VERSION\t1\tx", Fatal::VersionMalformed),
        (b"VERSION\t1\t2\t3", Fatal::VersionMalformed),
        (b"VERSION\t-1\t2", Fatal::VersionMalformed),
        (b"VERSION\t1\t4294967296", Fatal::VersionMalformed),
        (b"CPID", Fatal::ProcessId),
        (b"CPID\t0", Fatal::ProcessId),
        (b"CPID\tx", Fatal::ProcessId),
        (b"AUTH", Fatal::RequestId),
        (b"AUTH\t0\tPLAIN\tservice=imap", Fatal::RequestId),
        (b"AUTH\tx\tPLAIN\tservice=imap", Fatal::RequestId),
        (b"AUTH\t4294967296\tPLAIN\tservice=imap", Fatal::RequestId),
        (b"AUTH\t1x\tPLAIN\tservice=imap", Fatal::RequestId),
        (b"AUTH\t1", Fatal::Incomplete),
        (b"AUTH\t1\tPLAIN", Fatal::ServiceMissing),
        (b"AUTH\t1\tPLAIN\tservice", Fatal::ServiceMissing),
        (&many, Fatal::TooManyParameters),
        (b"CONT\t1", Fatal::Incomplete),
        (b"CONT\tx\tYQ==", Fatal::RequestId),
        (b"CANCEL", Fatal::RequestId),
        (b"CANCEL\t1\t2", Fatal::RequestId),
    ];
    for (line, fatal) in table {
        assert_eq!(Command::parse(line), Err(fatal), "{}", line.escape_ascii());
    }
}

#[test]
fn debug_shows_no_response() {
    let auth = Command::parse(b"AUTH\t1\tPLAIN\tservice=imap\tresp=aHVudGVyMg==").unwrap();
    assert!(!format!("{auth:?}").contains("aHVudGVyMg"));
}

proptest! {
    #[test]
    fn auth_is_read_as_it_was_written(
        id in 1_u32..,
        mechanism in bytes(),
        parameters in parameters(),
        response in option::of(bytes()),
    ) {
        let response = response.as_deref().map(Secret::from_slice);
        let id = RequestId::new(id);
        let command = Command::Auth(Auth { id, mechanism, parameters, response });
        let line = encoded(&command);
        let (end, line) = line.split_last().unwrap();
        prop_assert_eq!(*end, b'\n');
        prop_assert!(!line.contains(&b'\n') && !line.contains(&b'\r') && !line.contains(&0));
        prop_assert_eq!(Command::parse(line), Ok(command));
    }

    #[test]
    fn cont_is_read_as_it_was_written(id: u32, response in bytes()) {
        let response = Secret::from_slice(&response);
        let command = Command::Cont { id: RequestId::new(id), response };
        let line = encoded(&command);
        prop_assert_eq!(Command::parse(&line[..line.len() - 1]), Ok(command));
    }

    #[test]
    fn what_is_read_is_written_and_read_again(
        verb in prop::sample::select(vec!["AUTH\t1\tPLAIN\tservice=x", "CONT\t1\t", "CANCEL", "VERSION\t1", "", "CPID"]),
        rest in bytes(),
    ) {
        let line = [verb.as_bytes(), b"\t", &rest].concat();
        if let Ok(command) = Command::parse(&line) {
            let again = encoded(&command);
            prop_assert_eq!(Command::parse(&again[..again.len() - 1]), Ok(command));
        }
    }
}
