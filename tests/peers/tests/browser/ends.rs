//! What ends by itself or is ended: a date that comes, a session in the middle of a form, an app password, sign-ins
//! of a real mail program, and 2-factor authentication by a recovery code.

use peers::clients::{Login, mbsync};
use peers::stand::{ALICE, ALICE_PASSWORD};
use peers::{Answer, Look};

use crate::person::{Person, stand};

const DAY: u64 = 86_400;

#[test]
fn a_date_from_which_it_is_required() {
    let (stand, panel) = stand("");
    stand.next_noon().unwrap();
    // As the configuration and as a reader of English writes it.
    let [date, read] = ["%F", "%b %-d, %Y"].map(|format| stand.day(12, format).unwrap());
    stand.mail2fa().cli_text(&["policy", "set", ALICE, "--from", &date], "").unwrap();
    let mut alice = Person::inside(&stand, &panel, Look::DESKTOP);
    alice.says(&format!("requires 2-factor authentication from {read}. 12 days are left."));
    alice.imap(ALICE_PASSWORD).must_be_in("there is time");
    // It counts down; the session ends meanwhile.
    for (days, left) in [(3, "9 days are left."), (7, "2 days are left."), (1, "One day is left.")]
    {
        stand.forward(days * DAY).unwrap();
        alice.log_in();
        alice.says(left);
    }
    alice.imap(ALICE_PASSWORD).must_be_in("the last day");
    stand.forward(DAY).unwrap();
    alice.imap(ALICE_PASSWORD).must_be_refused("the day has come");
    alice.log_in();
    alice.says("Until you switch it on, your mailbox can be opened on these pages only.");
    alice.switch_on();
    let code = alice.code();
    alice.imap_with(&code).must_be_in("with a code");
    alice.open("");
    alice.says("Your mail provider requires 2-factor authentication.");
    alice.open("factor/disable");
    alice.says("when it is off, your mailbox can be opened on these pages only");
}

#[test]
fn a_session_that_ends_in_the_middle_of_a_form() {
    let (stand, panel) = stand("");
    let mut alice = Person::inside(&stand, &panel, Look::DESKTOP);
    alice.switch_on();
    alice.open("app-passwords/new");
    alice.fill("Name", "Laptop");
    stand.forward(16 * 60).unwrap();
    let code = alice.code();
    alice.fill("Code from your authenticator app", &code);
    alice.press("Make it");
    alice.says("You were logged out because some time passed");
    // Nothing was made, and the code was not used up: it logs her in.
    alice.type_password(ALICE_PASSWORD);
    alice.fill("Code from your authenticator app", &code);
    alice.press("Log in");
    alice.says("2-factor authentication is on");
    alice.press("App passwords");
    alice.says("There are no app passwords.");
    // A form that was open when she logged in again elsewhere in the same browser.
    alice.open("app-passwords/new");
    let stale = alice.window.attribute("main [name=form]", "value").unwrap().unwrap();
    alice.press("Log out");
    alice.log_in();
    alice.open("app-passwords/new");
    let put = format!("document.querySelector('main [name=form]').value = '{stale}'");
    alice.window.execute(&put, vec![]).unwrap();
    alice.fill("Name", "Laptop");
    let code = alice.code();
    alice.fill("Code from your authenticator app", &code);
    alice.press("Make it");
    alice.says("This form is of an earlier login. Nothing was changed.");
}

#[test]
fn an_app_password_that_expires() {
    let (stand, panel) = stand("");
    let mut alice = Person::inside(&stand, &panel, Look::PHONE);
    alice.switch_on();
    alice.open("app-passwords/new");
    alice.fill("Name", "Guest");
    alice.window.choose("Expires", "In 30 days").unwrap();
    let code = alice.code();
    alice.fill("Code from your authenticator app", &code);
    alice.press("Make it");
    let password = alice.window.read("#app-password").unwrap();
    alice.press("Done");
    alice.imap(&password).must_be_in("on the first day");
    assert!(alice.window.read_all(".tag").unwrap().is_empty());
    stand.forward(30 * DAY - 600).unwrap();
    alice.imap(&password).must_be_in("on the last day");
    stand.forward(1200).unwrap();
    alice.imap(&password).must_be_refused("it has expired");
    alice.log_in();
    alice.press("App passwords");
    assert_eq!(alice.window.read_all(".tag").unwrap(), ["Expired"]);
    alice.press("Recent activity");
    peers::wait::until("what happened", || {
        alice.window.reload().ok()?;
        alice.window.says("an app password that has expired").ok()?.then_some(())
    })
    .unwrap();
}

