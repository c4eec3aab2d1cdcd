//! The `mail2fa` command as a script sees it: real binary, real store, no daemon.

#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "a test may")]

#[path = "cli/audit.rs"]
mod audit;
#[path = "support/fed.rs"]
mod fed;
#[path = "cli/notices.rs"]
mod notices;
#[path = "cli/policy.rs"]
mod policy;
#[path = "support/program.rs"]
mod program;
#[path = "cli/served.rs"]
mod served;
#[path = "cli/signins.rs"]
mod signins;
#[path = "cli/tokens.rs"]
mod tokens;

use std::{
    fs,
    os::unix::{
        fs::{MetadataExt, PermissionsExt},
        net::UnixStream,
        process::CommandExt,
    },
    path::{Path, PathBuf},
    process::{Child, Command, Output, Stdio},
    time::{Duration, Instant},
};

use fed::fed;
use serde_json::Value;

const ALICE: &str = "alice@example.org";

/// An installation of its own in a temporary directory.
struct Site {
    directory: tempfile::TempDir,
}

/// What a command did.
struct Done {
    code: i32,
    out: String,
    err: String,
}

impl Site {
    /// Configured, nothing made yet.
    fn bare(source: &str) -> Self {
        let directory = tempfile::tempdir().unwrap();
        let at = directory.path().display();
        let text = format!(
            "[store]\ndirectory = \"{at}/store\"\nkey_file = \"{at}/key\"\n\
             [passwords]\nsource = \"{source}\"\nupstream = \"{at}/upstream\"\n\
             [passwords.hashing]\nmemory_kib = 1024\npasses = 1\nthreads = 1\n\
             [names]\ndefault_realm = \"example.org\"\n\
             [control]\nsocket = \"{at}/control\"\n\
             [[listener]]\nname = \"c\"\nkind = \"client\"\nsocket = \"{at}/client\"\n"
        );
        fs::write(directory.path().join("mail2fa.toml"), text).unwrap();
        Self { directory }
    }

    /// With a store.
    fn new(source: &str) -> Self {
        let site = Self::bare(source);
        site.run(&["init"]).ok();
        site
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
        self.feed(arguments, "")
    }

    fn feed(&self, arguments: &[&str], input: &str) -> Done {
        Done::from(fed(&mut self.command(arguments), input))
    }

    fn add(&self, mailbox: &str) {
        self.feed(&["mailbox", "add", mailbox], "secret\n").ok();
    }

    /// Starts an enrolment; its secret.
    fn enable(&self, mailbox: &str) -> String {
        let enrolment = self.run(&["--json", "totp", "enable", mailbox]).json();
        enrolment["secret"].as_str().unwrap().to_owned()
    }

    fn totp_is_on(&self, mailbox: &str) -> bool {
        self.run(&["totp", "status", mailbox, "--json"]).json()["enabled"].as_bool().unwrap()
    }
}

impl From<Output> for Done {
    fn from(output: Output) -> Self {
        Self {
            code: output.status.code().unwrap(),
            out: String::from_utf8(output.stdout).unwrap(),
            err: String::from_utf8(output.stderr).unwrap(),
        }
    }
}

impl Done {
    #[track_caller]
    fn ok(self) -> String {
        assert_eq!((self.code, self.err.as_str()), (0, ""), "{}", self.out);
        self.out
    }

    #[track_caller]
    fn json(self) -> Value {
        serde_json::from_str(&self.ok()).unwrap()
    }

    #[track_caller]
    fn fails(self, code: i32, message: &str) {
        assert_eq!(self.code, code, "{} {}", self.out, self.err);
        assert!(self.err.contains(message), "{message:?} in {:?}", self.err);
    }
}

/// The code that a phone would show now, by another implementation of RFC 6238: oathtool's, or
/// where it is not installed, one made of HMAC alone.
fn code(secret: &str) -> String {
    match Command::new("oathtool").args(["--totp", "--base32", secret]).output() {
        Ok(output) if output.status.success() => {
            String::from_utf8(output.stdout).unwrap().trim().to_owned()
        }
        _ => rfc_6238(secret),
    }
}

