//! Switching on and off, moving to a new phone, recovery codes.

use crate::{
    desk::{Browser, Desk, assert_untold, code_of},
    support::{ALICE, ALICE_PASSWORD, BOB, BOB_PASSWORD, code, wrong_code},
};

/// From the first page to the secret.
async fn scan(browser: &mut Browser) -> String {
    browser.get("").await;
    browser.submit("", &[("status", "enabled")]).await;
    assert!(browser.page.says("Before you start"));
    browser.submit("factor/begin", &[]).await;
    secret(browser)
}

fn secret(browser: &Browser) -> String {
    let secret = browser.page.between("id=\"secret\">", "<").to_owned();
    assert!(browser.page.says("<svg") && browser.page.says("otpauth://totp/"));
    assert!(secret.split(' ').all(|group| group.len() == 4), "{secret}");
    assert_untold(&secret.replace(' ', ""));
    secret
}

#[tokio::test]
async fn it_is_switched_on_with_a_code_and_this_browser_stays_in() {
    let desk = Desk::new().await;
    let (mut bob, mut other) = (desk.bob().await, desk.bob().await);
    let secret = scan(&mut bob).await;
    let before = bob.cookies.clone();
    bob.submit("factor/scan", &[("challenge", &code_of(&secret, 0))]).await;
    assert_eq!(bob.page.status, 200);
    assert!(bob.page.says("Keep your recovery codes"));
    assert_ne!(bob.cookies, before, "a new session");
    assert_eq!(other.get("").await.to(), Some("login?done=ended"), "all others end");
    let codes = bob.page.all("<li><code>", "</code>");
    assert_eq!(codes.len(), 10);
    // Loading the page again, and the file, show the same; the tick is needed; then they are gone.
    assert_eq!(bob.get("recovery-codes/shown").await.all("<li><code>", "</code>"), codes);
    let file = bob.get("recovery-codes/recovery-codes.txt").await;
    assert_eq!(
        file.header("content-disposition"),
        Some("attachment; filename=\"recovery-codes.txt\"")
    );
    assert!(codes.iter().all(|code| file.says(code)));
    bob.get("recovery-codes/shown").await;
    bob.submit("recovery-codes/shown", &[]).await;
    assert_eq!(bob.page.status, 422);
    bob.submit("recovery-codes/shown", &[("kept", "yes")]).await;
    assert!(bob.page.says("From now on your mailbox asks for a code"));
    for path in ["recovery-codes/shown", "recovery-codes/recovery-codes.txt"] {
        assert_eq!(bob.get(path).await.to(), Some("recovery-codes"), "back shows nothing");
    }
    for code in &codes {
        assert_untold(code);
    }
    // The door says the same.
    let mut later = desk.browser();
    later.post("login", &[("name", BOB), ("password", BOB_PASSWORD)]).await;
    assert_eq!(later.page.to(), Some("login/code"));
    later.post("login/code", &[("code", &code_of(&secret, 0))]).await;
    assert_eq!(later.page.status, 422, "the code that switched it on is used");
    later.post("login/code", &[("code", &code_of(&secret, 1))]).await;
    assert_eq!(later.page.to(), Some(""));
}

#[tokio::test]
async fn nothing_is_on_before_a_right_code() {
    let desk = Desk::new().await;
    let mut bob = desk.bob().await;
    let secret = scan(&mut bob).await;
    bob.submit("factor/scan", &[("challenge", "12345")]).await;
    assert_eq!(bob.page.status, 422);
    assert!(bob.page.says("A code has six digits"));
    let wrong = ["000000", "111111"]
        .into_iter()
        .find(|guess| (-1..=1).all(|steps| code_of(&secret, steps) != *guess));
    bob.submit("factor/scan", &[("challenge", wrong.unwrap())]).await;
    assert!(bob.page.says("You can try 4 more times"));
    assert!(bob.page.says("aria-describedby=\"challenge-error challenge-hint\""));
    assert_eq!(bob.page.between("id=\"secret\">", "<"), secret, "the same secret still");
    for _ in 0..4 {
        bob.get("factor/scan").await;
        bob.submit("factor/scan", &[("challenge", wrong.unwrap())]).await;
    }
    assert!(bob.page.says("Please start again"));
    assert_eq!(bob.get("factor/scan").await.to(), Some("factor/before"), "the secret is gone");
    assert!(bob.get("").await.says("2-factor authentication is off"));
}

