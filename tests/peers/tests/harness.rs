//! The harness itself, without mail2fa: every client gets in with the right password and is
//! refused with a wrong one, so that what the other tests show is mail2fa's doing.

use std::net::Ipv4Addr;

use peers::clients::{Login, Mail, Sasl, lmtp_deliver};
use peers::stand::{ALICE, BOB, alice, bob};
use peers::{Door, Doors, Generation, PasswordMode, Stand, wait};

fn all_clients(generation: Generation) {
    let mut stand = Stand::start(generation, PasswordMode::Dovecot, Doors::Direct).unwrap();
    lmtp_deliver(stand.dovecot.lmtp(), ALICE, "before", "hello from before").unwrap();
    let read = stand.imap().login(alice(), Mail::Read(1)).unwrap().must_be_in("IMAP");
    assert!(read.output.contains("hello from before"), "{}", read.output);
    let read = stand.pop3().login(alice(), Mail::Read(1)).unwrap().must_be_in("POP3");
    assert!(read.output.contains("hello from before"), "{}", read.output);
    let elsewhere = Ipv4Addr::new(127, 0, 0, 2);
    let read = stand.imap().from_address(elsewhere).login(alice(), Mail::Nothing).unwrap();
    read.must_be_in("IMAP from another address");
    wait::until_file_has(&stand.dovecot.log_file(), "rip=127.0.0.2").unwrap();

    for door in Door::ALL {
        for login in [alice(), bob(), Login::new("alice", alice().password)] {
            let answer = stand.knock(door, login).unwrap().must_be_in(&format!("{door:?}"));
            assert!(!answer.words.is_empty(), "{door:?}: {}", answer.output);
        }
        let wrong = stand.knock(door, Login::new(ALICE, "wrong")).unwrap();
        let wrong = wrong.must_be_refused(&format!("{door:?}"));
        assert!(!wrong.words.is_empty(), "{door:?}: {}", wrong.output);
    }

    stand.smtp(Sasl::Plain).send(alice(), BOB, "by postfix").unwrap().must_be_in("Postfix");
    stand.submission(Sasl::Plain).send(alice(), BOB, "by dovecot").unwrap().must_be_in("Dovecot");
    for subject in ["by postfix", "by dovecot"] {
        wait::until("the message to arrive", || {
            (1..=2).find(|number| {
                let read = stand.imap().login(bob(), Mail::Read(*number)).unwrap();
                read.output.contains(subject)
            })
        })
        .unwrap();
    }

    stand.dovecot.restart().unwrap();
    stand.postfix.restart().unwrap();
    stand.imap().login(alice(), Mail::Nothing).unwrap().must_be_in("IMAP after restart");
    stand.smtp(Sasl::Plain).login(alice()).unwrap().must_be_in("SMTP after restart");

    // With nothing behind Postfix, "not now" and not "wrong".
    stand.dovecot.stop();
    stand.smtp(Sasl::Plain).login(alice()).unwrap().must_be_unavailable("SMTP without Dovecot");
}

#[test]
fn all_clients_at_dovecot_2_3() {
    all_clients(Generation::V23);
}

#[test]
fn all_clients_at_dovecot_2_4() {
    all_clients(Generation::V24);
}
