//! Notices on their way: from mail2fa through Postfix into a mailbox, read back through Dovecot.

use std::io::Write as _;

use nix::sys::signal::Signal;
use peers::clients::{Login, Sasl};
use peers::stand::{ALICE, ALICE_PASSWORD, BOB, BOB_PASSWORD};
use peers::{Doors, Generation, PasswordMode, Stand, wait};

const DAY: u64 = 86_400;
const AGAIN: &str = "the configuration was read again";

/// Adds the section to the configuration and has it read again.
fn configure(stand: &Stand, relay: &str, more: &str) {
    let mail2fa = stand.mail2fa();
    let before = mail2fa.log().matches(AGAIN).count();
    let path = mail2fa.config_file();
    let text = std::fs::read_to_string(&path).unwrap();
    let rest = text.split("\n[notices]").next().unwrap();
    let mut file = std::fs::File::create(&path).unwrap();
    write!(
        file,
        "{rest}\n[notices]\nfrom = \"Example Mail <noreply@example.org>\"\nsmtp = \"{relay}\"\n{more}\n"
    )
    .unwrap();
    drop(file);
    mail2fa.signal(Signal::SIGHUP).unwrap();
    wait::until("the reload", || (mail2fa.log().matches(AGAIN).count() > before).then_some(()))
        .unwrap_or_else(|error| panic!("{error}\n{}", mail2fa.log()));
}

/// Waits for a message with this subject, and gives it as Dovecot has it.
fn arrived(stand: &Stand, name: &str, subject: &str) -> String {
    arrived_with(stand, name, subject, "Subject:")
}

/// The same, where an earlier one has that subject as well: the messages, once these words are in one.
fn arrived_with(stand: &Stand, name: &str, subject: &str, words: &str) -> String {
    let arguments = ["fetch", "-u", name, "text", "HEADER", "SUBJECT", subject];
    wait::until(&format!("{subject:?} for {name} with {words:?}"), || {
        let output = stand.dovecot.doveadm(&arguments).unwrap().output().unwrap();
        let text = String::from_utf8_lossy(&output.stdout).into_owned();
        text.contains(words).then_some(text)
    })
    .unwrap_or_else(|error| {
        let postfix = std::fs::read_to_string(stand.postfix.log_file()).unwrap_or_default();
        panic!("{error}\n{}\n{postfix}", stand.mail2fa().log())
    })
}

/// Wrong codes that differ: the same one again says nothing new, and is not counted.
fn wrong(codes: &peers::Codes, number: u32) -> String {
    let first: u32 = codes.wrong().unwrap().parse().unwrap();
    format!("{:06}", (first + 111_111 * number) % 1_000_000)
}

#[track_caller]
fn has(mail: &str, words: &str) {
    assert!(mail.contains(words), "{words:?} in\n{mail}");
}

#[test]
fn they_arrive_over_a_unix_socket_and_over_tcp() {
    let stand = Stand::start(Generation::V23, PasswordMode::Dovecot, Doors::Mail2fa).unwrap();
    let mail2fa = stand.mail2fa();
    configure(&stand, &format!("unix:{}", stand.postfix.notice_socket().display()), "");
    mail2fa.cli_text(&["notice", "test", BOB], "").unwrap();
    let mail = arrived(&stand, BOB, "Test message");
    has(&mail, "Auto-Submitted: auto-generated");
    has(&mail, "From: \"Example Mail\" <noreply@example.org>");
    has(&mail, "Return-Path: <>");

    let relay = format!("127.0.0.1:{}", stand.postfix.relay());
    configure(&stand, &relay, "");
    let codes = stand.enrol(ALICE).unwrap();
    has(&arrived(&stand, ALICE, "is on for"), "2-factor authentication was switched on");
    mail2fa.cli_text(&["app-password", "add", ALICE, "phone"], "").unwrap();
    has(&arrived(&stand, ALICE, "New app password"), "named \"phone\"");

    let made = mail2fa.cli_text(&["--json", "recovery-codes", "new", ALICE], "").unwrap();
    let made: serde_json::Value = serde_json::from_str(&made).unwrap();
    let typed = format!("{ALICE_PASSWORD}{}", made["recovery_codes"][0].as_str().unwrap());
    let answer = stand.smtp(Sasl::Plain).login(Login::new(ALICE, &typed)).unwrap();
    answer.must_be_in("a recovery code");
    let mail = arrived(&stand, ALICE, "A recovery code of");
    has(&mail, "Recovery codes left:  9");
    has(&mail, "Service:              smtp");
    has(&mail, "Address:              127.0.0.1");
    assert!(!mail.contains(&typed) && !mail.contains(ALICE_PASSWORD), "{mail}");

    // Three wrong codes: one notice, in another language from here on.
    configure(&stand, &relay, "language = \"de\"");
    for number in 0..4 {
        let typed = format!("{ALICE_PASSWORD}{}", wrong(&codes, number));
        let answer = stand.smtp(Sasl::Plain).login(Login::new(ALICE, &typed)).unwrap();
        answer.must_be_refused("a wrong code");
    }
    has(&arrived(&stand, ALICE, "Jemand kennt das Passwort"), "Letzter Versuch:");
    mail2fa.cli_text(&["totp", "disable", ALICE, "--yes"], "").unwrap();
    arrived(&stand, ALICE, "Zwei-Faktor-Anmeldung ist ausgeschaltet");
    assert_eq!(mail2fa.log().matches("kind=\"wrong_codes\"").count(), 1, "{}", mail2fa.log());
}

