//! The audit trail: what was told is read back; whatever stands in the place of one of its blocks,
//! rightly sealed or not, costs that block only, and the rest of the store nothing.

#![no_main]

use std::{cell::RefCell, sync::Arc};

use arbitrary::Arbitrary;
use futures_executor::block_on;
use libfuzzer_sys::fuzz_target;
use mail2fa::{
    base::{Mailbox, Rng, UnixMillis},
    decision::record::MailboxRecord,
    ports::{
        event::{EventKind, TrailEvent},
        store::{Change, Expect, Store},
        trail::{Lane, Stamp, Trail, TrailBlock, TrailQuery},
    },
    store::{
        Keyring, MemoryEngine, SealedStore,
        engine::Stored,
        seal::{Purpose, Sealer},
    },
};
use mail2fa_fuzz::Fixed;

#[derive(Arbitrary, Debug)]
struct Told {
    lane: u8,
    at: u64,
    kind: u8,
    whose: u8,
    typed: bool,
    target: Option<String>,
    detail: Option<String>,
    count: Option<u64>,
}

impl Told {
    fn event(&self) -> TrailEvent {
        let kinds = [EventKind::Login, EventKind::Change, EventKind::Lost, EventKind::More];
        TrailEvent {
            at: self.at,
            kind: kinds[usize::from(self.kind % 4)],
            mailbox: NAMES.get(usize::from(self.whose % 4)).map(ToString::to_string),
            typed: self.typed,
            target: self.target.clone(),
            detail: self.detail.clone(),
            count: self.count,
            ..TrailEvent::default()
        }
    }
}

#[derive(Arbitrary, Debug)]
enum Damage {
    /// Other bytes.
    Bytes(Vec<u8>),
    /// Other bytes in front, where the head stands in the clear.
    Front(Vec<u8>),
    /// One bit.
    Bit(u16),
    /// Another text behind the head, rightly sealed.
    Text(Vec<u8>),
    /// Nothing is there any more, though marks lead to it.
    Lost,
}

#[derive(Arbitrary, Debug)]
struct Case {
    told: Vec<Told>,
    which: u8,
    damage: Option<Damage>,
    most: u8,
    since: u64,
    before: u64,
    keep: u8,
    line: Vec<u8>,
}

const NAMES: [&str; 3] = ["alice@example.org", "bob", "carol@example.net"];
/// Bytes of a head before its marks: format, number of the first event, events, marks.
const HEAD: usize = 1 + 8 + 4 + 1;

fn read(store: &SealedStore<MemoryEngine>, query: &TrailQuery) -> (Vec<TrailBlock>, usize) {
    let (mut query, mut blocks, mut unreadable) = (query.clone(), Vec::new(), 0);
    loop {
        let page = block_on(store.read(&query)).unwrap();
        assert!(page.blocks.len() + page.unreadable <= query.most.max(1));
        blocks.extend(page.blocks);
        unreadable += page.unreadable;
        let Some(next) = page.next else { return (blocks, unreadable) };
        assert!(query.before.is_none_or(|before| next < before), "a page leads further back");
        query.before = Some(next);
    }
}

fn stamp(key: &[u8]) -> Stamp {
    Stamp::from_bytes(key[2..].try_into().unwrap())
}

fn damage(seen: &MemoryEngine, sealer: &Sealer, key: &[u8], value: &[u8], damage: &Damage) {
    let mut bytes = value.to_vec();
    match damage {
        Damage::Bytes(other) => bytes.clone_from(other),
        Damage::Front(other) => {
            let most = other.len().min(bytes.len());
            bytes[..most].copy_from_slice(&other[..most]);
        }
        Damage::Bit(at) => {
            let at = usize::from(*at) % (bytes.len() * 8);
            bytes[at / 8] ^= 1 << (at % 8);
        }
        Damage::Text(text) => {
            bytes.truncate(HEAD + usize::from(bytes[HEAD - 1]) * 8);
            bytes.extend_from_slice(&sealer.seal(Purpose::Trail, key, text).unwrap());
        }
        Damage::Lost => {
            assert!(seen.lose(key));
            return;
        }
    }
    seen.tamper(key, &bytes);
}

fuzz_target!(|case: Case| {
    // A line by itself.
    if let Ok(event) = serde_json::from_slice::<TrailEvent>(&case.line) {
        let again = serde_json::to_vec(&event).unwrap();
        assert!(!again.contains(&b'\n'));
        assert_eq!(serde_json::from_slice::<TrailEvent>(&again).unwrap(), event);
        assert!(event.concerns().count() <= 2);
    }

    MADE.with_borrow(|made| with_store(&case, made));
});

type Scan = Vec<(Box<[u8]>, Stored)>;

/// A store with one mailbox and no trail yet: to make one takes longer than everything else here.
struct Made {
    ring: Keyring,
    content: Scan,
}

