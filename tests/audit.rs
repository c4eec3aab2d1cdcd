//! The audit trail as a use-case: over a real store in memory, with a clock that is set by hand.

#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "a test may")]

mod store_support;

use std::sync::{
    Arc,
    atomic::{AtomicU64, Ordering},
};

use mail2fa::{
    base::{Clock, NetAddress, Service, UnixMillis, clock::ClockError, limits::AUDIT_QUEUE},
    decision::{outcome::Method, refusal::Refusal, retention::TrailPolicy},
    ports::{
        audit::{LoginEvent, LoginLog, LoginResult},
        event::{EventKind, TrailEvent},
        store::{Change, Commit, Store},
    },
    service::trail::{EventQuery, Recorder},
    store::{
        MemoryEngine, SealedStore,
        engine::{Engine, Key},
        memory_engine::Faults,
    },
};
use store_support::{keyring, mailbox, rng, runtime};

const DAY: u64 = 86_400;
const START: u64 = 20_000 * DAY;

struct HandClock(AtomicU64);

impl Clock for HandClock {
    fn now(&self) -> Result<UnixMillis, ClockError> {
        Ok(UnixMillis::from_seconds(self.0.load(Ordering::SeqCst)))
    }
}

/// A recorder with its store and clock.
struct Desk {
    store: Arc<SealedStore<MemoryEngine>>,
    clock: Arc<HandClock>,
    recorder: Recorder,
}

const ACCEPTED: LoginResult<'static> = LoginResult::Accepted(Method::Password);
const WRONG: LoginResult<'static> = LoginResult::Refused(Refusal::WrongPassword);
const WRONG_CODE: LoginResult<'static> = LoginResult::Refused(Refusal::WrongCode);

impl Desk {
    async fn new(policy: TrailPolicy) -> Self {
        let now = UnixMillis::from_seconds(START);
        let store = SealedStore::format(MemoryEngine::new(), &keyring(), rng(), now).await.unwrap();
        let (store, clock) = (Arc::new(store), Arc::new(HandClock(AtomicU64::new(START))));
        let recorder = Recorder::new(store.clone(), store.clone(), clock.clone(), policy);
        Self { store, clock, recorder }
    }

    fn later(&self, seconds: u64) {
        self.clock.0.fetch_add(seconds, Ordering::SeqCst);
    }

    fn login(&self, name: &str, result: LoginResult<'_>) {
        self.told(name, result, "192.0.2.7", None);
    }

    fn told(&self, name: &str, result: LoginResult<'_>, from: &str, client: Option<&str>) {
        self.recorder.login(&LoginEvent {
            would_refuse: None,
            mailbox: name,
            typed: name.contains(' '),
            target: None,
            listener: "dovecot",
            service: &Service::Imap,
            remote: NetAddress::parse(from),
            mechanism: "PLAIN",
            session: Some("s\u{1b}[2J1"),
            client,
            result,
            duration_ms: 3,
        });
    }

    async fn all(&self, query: EventQuery) -> Vec<TrailEvent> {
        let mut query = EventQuery { most: 7, ..query };
        let mut all = Vec::new();
        loop {
            let page = self.recorder.events(&query).await.unwrap().unwrap();
            assert!(page.events.len() <= 7);
            all.extend(page.events.into_iter().map(|(_, event)| event));
            query.before = page.next;
            if query.before.is_none() {
                return all;
            }
        }
    }

    async fn count(&self, name: Option<&str>) -> usize {
        let query = EventQuery { mailbox: name.map(mailbox), ..EventQuery::default() };
        self.all(query).await.len()
    }
}

fn keys(engine: &MemoryEngine) -> Vec<Key> {
    engine.dump().into_iter().map(|(key, _)| key).collect()
}

/// How many commits there were.
fn last_version(engine: &MemoryEngine) -> u64 {
    engine.dump().iter().map(|(_, stored)| stored.version.0).max().unwrap()
}

fn reasons(events: &[TrailEvent]) -> Vec<&str> {
    events.iter().map(|event| event.reason.as_deref().unwrap_or("-")).collect()
}

