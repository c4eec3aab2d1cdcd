//! Webmail tokens at real servers: password and code are exchanged once, and then the token logs in again
//! and again at IMAP, ManageSieve and SMTP, until it ends.
//!
//! The exchange goes over the API, by the control socket.

use std::io::Write as _;
use std::net::Ipv4Addr;
use std::process::{Command, Stdio};

use peers::clients::{Login, Mail, Sasl, lmtp_deliver};
use peers::stand::{ALICE, ALICE_PASSWORD, BOB, BOB_PASSWORD};
use peers::{Door, Doors, Generation, PasswordMode, Stand, wait};
use serde_json::{Value, json};

const ELSEWHERE: Ipv4Addr = Ipv4Addr::new(127, 0, 0, 2);
const MINE: [Door; 6] = [
    Door::ImapPlain,
    Door::ImapLogin,
    Door::Sieve,
    Door::SubmissionPlain,
    Door::PostfixPlain,
    Door::PostfixLogin,
];

/// Exchanges name, password and code, as a webmail does; what the API says.
fn exchanged(stand: &Stand, name: &str, password: &str, code: Option<&str>) -> Value {
    let mut asked = json!({
        "mailbox": name, "password": password, "webmail": "test", "browser": "192.0.2.77",
    });
    if let Some(code) = code {
        asked["code"] = code.into();
    }
    let mut curl = Command::new("curl")
        .args(["--silent", "--show-error", "--max-time", "60", "--unix-socket"])
        .arg(stand.mail2fa().root().join("control"))
        .args(["--header", "Content-Type: application/json", "--data", "@-"])
        .arg("http://localhost/v1/webmail/tokens")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    curl.stdin.take().unwrap().write_all(asked.to_string().as_bytes()).unwrap();
    let output = curl.wait_with_output().unwrap();
    serde_json::from_slice(&output.stdout)
        .unwrap_or_else(|error| panic!("{error}: {}", String::from_utf8_lossy(&output.stdout)))
}

fn token(exchanged: &Value) -> String {
    assert_eq!(exchanged["result"], "token", "{exchanged}");
    exchanged["token"].as_str().unwrap().to_owned()
}

fn command(stand: &Stand, arguments: &[&str]) -> Value {
    let arguments = [&["--json"], arguments].concat();
    serde_json::from_str(&stand.mail2fa().cli_text(&arguments, "").unwrap()).unwrap()
}

/// Logins of alice that the log tells of with this reason.
fn told(stand: &Stand, reason: &str) -> usize {
    let wanted = format!(" reason={reason} mailbox=\"{ALICE}\" ");
    stand.mail2fa().log().lines().filter(|line| line.contains(&wanted)).count()
}

fn a_day(generation: Generation, mode: PasswordMode) {
    let mut stand = Stand::start_with_clock(generation, mode).unwrap();
    lmtp_deliver(stand.dovecot.lmtp(), ALICE, "Lunch", "Lunch at noon").unwrap();
    let mut codes = stand.enrol(ALICE).unwrap();
    let (wrong, good) = (codes.wrong().unwrap(), codes.fresh().unwrap());
    for (password, code, result) in [
        (ALICE_PASSWORD, None, "code_required"),
        (ALICE_PASSWORD, Some(&*wrong), "refused"),
        ("guess", Some(&*good), "refused"),
    ] {
        let answer = exchanged(&stand, ALICE, password, code);
        assert_eq!(answer["result"], result, "{answer}");
    }
    wait::until("the log", || {
        let told = (told(&stand, "wrong_code"), told(&stand, "wrong_password"));
        (told == (1, 1)).then_some(())
    })
    .unwrap();
    let alices = token(&exchanged(&stand, ALICE, ALICE_PASSWORD, Some(&good)));
    let bobs = token(&exchanged(&stand, BOB, BOB_PASSWORD, None));
    let (alice, bob) = (Login::new(ALICE, &alices), Login::new(BOB, &bobs));
    for door in MINE {
        stand.knock(door, alice).unwrap().must_be_in(&format!("alice's token, {door:?}"));
        stand.knock(door, bob).unwrap().must_be_in(&format!("bob's token, {door:?}"));
    }
    stand.knock(Door::Pop3, alice).unwrap().must_be_refused("not one of its services");
    stand.knock(Door::ImapPlain, Login::new(BOB, &alices)).unwrap().must_be_refused("hers");
    let answer = stand.imap().from_address(ELSEWHERE).login(alice, Mail::Nothing).unwrap();
    answer.must_be_refused("from elsewhere, IMAP");
    let answer = stand.smtp(Sasl::Plain).from_address(ELSEWHERE).login(alice).unwrap();
    answer.must_be_refused("from elsewhere, SMTP");
    clicks(&mut stand, alice);
    ends(&stand, alice, bob);
}

