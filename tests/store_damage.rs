//! Damaged files: an error at worst, never a record without its second factor.
//!
//! `MAIL2FA_DAMAGE_TRIALS` sets the number of trials with flipped bytes.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test stops at the first surprise"
)]

mod store_support;

use std::{
    fs::OpenOptions,
    os::unix::fs::FileExt,
    path::Path,
    process::Stdio,
    time::{Duration, Instant},
};

use mail2fa::{
    ports::store::{Expect, Store, StoreError},
    store::{Keyring, OpenError, SealedStore},
};
use store_support::{
    OsRng, Place, burn, child, child_store, copy_store, enrolled, keyring, mailbox, open, plain,
    put, random, rng, runtime,
};

const ENROLLED: usize = 300;
const PLAIN: usize = 30;
const STEP: u64 = 77;

/// Makes a store with mailboxes whose last written step is known.
async fn make(place: &Place) -> Keyring {
    let keyring = Keyring::create(&place.key(), &OsRng).unwrap();
    let store =
        SealedStore::create(&place.store(), &keyring, rng(), store_support::at(0)).await.unwrap();
    for n in 0..PLAIN {
        put(&store, &format!("plain{n}"), Expect::Absent, Some(plain())).await;
    }
    for n in 0..ENROLLED {
        put(&store, &format!("m{n}"), Expect::Absent, Some(enrolled(1))).await;
    }
    for n in 0..ENROLLED {
        let _ = burn(&store, &format!("m{n}"), STEP).await.unwrap();
    }
    keyring
}

/// What a damaged store did.
#[derive(Debug, Default)]
struct Seen {
    refused_to_open: bool,
    right: usize,
    errors: usize,
}

/// Opens a store and looks at every mailbox that was enrolled. Panics when one would be let in
/// without its second factor.
async fn look(dir: &Path, keyring: &Keyring) -> Seen {
    let mut seen = Seen::default();
    let store = match open(dir, keyring).await {
        Ok(store) => store,
        Err(error) => {
            let text = error.to_string();
            assert!(text.contains("restore"), "does not say what to do: {text}");
            seen.refused_to_open = true;
            return seen;
        }
    };
    for n in 0..ENROLLED {
        let name = format!("m{n}");
        match store.load(&mailbox(&name)).await {
            Ok(Some(read)) => {
                let totp = read.value.totp.unwrap_or_else(|| panic!("{name}: no factor"));
                assert_eq!(totp.secret.expose(), b"12345678901234567890");
                seen.right += 1;
                // A code that was used is used.
                assert!(totp.last_step >= STEP, "{name}: its burns are forgotten");
            }
            Ok(None) => panic!("{name} is lost and nobody noticed"),
            Err(_) => seen.errors += 1,
        }
    }
    let _ = store.verify().await;
    let _ = store.page(None, 1000).await;
    let _ = burn(&store, "m1", STEP + 1).await;
    seen
}

/// Not a test of its own: one trial, in a process that may be ended when it hangs.
#[test]
fn trial() {
    let Some(dir) = child_store() else { return };
    std::panic::set_hook(Box::new(|info| {
        let place = info.location().map_or("", |place| place.file());
        // sled's own panics are expected, in any thread; they are caught, or end that thread.
        if !place.contains("sled") {
            println!("PANIC {info}");
        }
    }));
    let keyring = Keyring::read(&dir.with_file_name("key")).unwrap();
    let seen = runtime().block_on(look(&dir, &keyring));
    let Seen { refused_to_open, right, errors } = seen;
    println!("SEEN {} {right} {errors}", u8::from(refused_to_open));
}