#[test]
fn logins_are_there_once_newest_first_and_found_by_every_filter() {
    runtime().block_on(async {
        let desk = Desk::new(TrailPolicy::default()).await;
        for refusal in Refusal::ALL {
            desk.login("alice", LoginResult::Refused(refusal));
            desk.login("bob", ACCEPTED);
            desk.later(1);
        }
        desk.login("mistyped secret", LoginResult::Refused(Refusal::BadName));
        desk.login("alice", LoginResult::Unavailable("the store is slow"));
        desk.recorder.flush().await;
        desk.recorder.flush().await;
        let alice = EventQuery { mailbox: Some(mailbox("alice")), ..EventQuery::default() };
        let events = desk.all(alice.clone()).await;
        // Lanes are blocks of their own: within a flush only each lane is in order.
        let mut seen = reasons(&events);
        let mut known: Vec<_> = Refusal::ALL.iter().map(|refusal| refusal.as_str()).collect();
        known.push("temp_fail");
        seen.sort_unstable();
        known.sort_unstable();
        assert_eq!(seen, known);
        assert_eq!(desk.count(None).await, 2 * Refusal::ALL.len() + 2);
        for word in ["wrong_code", "wrong_password", "temp_fail"] {
            let query = EventQuery { word: Some(word.into()), ..alice.clone() };
            assert_eq!(reasons(&desk.all(query).await), [word]);
        }
        let accepted = EventQuery { word: Some("accepted".into()), ..EventQuery::default() };
        assert_eq!(desk.all(accepted).await.len(), Refusal::ALL.len());
        let at = |seconds| Some(UnixMillis::from_seconds(START + seconds));
        let some = EventQuery { since: at(3), until: at(5), ..alice };
        assert_eq!(desk.all(some).await.len(), 2);
        let typed = EventQuery { word: Some("bad_name".into()), ..EventQuery::default() };
        let typed = desk.all(typed).await;
        assert!(typed.iter().any(|event| event.typed), "{typed:?}");
        assert!(typed.iter().all(|event| event.session.as_deref() == Some("s\u{fffd}[2J1")));
    });
}

#[test]
fn old_logins_go_and_changes_stay() {
    runtime().block_on(async {
        let desk = Desk::new(TrailPolicy::default()).await;
        let by = UnixMillis::from_seconds(START);
        let note = TrailEvent::change(by, &mailbox("alice"), "uid=0", "mailbox lock");
        let committed = desk.store.commit(vec![Change::Note(Box::new(note))]).await.unwrap();
        assert!(matches!(committed, Commit::Done(_)));
        for _ in 0..40 {
            desk.login("alice", ACCEPTED);
            desk.login("alice", WRONG);
            desk.recorder.flush().await;
            desk.later(DAY);
        }
        desk.recorder.expire().await.unwrap();
        assert_eq!(desk.count(Some("alice")).await, 2 * 30 + 1);
        desk.later(365 * DAY);
        desk.recorder.expire().await.unwrap();
        assert_eq!(desk.count(Some("alice")).await, 1);
        desk.recorder.set_policy(TrailPolicy { changes: Some(DAY), ..TrailPolicy::default() });
        desk.recorder.expire().await.unwrap();
        assert_eq!(desk.count(None).await, 0);
        // Switched off, nothing comes in.
        desk.recorder.set_policy(TrailPolicy { logins: None, ..TrailPolicy::default() });
        desk.login("alice", ACCEPTED);
        desk.recorder.flush().await;
        assert_eq!(desk.count(None).await, 0);
    });
}

/// Whoever does not know a password pushes out nothing that needed one.
#[test]
fn a_flood_of_strangers_leaves_what_matters() {
    runtime().block_on(async {
        let policy = TrailPolicy { total: 1_000, per_mailbox: 10, ..TrailPolicy::default() };
        let desk = Desk::new(policy).await;
        desk.login("alice", WRONG_CODE);
        desk.login("alice", ACCEPTED);
        for n in 0..5_000 {
            desk.login(&format!("nobody{n}"), WRONG);
            desk.login("alice", WRONG);
        }
        desk.recorder.flush().await;
        desk.recorder.expire().await.unwrap();
        let alice = EventQuery { mailbox: Some(mailbox("alice")), ..EventQuery::default() };
        for word in ["wrong_code", "accepted"] {
            let query = EventQuery { word: Some(word.into()), ..alice.clone() };
            assert_eq!(desk.all(query).await.len(), 1, "{word}");
        }
        let left = desk.count(None).await;
        assert!((1_000..1_100).contains(&left), "{left}");
        // What is beyond alice's share of the day is counted, at the latest at the end.
        desk.recorder.finish().await;
        let more = EventQuery { word: Some("more".into()), ..alice };
        let more = desk.all(more).await;
        assert_eq!((more.len(), more[0].count), (1, Some(4_990)));
    });
}