#[expect(clippy::disallowed_methods, reason = "the other end of the code has a clock of its own")]
fn rfc_6238(secret: &str) -> String {
    use hmac::{KeyInit, Mac};
    let key = base32::decode(base32::Alphabet::Rfc4648 { padding: false }, secret).unwrap();
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap();
    let mut mac = hmac::Hmac::<sha1::Sha1>::new_from_slice(&key).unwrap();
    mac.update(&(now.as_secs() / 30).to_be_bytes());
    let digest = mac.finalize().into_bytes();
    let offset = usize::from(digest[19] & 0xf);
    let word = u32::from_be_bytes(digest[offset..offset + 4].try_into().unwrap()) & 0x7fff_ffff;
    format!("{:06}", word % 1_000_000)
}

/// Six digits that are none of the codes around now.
fn wrong_code(secret: &str) -> String {
    let near = Command::new("oathtool")
        .args(["--totp", "--base32", "--now", "2 minutes ago", "-w", "8", secret])
        .output();
    let near = near.map(|output| String::from_utf8_lossy(&output.stdout).into_owned());
    let near = near.unwrap_or_default();
    (0..100)
        .map(|number| format!("{number:06}"))
        .find(|code| !near.contains(code.as_str()))
        .unwrap()
}

#[test]
fn init_makes_key_and_store_once() {
    let site = Site::bare("store");
    site.run(&["mailbox", "list"]).fails(69, "mail2fa init");
    site.run(&["serve"]).fails(69, "mail2fa init");
    site.run(&["init", "--key-only"]).ok();
    assert!(!site.path("store").exists());
    let key = fs::read(site.path("key")).unwrap();
    assert_eq!(fs::metadata(site.path("key")).unwrap().permissions().mode() & 0o777, 0o600);
    let made = site.run(&["--json", "init"]).json();
    assert_eq!((&made["key_made"], &made["store_made"]), (&Value::Bool(false), &Value::Bool(true)));
    assert_eq!(fs::metadata(site.path("store")).unwrap().permissions().mode() & 0o777, 0o700);
    site.add(ALICE);
    let again = site.run(&["init"]).ok();
    assert!(again.contains("is there, and the key fits it"), "{again}");
    assert_eq!(fs::read(site.path("key")).unwrap(), key);
    assert!(site.run(&["mailbox", "list"]).ok().contains(ALICE), "nothing was lost");
}

#[test]
fn a_lost_key_is_not_replaced() {
    let site = Site::new("store");
    fs::remove_file(site.path("key")).unwrap();
    site.run(&["init"]).fails(78, "restore the key");
    assert!(!site.path("key").exists());
    Site::bare("store")
        .run(&["init", "--user", "no-such-user"])
        .fails(if nix::unistd::geteuid().is_root() { 67 } else { 77 }, "");
}

#[test]
fn init_can_be_done_for_another_user() {
    assert!(nix::unistd::geteuid().is_root(), "run the tests as root: tests/run");
    let nobody = nix::unistd::User::from_name("nobody").ok().flatten().unwrap();
    let site = Site::bare("store");
    fs::set_permissions(site.directory.path(), fs::Permissions::from_mode(0o755)).unwrap();
    site.run(&["init", "--user", "nobody"]).ok();
    // Root works on that store as its owner, and leaves nothing that the owner cannot read.
    site.add(ALICE);
    assert!(site.run(&["mailbox", "list"]).ok().contains(ALICE));
    for file in fs::read_dir(site.path("store")).unwrap() {
        assert_eq!(file.unwrap().metadata().unwrap().uid(), nobody.uid.as_raw());
    }
    assert_eq!(fs::metadata(site.path("key")).unwrap().uid(), nobody.uid.as_raw());
}

#[test]
fn a_second_factor_from_first_to_last() {
    let site = Site::new("store");
    site.add(ALICE);
    let enrolment = site.run(&["--json", "totp", "enable", "Alice"]).json();
    assert_eq!(enrolment["mailbox"], ALICE);
    let secret = enrolment["secret"].as_str().unwrap();
    let uri = enrolment["otpauth_uri"].as_str().unwrap();
    assert!(uri.starts_with("otpauth://totp/Mail:alice%40example.org?secret="), "{uri}");
    assert!(uri.contains(secret));
    assert!(enrolment["expires"].as_u64().unwrap() > 1_700_000_000);
    assert!(!site.totp_is_on(ALICE), "not before its code");
    site.run(&["totp", "confirm", ALICE, &wrong_code(secret)]).fails(65, "4 more");
    let confirmed = site.run(&["--json", "totp", "confirm", ALICE, &code(secret)]).json();
    assert_eq!(confirmed["enabled"], true);
    assert!(site.totp_is_on(ALICE));
    site.run(&["totp", "enable", ALICE]).fails(73, "is on for alice@example.org already");
    site.run(&["totp", "disable", ALICE]).fails(64, "--yes");
    assert!(site.totp_is_on(ALICE));
    site.run(&["totp", "disable", ALICE, "--yes"]).ok();
    assert!(!site.totp_is_on(ALICE));
    site.run(&["totp", "disable", ALICE, "--yes"]).fails(67, "is off");
}

