//! The mailboxes of the benchmark, and codes that have not been used yet.

use std::{collections::VecDeque, path::Path, sync::Arc, time::Duration};

use anyhow::{Context, Result, bail};
use futures_util::{StreamExt, TryStreamExt, stream};
use mail2fa::{
    base::{Clock, Mailbox, Secret, SecretText, limits::STEP_SECONDS},
    decision::record::{MailboxRecord, TotpFactor},
    ports::store::{Change, Commit, Expect, Store},
    runtime::compose,
    store::{Keyring, SealedStore},
};

use crate::load;

/// Mailboxes of one commit.
const SET: usize = 16;
/// Commits under way while the store is filled.
const SETS: usize = 256;

/// What a mailbox has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// A password.
    Plain,
    /// A password and a second factor.
    Coded,
    /// The same, for sign-ins that live.
    SignedIn,
}

impl Kind {
    const ALL: [Self; 3] = [Self::Plain, Self::Coded, Self::SignedIn];

    /// How many mailboxes of this kind there are, where there are so many of each other kind.
    fn count(self, mailboxes: usize) -> usize {
        match self {
            Self::Plain | Self::Coded => mailboxes,
            Self::SignedIn => mailboxes.min(SIGNED_IN),
        }
    }
}

/// Mailboxes with a sign-in that lives.
const SIGNED_IN: usize = 1_000;

pub fn name(kind: Kind, number: usize) -> String {
    match kind {
        Kind::Plain => format!("plain{number:06}@example.org"),
        Kind::Coded => format!("coded{number:06}@example.org"),
        Kind::SignedIn => format!("signed{number:06}@example.org"),
    }
}

pub fn password(number: usize) -> String {
    format!("T9D3K!px-{number:04}")
}

/// 160 bits, another for each mailbox.
fn secret(number: usize) -> [u8; 20] {
    let mut secret = *b"mail2fa bench secret";
    for (byte, part) in secret.iter_mut().zip(number.to_be_bytes()) {
        *byte ^= part;
    }
    secret
}

/// All mailboxes in a passwd-file of Dovecot.
pub fn write_passwd_file(path: &Path, mailboxes: usize) -> Result<()> {
    use std::fmt::Write;
    let mut text = String::new();
    for kind in Kind::ALL {
        for number in 0..kind.count(mailboxes) {
            writeln!(text, "{}:{{PLAIN}}{}", name(kind, number), password(number))?;
        }
    }
    std::fs::write(path, text).with_context(|| path.display().to_string())
}

/// Where the passwords of a store's mailboxes are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Hashes {
    /// In the store: all mailboxes have a record.
    Stored,
    /// In Dovecot: only mailboxes with a second factor have a record.
    Elsewhere,
}

/// Makes a store with its key and fills it.
pub fn fill_store(dir: &Path, key: &Path, mailboxes: usize, hashes: Hashes) -> Result<()> {
    let runtime = tokio::runtime::Runtime::new()?;
    runtime.block_on(async {
        let rng = compose::rng();
        let keys = Keyring::create(key, &*rng)?;
        let store = Arc::new(SealedStore::create(dir, &keys, rng, compose::clock().now()?).await?);
        let mut changes = Vec::new();
        for kind in Kind::ALL {
            let known = kind != Kind::Plain || hashes == Hashes::Stored;
            for number in (0..kind.count(mailboxes)).filter(|_| known) {
                changes.push(addition(kind, number, hashes, &*compose::clock())?);
            }
        }
        let sets: Vec<Vec<Change>> = changes.chunks(SET).map(<[Change]>::to_vec).collect();
        stream::iter(sets)
            .map(|set| {
                let store = Arc::clone(&store);
                async move {
                    match store.commit(set).await? {
                        Commit::Done(_) => Ok(()),
                        Commit::Conflict => bail!("a new store has mailboxes already"),
                    }
                }
            })
            .buffer_unordered(SETS)
            .try_collect::<Vec<()>>()
            .await
    })?;
    Ok(())
}

