//! Sign-ins of mail programs, seen and ended at the panel.

use mail2fa::{
    base::{NetAddress, Service},
    decision::{digest::Digest, place::Use, session::Session},
    ports::store::{Change, Commit, Expect, Store},
};

use crate::{
    desk::Desk,
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

#[tokio::test]
async fn one_is_ended_or_all() {
    let desk = Desk::new().await;
    let (mut alice, mut other) = (desk.alice(0).await, desk.alice(1).await);
    sign_in(&desk, &[7, 8, 9]).await;
    alice.get("sign-ins").await;
    assert_eq!(alice.page.all("name=\"id\" value=\"", "\""), ["7", "8", "9"]);
    assert!(alice.page.says("192.0.2.7") && alice.page.says("Reading mail"));
    let page = alice.page.clone();
    alice.submit("sign-ins/end", &[("id", "8")]).await;
    assert_eq!(alice.page.all("name=\"id\" value=\"", "\""), ["7", "9"]);
    alice.page = page;
    alice.submit("sign-ins/end", &[("id", "8")]).await;
    assert!(alice.page.says("The sign-in has ended"), "twice is harmless");
    alice.submit("sign-ins/end-all", &[]).await;
    assert!(alice.page.says("All sign-ins have ended"));
    assert!(alice.page.says("No program is signed in"));
    assert_eq!(other.get("").await.to(), Some("login?done=ended"), "other browsers too");
    assert_eq!(alice.get("").await.status, 200);
}