#[test]
fn an_enrolment_shows_a_picture_and_what_to_do() {
    let site = Site::new("dovecot");
    let text = site.run(&["totp", "enable", ALICE]).ok();
    for part in ["█▀", "otpauth://totp/", "mail2fa totp confirm alice@example.org", "not on yet"]
    {
        assert!(text.contains(part), "{part} in {text}");
    }
    assert!(!text.contains('\x1b'), "no colours into a pipe");
    let secret: String = text
        .lines()
        .map(str::trim)
        .find(|line| line.len() == 39 && line.split(' ').all(|group| group.len() == 4))
        .unwrap()
        .split(' ')
        .collect();
    let spaced = code(&secret);
    let spaced = format!("{} {}\n", &spaced[..3], &spaced[3..]);
    let told = site.feed(&["totp", "confirm", ALICE], &spaced).ok();
    assert!(told.contains("is on for alice@example.org"), "{told}");
    let status = site.run(&["totp", "status", ALICE]).ok();
    assert!(status.contains("on since 20") && !status.contains(&secret), "{status}");
}

#[test]
fn enrolments_that_fail() {
    let site = Site::new("dovecot");
    site.run(&["totp", "confirm", ALICE, "123456"]).fails(67, "mail2fa totp enable");
    let secret = site.enable(ALICE);
    let wrong = wrong_code(&secret);
    site.run(&["totp", "confirm", ALICE, "12345"]).fails(65, "six digits");
    for _ in 0..4 {
        site.run(&["totp", "confirm", ALICE, &wrong]).fails(65, "wrong");
    }
    site.run(&["totp", "confirm", ALICE, &wrong]).fails(65, "dropped");
    site.run(&["totp", "confirm", ALICE, &code(&secret)]).fails(67, "no enrolment");
    assert!(!site.totp_is_on(ALICE));
}

#[test]
fn mailboxes_from_first_to_last() {
    let site = Site::new("store");
    site.feed(&["mailbox", "add", "Bob"], "secret\r\nsecond line\n").ok();
    site.feed(&["mailbox", "add", "bob@EXAMPLE.org"], "x\n").fails(73, "exists already");
    site.feed(&["mailbox", "add", "carol", "--hash-stdin"], "{PLAIN}pw\n").ok();
    site.add(ALICE);
    let list = site.run(&["mailbox", "list", "--json"]).json();
    let names: Vec<_> = list.as_array().unwrap().iter().map(|view| &view["mailbox"]).collect();
    assert_eq!(names, [ALICE, "bob@example.org", "carol@example.org"]);
    let show = site.run(&["--json", "mailbox", "show", "bob"]).json();
    assert_eq!((&show["scheme"], &show["totp"]), (&"ARGON2ID".into(), &Value::Bool(false)));
    let text = site.run(&["mailbox", "show", "carol"]).ok();
    assert!(text.contains("PLAIN") && !text.contains("pw"), "{text}");
    site.feed(&["mailbox", "password", "carol"], "other\n").ok();
    assert!(site.run(&["mailbox", "show", "carol"]).ok().contains("ARGON2ID"));
    let secret = site.enable("bob");
    site.run(&["totp", "confirm", "bob", &code(&secret)]).ok();
    let renamed = site.run(&["--json", "mailbox", "rename", "bob", "dave"]).json();
    assert_eq!(renamed["renamed_from"], "bob@example.org");
    assert!(site.totp_is_on("dave"), "the factor goes with the name");
    site.run(&["mailbox", "show", "bob"]).fails(67, "no mailbox bob@example.org");
    site.run(&["mailbox", "rename", "dave", "carol"]).fails(73, "exists already");
    site.run(&["mailbox", "rename", "dave", "DAVE"]).fails(65, "nothing to rename");
    site.run(&["mailbox", "remove", "dave"]).fails(64, "--yes");
    site.run(&["mailbox", "remove", "dave", "--yes"]).ok();
    site.run(&["mailbox", "remove", "dave", "--yes"]).fails(67, "no mailbox");
    assert!(!site.run(&["mailbox", "list"]).ok().contains("dave"));
}

