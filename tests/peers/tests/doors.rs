//! What must hold at every door of a mail server, with both generations of Dovecot and both places
//! of the passwords.

use std::io::{BufRead as _, BufReader, Write as _};
use std::net::{Ipv4Addr, TcpStream};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use peers::clients::{Login, Mail, Sasl, lmtp_deliver};
use peers::stand::{ALICE, ALICE_PASSWORD, BOB, BOB_PASSWORD, alice, bob};
use peers::{Door, Doors, Generation, PasswordMode, Stand, Verdict, wait};

/// The password of the mailboxes that belong to a door.
const SECRET: &str = "s3cret wörd";
const CAROL: &str = "carol@example.org";
const DAVE: &str = "dave@example.org";

const ELSEWHERE: Ipv4Addr = Ipv4Addr::new(127, 0, 0, 2);

fn every_door(generation: Generation, mode: PasswordMode) {
    let mut stand = Stand::start(generation, mode, Doors::Mail2fa).unwrap();
    let names = Door::ALL.map(Door::mailbox);
    let mut logins: Vec<_> = names.iter().map(|name| (name.as_str(), SECRET)).collect();
    logins.extend([(CAROL, "pencil"), (DAVE, "pencil")]);
    stand.set_passwords(&logins).unwrap();
    for door in Door::ALL {
        one_door(&stand, door);
    }
    other_spellings(&stand);
    a_message_goes_through(&stand);
    no_mechanism_without_a_code(&stand);
    one_code_opens_once(&stand);
    off_again(&stand);
}

/// A mailbox before and after its second factor is switched on.
fn one_door(stand: &Stand, door: Door) {
    let what = |case: &str| format!("{door:?}, {case}");
    let knock = |stand: &Stand, password: &str| {
        stand.knock(door, Login::new(&door.mailbox(), password)).unwrap()
    };
    knock(stand, SECRET).must_be_in(&what("no second factor"));
    knock(stand, "s3cret w0rd").must_be_refused(&what("no second factor, wrong password"));
    stand.knock(door, bob()).unwrap().must_be_in(&what("a password that ends in digits"));

    let mut codes = stand.enrol(&door.mailbox()).unwrap();
    let alone = knock(stand, SECRET).must_be_refused(&what("password alone"));
    let wrong = codes.wrong().unwrap();
    let wrong = knock(stand, &format!("{SECRET}{wrong}")).must_be_refused(&what("wrong code"));
    let code = codes.fresh().unwrap();
    let no_password = knock(stand, &code).must_be_refused(&what("code alone"));
    let typo = knock(stand, &format!("s3cret word{code}")).must_be_refused(&what("typo"));
    for other in [wrong, no_password, typo] {
        assert_eq!(other.words, alone.words, "{door:?}: refusals differ");
    }

    // The typo and the code alone did not use the code up.
    let credential = format!("{SECRET}{code}");
    knock(stand, &credential).must_be_in(&what("password and code"));
    let again = stand.imap().from_address(ELSEWHERE);
    let again = again.login(Login::new(&door.mailbox(), &credential), Mail::Nothing).unwrap();
    again.must_be_refused(&what("the same code from another address"));

    let code = codes.fresh().unwrap();
    let (front, back) = code.split_at(3);
    knock(stand, &format!("{SECRET}{front} {back}")).must_be_in(&what("code with a space"));
}

/// A name in another spelling is the same mailbox.
fn other_spellings(stand: &Stand) {
    let mut codes = stand.enrol(ALICE).unwrap();
    for name in ["alice@example.org", "Alice@Example.ORG", "alice", "ALICE"] {
        for door in [Door::ImapPlain, Door::PostfixPlain, Door::AuthClient] {
            let answer = stand.knock(door, Login::new(name, ALICE_PASSWORD)).unwrap();
            answer.must_be_refused(&format!("{name} with the password alone, {door:?}"));
        }
    }
    let credential = format!("{ALICE_PASSWORD}{}", codes.fresh().unwrap());
    let answer = stand.knock(Door::ImapPlain, Login::new("Alice", &credential)).unwrap();
    answer.must_be_in("Alice with password and code");
    let answer = stand.knock(Door::PostfixPlain, Login::new(ALICE, &credential)).unwrap();
    answer.must_be_in("the sign-in of Alice, for alice");
    let answer = stand.smtp(Sasl::Plain).from_address(ELSEWHERE);
    let answer = answer.login(Login::new(ALICE, &credential)).unwrap();
    answer.must_be_refused("the code that Alice used, for alice, from another address");
    // Another mailbox is not touched, and a code does not help it.
    let foreign = format!("{BOB_PASSWORD}{}", codes.fresh().unwrap());
    stand.knock(Door::ImapPlain, Login::new(BOB, &foreign)).unwrap().must_be_refused("bob + code");
    stand.knock(Door::ImapPlain, bob()).unwrap().must_be_in("bob");
    let cut = &BOB_PASSWORD[..BOB_PASSWORD.len() - 6];
    stand.knock(Door::ImapPlain, Login::new(BOB, cut)).unwrap().must_be_refused("bob, cut");
}

