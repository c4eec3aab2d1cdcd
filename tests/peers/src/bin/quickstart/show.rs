//! The steps themselves.

use std::net::Ipv4Addr;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::sleep;
use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use peers::clients::{Login, Mail, Sasl, lmtp_deliver};
use peers::stand::{ALICE, ALICE_PASSWORD, BOB, BOB_PASSWORD, alice, bob};
use peers::{Codes, Doors, Generation, PasswordMode, Stand, Verdict, wait};

use crate::report::Report;

/// Another address of the same machine, from which somebody tries a code that he saw typed.
const ELSEWHERE: Ipv4Addr = Ipv4Addr::new(127, 0, 0, 2);

/// Runs all steps and, unless `check`, waits until `stop`. Gives whether all came out right.
pub(crate) fn run(check: bool, stop: &AtomicBool) -> Result<bool> {
    let mut report = Report::default();
    println!("Starting a private Dovecot and Postfix on loopback ports, and mail2fa between them");
    println!("and Dovecot's passwords.");
    let start =
        Stand::start_with(Generation::V23, PasswordMode::Dovecot, Doors::Mail2fa, "2s", None);
    let stand = report.done("Dovecot, Postfix and mail2fa start", start, "all three are up")?;
    println!("     All files are in {}", stand.folder.path().display());
    steps(&stand, &mut report, stop).context("a step could not be made")?;
    report.close();
    if !check && !stop.load(Ordering::Relaxed) {
        how_to_connect(&stand);
        while !stop.load(Ordering::Relaxed) {
            sleep(Duration::from_millis(100));
        }
    }
    Ok(report.all_right())
}

fn steps(stand: &Stand, report: &mut Report, stop: &AtomicBool) -> Result<()> {
    let delivered = lmtp_deliver(stand.dovecot.lmtp(), ALICE, "Lunch", "Lunch at noon, at Emma's?");
    report.done("a message is delivered to alice", delivered, "LMTP took it")?;
    let answer = stand.imap().login(alice(), Mail::Read(1))?;
    report.login("IMAP, before: alice with her password alone is in", Verdict::In, &answer);

    let mut codes = enrol(stand, report)?;
    let going_on = || ensure_going_on(stop);
    going_on()?;

    let answer = stand.imap().login(alice(), Mail::Nothing)?;
    report.login("IMAP: alice with her password alone is refused", Verdict::Refused, &answer);
    going_on()?;

    let credential = format!("{ALICE_PASSWORD}{}", codes.fresh()?);
    let with_code = Login::new(ALICE, &credential);
    let answer = stand.imap().login(with_code, Mail::Read(1))?;
    report.login("IMAP: alice with password + code is in", Verdict::In, &answer);
    let line =
        answer.output.lines().find(|line| line.contains("Lunch at noon")).unwrap_or_default();
    report.step("IMAP: and reads the message", !line.is_empty(), line);
    going_on()?;

    let answer = stand.imap().from_address(ELSEWHERE).login(with_code, Mail::Nothing)?;
    let what = "IMAP: the same code again, from another address, is refused";
    report.login(what, Verdict::Refused, &answer);
    going_on()?;

    let answer = stand.smtp(Sasl::Plain).send(alice(), ALICE, "Never sent")?;
    let what = "SMTP AUTH at Postfix: alice with her password alone is refused";
    report.login(what, Verdict::Refused, &answer);
    going_on()?;

    let credential = format!("{ALICE_PASSWORD}{}", codes.fresh()?);
    let sent =
        stand.smtp(Sasl::Plain).send(Login::new(ALICE, &credential), ALICE, "Sent to myself")?;
    let what = "SMTP AUTH at Postfix: alice with password + code sends a message";
    report.login(what, Verdict::In, &sent);
    let arrived = arrival(stand, "Sent to myself");
    let said = arrived.as_ref().cloned().unwrap_or_default();
    report.done("and it arrives in her mailbox", arrived, &said)?;
    going_on()?;

    let answer = stand.imap().login(bob(), Mail::Nothing)?;
    let what = format!("IMAP: bob, without 2FA, whose password is {BOB_PASSWORD}, is in");
    report.login(&what, Verdict::In, &answer);
    let answer = stand.smtp(Sasl::Login).login(bob())?;
    report.login("SMTP AUTH at Postfix: and here", Verdict::In, &answer);
    Ok(())
}

