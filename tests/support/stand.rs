//! A door on a real socket, with a store in memory behind it.

use std::{
    path::{Path, PathBuf},
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use futures_util::{FutureExt, future::BoxFuture};
use mail2fa::{
    audit::Everyone,
    base::{Mailbox, Secret, SecretText, limits::LISTENER_CONNECTIONS},
    config::TempFail,
    decision::{
        digest::CredentialKey,
        enforcement::EnforcementPolicy,
        flow::{self, Policy},
        mechanisms::Mechanisms,
        names::NameRules,
        record::{MailboxRecord, TotpFactor},
        retention::TrailPolicy,
        session::SessionPolicy,
        throttle::ThrottlePolicy,
        webmail::WebmailRules,
    },
    net::{
        client::{self, ClientDoor},
        door::{Door, Shared},
        listener,
        login::{self, LoginDoor},
    },
    ports::{
        audit::LoginLog,
        notice::{Delivery, Notice, Notifier, What},
        password::{HashError, PasswordHasher, Verdict},
        store::{Change, Commit, Expect, Store},
    },
    service::{
        authenticate::Authenticator,
        trail::{EventQuery, Recorder},
    },
    store::{Keyring, MemoryEngine, SealedStore},
    upstream::Pool,
};
use tokio::{net::UnixListener, task::JoinHandle};
use tokio_util::{sync::CancellationToken, task::TaskTracker};

use super::{
    ALICE, ALICE_PASSWORD, ALICE_SECRET, BOB, BOB_PASSWORD, CountingRng, FakeClock, NOW,
    VOUCH_SECRET,
    peer::Peer,
    upstream::{Upstream, believes},
    watched::{Watched, assert_no_secrets},
};

/// How long refusals are held back here.
pub const DELAY: Duration = Duration::from_secs(2);

/// What differs between tests.
pub struct Options {
    pub names: NameRules,
    pub delay: Duration,
    pub connections: usize,
    pub temp_fail: TempFail,
    pub sessions: SessionPolicy,
    /// Off, so that a test may fail as often as it likes; tests/doors/throttled.rs has it on.
    pub throttle: Option<ThrottlePolicy>,
    pub enforcement: EnforcementPolicy,
    /// Nothing passes, unless a test says so.
    pub mechanisms: Mechanisms,
    pub webmail: WebmailRules,
    /// Whether the door has the vouch secret; where passwords are our own it has.
    pub vouch: bool,
    /// Whether logins go into the audit trail. Nobody writes it down but [`Stand::trail`], so what is
    /// told waits in memory.
    pub trail: bool,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            names: NameRules::default(),
            delay: DELAY,
            connections: LISTENER_CONNECTIONS,
            temp_fail: TempFail::Answer,
            sessions: SessionPolicy::default(),
            throttle: None,
            enforcement: EnforcementPolicy::default(),
            mechanisms: Mechanisms::default(),
            webmail: WebmailRules::new(),
            vouch: true,
            trail: false,
        }
    }
}

/// The door and all that belongs to it.
pub struct Stand {
    pub clock: Arc<FakeClock>,
    pub trail: Arc<Recorder>,
    pub log: Arc<Watched>,
    /// What owners were told.
    pub told: Arc<Told>,
    pub store: SealedStore<MemoryEngine>,
    /// Checks the passwords that are our own.
    pub hasher: Arc<Comparing>,
    /// Is there, but nobody asks it, where passwords are our own at a `client` door.
    pub upstream: Upstream,
    pub socket: PathBuf,
    pub stopping: CancellationToken,
    pub tasks: TaskTracker,
    pub accepting: JoinHandle<()>,
    _folder: tempfile::TempDir,
}

/// Remembers what owners were told.
#[derive(Default)]
pub struct Told(Mutex<Vec<Notice>>);

impl Told {
    /// Since this was asked last: of which mailbox what.
    pub fn take(&self) -> Vec<(String, What)> {
        let notices = std::mem::take(&mut *self.0.lock().unwrap());
        notices.into_iter().map(|notice| (notice.mailbox.to_string(), notice.what)).collect()
    }
}

impl Notifier for Told {
    fn notify(&self, notice: Notice) {
        self.0.lock().unwrap().push(notice);
    }

    fn tell<'a>(&'a self, notice: &'a Notice) -> BoxFuture<'a, Delivery> {
        self.notify(notice.clone());
        Box::pin(async { Delivery::Sent })
    }

    fn try_now<'a>(&'a self, _: &'a Notice) -> BoxFuture<'a, Result<(), String>> {
        Box::pin(async { Ok(()) })
    }
}

