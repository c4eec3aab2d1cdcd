//! What every store must do, over every engine.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test stops at the first surprise"
)]

mod store_support;

use std::sync::{Arc, Mutex};

use mail2fa::{
    base::Secret,
    ports::{
        store::{Change, Commit, Entry, EntryKey, Expect, Store, StoreError, Watcher},
        trail::{Lane, Trail, TrailEvent, TrailQuery},
    },
    store::{Keyring, MemoryEngine, SealedStore, SledEngine, engine::Engine},
};
use store_support::{
    Place, at, burn, change, enrolled, keyring, mailbox, plain, put, rng, runtime, step_of,
};

/// Makes and reopens stores over one engine.
trait Bench: Sync {
    type Engine: Engine;
    async fn create(&self) -> SealedStore<Self::Engine>;
    /// Closes the store and opens it again.
    async fn reopen(&self, store: SealedStore<Self::Engine>) -> SealedStore<Self::Engine>;
}

struct Memory(Keyring);

impl Bench for Memory {
    type Engine = MemoryEngine;

    async fn create(&self) -> SealedStore<MemoryEngine> {
        SealedStore::format(MemoryEngine::new(), &self.0, rng(), at(0)).await.unwrap()
    }

    async fn reopen(&self, store: SealedStore<MemoryEngine>) -> SealedStore<MemoryEngine> {
        SealedStore::attach(store.engine().reopen(), &self.0, rng()).await.unwrap()
    }
}

struct Sled(Keyring, Place);

impl Bench for Sled {
    type Engine = SledEngine;

    async fn create(&self) -> SealedStore<SledEngine> {
        SealedStore::create(&self.1.store(), &self.0, rng(), at(0)).await.unwrap()
    }

    async fn reopen(&self, store: SealedStore<SledEngine>) -> SealedStore<SledEngine> {
        drop(store);
        SealedStore::open(&self.1.store(), &self.0, rng()).await.unwrap()
    }
}

/// Runs a check over every engine.
macro_rules! over_every_engine {
    ($($check:ident),* $(,)?) => {
        mod memory {
            $(#[test]
            fn $check() {
                super::runtime().block_on(super::$check(&super::Memory(super::keyring())));
            })*
        }
        mod sled {
            $(#[test]
            fn $check() {
                let bench = super::Sled(super::keyring(), super::Place::new());
                super::runtime().block_on(super::$check(&bench));
            })*
        }
    };
}

over_every_engine!(
    records_read_back,
    versions_never_come_back,
    an_expectation_that_fails_writes_nothing,
    a_set_is_all_or_nothing,
    a_rename_moves_the_record,
    one_of_many_burns_wins,
    entries_expire,
    entries_are_conditional_too,
    pages_are_in_order_and_complete,
    watchers_hear_of_changes,
    everything_is_there_after_a_restart,
    the_census_follows_every_change,
    dropped_callers_leave_no_gap,
    bounds_are_kept,
    a_ping_comes_back,
    the_trail_pages_back_by_time_and_by_mailbox,
    the_trail_expires_by_age_and_number,
    a_note_is_there_if_and_only_if_its_change_is,
);

