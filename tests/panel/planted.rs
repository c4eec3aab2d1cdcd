//! Cookies that somebody else has put into a browser under our names: from another page of the host, or of its
//! domain. With them no owner is kept out, and nobody gets into a session that others know.

use crate::{
    desk::{Browser, Desk},
    support::{ALICE, ALICE_PASSWORD, BOB, BOB_PASSWORD, b64, code},
};

const PASSWORD: [(&str, &str); 2] = [("name", BOB), ("password", BOB_PASSWORD)];

/// The browser brings these, in this order.
fn brings(browser: &mut Browser, name: &str, values: &[&str]) {
    browser.cookies.remove(name);
    let pairs: Vec<String> = values.iter().map(|value| format!("{name}={value}")).collect();
    browser.headers = vec![("cookie".into(), pairs.join("; "))];
}

#[tokio::test]
async fn one_that_opens_nothing_keeps_nobody_out() {
    let desk = Desk::new().await;
    let mut bob = desk.bob().await;
    let own = bob.cookies["mail2fa"].clone();
    let (name, token) = own.split_once('.').unwrap();
    let dead = format!("{name}.{}", "A".repeat(43));
    let others = format!("{}.{token}", b64(ALICE).replace('=', ""));
    for values in
        [["x.y", &own, ""], [&own, &dead, "x.y"], [&dead, &others, &own], [&own, &own, &own]]
    {
        brings(&mut bob, "mail2fa", &values);
        assert_eq!(bob.get("").await.status, 200, "{values:?}");
        assert!(bob.page.says(BOB) && bob.page.says("is off"));
        // Forms too, and the login page knows who is in.
        bob.submit("", &[("status", "enabled")]).await;
        assert!(bob.page.says("Before you start"), "{values:?}");
        assert_eq!(bob.get("login").await.to(), Some(""));
    }
    bob.get("").await;
    assert!(bob.submit("logout", &[]).await.says("You are logged out"));
    assert_eq!(bob.get("").await.to(), Some("login?done=ended"), "his own has ended");
}

/// Values that could be ours and open nothing.
fn dead(before: &str, count: usize) -> Vec<String> {
    (0..count).map(|number| format!("{before}{}{number:02}A", "A".repeat(40))).collect()
}

#[tokio::test]
async fn so_many_are_looked_at_and_no_more() {
    let desk = Desk::new().await;
    let mut bob = desk.bob().await;
    let own = bob.cookies["mail2fa"].clone();
    let (name, _) = own.split_once('.').unwrap();
    for (count, status) in [(15, 200), (16, 303)] {
        let dead = dead(&format!("{name}."), count);
        // What comes twice, or is none of ours, crowds nobody out.
        let rubbish = "x.y".to_owned();
        let values: Vec<&str> =
            dead.iter().chain(&dead).chain([&rubbish, &own]).map(String::as_str).collect();
        brings(&mut bob, "mail2fa", &values);
        assert_eq!(bob.get("").await.status, status, "{}", values.len());
    }
}

#[tokio::test]
async fn nobody_is_crowded_out_of_their_own_session_into_another() {
    let desk = Desk::new().await;
    let (mut bob, mut thief) = (desk.bob().await, desk.alice(0).await);
    let (own, planted) = (bob.cookies["mail2fa"].clone(), thief.cookies["mail2fa"].clone());
    let dead = dead(&format!("{}.", own.split_once('.').unwrap().0), 15);
    let values: Vec<&str> = dead.iter().chain([&planted, &own]).map(String::as_str).collect();
    brings(&mut bob, "mail2fa", &values);
    assert_eq!(bob.get("").await.to(), Some("login?done=ended"));
    assert_eq!(thief.get("").await.to(), Some("login?done=ended"), "hers has ended");
    // Nor does his own count, first of too many.
    let values: Vec<&str> = [&own].into_iter().chain(&dead).map(String::as_str).collect();
    brings(&mut bob, "mail2fa", &values);
    assert_eq!(bob.get("").await.status, 200, "these are not too many");
    let values: Vec<&str> = values.into_iter().chain([planted.as_str()]).collect();
    brings(&mut bob, "mail2fa", &values);
    assert_eq!(bob.get("login").await.status, 200, "nor does the login page know him");
    brings(&mut bob, "mail2fa", &[&own]);
    assert_eq!(bob.get("").await.to(), Some("login?done=ended"), "his has ended too");
}

