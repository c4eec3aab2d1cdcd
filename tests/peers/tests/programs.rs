//! Mail programs that open several connections with what was typed once, through a whole sign-in: as
//! often as they like while it lives, and not after its end. mail2fa's clock is moved.

use std::path::{Path, PathBuf};

use peers::clients::{Imap, Login, Neomutt, Sasl, lmtp_deliver, mbsync_channels, offlineimap};
use peers::stand::{ALICE, ALICE_PASSWORD, BOB};
use peers::{Answer, Codes, Generation, PasswordMode, Stand, wait};

const MINUTE: u64 = 60;
const HOUR: u64 = 3600;

fn start(generation: Generation, mode: PasswordMode) -> (Stand, Codes) {
    let stand = Stand::start_with_clock(generation, mode).unwrap();
    for (number, folder) in ["Drafts", "Sent", "Work", "Lists"].iter().enumerate() {
        doveadm(&stand, &["mailbox", "create", "-u", ALICE, folder]);
        let subject = format!("earlier {number}");
        lmtp_deliver(stand.dovecot.lmtp(), ALICE, &subject, &subject).unwrap();
    }
    let codes = stand.enrol(ALICE).unwrap();
    (stand, codes)
}

fn doveadm(stand: &Stand, arguments: &[&str]) -> String {
    let output = stand.dovecot.doveadm(arguments).unwrap().output().unwrap();
    assert!(output.status.success(), "{output:?}");
    String::from_utf8(output.stdout).unwrap()
}

/// How many messages with this subject a folder on the server has.
fn on_server(stand: &Stand, name: &str, folder: &str, subject: &str) -> usize {
    let found = doveadm(stand, &["search", "-u", name, "mailbox", folder, "subject", subject]);
    found.lines().count()
}

fn with_code(codes: &mut Codes) -> String {
    format!("{ALICE_PASSWORD}{}", codes.fresh().unwrap())
}

/// Logins of alice that the log tells of, the last ones soon: its lines are written beside them.
fn told(stand: &Stand, words: &str) -> usize {
    let wanted = format!(" {words} mailbox=\"{ALICE}\" ");
    stand.mail2fa().log().lines().filter(|line| line.contains(&wanted)).count()
}

/// Waits until the log tells of so many logins with a session, or more.
fn wait_for_sessions(stand: &Stand, wanted: usize) {
    let enough = || told(stand, "result=accepted reason=password+session") >= wanted;
    wait::until(&format!("{wanted} logins with a session"), || enough().then_some(())).unwrap();
}

/// Files below a folder that have this text in them.
fn local(folder: &Path, text: &str) -> usize {
    let has = |file: &PathBuf| {
        let content = std::fs::read(file).unwrap_or_default();
        String::from_utf8_lossy(&content).contains(text)
    };
    peers::folder::files_below(folder).iter().filter(|file| has(file)).count()
}

/// Thunderbird opens up to five connections at once and keeps them, opens others hours later, and
/// tries a refused string again and again.
fn thunderbird(generation: Generation, mode: PasswordMode) {
    let (stand, mut codes) = start(generation, mode);
    let typed = with_code(&mut codes);
    let login = Login::new(ALICE, &typed);
    let port = stand.dovecot.imap();
    let mut five: Vec<Imap> = (0..5).map(|_| Imap::connect(port).unwrap()).collect();
    for connection in &mut five {
        connection.send_credential(login).unwrap();
    }
    for (number, connection) in five.iter_mut().enumerate() {
        connection.verdict().unwrap().must_be_in(&format!("connection {number}"));
    }
    for (connection, folder) in five.iter_mut().zip(["INBOX", "Drafts", "Sent", "Work", "Lists"]) {
        let said = connection.command(&format!("SELECT {folder}")).unwrap();
        assert!(said.contains("OK"), "{said}");
    }
    wait_for_sessions(&stand, 4);
    assert_eq!(told(&stand, "result=accepted reason=password+code"), 1);

    let one_more = |login: Login<'_>| -> Answer {
        let mut connection = Imap::connect(port).unwrap();
        connection.send_credential(login).unwrap();
        connection.verdict().unwrap()
    };
    for hour in 1..12 {
        stand.forward(HOUR - MINUTE).unwrap();
        one_more(login).must_be_in(&format!("the sixth connection, in hour {hour}"));
    }
    let sent = stand.smtp(Sasl::Plain).send(login, BOB, "by thunderbird").unwrap();
    sent.must_be_in("sending with the same string");
    stand.forward(HOUR).unwrap();
    for _ in 0..21 {
        one_more(login).must_be_refused("after the end of the sign-in");
    }
    // What is open is Dovecot's.
    for connection in &mut five {
        let said = connection.command("NOOP").unwrap();
        assert!(said.contains("OK"), "{said}");
    }
    let typed = with_code(&mut codes);
    one_more(Login::new(ALICE, &typed)).must_be_in("after 21 repetitions, with a new code");
}

