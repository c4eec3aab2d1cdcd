//! What a page of sign-ins shows, and what is ended from there.

use super::*;
use crate::{
    decision::{digest::Kind, place::Use, session::Session},
    ports::store::{Entry, EntryKey},
    service::admin::tests::memory::{Fate, Moment},
};

/// The names of the browsers that a visitor sees.
async fn seen(desk: &Desk, visit: &Visit) -> Vec<String> {
    desk.owner.browsers(visit).await.unwrap().into_iter().map(|view| view.id).collect()
}

/// A mail program's sign-in, opened now for this service and for so many seconds.
fn program(id: u64, service: &str, seconds: u64) -> Session {
    let at = UnixMillis::from_seconds(NOW);
    let opened = Use { at, from: here(), service: Service::parse(service) };
    let key = CredentialKey::new(Secret::from_slice(&[7; 32]));
    Session {
        id,
        digest: key.digest(Kind::Session, &mailbox(BOB), &[&id.to_be_bytes()]),
        last_use: opened.clone(),
        opened,
        ends: at.plus_seconds(seconds),
        idle_seconds: seconds,
        webmail: None,
    }
}

#[tokio::test]
async fn who_ends_all_sign_ins_does_not_live_longer_by_it() {
    let desk = Desk::new();
    for by_link in [false, true] {
        let mut ticket = if by_link {
            link::followed(&desk, &link::link(&desk, BOB).await).await.unwrap()
        } else {
            desk.bob().await
        };
        let opened = desk.visit(&ticket).await.unwrap().opened;
        desk.forward(500);
        let visit = desk.visit(&ticket).await.unwrap();
        ticket = desk.owner.end_all(&visit).await.unwrap();
        desk.forward(499);
        let visit = desk.visit(&ticket).await.unwrap();
        assert_eq!((visit.opened, visit.by_link().is_some()), (opened, by_link));
        ticket = desk.owner.end_all(&visit).await.unwrap();
        desk.forward(1);
        assert!(desk.visit(&ticket).await.is_none(), "it lives for 1000 seconds at most");
    }
}

#[tokio::test]
async fn no_sign_in_of_a_mail_program_is_kept_from_its_owner() {
    let desk = Desk::enrolled().await;
    let visit = desk.alice(0).await;
    // What the sign-in to the panel opened for a form that is sent twice.
    let brief = desk.store.record(&mailbox(ALICE)).unwrap().sessions;
    assert_eq!(brief.len(), 1);
    assert_eq!(desk.owner.sessions(&visit).await.unwrap(), []);
    // A program may call its service as it likes, and share sign-ins with others.
    desk.store.change(&mailbox(ALICE), |record| {
        let used = program(8, "panel", 600).last_use;
        record.sessions.push(program(7, "panel", 600));
        record.sessions.push(Session { last_use: used, ..program(8, "imap", 600) });
        record.sessions.push(program(9, "imap", 10));
        record.sessions.push(program(10, "webmail", 600));
        // What the code opened for the same form of a webmail.
        record.sessions.push(program(11, "webmail", 10));
    });
    let listed = desk.owner.sessions(&visit).await.unwrap();
    assert_eq!(listed.iter().map(|view| view.id).collect::<Vec<_>>(), [7, 8, 9, 10]);
}

#[tokio::test]
async fn one_session_that_cannot_be_read_hides_no_other() {
    let desk = Desk::new();
    let other = desk.bob().await;
    let visit = desk.visit(&desk.bob().await).await.unwrap();
    let key = EntryKey { id: "0".repeat(64), ..desk.owner.key(&other) };
    let expires = UnixMillis::from_seconds(NOW + 900);
    let entry = Some(Entry { value: secret("?"), expires });
    let stored = desk.store.commit(vec![Change::Entry { key, expect: None, entry }]).await.unwrap();
    assert!(matches!(stored, Commit::Done(_)));
    let own = desk.owner.key(&visit.ticket).id;
    assert_eq!(seen(&desk, &visit).await, [own, desk.owner.key(&other).id]);
}

