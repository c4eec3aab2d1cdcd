//! Two browsers at once, and what goes wrong between people and browsers: pressing twice, going back, being away,
//! forms and cookies of others.

use peers::stand::{ALICE_PASSWORD, BOB};
use peers::{Look, wait};

use crate::person::{Person, stand};

/// Room for the whole form, so that a mouse reaches the button.
const TALL: (u32, u32) = (1280, 1600);

#[test]
fn a_button_that_is_pressed_twice() {
    let (stand, panel) = stand("");
    for look in [Look::DESKTOP.without_scripts(), Look::DESKTOP] {
        let mut alice = Person::new(&stand, &panel, look);
        alice.window.set_size(TALL, false).unwrap();
        alice.window.open_page("login").unwrap();
        alice.fill("E-mail address", alice.name);
        alice.fill("Password", ALICE_PASSWORD);
        alice.window.press_twice("Log in").unwrap();
        alice.says("2-factor authentication is off");
        alice.scan();
        let code = alice.code();
        alice.fill("Challenge", &code);
        alice.window.press_twice("Save").unwrap();
        wait::until("the recovery codes", || {
            alice.window.says("Keep your recovery codes").ok().filter(|says| *says)
        })
        .unwrap();
        alice.recovery_codes();
        alice.window.tick("I have kept these codes in a safe place").unwrap();
        alice.window.press_twice("Continue").unwrap();
        alice.open("factor/disable");
        let code = alice.code();
        alice.fill("Code from your authenticator app", &code);
        alice.window.press_twice("Save").unwrap();
        wait::until("it to be off", || {
            alice.window.says("2-factor authentication is off").ok().filter(|says| *says)
        })
        .unwrap();
        alice.imap(ALICE_PASSWORD).must_be_in("it is off");
        let told = stand.mail2fa().cli_text(&["--json", "audit", alice.name], "").unwrap();
        assert!(told.contains("totp disable"), "{told}");
    }
}

#[test]
fn two_browsers() {
    let (stand, panel) = stand("");
    let mut desk = Person::inside(&stand, &panel, Look::DESKTOP);
    let mut phone = Person::inside(&stand, &panel, Look::PHONE);
    // Both begin to switch it on: the later secret counts, and the earlier one says that it does not.
    desk.scan();
    phone.scan();
    let code = desk.code();
    desk.fill("Challenge", &code);
    desk.press("Save");
    desk.says("This code is not right.");
    let code = phone.code();
    phone.fill("Challenge", &code);
    phone.press("Save");
    phone.recovery_codes();
    // The other browser was in without a code.
    desk.press("App passwords");
    desk.says("You were logged out");
    desk.codes = phone.codes.take();
    desk.log_in();
    // Going on in the first browser, which shows its codes still; the other one does not.
    desk.open("recovery-codes/shown");
    assert!(desk.window.read_all(".codes code").unwrap().is_empty());
    phone.window.reload().unwrap();
    phone.recovery_codes();
    phone.window.tick("I have kept these codes in a safe place").unwrap();
    phone.press("Continue");
    phone.press("Sign-ins");
    phone.says("Another browser");
    phone.press("End");
    phone.says("That browser has been logged out of this panel.");
    desk.window.reload().unwrap();
    desk.says("You were logged out");
    desk.log_in();
    phone.press("End all sign-ins");
    phone.says("All sign-ins have ended");
    desk.window.reload().unwrap();
    desk.says("You were logged out");
    phone.window.reload().unwrap();
    phone.says("Sign-ins");
}

#[test]
fn back_and_away() {
    let (stand, panel) = stand("");
    let mut alice = Person::inside(&stand, &panel, Look::DESKTOP);
    alice.switch_on();
    // Back to a form that was sent: it is fetched again, and what is sent from it says how things stand.
    alice.open("factor/disable");
    let code = alice.code();
    alice.fill("Code from your authenticator app", &code);
    alice.press("Save");
    alice.says("2-factor authentication is off");
    alice.window.back().unwrap();
    wait::until("the page to say how it is now", || {
        alice.window.says("It already is like that.").ok().filter(|says| *says)
    })
    .unwrap();
    // Back after logging out shows nothing of the mailbox.
    alice.codes = None;
    alice.open("activity");
    alice.press("Log out");
    alice.window.back().unwrap();
    wait::until("the login", || alice.window.path().ok().filter(|path| path.starts_with("login")))
        .unwrap();
    assert!(!alice.window.says("Recent activity").unwrap());
    // Away for longer than a session lives without being used.
    alice.log_in();
    alice.stand.forward(16 * 60).unwrap();
    alice.press("Save");
    alice.says("You were logged out because some time passed");
    alice.log_in();
}

#[test]
fn forms_and_cookies_of_others() {
    let (mut stand, panel) = stand("");
    stand.set_passwords(&[(BOB, ALICE_PASSWORD)]).unwrap();
    let alice = Person::inside(&stand, &panel, Look::DESKTOP);
    let mut bob = Person::new(&stand, &panel, Look::DESKTOP);
    bob.name = BOB;
    bob.log_in();
    // A token that Bob has seen does not make his form hers, nor hers his.
    let theirs = alice.window.attribute("main [name=form]", "value").unwrap().unwrap();
    let put = format!("document.querySelector('main [name=form]').value = '{theirs}'");
    bob.window.execute(&put, vec![]).unwrap();
    bob.window.choose("Status", "Enabled").unwrap();
    bob.press("Save");
    bob.says("This form is of an earlier login. Nothing was changed.");
    // A page of another site that sends one of our forms: her cookies are not with it, and nothing is done.
    let form = format!(
        "data:text/html,<form method=post action={}logout><input name=form value={theirs}>\
         <button>Win</button></form>",
        panel.base()
    );
    alice.window.open_elsewhere(&form).unwrap();
    alice.window.press_here("Win").unwrap();
    wait::until("our answer to it", || alice.window.path().ok()).unwrap();
    alice.open("");
    alice.says("2-factor authentication is off");
    // Somebody has put his own session into her browser: when she logs in she gets one that he does not know.
    let his = bob.window.cookie("mail2fa").unwrap();
    alice.press("Log out");
    alice.fill("E-mail address", alice.name);
    alice.fill("Password", ALICE_PASSWORD);
    alice.window.plant_cookie("mail2fa", &his).unwrap();
    alice.press("Log in");
    alice.says(alice.name);
    assert_ne!(alice.window.cookie("mail2fa").unwrap(), his);
    bob.open("activity");
    bob.says("Log in");
}
