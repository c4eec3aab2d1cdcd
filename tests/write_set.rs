//! A login with a code is one write: the burned record and what the success is counted on, both or
//! neither. A failure is on disk before it is answered.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test stops at the first surprise")]

mod store_support;

use std::sync::{
    Arc,
    atomic::{AtomicU64, AtomicUsize, Ordering},
};

use mail2fa::{
    base::{
        Clock, Mailbox, NetAddress, Secret, Service, UnixMillis, clock::ClockError,
        limits::STEP_SECONDS,
    },
    decision::{
        enforcement::EnforcementPolicy,
        flow::{Credential, Passwords, Policy, Request},
        mechanisms::Mechanisms,
        names::NameRules,
        outcome::Outcome,
        record::{MailboxRecord, Versioned},
        session::SessionPolicy,
        throttle::ThrottlePolicy,
    },
    ports::{
        BoxFuture,
        audit::{LoginEvent, LoginLog},
        password::{PasswordAnswer, PasswordQuestion, PasswordSource},
        store::{Change, Commit, Entry, EntryKey, Expect, Page, Store, StoreError, Watcher},
    },
    service::authenticate::{Authenticator, Circumstances},
    store::{Keyring, MemoryEngine, SealedStore, memory_engine::Faults},
};
use store_support::{enrolled, keyring, put, rng, runtime};

const NOW: u64 = 1_700_000_000;
const ALICE: &str = "alice@example.org";

/// A store in which somebody else may write the record just before a burn.
struct Contended {
    store: SealedStore<MemoryEngine>,
    /// How many burns still find a record that was changed.
    overtakes: AtomicUsize,
}

impl Store for Contended {
    fn load<'a>(
        &'a self,
        mailbox: &'a Mailbox,
    ) -> BoxFuture<'a, Result<Option<Versioned<MailboxRecord>>, StoreError>> {
        self.store.load(mailbox)
    }

    fn load_entry<'a>(
        &'a self,
        key: &'a EntryKey,
        now: UnixMillis,
    ) -> BoxFuture<'a, Result<Option<Versioned<Entry>>, StoreError>> {
        self.store.load_entry(key, now)
    }

    fn commit(&self, mut changes: Vec<Change>) -> BoxFuture<'_, Result<Commit, StoreError>> {
        let burn = changes.iter().position(|change| matches!(change, Change::Mailbox { .. }));
        let left = self.overtakes.load(Ordering::SeqCst);
        if let (Some(burn), 1..) = (burn, left) {
            self.overtakes.store(left - 1, Ordering::SeqCst);
            if let Some(Change::Mailbox { expect, .. }) = changes.get_mut(burn) {
                *expect = Expect::Absent;
            }
        }
        self.store.commit(changes)
    }

    fn page<'a>(
        &'a self,
        after: Option<&'a Mailbox>,
        limit: usize,
    ) -> BoxFuture<'a, Result<Page, StoreError>> {
        self.store.page(after, limit)
    }

    fn entries<'a>(
        &'a self,
        kind: &'static str,
        after: Option<&'a Mailbox>,
        limit: usize,
    ) -> BoxFuture<'a, Result<Vec<Mailbox>, StoreError>> {
        self.store.entries(kind, after, limit)
    }

    fn entries_of<'a>(
        &'a self,
        kind: &'static str,
        mailbox: &'a Mailbox,
        now: UnixMillis,
        limit: usize,
    ) -> BoxFuture<'a, Result<Vec<(String, Entry)>, StoreError>> {
        self.store.entries_of(kind, mailbox, now, limit)
    }

    fn purge(&self, now: UnixMillis) -> BoxFuture<'_, Result<usize, StoreError>> {
        self.store.purge(now)
    }

    fn watch(&self, watcher: Watcher) {
        self.store.watch(watcher);
    }

    fn ping(&self) -> BoxFuture<'_, Result<(), StoreError>> {
        self.store.ping()
    }
}

struct Watch(AtomicU64);

impl Clock for Watch {
    fn now(&self) -> Result<UnixMillis, ClockError> {
        Ok(UnixMillis::from_seconds(self.0.load(Ordering::SeqCst)))
    }
}

struct Quiet;