#[test]
fn an_empty_list_is_a_list() {
    let site = Site::new("store");
    assert_eq!(site.run(&["mailbox", "list"]).ok(), "");
    assert_eq!(site.run(&["mailbox", "list", "--json"]).json(), Value::Array(Vec::new()));
}

#[test]
fn passwords_that_are_none() {
    let site = Site::new("store");
    let long = format!("{}\n", "x".repeat(1_018));
    for (input, message) in [
        ("", "is empty"),
        ("\n", "is empty"),
        ("   \n", "white space"),
        (long.as_str(), "longer than"),
    ] {
        site.feed(&["mailbox", "add", ALICE], input).fails(65, message);
    }
    for hash in ["plain\n", "{NO-SUCH-SCHEME}x\n", "{SHA512-CRYPT}x\n"] {
        let done = site.feed(&["mailbox", "add", ALICE, "--hash-stdin"], hash);
        assert_eq!(done.code, 65, "{hash} {}", done.err);
    }
    site.run(&["mailbox", "show", ALICE]).fails(67, "no mailbox");
    site.feed(&["mailbox", "password", ALICE], "x\n").fails(67, "no mailbox");
    site.run(&["mailbox", "add", "two words"]).fails(65, "white space");
}

#[test]
fn where_passwords_are_dovecots() {
    let site = Site::new("dovecot");
    site.feed(&["mailbox", "add", ALICE], "x\n").fails(78, "Dovecot");
    site.run(&["mailbox", "show", ALICE]).fails(67, "keeps nothing");
    let secret = site.enable(ALICE);
    site.run(&["totp", "confirm", ALICE, &code(&secret)]).ok();
    assert!(site.run(&["mailbox", "list"]).ok().contains(ALICE));
    site.run(&["totp", "disable", ALICE, "-y"]).ok();
    assert_eq!(site.run(&["mailbox", "list"]).ok(), "", "nothing left to remember");
}

#[test]
fn secrets_go_where_they_must_and_nowhere_else() {
    let site = Site::new("store");
    let mut said = String::new();
    let mut run = |arguments: &[&str], input: &str| {
        let done = site.feed(arguments, input);
        said.push_str(&done.out);
        said.push_str(&done.err);
    };
    run(&["mailbox", "add", ALICE], "hunter2hunter2\n");
    run(&["mailbox", "add", ALICE], "hunter2hunter2\n");
    run(&["mailbox", "add", "bob", "--hash-stdin"], "{SSHA}hunter2hunter2\n");
    run(&["mailbox", "password", "nobody"], "hunter2hunter2\n");
    run(&["mailbox", "show", ALICE], "");
    run(&["--json", "mailbox", "list"], "");
    let secret = site.enable(ALICE);
    let code = code(&secret);
    run(&["totp", "confirm", ALICE], &format!("{code}\n"));
    run(&["totp", "confirm", ALICE, &code], "");
    run(&["totp", "status", ALICE], "");
    run(&["mailbox", "show", ALICE], "");
    for word in ["hunter2", &*secret, &*code, "$argon2"] {
        assert!(!said.contains(word), "{word} in {said}");
    }
}

#[test]
fn the_command_line_is_judged() {
    let site = Site::bare("store");
    for arguments in [
        &[][..],
        &["mailbox"],
        &["nonsense"],
        &["mailbox", "add"],
        &["mailbox", "add", "a", "--password", "secret"],
        &["mailbox", "add", "a", "--password-stdin", "--hash-stdin"],
    ] {
        assert_eq!(site.run(arguments).code, 64, "{arguments:?}");
    }
    assert!(site.run(&["--version"]).ok().starts_with("mail2fa "));
    let help = site.run(&["--help"]).ok();
    assert!(help.contains("Exit status") && help.contains("First steps"), "{help}");
}