/// The clock is moved; a round of reminders begins with each reload.
#[test]
fn owners_hear_that_a_second_factor_will_be_required() {
    let mut stand = Stand::start_with_clock(Generation::V23, PasswordMode::Dovecot).unwrap();
    let relay = format!("127.0.0.1:{}", stand.postfix.relay());
    stand.next_noon().unwrap();
    let date = stand.day(8, "%F").unwrap();
    let rules = format!("[enforcement]\nrequired_from = {date}");
    // bob is known by his login only.
    stand.smtp(Sasl::Plain).login(Login::new(BOB, BOB_PASSWORD)).unwrap().must_be_in("bob");
    let listed = || stand.mail2fa().cli_text(&["mailbox", "programs", BOB, "--json"], "");
    wait::until("bob's program", || listed().unwrap().contains("smtp").then_some(())).unwrap();
    stand.forward(60).unwrap();
    stand.enrol(ALICE).unwrap();
    let sent = |stand: &Stand| {
        stand.mail2fa().log().matches("sent kind=\"second_factor_required\"").count()
    };
    let round = |stand: &Stand, count: usize| {
        configure(stand, &relay, &rules);
        wait::until("the mail", || (sent(stand) >= count).then_some(())).unwrap();
    };
    // The program is written down within a second or two of the clock's move. Each reload begins a new round,
    // so it gets the time for one.
    wait::until("the round", || {
        configure(&stand, &relay, &rules);
        (0..20).find_map(|_| {
            std::thread::sleep(std::time::Duration::from_millis(100));
            (sent(&stand) == 1).then_some(())
        })
    })
    .unwrap();
    let mail = arrived(&stand, BOB, "will be required");
    has(&mail, &format!("From {date} 00:00 UTC on, your mailbox bob@example.org"));
    has(&mail, "Days left:  8");
    assert!(stand.mail2fa_mut().stop().unwrap().success());
    stand.mail2fa_mut().start_again().unwrap();
    configure(&stand, &relay, &rules);
    assert_eq!(sent(&stand), 1, "a restart tells nothing twice");
    stand.forward(5 * DAY).unwrap();
    round(&stand, 2);
    arrived_with(&stand, BOB, "will be required", "Days left:  3");
    let log = stand.mail2fa().log();
    assert!(!log.contains("sent kind=\"second_factor_required\" mailbox=alice"), "{log}");
}

/// Nobody takes notices, and nobody who logs in or changes something notices that.
#[test]
fn logins_do_not_wait_for_a_relay_that_is_not_there() {
    let mut stand = Stand::start(Generation::V23, PasswordMode::Dovecot, Doors::Mail2fa).unwrap();
    configure(&stand, "unix:/nonexistent/smtp", "");
    let mut codes = stand.enrol(ALICE).unwrap();
    for number in 0..4 {
        let typed = format!("{ALICE_PASSWORD}{}", wrong(&codes, number));
        let answer = stand.smtp(Sasl::Plain).login(Login::new(ALICE, &typed)).unwrap();
        answer.must_be_refused("a wrong code");
    }
    let typed = format!("{ALICE_PASSWORD}{}", codes.fresh().unwrap());
    stand.smtp(Sasl::Plain).login(Login::new(ALICE, &typed)).unwrap().must_be_in("alice");
    stand.smtp(Sasl::Plain).login(Login::new(BOB, BOB_PASSWORD)).unwrap().must_be_in("bob");
    let failed = stand.mail2fa().cli(&["notice", "test", BOB], "").unwrap();
    assert_eq!(failed.status.code(), Some(69), "{failed:?}");
    has(&String::from_utf8_lossy(&failed.stderr), "unix:/nonexistent/smtp: No such file");
    let status = stand.mail2fa_mut().stop().unwrap();
    assert!(status.success(), "{status:?}");
    has(&stand.mail2fa().log(), "not sent: the owner was not told");
}