fn addition(kind: Kind, number: usize, hashes: Hashes, clock: &dyn Clock) -> Result<Change> {
    let now = clock.now()?;
    let mut record = MailboxRecord::new(now);
    if hashes == Hashes::Stored {
        record.password_hash = Some(SecretText::new(format!("{{PLAIN}}{}", password(number))));
    }
    if kind != Kind::Plain {
        let secret = Secret::from_slice(&secret(number));
        record.totp = Some(TotpFactor { secret, last_step: 0, enabled: now });
    }
    let mailbox = Mailbox::new(&name(kind, number))?;
    Ok(Change::Mailbox { mailbox, expect: Expect::Absent, record: Some(Box::new(record)) })
}

/// Logins with passwords alone, one mailbox after the other.
pub struct PlainLogins {
    mailboxes: usize,
    next: usize,
}

impl PlainLogins {
    pub fn new(mailboxes: usize) -> Self {
        Self { mailboxes, next: 0 }
    }

    pub fn take(&mut self, count: usize) -> Vec<Vec<u8>> {
        let turns = self.next..self.next + count;
        self.next = turns.end % self.mailboxes;
        turns
            .map(|turn| turn % self.mailboxes)
            .map(|number| load::request(&name(Kind::Plain, number), &password(number)))
            .collect()
    }
}

/// Logins with password and code. Each code is used once: of a mailbox there is one for the present
/// step and one for the next, and the codes of a step go on counting for the length of a step after it.
pub struct CodedLogins {
    kind: Kind,
    /// Mailboxes in the order of their turn, with the first step whose code is unused.
    turn: VecDeque<(usize, u64)>,
}

impl CodedLogins {
    pub fn new(kind: Kind, mailboxes: usize) -> Self {
        Self { kind, turn: (0..kind.count(mailboxes)).map(|number| (number, 0)).collect() }
    }

    /// Makes requests whose codes count now and for the next half minute. Waits for the next step when all
    /// codes of this one are used.
    pub fn take(&mut self, count: usize, clock: &dyn Clock) -> Result<Vec<Vec<u8>>> {
        let mut requests = Vec::with_capacity(count);
        while requests.len() < count {
            let present = clock.now()?.step();
            let Some((number, unused)) = self.turn.pop_front() else {
                bail!("there are no mailboxes");
            };
            let step = unused.max(present);
            if step > present + 1 {
                self.turn.push_front((number, unused));
                // What was made already stays good: its step is the present or the next.
                std::thread::sleep(Duration::from_millis(100));
                continue;
            }
            let typed = format!("{}{}", password(number), code(number, step)?);
            requests.push(load::request(&name(self.kind, number), &typed));
            self.turn.push_back((number, step + 1));
        }
        Ok(requests)
    }
}

/// The same strings again and again, of sign-ins that live.
pub struct SignedInLogins {
    strings: Vec<Vec<u8>>,
    next: usize,
}

impl SignedInLogins {
    /// Strings that were not used yet: the first login with each signs in.
    pub fn new(mailboxes: usize, clock: &dyn Clock) -> Result<Self> {
        let count = Kind::SignedIn.count(mailboxes);
        let strings = CodedLogins::new(Kind::SignedIn, mailboxes).take(count, clock)?;
        Ok(Self { strings, next: 0 })
    }

    pub fn take(&mut self, count: usize) -> Vec<Vec<u8>> {
        let taken = self.strings.iter().cycle().skip(self.next).take(count).cloned().collect();
        self.next = (self.next + count) % self.strings.len();
        taken
    }
}

fn code(number: usize, step: u64) -> Result<String> {
    let totp = totp_rs::Builder::new()
        .with_secret(totp_rs::Secret::new(secret(number).into()))
        .with_step_duration(STEP_SECONDS)
        .build()
        .map_err(|error| anyhow::anyhow!("totp: {error:?}"))?;
    Ok(totp.generate(step * STEP_SECONDS).to_string())
}