#[test]
fn configurations_with_mistakes() {
    let site = Site::bare("store");
    assert!(site.run(&["config", "check"]).ok().contains("no mistakes"));
    assert_eq!(site.run(&["--json", "config", "check"]).json()["ok"], true);
    let shown = site.run(&["config", "show"]).ok();
    fs::write(site.path("shown.toml"), &shown).unwrap();
    let shown_path = site.path("shown.toml");
    let again = site.run(&["config", "show", "--config", shown_path.to_str().unwrap()]).ok();
    assert_eq!(again, shown);
    fs::write(site.path("mail2fa.toml"), "[store]\ncache_mib = 0\n[x]\n").unwrap();
    for command in [&["config", "check"][..], &["config", "show"], &["mailbox", "list"], &["init"]]
    {
        let done = site.run(command);
        assert_eq!(done.code, 78, "{command:?}");
        for mistake in ["line 2: store.cache_mib", "line 3: x: unknown key", "no [[listener]]"] {
            assert!(done.err.contains(mistake), "{mistake} in {}", done.err);
        }
    }
    let done = site.run(&["--json", "config", "check"]);
    let listed: Value = serde_json::from_str(&done.out).unwrap();
    assert_eq!((done.code, listed["mistakes"].as_array().unwrap().len()), (78, 3));
    assert_eq!(listed["mistakes"][0]["key"], "store.cache_mib");
    site.run(&["--config", "/does/not/exist.toml", "config", "check"]).fails(78, "no such file");
}

#[test]
fn a_store_in_use_is_told() {
    let site = Site::new("store");
    let db = fs::File::open(site.path("store/db")).unwrap();
    let _lock = nix::fcntl::Flock::lock(db, nix::fcntl::FlockArg::LockExclusive).unwrap();
    site.run(&["mailbox", "list"]).fails(69, "in use by another process");
}

#[test]
fn commands_side_by_side_wait_for_each_other() {
    let site = Site::new("dovecot");
    std::thread::scope(|scope| {
        let each = |name: &'static str| {
            let site = &site;
            scope.spawn(move || site.enable(name))
        };
        let all: Vec<_> = ["a", "b", "c"].into_iter().map(each).collect();
        for one in all {
            assert_eq!(one.join().unwrap().len(), 32);
        }
    });
}

#[test]
fn a_closed_pipe_is_no_error() {
    let site = Site::new("store");
    for arguments in [&["man"][..], &["--help"], &["completions", "bash"], &["config", "show"]] {
        let mut child =
            site.command(arguments).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        drop(child.stdout.take());
        let done = Done::from(child.wait_with_output().unwrap());
        assert_eq!((done.code, done.err.as_str()), (0, ""), "{arguments:?}");
    }
}

#[test]
fn completions_for_every_shell() {
    let site = Site::bare("store");
    for shell in ["bash", "zsh", "fish", "elvish", "powershell"] {
        assert!(site.run(&["completions", shell]).ok().contains("mail2fa"), "{shell}");
    }
    site.run(&["completions", "tcl"]).fails(64, "possible values");
}

/// How long a daemon may take to start: the machine may be busy.
const PATIENCE: Duration = Duration::from_secs(60);

/// A running daemon; killed if the test ends early.
struct Daemon(Child);

impl Daemon {
    fn start(site: &Site) -> Self {
        let mut command = site.command(&["serve"]);
        let log = fs::File::create(site.path("log")).unwrap();
        let child = command.stdin(Stdio::null()).stderr(log).spawn().unwrap();
        let mut daemon = Self(child);
        let reachable = |name| UnixStream::connect(site.path(name)).is_ok();
        let begun = Instant::now();
        while !(reachable("client") && reachable("control")) {
            let ended = daemon.0.try_wait().unwrap();
            let log = fs::read_to_string(site.path("log")).unwrap();
            assert!(ended.is_none() && begun.elapsed() < PATIENCE, "{ended:?} {log}");
            std::thread::sleep(Duration::from_millis(20));
        }
        daemon
    }

    /// Tells it to stop; its exit code.
    fn stop(mut self) -> Option<i32> {
        let pid = nix::unistd::Pid::from_raw(self.0.id().cast_signed());
        nix::sys::signal::kill(pid, nix::sys::signal::SIGTERM).unwrap();
        self.0.wait().unwrap().code()
    }
}

