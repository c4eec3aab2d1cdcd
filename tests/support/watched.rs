//! Everything that is told about logins: the audit port's events, and every trace of every level.
//!
//! # Security
//!
//! [`assert_no_secrets`] is run at the end of every stand's life: no password, code or secret of the
//! tests may be in what was traced, by whichever test.

use std::{
    io,
    sync::{
        Arc, Mutex, MutexGuard, OnceLock, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
};

use mail2fa::{
    audit::TracingLog,
    ports::audit::{LoginEvent, LoginLog, LoginResult},
};
use tokio::sync::Notify;
use tracing_subscriber::{filter::LevelFilter, fmt::MakeWriter, layer::SubscriberExt};

use super::{ALICE_PASSWORD, ALICE_SECRET, BOB_PASSWORD, PATIENCE, VOUCH_SECRET, code};

/// A logged decision, with its result as one word or two.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Event {
    pub mailbox: String,
    pub target: Option<String>,
    pub listener: String,
    pub service: String,
    pub remote: String,
    pub mechanism: String,
    pub session: Option<String>,
    /// `accepted password`, `refused wrong_code`, `unavailable`.
    pub result: String,
    /// What was missing, where it is `unavailable`.
    pub why: String,
    /// What only a dry run let through.
    pub would_refuse: Option<&'static str>,
}

/// Keeps the events, and passes them on to the log the daemon uses.
#[derive(Default)]
pub struct Watched {
    events: Mutex<Vec<Event>>,
    changed: Notify,
    forgetful: AtomicBool,
}

impl Watched {
    pub fn new() -> Arc<Self> {
        traces();
        Arc::default()
    }

    pub fn events(&self) -> Vec<Event> {
        self.events.lock().unwrap().clone()
    }

    /// Keeps nothing more, and no traces either: for tests that look at the memory.
    pub fn forget(&self) {
        self.forgetful.store(true, Ordering::Relaxed);
        traces().forgetful.store(true, Ordering::Relaxed);
    }

    pub fn results(&self) -> Vec<String> {
        self.events().into_iter().map(|event| event.result).collect()
    }

    /// The last one.
    pub fn last(&self) -> Event {
        self.events().pop().expect("nothing was logged")
    }

    /// Waits until that many were logged.
    pub async fn count(&self, count: usize) {
        let wait = async {
            loop {
                let changed = self.changed.notified();
                if self.events.lock().unwrap().len() >= count {
                    return;
                }
                changed.await;
            }
        };
        let done = tokio::time::timeout(PATIENCE, wait).await;
        assert!(done.is_ok(), "not {count} events: {:?}", self.results());
    }
}

impl LoginLog for Watched {
    fn login(&self, event: &LoginEvent<'_>) {
        TracingLog { fields: true }.login(event);
        if self.forgetful.load(Ordering::Relaxed) {
            return;
        }
        let (result, why) = match event.result {
            LoginResult::Accepted(method) => (format!("accepted {}", method.as_str()), ""),
            LoginResult::Refused(refusal) => (format!("refused {}", refusal.as_str()), ""),
            LoginResult::Unavailable(why) => ("unavailable".to_owned(), why),
        };
        self.events.lock().unwrap().push(Event {
            mailbox: event.mailbox.into(),
            target: event.target.map(Into::into),
            listener: event.listener.into(),
            service: event.service.as_str().into(),
            remote: event.remote.to_string(),
            mechanism: event.mechanism.into(),
            session: event.session.map(Into::into),
            result,
            why: why.into(),
            would_refuse: event.would_refuse.map(mail2fa::decision::refusal::Refusal::as_str),
        });
        self.changed.notify_waiters();
    }
}

#[derive(Clone, Default)]
struct Traces {
    text: Arc<Mutex<Vec<u8>>>,
    forgetful: Arc<AtomicBool>,
}

impl Traces {
    fn lock(&self) -> MutexGuard<'_, Vec<u8>> {
        self.text.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl io::Write for Traces {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if !self.forgetful.load(Ordering::Relaxed) {
            self.lock().extend_from_slice(bytes);
        }
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl MakeWriter<'_> for Traces {
    type Writer = Self;

    fn make_writer(&self) -> Self {
        self.clone()
    }
}

/// Collects all traces of the process from the first call on.
fn traces() -> &'static Traces {
    static TRACES: OnceLock<Traces> = OnceLock::new();
    TRACES.get_or_init(|| {
        let traces = Traces::default();
        let format = tracing_subscriber::fmt::layer().with_ansi(false).with_writer(traces.clone());
        let all = tracing_subscriber::registry().with(LevelFilter::TRACE).with(format);
        tracing::subscriber::set_global_default(all).expect("nobody else sets a subscriber");
        traces
    })
}

/// What was traced so far.
pub fn traced() -> String {
    String::from_utf8_lossy(&traces().lock()).into_owned()
}

/// What must be in no log: as it is, and as it looks in base 64 at any offset.
pub fn secrets() -> Vec<String> {
    use base64::{Engine, engine::general_purpose::STANDARD};
    let secret = String::from_utf8(ALICE_SECRET.to_vec()).unwrap();
    let plain = [ALICE_PASSWORD, BOB_PASSWORD, VOUCH_SECRET, &secret];
    let mut all: Vec<String> = plain.iter().map(|text| (*text).to_owned()).collect();
    for text in plain {
        for offset in 0..3 {
            let shifted = [&vec![b'x'; offset][..], text.as_bytes()].concat();
            let encoded = STANDARD.encode(shifted);
            // Without the groups that depend on what stands around it.
            let from = if offset == 0 { 0 } else { 4 };
            let to = encoded.len() - if encoded.ends_with('=') { 4 } else { 0 };
            all.push(encoded[from..to].to_owned());
        }
    }
    all.push(base32::encode(base32::Alphabet::Rfc4648 { padding: false }, ALICE_SECRET));
    all.extend((-1..=1).map(code));
    all
}

/// Fails when a secret is in the traces that came since the last time.
pub fn assert_no_secrets() {
    static SEEN: Mutex<usize> = Mutex::new(0);
    let mut seen = SEEN.lock().unwrap_or_else(PoisonError::into_inner);
    let text = traces().lock();
    let end = text.iter().rposition(|byte| *byte == b'\n').map_or(0, |at| at + 1);
    let fresh = String::from_utf8_lossy(&text[(*seen).min(end)..end]).into_owned();
    *seen = end;
    drop(text);
    if let Some((secret, line)) = leak_in(&fresh) {
        panic!("{secret:?} was logged: {line}");
    }
}

/// The first secret in a text, and its line.
pub fn leak_in(text: &str) -> Option<(String, String)> {
    secrets().into_iter().find_map(|secret| {
        let line = text.lines().find(|line| has_word(line, &secret))?;
        Some((secret, line.to_owned()))
    })
}

/// Whether a secret stands in a line. Six digits must stand alone, and may be the fraction of a second.
fn has_word(line: &str, secret: &str) -> bool {
    if !secret.bytes().all(|byte| byte.is_ascii_digit()) {
        return line.contains(secret);
    }
    line.replace(&format!(".{secret}Z"), "")
        .split(|c: char| !c.is_ascii_digit())
        .any(|word| word == secret)
}
