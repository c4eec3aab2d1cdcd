//! All the ways through the panel, once with scripts at a desk and once without them on a phone.

use peers::stand::{ALICE, ALICE_PASSWORD};
use peers::{Look, wait};
use serde_json::json;

use crate::person::{Person, stand};

#[test]
fn with_scripts_at_a_desk() {
    walk(Look::DESKTOP);
}

#[test]
fn without_scripts_on_a_phone() {
    walk(Look::PHONE.without_scripts());
}

fn walk(look: Look) {
    let (stand, panel) = stand("");
    let mut alice = Person::inside(&stand, &panel, look);
    alice.says("2-factor authentication is off");
    let codes = switch_on(&mut alice);
    doors_ask_for_a_code(&mut alice, &codes);
    log_in_again(&mut alice);
    app_passwords(&mut alice);
    sign_ins(&mut alice);
    recent_activity(&mut alice);
    let codes = new_recovery_codes(&mut alice, &codes);
    new_phone(&mut alice);
    switch_off(&mut alice, &codes);
}

fn switch_on(alice: &mut Person<'_>) -> Vec<String> {
    alice.imap(ALICE_PASSWORD).must_be_in("2FA is off");
    before_you_start(alice);
    the_secret(alice);
    let window = &alice.window;
    // Nothing is on before the right code.
    alice.fill("Challenge", &alice.wrong_code());
    alice.press("Save");
    alice.says("This code is not right. You can try 4 more times.");
    assert_eq!(window.attribute("#challenge", "aria-invalid").unwrap().as_deref(), Some("true"));
    alice.window.must_focus("Challenge");
    alice.imap(ALICE_PASSWORD).must_be_in("it is not on yet");
    let code = alice.code();
    alice.fill("Challenge", &code);
    alice.press("Save");
    alice.says("2-factor authentication is on.");
    recovery_codes_are_kept(alice)
}

fn before_you_start(alice: &Person<'_>) {
    let window = &alice.window;
    wait::until("the inventory", || {
        alice.open("factor/before");
        window.says("These have logged in with your password alone lately").unwrap().then_some(())
    })
    .unwrap();
    alice.says("Reading mail (IMAP)");
    alice.open("");
    window.choose("Status", "Enabled").unwrap();
    alice.press("Save");
    alice.says("Before you start");
    alice.says("Aegis");
    alice.press("Next");
}

/// Picture, text and link have one secret.
fn the_secret(alice: &mut Person<'_>) {
    let window = &alice.window;
    let shown = window.read("#secret").unwrap();
    assert!(shown.split(' ').all(|group| group.len() == 4), "{shown}");
    let secret = shown.replace(' ', "");
    assert_eq!(secret.len(), 32);
    let picture = window.scan(".qr", alice.stand.folder.path()).unwrap();
    let link = window.attribute("a[href^='otpauth:']", "href").unwrap().unwrap();
    assert_eq!(picture, link);
    assert!(picture.starts_with("otpauth://totp/Example%20Mail:alice%40example.org?"), "{picture}");
    assert!(picture.contains(&format!("secret={secret}&")), "{picture}");
    // Buttons that need a script are there only with one.
    assert_eq!(window.button("Copy").is_ok(), window.look().scripts);
    if window.look().scripts {
        window.press_here("Copy").unwrap();
        wait::until("the copy", || window.button("Copied").ok()).unwrap();
        alice.says("The code changes in");
    } else {
        alice.says("When this page was loaded, the code was good for");
    }
    window.reload().unwrap();
    assert_eq!(window.read("#secret").unwrap(), shown, "loaded again");
    alice.codes = Some(peers::Codes::new(secret).with_clock(alice.stand.clock.clone()));
}

