//! What the store's tests share: randomness, records, a folder that goes away.
#![allow(dead_code, reason = "each test uses a part of this")]

use std::{
    io::{BufRead, BufReader, Write},
    path::{Path, PathBuf},
    process::{Child, ChildStdout, Command, Stdio},
    sync::Arc,
    time::{Duration, Instant},
};

use mail2fa::{
    base::{Mailbox, Rng, Secret, UnixMillis, clock::RngError},
    decision::record::{MailboxRecord, TotpFactor, Version},
    ports::store::{Change, Commit, Entry, EntryKey, Expect, Store, StoreError},
    store::{Keyring, OpenError, SealedStore, SledEngine, engine::Engine},
};

/// The operating system's generator.
pub struct OsRng;

impl Rng for OsRng {
    #[expect(clippy::disallowed_methods, reason = "tests have no runtime/ambient.rs")]
    fn fill(&self, buffer: &mut [u8]) -> Result<(), RngError> {
        getrandom::fill(buffer).map_err(|_| RngError)
    }
}

pub fn rng() -> Arc<dyn Rng> {
    Arc::new(OsRng)
}

pub fn keyring() -> Keyring {
    Keyring::generate(&OsRng).unwrap()
}

/// A number below `bound`.
pub fn random(bound: usize) -> usize {
    let mut bytes = [0; 8];
    OsRng.fill(&mut bytes).unwrap();
    usize::try_from(u64::from_le_bytes(bytes) % bound as u64).unwrap()
}

pub fn at(millis: u64) -> UnixMillis {
    UnixMillis::from_millis(millis)
}

pub fn mailbox(name: &str) -> Mailbox {
    Mailbox::new(name).unwrap()
}

pub fn plain() -> MailboxRecord {
    MailboxRecord::new(at(1))
}

pub fn enrolled(last_step: u64) -> MailboxRecord {
    let secret = Secret::from_slice(b"12345678901234567890");
    let totp = TotpFactor { secret, last_step, enabled: at(2) };
    MailboxRecord { totp: Some(totp), ..plain() }
}

pub fn change(name: &str, expect: Expect, record: Option<MailboxRecord>) -> Change {
    Change::Mailbox { mailbox: mailbox(name), expect, record: record.map(Box::new) }
}

/// Writes one record and gives its version.
pub async fn put(
    store: &impl Store,
    name: &str,
    expect: Expect,
    record: Option<MailboxRecord>,
) -> Version {
    match store.commit(vec![change(name, expect, record)]).await.unwrap() {
        Commit::Done(version) => version,
        Commit::Conflict => panic!("{name}: conflict"),
    }
}

/// The burned step and the version of a record.
pub async fn step_of<E: Engine>(store: &SealedStore<E>, name: &str) -> Option<(u64, Version)> {
    let record = store.load(&mailbox(name)).await.unwrap()?;
    Some((record.value.totp?.last_step, record.version))
}

/// An entry that takes room: burns alone use the same room again and again.
pub fn filler(name: &str, step: u64) -> Change {
    Change::Entry {
        key: EntryKey { kind: "filler", mailbox: mailbox(name), id: step.to_string() },
        expect: Some(Expect::Absent),
        entry: Some(Entry { value: Secret::from_vec(vec![7; 20_000]), expires: at(1) }),
    }
}

/// Marks a step as used, as a login does: load, compare, write back.
pub async fn burn<E: Engine>(
    store: &SealedStore<E>,
    name: &str,
    step: u64,
) -> Result<Option<Commit>, StoreError> {
    let name = mailbox(name);
    let Some(read) = store.load(&name).await? else {
        return Ok(None);
    };
    let mut record = read.value;
    let Some(totp) = &mut record.totp else {
        return Ok(None);
    };
    if totp.last_step >= step {
        return Ok(Some(Commit::Conflict));
    }
    totp.last_step = step;
    let expect = Expect::Version(read.version);
    let counter = burn_counter(&name, step);
    let change = Change::Mailbox { mailbox: name, expect, record: Some(Box::new(record)) };
    store.commit(vec![change, counter]).await.map(Some)
}

/// What is written together with a burn, as throttling's counters are.
fn burn_counter(name: &Mailbox, step: u64) -> Change {
    let value = Secret::from_slice(&step.to_be_bytes());
    Change::Entry {
        key: burn_key(name),
        expect: None,
        entry: Some(Entry { value, expires: at(u64::MAX) }),
    }
}

