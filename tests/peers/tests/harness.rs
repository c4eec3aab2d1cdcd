//! The harness itself, without mail2fa: every client gets in with the right password and is
//! refused with a wrong one, so that what the other tests show is mail2fa's doing.

use std::net::Ipv4Addr;

use peers::clients::{Login, Mail, Sasl, auth_test, lmtp_deliver, mbsync, sieve_login};
use peers::stand::{ALICE, BOB, alice, bob};
use peers::{Doors, Generation, PasswordMode, Stand, wait};

fn all_clients(generation: Generation) {
    let mut stand = Stand::start(generation, PasswordMode::Dovecot, Doors::Direct).unwrap();
    lmtp_deliver(stand.dovecot.lmtp(), ALICE, "before", "hello from before").unwrap();
    let read = stand.imap().login(alice(), Mail::Read(1)).unwrap().must_be_in("IMAP");
    assert!(read.output.contains("hello from before"), "{}", read.output);
    let read = stand.pop3().login(alice(), Mail::Read(1)).unwrap().must_be_in("POP3");
    assert!(read.output.contains("hello from before"), "{}", read.output);

    let wrong = Login::new(ALICE, "wrong");
    for login in [alice(), bob(), wrong] {
        let good = login.password != "wrong";
        let answers = [
            ("IMAP PLAIN", stand.imap().login(login, Mail::Nothing)),
            ("IMAP LOGIN", stand.imap().with_sasl_login().login(login, Mail::Nothing)),
            (
                "IMAP elsewhere",
                stand.imap().from_address(Ipv4Addr::new(127, 0, 0, 2)).login(login, Mail::Nothing),
            ),
            ("POP3", stand.pop3().login(login, Mail::Nothing)),
            ("sieve", sieve_login(stand.dovecot.sieve(), login)),
            ("Postfix PLAIN", stand.smtp(Sasl::Plain).login(login)),
            ("Postfix LOGIN", stand.smtp(Sasl::Login).login(login)),
            ("submission PLAIN", stand.submission(Sasl::Plain).login(login)),
            ("submission LOGIN", stand.submission(Sasl::Login).login(login)),
            (
                "doveadm",
                auth_test(
                    &stand.dovecot,
                    &stand.dovecot.client_upstream(),
                    login,
                    &["service=smtp"],
                ),
            ),
            (
                "mbsync",
                mbsync(
                    stand.dovecot.imap(),
                    login,
                    &stand.folder.path().join("mbsync").join(login.name),
                ),
            ),
        ];
        for (client, answer) in answers {
            let answer = answer.unwrap();
            let answer =
                if good { answer.must_be_in(client) } else { answer.must_be_refused(client) };
            assert!(!answer.words.is_empty(), "{client}: {}", answer.output);
            eprintln!("{client}: {}", answer.words);
        }
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
}

#[test]
fn all_clients_at_dovecot_2_3() {
    all_clients(Generation::V23);
}

#[test]
fn all_clients_at_dovecot_2_4() {
    all_clients(Generation::V24);
}