impl Drop for Daemon {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

#[test]
fn a_running_daemon_is_asked() {
    let site = Site::new("store");
    let daemon = Daemon::start(&site);
    site.add(ALICE);
    let secret = site.enable(ALICE);
    site.run(&["totp", "confirm", ALICE, &wrong_code(&secret)]).fails(65, "4 more");
    site.run(&["totp", "confirm", ALICE, &code(&secret)]).ok();
    assert!(site.totp_is_on(ALICE));
    assert!(site.run(&["init"]).ok().contains("is there, and the key fits it"));
    site.run(&["serve"]).fails(69, "in use by another process");
    assert_eq!(daemon.stop(), Some(0));
    assert!(site.totp_is_on(ALICE), "the same store without the daemon");
    let log = fs::read_to_string(site.path("log")).unwrap();
    assert!(log.contains("totp confirm") && log.contains(ALICE), "{log}");
    assert!(!log.contains(&secret), "{log}");
    let daemon = Daemon::start(&site);
    assert!(site.totp_is_on(ALICE), "and with it again");
    assert_eq!(daemon.stop(), Some(0));
}

#[test]
fn other_users_are_turned_away() {
    assert!(nix::unistd::geteuid().is_root(), "run the tests as root: tests/run");
    let site = Site::new("store");
    fs::set_permissions(site.directory.path(), fs::Permissions::from_mode(0o755)).unwrap();
    // Another user may be unable to reach the program where it was built.
    let program = site.path("mail2fa");
    // Not copied by this process: it has the file open for writing then, and so have programs that other tests are
    // just starting, which makes it "busy".
    let copied = Command::new("cp").arg(env!("CARGO_BIN_EXE_mail2fa")).arg(&program).status();
    assert!(copied.unwrap().success());
    let as_another = |arguments: &[&str]| {
        let mut command = Command::new(&program);
        command.args(arguments).env("MAIL2FA_CONFIG", site.path("mail2fa.toml"));
        Done::from(command.uid(65_534).gid(65_534).output().unwrap())
    };
    let daemon = Daemon::start(&site);
    as_another(&["mailbox", "list"]).fails(77, "only root and the daemon's user");
    fs::set_permissions(site.path("control"), fs::Permissions::from_mode(0o666)).unwrap();
    as_another(&["mailbox", "list"]).fails(69, "only root and the daemon's user");
    assert_eq!(daemon.stop(), Some(0));
    as_another(&["mailbox", "list"]).fails(77, "key");
}

fn pages(directory: &Path) -> Vec<(String, String)> {
    let mut pages: Vec<_> = fs::read_dir(directory)
        .unwrap()
        .map(|entry| entry.unwrap())
        .map(|entry| {
            let name = entry.file_name().into_string().unwrap();
            (name, fs::read_to_string(entry.path()).unwrap())
        })
        .collect();
    pages.sort();
    pages
}

/// Made anew with `mail2fa man man`.
#[test]
fn man_pages_are_those_of_this_program() {
    let site = Site::bare("store");
    let directory = site.path("pages");
    fs::create_dir(&directory).unwrap();
    site.run(&["man", directory.to_str().unwrap()]).ok();
    let checked_in = Path::new(env!("CARGO_MANIFEST_DIR")).join("man");
    assert_eq!(pages(&checked_in), pages(&directory));
    site.run(&["man", "/does/not/exist"]).fails(73, "cannot write the man page");
}

#[test]
fn the_doctor_says_what_is_missing() {
    let site = Site::new("store");
    fs::remove_file(site.path("key")).unwrap();
    let done = site.run(&["doctor", "--json", "--dovecot-config", "/does/not/exist"]);
    assert_eq!((done.code, &*done.err), (69, "mail2fa: 3 things are wrong, see above\n"));
    let report: Value = serde_json::from_str(&done.out).unwrap();
    let state = |check: &str| {
        let mut findings = report["findings"].as_array().unwrap().iter();
        findings.find(|one| one["check"] == check).unwrap()["state"].as_str().unwrap().to_owned()
    };
    assert_eq!(report["sound"], false);
    for (check, wanted) in
        [("listener", "bad"), ("upstream", "bad"), ("daemon", "bad"), ("dovecot", "look")]
    {
        assert_eq!(state(check), wanted, "{check}: {report}");
    }
    // Texts for people, one a line.
    let done = site.run(&["doctor"]);
    assert!(done.out.lines().any(|line| line.starts_with("bad   listener c (")), "{}", done.out);
}
