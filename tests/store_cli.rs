//! `mail2fa store …` on stores that are really damaged: seen, shown, accepted, served again.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test stops at the first surprise"
)]

#[path = "support/fed.rs"]
mod fed;
mod store_support;

use std::{
    fs,
    os::unix::{
        fs::{MetadataExt, PermissionsExt},
        net::UnixStream,
    },
    path::PathBuf,
    process::{Command, Stdio},
    time::{Duration, Instant},
};

use fed::fed;
use mail2fa::{
    ports::store::Expect,
    store::{
        Keyring, SealedStore, SledEngine,
        engine::{Engine, Write, WriteSet},
    },
};
use serde_json::{Value, json};
use store_support::{copy_store, enrolled, free, open, plain, put, runtime};

/// Enrolled mailboxes; there is a plain one beside them.
const ENROLLED: usize = 40;
const VICTIM: &str = "m7@example.org";
const PLAIN: &str = "plain@example.org";

/// An installation without a daemon.
struct Site {
    directory: tempfile::TempDir,
}

/// What a command did.
#[derive(Debug)]
struct Done {
    code: i32,
    out: String,
    err: String,
}

impl Done {
    #[track_caller]
    fn ends(self, code: i32, parts: &[&str]) -> String {
        assert_eq!(self.code, code, "{self:?}");
        assert_eq!(self.err.is_empty(), code == 0, "{self:?}");
        let said = format!("{}{}", self.out, self.err);
        for part in parts {
            assert!(said.contains(part), "{part:?} in {said}");
        }
        said
    }

    #[track_caller]
    fn json(&self, code: i32) -> Value {
        assert_eq!(self.code, code, "{self:?}");
        serde_json::from_str(&self.out).unwrap()
    }
}

impl Site {
    fn empty() -> Self {
        let directory = tempfile::tempdir().unwrap();
        let at = directory.path().display();
        let text = format!(
            "[store]\ndirectory = \"{at}/store\"\nkey_file = \"{at}/key\"\n\
             [passwords]\nsource = \"dovecot\"\nupstream = \"{at}/upstream\"\n\
             [names]\ndefault_realm = \"example.org\"\n[control]\nsocket = \"{at}/control\"\n\
             [[listener]]\nname = \"c\"\nkind = \"client\"\nsocket = \"{at}/client\"\n"
        );
        fs::write(directory.path().join("mail2fa.toml"), text).unwrap();
        Self { directory }
    }

    fn new() -> Self {
        let site = Self::empty();
        site.run(&["init"]).ends(0, &[]);
        site.fill();
        site
    }

    fn fill(&self) {
        self.inside(async |store| {
            put(store, PLAIN, Expect::Absent, Some(plain())).await;
            for n in 0..ENROLLED {
                put(store, &format!("m{n}@example.org"), Expect::Absent, Some(enrolled(1))).await;
            }
        });
    }

    fn path(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }

    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_mail2fa"));
        command.args(arguments).env("MAIL2FA_CONFIG", self.path("mail2fa.toml"));
        command
    }

    fn run(&self, arguments: &[&str]) -> Done {
        done(self.command(arguments), "")
    }

    /// Works on the store as the program would.
    fn inside<T>(&self, work: impl AsyncFnOnce(&SealedStore<SledEngine>) -> T) -> T {
        let keyring = Keyring::read(&self.path("key")).unwrap();
        runtime().block_on(async {
            let store = open(&self.path("store"), &keyring).await.unwrap();
            let done = work(&store).await;
            drop(store);
            free(&self.path("store")).await;
            done
        })
    }

    /// Changes or removes a mailbox's record behind the store's back.
    fn damage(&self, mailbox: &str, change: fn(&[u8]) -> Option<Vec<u8>>) {
        self.inside(async |store| {
            let all = store.engine().scan(b"r", None, 1_000).await.unwrap();
            let found = all.into_iter().find(|(key, _)| key.ends_with(mailbox.as_bytes()));
            let (key, stored) = found.unwrap();
            let value = change(&stored.value).map(Into::into);
            let writes = vec![Write { key, expect: None, value }];
            let _ = store.engine().commit(WriteSet { writes, mark: false }).await.unwrap();
        });
    }

    fn lose(&self, mailbox: &str) {
        self.damage(mailbox, |_| None);
    }

    fn garble(&self, mailbox: &str) {
        self.damage(mailbox, |value| Some(value.iter().map(|byte| !byte).collect()));
    }

    /// The names that `mailbox list` shows, and whether their second factor is on.
    fn list(&self, code: i32) -> Vec<(String, Value)> {
        let list = self.run(&["mailbox", "list", "--json"]).json(code);
        let name = |view: &Value| view["mailbox"].as_str().unwrap().to_owned();
        list.as_array().unwrap().iter().map(|view| (name(view), view["totp"].clone())).collect()
    }
}