#[tokio::test]
async fn the_secret_stays_when_pages_are_loaded_again_or_forms_sent_twice() {
    let desk = Desk::new().await;
    let mut bob = desk.bob().await;
    let first = scan(&mut bob).await;
    assert_eq!(scan(&mut bob).await, first, "sent twice");
    bob.get("factor/scan").await;
    assert_eq!(secret(&bob), first, "loaded again");
    bob.submit("factor/again", &[]).await;
    let second = secret(&bob);
    assert_ne!(second, first);
    bob.submit("factor/scan", &[("challenge", &code_of(&first, 0))]).await;
    assert_eq!(bob.page.status, 422, "the first one is void");
    // Another browser of the mailbox does not see it.
    let mut other = desk.bob().await;
    assert_eq!(other.get("factor/scan").await.to(), Some("factor/before"));
    desk.clock.forward(901);
    let mut late = desk.bob().await;
    assert_eq!(late.get("factor/scan").await.to(), Some("factor/before"));
}

#[tokio::test]
async fn a_slow_phone_is_told_so() {
    let desk = Desk::new().await;
    let mut bob = desk.bob().await;
    let secret = scan(&mut bob).await;
    bob.submit("factor/scan", &[("challenge", &code_of(&secret, -1))]).await;
    assert!(bob.page.says("about 30 seconds slow"));
}

/// Sends a form twice at once, as a button that is pressed twice does without scripts, and a third time with the
/// cookie of the answer. All get the same answer and the same new session, whose browser is given.
async fn sent_twice(browser: &Browser, path: &str, fields: &[(&str, &str)]) -> Browser {
    let token = browser.page.token();
    let fields = [&[("form", token.as_str())], fields].concat();
    let (mut one, mut two) = (browser.clone(), browser.clone());
    let (first, second) =
        tokio::join!(async { one.post(path, &fields).await.to().map(str::to_owned) }, async {
            two.post(path, &fields).await.to().map(str::to_owned)
        });
    assert!(first.is_some() && first == second, "{:?} {:?}", one.page, two.page);
    assert_eq!(one.cookies, two.cookies);
    assert_ne!(one.cookies, browser.cookies, "a new session");
    let mut third = one.clone();
    assert_eq!(third.post(path, &fields).await.to(), first.as_deref(), "with the new cookie");
    assert_eq!(third.cookies, one.cookies);
    // With the cookie alone, or with another code, the old session is over.
    for fields in [vec![("form", token.as_str())], vec![("form", &*token), ("code", "000000")]] {
        let mut thief = browser.clone();
        thief.post(path, &fields).await;
        assert_eq!(thief.page.to(), Some("login?done=ended"), "{:?}", thief.page);
    }
    one.follow().await;
    one
}

#[tokio::test]
async fn a_confirmation_that_is_sent_twice_shows_the_recovery_codes() {
    let desk = Desk::new().await;
    let mut bob = desk.bob().await;
    let secret = scan(&mut bob).await;
    let bob = sent_twice(&bob, "factor/scan", &[("challenge", &code_of(&secret, 0))]).await;
    assert!(bob.page.says("Keep your recovery codes"), "{:?}", bob.page);
    assert_eq!(bob.page.all("<li><code>", "</code>").len(), 10);
}

