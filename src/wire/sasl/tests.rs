//! PLAIN and LOGIN messages: known ones, hopeless ones, and any bytes.

use proptest::prelude::*;

use super::*;
use crate::wire::testing::bytes;

/// Authzid, authcid, password, and what becomes of them.
type Case<'a> = (&'a [u8], &'a [u8], &'a [u8], Result<(), Rejection>);

#[test]
fn plain_messages() {
    let long_name = vec![b'a'; NAME_BYTES + 1];
    let long_password = vec![b'a'; CREDENTIAL_BYTES + 1];
    let table: [Case<'_>; 12] = [
        (b"", b"alice", b"secret123456", Ok(())),
        (b"bob", b"alice", b"x", Ok(())),
        (b"", b"alice", b"", Ok(())),
        (b"", b"alice", b"tab\tcr\rlf\n=\xff", Ok(())),
        (b"", &[b'a'; NAME_BYTES], &[b'a'; CREDENTIAL_BYTES], Ok(())),
        (b"", b"", b"x", Err(Rejection::EmptyName)),
        (b"", b"a\tb", b"x", Err(Rejection::ForbiddenInName)),
        (b"", b"a\rb", b"x", Err(Rejection::ForbiddenInName)),
        (b"", b"a\nb", b"x", Err(Rejection::ForbiddenInName)),
        (b"a\nb", b"alice", b"x", Err(Rejection::ForbiddenInName)),
        (b"", &long_name, b"x", Err(Rejection::TooLong)),
        (b"", b"alice", &long_password, Err(Rejection::TooLong)),
    ];
    for (act_as, name, password, outcome) in table {
        let message = PlainCredentials::encode_plain(act_as, name, password);
        let read = PlainCredentials::parse_plain(message.expose());
        assert_eq!(read.clone().map(|_| ()), outcome, "{}", name.escape_ascii());
        if let Ok(credentials) = read {
            assert_eq!(credentials.authzid, act_as);
            assert_eq!(credentials.authcid, name);
            assert_eq!(credentials.password.expose(), password);
        }
    }
}

#[test]
fn plain_has_exactly_two_nuls() {
    for message in [&b""[..], b"alice", b"\0alice", b"\0alice\0x\0", b"a\0b\0c\0d", b"\0\0\0"] {
        assert_eq!(PlainCredentials::parse_plain(message), Err(Rejection::Malformed));
    }
}

#[test]
fn nul_in_a_login_name_or_password_is_rejected() {
    assert_eq!(PlainCredentials::new(b"", b"a\0b", b"x"), Err(Rejection::ForbiddenInName));
    assert_eq!(PlainCredentials::new(b"", b"a", b"x\0y"), Err(Rejection::NulInPassword));
}

#[test]
fn mechanisms_by_name() {
    assert_eq!(Mechanism::parse(b"plain"), Some(Mechanism::Plain));
    assert_eq!(Mechanism::parse(b"LOGIN"), Some(Mechanism::Login));
    for name in [&b"EXTERNAL"[..], b"CRAM-MD5", b"PLAIN ", b"", b"SCRAM-SHA-256"] {
        assert_eq!(Mechanism::parse(name), None);
    }
}

#[test]
fn responses_are_strict_base64() {
    assert_eq!(decode(b"YQ==").unwrap().expose(), b"a");
    assert_eq!(decode(b"").unwrap().expose(), b"");
    assert_eq!(decode(b"YR==").unwrap().expose(), b"a", "stray bits are let pass");
    assert_eq!(decode(b"*"), Err(Rejection::Aborted));
    for text in
        [&b"YQ"[..], b"YQ=", b"=", b"#", b"Y Q=", b"YQ==\t", b"**", b"YQ==YQ==", b"-_==", b"\x01"]
    {
        assert_eq!(decode(text), Err(Rejection::Base64), "{}", text.escape_ascii());
    }
}

#[test]
fn debug_shows_neither_name_nor_password() {
    let credentials = PlainCredentials::new(b"zoe", b"alice", b"hunter2").unwrap();
    assert_eq!(format!("{credentials:?}"), "PlainCredentials(…)");
}

proptest! {
    #[test]
    fn plain_is_read_as_it_was_written(act_as in bytes(), name in bytes(), password in bytes()) {
        let message = PlainCredentials::encode_plain(&act_as, &name, &password);
        if let Ok(read) = PlainCredentials::parse_plain(message.expose()) {
            prop_assert_eq!(read.authzid, act_as);
            prop_assert_eq!(read.authcid, name);
            prop_assert_eq!(read.password.expose(), password);
        } else {
            let odd = |byte: &u8| b"\0\t\r\n".contains(byte);
            prop_assert!(
                name.is_empty()
                    || act_as.iter().chain(&name).any(odd)
                    || password.contains(&0)
            );
        }
    }

    #[test]
    fn base64_is_read_as_it_was_written(message: Vec<u8>) {
        let decoded = decode(encode(&message).expose()).unwrap();
        prop_assert_eq!(decoded.expose(), message);
    }

    #[test]
    fn no_response_panics(response: Vec<u8>) {
        if let Ok(message) = decode(&response) {
            let _ = PlainCredentials::parse_plain(message.expose());
        }
    }
}
