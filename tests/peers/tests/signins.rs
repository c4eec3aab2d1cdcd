//! What people do all day with a second factor: mail programs and webmail that log in again and
//! again with one string, app passwords, recovery codes.

use std::net::Ipv4Addr;

use peers::clients::{Login, Mail, Sasl, lmtp_deliver, mbsync};
use peers::stand::{ALICE, ALICE_PASSWORD, BOB, BOB_PASSWORD};
use peers::{Door, Doors, Generation, PasswordMode, Stand, Verdict, wait};
use serde_json::Value;

const ELSEWHERE: Ipv4Addr = Ipv4Addr::new(127, 0, 0, 2);

/// Runs a command of mail2fa and gives its JSON.
fn command(stand: &Stand, arguments: &[&str]) -> Value {
    let arguments = [&["--json"], arguments].concat();
    serde_json::from_str(&stand.mail2fa().cli_text(&arguments, "").unwrap()).unwrap()
}

/// How many logins the log tells of with this reason, for alice.
fn told(stand: &Stand, reason: &str) -> usize {
    let wanted = format!(" reason={reason} mailbox=\"{ALICE}\" ");
    stand.mail2fa().log().lines().filter(|line| line.contains(&wanted)).count()
}

/// Waits for the log, whose lines are written beside the logins.
fn wait_told(stand: &Stand, reason: &str, wanted: usize) {
    wait::until("the log", || (told(stand, reason) >= wanted).then_some(())).unwrap();
    assert_eq!(told(stand, reason), wanted, "{reason}");
}

fn a_day(generation: Generation, mode: PasswordMode) {
    let mut stand = Stand::start(generation, mode, Doors::Mail2fa).unwrap();
    lmtp_deliver(stand.dovecot.lmtp(), ALICE, "Lunch", "Lunch at noon").unwrap();
    let mut codes = stand.enrol(ALICE).unwrap();
    let typed = format!("{ALICE_PASSWORD}{}", codes.fresh().unwrap());
    webmail(&stand, Login::new(ALICE, &typed));
    restart(&mut stand, Login::new(ALICE, &typed));
    ended(&stand, Login::new(ALICE, &typed));
    let typed = format!("{ALICE_PASSWORD}{}", codes.fresh().unwrap());
    connections_at_once(&stand, Login::new(ALICE, &typed));
    app_passwords(&stand);
    recovery(&stand);
    lock(&stand, Login::new(ALICE, &typed));
}

/// One new IMAP login for each click, and mail sent in between, with one string from one address.
fn webmail(stand: &Stand, login: Login<'_>) {
    for click in 0..25 {
        let answer = stand.imap().login(login, Mail::Read(1)).unwrap();
        let answer = answer.must_be_in(&format!("click {click}"));
        assert!(answer.output.contains("Lunch at noon"), "{answer}");
        if click % 10 == 5 {
            let sent = stand.smtp(Sasl::Plain).send(login, BOB, "from webmail").unwrap();
            sent.must_be_in("sending");
        }
    }
    wait_told(stand, "password+session", 26);
    assert_eq!(told(stand, "password+code"), 1);
    for door in [Door::Pop3, Door::Sieve, Door::SubmissionPlain, Door::ImapLogin] {
        stand.knock(door, login).unwrap().must_be_in(&format!("the same sign-in, {door:?}"));
    }
    let answer = stand.imap().from_address(ELSEWHERE).login(login, Mail::Nothing).unwrap();
    answer.must_be_refused("the same string from another address");
    let answer = stand.smtp(Sasl::Plain).from_address(ELSEWHERE).login(login).unwrap();
    answer.must_be_refused("the same string from another address, SMTP");
    let list = command(stand, &["session", "list", ALICE]);
    assert_eq!(list["sessions"].as_array().map(Vec::len), Some(1), "{list}");
    assert_eq!(list["sessions"][0]["opened"]["from"], "127.0.0.1");
}

