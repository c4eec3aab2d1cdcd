//! Mailboxes with passwords of mail2fa's own, through their life, as the mail clients see it.

use peers::clients::Login;
use peers::{Door, Doors, Generation, PasswordMode, Stand};

const NAME: &str = "erin@example.org";
const DOORS: [Door; 2] = [Door::ImapPlain, Door::PostfixPlain];

#[track_caller]
fn is_in(stand: &Stand, name: &str, password: &str) {
    for door in DOORS {
        stand.knock(door, Login::new(name, password)).unwrap().must_be_in(&format!("{door:?}"));
    }
}

#[track_caller]
fn is_refused(stand: &Stand, name: &str, password: &str) {
    for door in DOORS {
        let answer = stand.knock(door, Login::new(name, password)).unwrap();
        answer.must_be_refused(&format!("{door:?}"));
    }
}

#[test]
fn from_the_first_password_to_the_end() {
    let stand = Stand::start(Generation::V23, PasswordMode::Store, Doors::Mail2fa).unwrap();
    let mail2fa = stand.mail2fa();
    is_refused(&stand, NAME, "first");

    mail2fa.set_password(NAME, "first").unwrap();
    is_in(&stand, NAME, "first");
    mail2fa.set_password(NAME, "second").unwrap();
    is_refused(&stand, NAME, "first");
    is_in(&stand, NAME, "second");

    let mut codes = stand.enrol(NAME).unwrap();
    is_refused(&stand, NAME, "second");
    mail2fa.set_password(NAME, "third").unwrap();
    is_refused(&stand, NAME, "third");
    let credential = format!("third{}", codes.fresh().unwrap());
    let answer = stand.knock(Door::ImapPlain, Login::new(NAME, &credential)).unwrap();
    answer.must_be_in("the second factor outlives a change of the password");

    let renamed = "erin.new@example.org";
    mail2fa.cli_text(&["mailbox", "rename", NAME, renamed], "").unwrap();
    is_refused(&stand, NAME, "third");
    is_refused(&stand, renamed, "third");
    let credential = format!("third{}", codes.fresh().unwrap());
    let answer = stand.knock(Door::ImapPlain, Login::new(renamed, &credential)).unwrap();
    answer.must_be_in("the second factor goes with the name");

    mail2fa.cli_text(&["mailbox", "remove", renamed, "--yes"], "").unwrap();
    is_refused(&stand, renamed, "third");
    mail2fa.set_password(renamed, "third").unwrap();
    is_in(&stand, renamed, "third");
}

#[test]
fn hashes_that_dovecot_made() {
    let stand = Stand::start(Generation::V23, PasswordMode::Store, Doors::Mail2fa).unwrap();
    for (number, scheme) in
        ["SHA512-CRYPT", "BLF-CRYPT", "SSHA256", "PBKDF2", "ARGON2ID", "PLAIN"].iter().enumerate()
    {
        let name = format!("hash{number}@example.org");
        let hash = stand.dovecot.hash("pass wörd", scheme).unwrap();
        stand.mail2fa().cli_text(&["mailbox", "add", &name, "--hash-stdin"], &hash).unwrap();
        is_in(&stand, &name, "pass wörd");
        is_refused(&stand, &name, "pass w0rd");
    }
}