/// One new login for each click, for eleven hours, over a restart and a crash.
fn clicks(stand: &mut Stand, alice: Login<'_>) {
    for click in 0..22 {
        let read = stand.imap().login(alice, Mail::Read(1)).unwrap();
        let read = read.must_be_in(&format!("click {click}"));
        assert!(read.output.contains("Lunch at noon"), "{read}");
        match click {
            7 => {
                stand.mail2fa_mut().stop().unwrap();
                stand.mail2fa_mut().start_again().unwrap();
            }
            14 => {
                stand.mail2fa_mut().kill();
                stand.mail2fa_mut().start_again().unwrap();
            }
            _ => {}
        }
        stand.forward(1_800).unwrap();
    }
    let sent = stand.smtp(Sasl::Plain).send(alice, BOB, "by token").unwrap();
    sent.must_be_in("sending");
}

/// Bob's was idle; Alice's is ended by hand, at once, and the others go on.
fn ends(stand: &Stand, alice: Login<'_>, bob: Login<'_>) {
    stand.knock(Door::ImapPlain, bob).unwrap().must_be_refused("bob's was idle for hours");
    stand.knock(Door::ImapPlain, Login::new(BOB, BOB_PASSWORD)).unwrap().must_be_in("bob himself");
    let list = command(stand, &["session", "list", ALICE]);
    let sessions = list["sessions"].as_array().unwrap();
    let [session] = &sessions[..] else { panic!("{list}") };
    assert_eq!(session["webmail"], "test");
    assert_eq!(session["opened"]["from"], "192.0.2.77");
    let revoked = command(stand, &["session", "revoke", ALICE, &session["id"].to_string()]);
    assert_eq!(revoked["revoked"], 1);
    for door in MINE {
        stand.knock(door, alice).unwrap().must_be_refused(&format!("revoked, {door:?}"));
    }
    wait::until("the log", || (told(stand, "webmail_token_wrong") >= MINE.len()).then_some(()))
        .unwrap();
    let log = stand.mail2fa().log();
    assert!(!log.contains(alice.password) && !log.contains(bob.password), "a token was logged");
    let dovecots = stand.folder.logs();
    assert!(!dovecots.contains(alice.password), "Dovecot or Postfix has logged a token");
}

#[test]
fn dovecot_2_3_with_its_own_passwords() {
    a_day(Generation::V23, PasswordMode::Dovecot);
}

#[test]
fn dovecot_2_3_with_the_stores_passwords() {
    a_day(Generation::V23, PasswordMode::Store);
}

#[test]
fn dovecot_2_4_with_its_own_passwords() {
    a_day(Generation::V24, PasswordMode::Dovecot);
}

#[test]
fn a_change_of_the_mailbox_ends_it_at_dovecots_doors() {
    let mut stand = Stand::start(Generation::V23, PasswordMode::Store, Doors::Mail2fa).unwrap();
    let mut codes = stand.enrol(ALICE).unwrap();
    let good = codes.fresh().unwrap();
    let token = token(&exchanged(&stand, ALICE, ALICE_PASSWORD, Some(&good)));
    let alice = Login::new(ALICE, &token);
    stand.knock(Door::ImapPlain, alice).unwrap().must_be_in("before");
    stand.set_passwords(&[(ALICE, "another")]).unwrap();
    for door in [Door::ImapPlain, Door::PostfixPlain] {
        stand.knock(door, alice).unwrap().must_be_refused("after the password was changed");
    }
}
