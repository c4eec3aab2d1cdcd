//! Faults, lost records and older states, over the engine in memory, which can be made to do them.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test stops at the first surprise"
)]

mod store_support;

use mail2fa::{
    base::Secret,
    ports::{
        event::TrailEvent,
        store::{Change, Commit, Entry, EntryKey, Expect, Store, StoreError},
        trail::{Lane, Trail, TrailQuery},
    },
    store::{
        Keyring, MemoryEngine, SealedStore,
        engine::{Engine, Write, WriteSet},
        memory_engine::Faults,
    },
};
use store_support::{
    at, burn, change, enrolled, keyring, mailbox, plain, put, rng, runtime, step_of,
};

/// Makes and reopens stores in memory.
struct Memory(Keyring);

impl Memory {
    async fn create(&self) -> SealedStore<MemoryEngine> {
        SealedStore::format(MemoryEngine::new(), &self.0, rng(), at(0)).await.unwrap()
    }

    async fn reopen(&self, store: SealedStore<MemoryEngine>) -> SealedStore<MemoryEngine> {
        SealedStore::attach(store.engine().reopen(), &self.0, rng()).await.unwrap()
    }
}

#[test]
fn faults_are_errors_and_never_answers() {
    runtime().block_on(async {
        let store = Memory(keyring()).create().await;
        put(&store, "alice", Expect::Absent, Some(enrolled(1))).await;
        store.engine().set_faults(Faults { failing_reads: 1, ..Faults::default() });
        assert!(matches!(store.load(&mailbox("alice")).await, Err(StoreError::Unavailable(_))));
        store.engine().set_faults(Faults { failing_commits: 1, ..Faults::default() });
        assert!(burn(&store, "alice", 2).await.is_err());
        assert_eq!(step_of(&store, "alice").await.unwrap().0, 1);
    });
}

#[test]
fn an_ambiguous_enrolment_is_looked_up_before_anybody_is_let_in() {
    runtime().block_on(async {
        for happened in [true, false] {
            let store = Memory(keyring()).create().await;
            let fault = if happened {
                Faults { ambiguous_done: 1, ..Faults::default() }
            } else {
                Faults { ambiguous_lost: 1, ..Faults::default() }
            };
            store.engine().set_faults(fault);
            let set = vec![change("alice", Expect::Absent, Some(enrolled(1)))];
            assert!(matches!(store.commit(set).await, Err(StoreError::Ambiguous(_))));
            // While nothing can be read, nothing is known.
            store.engine().set_faults(Faults { failing_reads: 1, ..Faults::default() });
            assert!(store.load(&mailbox("alice")).await.is_err());
            let found = store.load(&mailbox("alice")).await.unwrap();
            assert_eq!(found.is_some(), happened);
            assert_eq!(store.verify().await.unwrap().damaged, []);
        }
    });
}

fn note() -> TrailEvent {
    TrailEvent::of_store(at(7), "uid=0", "store test")
}

/// The details of what is noted, newest first.
async fn noted(store: &SealedStore<MemoryEngine>, name: Option<&str>) -> Vec<String> {
    let query = TrailQuery {
        mailbox: name.map(mailbox),
        lanes: vec![Lane::Change],
        before: None,
        since: at(0),
        most: 100,
    };
    let blocks = store.read(&query).await.unwrap().blocks;
    let events = blocks.iter().flat_map(|block| block.events.iter().rev());
    let about = name.map(mailbox);
    let events = events.filter(|event| about.as_ref().is_none_or(|about| event.is_about(about)));
    events
        .inspect(|event| assert_eq!(event.by.as_deref(), Some("uid=0")))
        .map(|event| event.detail.clone().unwrap_or_else(|| "-".into()))
        .collect()
}

