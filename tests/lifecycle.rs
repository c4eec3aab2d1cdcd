//! The daemon as systemd and an administrator meet it: readiness, reload, drain, watchdog, handed-over
//! sockets, exit codes, log forms. The real binary, in a temporary folder.

#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "a test may")]

use std::{
    fs,
    io::{BufRead, BufReader, Read, Write},
    os::unix::net::{UnixDatagram, UnixListener, UnixStream},
    path::{Path, PathBuf},
    process::{Child, Command, Output, Stdio},
    time::{Duration, Instant},
};

use nix::{
    sys::signal::{Signal, kill},
    unistd::Pid,
};
use tempfile::TempDir;

const BINARY: &str = env!("CARGO_BIN_EXE_mail2fa");
const PATIENCE: Duration = Duration::from_secs(60);

/// A folder with a configuration, a key, a store, and bob, whose password is `hunter123456`.
struct Site {
    folder: TempDir,
}

impl Site {
    fn new() -> Self {
        let site = Self { folder: tempfile::tempdir().unwrap() };
        site.configure("plain", "500ms", "");
        assert_ok(&site.run(&["init"], ""));
        assert_ok(
            &site.run(
                &["mailbox", "add", "bob@example.org", "--hash-stdin"],
                "{PLAIN}hunter123456\n",
            ),
        );
        site
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn configure(&self, log: &str, delay: &str, more: &str) {
        let at = self.folder.path().display();
        let text = format!(
            r#"
            [store]
            directory = "{at}/store"
            key_file = "{at}/key"
            [passwords]
            source = "store"
            [control]
            socket = "{at}/control"
            [refusals]
            delay = "{delay}"
            [log]
            target = "{log}"
            [[listener]]
            name = "postfix"
            kind = "client"
            socket = "{at}/client"
            mode = "0600"
            {more}
            "#
        );
        fs::write(self.path("mail2fa.toml"), text).unwrap();
    }

    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(BINARY);
        command.arg("--config").arg(self.path("mail2fa.toml")).args(arguments);
        command
    }

    fn run(&self, arguments: &[&str], input: &str) -> Output {
        let mut child = self
            .command(arguments)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        // Closed early when the program does not read: that is its right.
        let _ = child.stdin.take().unwrap().write_all(input.as_bytes());
        child.wait_with_output().unwrap()
    }

    fn serve(&self) -> Daemon {
        Daemon::start(self, self.command(&["serve"]))
    }
}

fn assert_ok(output: &Output) {
    assert!(
        output.status.success(),
        "{}\n{}",
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr)
    );
}

/// A running daemon, what it tells systemd, and its log.
struct Daemon {
    child: Child,
    notices: UnixDatagram,
    log: PathBuf,
}

impl Daemon {
    fn start(site: &Site, mut command: Command) -> Self {
        let _ = fs::remove_file(site.path("notify"));
        let notices = UnixDatagram::bind(site.path("notify")).unwrap();
        notices.set_read_timeout(Some(PATIENCE)).unwrap();
        let log = site.path("log");
        let child = command
            .env("NOTIFY_SOCKET", site.path("notify"))
            .stdin(command_stdin(site))
            .stdout(Stdio::null())
            .stderr(fs::File::create(&log).unwrap())
            .spawn()
            .unwrap();
        let daemon = Self { child, notices, log };
        daemon.wait_for("READY=1");
        daemon
    }

    /// The notice that has this line, all of it.
    fn wait_for(&self, line: &str) -> String {
        let mut buffer = [0; 4_096];
        loop {
            let length = self.notices.recv(&mut buffer).unwrap_or_else(|error| {
                panic!("no {line:?} from the daemon ({error}); its log:\n{}", self.log())
            });
            let notice = String::from_utf8_lossy(&buffer[..length]).into_owned();
            if notice.lines().any(|l| l == line) {
                return notice;
            }
        }
    }

    fn log(&self) -> String {
        fs::read_to_string(&self.log).unwrap_or_default()
    }

    fn pid(&self) -> Pid {
        Pid::from_raw(self.child.id().try_into().unwrap())
    }

    fn signal(&self, signal: Signal) {
        kill(self.pid(), signal).unwrap();
    }

    fn stop(mut self) -> String {
        self.signal(Signal::SIGTERM);
        self.wait_for("STOPPING=1");
        let status = self.child.wait().unwrap();
        assert!(status.success(), "{status}; its log:\n{}", self.log());
        self.log()
    }
}

impl Drop for Daemon {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Standard input is where the shell of the socket-activation test finds its listening socket.
fn command_stdin(site: &Site) -> Stdio {
    match fs::symlink_metadata(site.path("handed")) {
        Ok(_) => {
            fs::remove_file(site.path("handed")).unwrap();
            let listener = UnixListener::bind(site.path("handed")).unwrap();
            Stdio::from(std::os::fd::OwnedFd::from(listener))
        }
        Err(_) => Stdio::null(),
    }
}

/// A client of Dovecot's protocol that knows just enough.
struct Client {
    reader: BufReader<UnixStream>,
    id: u32,
}

impl Client {
    fn connect(path: &Path) -> Self {
        let stream = UnixStream::connect(path).unwrap();
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        let mut client = Self { reader: BufReader::new(stream), id: 0 };
        while client.line() != "DONE" {}
        client.send("VERSION\t1\t2\nCPID\t4711\n");
        client
    }