fn done(mut command: Command, input: &str) -> Done {
    let output = fed(&mut command, input);
    Done {
        code: output.status.code().unwrap(),
        out: String::from_utf8(output.stdout).unwrap(),
        err: String::from_utf8(output.stderr).unwrap(),
    }
}

#[test]
fn a_sound_store_is_left_alone() {
    let site = Site::new();
    let text = site.run(&["store", "check"]).ends(0, &[]);
    assert_eq!(
        text,
        "records:     41\nenrolled:    40\nunreadable:  0\ndamaged:     0 of 64 shards\n\
         audit trail: 0 events, 0 parts unreadable\n"
    );
    assert_eq!(
        site.run(&["--json", "store", "check"]).json(0),
        json!({"sound": true, "records": 41, "enrolled": 40, "unreadable": [], "damaged": [], "audit_events": 0, "audit_unreadable": 0})
    );
    site.run(&["store", "accept-damage"]).ends(0, &["nothing was changed"]);
    let accepted = site.run(&["store", "accept-damage", "--yes", "--json"]).json(0);
    assert_eq!(accepted, json!({"accepted": false, "shards": []}));
    site.run(&["store", "discard", VICTIM, "--yes"]).ends(65, &["can be read"]);
    site.run(&["store", "discard", "nobody", "--yes"]).ends(67, &["nobody@example.org"]);
    site.run(&["store", "discard", "two words", "--yes"]).ends(65, &["white space"]);
    assert_eq!(site.list(0).len(), ENROLLED + 1);
}

#[test]
fn a_lost_record_is_seen_shown_accepted_and_enrolled_again() {
    let site = Site::new();
    site.lose(VICTIM);
    site.run(&["store", "check"])
        .ends(74, &["records:     40", "damaged:     1 of 64", "were counted", "restore a backup"]);
    let checked = site.run(&["store", "check", "--json"]).json(74);
    assert_eq!((&checked["sound"], &checked["records"]), (&json!(false), &json!(40)));
    let shard = &checked["damaged"][0]["shard"];
    site.run(&["totp", "enable", VICTIM]).ends(74, &["damaged"]);

    // Shown and not done.
    let title = format!("shard {shard}: ");
    site.run(&["store", "accept-damage"])
        .ends(64, &[&title, "lost:     1 record, at least", "NO SECOND FACTOR", "add --yes"]);
    let shown = site.run(&["store", "accept-damage", "--json"]).json(64);
    assert_eq!(shown["accepted"], false);
    site.run(&["store", "check"]).ends(74, &[]);

    let done = site.run(&["store", "accept-damage", "--json", "--yes"]).json(0);
    assert_eq!(done["accepted"], true);
    assert_eq!(done["shards"], shown["shards"], "what was shown is what was done");
    let loss = &done["shards"][0];
    assert_eq!((&loss["shard"], &loss["missing"], &loss["lost"]), (shard, &json!(1), &json!([])));
    let left = loss["left"].as_array().unwrap();
    assert_eq!(loss["counted"]["records"].as_u64().unwrap(), left.len() as u64 + 1);
    assert!(left.iter().all(|one| one["mailbox"] != VICTIM));

    let noted = site.run(&["audit", "--kind", "change"]);
    noted.ends(0, &["store accept-damage: 1 records lost at least", "; by uid=", "(no daemon)"]);
    site.run(&["store", "check"]).ends(0, &["records:     40", "damaged:     0 of 64"]);
    let list = site.list(0);
    assert_eq!(list.len(), ENROLLED);
    assert!(list.iter().all(|(name, totp)| *totp == json!(name != PLAIN) && name != VICTIM));
    site.run(&["totp", "enable", VICTIM]).ends(0, &["otpauth://"]);
}