#[tokio::test]
async fn switching_off_and_moving_may_be_sent_twice() {
    let desk = Desk::new().await;
    let mut alice = desk.alice(-1).await;
    alice.get("phone").await;
    alice.submit("phone/begin", &[]).await;
    let new = secret(&alice);
    let codes = [("code", code(0)), ("challenge", code_of(&new, 0))];
    let codes = codes.each_ref().map(|(name, code)| (*name, code.as_str()));
    let mut alice = sent_twice(&alice, "phone/scan", &codes).await;
    assert!(alice.page.says("Your new phone is set up"), "{:?}", alice.page);
    alice.get("factor/disable").await;
    let alice = sent_twice(&alice, "factor/disable", &[("code", &code_of(&new, 1))]).await;
    assert!(alice.page.says("You can now delete the entry"), "{:?}", alice.page);
}

#[tokio::test]
async fn codes_cannot_be_guessed_at_a_form_that_was_sent() {
    let desk = Desk::new().await;
    let mut bob = desk.bob().await;
    let secret = scan(&mut bob).await;
    let (token, code) = (bob.page.token(), code_of(&secret, 0));
    let fields = [("form", token.as_str()), ("challenge", code.as_str())];
    let before = bob.clone();
    bob.post("factor/scan", &fields).await;
    for (guess, to) in [
        (code.as_str(), "recovery-codes/shown"),
        ("000000", "login?done=ended"),
        (code.as_str(), "recovery-codes/shown"),
        ("000001", "login?done=ended"),
        (code.as_str(), "login?done=ended"),
    ] {
        let mut thief = before.clone();
        thief.post("factor/scan", &[fields[0], ("challenge", guess)]).await;
        assert_eq!(thief.page.to(), Some(to), "{guess}");
    }
    assert_eq!(bob.get("").await.status, 200, "the new session lives");
}

#[tokio::test]
async fn a_form_is_not_sent_again_after_a_while_or_by_another_session() {
    let desk = Desk::new().await;
    let mut bob = desk.bob().await;
    let secret = scan(&mut bob).await;
    let (token, code) = (bob.page.token(), code_of(&secret, 0));
    let fields = [("form", token.as_str()), ("challenge", code.as_str())];
    let (before, mut other) = (bob.clone(), desk.alice(0).await);
    bob.post("factor/scan", &fields).await;
    assert_eq!(bob.page.to(), Some("recovery-codes/shown"));
    // Somebody else has seen all of the form.
    assert_eq!(other.post("factor/scan", &fields).await.status, 403);
    let mut nobody = desk.browser();
    assert_eq!(nobody.post("factor/scan", &fields).await.to(), Some("login"));
    tokio::time::pause();
    tokio::time::advance(std::time::Duration::from_secs(20)).await;
    tokio::time::resume();
    let mut late = before;
    assert_eq!(late.post("factor/scan", &fields).await.to(), Some("login?done=ended"));
}

#[tokio::test]
async fn it_is_switched_off_with_a_fresh_code_only() {
    let desk = Desk::new().await;
    let mut alice = desk.alice(0).await;
    alice.submit("", &[("status", "disabled")]).await;
    assert!(alice.page.says("Switch 2-factor authentication off"));
    alice.submit("factor/disable", &[("code", &code(0))]).await;
    assert_eq!(alice.page.status, 422, "the code of the login is used");
    assert!(alice.page.says("This code was used before"));
    alice.submit("factor/disable", &[("code", &wrong_code())]).await;
    assert_eq!(alice.page.status, 422);
    alice.submit("factor/disable", &[("code", "")]).await;
    assert_eq!(alice.page.status, 422);
    assert!(alice.get("").await.says("2-factor authentication is on"));
    alice.get("factor/disable").await;
    alice.submit("factor/disable", &[("code", &code(1))]).await;
    assert!(alice.page.says("You can now delete the entry"));
    assert!(alice.get("").await.says("2-factor authentication is off"), "and she is still in");
    assert_eq!(desk.log.last().result, "accepted panel+code");
}