    fn line(&mut self) -> String {
        let mut line = String::new();
        self.reader.read_line(&mut line).unwrap();
        assert!(!line.is_empty(), "the daemon closed the connection");
        line.trim_end().to_owned()
    }

    fn send(&mut self, text: &str) {
        self.reader.get_mut().write_all(text.as_bytes()).unwrap();
    }

    fn ask(&mut self, user: &str, password: &str) {
        use base64::{Engine, engine::general_purpose::STANDARD};
        self.id += 1;
        let response = STANDARD.encode(format!("\0{user}\0{password}"));
        self.send(&format!("AUTH\t{}\tPLAIN\tservice=smtp\tresp={response}\n", self.id));
    }

    fn login(&mut self, user: &str, password: &str) -> String {
        self.ask(user, password);
        self.line()
    }
}

fn bob_gets_in(socket: &Path) {
    let answer = Client::connect(socket).login("bob@example.org", "hunter123456");
    assert_eq!(answer, "OK\t1\tuser=bob@example.org");
}

#[test]
fn a_running_login_is_finished_before_the_daemon_stops() {
    let site = Site::new();
    let daemon = site.serve();
    bob_gets_in(&site.path("client"));
    // A refusal is held back; the daemon is told to stop while it waits.
    let mut client = Client::connect(&site.path("client"));
    client.ask("bob@example.org", "wrong");
    while !daemon.log().contains("reason=wrong_password") {
        std::thread::sleep(Duration::from_millis(5));
    }
    daemon.signal(Signal::SIGTERM);
    assert_eq!(client.line(), "FAIL\t1\tuser=bob@example.org");
    let mut rest = String::new();
    client.reader.read_to_string(&mut rest).unwrap();
    assert_eq!(rest, "", "nothing more, and the connection is closed");
    daemon.wait_for("STOPPING=1");
}

#[test]
fn a_stopped_daemon_starts_again_in_the_same_place() {
    let site = Site::new();
    site.serve().stop();
    assert!(!site.path("client").exists(), "its sockets go with it");
    assert!(!site.path("control").exists());
    let daemon = site.serve();
    bob_gets_in(&site.path("client"));
    // Killed, it leaves its sockets behind: they are stale and replaced.
    daemon.signal(Signal::SIGKILL);
    drop(daemon);
    assert!(site.path("client").exists());
    let daemon = site.serve();
    bob_gets_in(&site.path("client"));
    daemon.stop();
}

#[test]
fn a_reload_adds_a_listener_and_leaves_the_others_alone() {
    let site = Site::new();
    let daemon = site.serve();
    let mut client = Client::connect(&site.path("client"));
    let at = site.folder.path().display();
    let second = format!(
        "[[listener]]\nname = \"exim\"\nkind = \"client\"\nsocket = \"{at}/second\"\nmode = \"0600\""
    );
    site.configure("plain", "500ms", &second);
    daemon.signal(Signal::SIGHUP);
    let notice = daemon.wait_for("RELOADING=1");
    assert!(notice.contains("MONOTONIC_USEC="), "{notice}");
    daemon.wait_for("READY=1");
    bob_gets_in(&site.path("second"));
    let answer = client.login("bob@example.org", "hunter123456");
    assert_eq!(answer, "OK\t1\tuser=bob@example.org", "the old connection lives on");
    site.configure("plain", "500ms", "");
    daemon.signal(Signal::SIGHUP);
    daemon.wait_for("READY=1");
    assert!(UnixStream::connect(site.path("second")).is_err(), "the listener is gone");
    bob_gets_in(&site.path("client"));
    daemon.stop();
}

#[test]
fn a_reload_with_mistakes_changes_nothing_and_names_them_all() {
    let site = Site::new();
    let daemon = site.serve();
    site.configure("plain", "soon", "[listeners]\nx = 1");
    daemon.signal(Signal::SIGHUP);
    daemon.wait_for("RELOADING=1");
    daemon.wait_for("READY=1");
    bob_gets_in(&site.path("client"));
    let log = daemon.stop();
    assert!(log.contains("refusals.delay"), "{log}");
    assert!(log.contains("listeners"), "{log}");
    assert!(log.contains("the old configuration stays in force"), "{log}");
}

#[test]
fn rules_for_names_that_lead_past_a_record_are_refused() {
    let site = Site::new();
    let daemon = site.serve();
    site.configure("plain", "500ms", "[names]\nformat = \"%Ln\"");
    daemon.signal(Signal::SIGHUP);
    daemon.wait_for("RELOADING=1");
    daemon.wait_for("READY=1");
    bob_gets_in(&site.path("client"));
    let log = daemon.stop();
    assert!(log.contains("no login leads to"), "{log}");
    assert!(log.contains("the old configuration stays in force"), "{log}");
    let started = site.command(&["serve"]).output().unwrap();
    let said = String::from_utf8_lossy(&started.stderr);
    assert_eq!(started.status.code(), Some(78), "{said}");
    assert!(said.contains("bob@example.org"), "{said}");
}

#[test]
fn the_watchdog_is_fed() {
    let site = Site::new();
    let mut command = site.command(&["serve"]);
    command.env("WATCHDOG_USEC", "300000");
    let daemon = Daemon::start(&site, command);
    daemon.wait_for("WATCHDOG=1");
    daemon.wait_for("WATCHDOG=1");
    daemon.stop();
}

#[test]
fn a_socket_that_systemd_hands_over_is_used() {
    let site = Site::new();
    // Marks that standard input is to be a listening socket.
    fs::write(site.path("handed"), "").unwrap();
    let mut command = Command::new("sh");
    command
        .arg("-c")
        .arg(
            "exec 3<&0 </dev/null; LISTEN_PID=$$ LISTEN_FDS=1 LISTEN_FDNAMES=postfix \
             exec \"$0\" --config \"$1\" serve",
        )
        .arg(BINARY)
        .arg(site.path("mail2fa.toml"));
    let daemon = Daemon::start(&site, command);
    bob_gets_in(&site.path("handed"));
    assert!(!site.path("client").exists(), "its own socket is not made");
    daemon.stop();
}

#[test]
fn no_core_is_dumped() {
    let site = Site::new();
    let daemon = site.serve();
    let limits = fs::read_to_string(format!("/proc/{}/limits", daemon.pid())).unwrap();
    let core = limits.lines().find(|l| l.starts_with("Max core file size")).unwrap();
    let values: Vec<&str> = core.split_whitespace().skip(4).take(2).collect();
    assert_eq!(values, ["0", "0"], "{core}");
    daemon.stop();
}

#[test]
fn sockets_have_the_configured_mode() {
    use std::os::unix::fs::PermissionsExt;
    let site = Site::new();
    let daemon = site.serve();
    for socket in ["client", "control"] {
        let mode = fs::metadata(site.path(socket)).unwrap().permissions().mode() & 0o777;
        assert_eq!(mode, 0o600, "{socket}");
    }
    daemon.stop();
}

#[test]
fn json_lines_are_json_with_fields() {
    let site = Site::new();
    site.configure("json", "0s", "");
    let daemon = site.serve();
    bob_gets_in(&site.path("client"));
    let _ = Client::connect(&site.path("client")).login("bob\"x@example.org", "wrong");
    let log = daemon.stop();
    let logins: Vec<serde_json::Value> = log
        .lines()
        .map(|line| serde_json::from_str(line).unwrap_or_else(|e| panic!("{e}: {line}")))
        .filter(|line: &serde_json::Value| line["target"] == "mail2fa::login")
        .collect();
    assert_eq!(logins.len(), 2, "{log}");
    assert_eq!(logins[0]["result"], "accepted");
    assert_eq!(logins[0]["reason"], "password");
    assert_eq!(logins[1]["reason"], "wrong_password");
    assert_eq!(logins[1]["mailbox"], "bob\"x@example.org");
    assert!(logins[1]["message"].as_str().unwrap().starts_with("login result=refused"));
}

/// Runs `serve` where it must fail; its exit code and what it says.
fn refuses_to_start(site: &Site) -> (i32, String) {
    let started = Instant::now();
    let output = site.run(&["serve"], "");
    assert!(started.elapsed() < PATIENCE);
    (output.status.code().unwrap(), String::from_utf8_lossy(&output.stderr).into_owned())
}

#[test]
fn what_keeps_the_daemon_from_starting_is_said() {
    let site = Site::new();

    site.configure("plain", "soon", "");
    let (code, said) = refuses_to_start(&site);
    assert_eq!(code, 78, "{said}");
    assert!(said.contains("refusals.delay"), "{said}");

    site.configure("plain", "0s", "");
    fs::rename(site.path("store"), site.path("elsewhere")).unwrap();
    let (code, said) = refuses_to_start(&site);
    assert_eq!(code, 69, "{said}");
    assert!(said.contains("mail2fa init"), "an unmounted store is not made anew: {said}");
    assert!(!site.path("store").exists());
    fs::rename(site.path("elsewhere"), site.path("store")).unwrap();

    fs::rename(site.path("key"), site.path("lost")).unwrap();
    let (code, said) = refuses_to_start(&site);
    assert_eq!(code, 69, "{said}");
    fs::rename(site.path("lost"), site.path("key")).unwrap();

    fs::write(site.path("client"), "not a socket").unwrap();
    let (code, said) = refuses_to_start(&site);
    assert_eq!(code, 73, "{said}");
    assert!(said.contains("postfix"), "{said}");
    assert_eq!(fs::read(site.path("client")).unwrap(), b"not a socket");
    fs::remove_file(site.path("client")).unwrap();

    let daemon = site.serve();
    let (code, said) = refuses_to_start(&site);
    assert_eq!(code, 69, "{said}");
    bob_gets_in(&site.path("client"));
    daemon.stop();
}