/// Which door, and who knows the passwords.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    ClientUpstream,
    ClientStored,
    LoginUpstream,
    LoginStored,
}

impl Stand {
    pub async fn new(kind: Kind) -> Self {
        Self::with(kind, Options::default()).await
    }

    pub async fn with(kind: Kind, options: Options) -> Self {
        let stored = matches!(kind, Kind::ClientStored | Kind::LoginStored);
        Self::over(kind, options, store(stored).await)
    }

    /// A daemon that starts anew over the same store, with throttling on.
    pub fn restarted(&self, kind: Kind) -> Self {
        let throttle = Some(ThrottlePolicy::default());
        let options = Options { throttle, ..Options::default() };
        let stand = Self::over(kind, options, self.store.clone());
        if matches!(kind, Kind::ClientUpstream | Kind::LoginUpstream) {
            stand.upstream.script(super::upstream::passwords);
        }
        stand
    }

    fn over(kind: Kind, options: Options, store: SealedStore<MemoryEngine>) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let (socket, below) = (folder.path().join("door"), folder.path().join("auth"));
        let upstream = Upstream::start(&below);
        let stored = matches!(kind, Kind::ClientStored | Kind::LoginStored);
        let (clock, log) = (FakeClock::new(), Watched::new());
        let told = Arc::new(Told::default());
        let passwords = if stored { flow::Passwords::Stored } else { flow::Passwords::Upstream };
        let key = store.credential_key();
        let policy = Policy {
            names: options.names,
            passwords,
            sessions: options.sessions,
            key,
            throttle: options.throttle,
            enforcement: options.enforcement,
            mechanisms: options.mechanisms,
            webmail: options.webmail,
        };
        let trail = Arc::new(Recorder::new(
            Arc::new(store.clone()),
            Arc::new(store.clone()),
            clock.clone(),
            TrailPolicy::default(),
        ));
        let mut logs: Vec<Arc<dyn LoginLog>> = vec![log.clone()];
        if options.trail {
            logs.push(trail.clone());
        }
        let logs = Arc::new(Everyone(logs));
        let authenticator =
            Authenticator::new(Arc::new(store.clone()), clock.clone(), logs, policy)
                .telling(told.clone())
                .remembering(CredentialKey::new(Secret::from_slice(b"of this process")));
        let stopping = CancellationToken::new();
        let shared = Shared {
            name: "test".into(),
            authenticator: Arc::new(authenticator),
            refusal_delay: options.delay,
            temp_fail: options.temp_fail,
            stopping: stopping.clone(),
        };
        let tasks = TaskTracker::new();
        let serve = |door: Ready| door.serve(&socket, &shared, options.connections, &tasks);
        let vouch = Secret::from_slice(VOUCH_SECRET.as_bytes());
        let hasher = Arc::new(Comparing::default());
        let checking = Arc::clone(&hasher);
        let accepting = serve(match kind {
            Kind::ClientUpstream => {
                let pool = Arc::new(Pool::new(below, 1));
                let passwords = client::Passwords::Upstream(pool);
                Ready::Client(ClientDoor::new(shared.clone(), passwords))
            }
            Kind::ClientStored => {
                let passwords = client::Passwords::Stored(hasher);
                Ready::Client(ClientDoor::new(shared.clone(), passwords))
            }
            Kind::LoginUpstream => {
                let vouch = options.vouch.then_some(vouch);
                let passwords = login::Passwords::Upstream { vouch };
                Ready::Login(LoginDoor::new(shared.clone(), below, passwords))
            }
            Kind::LoginStored => {
                upstream.script(believes);
                let passwords = login::Passwords::Stored { hasher, vouch };
                Ready::Login(LoginDoor::new(shared.clone(), below, passwords))
            }
        });
        Self {
            clock,
            log,
            told,
            trail,
            store,
            hasher: checking,
            upstream,
            socket,
            stopping,
            tasks,
            accepting,
            _folder: folder,
        }
    }

    /// What the audit trail has, oldest first, as [`Watched::results`] says it.
    pub async fn trail(&self) -> Vec<String> {
        self.trail.finish().await;
        let mut query = EventQuery { most: 100, ..EventQuery::default() };
        let mut all = Vec::new();
        loop {
            let page = self.trail.events(&query).await.unwrap().unwrap();
            all.extend(page.events.into_iter().map(|(_, event)| event));
            query.before = page.next;
            if query.before.is_none() {
                break;
            }
        }
        all.reverse();
        all.iter()
            .map(|event| match (event.result.as_deref(), event.reason.as_deref()) {
                (Some("unavailable"), _) => "unavailable".to_owned(),
                (Some(result), Some(reason)) => format!("{result} {reason}"),
                other => panic!("{other:?}"),
            })
            .collect()
    }

    /// Somebody who has connected and said nothing.
    pub async fn connect(&self) -> Peer {
        Peer::connect(&self.socket).await
    }

    /// Somebody whose handshake is done.
    pub async fn peer(&self) -> Peer {
        Peer::greeted(&self.socket).await
    }

    /// Alice's last burned step.
    pub async fn burned(&self) -> u64 {
        let record = self.store.load(&mailbox(ALICE)).await.unwrap().unwrap();
        record.value.totp.unwrap().last_step
    }
}