#[test]
fn what_is_lost_is_counted_and_told() {
    runtime().block_on(async {
        let policy = TrailPolicy { per_mailbox: 1_000_000, ..TrailPolicy::default() };
        let desk = Desk::new(policy).await;
        for _ in 0..AUDIT_QUEUE + 5 {
            desk.login("alice", ACCEPTED);
        }
        // And a store that takes nothing: that is not tried again, and counted with the rest.
        desk.store.engine().set_faults(Faults { failing_commits: 10_000, ..Faults::default() });
        desk.recorder.flush().await;
        assert_eq!(desk.count(None).await, 0);
        desk.store.engine().set_faults(Faults::default());
        desk.login("alice", ACCEPTED);
        desk.recorder.flush().await;
        let lost = EventQuery { word: Some("lost".into()), ..EventQuery::default() };
        let lost = desk.all(lost).await;
        assert_eq!((lost.len(), lost[0].kind), (1, EventKind::Lost));
        assert_eq!(lost[0].count, Some(AUDIT_QUEUE as u64 + 5));
        assert_eq!(desk.count(Some("alice")).await, 1);
    });
}

#[test]
fn a_part_that_cannot_be_read_is_skipped_and_told() {
    runtime().block_on(async {
        let desk = Desk::new(TrailPolicy::default()).await;
        for _ in 0..3 {
            desk.login("alice", ACCEPTED);
            desk.recorder.flush().await;
            desk.later(1);
        }
        let engine = desk.store.engine();
        let all = keys(engine);
        let block = all.iter().filter(|key| key.starts_with(b"as")).nth(1).unwrap();
        let mut value = engine.get(block).await.unwrap().unwrap().value.to_vec();
        *value.last_mut().unwrap() ^= 1;
        engine.tamper(block, &value);
        for name in [None, Some(mailbox("alice"))] {
            let query = EventQuery { mailbox: name, most: 10, ..EventQuery::default() };
            let page = desk.recorder.events(&query).await.unwrap().unwrap();
            assert_eq!((page.events.len(), page.unreadable), (2, 1));
        }
        let found = desk.store.check_trail().await.unwrap();
        assert_eq!((found.events, found.unreadable), (2, 1));
        // It expires like the others.
        desk.later(31 * DAY);
        desk.recorder.expire().await.unwrap();
        assert_eq!(keys(engine).iter().filter(|key| b"ai".contains(&key[0])).count(), 0);
    });
}

#[test]
fn right_password_and_wrong_code_is_counted_for_each_mailbox() {
    runtime().block_on(async {
        let desk = Desk::new(TrailPolicy::default()).await;
        let alice = mailbox("alice");
        assert_eq!(desk.recorder.wrong_codes(&alice).await.unwrap(), None);
        desk.login("alice", WRONG_CODE);
        desk.later(60);
        desk.login("alice", WRONG_CODE);
        desk.login("alice", WRONG);
        desk.login("bob", ACCEPTED);
        for flushed in [false, true] {
            let codes = desk.recorder.wrong_codes(&alice).await.unwrap().unwrap();
            assert_eq!((codes.count, codes.first, codes.last), (2, START, START + 60), "{flushed}");
            desk.recorder.flush().await;
        }
        desk.login("alice", WRONG_CODE);
        desk.recorder.flush().await;
        assert_eq!(desk.recorder.wrong_codes(&alice).await.unwrap().unwrap().count, 3);
        assert_eq!(desk.recorder.wrong_codes(&mailbox("bob")).await.unwrap(), None);
        desk.later(31 * DAY);
        assert_eq!(desk.recorder.wrong_codes(&alice).await.unwrap(), None);
    });
}