#[test]
fn a_lost_record_is_damage_and_others_go_on() {
    runtime().block_on(async {
        let bench = Memory(keyring());
        let store = bench.create().await;
        for n in 0..100 {
            put(&store, &format!("m{n}"), Expect::Absent, Some(enrolled(1))).await;
        }
        put(&store, "plain", Expect::Absent, Some(plain())).await;
        let victim =
            store.engine().dump().into_iter().find(|(key, _)| key.ends_with(b"m42")).unwrap().0;
        assert!(store.engine().lose(&victim));

        // At run time: found by the login that needs it. At the start: found by the census.
        for restart in [false, true] {
            let store = if restart { bench.reopen(store.clone()).await } else { store.clone() };
            let lost = store.load(&mailbox("m42")).await;
            assert!(matches!(lost, Err(StoreError::Damaged(_))), "{lost:?}");
            assert_eq!(store.damage().len(), 1);
            for n in (0..100).filter(|n| ![41, 42].contains(n)) {
                assert_eq!(step_of(&store, &format!("m{n}")).await.unwrap().0, 1);
            }
            let again = store.commit(vec![change("m42", Expect::Absent, Some(enrolled(1)))]).await;
            assert!(matches!(again, Err(StoreError::Damaged(_))), "{again:?}");
            assert!(matches!(
                burn(&store, "m41", 5 + u64::from(restart)).await,
                Ok(Some(Commit::Done(_)))
            ));
            let mut refused = 0;
            for n in 0..1_500 {
                match store.load(&mailbox(&format!("unknown{n}"))).await {
                    Ok(None) => {}
                    Err(StoreError::Damaged(_)) => refused += 1,
                    other => panic!("{other:?}"),
                }
            }
            assert!((1..75).contains(&refused), "{refused} of 1500 in one of 64 shards");
        }

        let accepted = store.accept_damage(&note()).await.unwrap();
        assert_eq!(accepted.len(), 1);
        assert_eq!(accepted[0].lost, [mailbox("m42")]);
        let left = accepted[0].left.len();
        let all =
            format!("1 records lost at least, {left} left, in 1 shards: {}", accepted[0].shard);
        assert_eq!(noted(&store, None).await, ["its record is lost", &all]);
        assert_eq!(noted(&store, Some("m42")).await, ["its record is lost"]);
        assert!(store.damage().is_empty());
        assert_eq!(store.load(&mailbox("m42")).await.unwrap(), None);
        put(&store, "m42", Expect::Absent, Some(enrolled(1))).await;
        assert!(bench.reopen(store).await.damage().is_empty());
    });
}

#[test]
fn a_record_that_does_not_open_concerns_its_mailbox_only() {
    runtime().block_on(async {
        let bench = Memory(keyring());
        let store = bench.create().await;
        for n in 0..100 {
            put(&store, &format!("m{n}"), Expect::Absent, Some(enrolled(1))).await;
        }
        let content = store.engine().dump();
        let find = |name: &[u8]| content.iter().find(|(key, _)| key.ends_with(name)).unwrap();
        // Another mailbox's record, authentic in its own place.
        store.engine().tamper(&find(b"m7").0, &find(b"m8").1.value);
        let store = bench.reopen(store).await;
        assert!(matches!(store.load(&mailbox("m7")).await, Err(StoreError::Damaged(_))));
        assert!(store.damage().is_empty());
        assert_eq!(step_of(&store, "m8").await.unwrap().0, 1);
        assert_eq!(store.verify().await.unwrap().unreadable, [mailbox("m7")]);
        let page = store.page(None, 1000).await.unwrap();
        assert_eq!(page.len(), 100);
        assert_eq!(page.iter().filter(|(_, record)| record.is_err()).count(), 1);

        // Nothing replaces it by accident; an administrator may remove it.
        let set = vec![change("m7", Expect::Absent, Some(enrolled(1)))];
        assert_eq!(store.commit(set).await, Ok(Commit::Conflict));
        assert!(store.discard_unreadable(&mailbox("m8"), &note()).await.is_err());
        assert!(!store.discard_unreadable(&mailbox("nobody"), &note()).await.unwrap());
        assert!(store.discard_unreadable(&mailbox("m7"), &note()).await.unwrap());
        assert_eq!(store.load(&mailbox("m7")).await.unwrap(), None);
        assert_eq!(noted(&store, None).await, ["-"], "what was not done is not noted");
        assert_eq!(noted(&store, Some("m7")).await, ["-"]);
        put(&store, "m7", Expect::Absent, Some(enrolled(1))).await;
        let store = bench.reopen(store).await;
        let verified = store.verify().await.unwrap();
        assert_eq!(
            (verified.records, verified.damaged, verified.unreadable),
            (100, vec![], vec![])
        );
    });
}

#[test]
fn an_older_state_is_noticed() {
    runtime().block_on(async {
        let bench = Memory(keyring());
        let store = bench.create().await;
        put(&store, "early", Expect::Absent, Some(enrolled(1))).await;
        let version = put(&store, "later", Expect::Absent, Some(plain())).await;
        let old = store.engine().dump();
        put(&store, "later", Expect::Version(version), Some(enrolled(1))).await;
        store.engine().restore(old);

        // While running: the record is older than what was acknowledged.
        assert!(matches!(store.load(&mailbox("later")).await, Err(StoreError::Damaged(_))));
        // After a restart: records and census agree, the mark does not.
        let store = bench.reopen(store).await;
        assert!(matches!(store.load(&mailbox("later")).await, Err(StoreError::Damaged(_))));
        assert!(matches!(store.load(&mailbox("unknown")).await, Err(StoreError::Damaged(_))));
        // Its burns are as old as the rest: not even a mailbox that needs a code is served.
        assert!(matches!(store.load(&mailbox("early")).await, Err(StoreError::Damaged(_))));
        assert!(store.commit(vec![change("new", Expect::Absent, Some(plain()))]).await.is_err());
        assert_eq!(store.damage().len(), 64);
        store.accept_damage(&note()).await.unwrap();
        assert_eq!(step_of(&store, "early").await.unwrap().0, 1);
        let store = bench.reopen(store).await;
        assert_eq!(store.load(&mailbox("later")).await.unwrap().unwrap().value, plain());
    });
}