fn recovery_codes_are_kept(alice: &Person<'_>) -> Vec<String> {
    let window = &alice.window;
    let codes = alice.recovery_codes();
    let folder = alice.stand.folder.path().join("downloads");
    let to = json!({ "behavior": "allow", "downloadPath": folder });
    window.dev_tools("Browser.setDownloadBehavior", &to).unwrap();
    window.press_here("Download as a file").unwrap();
    let file = wait::until("the file", || {
        std::fs::read_to_string(folder.join("recovery-codes.txt")).ok().filter(|f| !f.is_empty())
    })
    .unwrap();
    assert!(file.contains(ALICE) && codes.iter().all(|code| file.contains(code)), "{file}");
    // On paper there are the codes and whose they are, and no buttons.
    window.dev_tools("Emulation.setEmulatedMedia", &json!({ "media": "print" })).unwrap();
    let paper = window.text().unwrap();
    assert!(paper.contains(ALICE) && codes.iter().all(|code| paper.contains(code)), "{paper}");
    assert!(!paper.contains("Download") && !paper.contains("Log out"), "{paper}");
    window.dev_tools("Emulation.setEmulatedMedia", &json!({ "media": "" })).unwrap();
    assert_eq!(window.button("Print").is_ok(), window.look().scripts);
    window.press_here("Continue").unwrap();
    assert_eq!(window.path().unwrap(), "recovery-codes/shown", "the box is not ticked");
    window.tick("I have kept these codes in a safe place").unwrap();
    alice.press("Continue");
    alice.says("From now on your mailbox asks for a code");
    back_shows_nothing(window, ".codes code");
    codes
}

/// Chromium keeps pages for the way back for some minutes, `no-store` or not. Without a script nothing can be
/// done about that.
fn back_shows_nothing(window: &peers::Window, css: &str) {
    window.back().unwrap();
    if window.look().scripts {
        let gone = || window.read_all(css).ok().filter(Vec::is_empty);
        wait::until("the page to be fetched again", gone).unwrap();
    }
    window.open_page("").unwrap();
}

fn doors_ask_for_a_code(alice: &mut Person<'_>, recovery: &[String]) {
    alice.imap(ALICE_PASSWORD).must_be_refused("the password alone");
    alice.imap_with(&alice.wrong_code()).must_be_refused("a wrong code");
    let code = alice.code();
    alice.imap_with(&code).must_be_in("password and code");
    alice.imap_with(&recovery[0]).must_be_in("password and recovery code");
}

fn log_in_again(alice: &mut Person<'_>) {
    alice.press("Log out");
    alice.says("You are logged out.");
    alice.open("activity");
    alice.says("Log in");
    alice.open("login");
    alice.type_password("not her password");
    alice.says("That did not work.");
    alice.fill("Password", ALICE_PASSWORD);
    alice.press("Log in");
    alice.fill("Code from your authenticator app", &alice.wrong_code());
    alice.press("Log in");
    alice.says("This code was not accepted.");
    let code = alice.code();
    alice.fill("Code from your authenticator app", &code);
    alice.press("Log in");
    alice.says("2-factor authentication is on");
}

fn app_passwords(alice: &mut Person<'_>) {
    let window = &alice.window;
    alice.press("App passwords");
    alice.says("There are no app passwords.");
    alice.press("Add an app password");
    alice.fill("Name", "Thunderbird on the laptop");
    alice.window.tick("Reading mail (IMAP)").unwrap();
    window.choose("Expires", "In 90 days").unwrap();
    alice.fill("Code from your authenticator app", &alice.wrong_code());
    alice.press("Make it");
    alice.says("This code is not right.");
    let code = alice.code();
    alice.fill("Code from your authenticator app", &code);
    alice.press("Make it");
    let window = &alice.window;
    let password = window.read("#app-password").unwrap();
    alice.imap(&password).must_be_in("an app password");
    window.reload().unwrap();
    assert_eq!(window.read("#app-password").unwrap(), password, "loaded again");
    window.find("summary").unwrap();
    alice.press("Done");
    back_shows_nothing(window, "#app-password");
    alice.open("app-passwords");
    alice.says("Thunderbird on the laptop");
    wait::until("the use to be noted", || {
        window.reload().unwrap();
        window.says("127.0.0.1").unwrap().then_some(())
    })
    .unwrap();
    alice.press("Revoke");
    alice.says("This cannot be undone.");
    alice.press("Revoke");
    alice.says("The app password is revoked.");
    alice.imap(&password).must_be_refused("a revoked app password");
}

