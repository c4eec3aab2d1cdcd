//! A day with Roundcube, stock and without a plugin: one new IMAP login for each click, for twelve
//! hours, all with what was typed once. Nobody waits for it: mail2fa's clock is moved.

use peers::clients::{Login, Mail, lmtp_deliver};
use peers::roundcube::Browser;
use peers::stand::{ALICE, ALICE_PASSWORD, BOB, bob};
use peers::{Codes, Generation, PasswordMode, Roundcube, Stand, wait};

const TEN_MINUTES: u64 = 600;
const HOUR: u64 = 3600;

/// A stand with Roundcube before it, alice enrolled and a message for her.
fn start(mode: PasswordMode) -> (Stand, Roundcube, Codes) {
    let stand = Stand::start_with_clock(Generation::V23, mode).unwrap();
    let (imap, smtp) = (stand.dovecot.imap(), stand.postfix.submission());
    let roundcube = Roundcube::start(&stand.folder, imap, smtp).unwrap();
    lmtp_deliver(stand.dovecot.lmtp(), ALICE, "Lunch", "Lunch at noon").unwrap();
    let codes = stand.enrol(ALICE).unwrap();
    (stand, roundcube, codes)
}

/// Logs alice in with a fresh code.
#[track_caller]
fn log_in(browser: &mut Browser, codes: &mut Codes, when: &str) {
    let typed = format!("{ALICE_PASSWORD}{}", codes.fresh().unwrap());
    browser.log_in(Login::new(ALICE, &typed)).unwrap().must_show("\"messagelist\"", when);
}

/// Logins of alice that the log tells of with this result and reason.
fn told(stand: &Stand, words: &str) -> usize {
    let wanted = format!(" {words} mailbox=\"{ALICE}\" ");
    stand.mail2fa().log().lines().filter(|line| line.contains(&wanted)).count()
}

#[test]
fn a_day_at_roundcube_with_one_code() {
    let (stand, roundcube, mut codes) = start(PasswordMode::Dovecot);
    let mut browser = roundcube.browser();
    for typed in [ALICE_PASSWORD.to_owned(), format!("{ALICE_PASSWORD}{}", codes.wrong().unwrap())]
    {
        let page = browser.log_in(Login::new(ALICE, &typed)).unwrap();
        page.must_show("Login failed.", "without the code");
    }
    log_in(&mut browser, &mut codes, "in the morning");
    // The inbox is a page of its own after the form.
    let clicks = 71;
    for click in 1..=clicks {
        stand.forward(TEN_MINUTES).unwrap();
        let when = format!("after {click} times ten minutes");
        match click % 6 {
            0 => browser.read(1).unwrap().must_show("Lunch at noon", &when),
            1..=4 => browser.list().unwrap().must_show("Lunch", &when),
            _ => browser.refresh().unwrap().must_show("set_unread_count", &when),
        }
    }
    browser.send(BOB, "by webmail").unwrap().must_show("sent_successfully", "in the evening");
    wait::until("the message to arrive", || {
        let read = stand.imap().login(bob(), Mail::Read(1)).unwrap();
        read.output.contains("by webmail").then_some(())
    })
    .unwrap();
    wait::until("a login for each click", || {
        (told(&stand, "result=accepted reason=password+session") > clicks).then_some(())
    })
    .unwrap();
    assert_eq!(told(&stand, "result=accepted reason=password+code"), 1);

    // Twelve hours after the login the sign-in is over, used or not.
    stand.forward(TEN_MINUTES).unwrap();
    browser.list().unwrap().must_be_cut_off("after twelve hours");
    browser.refresh().unwrap().must_be_cut_off("after twelve hours, again");
    browser.log_out().unwrap();
    log_in(&mut browser, &mut codes, "on the next day");
    browser.list().unwrap().must_show("Lunch", "on the next day");
}

/// What a grace period must not do: work once and never again.
#[test]
fn sign_ins_at_roundcube_end_and_begin_again_and_again() {
    let (stand, roundcube, mut codes) = start(PasswordMode::Store);
    let mut browser = roundcube.browser();
    for day in 0..8 {
        log_in(&mut browser, &mut codes, &format!("day {day}"));
        for half_hour in 0..3 {
            stand.forward(HOUR / 2).unwrap();
            let when = format!("day {day}, half-hour {half_hour}");
            browser.list().unwrap().must_show("Lunch", &when);
        }
        stand.forward(HOUR).unwrap();
        browser.list().unwrap().must_be_cut_off(&format!("day {day}, after an idle hour"));
        browser.log_out().unwrap();
    }
    wait::until("a code for each day", || {
        (told(&stand, "result=accepted reason=password+code") == 8).then_some(())
    })
    .unwrap();
}
