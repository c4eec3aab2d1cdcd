//! Replies: known lines, wrong lines, and the way there and back.

use proptest::{collection::vec, prelude::*};

use super::*;
use crate::wire::{
    Greeting,
    testing::{bytes, fields},
};

fn encoded(reply: &Reply) -> Vec<u8> {
    let mut output = Wiped::new();
    reply.encode(&mut output);
    output.take().to_vec()
}

fn id(number: u32) -> RequestId {
    RequestId::new(number)
}

#[test]
fn lines_as_dovecot_sends_them() {
    let offer = |name: &str, parameters: &[&str]| {
        Reply::Mechanism(MechanismOffer {
            name: name.to_owned(),
            parameters: parameters.iter().map(|word| (*word).to_owned()).collect(),
        })
    };
    let table: [(&[u8], Reply); 13] = [
        (b"VERSION\t1\t2\n", Reply::Version(ProtocolVersion::minor(2))),
        (b"MECH\tPLAIN\tplaintext\n", offer("PLAIN", &["plaintext"])),
        (b"MECH\tEXTERNAL\n", offer("EXTERNAL", &[])),
        (
            b"MECH\tSCRAM-SHA-256-PLUS\tdictionary\tactive\tforward-secrecy\tmutual-auth\tchannel-binding\n",
            offer(
                "SCRAM-SHA-256-PLUS",
                &["dictionary", "active", "forward-secrecy", "mutual-auth", "channel-binding"],
            ),
        ),
        (b"MECH\tDOVECOT-TOKEN\tprivate\tnew-word\n", offer("DOVECOT-TOKEN", &["private", "new-word"])),
        (b"SPID\t4711\n", Reply::ServerPid(b"4711".to_vec())),
        (b"CUID\t1\n", Reply::ConnectionId(b"1".to_vec())),
        (b"COOKIE\t00ff\n", Reply::Cookie(Secret::from_slice(b"00ff"))),
        (b"DONE\n", Reply::Done),
        (
            b"OK\t1\tuser=alice@example.org\tnologin\n",
            Reply::Ok {
                id: id(1),
                fields: Fields::new().with("user", b"alice@example.org").with_flag("nologin"),
            },
        ),
        (
            b"FAIL\t2\tuser=alice\tcode=temp_fail\n",
            Reply::Fail {
                id: id(2),
                fields: Fields::new().with("user", b"alice").with("code", b"temp_fail"),
            },
        ),
        (
            b"CONT\t3\tVXNlcm5hbWU6\n",
            Reply::Cont { id: id(3), challenge: Secret::from_slice(b"VXNlcm5hbWU6") },
        ),
        (b"CANCELLED\t4\n", Reply::Cancelled(id(4))),
    ];
    for (line, reply) in table {
        assert_eq!(Reply::parse(line.strip_suffix(b"\n").unwrap()), Ok(reply.clone()));
        assert_eq!(encoded(&reply), line);
    }
}

#[test]
fn properties_of_mechanisms() {
    let Ok(Reply::Mechanism(offer)) = Reply::parse(b"MECH\tX\tplaintext\tprivate\tmore") else {
        panic!("not MECH");
    };
    assert!(offer.is_plaintext() && offer.is_private() && offer.has("more"));
    assert!(!offer.has("anonymous"));
}

#[test]
fn malformed_lines_are_fatal() {
    let many = [b"OK\t1".to_vec(), b"\tx".repeat(300)].concat();
    let table: [(&[u8], Fatal); 12] = [
        (b"OK", Fatal::RequestId),
        (b"OK\tx", Fatal::RequestId),
        (b"FAIL\t-1", Fatal::RequestId),
        (b"CONT\t1", Fatal::Incomplete),
        (b"CANCELLED\t", Fatal::RequestId),
        (b"VERSION\t1", Fatal::VersionMalformed),
        (b"MECH", Fatal::HandshakeMalformed),
        (b"MECH\t\xff", Fatal::HandshakeMalformed),
        (b"SPID", Fatal::HandshakeMalformed),
        (b"COOKIE\t", Fatal::HandshakeMalformed),
        (b"OK\t1\ta\0b", Fatal::NulByte),
        (&many, Fatal::TooManyParameters),
    ];
    for (line, fatal) in table {
        assert_eq!(Reply::parse(line), Err(fatal), "{}", line.escape_ascii());
    }
    assert_eq!(Reply::parse(b"HELLO\t1"), Ok(Reply::Unknown));
    assert_eq!(Reply::parse(b""), Ok(Reply::Unknown));
}

