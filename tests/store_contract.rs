//! What every store must do, over every engine.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test stops at the first surprise"
)]

mod store_support;
#[path = "store_contract/trail.rs"]
mod trail;

use std::sync::{Arc, Mutex};

use mail2fa::{
    base::Secret,
    decision::record::Version,
    ports::store::{Change, Commit, Entry, EntryKey, Expect, Since, Store, StoreError, Watcher},
    store::{Keyring, MemoryEngine, SealedStore, SledEngine, engine::Engine},
};
use store_support::{
    Place, at, burn, change, enrolled, keyring, mailbox, open, plain, put, rng, runtime, step_of,
};
use trail::{
    a_note_is_there_if_and_only_if_its_change_is, the_trail_expires_by_age_and_number,
    the_trail_pages_back_by_time_and_by_mailbox,
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
        open(&self.1.store(), &self.0).await.unwrap()
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
    entries_are_listed_by_mailbox,
    mailboxes_are_found_by_their_entries,
    pages_are_in_order_and_complete,
    watchers_hear_of_changes,
    everything_is_there_after_a_restart,
    the_census_follows_every_change,
    dropped_callers_leave_no_gap,
    bounds_are_kept,
    a_ping_comes_back,
    a_second_look_reads_what_changed,
    the_order_of_the_calls_is_the_order_of_the_writes,
    a_record_and_its_counter_are_written_together,
    the_trail_pages_back_by_time_and_by_mailbox,
    the_trail_expires_by_age_and_number,
    a_note_is_there_if_and_only_if_its_change_is,
);

async fn a_second_look_reads_what_changed(bench: &impl Bench) {
    let store = bench.create().await;
    let first = put(&store, "alice", Expect::Absent, Some(enrolled(5))).await;
    let look = |version| {
        let store = store.clone();
        async move { store.load_since(&mailbox("alice"), version).await.unwrap() }
    };
    assert!(matches!(look(first).await, Since::Same));
    let second = put(&store, "alice", Expect::Version(first), Some(enrolled(6))).await;
    let Since::Changed(Some(now)) = look(first).await else { panic!("it is another one") };
    assert_eq!((now.value, now.version), (enrolled(6), second));
    put(&store, "alice", Expect::Version(second), None).await;
    assert!(matches!(look(second).await, Since::Changed(None)));
}

fn counter(name: &str, value: u64) -> Change {
    Change::Entry {
        key: EntryKey { kind: "counter", mailbox: mailbox(name), id: String::new() },
        expect: None,
        entry: Some(Entry { value: Secret::from_slice(&value.to_be_bytes()), expires: at(9_000) }),
    }
}

async fn counted(store: &impl Store, name: &str) -> Option<u64> {
    let key = EntryKey { kind: "counter", mailbox: mailbox(name), id: String::new() };
    let entry = store.load_entry(&key, at(10)).await.unwrap()?;
    Some(u64::from_be_bytes(entry.value.value.expose().try_into().unwrap()))
}

async fn the_order_of_the_calls_is_the_order_of_the_writes(bench: &impl Bench) {
    let mut store = bench.create().await;
    let mut version = put(&store, "alice", Expect::Absent, Some(enrolled(0))).await;
    for round in 0..20_u64 {
        // Called in one order, awaited in the other; single writes and sets in turn.
        let mut sent = Vec::new();
        for n in 0..10 {
            let mut changes = vec![counter("alice", round * 10 + n)];
            if n == 4 {
                changes.push(change("alice", Expect::Version(version), Some(enrolled(round))));
            }
            sent.push(store.commit(changes));
        }
        for (n, commit) in sent.into_iter().enumerate().rev() {
            let Commit::Done(done) = commit.await.unwrap() else { panic!("nothing is in its way") };
            if n == 4 {
                version = done;
            }
        }
        assert_eq!(counted(&store, "alice").await, Some(round * 10 + 9));
    }
    store = bench.reopen(store).await;
    assert_eq!(counted(&store, "alice").await, Some(199));
}