fn make() -> Made {
    let ring = Keyring::generate(&Fixed).unwrap();
    let engine = MemoryEngine::new();
    let seen = engine.reopen();
    let now = UnixMillis::from_seconds(1);
    let store = block_on(SealedStore::format(engine, &ring, Arc::new(Fixed), now)).unwrap();
    let change = Change::Mailbox {
        mailbox: Mailbox::new(NAMES[0]).unwrap(),
        expect: Expect::Absent,
        record: Some(Box::new(MailboxRecord::new(now))),
    };
    let _ = block_on(store.commit(vec![change])).unwrap();
    let content =
        seen.dump().into_iter().map(|(key, value)| (key.as_ref().into(), value)).collect();
    Made { ring, content }
}

thread_local! {
    static MADE: RefCell<Made> = RefCell::new(make());
}

fn with_store(case: &Case, Made { ring, content }: &Made) {
    let rng: Arc<dyn Rng> = Arc::new(Fixed);
    let engine = MemoryEngine::new();
    engine.restore(content.iter().map(|(k, v)| (k.to_vec().into(), v.clone())).collect());
    let seen = engine.reopen();
    let alice = Mailbox::new(NAMES[0]).unwrap();
    let store = block_on(SealedStore::attach(engine, ring, Arc::clone(&rng))).unwrap();
    let mut told = 0;
    for event in case.told.iter().take(40) {
        let lane = Lane::ALL[usize::from(event.lane % 3)];
        block_on(store.append(lane, vec![event.event()])).unwrap();
        told += 1;
    }
    let most = usize::from(case.most % 9) + 1;
    let all = TrailQuery {
        mailbox: None,
        lanes: Lane::ALL.to_vec(),
        before: None,
        since: UnixMillis::from_millis(0),
        most,
    };
    let (whole, unreadable) = read(&store, &all);
    assert_eq!((whole.len(), unreadable), (told, 0));
    let mut events: Vec<_> = whole.iter().flat_map(|block| block.events.clone()).collect();
    for event in case.told.iter().take(40).map(Told::event) {
        let at = events.iter().position(|found| *found == event).expect("what was told is there");
        events.swap_remove(at);
    }

    // One block is damaged, behind the back of a process that starts again.
    let blocks: Vec<_> = seen.dump().into_iter().filter(|(key, _)| key[0] == b'a').collect();
    assert_eq!(blocks.len(), told);
    let mut hit = None;
    if let (Some(damaged), false) = (&case.damage, blocks.is_empty()) {
        let (key, value) = &blocks[usize::from(case.which) % blocks.len()];
        let sealer = Sealer::new(ring, Some(&[7; 16]), Arc::clone(&rng));
        damage(&seen, &sealer, key, &value.value, damaged);
        hit = Some(stamp(key));
    }
    let store = block_on(SealedStore::attach(seen.reopen(), ring, rng)).unwrap();
    let sound = |blocks: Vec<TrailBlock>| {
        blocks.into_iter().filter(|block| Some(block.stamp) != hit).collect::<Vec<_>>()
    };
    let whole = sound(whole);
    let (found, unreadable) = read(&store, &all);
    assert!(unreadable <= usize::from(hit.is_some()));
    assert_eq!(sound(found), whole, "damage costs one block");
    let since = TrailQuery { since: UnixMillis::from_millis(case.since), ..all.clone() };
    let newer = whole.iter().filter(|block| block.stamp.at() >= since.since).cloned();
    assert_eq!(sound(read(&store, &since).0), newer.collect::<Vec<_>>());
    for name in NAMES {
        let mailbox = Mailbox::new(name).unwrap();
        let query = TrailQuery { mailbox: Some(mailbox.clone()), ..all.clone() };
        let about = |block: &TrailBlock| block.events.iter().any(|event| event.is_about(&mailbox));
        let own = |blocks: Vec<TrailBlock>| blocks.into_iter().filter(about).collect::<Vec<_>>();
        assert_eq!(own(sound(read(&store, &query).0)), own(whole.clone()), "{name}");
    }
    assert!(block_on(store.check_trail()).unwrap().unreadable <= 1);

    // What is old goes, also if it cannot be read; changes go by age alone.
    let before = UnixMillis::from_millis(case.before);
    for lane in Lane::ALL {
        while block_on(store.expire(lane, before, u64::from(case.keep))).unwrap().more {}
    }
    let left: Vec<_> = seen.dump().into_iter().filter(|(key, _)| key[0] == b'a').collect();
    assert!(left.iter().all(|(key, _)| stamp(key).at() >= before));
    let changes = |key: &[u8]| key[1] == b'c' && Some(stamp(key)) != hit;
    let due = blocks.iter().filter(|(key, _)| changes(key) && stamp(key).at() >= before).count();
    assert_eq!(left.iter().filter(|(key, _)| changes(key)).count(), due);
    if hit.is_none() {
        for (number, letter) in (0..).zip([b'c', b's', b'r']) {
            let own = case.told[..told].iter().filter(|event| event.lane % 3 == number);
            let newest = own.rev().take(usize::from(case.keep));
            let must = newest.filter(|event| event.at >= case.before).count();
            let kept = left.iter().filter(|(key, _)| key[1] == letter).count();
            assert!(kept >= must, "what is kept is what was told last");
        }
    }
    assert!(block_on(store.load(&alice)).unwrap().is_some());
    assert!(block_on(store.append(Lane::Refused, vec![TrailEvent::default()])).is_ok());
}