fn sign_ins(alice: &mut Person<'_>) {
    alice.press("Sign-ins");
    for _ in 0..10 {
        if alice.window.button("End").is_err() {
            break;
        }
        alice.press("End");
    }
    alice.says("No program is signed in with a code.");
    let (first, second) = (alice.code(), alice.code());
    for code in [&first, &second] {
        alice.imap_with(code).must_be_in("a mail program");
    }
    // Long past: only the sign-in lets it in.
    alice.stand.forward(120).unwrap();
    alice.imap_with(&first).must_be_in("signed in");
    alice.window.reload().unwrap();
    assert_eq!(alice.window.read_all("[aria-labelledby=programs] > li").unwrap().len(), 2);
    alice.says("This browser");
    alice.press("End");
    alice.says("The sign-in has ended.");
    let gone = [&first, &second]
        .into_iter()
        .filter(|code| alice.imap_with(code).verdict == peers::Verdict::Refused);
    assert_eq!(gone.count(), 1, "one of two");
    alice.press("End all sign-ins");
    alice.says("All sign-ins have ended");
    alice.imap_with(&first).must_be_refused("ended");
    alice.imap_with(&second).must_be_refused("ended");
}

/// What was done at the doors comes into the trail a little later than the change that followed it at the
/// panel, so each of these is waited for.
fn recent_activity(alice: &mut Person<'_>) {
    for words in [
        "All sign-ins were ended",
        "Refused: right password, wrong code",
        "Refused: right password, and a code that was used before",
        "An app password was revoked",
        "2-factor authentication was switched on",
        "Logged in with password and a recovery code",
        "Was that you?",
    ] {
        wait::until(words, || activity_says(alice, words).then_some(())).unwrap();
    }
    alice.open("activity");
}

/// Whether one of the pages of "Recent activity" says it.
fn activity_says(alice: &Person<'_>, words: &str) -> bool {
    alice.open("activity");
    loop {
        if alice.window.says(words).unwrap() {
            return true;
        }
        if alice.window.button("Older").is_err() {
            return false;
        }
        alice.press("Older");
    }
}

fn new_recovery_codes(alice: &mut Person<'_>, old: &[String]) -> Vec<String> {
    alice.press("Recovery codes");
    alice.says("9 of 10 codes are left.");
    alice.press("Make new codes");
    let code = alice.code();
    alice.fill("Code from your authenticator app", &code);
    alice.press("Make new codes");
    let new = alice.recovery_codes();
    alice.window.tick("I have kept these codes in a safe place").unwrap();
    alice.press("Continue");
    alice.says("10 of 10 codes are left.");
    assert!(new.iter().all(|code| !old.contains(code)));
    alice.imap_with(&old[1]).must_be_refused("an old recovery code");
    alice.imap_with(&new[0]).must_be_in("a new recovery code");
    new
}

fn new_phone(alice: &mut Person<'_>) {
    alice.press("2-Factor Auth");
    alice.press("Move to a new phone");
    alice.press("Next");
    let secret = alice.window.read("#secret").unwrap().replace(' ', "");
    let picture = alice.window.scan(".qr", alice.stand.folder.path()).unwrap();
    assert!(picture.contains(&format!("secret={secret}&")), "{picture}");
    let mut new = peers::Codes::new(secret).with_clock(alice.stand.clock.clone());
    let old = alice.code();
    alice.fill("Code from your authenticator app", &old);
    alice.fill("Code of the new phone", &new.present().unwrap());
    alice.press("Save");
    alice.says("Your new phone is set up.");
    let old_code = alice.code();
    alice.imap_with(&old_code).must_be_refused("the old phone");
    alice.codes = Some(new);
    let code = alice.code();
    alice.imap_with(&code).must_be_in("the new phone");
}

/// At a desk with a code, on the phone with a recovery code: the phone may be what is lost.
fn switch_off(alice: &mut Person<'_>, recovery: &[String]) {
    alice.open("");
    alice.window.choose("Status", "Disabled").unwrap();
    alice.press("Save");
    if alice.window.look().phone {
        alice.press("No phone at hand? Use a recovery code");
        alice.fill("Recovery code", &recovery[0]);
        alice.press("Save");
        alice.says("This code is not right.");
        alice.fill("Recovery code", &recovery[1]);
    } else {
        let code = alice.code();
        alice.fill("Code from your authenticator app", &code);
    }
    alice.press("Save");
    alice.says("You can now delete the entry of this mailbox from your authenticator app");
    alice.says("2-factor authentication is off");
    alice.imap(ALICE_PASSWORD).must_be_in("it is off");
    let code = alice.code();
    alice.imap_with(&code).must_be_refused("nothing is cut off when it is off");
}