async fn a_record_and_its_counter_are_written_together(bench: &impl Bench) {
    let mut store = bench.create().await;
    let mut versions = Vec::new();
    for n in 0..40 {
        versions.push(put(&store, &format!("m{n}"), Expect::Absent, Some(enrolled(0))).await);
    }
    // Many at once, so that they share a group; each third expects what is not there any more.
    let sent: Vec<_> = (0..40_usize)
        .map(|n| {
            let expect = if n % 3 == 0 { Version(u64::MAX) } else { versions[n] };
            let name = format!("m{n}");
            let record = change(&name, Expect::Version(expect), Some(enrolled(7)));
            store.commit(vec![record, counter(&name, 7)])
        })
        .collect();
    for (n, commit) in sent.into_iter().enumerate() {
        assert_eq!(matches!(commit.await.unwrap(), Commit::Conflict), n % 3 == 0, "{n}");
    }
    for again in [false, true] {
        for n in 0..40 {
            let name = format!("m{n}");
            let (step, _) = step_of(&store, &name).await.unwrap();
            let expected = if n % 3 == 0 { (0, None) } else { (7, Some(7)) };
            assert_eq!((step, counted(&store, &name).await), expected, "{name}, reopened: {again}");
        }
        store = bench.reopen(store).await;
    }
}

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

async fn entries_are_listed_by_mailbox(bench: &impl Bench) {
    let store = bench.create().await;
    for (kind, name, id, expires) in [
        ("test", "bo", "other", 30),
        ("test", "bob", "", 30),
        ("test", "bob", "a", 10),
        ("test", "bob", "b", 30),
        ("test", "bob", "~", 30),
        ("test", "bobby", "other", 30),
        ("tests", "bob", "other", 30),
    ] {
        let key = EntryKey { kind, mailbox: mailbox(name), id: id.into() };
        let entry = Some(Entry { value: Secret::from_slice(id.as_bytes()), expires: at(expires) });
        let change = Change::Entry { key, expect: None, entry };
        assert!(matches!(store.commit(vec![change]).await.unwrap(), Commit::Done(_)));
    }
    for (now, limit, ids) in [
        (9, 1_000, &["", "a", "b", "~"][..]),
        (10, 1_000, &["", "b", "~"]),
        (10, 3, &["", "b"]),
        (30, 1_000, &[]),
    ] {
        let found = store.entries_of("test", &mailbox("bob"), at(now), limit).await.unwrap();
        for (id, entry) in &found {
            assert_eq!(entry.value, Secret::from_slice(id.as_bytes()));
        }
        let found: Vec<_> = found.iter().map(|(id, _)| id.as_str()).collect();
        assert_eq!(found, ids, "{now} {limit}");
    }
    assert_eq!(store.entries_of("test", &mailbox("b"), at(9), 9).await.unwrap(), []);
    assert!(store.entries_of("T", &mailbox("bob"), at(9), 9).await.is_err());
}

async fn mailboxes_are_found_by_their_entries(bench: &impl Bench) {
    let store = bench.create().await;
    let put = |kind, name: &str, id: &str| {
        let key = EntryKey { kind, mailbox: mailbox(name), id: id.into() };
        let entry = Some(Entry { value: Secret::from_slice(b"x"), expires: at(10) });
        store.commit(vec![Change::Entry { key, expect: None, entry }])
    };
    let mut all: Vec<String> = (0..20).map(|number| format!("box{number:02}")).collect();
    all.push("box1".into());
    for name in &all {
        // Several of one mailbox are one name.
        for id in ["", "a", "~"] {
            assert!(matches!(put("test", name, id).await.unwrap(), Commit::Done(_)));
        }
    }
    assert!(matches!(put("tes", "other", "").await.unwrap(), Commit::Done(_)));
    assert!(matches!(put("tests", "another", "").await.unwrap(), Commit::Done(_)));
    all.sort();
    for limit in [1, 2, 7, 1_000] {
        let (mut found, mut after) = (Vec::new(), None);
        loop {
            let page = store.entries("test", after.as_ref(), limit).await.unwrap();
            assert!(page.len() <= limit);
            let Some(last) = page.last().cloned() else { break };
            after = Some(last);
            found.extend(page.iter().map(ToString::to_string));
        }
        let names: Vec<String> = all.iter().map(|name| mailbox(name).to_string()).collect();
        assert_eq!(found, names, "{limit}");
    }
    assert!(store.entries("T", None, 1).await.is_err());
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
