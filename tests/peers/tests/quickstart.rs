//! The quickstart program: every step with --check, and Ctrl-C without.

use std::io::{BufRead as _, BufReader};
use std::path::Path;
use std::process::{Command, Stdio};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

/// With the program that the other tests use.
fn quickstart() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_quickstart"));
    command.env("MAIL2FA_BIN", peers::daemon::binary().unwrap());
    command
}

/// What each line of the check must say, in this order.
const STEPS: [(&str, &str); 13] = [
    ("Dovecot, Postfix and mail2fa start", "up"),
    ("a message is delivered to alice", "LMTP took it"),
    ("alice with her password alone is in", "Logged in"),
    ("2-factor authentication is prepared", ""),
    ("and on, once a code has confirmed it", ""),
    ("IMAP: alice with her password alone is refused", "AUTHENTICATIONFAILED"),
    ("IMAP: alice with password + code is in", "Logged in"),
    ("IMAP: and reads the message", "Lunch at noon"),
    ("from another address, is refused", "AUTHENTICATIONFAILED"),
    ("Postfix: alice with her password alone is refused", "535 5.7.8"),
    ("with password + code sends a message", "250 2.0.0"),
    ("and it arrives in her mailbox", "Sent to myself"),
    ("bob, without 2FA", "Logged in"),
];

#[test]
fn check_shows_every_step() {
    let output = quickstart().arg("--check").stdin(Stdio::null()).output().unwrap();
    let text = String::from_utf8_lossy(&output.stdout);
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{text}\n{errors}");
    let mut lines = text.lines().filter(|line| line.starts_with("ok "));
    for (step, said) in STEPS {
        let line = lines.next().unwrap_or_default();
        assert!(line.contains(step) && line.contains(said), "wanted {step}: {line}\n{text}");
    }
    // The QR code, drawn with block characters, and what it says.
    assert!(text.contains(['█', '▀', '▄']) && text.contains("otpauth://totp/"), "{text}");
    assert!(text.contains("0 failed"), "{text}");
    assert!(!Path::new(folder(&text)).exists(), "{} is left", folder(&text));
}

#[test]
fn stays_until_interrupted() {
    let mut child = quickstart().stdin(Stdio::null()).stdout(Stdio::piped()).spawn().unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines().map(Result::unwrap);
    let mut text = String::new();
    for line in lines.by_ref() {
        text.push_str(&line);
        text.push('\n');
        if line.contains("Its configuration") {
            break;
        }
    }
    assert!(text.contains("IMAP port") && text.contains("scan the QR code"), "{text}");
    let folder = folder(&text);
    assert!(Path::new(folder).exists(), "{text}");
    kill(Pid::from_raw(i32::try_from(child.id()).unwrap()), Signal::SIGINT).unwrap();
    let rest: String = lines.collect();
    let status = child.wait().unwrap();
    assert!(status.success(), "{text}{rest}");
    assert!(!Path::new(folder).exists(), "{folder} is left");
    let processes = Command::new("ps").args(["-eo", "stat,args"]).output().unwrap();
    let processes = String::from_utf8_lossy(&processes.stdout).into_owned();
    assert!(!processes.contains(folder), "{processes}");
}

fn folder(text: &str) -> &str {
    let (_, rest) = text.split_once("All files are in ").expect("the folder is named");
    rest.lines().next().unwrap_or_default()
}