impl LoginLog for Quiet {
    fn login(&self, _: &LoginEvent<'_>) {}
}

/// Knows one password.
struct Source;

impl PasswordSource for Source {
    fn check<'a>(&'a self, question: &'a PasswordQuestion) -> BoxFuture<'a, PasswordAnswer> {
        let user = Some(question.mailbox.as_str().as_bytes().to_vec());
        let right = question.password.expose() == b"T9D3K!px";
        Box::pin(async move {
            if right {
                PasswordAnswer::Right { user, auth_user: None }
            } else {
                PasswordAnswer::Wrong
            }
        })
    }

    fn establish<'a>(&'a self, mailbox: &'a Mailbox) -> BoxFuture<'a, PasswordAnswer> {
        let user = Some(mailbox.as_str().as_bytes().to_vec());
        Box::pin(async move { PasswordAnswer::Right { user, auth_user: None } })
    }
}

struct World {
    store: Arc<Contended>,
    clock: Arc<Watch>,
    logins: Authenticator,
    keys: Keyring,
}

impl World {
    async fn new() -> Self {
        let keys = keyring();
        let store = SealedStore::format(MemoryEngine::new(), &keys, rng(), at(NOW));
        let store = store.await.unwrap();
        put(&store, ALICE, Expect::Absent, Some(enrolled(0))).await;
        Self::over(store, keys, NOW)
    }

    fn over(store: SealedStore<MemoryEngine>, keys: Keyring, now: u64) -> Self {
        let key = store.credential_key();
        let store = Arc::new(Contended { store, overtakes: AtomicUsize::new(0) });
        let clock = Arc::new(Watch(AtomicU64::new(now)));
        let policy = Policy {
            enforcement: EnforcementPolicy::default(),
            mechanisms: Mechanisms::default(),
            webmail: mail2fa::decision::webmail::WebmailRules::new(),
            names: NameRules::default(),
            passwords: Passwords::Upstream,
            sessions: SessionPolicy::default(),
            key,
            throttle: Some(ThrottlePolicy::default()),
        };
        let (a, b) = (Arc::clone(&store), Arc::clone(&clock));
        let logins = Authenticator::new(a, b, Arc::new(Quiet), policy);
        Self { store, clock, logins, keys }
    }

    /// The daemon is started again over what is stored.
    async fn restarted(self) -> Self {
        let engine = self.engine().reopen();
        let store = SealedStore::attach(engine, &self.keys, rng()).await.unwrap();
        Self::over(store, self.keys, self.clock.0.load(Ordering::SeqCst))
    }

    fn engine(&self) -> &MemoryEngine {
        self.store.store.engine()
    }

    async fn login(&self, typed: &str) -> String {
        let request = Request {
            via: NetAddress::UNKNOWN,
            authzid: Vec::new(),
            authcid: ALICE.into(),
            credential: Credential::Joined(Secret::from_slice(typed.as_bytes())),
            service: Service::Imap,
            remote: NetAddress::parse("192.0.2.1"),
        };
        let circumstances = Circumstances {
            client: None,
            listener: "test".into(),
            service: Service::Imap,
            remote: NetAddress::parse("192.0.2.1"),
            mechanism: "PLAIN".into(),
            session: None,
        };
        match self.logins.authenticate(request, &circumstances, &Source).await {
            Outcome::Accepted(accepted) => accepted.method().as_str().into(),
            Outcome::Refused(refusal) => refusal.as_str().into(),
            Outcome::Unavailable(_) => "unavailable".into(),
        }
    }

    fn typed(&self) -> String {
        let totp = totp_rs::Builder::new()
            .with_secret(totp_rs::Secret::new(b"12345678901234567890".to_vec().into()))
            .with_step_duration(STEP_SECONDS)
            .build()
            .unwrap();
        format!("T9D3K!px{}", totp.generate(self.clock.0.load(Ordering::SeqCst)))
    }