fn burn_key(name: &Mailbox) -> EntryKey {
    EntryKey { kind: "burned", mailbox: name.clone(), id: String::new() }
}

/// The step that was counted with the last burn.
pub async fn counted_step<E: Engine>(store: &SealedStore<E>, name: &str) -> Option<u64> {
    let entry = store.load_entry(&burn_key(&mailbox(name)), at(1)).await.unwrap()?;
    Some(u64::from_be_bytes(entry.value.value.expose().try_into().unwrap()))
}

/// A folder for the store of a test.
pub struct Place {
    dir: tempfile::TempDir,
}

impl Place {
    pub fn new() -> Self {
        Self { dir: tempfile::tempdir().unwrap() }
    }

    pub fn base(&self) -> &Path {
        self.dir.path()
    }

    pub fn store(&self) -> PathBuf {
        self.dir.path().join("store")
    }

    pub fn key(&self) -> PathBuf {
        self.dir.path().join("key")
    }
}

/// How long sled's own threads may hold a folder after its store was dropped.
const PATIENCE: Duration = Duration::from_secs(90);

/// Opens a store that this process, or the one that started it, may have dropped a moment ago.
pub async fn open(dir: &Path, keyring: &Keyring) -> Result<SealedStore<SledEngine>, OpenError> {
    free(dir).await;
    SealedStore::open(dir, keyring, rng()).await
}

/// Waits until nobody has the files of a store locked.
pub async fn free(dir: &Path) {
    let begun = Instant::now();
    while ["db", "mark"].iter().any(|file| is_locked(&dir.join(file))) {
        assert!(begun.elapsed() < PATIENCE, "somebody does not let go of {}", dir.display());
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

fn is_locked(file: &Path) -> bool {
    use nix::fcntl::{Flock, FlockArg};
    let Ok(file) = std::fs::File::open(file) else { return false };
    Flock::lock(file, FlockArg::LockExclusiveNonblock).is_err()
}

/// Copies the files of a store.
pub fn copy_store(from: &Path, to: &Path) {
    use std::os::unix::fs::DirBuilderExt;
    std::fs::DirBuilder::new().mode(0o700).create(to).unwrap();
    for entry in std::fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let target = to.join(entry.file_name());
        if entry.file_type().unwrap().is_dir() {
            copy_store(&entry.path(), &target);
        } else {
            std::fs::copy(entry.path(), target).unwrap();
        }
    }
}

pub fn runtime() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap()
}

/// Set for a process that a test starts; the value is the store's folder.
pub const CHILD: &str = "MAIL2FA_STORE_CHILD";

/// The folder to work on, in a process that was started with [`child`].
pub fn child_store() -> Option<PathBuf> {
    std::env::var_os(CHILD).map(PathBuf::from)
}

/// Runs one test of this program in a process of its own, with [`CHILD`] set.
pub fn child(test: &str, store: &Path) -> Command {
    let mut command = Command::new(std::env::current_exe().unwrap());
    command.args([test, "--exact", "--nocapture", "--test-threads=1"]);
    command.env(CHILD, store).stdin(Stdio::null()).stdout(Stdio::piped());
    command
}

/// Tells the parent something: one line, written at once. A parent that has gone ends the child.
pub fn report(line: &str) {
    let text = format!("@{line}\n");
    let mut out = std::io::stdout().lock();
    out.write_all(text.as_bytes()).and_then(|()| out.flush()).unwrap();
}

/// A child and what it reports. Killed when dropped.
pub struct Reporter {
    pub child: Child,
    lines: BufReader<ChildStdout>,
}

impl Reporter {
    pub fn start(mut command: Command) -> Self {
        let mut child = command.spawn().unwrap();
        let lines = BufReader::new(child.stdout.take().unwrap());
        Self { child, lines }
    }

    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// The next line reported; `None` when the child has ended.
    pub fn next(&mut self) -> Option<String> {
        let mut line = String::new();
        loop {
            line.clear();
            if self.lines.read_line(&mut line).unwrap() == 0 {
                return None;
            }
            // The test harness writes lines of its own, and may leave one without an end.
            if let Some((_, told)) = line.split_once('@')
                && let Some(told) = told.strip_suffix('\n')
            {
                return Some(told.to_owned());
            }
        }
    }
}

impl Drop for Reporter {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
