//! Owner notices from the queue to a relay that is made of a few lines, or a sendmail program that is a
//! script: what is sent, how often, and that nothing which goes wrong there holds anybody up.
//!
//! A real Postfix and a mailbox behind it are in `tests/peers`.
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "a test may")]

#[path = "notices/faults.rs"]
mod faults;
#[path = "support/fed.rs"]
mod fed;
#[path = "notices/flood.rs"]
mod flood;
#[path = "notices/letters.rs"]
mod letters;
#[path = "support/program.rs"]
mod program;
#[path = "notices/reminders.rs"]
mod reminders;
#[path = "notices/texts.rs"]
mod texts;
#[path = "notices/transports.rs"]
mod transports;

use std::{
    sync::{
        Arc, Mutex,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use mail2fa::{
    base::{
        Clock, Mailbox, NetAddress, Rng, Service, UnixMillis,
        clock::{ClockError, RngError},
    },
    decision::notice::{Language, NoticeKind},
    notice::{Letter, Letters, Outfit, Owners, SendError, Sender, Texts, Transport},
    ports::{
        BoxFuture,
        notice::{Notice, Notifier, Origin, What},
    },
    service::notices::Notices,
    store::{Keyring, MemoryEngine, SealedStore},
};

const ALICE: &str = "alice@example.org";
const NOW: u64 = 1_800_000_000;

struct FakeClock(AtomicU64);

impl FakeClock {
    fn forward(&self, seconds: u64) {
        self.0.fetch_add(seconds, Ordering::SeqCst);
    }
}

impl Clock for FakeClock {
    fn now(&self) -> Result<UnixMillis, ClockError> {
        Ok(UnixMillis::from_seconds(self.0.load(Ordering::SeqCst)))
    }
}

/// Not random at all.
struct Counting(AtomicU64);

impl Rng for Counting {
    fn fill(&self, buffer: &mut [u8]) -> Result<(), RngError> {
        for byte in buffer {
            *byte = u8::try_from(self.0.fetch_add(1, Ordering::SeqCst) % 251).unwrap();
        }
        Ok(())
    }
}

fn rng() -> Arc<dyn Rng> {
    Arc::new(Counting(AtomicU64::new(0)))
}

async fn store() -> SealedStore<MemoryEngine> {
    let keys = Keyring::generate(rng().as_ref()).unwrap();
    let now = UnixMillis::from_seconds(NOW);
    SealedStore::format(MemoryEngine::new(), &keys, rng(), now).await.unwrap()
}

fn sender() -> Sender {
    Sender {
        from: "Example Mail <noreply@example.org>".parse().unwrap(),
        reply_to: None,
        envelope: None,
    }
}

fn letters() -> Letters {
    Letters {
        sender: sender(),
        domain: None,
        texts: Texts::load(None).unwrap(),
        language: Language::default(),
        rng: rng(),
    }
}

fn outfit(transport: impl Transport + 'static) -> Outfit {
    Outfit { kinds: NoticeKind::ALL.to_vec(), letters: letters(), transport: Box::new(transport) }
}

/// What becomes of the next mails; the last one stays.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Fate {
    Taken,
    Later,
    Never,
    Hangs,
    Panics,
}

/// A relay that remembers what it was given.
#[derive(Clone)]
struct Fake {
    taken: Arc<Mutex<Vec<String>>>,
    asked: Arc<AtomicU64>,
    fates: Arc<Mutex<Vec<Fate>>>,
}

impl Fake {
    fn new(fates: &[Fate]) -> Self {
        let mut fates = fates.to_vec();
        fates.reverse();
        Self { taken: Arc::default(), asked: Arc::default(), fates: Arc::new(Mutex::new(fates)) }
    }

    fn now(&self, fate: Fate) {
        *self.fates.lock().unwrap() = vec![fate];
    }

    fn taken(&self) -> Vec<String> {
        self.taken.lock().unwrap().clone()
    }

    /// Mails that were offered, taken or not.
    fn asked(&self) -> u64 {
        self.asked.load(Ordering::SeqCst)
    }
}

impl Transport for Fake {
    fn send<'a>(&'a self, letter: &'a Letter) -> BoxFuture<'a, Result<(), SendError>> {
        Box::pin(async move {
            self.asked.fetch_add(1, Ordering::SeqCst);
            let fate = {
                let mut fates = self.fates.lock().unwrap();
                if fates.len() > 1 { fates.pop().unwrap() } else { fates[0].clone() }
            };
            match fate {
                Fate::Taken => {
                    let text = String::from_utf8(letter.bytes.clone()).unwrap();
                    self.taken.lock().unwrap().push(text);
                    Ok(())
                }
                Fate::Later => Err(SendError::Later("busy".into())),
                Fate::Never => Err(SendError::Never("no such user".into())),
                Fate::Hangs => std::future::pending().await,
                Fate::Panics => panic!("a bug"),
            }
        })
    }
}

/// A daemon's part that tells owners.
struct Bench {
    owners: Owners,
    relay: Fake,
    clock: Arc<FakeClock>,
    store: SealedStore<MemoryEngine>,
}

impl Bench {
    async fn new(fates: &[Fate]) -> Self {
        let clock = Arc::new(FakeClock(AtomicU64::new(NOW)));
        Self::over(store().await, clock, fates)
    }

    fn over(store: SealedStore<MemoryEngine>, clock: Arc<FakeClock>, fates: &[Fate]) -> Self {
        let relay = Fake::new(fates);
        let memory = Notices::new(Arc::new(store.clone()));
        let owners = Owners::start(memory, clock.clone(), Some(outfit(relay.clone())));
        Self { owners, relay, clock, store }
    }

    /// Another daemon over the same store, after this one has stopped.
    async fn restart(self) -> Self {
        self.owners.finish().await;
        Self::over(self.store, self.clock, &[Fate::Taken])
    }

    fn notify(&self, name: &str, what: What) {
        let at = self.clock.now().unwrap();
        self.owners.notify(Notice { mailbox: Mailbox::new(name).unwrap(), at, what });
    }

    /// Waits until the worker has nothing to do: under a paused clock sleeping takes no time and
    /// ends when everybody else waits.
    async fn settle(&self) {
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
}

fn wrong_code() -> What {
    What::WrongCode(origin())
}

fn origin() -> Origin {
    Origin { service: Service::Imap, address: NetAddress::parse("192.0.2.7") }
}