#[test]
fn an_older_state_is_noticed_by_the_comparison_too() {
    runtime().block_on(async {
        let store = Memory(keyring()).create().await;
        put(&store, "early", Expect::Absent, Some(enrolled(1))).await;
        let old = store.engine().dump();
        put(&store, "later", Expect::Absent, Some(enrolled(1))).await;
        store.engine().restore(old);
        // Records and census of the shard agree, and not with what this process knows.
        assert_eq!(store.verify().await.unwrap().damaged.len(), 1);
        assert!(matches!(store.load(&mailbox("later")).await, Err(StoreError::Damaged(_))));
        assert_eq!(step_of(&store, "early").await.unwrap().0, 1);
    });
}

#[test]
fn an_enrolment_needs_room_and_a_burn_does_not() {
    runtime().block_on(async {
        let store = Memory(keyring()).create().await;
        put(&store, "alice", Expect::Absent, Some(enrolled(1))).await;
        let version = put(&store, "bob", Expect::Absent, Some(plain())).await;
        store.engine().set_free_bytes(Some(1_000));
        for set in [
            change("carol", Expect::Absent, Some(plain())),
            change("bob", Expect::Version(version), Some(enrolled(1))),
        ] {
            assert!(matches!(store.commit(vec![set]).await, Err(StoreError::Full(_))));
        }
        assert!(matches!(burn(&store, "alice", 2).await, Ok(Some(Commit::Done(_)))));
        put(&store, "bob", Expect::Version(version), None).await;
        store.engine().set_free_bytes(None);
        put(&store, "carol", Expect::Absent, Some(plain())).await;
    });
}

#[test]
fn a_census_changed_by_another_process_is_read_again() {
    runtime().block_on(async {
        let store = Memory(keyring()).create().await;
        // Rewritten with the same content, as a second process would leave it for a shard.
        for (key, stored) in store.engine().dump().into_iter().filter(|(key, _)| key[0] == b'c') {
            let write = Write { key, expect: None, value: Some(stored.value) };
            let set = WriteSet { writes: vec![write], mark: false };
            let _ = store.engine().commit(set).await.unwrap();
        }
        for n in 0..20 {
            put(&store, &format!("m{n}"), Expect::Absent, Some(enrolled(1))).await;
        }
        assert_eq!(store.verify().await.unwrap().damaged, []);
    });
}

#[test]
fn the_end_of_the_engine_is_told_once() {
    runtime().block_on(async {
        let store = Memory(keyring()).create().await;
        let (send, told) = std::sync::mpsc::channel();
        let late = send.clone();
        store.on_fatal(Box::new(move |reason| send.send(reason.to_owned()).unwrap()));
        store.engine().kill("the disk is gone");
        store.on_fatal(Box::new(move |reason| late.send(reason.to_owned()).unwrap()));
        assert_eq!(told.iter().collect::<Vec<_>>(), ["the disk is gone"; 2]);
        assert!(store.load(&mailbox("a")).await.is_ok(), "the index answers what surely is not");
        assert!(store.ping().await.is_err());
    });
}

#[test]
fn an_entry_that_cannot_be_read_hides_no_other() {
    runtime().block_on(async {
        let store = Memory(keyring()).create().await;
        let key = |id: &str| EntryKey { kind: "test", mailbox: mailbox("bob"), id: id.into() };
        for id in ["a", "b", "c"] {
            let entry = Some(Entry { value: Secret::from_slice(b"x"), expires: at(10) });
            let change = Change::Entry { key: key(id), expect: None, entry };
            assert!(matches!(store.commit(vec![change]).await.unwrap(), Commit::Done(_)));
        }
        let dump = store.engine().dump();
        let (place, stored) = dump.into_iter().find(|(key, _)| key.ends_with(b"bob\0b")).unwrap();
        let value = stored.value.iter().map(|byte| !byte).collect();
        let write = Write { key: place, expect: None, value: Some(value) };
        let set = WriteSet { writes: vec![write], mark: false };
        let _ = store.engine().commit(set).await.unwrap();
        assert!(store.load_entry(&key("b"), at(1)).await.is_err());
        let found = store.entries_of("test", &mailbox("bob"), at(1), 9).await.unwrap();
        assert_eq!(found.iter().map(|(id, _)| id.as_str()).collect::<Vec<_>>(), ["a", "c"]);
        // A store that does not answer is no store without entries.
        store.engine().kill("the disk is gone");
        assert!(store.entries_of("test", &mailbox("bob"), at(1), 9).await.is_err());
    });
}