#[test]
fn an_unreadable_record_is_discarded_and_its_mailbox_enrolled_again() {
    let site = Site::new();
    site.garble(VICTIM);
    site.run(&["store", "check"]).ends(74, &["unreadable:  1\n  m7@example.org\n", "discard"]);
    let checked = site.run(&["store", "check", "--json"]).json(74);
    assert_eq!((&checked["unreadable"], &checked["damaged"]), (&json!([VICTIM]), &json!([])));
    site.run(&["store", "accept-damage", "--yes"])
        .ends(0, &["no shard is damaged", "store discard m7@example.org"]);
    site.run(&["totp", "enable", VICTIM]).ends(74, &[]);
    for arguments in [&["store", "discard", VICTIM][..], &["--json", "store", "discard", VICTIM]] {
        site.run(arguments).ends(64, &["its password alone", "add --yes"]);
    }
    assert_eq!(site.list(74).len(), ENROLLED + 1, "not without a yes");
    let discarded = site.run(&["store", "discard", "M7", "--yes", "--json"]).json(0);
    assert_eq!(discarded, json!({"mailbox": VICTIM, "discarded": true}));
    site.run(&["store", "discard", VICTIM, "--yes"]).ends(67, &["no record"]);
    site.run(&["audit", VICTIM]).ends(0, &["m7@example.org  store discard; by uid="]);
    site.run(&["store", "check"]).ends(0, &["records:     40"]);
    assert_eq!(site.list(0).len(), ENROLLED);
    site.run(&["totp", "enable", VICTIM]).ends(0, &["otpauth://"]);
}

#[test]
fn both_kinds_of_damage_in_one_shard() {
    let site = Site::new();
    // Two names of one shard, as the store places them.
    let (first, second) = site.inside(async |store| {
        let all = store.engine().scan(b"r", None, 1_000).await.unwrap();
        let pair = all.windows(2).find(|pair| pair[0].0[1] == pair[1].0[1]).unwrap();
        let name = |at: usize| String::from_utf8(pair[at].0[2..].to_vec()).unwrap();
        (name(0), name(1))
    });
    site.lose(&first);
    site.garble(&second);
    site.run(&["store", "check"]).ends(74, &["unreadable:  1", "damaged:     1 of 64"]);
    site.run(&["store", "discard", &second, "--yes"]).ends(74, &["accept-damage", "first"]);
    site.run(&["store", "accept-damage", "--yes"])
        .ends(0, &["cannot be read\n", &format!("mail2fa store discard {second}")]);
    site.run(&["store", "check"]).ends(74, &["damaged:     0 of 64"]);
    site.run(&["store", "discard", &second, "-y"]).ends(0, &["no record now"]);
    site.run(&["store", "check"]).ends(0, &["records:     39"]);
    assert_eq!(site.list(0).len(), ENROLLED - 1);
}

#[test]
fn data_older_than_its_mark_is_served_only_when_that_is_accepted() {
    let site = Site::new();
    copy_store(&site.path("store"), &site.path("old"));
    let later = "later@example.org";
    site.inside(async |store| put(store, later, Expect::Absent, Some(enrolled(1))).await);
    fs::copy(site.path("store/mark"), site.path("old/mark")).unwrap();
    fs::remove_dir_all(site.path("store")).unwrap();
    fs::rename(site.path("old"), site.path("store")).unwrap();
    site.run(&["store", "check"]).ends(74, &["64 of 64", "all shards: "]);
    assert!(site.list(74).iter().all(|(_, totp)| totp.is_null()), "nothing is served");
    site.run(&["store", "accept-damage"]).ends(64, &["by number", VICTIM, "nothing counted"]);
    site.run(&["store", "accept-damage", "--yes"]).ends(0, &["accepted: 64 shards"]);
    site.run(&["store", "check"]).ends(0, &["records:     41"]);
    let list = site.list(0);
    assert_eq!(list.iter().filter(|(_, totp)| *totp == json!(true)).count(), ENROLLED);
    assert!(list.iter().all(|(name, _)| name != later));
}

