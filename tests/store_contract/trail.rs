//! What every store must do with the audit trail.

use mail2fa::ports::{
    event::TrailEvent,
    store::{Change, Commit, Expect, Store},
    trail::{Lane, Trail, TrailQuery},
};

use super::{Bench, SealedStore, at, change, mailbox, plain};

/// A login of a mailbox, as far as the store cares.
fn event(millis: u64, name: &str) -> TrailEvent {
    TrailEvent { at: millis, mailbox: Some(name.into()), ..TrailEvent::default() }
}

/// Moments and names of the whole trail, or of a mailbox's part of it, newest block first.
async fn trail_of(store: &impl Trail, name: Option<&str>, most: usize) -> Vec<(u64, String)> {
    let mut query = TrailQuery {
        mailbox: name.map(mailbox),
        lanes: Lane::ALL.to_vec(),
        before: None,
        since: at(0),
        most,
    };
    let mut all = Vec::new();
    loop {
        let page = store.read(&query).await.unwrap();
        assert!(page.blocks.len() <= most && page.unreadable == 0);
        for event in page.blocks.into_iter().flat_map(|block| block.events.into_iter().rev()) {
            if name.is_none_or(|name| event.is_about(&mailbox(name))) {
                all.push((event.at, event.mailbox.unwrap_or_default()));
            }
        }
        query.before = page.next;
        if page.next.is_none() {
            return all;
        }
    }
}

pub async fn the_trail_pages_back_by_time_and_by_mailbox(bench: &impl Bench) {
    let mut store = bench.create().await;
    let names = ["alice", "bob", "carol"];
    for round in 0..40_u64 {
        let lane = Lane::ALL[usize::try_from(round % 3).unwrap()];
        let events: Vec<_> =
            names.iter().zip(0..).map(|(name, n)| event(round * 10 + n, name)).collect();
        store.append(lane, events).await.unwrap();
        // The one in the middle is found by his new name only.
        let mut moved = event(round * 10 + 5, "bob");
        (moved.typed, moved.target) = (true, Some("dave".into()));
        store.append(lane, vec![moved]).await.unwrap();
    }
    for reopened in [false, true] {
        let all = trail_of(&store, None, 7).await;
        assert_eq!(all.len(), 160);
        assert!(all.is_sorted_by(|(a, _), (b, _)| a > b), "{all:?}");
        for (name, expected) in [("alice", 40), ("bob", 40), ("dave", 40), ("nobody", 0)] {
            for most in [1, 7, 100] {
                assert_eq!(trail_of(&store, Some(name), most).await.len(), expected, "{name}");
            }
        }
        // One lane, and not everything.
        let query = TrailQuery {
            mailbox: Some(mailbox("alice")),
            lanes: vec![Lane::Change],
            before: None,
            since: at(300),
            most: 100,
        };
        let page = store.read(&query).await.unwrap();
        let moments: Vec<_> = page.blocks.iter().map(|block| block.events[0].at).collect();
        assert_eq!(moments, [390, 360, 330, 300]);
        if !reopened {
            store = bench.reopen(store).await;
        }
    }
    let found = store.check_trail().await.unwrap();
    assert_eq!((found.events, found.unreadable), (160, 0));
}

pub async fn the_trail_expires_by_age_and_number(bench: &impl Bench) {
    let mut store = bench.create().await;
    for lane in Lane::ALL {
        for round in 0..100_u64 {
            store.append(lane, vec![event(round, "alice"), event(round, "bob")]).await.unwrap();
        }
    }
    let count = async |store: &SealedStore<_>, name| trail_of(store, name, 50).await.len();
    assert_eq!(store.expire(Lane::Refused, at(0), u64::MAX).await.unwrap().events, 0);
    assert_eq!(store.expire(Lane::Refused, at(10), u64::MAX).await.unwrap().events, 20);
    assert_eq!(count(&store, None).await, 580);
    assert_eq!(count(&store, Some("alice")).await, 290);
    // By number, also after a restart; the other lanes stay, and changes have no such bound.
    store = bench.reopen(store).await;
    assert_eq!(store.expire(Lane::SignIn, at(0), 50).await.unwrap().events, 150);
    assert_eq!(store.expire(Lane::Change, at(0), 50).await.unwrap().events, 0);
    assert_eq!(count(&store, None).await, 430);
    assert_eq!(count(&store, Some("bob")).await, 215);
    store.append(Lane::SignIn, vec![event(100, "carol"); 10]).await.unwrap();
    assert_eq!(store.expire(Lane::SignIn, at(0), 50).await.unwrap().events, 10);
    // The whole of a lane.
    let mut removed = 0;
    loop {
        let expired = store.expire(Lane::Change, at(1_000), 0).await.unwrap();
        removed += expired.events;
        if !expired.more {
            break;
        }
    }
    assert_eq!(removed, 200);
    assert_eq!(count(&store, Some("alice")).await, 90 + 20);
}

pub async fn a_note_is_there_if_and_only_if_its_change_is(bench: &impl Bench) {
    let store = bench.create().await;
    let noted = |expect, moment| {
        let note = Change::Note(Box::new(event(moment, "alice")));
        store.commit(vec![change("alice", expect, Some(plain())), note])
    };
    assert!(matches!(noted(Expect::Absent, 1).await.unwrap(), Commit::Done(_)));
    assert_eq!(noted(Expect::Absent, 2).await.unwrap(), Commit::Conflict);
    assert_eq!(trail_of(&store, Some("alice"), 9).await, [(1, "alice".to_owned())]);
    assert_eq!(trail_of(&store, None, 9).await.len(), 1);
    assert_eq!(store.verify().await.unwrap().damaged, []);
}