#[test]
fn programs_with_the_bare_password_are_known_without_a_record() {
    runtime().block_on(async {
        let desk = Desk::new(TrailPolicy::default()).await;
        let alice = mailbox("alice");
        let id = Some(r#""name" "Thunderbird" "version" "128""#);
        for n in 0..100 {
            desk.told("alice", ACCEPTED, &format!("192.0.2.{n}"), id);
        }
        desk.later(1);
        desk.told("alice", ACCEPTED, "2001:db8::1", None);
        desk.told("alice", LoginResult::Accepted(Method::AppPassword), "192.0.2.7", None);
        desk.told("alice", WRONG, "198.51.100.1", None);
        let entries = || keys(desk.store.engine()).iter().filter(|key| key[0] == b'e').count();
        for written in [false, true] {
            let programs = desk.recorder.programs(&alice).await.unwrap();
            let seen: Vec<_> = programs
                .iter()
                .map(|one| (one.program.as_deref(), one.network.as_deref().unwrap(), one.count))
                .collect();
            let expected = [(None, "2001:db8::/64", 1), (Some("Thunderbird"), "192.0.2.0/24", 100)];
            assert_eq!(seen, expected, "{written}");
            desk.later(60);
            desk.recorder.flush().await;
            assert_eq!(entries(), 1);
        }
        // The next ones wait for an hour, and are seen at once.
        let commits = last_version(desk.store.engine());
        desk.told("alice", ACCEPTED, "192.0.2.7", id);
        desk.later(60);
        desk.recorder.flush().await;
        assert_eq!(last_version(desk.store.engine()), commits + 1, "the login's event alone");
        assert_eq!(desk.recorder.programs(&alice).await.unwrap()[0].count, 101);
        desk.later(3_600);
        desk.recorder.flush().await;
        assert_eq!(last_version(desk.store.engine()), commits + 2);
        // Bounded, the oldest fall out, and all are forgotten in the end.
        for n in 0..40 {
            desk.later(1);
            desk.told("alice", ACCEPTED, &format!("10.0.{n}.1"), None);
        }
        desk.recorder.finish().await;
        let programs = desk.recorder.programs(&alice).await.unwrap();
        assert_eq!(programs.len(), 32);
        assert!(programs.iter().all(|one| one.network.as_deref().unwrap().starts_with("10.0.")));
        desk.later(91 * DAY);
        assert_eq!(desk.recorder.programs(&alice).await.unwrap(), []);
    });
}

/// A clock that lost its time says that it is 1970, or nothing at all.
#[test]
fn what_happens_while_the_clock_has_lost_its_time_is_kept_behind_what_was_before() {
    runtime().block_on(async {
        let policy = TrailPolicy { changes: Some(400 * DAY), ..TrailPolicy::default() };
        let desk = Desk::new(policy.clone()).await;
        desk.login("alice", ACCEPTED);
        desk.recorder.flush().await;
        // After a restart: what this process has seen of the time is nothing.
        desk.clock.0.store(59, Ordering::SeqCst);
        let recorder =
            Recorder::new(desk.store.clone(), desk.store.clone(), desk.clock.clone(), policy);
        let desk = Desk { recorder, ..desk };
        desk.login("bob", WRONG_CODE);
        let (at, lost) = desk.recorder.moment().await;
        assert_eq!((at, lost), (UnixMillis::from_seconds(START), true));
        let note = TrailEvent {
            time_unknown: lost,
            ..TrailEvent::change(at, &mailbox("bob"), "uid=0", "lock")
        };
        let changes = vec![Change::Note(Box::new(note))];
        assert!(matches!(desk.store.commit(changes).await, Ok(Commit::Done(_))));
        desk.recorder.flush().await;
        desk.recorder.expire().await.unwrap();
        // The time is back, and what is older than its bound goes.
        desk.clock.0.store(START + 10 * DAY, Ordering::SeqCst);
        desk.login("carol", ACCEPTED);
        desk.recorder.flush().await;
        desk.recorder.expire().await.unwrap();
        let since = Some(UnixMillis::from_seconds(START));
        let events = desk.all(EventQuery { since, ..EventQuery::default() }).await;
        let mut told: Vec<_> = events
            .iter()
            .map(|event| (event.mailbox.as_deref().unwrap(), event.at / 1_000, event.time_unknown))
            .collect();
        assert_eq!(told.remove(0), ("carol", START + 10 * DAY, false));
        assert_eq!(told.pop(), Some(("alice", START, false)));
        assert_eq!(told, [("bob", START, true); 2]);
    });
}

#[test]
fn an_empty_trail_has_a_time_for_what_comes_first() {
    runtime().block_on(async {
        let desk = Desk::new(TrailPolicy::default()).await;
        desk.clock.0.store(0, Ordering::SeqCst);
        let (at, lost) = desk.recorder.moment().await;
        assert!(lost && at > UnixMillis::default());
        desk.login("alice", ACCEPTED);
        desk.recorder.flush().await;
        assert_eq!(desk.all(EventQuery::default()).await[0].at, at.millis());
    });
}

/// The service is off, and the password was right: no stranger can push that out.
#[test]
fn what_needs_the_right_password_is_kept_apart() {
    runtime().block_on(async {
        let desk = Desk::new(TrailPolicy { total: 1_000, ..TrailPolicy::default() }).await;
        desk.login("alice", LoginResult::Refused(Refusal::ServiceOff));
        desk.recorder.flush().await;
        for number in 0..3_000 {
            desk.login(&format!("name{number}@example.org"), WRONG);
            if number % 500 == 0 {
                desk.recorder.flush().await;
            }
        }
        desk.recorder.flush().await;
        desk.recorder.expire().await.unwrap();
        assert_eq!(desk.count(Some("alice")).await, 1);
        assert!(desk.count(None).await < 2_000);
    });
}