#[test]
fn thunderbirds_connections_at_dovecot_2_3() {
    thunderbird(Generation::V23, PasswordMode::Dovecot);
}

#[test]
fn thunderbirds_connections_at_dovecot_2_4() {
    thunderbird(Generation::V24, PasswordMode::Store);
}

/// A program that copies a mailbox to Maildir folders and back: port, login, and where to.
type Copier = fn(u16, Login<'_>, &Path) -> anyhow::Result<Answer>;

/// Runs one again and again with one string.
fn copies_both_ways(copier: Copier, mode: PasswordMode) {
    let (stand, mut codes) = start(Generation::V23, mode);
    let into = stand.folder.path().join("copies");
    let mail = into.join("mail");
    let run = |typed: &str| copier(stand.dovecot.imap(), Login::new(ALICE, typed), &into).unwrap();
    run(ALICE_PASSWORD).must_be_refused("the password alone");
    let typed = with_code(&mut codes);
    run(&typed).must_be_in("the first run");
    assert_eq!(local(&mail, "Subject: earlier"), 4);

    let runs = 6;
    for number in 1..runs {
        stand.forward(50 * MINUTE).unwrap();
        let (down, up) = (format!("down {number}"), format!("up {number}"));
        lmtp_deliver(stand.dovecot.lmtp(), ALICE, &down, &down).unwrap();
        let text = format!("From: {ALICE}\nTo: {BOB}\nSubject: {up}\n\n{up}\n");
        std::fs::write(mail.join(format!("Work/new/{number}.written.here")), text).unwrap();
        run(&typed).must_be_in(&format!("run {number}"));
        assert_eq!(local(&mail, &format!("Subject: {down}")), 1, "{down}");
        assert_eq!(on_server(&stand, ALICE, "Work", &up), 1, "{up}");
    }
    // More than one connection a run, at least now and then.
    wait_for_sessions(&stand, runs);
    assert_eq!(told(&stand, "result=accepted reason=password+code"), 1);

    stand.forward(8 * HOUR).unwrap();
    run(&typed).must_be_refused("after the end of the sign-in");
    let typed = with_code(&mut codes);
    run(&typed).must_be_in("with a new code");
}

#[test]
fn offlineimap_with_three_connections() {
    copies_both_ways(offlineimap, PasswordMode::Dovecot);
}

#[test]
fn mbsync_with_two_channels() {
    copies_both_ways(mbsync_channels, PasswordMode::Store);
}

/// NeoMutt reads, copies, postpones, calls back and sends, over IMAP and SMTP, and when its connection
/// is lost it opens another one.
#[test]
fn neomutt_whose_connection_is_lost() {
    let (stand, mut codes) = start(Generation::V23, PasswordMode::Dovecot);
    let folder = stand.folder.path().join("neomutt");
    let (imap, smtp) = (stand.dovecot.imap(), stand.postfix.submission());
    let neomutt = Neomutt { imap, smtp, folder: &folder };
    let settings = stand.folder.path().join("dovecot/dovecot.conf");
    let kick = format!("doveadm -c {} kick {ALICE}", settings.display());
    let keys = format!(
        "<copy-message>+Work<enter>\
         <mail>{BOB}<enter>by neomutt<enter><postpone-message><recall-message><send-message>\
         <shell-escape>{kick}<enter><change-folder>+Work<enter><change-folder>+Sent<enter>"
    );
    let typed = with_code(&mut codes);
    let login = Login::new(ALICE, &typed);
    for run in 1..=3 {
        let screen = neomutt.press(login, &keys).unwrap();
        assert_eq!(on_server(&stand, ALICE, "Work", "earlier"), run, "{screen}");
        assert_eq!(on_server(&stand, ALICE, "Sent", "by neomutt"), run, "{screen}");
        // Twice IMAP and once SMTP, and one of the three with the code.
        wait_for_sessions(&stand, 3 * run - 1);
        stand.forward(50 * MINUTE).unwrap();
    }
    assert_eq!(told(&stand, "result=accepted reason=password+code"), 1);
    wait::until("the messages to arrive", || {
        (on_server(&stand, BOB, "INBOX", "by neomutt") == 3).then_some(())
    })
    .unwrap();

    stand.forward(HOUR).unwrap();
    let screen = neomutt.press(login, "").unwrap();
    assert!(screen.contains("wrong credentials"), "{screen}");
    let typed = with_code(&mut codes);
    let screen = neomutt.press(Login::new(ALICE, &typed), &keys).unwrap();
    assert_eq!(on_server(&stand, ALICE, "Sent", "by neomutt"), 4, "{screen}");
}