impl Drop for Stand {
    fn drop(&mut self) {
        self.accepting.abort();
        if !std::thread::panicking() {
            assert_no_secrets();
        }
    }
}

enum Ready {
    Client(ClientDoor),
    Login(LoginDoor),
}

impl Ready {
    fn serve(
        self,
        path: &Path,
        shared: &Shared,
        connections: usize,
        tasks: &TaskTracker,
    ) -> JoinHandle<()> {
        fn run<D: Door>(
            door: D,
            path: &Path,
            shared: &Shared,
            connections: usize,
            tasks: &TaskTracker,
        ) -> JoinHandle<()> {
            let listener = UnixListener::bind(path).unwrap();
            let (shared, tasks) = (shared.clone(), tasks.clone());
            tokio::spawn(listener::run(listener, Arc::new(door), shared, connections, tasks))
        }
        match self {
            Self::Client(door) => run(door, path, shared, connections, tasks),
            Self::Login(door) => run(door, path, shared, connections, tasks),
        }
    }
}

pub fn mailbox(name: &str) -> Mailbox {
    Mailbox::new(name).unwrap()
}

/// Alice is enrolled. Bob has a record only where it must hold his password.
pub async fn store(stored: bool) -> SealedStore<MemoryEngine> {
    let rng = Arc::new(CountingRng::default());
    let keyring = Keyring::generate(&*rng).unwrap();
    let store = SealedStore::format(MemoryEngine::new(), &keyring, rng, NOW).await.unwrap();
    let hash = |password: &str| stored.then(|| SecretText::new(format!("{{PLAIN}}{password}")));
    let totp = TotpFactor { secret: Secret::from_slice(ALICE_SECRET), last_step: 0, enabled: NOW };
    let alice = MailboxRecord {
        password_hash: hash(ALICE_PASSWORD),
        totp: Some(totp),
        ..MailboxRecord::new(NOW)
    };
    let bob = MailboxRecord { password_hash: hash(BOB_PASSWORD), ..MailboxRecord::new(NOW) };
    put(&store, ALICE, alice).await;
    if stored {
        put(&store, BOB, bob).await;
    }
    store
}

/// Writes a record that is not there yet.
pub async fn put(store: &impl Store, name: &str, record: MailboxRecord) {
    let change = Change::Mailbox {
        mailbox: mailbox(name),
        expect: Expect::Absent,
        record: Some(Box::new(record)),
    };
    assert!(matches!(store.commit(vec![change]).await, Ok(Commit::Done(_))));
}

/// A password that stops whoever checks it.
pub const PANIC: &str = "this one panics";

/// A hasher without threads, so that the paused clock is not moved while one computes.
#[derive(Default)]
pub struct Comparing {
    /// Checks so far.
    pub checks: AtomicUsize,
}

impl PasswordHasher for Comparing {
    fn hash<'a>(&'a self, password: &'a Secret) -> BoxFuture<'a, Result<SecretText, HashError>> {
        let text = String::from_utf8_lossy(password.expose()).into_owned();
        std::future::ready(Ok(SecretText::new(format!("{{PLAIN}}{text}")))).boxed()
    }

    fn verify<'a>(
        &'a self,
        password: &'a Secret,
        hash: Option<&'a SecretText>,
    ) -> BoxFuture<'a, Result<Verdict, HashError>> {
        self.checks.fetch_add(1, Ordering::SeqCst);
        assert_ne!(password.expose(), PANIC.as_bytes(), "this password was made to panic");
        let known = hash.and_then(|hash| hash.expose().strip_prefix("{PLAIN}"));
        let right = known.is_some_and(|known| known.as_bytes() == password.expose());
        std::future::ready(Ok(if right { Verdict::Right } else { Verdict::Wrong })).boxed()
    }
}