#[tokio::test]
async fn only_what_lives_is_shown_and_only_of_the_own_mailbox() {
    let desk = Desk::enrolled().await;
    let (gone, stays) = (desk.bob().await, desk.bob().await);
    let alice = desk.alice(0).await;
    let visit = desk.visit(&stays).await.unwrap();
    let visit = desk.visit(&desk.owner.end_all(&visit).await.unwrap()).await.unwrap();
    let own = desk.owner.key(&visit.ticket).id;
    let seen = seen(&desk, &visit).await;
    assert_eq!(seen, std::slice::from_ref(&own), "the era of the others is over");
    assert!(desk.visit(&gone).await.is_none());
    // The name of another one's session ends nothing, nor does what is no name.
    let hers = desk.owner.key(&alice.ticket).id;
    for id in [hers.as_str(), "", "x", "/", &own.to_uppercase(), &own[1..]] {
        desk.owner.end_browser(&visit, id).await.unwrap();
    }
    assert!(desk.visit(&alice.ticket).await.is_some());
    assert!(desk.visit(&visit.ticket).await.is_some());
    assert!(desk.store.notes().iter().all(|note| note.action.as_deref() != Some("session revoke")));
    // Nor does one that has ended ask.
    desk.owner.sign_out([&visit.ticket]).await.unwrap();
    assert_eq!(desk.owner.browsers(&visit).await, Err(OwnerError::Ended));
}

#[tokio::test]
async fn a_browser_that_is_ended_sees_nothing_any_more_and_it_is_noted() {
    let desk = Desk::new();
    let other = desk.visit(&desk.bob().await).await.unwrap();
    desk.owner.begin_enrolment(&other).await.unwrap();
    assert!(desk.owner.shown(&other, ShownKind::Enrolment).is_some());
    let visit = desk.visit(&desk.bob().await).await.unwrap();
    let id = desk.owner.key(&other.ticket).id;
    desk.owner.end_browser(&visit, &id).await.unwrap();
    assert!(desk.visit(&other.ticket).await.is_none());
    assert!(desk.owner.shown(&other, ShownKind::Enrolment).is_none());
    let notes = desk.store.notes();
    let note = notes.last().unwrap();
    assert_eq!(note.action.as_deref(), Some("session revoke"));
    assert_eq!(note.by.as_deref(), Some("owner at the panel from 192.0.2.1"));
    // Once: what is not there has ended.
    desk.owner.end_browser(&visit, &id).await.unwrap();
    assert_eq!(desk.store.notes().len(), notes.len());
    // Its own one is logged out.
    desk.owner.end_browser(&visit, &desk.owner.key(&visit.ticket).id).await.unwrap();
    assert!(desk.visit(&visit.ticket).await.is_none());
}

/// Nobody has the ticket of a session whose write was not answered.
#[tokio::test]
async fn a_change_without_an_answer_leaves_no_ticket() {
    let desk = Desk::new();
    let visit = desk.visit(&desk.bob().await).await.unwrap();
    desk.store.commits(Fate::Unanswered);
    let ended = desk.owner.end_all(&visit).await;
    assert!(matches!(ended, Err(OwnerError::Change(_))), "{ended:?}");
    assert!(desk.visit(&visit.ticket).await.is_none(), "it has ended");
}

/// A page that is looked at notes the use; a session that was ended at that moment does not come back by it.
#[tokio::test]
async fn a_use_that_is_noted_brings_back_no_session() {
    let desk = Desk::new();
    let ticket = desk.bob().await;
    desk.forward(300);
    desk.store.meanwhile(Moment::EntryRead("panel"), vec![desk.owner.stored(&ticket, None, None)]);
    // This page may still be seen: it was asked for before.
    let _ = desk.visit(&ticket).await;
    assert!(!desk.store.is_waiting() && desk.store.kinds().is_empty());
    assert!(desk.visit(&ticket).await.is_none());
}

#[tokio::test]
async fn what_a_session_showed_leaves_with_it_when_another_one_takes_its_place() {
    let desk = Desk::new();
    let visit = desk.visit(&desk.bob().await).await.unwrap();
    desk.owner.begin_enrolment(&visit).await.unwrap();
    assert!(desk.owner.shown(&visit, ShownKind::Enrolment).is_some());
    let ticket = desk.owner.end_all(&visit).await.unwrap();
    assert!(desk.owner.shown(&visit, ShownKind::Enrolment).is_none());
    let visit = desk.visit(&ticket).await.unwrap();
    assert!(desk.owner.shown(&visit, ShownKind::Enrolment).is_none());
}
