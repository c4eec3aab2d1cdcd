//! Power loss, simulated: the store lies on ext4 in a loop image; the writing process stops itself
//! right after an acknowledgement; the image is copied, which is what the disk had at that
//! moment; the copy is mounted and compared.
//!
//! Needs root and loop devices. Without them the test **fails**, so that nobody takes a run
//! without it for one with it; `MAIL2FA_ALLOW_NO_LOOP=1` turns that into a line on standard
//! error. `MAIL2FA_POWER_CUTS` sets the number of cuts.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test stops at the first surprise"
)]

mod store_support;

use std::{
    collections::HashMap,
    path::{Path, PathBuf},
    process::{Command, Stdio},
    time::{Duration, Instant},
};

use mail2fa::{
    ports::store::{Commit, Expect, Store},
    store::{Keyring, SealedStore, SledEngine, sled_engine::Durability},
};
use nix::{
    sys::{
        signal::{Signal, kill, raise},
        wait::{WaitPidFlag, WaitStatus, waitpid},
    },
    unistd::Pid,
};
use store_support::{
    OsRng, Place, Reporter, at, burn, child, child_store, enrolled, filler, free, put, random,
    report, rng, runtime, step_of,
};

/// How long a file system may be busy, and how often it is asked.
const PATIENCE: Duration = Duration::from_secs(90);
const PAUSE: Duration = Duration::from_millis(20);

const IMAGE_BYTES: u64 = 96 * 1024 * 1024;
const MAILBOXES: usize = 8;

/// A mounted image; unmounted, and its loop device with it, when dropped.
struct Mount(PathBuf);

impl Mount {
    fn new(image: &Path, at: &Path) -> Result<Self, String> {
        std::fs::create_dir_all(at).unwrap();
        run(Command::new("mount").args(["-o", "loop"]).arg(image).arg(at))?;
        Ok(Self(at.to_owned()))
    }
}

impl Mount {
    /// Unmounts it, once nobody has a file of it open: sled's own threads may have for a moment.
    fn leave(&self) -> Result<(), String> {
        let begun = Instant::now();
        loop {
            match run(Command::new("umount").arg(&self.0)) {
                Err(_) if begun.elapsed() < PATIENCE => std::thread::sleep(PAUSE),
                left => return left,
            }
        }
    }
}

impl Drop for Mount {
    fn drop(&mut self) {
        if let Err(why) = self.leave() {
            let _ = run(Command::new("umount").arg("--lazy").arg(&self.0));
            assert!(std::thread::panicking(), "{why}");
        }
    }
}

fn run(command: &mut Command) -> Result<(), String> {
    let output = command.stdin(Stdio::null()).output().map_err(|error| error.to_string())?;
    if output.status.success() {
        return Ok(());
    }
    Err(format!("{command:?}: {}", String::from_utf8_lossy(&output.stderr)))
}

/// Makes an image with a file system on it and mounts it, if that can be done here.
fn disk(place: &Place) -> Result<Mount, String> {
    if !nix::unistd::geteuid().is_root() {
        return Err("this user is not root".into());
    }
    let image = place.base().join("disk.img");
    std::fs::File::create(&image).unwrap().set_len(IMAGE_BYTES).unwrap();
    run(Command::new("mkfs.ext4").arg("-q").arg(&image))?;
    Mount::new(&image, &place.base().join("disk"))
}

/// Says loudly that the test did not run, and fails unless that was allowed.
fn not_run(why: &str) {
    eprintln!("NOT RUN: power loss was not simulated: {why}");
    assert!(
        std::env::var_os("MAIL2FA_ALLOW_NO_LOOP").is_some_and(|value| value == "1"),
        "NOT RUN: {why}; set MAIL2FA_ALLOW_NO_LOOP=1 to go on without this test"
    );
}

/// What was acknowledged: the burned step of each enrolled mailbox.
type Known = HashMap<String, u64>;

/// Copies the disk as it is, mounts the copy and counts what is missing on it.
async fn cut(place: &Place, keyring: &Keyring, known: &Known) -> usize {
    let copy = place.base().join("copy.img");
    // A new file each time. A copy that was still mounted would be found to be the same, and show what was.
    let _ = std::fs::remove_file(&copy);
    std::fs::copy(place.base().join("disk.img"), &copy).unwrap();
    let mount = Mount::new(&copy, &place.base().join("copy")).unwrap();
    let opened = SealedStore::open(&mount.0.join("store"), keyring, rng()).await;
    let store = match opened {
        Ok(store) => store,
        Err(error) => {
            println!("{error}");
            return known.len();
        }
    };
    let mut missing = 0;
    for (name, acknowledged) in known {
        let found = match store.load(&store_support::mailbox(name)).await {
            Ok(read) => read.and_then(|read| Some(read.value.totp?.last_step)),
            Err(_) => None,
        };
        if found.is_none_or(|step| step < *acknowledged) {
            println!("{name}: step {found:?} is there, {acknowledged} was acknowledged");
            missing += 1;
        }
    }
    if !store.damage().is_empty() || !store.verify().await.unwrap().damaged.is_empty() {
        missing += 1;
    }
    missing
}