/// Runs a trial in a process of its own.
fn try_one(dir: &Path) -> Option<Seen> {
    let mut child = child("trial", dir).stderr(Stdio::null()).spawn().unwrap();
    let started = Instant::now();
    while child.try_wait().unwrap().is_none() {
        if started.elapsed() > Duration::from_secs(30) {
            child.kill().unwrap();
            child.wait().unwrap();
            return None;
        }
        std::thread::sleep(Duration::from_millis(5));
    }
    let output = child.wait_with_output().unwrap();
    let text = String::from_utf8_lossy(&output.stdout);
    assert!(!text.contains("PANIC"), "{text}");
    let (_, counts) = text.split_once("SEEN ").unwrap_or_else(|| panic!("{text}"));
    let counts: Vec<usize> =
        counts.lines().next().unwrap().split(' ').map(|count| count.parse().unwrap()).collect();
    Some(Seen { refused_to_open: counts[0] == 1, right: counts[1], errors: counts[2] })
}

#[test]
fn flipped_bytes_never_open_a_mailbox() {
    let trials =
        std::env::var("MAIL2FA_DAMAGE_TRIALS").map_or(40, |trials| trials.parse().unwrap());
    let place = Place::new();
    runtime().block_on(make(&place));
    let trial = place.base().join("trial");
    copy_store(&place.store(), &trial);
    let whole_copy = try_one(&trial).unwrap();
    assert_eq!((whole_copy.right, whole_copy.errors), (ENROLLED, 0));
    std::fs::remove_dir_all(&trial).unwrap();
    let (mut refused, mut hurt, mut whole, mut hung) = (0, 0, 0, 0);
    for _ in 0..trials {
        copy_store(&place.store(), &trial);
        let file = OpenOptions::new().read(true).write(true).open(trial.join("db")).unwrap();
        // Most of the file is padding: damage what was written.
        let size = file.metadata().unwrap().len();
        let at = loop {
            let at = random(usize::try_from(size).unwrap() - 16) as u64;
            let mut bytes = [0; 16];
            file.read_exact_at(&mut bytes, at).unwrap();
            if bytes.iter().any(|byte| *byte != bytes[0]) {
                file.write_all_at(&bytes.map(|byte| !byte), at).unwrap();
                break at;
            }
        };
        match try_one(&trial) {
            None => {
                println!("the process hung (damage at {at})");
                hung += 1;
            }
            Some(Seen { refused_to_open: true, .. }) => refused += 1,
            Some(seen) => {
                if seen.errors == 0 {
                    whole += 1;
                } else {
                    hurt += 1;
                }
            }
        }
        std::fs::remove_dir_all(&trial).unwrap();
    }
    println!(
        "{trials} trials: {refused} did not open, {hurt} refused some mailboxes, {whole} served \
         all rightly, {hung} hung"
    );
    assert!(refused + hurt > 0, "the damage hit nothing");
}

#[test]
fn a_cut_file_never_opens_a_mailbox() {
    let place = Place::new();
    runtime().block_on(make(&place));
    let trial = place.base().join("trial");
    let size = std::fs::metadata(place.store().join("db")).unwrap().len();
    let mut cuts = vec![0, 1, 512, size / 2, size - 1, size - 100, size - 4096];
    cuts.extend((0..4).map(|_| random(usize::try_from(size).unwrap()) as u64));
    for cut in cuts {
        copy_store(&place.store(), &trial);
        let file = OpenOptions::new().write(true).open(trial.join("db")).unwrap();
        file.set_len(cut).unwrap();
        match try_one(&trial) {
            None => println!("cut at {cut} of {size}: hung"),
            Some(seen) => println!("cut at {cut} of {size}: {seen:?}"),
        }
        std::fs::remove_dir_all(&trial).unwrap();
    }
}

#[test]
fn missing_files_are_no_empty_store() {
    let place = Place::new();
    let runtime = runtime();
    let keyring = runtime.block_on(make(&place));
    let trial = place.base().join("trial");
    for missing in ["db", "conf", "mark"] {
        copy_store(&place.store(), &trial);
        std::fs::remove_file(trial.join(missing)).unwrap();
        let error = runtime.block_on(open(&trial, &keyring)).err().unwrap();
        assert!(matches!(error, OpenError::Damaged { .. }), "{error}");
        assert!(error.to_string().contains(missing), "{error}");
        assert!(error.to_string().contains(trial.to_str().unwrap()), "{error}");
        std::fs::remove_dir_all(&trial).unwrap();
    }
    // An emptied folder, as an unmounted volume leaves it, and none at all.
    copy_store(&place.store(), &trial);
    for entry in std::fs::read_dir(&trial).unwrap() {
        let path = entry.unwrap().path();
        std::fs::remove_dir_all(&path).or_else(|_| std::fs::remove_file(&path)).unwrap();
    }
    for round in 0..2 {
        let error = runtime.block_on(open(&trial, &keyring)).err().unwrap();
        assert!(matches!(error, OpenError::NoStore { .. }), "{round}: {error}");
        assert!(error.to_string().contains("mail2fa init"), "{error}");
        let _ = std::fs::remove_dir(&trial);
    }
    assert!(!trial.exists(), "opening made something");
}

