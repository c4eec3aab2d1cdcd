//! Logging in and out.

use std::time::Duration;

use crate::{
    desk::{Desk, Options, steady},
    support::{ALICE, ALICE_PASSWORD, BOB, BOB_PASSWORD, code, wrong_code},
};

#[tokio::test]
async fn a_mailbox_without_a_factor_needs_its_password() {
    let desk = Desk::new().await;
    let mut bob = desk.bob().await;
    assert_eq!(bob.page.status, 200);
    assert!(bob.page.says("2-factor authentication is off"));
    assert!(bob.page.says(BOB));
    assert_eq!(desk.log.last().result, "accepted password");
    // Who is in has nothing to do at the login.
    assert_eq!(bob.get("login").await.to(), Some(""));
}

#[tokio::test]
async fn one_with_a_factor_needs_a_code_too() {
    let desk = Desk::new().await;
    let mut alice = desk.browser();
    alice.post("login", &[("name", ALICE), ("password", ALICE_PASSWORD)]).await;
    assert_eq!(alice.page.to(), Some("login/code"));
    assert_eq!(alice.get("").await.to(), Some("login"), "the password alone opens nothing");
    let wrong = wrong_code();
    alice.post("login/code", &[("code", &wrong)]).await;
    assert_eq!(alice.page.status, 422);
    assert!(alice.page.says("aria-invalid=\"true\"") && alice.page.says("code-error code-hint"));
    alice.post("login/code", &[("code", &code(0))]).await;
    assert_eq!(alice.page.to(), Some(""));
    assert!(alice.get("").await.says("2-factor authentication is on"));
    assert_eq!(
        desk.log.results(),
        ["refused missing_code", "refused wrong_code", "accepted password+code"]
    );
}

#[tokio::test]
async fn a_code_opens_the_panel_once_and_not_the_mailbox_afterwards() {
    let desk = Desk::new().await;
    desk.alice(0).await;
    let mut thief = desk.browser();
    thief.headers = vec![("user-agent".into(), "another".into())];
    thief.post("login", &[("name", ALICE), ("password", ALICE_PASSWORD)]).await;
    desk.clock.forward(20);
    thief.post("login/code", &[("code", &code(0))]).await;
    assert_eq!(thief.page.status, 422);
    assert_eq!(desk.log.last().result, "refused used_code");
}

#[tokio::test]
async fn all_refusals_are_one_page() {
    let desk = Desk::new().await;
    let mut bodies = Vec::new();
    for (name, password) in [
        (BOB, "wrong"),
        (ALICE, "wrong"),
        ("nobody@example.org", "wrong"),
        ("no name at all", "wrong"),
        (BOB, "\u{0}"),
        (BOB, ""),
    ] {
        let mut browser = desk.browser();
        browser.post("login", &[("name", name), ("password", password)]).await;
        assert_eq!(browser.page.status, 422, "{name}");
        assert!(browser.cookies.is_empty(), "{name}");
        assert!(!browser.page.says("type=\"password\" value"));
        bodies.push(browser.page.body.replace(name, "NAME"));
    }
    assert!(bodies.windows(2).all(|two| two[0] == two[1]), "{bodies:#?}");
}

#[tokio::test(start_paused = true)]
async fn refusals_wait_for_the_common_moment() {
    steady();
    let desk = Desk::with(Options { delay: Duration::from_secs(2), ..Options::default() }).await;
    for name in [BOB, "nobody@example.org"] {
        let begun = tokio::time::Instant::now();
        let mut browser = desk.browser();
        browser.post("login", &[("name", name), ("password", "wrong")]).await;
        assert_eq!(browser.page.status, 422);
        assert!(begun.elapsed() >= Duration::from_secs(2), "virtual time");
    }
}

#[tokio::test]
async fn the_password_is_asked_again_after_five_codes_and_after_a_while() {
    let desk = Desk::new().await;
    let mut alice = desk.browser();
    let wrong = wrong_code();
    alice.post("login", &[("name", ALICE), ("password", ALICE_PASSWORD)]).await;
    for _ in 0..5 {
        alice.post("login/code", &[("code", &wrong)]).await;
        assert_eq!(alice.page.status, 422);
        assert!(alice.page.says("name=\"code\""));
    }
    alice.post("login/code", &[("code", &code(0))]).await;
    assert_eq!(alice.page.status, 422);
    assert!(alice.page.says("name=\"password\""), "the right code comes too late");
    alice.post("login", &[("name", ALICE), ("password", ALICE_PASSWORD)]).await;
    desk.clock.forward(300);
    assert_eq!(alice.get("login/code").await.to(), Some("login"));
    alice.post("login/code", &[("code", &code(10))]).await;
    assert_eq!(alice.page.status, 422);
}