/// Lets the child work up to its next stop and notes what it reports. `true` while it lives.
fn work(child: &mut Reporter, known: &mut Known) -> bool {
    while let Some(line) = child.next() {
        if line == "stopping" {
            let pid = Pid::from_raw(child.pid().cast_signed());
            let status = waitpid(pid, Some(WaitPidFlag::WUNTRACED)).unwrap();
            assert!(matches!(status, WaitStatus::Stopped(..)), "{status:?}");
            return true;
        }
        let (name, step) = line.split_once(' ').unwrap();
        known.insert(name.to_owned(), step.parse().unwrap());
    }
    false
}

/// Cuts the power so many times; gives how many cuts lost something.
fn cuts(count: usize, durability: &str) -> Result<usize, String> {
    let place = Place::new();
    let mount = disk(&place)?;
    let keyring = Keyring::create(&place.key(), &OsRng).unwrap();
    let runtime = runtime();
    let dir = mount.0.join("store");
    runtime.block_on(async {
        let store = SealedStore::create(&dir, &keyring, rng(), at(0)).await.unwrap();
        for n in 0..MAILBOXES {
            put(&store, &format!("m{n}"), Expect::Absent, Some(enrolled(0))).await;
        }
    });
    let mut known: Known = (0..MAILBOXES).map(|n| (format!("m{n}"), 0)).collect();
    // A store that was just made must be there as well: files and their names.
    let mut losing = usize::from(runtime.block_on(cut(&place, &keyring, &known)) > 0);
    let mut command = child("writer", &dir);
    command.env("MAIL2FA_STORE_DURABILITY", durability);
    command.env("MAIL2FA_STORE_KEY", place.key());
    let mut child = Reporter::start(command);
    for _ in 0..count {
        assert!(work(&mut child, &mut known), "the writer ended");
        let missing = runtime.block_on(cut(&place, &keyring, &known));
        losing += usize::from(missing > 0);
        kill(Pid::from_raw(child.pid().cast_signed()), Signal::SIGCONT).unwrap();
    }
    drop(child);
    drop(mount);
    Ok(losing)
}

#[test]
fn acknowledged_changes_survive_a_power_loss() {
    let count = std::env::var("MAIL2FA_POWER_CUTS").map_or(10, |count| count.parse().unwrap());
    match cuts(count, "full") {
        Err(why) => not_run(&why),
        Ok(losing) => {
            println!("{count} power cuts, {losing} lost something");
            assert_eq!(losing, 0);
        }
    }
}

/// The negative control: shows that the test above can fail. Reported and not asserted, because
/// the kernel may write on its own at any moment.
#[test]
fn without_fdatasync_they_do_not() {
    match cuts(4, "flush") {
        Err(why) => not_run(&why),
        Ok(losing) => println!("4 power cuts with sled's flush alone, {losing} lost something"),
    }
}

/// Not a test of its own: the process whose power is cut.
#[test]
fn writer() {
    let Some(dir) = child_store() else { return };
    let key = std::env::var_os("MAIL2FA_STORE_KEY").unwrap();
    let keyring = Keyring::read(Path::new(&key)).unwrap();
    let durability = match std::env::var("MAIL2FA_STORE_DURABILITY").unwrap().as_str() {
        "flush" => Durability::FlushOnly,
        _ => Durability::Full,
    };
    runtime().block_on(async {
        free(&dir).await;
        let engine = SledEngine::open_with(&dir, durability).unwrap();
        let store = SealedStore::attach(engine, &keyring, rng()).await.unwrap();
        for step in 1_u64.. {
            // New room at the end of the file: what is written over old room needs no change to
            // the file's extents, and would survive without an fdatasync.
            // The first time it is a whole segment of 4 MiB.
            let sets = match step {
                1 => 20,
                _ => 4 * u64::from(step % 3 != 0),
            };
            for n in 0..sets {
                let set = (0..8).map(|m| filler("m0", step * 1000 + n * 8 + m)).collect();
                assert!(matches!(store.commit(set).await.unwrap(), Commit::Done(_)));
            }
            for _ in 0..=random(4) {
                // An enrolment writes the mark too, whose fdatasync makes the file system commit
                // all it has: burns alone are the hard case, and most of them.
                let known = MAILBOXES + usize::from(step % 8 == 0);
                let name = match random(known) {
                    MAILBOXES => format!("new{step}"),
                    known => format!("m{known}"),
                };
                if step_of(&store, &name).await.is_none() {
                    put(&store, &name, Expect::Absent, Some(enrolled(step))).await;
                    report(&format!("{name} {step}"));
                } else if let Some(Commit::Done(_)) = burn(&store, &name, step).await.unwrap() {
                    report(&format!("{name} {step}"));
                }
            }
            report("stopping");
            raise(Signal::SIGSTOP).unwrap();
        }
    });
}