/// sled alone takes the torn file for its newest snapshot and never opens the database again.
#[test]
fn an_unfinished_snapshot_does_not_keep_the_store_shut() {
    let place = Place::new();
    let runtime = runtime();
    let keyring = runtime.block_on(make(&place));
    // The first opening after the making writes one.
    runtime.block_on(look(&place.store(), &keyring));
    let names: Vec<_> = std::fs::read_dir(place.store())
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .filter(|name| name.starts_with("snap."))
        .collect();
    assert!(!names.is_empty(), "sled makes snapshots under another name now");
    for name in names {
        let whole = std::fs::read(place.store().join(&name)).unwrap();
        let torn = place.store().join(format!("{name}.generating"));
        std::fs::write(&torn, &whole[..whole.len() / 2]).unwrap();
        let seen = runtime.block_on(look(&place.store(), &keyring));
        assert_eq!((seen.right, seen.refused_to_open), (ENROLLED, false));
        assert!(!torn.exists());
    }
}

#[test]
fn the_wrong_key_is_named() {
    let place = Place::new();
    let runtime = runtime();
    let right = runtime.block_on(make(&place));
    let wrong = keyring();
    let error = runtime.block_on(open(&place.store(), &wrong)).err().unwrap();
    assert!(matches!(error, OpenError::WrongKey(_)), "{error}");
    for id in right.ids().chain(wrong.ids()) {
        assert!(error.to_string().contains(&id.to_string()), "{error} does not name {id}");
    }
}

#[test]
fn another_stores_data_is_noticed() {
    let (place, other) = (Place::new(), Place::new());
    let runtime = runtime();
    let keyring = runtime.block_on(make(&place));
    // The same key file, and a store in which nobody is enrolled.
    let store = runtime.block_on(async {
        SealedStore::create(&other.store(), &keyring, rng(), store_support::at(0)).await.unwrap()
    });
    drop(store);
    for file in ["db", "conf"] {
        std::fs::copy(other.store().join(file), place.store().join(file)).unwrap();
    }
    for entry in std::fs::read_dir(place.store()).unwrap() {
        let path = entry.unwrap().path();
        if path.file_name().unwrap().to_str().unwrap().starts_with("snap") {
            std::fs::remove_file(path).unwrap();
        }
    }
    runtime.block_on(async {
        let store = open(&place.store(), &keyring).await.unwrap();
        assert_eq!(store.damage().len(), 64);
        for n in 0..ENROLLED {
            let found = store.load(&mailbox(&format!("m{n}"))).await;
            assert!(matches!(found, Err(StoreError::Damaged(_))), "{found:?}");
        }
    });
}

#[test]
fn a_second_process_is_told_that_the_store_is_in_use() {
    let place = Place::new();
    let runtime = runtime();
    runtime.block_on(async {
        let keyring = make(&place).await;
        let first = open(&place.store(), &keyring).await.unwrap();
        let error = SealedStore::open(&place.store(), &keyring, rng()).await.err().unwrap();
        assert!(matches!(error, OpenError::Locked { .. }), "{error}");
        drop(first);
        open(&place.store(), &keyring).await.unwrap();
        let dir = place.store();
        let again = SealedStore::create(&dir, &keyring, rng(), store_support::at(0));
        assert!(matches!(again.await, Err(OpenError::AlreadyThere { .. })));
    });
}
