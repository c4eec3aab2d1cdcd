//! How many durable burns a second the store takes, and what a large audit trail costs; ignored
//! unless asked for:
//! `cargo test --release --test store_speed -- --ignored --nocapture`.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test stops at the first surprise")]

mod store_support;

use std::time::{Duration, Instant};

use mail2fa::{
    ports::{
        event::TrailEvent,
        store::{Commit, Expect},
        trail::{Lane, Trail, TrailQuery},
    },
    store::SealedStore,
};
use store_support::{Place, at, burn, enrolled, keyring, mailbox, put, rng, runtime};

#[test]
#[ignore = "a measurement"]
fn durable_burns_a_second() {
    let place = Place::new();
    runtime().block_on(async {
        let store = SealedStore::create(&place.store(), &keyring(), rng(), at(0)).await.unwrap();
        for tasks in [1_usize, 8, 64] {
            for n in 0..tasks {
                put(&store, &format!("m{tasks}-{n}"), Expect::Absent, Some(enrolled(0))).await;
            }
            let started = Instant::now();
            let running: Vec<_> = (0..tasks)
                .map(|n| {
                    let store = store.clone();
                    tokio::spawn(async move {
                        let (name, mut step) = (format!("m{tasks}-{n}"), 0);
                        while started.elapsed() < Duration::from_secs(3) {
                            step += 1;
                            let burned = burn(&store, &name, step).await.unwrap();
                            assert!(matches!(burned, Some(Commit::Done(_))));
                        }
                        step
                    })
                })
                .collect();
            let mut burned = 0;
            for task in running {
                burned += task.await.unwrap();
            }
            let millis = u64::try_from(started.elapsed().as_millis()).unwrap();
            println!("{tasks} tasks: {} durable burns a second", burned * 1000 / millis);
        }
    });
}

/// `MAIL2FA_EVENTS` sets how many.
#[test]
#[ignore = "a measurement"]
fn a_large_audit_trail() {
    const BATCH: u64 = 1_000;
    const NAMES: u64 = 10_000;
    let events = std::env::var("MAIL2FA_EVENTS").map_or(1_000_000, |n| n.parse().unwrap());
    let (place, keyring) = (Place::new(), keyring());
    let event = |n: u64| TrailEvent {
        at: n,
        mailbox: Some(format!("user{}@example.org", n * 7_919 % NAMES)),
        result: Some("accepted".into()),
        reason: Some("password+code".into()),
        service: Some("imap".into()),
        from: Some("192.0.2.7".into()),
        listener: Some("dovecot".into()),
        mechanism: Some("PLAIN".into()),
        session: Some("oHwJW/5gMJh/AAAB".into()),
        duration_ms: Some(3),
        ..TrailEvent::default()
    };
    let timed = |what: &str, started: Instant| println!("{what}: {:?}", started.elapsed());
    runtime().block_on(async {
        let store = SealedStore::create(&place.store(), &keyring, rng(), at(0)).await.unwrap();
        let started = Instant::now();
        for batch in 0..events / BATCH {
            let some = (batch * BATCH..(batch + 1) * BATCH).map(event).collect();
            store.append(Lane::SignIn, some).await.unwrap();
        }
        timed(&format!("{events} events written"), started);
        drop(store);
        let size = std::fs::metadata(place.store().join("db")).unwrap().len();
        println!("db: {} MB, {} bytes an event", size >> 20, size / events);
        let started = Instant::now();
        let store = SealedStore::open(&place.store(), &keyring, rng()).await.unwrap();
        timed("opened", started);
        for name in [None, Some(mailbox("user7@example.org")), Some(mailbox("nobody@example.org"))]
        {
            let query = TrailQuery {
                mailbox: name,
                lanes: Lane::ALL.to_vec(),
                before: None,
                since: at(0),
                most: 50,
            };
            let started = Instant::now();
            let page = store.read(&query).await.unwrap();
            let blocks = page.blocks.len();
            timed(&format!("{blocks} blocks of {:?} read", query.mailbox), started);
        }
        let started = Instant::now();
        let expired = store.expire(Lane::SignIn, at(0), events).await.unwrap();
        timed("nothing to expire", started);
        assert_eq!(expired.events, 0);
        let started = Instant::now();
        let mut removed = 0;
        while removed < events / 10 {
            removed += store.expire(Lane::SignIn, at(events), events).await.unwrap().events;
        }
        timed(&format!("{removed} events expired"), started);
        let started = Instant::now();
        timed(&format!("all read by a check: {:?}", store.check_trail().await.unwrap()), started);
    });
}
