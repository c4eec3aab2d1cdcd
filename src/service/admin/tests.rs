//! The use-cases of an administrator, over a store in memory.

mod mailboxes;
pub(in crate::service) mod memory;
mod messages;
mod notes;
mod notices;
mod policy;
mod reach;
mod second_factor;
mod sign_ins;

use std::sync::{
    Arc, Mutex,
    atomic::{AtomicU8, AtomicU64, Ordering},
};

use memory::MemoryStore;

use super::{Admin, AdminError, Disclosed, Enrolment, NewPassword, Request, Response};
use crate::{
    base::{
        Clock, Mailbox, Rng, Secret, SecretText, UnixMillis,
        clock::{ClockError, RngError},
    },
    decision::{
        digest::CredentialKey, enforcement::EnforcementPolicy, names::NameRules,
        record::MailboxRecord, retention::TrailPolicy,
    },
    ports::{
        BoxFuture,
        notice::{Delivery, Notice, Notifier, What},
        password::{HashError, PasswordHasher, Verdict},
        store::{Change, Entry, Store as _, StoreError},
    },
    service::{reminders::Reminders, trail::Recorder},
};

/// RFC 6238 appendix B: its secret, two moments and their codes.
const RFC_SECRET: &[u8; 20] = b"12345678901234567890";
const RFC_BASE32: &str = "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ";
const NOW: u64 = 1_111_111_109;
const CODE: &str = "081804";
const STEP: u64 = 37_037_036;

pub(in crate::service) struct FixedClock(pub(in crate::service) AtomicU64);

impl Clock for FixedClock {
    fn now(&self) -> Result<UnixMillis, ClockError> {
        match self.0.load(Ordering::SeqCst) {
            0 => Err(ClockError),
            seconds => Ok(UnixMillis::from_seconds(seconds)),
        }
    }
}

/// First the RFC's secret, then others.
#[derive(Default)]
pub(in crate::service) struct CountingRng(AtomicU8);

impl Rng for CountingRng {
    fn fill(&self, buffer: &mut [u8]) -> Result<(), RngError> {
        let call = self.0.fetch_add(1, Ordering::SeqCst);
        for (byte, secret) in buffer.iter_mut().zip(RFC_SECRET.iter().cycle()) {
            *byte = secret.wrapping_add(call);
        }
        Ok(())
    }
}

/// Hashes by putting a scheme in front.
pub(in crate::service) struct PlainHasher;

impl PasswordHasher for PlainHasher {
    fn hash<'a>(&'a self, password: &'a Secret) -> BoxFuture<'a, Result<SecretText, HashError>> {
        let text = String::from_utf8_lossy(password.expose()).into_owned();
        Box::pin(async move { Ok(SecretText::new(format!("{{PLAIN}}{text}"))) })
    }

    fn verify<'a>(
        &'a self,
        password: &'a Secret,
        hash: Option<&'a SecretText>,
    ) -> BoxFuture<'a, Result<Verdict, HashError>> {
        Box::pin(async move {
            let hash = hash.map(SecretText::expose).unwrap_or_default();
            match hash.strip_prefix("{PLAIN}") {
                Some(plain) if plain.as_bytes() == password.expose() => Ok(Verdict::Right),
                Some(_) => Ok(Verdict::Wrong),
                None => Err(HashError::UnknownScheme("NONE".into())),
            }
        })
    }
}

/// Remembers what owners were told.
#[derive(Default)]
pub(in crate::service) struct Told(Mutex<Vec<(String, What)>>);

impl Told {
    /// Since this was asked last.
    pub(in crate::service) fn take(&self) -> Vec<(String, What)> {
        std::mem::take(&mut *self.0.lock().unwrap())
    }
}

impl Notifier for Told {
    fn notify(&self, notice: Notice) {
        self.0.lock().unwrap().push((notice.mailbox.to_string(), notice.what));
    }

    fn tell<'a>(&'a self, notice: &'a Notice) -> BoxFuture<'a, Delivery> {
        self.notify(notice.clone());
        Box::pin(async { Delivery::Sent })
    }

    fn try_now<'a>(&'a self, notice: &'a Notice) -> BoxFuture<'a, Result<(), String>> {
        Box::pin(async move {
            self.notify(notice.clone());
            if notice.mailbox.as_str().starts_with("nobody@") {
                return Err("550 no such user".into());
            }
            Ok(())
        })
    }
}

struct Bench {
    store: Arc<MemoryStore>,
    clock: Arc<FixedClock>,
    admin: Admin,
    told: Arc<Told>,
    log: Mutex<Vec<String>>,
}

impl Bench {
    /// With passwords of our own.
    fn store_mode() -> Self {
        Self::new(Some(Arc::new(PlainHasher)))
    }

    /// With passwords that are Dovecot's.
    fn dovecot_mode() -> Self {
        Self::new(None)
    }

    fn new(hasher: Option<Arc<dyn PasswordHasher>>) -> Self {
        let store = Arc::new(MemoryStore::default());
        let clock = Arc::new(FixedClock(AtomicU64::new(NOW)));
        let told = Arc::new(Told::default());
        let admin = Admin {
            panel: None,
            store: store.clone(),
            hasher,
            clock: clock.clone(),
            key: CredentialKey::new(Secret::from_slice(&[7; 32])),
            rng: Arc::new(CountingRng::default()),
            names: NameRules { default_realm: Some("example.org".into()), ..NameRules::default() },
            issuer: "Mail".into(),
            notifier: told.clone(),
            trail: Arc::new(Recorder::new(
                store.clone(),
                store.clone(),
                clock.clone(),
                TrailPolicy::default(),
            )),
            enforcement: EnforcementPolicy::default(),
        };
        Self { store, clock, admin, told, log: Mutex::default() }
    }

    fn ask(&self, request: Request) -> Result<Response, AdminError> {
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        let result = runtime.block_on(self.admin.handle(request, "uid=0"));
        self.log.lock().unwrap().push(format!("{result:?}"));
        result
    }

    fn add(&self, name: &str) -> Result<Response, AdminError> {
        let password = NewPassword::Clear(disclosed("secret"));
        self.ask(Request::MailboxAdd { mailbox: name.into(), password })
    }

    fn enable(&self, name: &str) -> Result<Enrolment, AdminError> {
        match self.ask(Request::TotpEnable { mailbox: name.into() })? {
            Response::Enrolment(enrolment) => Ok(enrolment),
            other => panic!("{other:?}"),
        }
    }

    fn confirm(&self, name: &str, code: &str) -> Result<Response, AdminError> {
        self.ask(Request::TotpConfirm { mailbox: name.into(), code: disclosed(code) })
    }

    fn disable(&self, name: &str) -> Result<Response, AdminError> {
        self.ask(Request::TotpDisable { mailbox: name.into() })
    }

    fn record(&self, name: &str) -> Option<MailboxRecord> {
        self.store.record(&Mailbox::new(name).unwrap())
    }

    /// What owners were told since this was asked last.
    fn notified(&self) -> Vec<(String, What)> {
        self.told.take()
    }

    fn move_clock(&self, seconds: u64) {
        self.clock.0.fetch_add(seconds, Ordering::SeqCst);
    }
}

fn disclosed(text: &str) -> Disclosed {
    Disclosed::new(SecretText::new(text.into()))
}

fn alice() -> String {
    "alice@example.org".into()
}
