//! Each part is stopped, killed and started under the others; logins work again by themselves.

use std::net::Ipv4Addr;

use peers::clients::{Login, Mail, Sasl};
use peers::stand::{ALICE, ALICE_PASSWORD, bob};
use peers::{Codes, Door, Doors, Generation, PasswordMode, Stand, Verdict};

const ELSEWHERE: Ipv4Addr = Ipv4Addr::new(127, 0, 0, 2);

const DOORS: [Door; 4] = [Door::ImapPlain, Door::Pop3, Door::PostfixPlain, Door::AuthClient];

/// All doors work: bob gets in, alice does not with her password alone.
#[track_caller]
fn all_is_well(stand: &Stand, when: &str) {
    for door in DOORS {
        let what = format!("{when}, {door:?}");
        stand.knock(door, bob()).unwrap().must_be_in(&what);
        let alone = Login::new(ALICE, ALICE_PASSWORD);
        stand.knock(door, alone).unwrap().must_be_refused(&what);
    }
}

fn with_code(codes: &mut Codes) -> String {
    format!("{ALICE_PASSWORD}{}", codes.fresh().unwrap())
}

fn restarts(generation: Generation, mode: PasswordMode) {
    let mut stand = Stand::start(generation, mode, Doors::Mail2fa).unwrap();
    let mut codes = stand.enrol(ALICE).unwrap();
    all_is_well(&stand, "at first");

    stand.dovecot.restart().unwrap();
    all_is_well(&stand, "after Dovecot's restart");

    stand.mail2fa_mut().stop().unwrap();
    stand.mail2fa_mut().start_again().unwrap();
    all_is_well(&stand, "after mail2fa's restart");

    stand.postfix.restart().unwrap();
    all_is_well(&stand, "after Postfix's restart");

    // A code that was used stays used, whatever happened to the process that took it; and the
    // sign-in that used it lives on where it was.
    let used = with_code(&mut codes);
    let login = Login::new(ALICE, &used);
    stand.knock(Door::ImapPlain, login).unwrap().must_be_in("before the crash");
    stand.mail2fa_mut().kill();
    stand.mail2fa_mut().start_again().unwrap();
    for door in DOORS {
        stand.knock(door, login).unwrap().must_be_in("the same sign-in after the crash");
    }
    let answers = [
        stand.imap().from_address(ELSEWHERE).login(login, Mail::Nothing),
        stand.pop3().from_address(ELSEWHERE).login(login, Mail::Nothing),
        stand.smtp(Sasl::Plain).from_address(ELSEWHERE).login(login),
    ];
    for answer in answers {
        answer.unwrap().must_be_refused("the used code from another address after the crash");
    }
    all_is_well(&stand, "after mail2fa's crash");
    let fresh = with_code(&mut codes);
    let answer = stand.knock(Door::PostfixPlain, Login::new(ALICE, &fresh)).unwrap();
    answer.must_be_in("a new code after the crash");

    // Without mail2fa nobody gets in.
    stand.mail2fa_mut().stop().unwrap();
    let imap = stand.imap().give_up_after(5).login(bob(), Mail::Nothing);
    let others = [Door::PostfixPlain, Door::AuthClient].map(|door| stand.knock(door, bob()));
    for answer in others.into_iter().chain([imap]) {
        let answer = answer.unwrap();
        let not_now = matches!(answer.verdict, Verdict::Unavailable | Verdict::Broken);
        assert!(not_now, "{answer}");
    }
    // mail2fa starts before Dovecot is there, too.
    stand.dovecot.stop();
    stand.mail2fa_mut().start_again().unwrap();
    let answer = stand.knock(Door::AuthClient, bob()).unwrap();
    match mode {
        PasswordMode::Dovecot => answer.must_be_unavailable("no Dovecot to ask"),
        PasswordMode::Store => answer.must_be_in("no need for Dovecot"),
    };
    stand.dovecot.restart().unwrap();
    all_is_well(&stand, "after both came back");
}

#[test]
fn dovecot_2_3_with_its_own_passwords() {
    restarts(Generation::V23, PasswordMode::Dovecot);
}

#[test]
fn dovecot_2_3_with_the_stores_passwords() {
    restarts(Generation::V23, PasswordMode::Store);
}

#[test]
fn dovecot_2_4_with_its_own_passwords() {
    restarts(Generation::V24, PasswordMode::Dovecot);
}