/// Switches the second factor on, as an administrator does, and shows the QR code.
fn enrol(stand: &Stand, report: &mut Report) -> Result<Codes> {
    println!("\n$ mail2fa totp enable {ALICE}");
    let text = stand.mail2fa().cli_text(&["totp", "enable", ALICE], "");
    let text = report.done("2-factor authentication is prepared for alice", text, "see below")?;
    println!("{text}");
    let mut codes = Codes::new(secret_of(&text)?);
    let code = codes.fresh()?;
    println!("$ oathtool --totp --base32 {}\n{code}", codes.secret());
    println!("$ mail2fa totp confirm {ALICE} {code}");
    let confirmed = stand.mail2fa().cli_text(&["totp", "confirm", ALICE, &code], "");
    let said = confirmed.as_ref().ok().and_then(|text| text.split(". ").next());
    let said = said.unwrap_or_default().to_owned();
    report.done("and on, once a code has confirmed it", confirmed, &said)?;
    Ok(codes)
}

/// The secret in the otpauth URI that `totp enable` prints.
fn secret_of(text: &str) -> Result<String> {
    let start = text.find("otpauth://").context("totp enable printed no otpauth URI")?;
    let uri = text[start..].split_whitespace().next().unwrap_or_default();
    let query = uri.split_once('?').map_or("", |(_, query)| query);
    query
        .split('&')
        .find_map(|part| part.strip_prefix("secret="))
        .map(str::to_owned)
        .context("the otpauth URI has no secret")
}

/// Waits for the message, as Dovecot's own administrator sees it: reading it as alice would take
/// another code.
fn arrival(stand: &Stand, subject: &str) -> Result<String> {
    wait::until("the message to arrive", || {
        let arguments =
            ["fetch", "-u", ALICE, "hdr.subject", "mailbox", "INBOX", "subject", subject];
        let output = stand.dovecot.doveadm(&arguments).ok()?.output().ok()?;
        let text = String::from_utf8_lossy(&output.stdout).trim().to_owned();
        text.contains(subject).then(|| format!("doveadm fetch: {text}"))
    })
}

fn ensure_going_on(stop: &AtomicBool) -> Result<()> {
    ensure!(!stop.load(Ordering::Relaxed), "interrupted");
    Ok(())
}

fn how_to_connect(stand: &Stand) {
    let (imap, smtp, pop3) =
        (stand.dovecot.imap(), stand.postfix.submission(), stand.dovecot.pop3());
    println!(
        "
All of it stays up until you press Ctrl-C.

Enrol a phone: scan the QR code above with any authenticator app (Aegis, FreeOTP+, Google
Authenticator, ...), or type the secret beside it. The app then shows a new code every 30 seconds.
The steps above have used up the codes of this minute: when the first one is refused, wait for the next.

Connect a mail client to 127.0.0.1, without TLS, with the \"normal\" (plain) password method:
  IMAP port {imap}    POP3 port {pop3}    SMTP port {smtp}
  name {ALICE}    password {ALICE_PASSWORD} and the code behind it, such as {ALICE_PASSWORD}189145
  name {BOB}      password {BOB_PASSWORD}, no code
A code opens once, so a client that logs in again and again asks for the password each time.

Or by hand:
  curl -u '{ALICE}:{ALICE_PASSWORD}CODE' 'imap://127.0.0.1:{imap}/INBOX;MAILINDEX=1'
  swaks --server 127.0.0.1:{smtp} --auth PLAIN --auth-user {ALICE} \\
    --auth-password '{ALICE_PASSWORD}CODE' --to {BOB}

What mail2fa says about each login: {}
Its configuration: {}",
        stand.mail2fa().log_file().display(),
        stand.mail2fa().config_file().display()
    );
}
