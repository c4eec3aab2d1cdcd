//! Single sign-on: tokens of an identity provider, and Kerberos tickets, through real Dovecots and Postfix.

use std::io::{BufRead as _, BufReader, Write as _};
use std::net::TcpStream;
use std::path::Path;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use peers::clients::{Curl, Login, Mail, Protocol, lmtp_deliver, token_login};
use peers::stand::{ALICE, ALICE_PASSWORD, BOB, BOB_PASSWORD, alice, bob};
use peers::{
    Answer, Door, Doors, Generation, Kerberos, PasswordMode, Provider, Stand, Verdict, wait,
};

const MECHANISMS: [&str; 2] = ["OAUTHBEARER", "XOAUTH2"];

/// The doors, each with its name.
fn doors(stand: &Stand) -> [(&'static str, Protocol, u16); 4] {
    [
        ("imap", Protocol::Imap, stand.dovecot.imap()),
        ("pop3", Protocol::Pop3, stand.dovecot.pop3()),
        ("submission of Dovecot", Protocol::Smtp, stand.dovecot.submission()),
        ("Postfix", Protocol::Smtp, stand.postfix.submission()),
    ]
}

/// Logs in by a token at every door with every mechanism.
fn everywhere(stand: &Stand, name: &str, token: &str) -> Vec<(String, Answer)> {
    let mut answers = Vec::new();
    for (door, protocol, port) in doors(stand) {
        for mechanism in MECHANISMS {
            let answer = token_login(protocol, port, mechanism, name, token).unwrap();
            answers.push((format!("{name}, {mechanism}, {door}"), answer));
        }
    }
    answers
}

fn all_in(answers: Vec<(String, Answer)>, what: &str) {
    for (door, answer) in answers {
        answer.must_be_in(&format!("{what}: {door}"));
    }
}

fn none_in(answers: Vec<(String, Answer)>, what: &str) {
    for (door, answer) in answers {
        answer.must_be_refused(&format!("{what}: {door}"));
    }
}

/// Waits for the line of the log, which is written beside the login.
fn wait_told_of_a_missing_factor(stand: &Stand, listener: &str, mechanism: &str) {
    let told = |line: &str| {
        line.contains("reason=mechanism_without_factor mailbox=\"alice@example.org\"")
            && line.contains(&format!("listener={listener} method=\"{mechanism}\""))
    };
    wait::until(&format!("{mechanism} {listener} in the log"), || {
        stand.mail2fa().log().lines().any(told).then_some(())
    })
    .unwrap_or_else(|error| panic!("{error}\n{}", stand.mail2fa().log()));
}

/// What IMAP offers, and its answer to this mechanism.
fn imap_raw(stand: &Stand, mechanism: &str) -> (Vec<String>, String) {
    let stream = TcpStream::connect(("127.0.0.1", stand.dovecot.imap())).unwrap();
    let mut lines = BufReader::new(stream.try_clone().unwrap()).lines().map(Result::unwrap);
    let greeting = lines.next().unwrap();
    let words = greeting.split([' ', ']']).filter_map(|word| word.strip_prefix("AUTH="));
    let offered = words.map(str::to_owned).collect();
    let response = STANDARD.encode(format!("user={BOB}\u{1}auth=Bearer x\u{1}\u{1}"));
    writeln!(&stream, "a AUTHENTICATE {mechanism} {response}\r").unwrap();
    (offered, lines.next().unwrap())
}

fn single_sign_on(generation: Generation) {
    let mut stand = Stand::start(generation, PasswordMode::Dovecot, Doors::Mail2fa).unwrap();
    let (provider, stranger) = (Provider::trusted(), Provider::stranger());
    stand.dovecot.believe(provider).unwrap();

    // Dovecot has it, nobody has listed it.
    let (offered, said) = imap_raw(&stand, "XOAUTH2");
    assert_eq!(offered, ["PLAIN", "LOGIN"]);
    assert!(said.starts_with("a NO"), "{said}");
    // GSSAPI is listed, and Dovecot does not have it.
    let listed = "pass = [\"oauthbearer\", \"XOAUTH2\", \"GSSAPI\"]";
    stand.mail2fa().set_mechanisms(listed).unwrap();
    let (mut offered, said) = imap_raw(&stand, "CRAM-MD5");
    offered.sort();
    assert_eq!(offered, ["LOGIN", "OAUTHBEARER", "PLAIN", "XOAUTH2"]);
    assert!(said.starts_with("a NO"), "{said}");

    let answers = everywhere(&stand, BOB, &provider.token(BOB));
    let ehlo = &answers.last().unwrap().1.output;
    let offered = ehlo.lines().find(|line| line.contains("AUTH ")).unwrap();
    assert!(offered.contains("XOAUTH2") && !offered.contains("CRAM-MD5"), "{offered}");
    all_in(answers, "a token");
    lmtp_deliver(stand.dovecot.lmtp(), BOB, "hello", "a message for a token").unwrap();
    let curl = stand.imap().with_token();
    let read = curl.login(Login::new(BOB, &provider.token(BOB)), Mail::Read(1)).unwrap();
    assert!(read.must_be_in("reading by a token").output.contains("a message for a token"));

    for curl in [stand.dovecot.submission(), stand.postfix.submission()].map(Curl::smtp) {
        let curl = curl.with_token();
        let login = |token: &str| curl.login(Login::new(BOB, token), Mail::Nothing).unwrap();
        login(&provider.token(BOB)).must_be_in("curl");
        login(&stranger.token(BOB)).must_be_refused("curl, a stranger's token");
    }

    none_in(everywhere(&stand, BOB, &stranger.token(BOB)), "a stranger's token");
    none_in(everywhere(&stand, BOB, &provider.expired().token(BOB)), "an old token");
    none_in(everywhere(&stand, BOB, BOB_PASSWORD), "the password as a token");
    // Tokens and passwords do not get into each other's way.
    stand.knock(Door::ImapPlain, bob()).unwrap().must_be_in("a password");
    all_in(everywhere(&stand, ALICE, &provider.token(ALICE)), "no second factor");

    protected(&stand, provider);
    lists(&stand, provider);
    let log = stand.mail2fa().log();
    for secret in [BOB, ALICE].map(|name| provider.token(name)) {
        // Head and claims are alike in all of them, the signature is what must not be known.
        let head = secret.split('.').next().unwrap();
        assert!(!log.contains(head), "a token was logged");
    }
    drop(stand);
}

/// A mailbox with a second factor, and a lock.
fn protected(stand: &Stand, provider: Provider) {
    let mut codes = stand.enrol(ALICE).unwrap();
    none_in(everywhere(stand, ALICE, &provider.token(ALICE)), "a second factor");
    none_in(everywhere(stand, "Alice@Example.ORG", &provider.token(ALICE)), "another spelling");
    // Whoever is asked for, the token says who it is.
    none_in(everywhere(stand, BOB, &provider.token(ALICE)), "another name");
    for mechanism in MECHANISMS {
        for listener in ["dovecot", "postfix"] {
            wait_told_of_a_missing_factor(stand, listener, mechanism);
        }
    }
    let credential = format!("{ALICE_PASSWORD}{}", codes.fresh().unwrap());
    let answer = stand.knock(Door::ImapPlain, Login::new(ALICE, &credential)).unwrap();
    answer.must_be_in("password and code");
    stand.knock(Door::ImapPlain, alice()).unwrap().must_be_refused("the password alone");

    let bobs = provider.token(BOB);
    stand.mail2fa().cli_text(&["lock", BOB], "").unwrap();
    none_in(everywhere(stand, BOB, &bobs), "a locked mailbox");
    stand.mail2fa().cli_text(&["unlock", BOB], "").unwrap();
    all_in(everywhere(stand, BOB, &bobs), "an unlocked mailbox");
}

/// The lists change while it runs.
fn lists(stand: &Stand, provider: Provider) {
    let token = provider.token(ALICE);
    let lines = "pass = [\"OAUTHBEARER\", \"XOAUTH2\"]\nsecond_factor_elsewhere = [\"XOAUTH2\"]";
    stand.mail2fa().set_mechanisms(lines).unwrap();
    for (door, answer) in everywhere(stand, ALICE, &token) {
        if door.contains("XOAUTH2") {
            answer.must_be_in(&format!("a factor elsewhere: {door}"));
        } else {
            answer.must_be_refused(&format!("the other mechanism: {door}"));
        }
    }
    let log = stand.mail2fa().log_file();
    wait::until_file_has(&log, "reason=mechanism+factor_elsewhere").unwrap();
    stand.mail2fa().set_mechanisms("pass = [\"OAUTHBEARER\"]").unwrap();
    let (offered, said) = imap_raw(stand, "XOAUTH2");
    assert!(!offered.contains(&"XOAUTH2".to_owned()), "{offered:?}");
    assert!(said.starts_with("a NO"), "{said}");
    // Postfix's process goes on with the list it has read, and is not let in by it.
    let bobs = provider.token(BOB);
    for (mechanism, listed) in [("OAUTHBEARER", true), ("XOAUTH2", false)] {
        let port = stand.postfix.submission();
        let answer = token_login(Protocol::Smtp, port, mechanism, BOB, &bobs).unwrap();
        if listed {
            answer.must_be_in("still listed");
        } else {
            answer.must_be_refused("listed no more");
        }
    }
}

#[test]
fn dovecot_2_3_and_postfix() {
    single_sign_on(Generation::V23);
}

#[test]
fn dovecot_2_4_and_postfix() {
    single_sign_on(Generation::V24);
}

/// Logs in by a ticket at every door, in a name.
fn by_ticket(stand: &Stand, realm: &Kerberos, cache: &Path, name: &str) -> Vec<(String, Answer)> {
    let mut answers = Vec::new();
    for (door, protocol, port) in doors(stand) {
        let curl = match protocol {
            Protocol::Imap => Curl::imap(port),
            Protocol::Pop3 => Curl::pop3(port),
            Protocol::Smtp => Curl::smtp(port),
        };
        let curl = curl.with_ticket(realm, cache);
        let answer = curl.login(Login::new(name, "is not asked"), Mail::Nothing).unwrap();
        answers.push((format!("{name}, {door}"), answer));
    }
    answers
}

#[test]
fn kerberos_with_dovecot_2_3_and_postfix() {
    let (mode, doors) = (PasswordMode::Dovecot, Doors::Mail2fa);
    let mut stand = Stand::start(Generation::V23, mode, doors).unwrap();
    let realm = Kerberos::start(&stand.folder).unwrap();
    let (alices, bobs) = ("alice@EXAMPLE.ORG", "bob@EXAMPLE.ORG");
    let [alice_has, bob_has] = ["alice", "bob"].map(|name| {
        realm.add(name).unwrap();
        realm.sign_in(name).unwrap()
    });
    stand.dovecot.trust(&realm).unwrap();

    // Dovecot takes tickets, nobody has listed them.
    let (offered, said) = imap_raw(&stand, "GSSAPI");
    assert_eq!(offered, ["PLAIN", "LOGIN"]);
    assert!(said.starts_with("a NO"), "{said}");
    let curl = stand.imap().with_ticket(&realm, &bob_has);
    let answer = curl.login(Login::new(bobs, "is not asked"), Mail::Nothing).unwrap();
    assert_ne!(answer.verdict, Verdict::In, "{}", answer.output);
    stand.mail2fa().set_mechanisms("pass = [\"GSSAPI\"]").unwrap();
    let (mut offered, _) = imap_raw(&stand, "CRAM-MD5");
    offered.sort();
    assert_eq!(offered, ["GSSAPI", "LOGIN", "PLAIN"]);

    all_in(by_ticket(&stand, &realm, &bob_has, bobs), "a ticket");
    all_in(by_ticket(&stand, &realm, &alice_has, alices), "a ticket, no second factor");
    lmtp_deliver(stand.dovecot.lmtp(), BOB, "hello", "a message for a ticket").unwrap();
    // Whoever is asked for, the ticket says who it is.
    for name in [bobs, alices] {
        let curl = stand.imap().with_ticket(&realm, &bob_has);
        let read = curl.login(Login::new(name, "is not asked"), Mail::Read(1)).unwrap();
        assert!(read.must_be_in("reading by a ticket").output.contains("a message for a ticket"));
    }
    stand.knock(Door::ImapPlain, bob()).unwrap().must_be_in("a password");

    // A second factor: no ticket carries its code, in whatever name.
    let mut codes = stand.enrol(ALICE).unwrap();
    none_in(by_ticket(&stand, &realm, &alice_has, alices), "a second factor");
    none_in(by_ticket(&stand, &realm, &alice_has, bobs), "a second factor, another name");
    for listener in ["dovecot", "postfix"] {
        wait_told_of_a_missing_factor(&stand, listener, "GSSAPI");
    }
    let credential = format!("{ALICE_PASSWORD}{}", codes.fresh().unwrap());
    let answer = stand.knock(Door::ImapPlain, Login::new(ALICE, &credential)).unwrap();
    answer.must_be_in("password and code");
    all_in(by_ticket(&stand, &realm, &bob_has, bobs), "somebody else's second factor");
    stand.mail2fa().cli_text(&["lock", BOB], "").unwrap();
    none_in(by_ticket(&stand, &realm, &bob_has, bobs), "a locked mailbox");
    stand.mail2fa().cli_text(&["unlock", BOB], "").unwrap();

    // Where the realm asks for a second factor itself.
    let lines = "pass = [\"GSSAPI\"]\nsecond_factor_elsewhere = [\"GSSAPI\"]";
    stand.mail2fa().set_mechanisms(lines).unwrap();
    all_in(by_ticket(&stand, &realm, &alice_has, alices), "a factor elsewhere");
    stand.mail2fa().set_mechanisms("pass = []").unwrap();
    let (offered, said) = imap_raw(&stand, "GSSAPI");
    assert_eq!(offered, ["PLAIN", "LOGIN"]);
    assert!(said.starts_with("a NO"), "{said}");
    drop(stand);
}
