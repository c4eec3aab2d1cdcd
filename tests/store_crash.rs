//! kill -9 under load: nothing that was acknowledged is lost, whenever the process dies.
//!
//! A child burns, enrols, removes and renames from many tasks and reports each acknowledged
//! change over a pipe. The parent kills it at a random moment, opens the store and compares.
//! `MAIL2FA_CRASH_ROUNDS` sets the number of rounds.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test stops at the first surprise"
)]

mod store_support;

use std::{
    collections::HashMap,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use mail2fa::{
    ports::{
        event::TrailEvent,
        store::{Change, Commit, Expect, Store},
        trail::{Lane, Trail, TrailQuery},
    },
    store::{Keyring, SealedStore, SledEngine},
};
use store_support::{
    OsRng, Place, Reporter, at, burn, change, child, child_store, counted_step, enrolled, mailbox,
    open, plain, put, random, report, rng, runtime, step_of,
};

const TASKS: usize = 8;
/// What a child has acknowledged before it is killed, at least.
const LEAST: u64 = 20;
/// Mailboxes that all tasks burn.
const SHARED: usize = 16;

/// What the parent knows of a mailbox.
#[derive(Clone, Copy, Debug, Default)]
struct Known {
    /// The latest acknowledged step.
    step: u64,
    /// There is a record with a second factor, acknowledged.
    enrolled: bool,
    /// A removal, rename or enrolment was begun and not acknowledged: either is right.
    open: bool,
}

#[test]
fn nothing_acknowledged_is_lost() {
    let rounds = std::env::var("MAIL2FA_CRASH_ROUNDS").map_or(25, |rounds| rounds.parse().unwrap());
    let place = Place::new();
    let keyring = Keyring::create(&place.key(), &OsRng).unwrap();
    let runtime = runtime();
    runtime.block_on(async {
        let store = SealedStore::create(&place.store(), &keyring, rng(), at(0)).await.unwrap();
        for n in 0..SHARED {
            put(&store, &format!("shared{n}"), Expect::Absent, Some(enrolled(0))).await;
        }
        put(&store, "plain", Expect::Absent, Some(plain())).await;
    });
    let mut known: HashMap<String, Known> = (0..SHARED)
        .map(|n| (format!("shared{n}"), Known { enrolled: true, ..Known::default() }))
        .collect();
    let mut acknowledged = 0;
    for round in 0..rounds {
        acknowledged += one_life(&place, round, &mut known);
        runtime.block_on(compare(&place, &keyring, &mut known));
    }
    println!("{rounds} kills, {acknowledged} acknowledged changes, 0 lost");
}

/// Starts a child and kills it; notes what it reported.
fn one_life(place: &Place, round: u64, known: &mut HashMap<String, Known>) -> u64 {
    let mut command = child("victim", &place.store());
    command.env("MAIL2FA_STORE_ROUND", round.to_string());
    let mut child = Reporter::start(command);
    let pid = nix::unistd::Pid::from_raw(child.pid().cast_signed());
    let kill_within = |millis: usize| {
        let wait = Duration::from_millis(random(millis) as u64);
        std::thread::spawn(move || {
            std::thread::sleep(wait);
            nix::sys::signal::kill(pid, nix::sys::signal::Signal::SIGKILL).unwrap();
        })
    };
    let mut acknowledged = 0;
    // Every fourth dies at any moment from its start on, which is while it opens the store.
    let mut killer = (round % 4 == 3).then(|| kill_within(200));
    while let Some(line) = child.next() {
        // The others are killed when they have done something: how much in a given time is the machine's matter.
        if acknowledged >= LEAST {
            killer.get_or_insert_with(|| kill_within(250));
        }
        let words: Vec<_> = line.split(' ').collect();
        let entry = known.entry(words[1].to_owned()).or_default();
        match words[0] {
            "burned" => {
                entry.step = entry.step.max(words[2].parse().unwrap());
                acknowledged += 1;
            }
            "try" => entry.open = true,
            "enrolled" => {
                *entry = Known { enrolled: true, ..Known::default() };
                acknowledged += 1;
            }
            "removed" => {
                *entry = Known::default();
                acknowledged += 1;
            }
            other => panic!("{other}"),
        }
    }
    killer.unwrap().join().unwrap();
    acknowledged
}

async fn compare(place: &Place, keyring: &Keyring, known: &mut HashMap<String, Known>) {
    let store = open(&place.store(), keyring).await.unwrap();
    assert_eq!(store.damage(), []);
    let is_enrolled = |name: String| known.get(&name).is_some_and(|known| known.enrolled);
    let existed: Vec<_> = (0..TASKS)
        .map(|n| is_enrolled(format!("here{n}")) || is_enrolled(format!("there{n}")))
        .collect();
    for (name, known) in known.iter_mut() {
        let found = step_of(&store, name).await;
        match (found, *known) {
            (Some((step, _)), Known { step: acknowledged, open: false, enrolled: true }) => {
                assert!(step >= acknowledged, "{name}: {step} is burned, {acknowledged} was");
                // What is refused now must have been refused before.
                let again = burn(&store, name, acknowledged).await.unwrap();
                assert_eq!(again, Some(Commit::Conflict), "{name} takes {acknowledged} again");
            }
            (None, Known { open: false, enrolled: false, .. }) | (_, Known { open: true, .. }) => {}
            (found, known) => panic!("{name}: {found:?} is there, {known:?} was acknowledged"),
        }
        let step = found.map_or(0, |(step, _)| step);
        if name.starts_with("shared") {
            let counted = counted_step(&store, name).await.unwrap_or(0);
            assert_eq!(counted, step, "{name}: its counter was written without it, or not with it");
        }
        *known = Known { step, enrolled: found.is_some(), open: false };
    }
    // A rename is both or neither: of each pair one name is there.
    for (task, existed) in existed.into_iter().enumerate() {
        let here = step_of(&store, &format!("here{task}")).await.is_some();
        let there = step_of(&store, &format!("there{task}")).await.is_some();
        assert!(!(here && there), "a rename of task {task} was torn");
        assert!(here || there || !existed, "a rename of task {task} lost the mailbox");
    }
    notes_go_with_their_changes(&store, known).await;
    let verified = store.verify().await.unwrap();
    assert_eq!(verified.damaged, []);
    assert_eq!(verified.unreadable, []);
    assert_eq!(store.load(&mailbox("plain")).await.unwrap().unwrap().value, plain());
}

/// Of each enrolment that was noted there are both, record and note, or neither.
async fn notes_go_with_their_changes(
    store: &SealedStore<SledEngine>,
    known: &HashMap<String, Known>,
) {
    let mut query = TrailQuery {
        mailbox: None,
        lanes: vec![Lane::Change],
        before: None,
        since: at(0),
        most: 1_000,
    };
    let mut noted = HashMap::<String, usize>::new();
    loop {
        let page = store.read(&query).await.unwrap();
        assert_eq!(page.unreadable, 0);
        for event in page.blocks.into_iter().flat_map(|block| block.events) {
            *noted.entry(event.mailbox.unwrap()).or_default() += 1;
        }
        query.before = page.next;
        if page.next.is_none() {
            break;
        }
    }
    for (name, known) in known.iter().filter(|(name, _)| name.starts_with("new")) {
        let changes = noted.get(name).copied().unwrap_or_default();
        assert_eq!(changes, usize::from(known.enrolled), "{name}");
    }
}

/// Not a test of its own: the process that is killed.
#[test]
fn victim() {
    let Some(dir) = child_store() else { return };
    let round = std::env::var("MAIL2FA_STORE_ROUND").unwrap();
    let keyring = Keyring::read(&dir.with_file_name("key")).unwrap();
    runtime().block_on(async {
        let store = open(&dir, &keyring).await.unwrap();
        let mut highest = 0;
        for n in 0..SHARED {
            highest = step_of(&store, &format!("shared{n}")).await.unwrap().0.max(highest);
        }
        let clock = Arc::new(AtomicU64::new(highest + 1));
        let tasks: Vec<_> = (0..TASKS)
            .map(|task| {
                let (store, clock, round) = (store.clone(), Arc::clone(&clock), round.clone());
                tokio::spawn(async move { work(&store, task, &clock, &round).await })
            })
            .collect();
        for task in tasks {
            task.await.unwrap();
        }
    });
}

async fn work(store: &SealedStore<SledEngine>, task: usize, clock: &AtomicU64, round: &str) {
    for number in 0_u64.. {
        match random(20) {
            0..=15 => {
                let name = format!("shared{}", random(SHARED));
                let step = clock.fetch_add(1, Ordering::Relaxed);
                if let Some(Commit::Done(_)) = burn(store, &name, step).await.unwrap() {
                    report(&format!("burned {name} {step}"));
                }
            }
            16..=17 => {
                let name = format!("new{task}-{round}-{number}");
                report(&format!("try {name}"));
                let note = TrailEvent::change(at(1), &mailbox(&name), "uid=0", "enrol");
                let record = change(&name, Expect::Absent, Some(enrolled(0)));
                let set = vec![record, Change::Note(Box::new(note))];
                assert!(matches!(store.commit(set).await.unwrap(), Commit::Done(_)));
                report(&format!("enrolled {name}"));
            }
            18 => {
                let name = format!("short{task}");
                report(&format!("try {name}"));
                if let Some((_, version)) = step_of(store, &name).await {
                    put(store, &name, Expect::Version(version), None).await;
                    report(&format!("removed {name}"));
                } else {
                    put(store, &name, Expect::Absent, Some(enrolled(0))).await;
                    report(&format!("enrolled {name}"));
                }
            }
            _ => rename(store, task).await,
        }
    }
}

async fn rename(store: &SealedStore<SledEngine>, task: usize) {
    let (mut from, mut to) = (format!("here{task}"), format!("there{task}"));
    report(&format!("try {from}"));
    report(&format!("try {to}"));
    if step_of(store, &to).await.is_some() {
        (from, to) = (to, from);
    }
    match step_of(store, &from).await {
        None => {
            put(store, &from, Expect::Absent, Some(enrolled(0))).await;
            report(&format!("removed {to}"));
            report(&format!("enrolled {from}"));
        }
        Some((_, version)) => {
            let set = vec![
                change(&to, Expect::Absent, Some(enrolled(0))),
                change(&from, Expect::Version(version), None),
            ];
            assert!(matches!(store.commit(set).await.unwrap(), Commit::Done(_)));
            report(&format!("removed {from}"));
            report(&format!("enrolled {to}"));
        }
    }
}