#[test]
fn stores_that_do_not_open() {
    let site = Site::new();
    fs::rename(site.path("store/db"), site.path("db")).unwrap();
    for command in ["check", "accept-damage"] {
        site.run(&["store", command]).ends(74, &["db", "restore"]);
    }
    fs::rename(site.path("db"), site.path("store/db")).unwrap();
    site.run(&["store", "check"]).ends(0, &[]);
    site.run(&["store"]).ends(64, &[]);
    site.run(&["store", "discard"]).ends(64, &[]);
    let none = Site::empty();
    none.run(&["init", "--key-only"]).ends(0, &[]);
    none.run(&["store", "check"]).ends(69, &["mail2fa init"]);
    assert!(!none.path("store").exists());
}

#[test]
fn a_store_in_use_cannot_be_judged_or_changed() {
    let site = Site::new();
    let db = fs::File::open(site.path("store/db")).unwrap();
    let lock = nix::fcntl::Flock::lock(db, nix::fcntl::FlockArg::LockExclusive).unwrap();
    site.run(&["store", "check"]).ends(75, &["in use by another process", "run this again"]);
    drop(lock);

    let mut command = site.command(&["serve"]);
    let mut daemon = command.stdin(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
    let begun = Instant::now();
    while UnixStream::connect(site.path("control")).is_err() {
        assert_eq!(daemon.try_wait().unwrap(), None, "the daemon ended");
        assert!(begun.elapsed() < Duration::from_secs(60), "the daemon does not start");
        std::thread::sleep(Duration::from_millis(20));
    }
    let checked = site.run(&["store", "check"]);
    let accepted = site.run(&["store", "accept-damage", "--yes"]);
    let discarded = site.run(&["store", "discard", VICTIM, "--yes"]);
    daemon.kill().unwrap();
    daemon.wait().unwrap();
    checked.ends(75, &["the running mail2fa", "systemctl stop 'mail2fa*.socket' mail2fa"]);
    accepted.ends(69, &["systemctl stop 'mail2fa*.socket' mail2fa"]);
    discarded.ends(69, &["systemctl stop 'mail2fa*.socket' mail2fa"]);
    site.run(&["store", "check"]).ends(0, &[]);
}

#[test]
fn on_a_terminal_it_asks() {
    // The only thing at hand everywhere that makes a terminal.
    if Command::new("script").arg("--version").output().is_err() {
        eprintln!("NOT RUN: needs script, of util-linux");
        return;
    }
    let site = Site::new();
    site.lose(VICTIM);
    let on_terminal = |answer: &str| {
        let mut command = Command::new("script");
        let line = format!("{} store accept-damage", env!("CARGO_BIN_EXE_mail2fa"));
        command.args(["-q", "-e", "-c", &line, "/dev/null"]);
        command.env("MAIL2FA_CONFIG", site.path("mail2fa.toml"));
        done(command, answer)
    };
    for no in ["n\n", "\n"] {
        let said = on_terminal(no);
        assert_eq!(said.code, 1, "{said:?}");
        assert!(said.out.contains("NO SECOND FACTOR"), "{said:?}");
        assert!(said.out.contains("Accept this damage? [y/N]"), "{said:?}");
        site.run(&["store", "check"]).ends(74, &[]);
    }
    let said = on_terminal("y\n");
    assert_eq!(said.code, 0, "{said:?}");
    site.run(&["store", "check"]).ends(0, &[]);
}

#[test]
fn root_works_as_the_owner_of_the_store() {
    let nobody = nix::unistd::User::from_name("nobody").ok().flatten();
    let (true, Some(nobody)) = (nix::unistd::geteuid().is_root(), nobody) else {
        eprintln!("NOT RUN: needs root and a user nobody");
        return;
    };
    let site = Site::empty();
    fs::set_permissions(site.directory.path(), fs::Permissions::from_mode(0o755)).unwrap();
    site.run(&["init", "--user", "nobody"]).ends(0, &[]);
    site.run(&["store", "check"]).ends(0, &["records:     0"]);
    site.run(&["store", "accept-damage", "--yes"]).ends(0, &[]);
    for file in fs::read_dir(site.path("store")).unwrap() {
        assert_eq!(file.unwrap().metadata().unwrap().uid(), nobody.uid.as_raw());
    }
}