#[tokio::test]
async fn a_session_without_the_code_changes_nothing_that_matters() {
    let desk = Desk::new().await;
    let alice = desk.alice(0).await;
    // Somebody has stolen the cookie and read a page; the app is on the phone.
    for (path, fields) in [
        ("factor/disable", vec![("code", "")]),
        ("recovery-codes/new", vec![("code", "000000")]),
        ("app-passwords/new", vec![("name", "x"), ("code", "")]),
        ("phone/scan", vec![("code", ""), ("challenge", "000000")]),
    ] {
        let mut thief = alice.clone();
        thief.submit(path, &fields).await;
        assert_eq!(thief.page.status, 422, "{path}");
    }
    let mut thief = alice.clone();
    thief.submit("factor/begin", &[]).await;
    assert!(!thief.page.says("otpauth:"), "no secret of hers is shown");
    assert!(thief.get("").await.says("2-factor authentication is on"));
}

#[tokio::test]
async fn a_new_phone_takes_a_code_of_each() {
    let desk = Desk::new().await;
    let (mut alice, mut other) = (desk.alice(-1).await, desk.alice(0).await);
    alice.get("phone").await;
    alice.submit("phone/begin", &[]).await;
    let new = secret(&alice);
    // A wrong new code costs no code of the old phone.
    let wrong = wrong_code();
    alice.submit("phone/scan", &[("code", &code(1)), ("challenge", "12")]).await;
    assert_eq!(alice.page.status, 422);
    assert!(alice.page.says("challenge-error challenge-hint"));
    alice.submit("phone/scan", &[("code", &wrong), ("challenge", &code_of(&new, 0))]).await;
    assert_eq!(alice.page.status, 422);
    assert!(alice.page.says("code-error code-hint"));
    // Nothing is replaced yet: the old phone opens the panel.
    assert!(other.get("").await.says("is on"));
    alice.submit("phone/scan", &[("code", &code(1)), ("challenge", &code_of(&new, 0))]).await;
    assert!(alice.page.says("Your new phone is set up"), "{:?}", alice.page);
    assert_eq!(other.get("").await.to(), Some("login?done=ended"));
    desk.clock.forward(30);
    let mut later = desk.browser();
    later.post("login", &[("name", ALICE), ("password", ALICE_PASSWORD)]).await;
    later.post("login/code", &[("code", &code(2))]).await;
    assert_eq!(later.page.status, 422, "the old phone opens nothing");
    later.post("login/code", &[("code", &code_of(&new, 0))]).await;
    assert_eq!(later.page.status, 422, "used by the move");
    later.post("login/code", &[("code", &code_of(&new, 1))]).await;
    assert_eq!(later.page.to(), Some(""));
}

#[tokio::test]
async fn new_recovery_codes_replace_the_old() {
    let desk = Desk::new().await;
    let mut alice = desk.alice(-1).await;
    alice.get("recovery-codes/new").await;
    let fields = [("code", code(0))];
    let fields = fields.each_ref().map(|(name, value)| (*name, value.as_str()));
    let (page, token) = (alice.page.clone(), alice.page.token());
    alice.submit("recovery-codes/new", &fields).await;
    let first = alice.page.all("<li><code>", "</code>");
    // Sent twice: the code was used, and the set is on the screen.
    let twice = [("form", token.as_str()), fields[0]];
    alice.page = page;
    assert_eq!(alice.post("recovery-codes/new", &twice).await.to(), Some("recovery-codes/shown"));
    alice.follow().await;
    assert_eq!(alice.page.all("<li><code>", "</code>"), first);
    alice.submit("recovery-codes/shown", &[("kept", "yes")]).await;
    assert!(alice.page.says("10 of 10 codes are left"));
    alice.get("recovery-codes/new").await;
    alice.submit("recovery-codes/new", &[("code", &code(1))]).await;
    let second = alice.page.all("<li><code>", "</code>");
    assert!(first.iter().all(|code| !second.contains(code)));
    alice.get("factor/disable?recovery").await;
    alice.submit("factor/disable?recovery", &[("code", &first[0])]).await;
    assert_eq!(alice.page.status, 422);
    alice.submit("factor/disable?recovery", &[("code", &second[0])]).await;
    assert!(alice.page.says("2-factor authentication is off"));
}
