//! A full disk: nothing is acknowledged that is not there, nothing acknowledged is lost, and the
//! store works again after a restart with room.
//!
//! One test limits the size of files for a child, which anybody can do; the other uses a small
//! file system in memory and needs root. Without root it says NOT RUN on standard error.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test stops at the first surprise"
)]

mod store_support;

use std::{
    collections::HashMap,
    path::Path,
    process::{Command, Stdio},
};

use mail2fa::{
    ports::store::{Commit, Expect, Store, StoreError},
    store::{Keyring, OpenError, SealedStore, SledEngine},
};
use store_support::{
    CHILD, OsRng, Place, Reporter, at, burn, change, child, child_store, enrolled, filler, mailbox,
    open, put, report, rng, runtime, step_of,
};

const MAILBOXES: usize = 40;

async fn make(dir: &Path, key: &Path) -> Keyring {
    let keyring = Keyring::create(key, &OsRng).unwrap();
    let store = SealedStore::create(dir, &keyring, rng(), at(0)).await.unwrap();
    for n in 0..MAILBOXES {
        put(&store, &format!("m{n}"), Expect::Absent, Some(enrolled(0))).await;
    }
    keyring
}

/// Burns until the disk is full and reports the steps. Checks what is answered then.
async fn burn_until_full(store: &SealedStore<SledEngine>) {
    let (send, told) = std::sync::mpsc::channel();
    store.on_fatal(Box::new(move |reason| send.send(reason.to_owned()).unwrap()));
    'fill: for step in 1_u64.. {
        for n in 0..MAILBOXES {
            let name = format!("m{n}");
            let burned = burn(store, &name, step).await;
            if burned.is_ok() {
                report(&format!("{name} {step}"));
            }
            let filled = match &burned {
                Ok(_) => store.commit(vec![filler(&name, step)]).await.map(Some),
                Err(_) => burned,
            };
            if let Err(error) = filled {
                assert!(matches!(error, StoreError::Ambiguous(_)), "{error}");
                assert!(error.to_string().contains("disk is full"), "{error}");
                break 'fill;
            }
        }
    }
    // From here on the store has ended: every call is an error, and the daemon was told.
    assert!(told.recv().unwrap().contains("disk is full"));
    assert!(matches!(burn(store, "m1", u64::MAX).await, Err(StoreError::Unavailable(_))));
    assert!(matches!(store.load(&mailbox("m1")).await, Err(StoreError::Unavailable(_))));
    assert!(matches!(store.ping().await, Err(StoreError::Unavailable(_))));
}

async fn compare(store: &SealedStore<SledEngine>, acknowledged: &HashMap<String, u64>) {
    assert_eq!(store.verify().await.unwrap().damaged, []);
    for n in 0..MAILBOXES {
        let name = format!("m{n}");
        let known = acknowledged.get(&name).copied().unwrap_or(0);
        let (step, _) = step_of(store, &name).await.unwrap();
        // The last write's outcome was not known: it may be there.
        assert!(step == known || step == known + 1, "{name}: {step}, acknowledged {known}");
    }
}

/// Lets a child work until it finds the disk full; gives the steps it reported.
fn watch_until_full(mut command: Command, place: &Place) -> HashMap<String, u64> {
    command.env("MAIL2FA_STORE_KEY", place.key());
    let mut child = Reporter::start(command);
    let mut acknowledged = HashMap::new();
    while let Some(line) = child.next() {
        let (name, step) = line.split_once(' ').unwrap();
        acknowledged.insert(name.to_owned(), step.parse().unwrap());
    }
    assert!(acknowledged.remove("done").is_some(), "the child failed");
    assert!(child.child.wait().unwrap().success());
    assert!(!acknowledged.is_empty(), "the disk was full from the start");
    acknowledged
}

/// Not a test of its own: the process that fills the disk.
#[test]
fn limited() {
    let Some(dir) = child_store() else { return };
    let key = std::env::var_os("MAIL2FA_STORE_KEY").unwrap();
    let keyring = Keyring::read(Path::new(&key)).unwrap();
    runtime().block_on(async {
        let store = open(&dir, &keyring).await.unwrap();
        burn_until_full(&store).await;
        report("done 0");
    });
}

#[test]
fn files_that_may_not_grow() {
    let place = Place::new();
    let runtime = runtime();
    let keyring = runtime.block_on(make(&place.store(), &place.key()));
    let used = std::fs::metadata(place.store().join("db")).unwrap().len();
    // The shell sets the limit and ignores the signal, so that a write gets an error.
    let kibibytes = used / 1024 + 12 * 1024;
    let script =
        format!("trap '' XFSZ; ulimit -f {kibibytes}; exec \"$0\" limited --exact --nocapture");
    let mut command = Command::new("bash");
    command.args(["-c", &script]).arg(std::env::current_exe().unwrap());
    command.env(CHILD, place.store()).stdin(Stdio::null()).stdout(Stdio::piped());
    let acknowledged = watch_until_full(command, &place);
    println!("{} mailboxes burned before the file was full", acknowledged.len());
    runtime.block_on(async {
        let store = open(&place.store(), &keyring).await.unwrap();
        compare(&store, &acknowledged).await;
        assert!(matches!(burn(&store, "m1", 1 << 40).await, Ok(Some(Commit::Done(_)))));
    });
}

/// A file system in memory; unmounted when dropped.
struct Tmpfs<'a>(&'a Path);

impl Tmpfs<'_> {
    fn mount(options: &str, at: &Path) -> bool {
        Command::new("mount")
            .args(["-t", "tmpfs", "-o", options, "tmpfs"])
            .arg(at)
            .stderr(Stdio::null())
            .status()
            .is_ok_and(|status| status.success())
    }
}

impl Drop for Tmpfs<'_> {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg("--lazy").arg(self.0).status();
    }
}

#[test]
fn a_full_file_system() {
    let place = Place::new();
    let disk = place.base().join("disk");
    std::fs::create_dir(&disk).unwrap();
    if !nix::unistd::geteuid().is_root() || !Tmpfs::mount("size=80m", &disk) {
        eprintln!("NOT RUN: a full file system was not tried: it needs root and mount");
        return;
    }
    let tmpfs = Tmpfs(&disk);
    let dir = disk.join("store");
    let runtime = runtime();
    let keyring = runtime.block_on(make(&dir, &place.key()));
    runtime.block_on(async {
        let store = open(&dir, &keyring).await.unwrap();
        // Below the floor nobody is enrolled, and burns go on.
        std::fs::write(disk.join("ballast"), vec![1; 64 * 1024 * 1024]).unwrap();
        let new = vec![change("new", Expect::Absent, Some(enrolled(0)))];
        let refused = store.commit(new).await;
        assert!(matches!(refused, Err(StoreError::Full(_))), "{refused:?}");
        assert_eq!(store.load(&mailbox("new")).await, Ok(None));
    });
    let acknowledged = watch_until_full(child("limited", &dir), &place);
    runtime.block_on(async {
        match open(&dir, &keyring).await {
            Ok(store) => compare(&store, &acknowledged).await,
            Err(error) => {
                println!("while it is full: {error}");
                assert!(matches!(error, OpenError::Io { .. } | OpenError::Store(_)), "{error}");
                assert!(error.to_string().contains("space") || error.to_string().contains("full"));
            }
        }
        std::fs::remove_file(disk.join("ballast")).unwrap();
        let store = open(&dir, &keyring).await.unwrap();
        compare(&store, &acknowledged).await;
        put(&store, "new", Expect::Absent, Some(enrolled(0))).await;
    });
    drop(tmpfs);
}
