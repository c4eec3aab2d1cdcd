//! Whatever stands, rightly sealed, in the place of the meta record, a census or the record of a
//! mailbox with 2-factor authentication on: the store never says that the mailbox has none.

#![no_main]

use std::{cell::RefCell, sync::Arc};

use arbitrary::Arbitrary;
use futures_executor::block_on;
use libfuzzer_sys::fuzz_target;
use mail2fa::{
    base::{Mailbox, Rng, Secret, UnixMillis},
    decision::record::{MailboxRecord, TotpFactor},
    ports::store::{Change, Expect, Store},
    store::{
        Keyring, MemoryEngine, SealedStore,
        census::Census,
        engine::Stored,
        seal::{Purpose, Sealer},
    },
};
use mail2fa_fuzz::Fixed;

#[derive(Arbitrary, Debug)]
enum Place {
    Meta,
    Census,
    Record,
}

#[derive(Arbitrary, Debug)]
struct Case {
    place: Place,
    text: Vec<u8>,
    /// Start from the true text and change this byte instead.
    flip: Option<(u16, u8)>,
}

type Scan = Vec<(Box<[u8]>, Stored)>;

struct Made {
    ring: Keyring,
    content: Scan,
    alice: Mailbox,
}

fn make() -> Made {
    let rng: Arc<dyn Rng> = Arc::new(Fixed);
    let ring = Keyring::generate(&Fixed).unwrap();
    let engine = MemoryEngine::new();
    let seen = engine.reopen();
    let now = UnixMillis::from_seconds(1);
    let store = block_on(SealedStore::format(engine, &ring, rng, now)).unwrap();
    let alice = Mailbox::new("alice@example.org").unwrap();
    let totp = TotpFactor { secret: Secret::from_slice(&[1; 20]), last_step: 9, enabled: now };
    let record = MailboxRecord { totp: Some(totp), ..MailboxRecord::new(now) };
    let change = Change::Mailbox {
        mailbox: alice.clone(),
        expect: Expect::Absent,
        record: Some(Box::new(record)),
    };
    let _ = block_on(store.commit(vec![change])).unwrap();
    let content =
        seen.dump().into_iter().map(|(key, value)| (key.as_ref().into(), value)).collect();
    Made { ring, content, alice }
}

thread_local! {
    static MADE: RefCell<Made> = RefCell::new(make());
}

fuzz_target!(|case: Case| MADE.with_borrow(|made| {
    let rng: Arc<dyn Rng> = Arc::new(Fixed);
    // The store's id is Fixed's bytes.
    let sealer = match case.place {
        Place::Meta => Sealer::new(&made.ring, None, Arc::clone(&rng)),
        Place::Census | Place::Record => Sealer::new(&made.ring, Some(&[7; 16]), Arc::clone(&rng)),
    };
    let record = made.content.iter().find(|(key, _)| key[0] == b'r').unwrap();
    let (purpose, key) = match case.place {
        Place::Meta => (Purpose::Meta, b"m".to_vec()),
        Place::Census => (Purpose::Census, vec![b'c', record.0[1]]),
        Place::Record => (Purpose::Record, record.0.to_vec()),
    };
    let (_, stored) = made.content.iter().find(|(other, _)| **other == *key).unwrap();
    let truth = sealer.open(purpose, &key, &stored.value).unwrap().to_vec();
    let mut text = case.text;
    if let Some((at, mask)) = case.flip {
        text = truth.clone();
        let at = usize::from(at) % text.len();
        text[at] ^= mask;
    }
    let engine = MemoryEngine::new();
    engine.restore(made.content.iter().map(|(k, v)| (k.to_vec().into(), v.clone())).collect());
    engine.tamper(&key, &sealer.seal(purpose, &key, &text).unwrap());
    if matches!(case.place, Place::Census)
        && let Some(census) = Census::from_bytes(&text)
    {
        assert_eq!(census.to_bytes().as_slice(), text);
    }
    let Ok(store) = block_on(SealedStore::attach(engine, &made.ring, rng)) else { return };
    let names_key = |text: &[u8]| {
        let meta: serde_json::Value = serde_json::from_slice(text).ok()?;
        meta.get("names_key").cloned()
    };
    if matches!(case.place, Place::Meta) && names_key(&text) != names_key(&truth) {
        // Names belong to other shards then. Only who has the master key can write that, and who
        // has it can write records as well.
        return;
    }
    match block_on(store.load(&made.alice)) {
        Err(_) => assert_ne!(text, truth, "nothing was changed"),
        Ok(found) => {
            let on = found.is_some_and(|found| found.value.is_enrolled());
            assert!(on, "{:?} {}", case.place, String::from_utf8_lossy(&text));
        }
    }
}));