#[tokio::test]
async fn a_recovery_code_is_typed_into_a_field_of_its_own() {
    let desk = Desk::new().await;
    let mut alice = desk.alice(0).await;
    alice.get("recovery-codes/new").await;
    alice.submit("recovery-codes/new", &[("code", &code(1))]).await;
    let codes = alice.page.all("<li><code>", "</code>");
    assert_eq!(codes.len(), 10);
    let mut other = desk.browser();
    other.post("login", &[("name", ALICE), ("password", ALICE_PASSWORD)]).await;
    assert!(other.get("login/code?recovery").await.says("inputmode=\"text\""));
    other.post("login/code?recovery", &[("code", &codes[3])]).await;
    assert_eq!(other.page.to(), Some(""));
    // Longer than a form that was sent twice may take.
    desk.clock.forward(60);
    other.post("login", &[("name", ALICE), ("password", ALICE_PASSWORD)]).await;
    other.post("login/code?recovery", &[("code", &codes[3])]).await;
    assert_eq!(other.page.status, 422, "used up");
    for code in &codes {
        crate::desk::assert_untold(code);
    }
}

#[tokio::test]
async fn logging_out_ends_the_session_and_not_only_the_cookie() {
    let desk = Desk::new().await;
    let mut bob = desk.bob().await;
    let cookies = bob.cookies.clone();
    bob.submit("logout", &[]).await;
    assert!(bob.page.says("You are logged out"));
    assert!(bob.cookies.is_empty());
    bob.cookies = cookies;
    assert_eq!(bob.get("").await.to(), Some("login?done=ended"));
    assert!(bob.cookies.is_empty(), "and the dead cookie is taken away");
}

#[tokio::test]
async fn a_session_ends_when_idle_and_when_old() {
    let desk = Desk::new().await;
    let mut bob = desk.bob().await;
    for _ in 0..5 {
        desk.clock.forward(600);
        assert_eq!(bob.get("").await.status, 200);
    }
    desk.clock.forward(600);
    assert_eq!(bob.get("").await.to(), Some("login?done=ended"), "an hour is over");
    assert!(bob.follow().await.says("Please log in again"));
    let mut bob = desk.bob().await;
    desk.clock.forward(900);
    assert_eq!(bob.get("sign-ins").await.to(), Some("login?done=ended"), "idle");
}

#[tokio::test]
async fn a_session_is_new_at_each_login() {
    let desk = Desk::new().await;
    // What a thief has planted becomes nobody's session.
    let mut victim = desk.browser();
    let planted = desk.bob().await.cookies;
    victim.cookies = planted.clone();
    victim.post("login", &[("name", BOB), ("password", BOB_PASSWORD)]).await;
    assert_ne!(victim.cookies, planted);
    let mut thief = desk.browser();
    thief.cookies = planted;
    assert_eq!(thief.get("").await.to(), Some("login?done=ended"), "the planted one has ended");
    assert_eq!(victim.get("").await.status, 200);
}

#[tokio::test]
async fn a_change_by_the_administrator_ends_sessions() {
    use mail2fa::service::admin::Request;
    let desk = Desk::new().await;
    let mut bob = desk.bob().await;
    let lock = Request::MailboxLock { mailbox: BOB.into() };
    desk.admin.handle(lock, "uid=0").await.unwrap();
    assert_eq!(bob.get("").await.to(), Some("login?done=ended"));
    bob.post("login", &[("name", BOB), ("password", BOB_PASSWORD)]).await;
    assert_eq!(bob.page.status, 422, "locked, and not told");
}

#[tokio::test]
async fn guesses_are_throttled_like_at_every_door() {
    use mail2fa::decision::throttle::ThrottlePolicy;
    let throttle = Some(ThrottlePolicy::default());
    let desk = Desk::with(Options { throttle, ..Options::default() }).await;
    let mut thief = desk.browser();
    for n in 0..40 {
        thief.post("login", &[("name", BOB), ("password", &format!("guess {n}"))]).await;
        assert_eq!(thief.page.status, 422);
    }
    assert_eq!(desk.log.last().result, "refused throttled");
    thief.post("login", &[("name", BOB), ("password", BOB_PASSWORD)]).await;
    assert_eq!(thief.page.status, 422, "the same page");
}
