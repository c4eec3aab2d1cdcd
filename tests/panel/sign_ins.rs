//! Sign-ins of mail programs, seen and ended at the panel.

use mail2fa::{
    base::{NetAddress, Service, limits::PANEL_BROWSERS},
    decision::{digest::Digest, place::Use, session::Session},
    ports::store::{Change, Commit, Expect, Store},
};

use crate::{
    desk::{Desk, Page},
    support::{ALICE, NOW, stand::mailbox},
};

/// Sign-ins of Alice's programs.
async fn sign_in(desk: &Desk, ids: &[u64]) {
    let found = desk.store.load(&mailbox(ALICE)).await.unwrap().unwrap();
    let mut record = found.value;
    let used = Use { at: NOW, from: NetAddress::parse("192.0.2.7"), service: Service::Imap };
    record.sessions = ids
        .iter()
        .map(|id| Session {
            id: *id,
            digest: Digest::from_bytes([u8::try_from(*id).unwrap(); 32]),
            opened: used.clone(),
            last_use: used.clone(),
            ends: NOW.plus_seconds(86_400),
            idle_seconds: 86_400,
            webmail: None,
        })
        .collect();
    let expect = Expect::Version(found.version);
    let record = Some(Box::new(record));
    let change = Change::Mailbox { mailbox: mailbox(ALICE), expect, record };
    assert!(matches!(desk.store.commit(vec![change]).await, Ok(Commit::Done(_))));
}

/// The programs on the page, by their numbers.
fn programs(page: &Page) -> Vec<String> {
    page.all("aria-describedby=\"sign-in-", "\"")
}

#[tokio::test]
async fn one_is_ended_or_all() {
    let desk = Desk::new().await;
    let (mut alice, mut other) = (desk.alice(0).await, desk.alice(1).await);
    sign_in(&desk, &[7, 8, 9]).await;
    alice.get("sign-ins").await;
    assert_eq!(programs(&alice.page), ["7", "8", "9"]);
    assert!(alice.page.says("192.0.2.7") && alice.page.says("Reading mail"));
    let page = alice.page.clone();
    alice.submit("sign-ins/end", &[("id", "8")]).await;
    assert_eq!(programs(&alice.page), ["7", "9"]);
    alice.page = page;
    alice.submit("sign-ins/end", &[("id", "8")]).await;
    assert!(alice.page.says("The sign-in has ended"), "twice is harmless");
    alice.submit("sign-ins/end-all", &[]).await;
    assert!(alice.page.says("All sign-ins have ended"));
    assert!(alice.page.says("No program is signed in"));
    assert_eq!(other.get("").await.to(), Some("login?done=ended"), "other browsers too");
    assert_eq!(alice.get("").await.status, 200);
}

/// The browsers on the page, those of others by what names them.
fn browsers(page: &Page) -> Vec<String> {
    assert_eq!(page.body.matches("This browser").count(), 1);
    page.all("aria-describedby=\"browser-", "\"")
}

#[tokio::test]
async fn another_browser_is_seen_and_ended() {
    let desk = Desk::new().await;
    let (mut alice, mut thief, mut bob) =
        (desk.alice(0).await, desk.alice(1).await, desk.bob().await);
    alice.get("sign-ins").await;
    assert!(alice.page.says("No program is signed in"), "what the code opened is no program");
    let other = browsers(&alice.page);
    assert_eq!(other.len(), 1);
    thief.get("sign-ins").await;
    let page = thief.page.clone();
    let own = browsers(&page);
    assert!(own.len() == 1 && own != other, "each sees the other one");
    // Bob can name neither.
    bob.get("sign-ins").await;
    assert!(browsers(&bob.page).is_empty());
    for id in [&own[0], &other[0], "x", "", "../x", &"0".repeat(64)] {
        bob.submit("sign-ins/end-browser", &[("id", id)]).await;
        assert_eq!(bob.page.status, 200, "{id}");
    }
    assert_eq!(thief.get("").await.status, 200);
    assert_eq!(alice.get("sign-ins").await.status, 200);

    alice.submit("sign-ins/end-browser", &[("id", &other[0])]).await;
    assert!(alice.page.says("That browser has been logged out"));
    assert!(browsers(&alice.page).is_empty());
    assert_eq!(thief.get("").await.to(), Some("login?done=ended"));
    // Nor by a form that was ready.
    thief.page = page;
    thief.submit("sign-ins/end-all", &[]).await;
    assert_eq!(thief.page.to(), None);
    assert!(!thief.page.says("All sign-ins have ended"));
    assert_eq!(alice.get("").await.status, 200);
    alice.submit("sign-ins/end-browser", &[("id", &other[0])]).await;
    assert!(alice.page.says("That browser has been logged out"), "twice is harmless");
    alice.get("activity").await;
    assert!(alice.page.says("A sign-in was ended"));
}

#[tokio::test]
async fn of_many_browsers_some_are_shown() {
    let desk = Desk::new().await;
    let mut last = desk.bob().await;
    for _ in 0..PANEL_BROWSERS {
        last = desk.bob().await;
    }
    last.get("sign-ins").await;
    assert_eq!(browsers(&last.page).len(), PANEL_BROWSERS - 1);
    assert!(last.page.says(&format!("Only the latest {PANEL_BROWSERS} are shown")));
    last.submit("sign-ins/end-all", &[]).await;
    assert!(browsers(&last.page).is_empty());
    assert!(!last.page.says("Only the latest"));
}