#[tokio::test]
async fn of_two_that_live_neither_counts() {
    let desk = Desk::new().await;
    for (step, planted_first) in [(0, true), (1, false)] {
        let (mut bob, mut thief) = (desk.bob().await, desk.alice(step).await);
        let (own, planted) = (bob.cookies["mail2fa"].clone(), thief.cookies["mail2fa"].clone());
        let values = if planted_first { [&planted, &own] } else { [&own, &planted] };
        brings(&mut bob, "mail2fa", &values.map(String::as_str));
        // The form's token does not say which: he may have been led to a page of hers.
        bob.submit("sign-ins/end-all", &[]).await;
        assert!(bob.page.says("Please log in again"), "{:?}", bob.page);
        assert_eq!(thief.get("").await.to(), Some("login?done=ended"), "hers has ended");
        brings(&mut bob, "mail2fa", &[&own]);
        assert_eq!(bob.get("").await.to(), Some("login?done=ended"), "and his");
    }
}

#[tokio::test]
async fn logging_in_ends_what_was_planted() {
    let desk = Desk::new().await;
    let (mut bob, mut thief) = (desk.browser(), desk.alice(0).await);
    let planted = thief.cookies["mail2fa"].clone();
    brings(&mut bob, "mail2fa", &["x.y", &planted]);
    assert_eq!(bob.post("login", &PASSWORD).await.to(), Some(""));
    let new = bob.cookies["mail2fa"].clone();
    brings(&mut bob, "mail2fa", &[&planted, &new]);
    assert!(bob.get("").await.says(BOB));
    assert_eq!(thief.get("").await.to(), Some("login?done=ended"));
}

/// The cookie of somebody who has given Alice's password and no code yet.
async fn waiting(desk: &Desk) -> String {
    let mut browser = desk.browser();
    browser.post("login", &[("name", ALICE), ("password", ALICE_PASSWORD)]).await;
    assert_eq!(browser.page.to(), Some("login/code"));
    browser.cookies["mail2fa-code"].clone()
}

#[tokio::test]
async fn between_password_and_code_it_is_the_same() {
    let desk = Desk::new().await;
    let mut alice = desk.browser();
    let (own, dead) = (waiting(&desk).await, "A".repeat(43));
    brings(&mut alice, "mail2fa-code", &["rubbish", &dead, &own]);
    assert_eq!(alice.get("login/code").await.status, 200);
    assert_eq!(alice.post("login/code", &[("code", &code(0))]).await.to(), Some(""));
    // Two that wait: a code is tried with neither, and not used up.
    let (own, other) = (waiting(&desk).await, waiting(&desk).await);
    brings(&mut alice, "mail2fa-code", &[&other, &own]);
    alice.post("login/code", &[("code", &code(1))]).await;
    assert_eq!(alice.page.status, 422);
    assert!(alice.page.says("Please log in again"));
    for one in [own, other] {
        brings(&mut alice, "mail2fa-code", &[&one]);
        assert_eq!(alice.get("login/code").await.to(), Some("login"));
    }
    // The password is given again, and what was planted is not in the way.
    let other = waiting(&desk).await;
    brings(&mut alice, "mail2fa-code", &[&other]);
    alice.post("login", &[("name", ALICE), ("password", ALICE_PASSWORD)]).await;
    let own = alice.cookies["mail2fa-code"].clone();
    brings(&mut alice, "mail2fa-code", &[&other, &own]);
    assert_eq!(alice.post("login/code", &[("code", &code(1))]).await.to(), Some(""));
}

#[tokio::test]
async fn a_code_is_tried_with_none_of_too_many() {
    let desk = Desk::new().await;
    let mut alice = desk.browser();
    let (other, own) = (waiting(&desk).await, waiting(&desk).await);
    let dead = dead("", 15);
    let values: Vec<&str> = dead.iter().chain([&other, &own]).map(String::as_str).collect();
    brings(&mut alice, "mail2fa-code", &values);
    alice.post("login/code", &[("code", &code(0))]).await;
    assert_eq!(alice.page.status, 422);
    assert!(alice.page.says("Please log in again"));
    brings(&mut alice, "mail2fa-code", &[&other]);
    assert_eq!(alice.get("login/code").await.to(), Some("login"), "the planted one has ended");
    // The code is not used up.
    brings(&mut alice, "mail2fa-code", &[&own]);
    assert_eq!(alice.post("login/code", &[("code", &code(0))]).await.to(), Some(""));
}