async fn records_read_back(bench: &impl Bench) {
    let store = bench.create().await;
    assert_eq!(store.load(&mailbox("alice")).await.unwrap(), None);
    let mut record = enrolled(5);
    record.password_hash = Some(mail2fa::base::SecretText::new("{PLAIN}x".into()));
    record.unknown_fields = Some(mail2fa::base::SecretText::new(r#"{"later":1}"#.into()));
    let version = put(&store, "alice", Expect::Absent, Some(record.clone())).await;
    let read = store.load(&mailbox("alice")).await.unwrap().unwrap();
    assert_eq!((read.value, read.version), (record, version));
    let newer = put(&store, "alice", Expect::Version(version), Some(plain())).await;
    assert!(newer > version);
    assert_eq!(store.load(&mailbox("alice")).await.unwrap().unwrap().value, plain());
    put(&store, "alice", Expect::Version(newer), None).await;
    assert_eq!(store.load(&mailbox("alice")).await.unwrap(), None);
    assert_eq!(store.records(), 0);
}

async fn versions_never_come_back(bench: &impl Bench) {
    let mut store = bench.create().await;
    let mut last = put(&store, "alice", Expect::Absent, Some(plain())).await;
    for round in 0..6 {
        let removed = put(&store, "alice", Expect::Version(last), None).await;
        assert!(removed > last);
        if round % 2 == 0 {
            store = bench.reopen(store).await;
        }
        let again = put(&store, "alice", Expect::Absent, Some(plain())).await;
        assert!(again > removed, "{again:?} after {removed:?}");
        let old = change("alice", Expect::Version(last), Some(enrolled(1)));
        assert_eq!(store.commit(vec![old]).await.unwrap(), Commit::Conflict);
        last = again;
    }
}

async fn an_expectation_that_fails_writes_nothing(bench: &impl Bench) {
    let store = bench.create().await;
    let version = put(&store, "alice", Expect::Absent, Some(enrolled(1))).await;
    for (expect, record) in [
        (Expect::Absent, Some(enrolled(2))),
        (Expect::Absent, None),
        (Expect::Version(mail2fa::decision::record::Version(version.0 + 1)), Some(enrolled(3))),
        (Expect::Version(mail2fa::decision::record::Version(0)), Some(plain())),
    ] {
        let outcome = store.commit(vec![change("alice", expect, record)]).await.unwrap();
        assert_eq!(outcome, Commit::Conflict);
    }
    let gone = change("nobody", Expect::Version(version), Some(enrolled(3)));
    assert_eq!(store.commit(vec![gone]).await.unwrap(), Commit::Conflict);
    assert_eq!(step_of(&store, "alice").await, Some((1, version)));
}

async fn a_set_is_all_or_nothing(bench: &impl Bench) {
    let store = bench.create().await;
    let version = put(&store, "alice", Expect::Absent, Some(enrolled(1))).await;
    let entry = |expect| Change::Entry {
        key: EntryKey { kind: "test", mailbox: mailbox("alice"), id: String::new() },
        expect,
        entry: Some(Entry { value: Secret::from_slice(b"v"), expires: at(100) }),
    };
    let set = |expect| {
        vec![
            entry(Some(Expect::Absent)),
            change("bob", Expect::Absent, Some(enrolled(1))),
            change("alice", expect, Some(enrolled(2))),
        ]
    };
    assert_eq!(store.commit(set(Expect::Absent)).await.unwrap(), Commit::Conflict);
    assert_eq!(store.load(&mailbox("bob")).await.unwrap(), None);
    let Commit::Done(done) = store.commit(set(Expect::Version(version))).await.unwrap() else {
        panic!("conflict")
    };
    assert_eq!(step_of(&store, "alice").await, Some((2, done)));
    assert_eq!(step_of(&store, "bob").await, Some((1, done)));
    assert!(store.verify().await.unwrap().damaged.is_empty());
}

async fn a_rename_moves_the_record(bench: &impl Bench) {
    let store = bench.create().await;
    let version = put(&store, "old@example.org", Expect::Absent, Some(enrolled(9))).await;
    put(&store, "taken@example.org", Expect::Absent, Some(plain())).await;
    let rename = |to: &str| {
        vec![
            change("old@example.org", Expect::Version(version), None),
            change(to, Expect::Absent, Some(enrolled(9))),
        ]
    };
    assert_eq!(store.commit(rename("taken@example.org")).await.unwrap(), Commit::Conflict);
    assert!(matches!(store.commit(rename("new@example.org")).await.unwrap(), Commit::Done(_)));
    let store = bench.reopen(store).await;
    assert_eq!(store.load(&mailbox("old@example.org")).await.unwrap(), None);
    assert_eq!(step_of(&store, "new@example.org").await.unwrap().0, 9);
    assert!(store.damage().is_empty());
}

async fn one_of_many_burns_wins(bench: &impl Bench) {
    let store = bench.create().await;
    put(&store, "alice", Expect::Absent, Some(enrolled(0))).await;
    for step in 1..20 {
        let mut tasks = Vec::new();
        for _ in 0..8 {
            let store = store.clone();
            tasks.push(tokio::spawn(async move { burn(&store, "alice", step).await }));
        }
        let mut won = 0;
        for task in tasks {
            if matches!(task.await.unwrap().unwrap(), Some(Commit::Done(_))) {
                won += 1;
            }
        }
        assert_eq!(won, 1, "step {step}");
        assert_eq!(step_of(&store, "alice").await.unwrap().0, step);
    }
}

async fn entries_expire(bench: &impl Bench) {
    let store = bench.create().await;
    let key = |id: &str| EntryKey { kind: "test", mailbox: mailbox("alice"), id: id.into() };
    for (id, expires) in [("a", 10), ("b", 20), ("c", 30)] {
        let entry = Entry { value: Secret::from_slice(id.as_bytes()), expires: at(expires) };
        let change = Change::Entry { key: key(id), expect: None, entry: Some(entry) };
        assert!(matches!(store.commit(vec![change]).await.unwrap(), Commit::Done(_)));
    }
    let live = store.load_entry(&key("b"), at(19)).await.unwrap().unwrap();
    assert_eq!(live.value.value, Secret::from_slice(b"b"));
    assert_eq!(live.value.expires, at(20));
    assert_eq!(store.load_entry(&key("b"), at(20)).await.unwrap(), None);
    assert_eq!(store.purge(at(20)).await.unwrap(), 2);
    // Gone for good: also for a clock that was turned back.
    assert_eq!(store.load_entry(&key("b"), at(1)).await.unwrap(), None);
    assert!(store.load_entry(&key("c"), at(1)).await.unwrap().is_some());
    assert_eq!(store.purge(at(20)).await.unwrap(), 0);
}

async fn entries_are_conditional_too(bench: &impl Bench) {
    let store = bench.create().await;
    let key = EntryKey { kind: "test", mailbox: mailbox("a/b"), id: "1".into() };
    let write = |expect, entry| vec![Change::Entry { key: key.clone(), expect, entry }];
    let entry = Some(Entry { value: Secret::from_slice(b""), expires: at(9) });
    let first = store.commit(write(Some(Expect::Absent), entry.clone())).await.unwrap();
    let Commit::Done(version) = first else { panic!("conflict") };
    let second = store.commit(write(Some(Expect::Absent), entry.clone())).await.unwrap();
    assert_eq!(second, Commit::Conflict);
    let other = EntryKey { mailbox: mailbox("a"), id: "b1".into(), ..key.clone() };
    assert_eq!(store.load_entry(&other, at(0)).await.unwrap(), None);
    let gone = store.commit(write(Some(Expect::Version(version)), None)).await.unwrap();
    assert!(matches!(gone, Commit::Done(_)));
    assert_eq!(store.load_entry(&key, at(0)).await.unwrap(), None);
}

async fn pages_are_in_order_and_complete(bench: &impl Bench) {
    let store = bench.create().await;
    let mut names: Vec<_> = (0..57).map(|n| format!("m{}@example.org", n * 7919 % 57)).collect();
    for name in &names {
        put(&store, name, Expect::Absent, Some(plain())).await;
    }
    names.sort();
    let store = bench.reopen(store).await;
    let mut seen = Vec::new();
    let mut after = None;
    loop {
        let page = store.page(after.as_ref(), 10).await.unwrap();
        assert!(page.len() <= 10);
        let Some((last, _)) = page.last() else { break };
        after = Some(last.clone());
        for (name, record) in page {
            assert_eq!(record.unwrap().value, plain());
            seen.push(name.as_str().to_owned());
        }
    }
    assert_eq!(seen, names);
}

async fn watchers_hear_of_changes(bench: &impl Bench) {
    let store = bench.create().await;
    let heard = Arc::new(Mutex::new(Vec::new()));
    let list = Arc::clone(&heard);
    let watcher: Watcher =
        Arc::new(move |mailbox| list.lock().unwrap().push(mailbox.as_str().to_owned()));
    store.watch(watcher);
    let version = put(&store, "alice", Expect::Absent, Some(enrolled(1))).await;
    assert_eq!(*heard.lock().unwrap(), ["alice"]);
    let refused = store.commit(vec![change("alice", Expect::Absent, None)]).await.unwrap();
    assert_eq!(refused, Commit::Conflict);
    assert_eq!(heard.lock().unwrap().len(), 1);
    put(&store, "alice", Expect::Version(version), Some(enrolled(2))).await;
    assert_eq!(*heard.lock().unwrap(), ["alice", "alice"]);
}

async fn everything_is_there_after_a_restart(bench: &impl Bench) {
    let mut store = bench.create().await;
    for round in 1..4_u64 {
        for n in 0..20 {
            let name = format!("m{n}");
            match store.load(&mailbox(&name)).await.unwrap() {
                None => put(&store, &name, Expect::Absent, Some(enrolled(round))).await,
                Some(read) => {
                    put(&store, &name, Expect::Version(read.version), Some(enrolled(round))).await
                }
            };
        }
        store = bench.reopen(store).await;
        for n in 0..20 {
            assert_eq!(step_of(&store, &format!("m{n}")).await.unwrap().0, round);
        }
        let verified = store.verify().await.unwrap();
        assert_eq!((verified.records, verified.enrolled), (20, 20));
        assert!(verified.damaged.is_empty() && verified.unreadable.is_empty());
    }
}

async fn the_census_follows_every_change(bench: &impl Bench) {
    let mut store = bench.create().await;
    for number in 0..200_usize {
        let name = format!("m{}", store_support::random(25));
        let read = store.load(&mailbox(&name)).await.unwrap();
        let expect = read.map_or(Expect::Absent, |read| Expect::Version(read.version));
        let record = match store_support::random(4) {
            0 => None,
            1 => Some(plain()),
            _ => Some(enrolled(number as u64)),
        };
        put(&store, &name, expect, record).await;
        if number % 67 == 66 {
            store = bench.reopen(store).await;
            assert_eq!(store.damage(), []);
        }
    }
    assert_eq!(store.verify().await.unwrap().damaged, []);
}

async fn dropped_callers_leave_no_gap(bench: &impl Bench) {
    let store = bench.create().await;
    for number in 0..40 {
        let name = format!("m{number}");
        let commit = store.commit(vec![change(&name, Expect::Absent, Some(enrolled(1)))]);
        // Polled once and dropped: the caller's time was up.
        let _ = tokio::time::timeout(std::time::Duration::ZERO, commit).await;
        match store.load(&mailbox(&name)).await {
            Ok(None | Some(_)) => {}
            Err(error) => panic!("{error}"),
        }
    }
    store.ping().await.unwrap();
    let verified = store.verify().await.unwrap();
    assert_eq!(verified.damaged, []);
    for (name, record) in store.page(None, 100).await.unwrap() {
        assert!(record.unwrap().value.is_enrolled(), "{name}");
    }
}

async fn bounds_are_kept(bench: &impl Bench) {
    let store = bench.create().await;
    let many = (0..17).map(|n| change(&format!("m{n}"), Expect::Absent, Some(plain()))).collect();
    assert!(matches!(store.commit(many).await, Err(StoreError::TooLarge(_))));
    let most = (0..16).map(|n| change(&format!("m{n}"), Expect::Absent, Some(plain()))).collect();
    assert!(matches!(store.commit(most).await.unwrap(), Commit::Done(_)));
    let mut record = plain();
    record.password_hash = Some(mail2fa::base::SecretText::new("x".repeat(70_000)));
    let large = store.commit(vec![change("large", Expect::Absent, Some(record))]).await;
    assert!(matches!(large, Err(StoreError::TooLarge(_))), "{large:?}");
    let twice = vec![
        change("twice", Expect::Absent, Some(plain())),
        change("twice", Expect::Absent, Some(enrolled(1))),
    ];
    assert!(store.commit(twice).await.is_err());
    assert_eq!(store.load(&mailbox("twice")).await.unwrap(), None);
    assert_eq!(store.verify().await.unwrap().damaged, []);
}

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

async fn the_trail_pages_back_by_time_and_by_mailbox(bench: &impl Bench) {
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

async fn the_trail_expires_by_age_and_number(bench: &impl Bench) {
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

async fn a_note_is_there_if_and_only_if_its_change_is(bench: &impl Bench) {
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

/// What sled puts into files of its own is not covered by an fdatasync of its log.
#[test]
fn the_largest_records_stay_in_the_log() {
    runtime().block_on(async {
        let bench = Sled(keyring(), Place::new());
        let mut store = bench.create().await;
        let mut largest = enrolled(0);
        largest.password_hash = Some(mail2fa::base::SecretText::new("x".repeat(32_500)));
        for round in 0..2 {
            let mut tasks = Vec::new();
            for n in 0..60 {
                let (store, largest) = (store.clone(), largest.clone());
                tasks.push(tokio::spawn(async move {
                    let name = format!("{}{n}", "m".repeat(300));
                    let read = store.load(&mailbox(&name)).await.unwrap();
                    let expect = read.map_or(Expect::Absent, |read| Expect::Version(read.version));
                    put(&store, &name, expect, Some(largest)).await;
                    if n % 2 == round {
                        let read = store.load(&mailbox(&name)).await.unwrap().unwrap();
                        put(&store, &name, Expect::Version(read.version), None).await;
                    }
                }));
            }
            for task in tasks {
                task.await.unwrap();
            }
            let blobs = std::fs::read_dir(bench.1.store().join("blobs")).unwrap().count();
            assert_eq!(blobs, 0, "round {round}");
            store = bench.reopen(store).await;
        }
    });
}

async fn a_ping_comes_back(bench: &impl Bench) {
    bench.create().await.ping().await.unwrap();
}