/// A sign-in outlives mail2fa, stopped or killed.
fn restart(stand: &mut Stand, login: Login<'_>) {
    stand.mail2fa_mut().stop().unwrap();
    stand.mail2fa_mut().start_again().unwrap();
    stand.knock(Door::ImapPlain, login).unwrap().must_be_in("after a restart");
    stand.mail2fa_mut().kill();
    stand.mail2fa_mut().start_again().unwrap();
    stand.knock(Door::PostfixPlain, login).unwrap().must_be_in("after a crash");
}

/// Revoked, the string is a used code.
fn ended(stand: &Stand, login: Login<'_>) {
    let list = command(stand, &["session", "list", ALICE]);
    let id = list["sessions"][0]["id"].to_string();
    let revoked = command(stand, &["session", "revoke", ALICE, &id]);
    assert_eq!(revoked["revoked"], 1);
    for door in [Door::ImapPlain, Door::PostfixPlain] {
        stand.knock(door, login).unwrap().must_be_refused("after its session was revoked");
    }
    // With the two from another address. What was logged before is there with them: others count from here.
    wait::until("the refusals in the log", || {
        (told(stand, "used_code") + told(stand, "wrong_code") >= 4).then_some(())
    })
    .unwrap();
}

/// Thunderbird opens five connections at once; three mbsync synchronise at once.
fn connections_at_once(stand: &Stand, login: Login<'_>) {
    let before = told(stand, "password+session");
    let verdicts: Vec<Verdict> = std::thread::scope(|scope| {
        let threads: Vec<_> = (0..5)
            .map(|_| scope.spawn(|| stand.imap().login(login, Mail::Read(1)).unwrap().verdict))
            .collect();
        threads.into_iter().map(|thread| thread.join().unwrap()).collect()
    });
    assert_eq!(verdicts, [Verdict::In; 5]);
    // One of them used the code up.
    wait_told(stand, "password+session", before + 4);
    std::thread::scope(|scope| {
        for number in 0..3 {
            scope.spawn(move || {
                let into = stand.folder.path().join(format!("mbsync-at-once-{number}"));
                mbsync(stand.dovecot.imap(), login, &into).unwrap().must_be_in("mbsync");
            });
        }
    });
}

fn app_passwords(stand: &Stand) {
    let add = |arguments: &[&str]| {
        let added = command(stand, &[&["app-password", "add", ALICE], arguments].concat());
        let field = |key: &str| added[key].as_str().unwrap().to_owned();
        (field("id"), field("password"))
    };
    let (id, imap_only) = add(&["phone", "--service", "imap"]);
    let (_, anywhere) = add(&["laptop"]);
    let (_, far) = add(&["printer", "--network", "192.0.2.0/24"]);
    let imap_only = Login::new(ALICE, &imap_only);
    for door in [Door::ImapPlain, Door::ImapLogin, Door::Mbsync] {
        stand.knock(door, imap_only).unwrap().must_be_in(&format!("app password, {door:?}"));
    }
    let answer = stand.imap().from_address(ELSEWHERE).login(imap_only, Mail::Read(1)).unwrap();
    answer.must_be_in("app password from another address");
    for door in [Door::PostfixPlain, Door::SubmissionPlain, Door::Pop3, Door::Sieve] {
        let answer = stand.knock(door, imap_only).unwrap();
        answer.must_be_refused(&format!("app password for imap only, {door:?}"));
    }
    let plain = anywhere.replace('-', "").to_uppercase();
    for door in Door::ALL {
        let answer = stand.knock(door, Login::new(ALICE, &plain)).unwrap();
        answer.must_be_in(&format!("app password typed without dashes, {door:?}"));
    }
    let sent = stand.smtp(Sasl::Plain).send(Login::new(ALICE, &anywhere), BOB, "by app password");
    sent.unwrap().must_be_in("sending with an app password");
    let answer = stand.knock(Door::ImapPlain, Login::new(ALICE, &far)).unwrap();
    answer.must_be_refused("app password of another network");
    let answer = stand.knock(Door::ImapPlain, Login::new(BOB, &anywhere)).unwrap();
    answer.must_be_refused("app password of another mailbox");

    let list = command(stand, &["app-password", "list", ALICE]);
    assert_eq!(list["app_passwords"][0]["last_use"]["service"], "imap", "{list}");
    command(stand, &["app-password", "revoke", ALICE, &id]);
    let answer = stand.knock(Door::ImapPlain, imap_only).unwrap();
    answer.must_be_refused("revoked app password");

    // Somebody without a second factor may have one, too.
    let added = command(stand, &["app-password", "add", BOB, "phone"]);
    let password = added["password"].as_str().unwrap();
    for typed in [password, BOB_PASSWORD] {
        for door in [Door::ImapPlain, Door::PostfixPlain] {
            stand.knock(door, Login::new(BOB, typed)).unwrap().must_be_in("bob, both ways");
        }
    }
}