#[test]
fn channel_binding_behind_a_challenge_is_left_out() {
    let reply = Reply::parse(b"CONT\t1\tYQ==\tchannel_binding=tls-exporter").unwrap();
    assert_eq!(reply, Reply::Cont { id: id(1), challenge: Secret::from_slice(b"YQ==") });
}

#[test]
fn fail_codes_old_and_new() {
    let table: [(&[u8], Option<FailCode>); 10] = [
        (b"user=a", None),
        (b"", None),
        (b"user=a\tcode=temp_fail", Some(FailCode::TempFail)),
        (b"code=authz_fail", Some(FailCode::AuthzFail)),
        (b"code=user_disabled\treason=x", Some(FailCode::UserDisabled)),
        (b"code=pass_expired", Some(FailCode::PassExpired)),
        (b"code=invalid_base64", Some(FailCode::InvalidBase64)),
        (b"code=new", Some(FailCode::Other(b"new".to_vec()))),
        (b"user=a\ttemp", Some(FailCode::TempFail)),
        (b"authz", Some(FailCode::AuthzFail)),
    ];
    for (text, code) in table {
        assert_eq!(FailCode::of(&Fields::parse(text)), code);
        if let Some(code) = code {
            assert_eq!(FailCode::of(&code.clone().into_fields()), Some(code));
        }
    }
}

#[test]
fn a_greeting_has_mech_before_spid() {
    let mut greeting = Greeting::offering(
        ProtocolVersion::minor(2),
        &[crate::wire::Mechanism::Plain, crate::wire::Mechanism::Login],
    );
    greeting.spid = Some(b"11".to_vec());
    greeting.cuid = Some(b"22".to_vec());
    greeting.cookie = Some(Secret::from_slice(b"33"));
    let mut output = Wiped::new();
    greeting.encode(&mut output);
    assert_eq!(
        &*output,
        b"VERSION\t1\t2\nMECH\tPLAIN\tplaintext\nMECH\tLOGIN\tplaintext\nSPID\t11\nCUID\t22\nCOOKIE\t33\nDONE\n"
    );
    assert!(!format!("{greeting:?}").contains("33"));
}

#[test]
fn only_what_can_be_answered_is_offered_on() {
    let mut greeting = Greeting::offering(ProtocolVersion::minor(2), &[]);
    for name in ["CRAM-MD5", "PLAIN", "EXTERNAL", "login"] {
        let name = name.to_owned();
        greeting.mechanisms.push(MechanismOffer { name, parameters: Vec::new() });
    }
    greeting.retain_supported(&[]);
    let names: Vec<_> = greeting.mechanisms.iter().map(|offer| offer.name.as_str()).collect();
    assert_eq!(names, ["PLAIN", "login"]);
}

proptest! {
    #[test]
    fn answers_are_read_as_they_were_written(number: u32, fields in fields(), ok: bool) {
        let id = id(number);
        let reply = if ok { Reply::Ok { id, fields } } else { Reply::Fail { id, fields } };
        let line = encoded(&reply);
        let (end, line) = line.split_last().unwrap();
        prop_assert_eq!(*end, b'\n');
        prop_assert!(!line.contains(&b'\n') && !line.contains(&b'\r') && !line.contains(&0));
        prop_assert_eq!(Reply::parse(line), Ok(reply));
    }

    #[test]
    fn challenges_are_read_as_they_were_written(number: u32, challenge in bytes()) {
        let reply = Reply::Cont { id: id(number), challenge: Secret::from_slice(&challenge) };
        let line = encoded(&reply);
        prop_assert_eq!(Reply::parse(&line[..line.len() - 1]), Ok(reply));
    }

    #[test]
    fn offers_are_read_as_they_were_written(name in "[^\u{0}]{1,20}", parameters in vec("\\PC{0,9}", 0..5)) {
        let reply = Reply::Mechanism(MechanismOffer { name, parameters });
        let line = encoded(&reply);
        prop_assert_eq!(Reply::parse(&line[..line.len() - 1]), Ok(reply));
    }
}