/// A real mail program that keeps what was typed once: mbsync.
fn fetch(alice: &Person<'_>, program: &str, code: &str) -> Answer {
    let typed = format!("{ALICE_PASSWORD}{code}");
    let folder = alice.stand.folder.path().join(program);
    mbsync(alice.stand.dovecot.imap(), Login::new(ALICE, &typed), &folder).unwrap()
}

#[test]
fn a_mail_program_whose_sign_in_is_ended() {
    let (stand, panel) = stand("");
    let mut alice = Person::inside(&stand, &panel, Look::DESKTOP);
    let mut other = Person::inside(&stand, &panel, Look::PHONE);
    alice.switch_on();
    let (first, second) = (alice.code(), alice.code());
    fetch(&alice, "laptop", &first).must_be_in("the laptop");
    fetch(&alice, "tablet", &second).must_be_in("the tablet");
    stand.forward(120).unwrap();
    fetch(&alice, "laptop", &first).must_be_in("the laptop is signed in");
    fetch(&alice, "tablet", &second).must_be_in("the tablet is signed in");
    // One is ended: that program has to log in again, the other one notices nothing.
    alice.press("Sign-ins");
    assert_eq!(alice.window.read_all("[aria-labelledby=programs] > li").unwrap().len(), 2);
    alice.press("End");
    alice.says("The sign-in has ended.");
    assert_eq!(alice.window.read_all("[aria-labelledby=programs] > li").unwrap().len(), 1);
    let fetched = [("laptop", &first), ("tablet", &second)]
        .map(|(program, code)| fetch(&alice, program, code).verdict);
    let refused = fetched.iter().filter(|verdict| **verdict == peers::Verdict::Refused).count();
    assert_eq!(refused, 1, "{fetched:?}");
    // Then all, the panel in another browser too; this one goes on.
    other.codes = Some(
        peers::Codes::new(alice.codes.as_ref().unwrap().secret()).with_clock(stand.clock.clone()),
    );
    other.log_in();
    alice.press("End all sign-ins");
    alice.says("All sign-ins have ended, except this one to the panel.");
    alice.says("No program is signed in with a code.");
    fetch(&alice, "laptop", &first).must_be_refused("ended with all");
    fetch(&alice, "tablet", &second).must_be_refused("ended with all");
    other.window.reload().unwrap();
    other.says("You were logged out");
    // Logging out here: going back, and opening a page, lead to the login.
    alice.press("Recent activity");
    alice.press("Log out");
    alice.says("You are logged out.");
    for path in ["", "app-passwords", "activity", "recovery-codes"] {
        alice.open(path);
        assert_eq!(alice.window.path().unwrap(), "login", "{path}");
    }
}

#[test]
fn a_recovery_code_switches_it_off() {
    let (stand, panel) = stand("");
    let mut alice = Person::inside(&stand, &panel, Look::PHONE.without_scripts());
    let recovery = alice.switch_on();
    alice.imap(ALICE_PASSWORD).must_be_refused("it is on");
    alice.press("Log out");
    // The phone is lost: in with one code, off with another; the first one is used up.
    alice.type_password(ALICE_PASSWORD);
    alice.press("No phone at hand? Use a recovery code");
    alice.fill("Recovery code", &recovery[0]);
    alice.press("Log in");
    alice.says("9 of 10 codes are left.");
    alice.window.choose("Status", "Disabled").unwrap();
    alice.press("Save");
    alice.press("No phone at hand? Use a recovery code");
    alice.fill("Recovery code", &recovery[0]);
    alice.press("Save");
    alice.says("This code");
    // As people type what they have written down.
    alice.fill("Recovery code", &format!(" {} ", recovery[1].to_uppercase()));
    alice.press("Save");
    alice.says("2-factor authentication is off");
    alice.imap(ALICE_PASSWORD).must_be_in("it is off");
    // All codes of that time are void.
    alice.codes = None;
    alice.switch_on();
    alice.imap_with(&recovery[2]).must_be_refused("a code of the earlier set");
}