    /// The versions of the record, and of all counters.
    fn versions(&self) -> (u64, Vec<u64>) {
        let dump = self.engine().dump();
        let of = |first: u8| {
            let keys = dump.iter().filter(move |(key, _)| key.first() == Some(&first));
            keys.map(|(_, stored)| stored.version.0).collect::<Vec<_>>()
        };
        let records = of(b'r');
        let [record] = records.as_slice() else { panic!("one record: {records:?}") };
        (*record, of(b'e'))
    }
}

fn at(seconds: u64) -> UnixMillis {
    UnixMillis::from_seconds(seconds)
}

#[test]
fn a_code_and_its_success_are_one_write() {
    runtime().block_on(async {
        let world = World::new().await;
        let (before, none) = world.versions();
        assert!(none.is_empty());
        assert_eq!(world.login(&world.typed()).await, "password+code");
        assert_eq!(world.versions(), (before + 1, vec![before + 1]), "the record and its place");
        // The place is known now, so that the next one writes the record alone.
        world.clock.0.fetch_add(60, Ordering::SeqCst);
        assert_eq!(world.login(&world.typed()).await, "password+code");
        assert_eq!(world.versions(), (before + 2, vec![before + 1]));
    });
}

#[test]
fn after_a_conflict_it_is_counted_once_and_with_the_burn_that_held() {
    runtime().block_on(async {
        let world = World::new().await;
        let (before, _) = world.versions();
        world.store.overtakes.store(3, Ordering::SeqCst);
        assert_eq!(world.login(&world.typed()).await, "password+code");
        assert_eq!(world.versions(), (before + 1, vec![before + 1]));
    });
}

#[test]
fn a_burn_that_never_holds_counts_nothing_and_spends_nothing() {
    runtime().block_on(async {
        let world = World::new().await;
        let before = world.versions();
        world.store.overtakes.store(1_000, Ordering::SeqCst);
        let typed = world.typed();
        assert_eq!(world.login(&typed).await, "unavailable");
        assert_eq!(world.versions(), before);
        world.store.overtakes.store(0, Ordering::SeqCst);
        // Had memory taken it for spent, it would be a used code now.
        assert_eq!(world.login(&typed).await, "password+code");
    });
}

#[test]
fn a_write_that_fails_or_is_lost_leaves_neither() {
    runtime().block_on(async {
        for faults in [
            Faults { failing_commits: 1, ..Faults::default() },
            Faults { ambiguous_lost: 1, ..Faults::default() },
        ] {
            let world = World::new().await;
            let before = world.versions();
            world.engine().set_faults(faults);
            let typed = world.typed();
            assert_eq!(world.login(&typed).await, "unavailable", "{faults:?}");
            assert_eq!(world.versions(), before, "{faults:?}");
            assert_eq!(world.login(&typed).await, "password+code", "{faults:?}");
        }
    });
}

#[test]
fn a_write_whose_answer_is_lost_leaves_both_and_its_sign_in() {
    runtime().block_on(async {
        let world = World::new().await;
        let (before, _) = world.versions();
        world.engine().set_faults(Faults { ambiguous_done: 1, ..Faults::default() });
        let typed = world.typed();
        assert_eq!(world.login(&typed).await, "unavailable");
        assert_eq!(world.versions(), (before + 1, vec![before + 1]));
        assert_eq!(world.login(&typed).await, "password+session");
    });
}

#[test]
fn failures_are_on_disk_when_they_are_answered_and_survive_a_restart() {
    runtime().block_on(async {
        let mut world = World::new().await;
        let record = world.versions().0;
        let (mut wrong, mut refused) = (0, 0);
        // Started again after each answer: what memory alone has is lost each time.
        for guess in 0..40_u32 {
            let answer = world.login(&format!("T9D3K!px{:06}", 100_000 + guess)).await;
            wrong += u32::from(answer == "wrong_code");
            refused += u32::from(answer == "throttled");
            assert_eq!(world.versions().0, record, "a failure touches no record");
            world = world.restarted().await;
        }
        assert_eq!((wrong, refused), (6, 34));
    });
}

#[test]
fn a_spent_string_opens_nothing_after_a_restart_and_costs_its_owner_one_failure() {
    runtime().block_on(async {
        let mut world = World::new().await;
        assert_eq!(world.login(&world.typed()).await, "password+code");
        world.clock.0.fetch_add(60, Ordering::SeqCst);
        // The place is fresh, so the success of this string is in memory only.
        let spent = world.typed();
        assert_eq!(world.login(&spent).await, "password+code");
        world = world.restarted().await;
        assert_eq!(world.login(&spent).await, "password+session");
        // Its sign-in has ended, and its code counts no longer.
        world.clock.0.fetch_add(86_400, Ordering::SeqCst);
        assert_eq!(world.login(&spent).await, "wrong_code");
        for _ in 0..50 {
            assert_eq!(world.login(&spent).await, "used_code");
            world = world.restarted().await;
        }
        assert_eq!(world.login(&world.typed()).await, "password+code");
    });
}