fn recovery(stand: &Stand) {
    let set = command(stand, &["recovery-codes", "new", ALICE]);
    let code = set["recovery_codes"][0].as_str().unwrap();
    let typed = format!("{ALICE_PASSWORD}{code}");
    let answer = stand.knock(Door::ImapPlain, Login::new(ALICE, code)).unwrap();
    answer.must_be_refused("recovery code alone");
    let answer = stand.knock(Door::ImapPlain, Login::new(ALICE, &typed)).unwrap();
    answer.must_be_in("password and recovery code");
    let answer =
        stand.imap().from_address(ELSEWHERE).login(Login::new(ALICE, &typed), Mail::Nothing);
    answer.unwrap().must_be_refused("a used recovery code");
    let left = command(stand, &["recovery-codes", "left", ALICE]);
    assert_eq!((&left["left"], &left["of"]), (&9.into(), &10.into()));
}

fn lock(stand: &Stand, login: Login<'_>) {
    stand.knock(Door::ImapPlain, login).unwrap().must_be_in("before the lock");
    command(stand, &["lock", ALICE]);
    for door in [Door::ImapPlain, Door::PostfixPlain] {
        stand.knock(door, login).unwrap().must_be_refused("locked");
    }
    command(stand, &["unlock", ALICE]);
    stand.knock(Door::ImapPlain, login).unwrap().must_be_refused("its session ended with the lock");
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

/// `passwords.cache`: at Postfix a session asks Dovecot once; Dovecot's own doors ask each time.
fn remembered(generation: Generation) {
    let mut stand = Stand::start(generation, PasswordMode::Dovecot, Doors::Mail2fa).unwrap();
    stand.mail2fa().remember_passwords("5m").unwrap();
    let mut codes = stand.enrol(ALICE).unwrap();
    let typed = format!("{ALICE_PASSWORD}{}", codes.fresh().unwrap());
    let login = Login::new(ALICE, &typed);
    let smtp = |stand: &Stand| stand.smtp(Sasl::Plain).login(login).unwrap();
    for what in ["with its code", "asked", "remembered"] {
        smtp(&stand).must_be_in(what);
    }
    stand.knock(Door::ImapPlain, login).unwrap().must_be_in("the same sign-in");
    // The daemon does not hear of it; what it has found right it does not ask for again.
    stand.dovecot.set_passwords(&[(ALICE, "another")], "SHA512-CRYPT").unwrap();
    smtp(&stand).must_be_in("remembered still");
    stand.knock(Door::ImapPlain, login).unwrap().must_be_refused("Dovecot is asked");
    let submission = stand.knock(Door::SubmissionPlain, login).unwrap();
    submission.must_be_refused("Dovecot is asked at its submission as well");
    let answer = stand.smtp(Sasl::Plain).from_address(ELSEWHERE).login(login).unwrap();
    answer.must_be_refused("another address");
    // What is changed here it hears of.
    stand.mail2fa().cli_text(&["app-password", "add", ALICE, "phone"], "").unwrap();
    smtp(&stand).must_be_refused("the record is another one");
    stand.dovecot.set_passwords(&[(ALICE, ALICE_PASSWORD)], "SHA512-CRYPT").unwrap();
    for what in ["right again", "remembered again"] {
        smtp(&stand).must_be_in(what);
    }
    stand.mail2fa().cli_text(&["lock", ALICE], "").unwrap();
    smtp(&stand).must_be_refused("locked");
}

#[test]
fn a_password_that_is_remembered_dovecot_2_3() {
    remembered(Generation::V23);
}

#[test]
fn a_password_that_is_remembered_dovecot_2_4() {
    remembered(Generation::V24);
}
