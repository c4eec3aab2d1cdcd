//! A daemon in a temporary folder: its configuration and store, what it tells systemd, its log, and a client.

use std::{
    fs,
    io::{BufRead, BufReader, Write},
    net::SocketAddr,
    os::{
        fd::OwnedFd,
        unix::net::{UnixDatagram, UnixStream},
    },
    path::{Path, PathBuf},
    process::{Child, Command, Output, Stdio},
    time::{Duration, Instant},
};

use nix::{
    sys::signal::{Signal, kill},
    unistd::Pid,
};
use tempfile::TempDir;

use crate::fed::fed;

pub const BINARY: &str = env!("CARGO_BIN_EXE_mail2fa");
pub const PATIENCE: Duration = Duration::from_secs(60);

/// A folder with a configuration, a key, a store, and bob, whose password is `hunter123456`.
pub struct Site {
    pub folder: TempDir,
}

impl Site {
    pub fn new() -> Self {
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

    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    pub fn configure(&self, log: &str, delay: &str, more: &str) {
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

    pub fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(BINARY);
        command.arg("--config").arg(self.path("mail2fa.toml")).args(arguments);
        command
    }

    pub fn run(&self, arguments: &[&str], input: &str) -> Output {
        fed(&mut self.command(arguments), input)
    }

    pub fn serve(&self) -> Daemon {
        Daemon::start(self, self.command(&["serve"]))
    }

    /// The daemon as a socket unit starts it, by systemd's own program, and the connection of whoever comes
    /// first. The socket is `handed`.
    pub fn first_at(&self, unit: &str) -> (Daemon, UnixStream) {
        let unit = concat!(env!("CARGO_MANIFEST_DIR"), "/systemd/").to_owned() + unit;
        let unit = fs::read_to_string(unit).unwrap();
        let name = unit.lines().find_map(|line| line.strip_prefix("FileDescriptorName=")).unwrap();
        let mut command = Command::new("systemd-socket-activate");
        command.arg("--listen").arg(self.path("handed")).arg(format!("--fdname={name}"));
        command.arg("--setenv=NOTIFY_SOCKET").arg(BINARY);
        command.arg("--config").arg(self.path("mail2fa.toml")).arg("serve");
        let daemon = Daemon::spawn(self, command, Stdio::null());
        let begun = Instant::now();
        loop {
            match UnixStream::connect(self.path("handed")) {
                Ok(first) => return (daemon, first),
                Err(error) => assert!(begun.elapsed() < PATIENCE, "{error}: {}", daemon.log()),
            }
            std::thread::sleep(Duration::from_millis(5));
        }
    }

    /// A daemon that systemd hands this listening socket to, under this name.
    pub fn serve_handed(&self, socket: impl Into<OwnedFd>, name: &str) -> Daemon {
        let mut command = Command::new("sh");
        command
            .arg("-c")
            .arg(
                "exec 3<&0 </dev/null; LISTEN_PID=$$ LISTEN_FDS=1 LISTEN_FDNAMES=$2 \
                 exec \"$0\" --config \"$1\" serve",
            )
            .arg(BINARY)
            .arg(self.path("mail2fa.toml"))
            .arg(name);
        Daemon::spawn(self, command, Stdio::from(socket.into()))
    }
}

pub fn assert_ok(output: &Output) {
    assert!(
        output.status.success(),
        "{}\n{}",
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr)
    );
}

/// A running daemon, what it tells systemd, and its log.
pub struct Daemon {
    pub child: Child,
    pub notices: UnixDatagram,
    pub log: PathBuf,
}

impl Daemon {
    pub fn start(site: &Site, command: Command) -> Self {
        let daemon = Self::spawn(site, command, Stdio::null());
        daemon.wait_for("READY=1");
        daemon
    }

    /// Starts it without waiting until it is ready.
    pub fn spawn(site: &Site, mut command: Command, input: Stdio) -> Self {
        let _ = fs::remove_file(site.path("notify"));
        let notices = UnixDatagram::bind(site.path("notify")).unwrap();
        notices.set_read_timeout(Some(PATIENCE)).unwrap();
        let log = site.path("log");
        let child = command
            .env("NOTIFY_SOCKET", site.path("notify"))
            .stdin(input)
            .stdout(Stdio::null())
            .stderr(fs::File::create(&log).unwrap())
            .spawn()
            .unwrap();
        Self { child, notices, log }
    }

    /// The notice that has this line, all of it.
    pub fn wait_for(&self, line: &str) -> String {
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

    /// The log once this is in it: it is written a little later than things happen.
    pub fn until_logged(&self, text: &str) -> String {
        let begun = Instant::now();
        loop {
            let log = self.log();
            if log.contains(text) && log.ends_with('\n') {
                return log;
            }
            assert!(begun.elapsed() < PATIENCE, "no {text:?} in the log:\n{log}");
            std::thread::sleep(Duration::from_millis(5));
        }
    }

    pub fn log(&self) -> String {
        fs::read_to_string(&self.log).unwrap_or_default()
    }

    /// Makes it read its configuration again, and waits until it has.
    pub fn reload(&self) {
        self.signal(Signal::SIGHUP);
        self.wait_for("RELOADING=1");
        self.wait_for("READY=1");
    }

    /// Where the panel listens, by the log.
    pub fn panel(&self) -> SocketAddr {
        self.address("the user panel")
    }

    /// Where this listens, by the log.
    pub fn address(&self, what: &str) -> SocketAddr {
        let said = format!("{what} listens address=");
        let log = self.until_logged(&said);
        let (_, rest) = log.split_once(&said).unwrap();
        rest.lines().next().unwrap().parse().unwrap()
    }

    pub fn pid(&self) -> Pid {
        Pid::from_raw(self.child.id().try_into().unwrap())
    }

    pub fn signal(&self, signal: Signal) {
        kill(self.pid(), signal).unwrap();
    }

    pub fn stop(mut self) -> String {
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

/// A client of Dovecot's protocol that knows just enough.
pub struct Client {
    pub reader: BufReader<UnixStream>,
    pub id: u32,
}

impl Client {
    pub fn connect(path: &Path) -> Self {
        let stream = UnixStream::connect(path).unwrap();
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        let mut client = Self { reader: BufReader::new(stream), id: 0 };
        while client.line() != "DONE" {}
        client.send("VERSION\t1\t2\nCPID\t4711\n");
        client
    }

    pub fn line(&mut self) -> String {
        let mut line = String::new();
        self.reader.read_line(&mut line).unwrap();
        assert!(!line.is_empty(), "the daemon closed the connection");
        line.trim_end().to_owned()
    }

    pub fn send(&mut self, text: &str) {
        self.reader.get_mut().write_all(text.as_bytes()).unwrap();
    }

    pub fn ask(&mut self, user: &str, password: &str) {
        use base64::{Engine, engine::general_purpose::STANDARD};
        self.id += 1;
        let response = STANDARD.encode(format!("\0{user}\0{password}"));
        self.send(&format!("AUTH\t{}\tPLAIN\tservice=smtp\tresp={response}\n", self.id));
    }

    pub fn login(&mut self, user: &str, password: &str) -> String {
        self.ask(user, password);
        self.line()
    }
}

pub fn bob_gets_in(socket: &Path) {
    let answer = Client::connect(socket).login("bob@example.org", "hunter123456");
    assert_eq!(answer, "OK\t1\tuser=bob@example.org");
}