/// Mail is read and sent with codes.
fn a_message_goes_through(stand: &Stand) {
    let (name, password) = (CAROL, "pencil");
    lmtp_deliver(stand.dovecot.lmtp(), name, "earlier", "a message from before").unwrap();
    let mut codes = stand.enrol(name).unwrap();
    let credential = format!("{password}{}", codes.fresh().unwrap());
    let read = stand.imap().login(Login::new(name, &credential), Mail::Read(1)).unwrap();
    assert!(read.must_be_in("reading").output.contains("a message from before"));

    let refused = stand.smtp(Sasl::Plain).send(Login::new(name, password), BOB, "never").unwrap();
    refused.must_be_refused("sending with the password alone");
    let credential = format!("{password}{}", codes.fresh().unwrap());
    let sent = stand.smtp(Sasl::Plain).send(Login::new(name, &credential), BOB, "by postfix");
    sent.unwrap().must_be_in("sending through Postfix");
    let credential = format!("{password}{}", codes.fresh().unwrap());
    let sent = stand.submission(Sasl::Plain).send(Login::new(name, &credential), BOB, "by dovecot");
    sent.unwrap().must_be_in("sending through Dovecot");
    for subject in ["by postfix", "by dovecot"] {
        wait::until("the message to arrive", || {
            (1..=2).find(|number| {
                let read = stand.imap().login(bob(), Mail::Read(*number)).unwrap();
                read.output.contains(subject)
            })
        })
        .unwrap();
    }
}

/// EXTERNAL, by which mail2fa itself vouches, is neither offered to clients nor taken from them.
fn no_mechanism_without_a_code(stand: &Stand) {
    let stream = TcpStream::connect(("127.0.0.1", stand.dovecot.imap())).unwrap();
    let mut lines = BufReader::new(stream.try_clone().unwrap()).lines().map(Result::unwrap);
    let greeting = lines.next().unwrap();
    let offered: Vec<&str> =
        greeting.split([' ', ']']).filter(|word| word.starts_with("AUTH=")).collect();
    assert_eq!(offered, ["AUTH=PLAIN", "AUTH=LOGIN"], "{greeting}");
    for (tag, mechanism) in ["EXTERNAL", "DOVECOT-TOKEN", "ANONYMOUS"].iter().enumerate() {
        let name = STANDARD.encode(ALICE);
        writeln!(&stream, "a{tag} AUTHENTICATE {mechanism} {name}\r").unwrap();
        let reply = lines.next().unwrap();
        assert!(reply.starts_with(&format!("a{tag} NO")), "{mechanism}: {reply}");
    }
    let answer = stand.smtp(Sasl::Plain).login(bob()).unwrap();
    let offered = answer.output.lines().find(|line| line.contains("AUTH ")).unwrap_or_default();
    assert!(offered.ends_with("AUTH PLAIN LOGIN"), "{offered}");
}

/// Of many logins at once with one code, from as many addresses, exactly one gets in.
fn one_code_opens_once(stand: &Stand) {
    let (name, password) = (DAVE, "pencil");
    let mut codes = stand.enrol(name).unwrap();
    let credential = format!("{password}{}", codes.fresh().unwrap());
    let verdicts: Vec<Verdict> = std::thread::scope(|scope| {
        let threads: Vec<_> = (1..=8)
            .map(|last| {
                let curl = stand.imap().from_address(Ipv4Addr::new(127, 0, 0, last));
                let login = Login::new(name, &credential);
                scope.spawn(move || curl.login(login, Mail::Nothing).unwrap().verdict)
            })
            .collect();
        threads.into_iter().map(|thread| thread.join().unwrap()).collect()
    });
    let count = |wanted| verdicts.iter().filter(|verdict| **verdict == wanted).count();
    assert_eq!((count(Verdict::In), count(Verdict::Refused)), (1, 7), "{verdicts:?}");
}

/// Switched off, the password alone is enough again and a code is too much.
fn off_again(stand: &Stand) {
    stand.mail2fa().cli_text(&["totp", "disable", ALICE, "--yes"], "").unwrap();
    for door in [Door::ImapPlain, Door::PostfixPlain] {
        stand.knock(door, alice()).unwrap().must_be_in("switched off");
        let with_code = format!("{ALICE_PASSWORD}123456");
        let answer = stand.knock(door, Login::new(ALICE, &with_code)).unwrap();
        answer.must_be_refused("switched off, with a code");
    }
}

#[test]
fn dovecot_2_3_with_its_own_passwords() {
    every_door(Generation::V23, PasswordMode::Dovecot);
}

#[test]
fn dovecot_2_3_with_the_stores_passwords() {
    every_door(Generation::V23, PasswordMode::Store);
}

#[test]
fn dovecot_2_4_with_its_own_passwords() {
    every_door(Generation::V24, PasswordMode::Dovecot);
}

#[test]
fn dovecot_2_4_with_the_stores_passwords() {
    every_door(Generation::V24, PasswordMode::Store);
}
