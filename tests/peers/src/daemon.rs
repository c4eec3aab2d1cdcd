//! A private mail2fa: its configuration, its daemon and its command line.

use std::fmt::Write as _;
use std::os::unix::net::UnixDatagram;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitStatus, Output, Stdio};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use anyhow::{Context, Result, anyhow, bail, ensure};
use nix::sys::signal::Signal;

use crate::clock::Clock;
use crate::dovecot::{Dovecot, PasswordMode};
use crate::folder::Folder;
use crate::group::Group;
use crate::postfix::Postfix;
use crate::wait;

/// What the configuration is made of.
#[derive(Debug)]
pub struct Plan<'a> {
    /// Where the passwords are.
    pub mode: PasswordMode,
    /// The Dovecot on both sides.
    pub dovecot: &'a Dovecot,
    /// The Postfix that asks, if there is one.
    pub postfix: Option<&'a Postfix>,
    /// How long a refusal is held back, as the configuration writes it.
    pub refusal_delay: &'a str,
    /// The section `[log]`, if not the usual one.
    pub log: Option<&'a str>,
    /// What is in the section `[names]`.
    pub names: &'a str,
    /// The clock that the daemon goes by, if not the real one.
    pub clock: Option<&'a Arc<Clock>>,
}

/// An instance with its files. Dropping it stops the daemon.
#[derive(Debug)]
pub struct Mail2fa {
    folder: Arc<Folder>,
    root: PathBuf,
    binary: PathBuf,
    client_socket: PathBuf,
    clock: Option<Arc<Clock>>,
    group: Option<Group>,
}

/// A new second factor, as `totp enable --json` tells it.
#[derive(Debug)]
pub struct Enrolment {
    /// The secret in base32.
    pub secret: String,
    /// The URI in the QR code.
    pub otpauth_uri: String,
}

impl Mail2fa {
    /// Writes the configuration, makes key and store and starts the daemon.
    ///
    /// # Errors
    /// When the program refuses the configuration or does not become ready.
    pub fn start(folder: &Arc<Folder>, plan: &Plan<'_>) -> Result<Self> {
        let root = folder.sub("mail2fa")?;
        let client_socket =
            plan.postfix.map_or_else(|| folder.path().join("mail2fa/client"), Postfix::sasl_socket);
        let mut mail2fa = Self {
            folder: Arc::clone(folder),
            root,
            binary: binary()?,
            client_socket,
            clock: plan.clock.cloned(),
            group: None,
        };
        std::fs::write(mail2fa.config_file(), mail2fa.config(plan))?;
        let socket = plan.dovecot.login_socket();
        let parent = socket.parent().context("a socket without a folder")?;
        std::fs::create_dir_all(parent)?;
        mail2fa.cli_text(&["init"], "")?;
        mail2fa.run()?;
        Ok(mail2fa)
    }

    /// Writes this configuration, makes key and store and starts the daemon, with no mail server around.
    ///
    /// # Errors
    /// As [`Self::start`].
    pub fn start_alone(folder: &Arc<Folder>, config: &str) -> Result<Self> {
        let root = folder.sub("mail2fa")?;
        let mut mail2fa = Self {
            folder: Arc::clone(folder),
            client_socket: root.join("client"),
            root,
            binary: binary()?,
            clock: None,
            group: None,
        };
        std::fs::write(mail2fa.config_file(), config)?;
        mail2fa.cli_text(&["init"], "")?;
        mail2fa.run()?;
        Ok(mail2fa)
    }

    fn config(&self, plan: &Plan<'_>) -> String {
        let root = self.root.display();
        let dovecot = plan.dovecot;
        let mut text = format!(
            "[store]\ndirectory = \"{root}/store\"\nkey_file = \"{root}/master.key\"\n\n\
             [names]\n{}\n\n\
             [totp]\nissuer = \"Example Mail\"\n\n\
             [control]\nsocket = \"{root}/control\"\n\n\
             # All clients of a test come from this one host.\n\
             [throttle]\nshared_networks = [\"127.0.0.0/8\"]\n\n\
             [refusals]\ndelay = \"{}\"\n\n\
             {}\n[passwords]\n",
            plan.names,
            plan.refusal_delay,
            plan.log.unwrap_or("[log]\ntarget = \"plain\"\nlevel = \"info\"\n"),
        );
        let _ = match plan.mode {
            PasswordMode::Dovecot => writeln!(
                text,
                "source = \"dovecot\"\nupstream = \"{}\"\nvouch_secret_file = \"{}\"",
                dovecot.client_upstream().display(),
                dovecot.vouch_secret_file().display()
            ),
            PasswordMode::Store => writeln!(
                text,
                // Hashes as cheap as they come: what they cost is no matter here.
                "source = \"store\"\nvouch_secret_file = \"{}\"\n\n\
                 [passwords.hashing]\nmemory_kib = 1024\npasses = 1",
                dovecot.vouch_secret_file().display()
            ),
        };
        text.push_str(
            "\n[[webmail]]\nname = \"test\"\nservices = [\"imap\", \"sieve\", \"smtp\"]\n\
             networks = [\"127.0.0.1\"]\n",
        );
        let _ = write!(
            text,
            "\n[[listener]]\nname = \"dovecot\"\nkind = \"login\"\nsocket = \"{}\"\n\
             upstream = \"{}\"\nowner = \"dovenull\"\ngroup = \"dovenull\"\nmode = \"0600\"\n",
            dovecot.login_socket().display(),
            dovecot.login_upstream().display()
        );
        let owner = if plan.postfix.is_some() { "postfix" } else { "root" };
        let _ = write!(
            text,
            "\n[[listener]]\nname = \"postfix\"\nkind = \"client\"\nsocket = \"{}\"\n\
             owner = \"{owner}\"\ngroup = \"{owner}\"\nmode = \"0600\"\n",
            self.client_socket.display()
        );
        let _ = write!(
            text,
            "\n[[listener]]\nname = \"exim\"\nkind = \"client\"\nsocket = \"{}\"\n\
             temp_fail = \"close\"\nowner = \"{owner}\"\ngroup = \"{owner}\"\nmode = \"0600\"\n",
            self.exim_socket().display()
        );
        text
    }

    fn run(&mut self) -> Result<()> {
        let socket = self.root.join("notify");
        let _ = std::fs::remove_file(&socket);
        let notify = UnixDatagram::bind(&socket)?;
        notify.set_read_timeout(Some(Duration::from_millis(50)))?;
        let mut command = Command::new(&self.binary);
        command.arg("serve").arg("--config").arg(self.config_file());
        command.env("NOTIFY_SOCKET", &socket);
        if let Some(clock) = &self.clock {
            command = clock.over(&command);
        }
        let mut group = Group::spawn(&self.folder, command, &self.log_file())?;
        wait::until("READY=1 of mail2fa", || {
            let mut buffer = [0; 4096];
            if let Ok(length) = notify.recv(&mut buffer) {
                let text = String::from_utf8_lossy(&buffer[..length]).into_owned();
                return text.lines().any(|line| line == "READY=1").then_some(Ok(()));
            }
            group.ended().map(|status| Err(anyhow!("mail2fa ended at once ({status})")))
        })
        .and_then(|ready| ready)
        .with_context(|| self.folder.logs())?;
        self.group = Some(group);
        Ok(())
    }

    /// Stops the daemon with SIGTERM and gives its exit status.
    pub fn stop(&mut self) -> Option<ExitStatus> {
        self.group.take().and_then(Group::stop)
    }

    /// Ends the daemon as kill -9 does.
    pub fn kill(&mut self) {
        if let Some(group) = self.group.take() {
            group.kill();
        }
    }

    /// Starts the daemon again after [`Self::stop`] or [`Self::kill`].
    ///
    /// # Errors
    /// When it does not become ready.
    pub fn start_again(&mut self) -> Result<()> {
        ensure!(self.group.is_none(), "it runs");
        self.run()
    }

    /// Writes another section `[mechanisms]` and has the configuration read again.
    ///
    /// # Errors
    /// When it does not run, or says nothing of it.
    pub fn set_mechanisms(&self, lines: &str) -> Result<()> {
        let file = self.config_file();
        let text = std::fs::read_to_string(&file)?;
        let rest = text.split("# mechanisms\n").next().unwrap_or_default();
        self.reload_with(&format!("{rest}# mechanisms\n[mechanisms]\n{lines}\n"))
    }

    /// Remembers passwords for so long (`passwords.cache`), and has the configuration read again.
    ///
    /// # Errors
    /// When it does not run, or says nothing of it.
    pub fn remember_passwords(&self, time: &str) -> Result<()> {
        let text = std::fs::read_to_string(self.config_file())?;
        ensure!(text.contains("[passwords]\n"), "the configuration has no [passwords]");
        let line = format!("[passwords]\ncache = \"{time}\"\n");
        self.reload_with(&text.replacen("[passwords]\n", &line, 1))
    }

    fn reload_with(&self, text: &str) -> Result<()> {
        std::fs::write(self.config_file(), text)?;
        let read = |log: &str| log.matches("the configuration was read again").count();
        let before = read(&self.log());
        self.signal(Signal::SIGHUP)?;
        wait::until("the configuration to be read again", || {
            (read(&self.log()) > before).then_some(())
        })
    }

    /// Sends a signal to the daemon.
    ///
    /// # Errors
    /// When it does not run.
    pub fn signal(&self, signal: Signal) -> Result<()> {
        self.group.as_ref().context("mail2fa does not run")?.signal(signal)
    }

    /// Runs a command of the program, `--config` included, with `input` on its standard input.
    ///
    /// # Errors
    /// When it cannot be started.
    pub fn cli(&self, arguments: &[&str], input: &str) -> Result<Output> {
        use std::io::Write as _;
        let mut command = self.command();
        let mut child = command
            .args(arguments)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .with_context(|| format!("cannot start {}", self.binary.display()))?;
        if let Some(mut pipe) = child.stdin.take() {
            let _ = pipe.write_all(input.as_bytes());
        }
        Ok(child.wait_with_output()?)
    }

    /// A command of the program with `--config` and nothing else yet.
    pub fn command(&self) -> Command {
        let mut command = Command::new(&self.binary);
        command.arg("--config").arg(self.config_file());
        command
    }

    /// As [`Self::cli`], but must succeed; gives what it printed.
    ///
    /// # Errors
    /// When the command fails, with what it said.
    pub fn cli_text(&self, arguments: &[&str], input: &str) -> Result<String> {
        let output = self.cli(arguments, input)?;
        if !output.status.success() {
            bail!(
                "mail2fa {} ended with {}\n{}{}",
                arguments.join(" "),
                output.status,
                String::from_utf8_lossy(&output.stderr),
                String::from_utf8_lossy(&output.stdout)
            );
        }
        Ok(String::from_utf8_lossy(&output.stdout).into_owned())
    }

    /// Makes a mailbox with a password of mail2fa's own, or changes the password of one that is
    /// there.
    ///
    /// # Errors
    /// When the command fails.
    pub fn set_password(&self, name: &str, password: &str) -> Result<()> {
        let known = self.cli(&["mailbox", "show", name], "")?.status.success();
        let verb = if known { "password" } else { "add" };
        let input = format!("{password}\n");
        self.cli_text(&["mailbox", verb, name, "--password-stdin"], &input).map(drop)
    }

    /// Starts an enrolment; it counts once [`Self::confirm`] was called.
    ///
    /// # Errors
    /// When the command fails or prints something else than the JSON that is documented.
    pub fn enable(&self, name: &str) -> Result<Enrolment> {
        let text = self.cli_text(&["totp", "enable", name, "--json"], "")?;
        let value: serde_json::Value = serde_json::from_str(&text).context("totp enable --json")?;
        let field = |key: &str| {
            value[key].as_str().map(str::to_owned).with_context(|| format!("no {key} in {text}"))
        };
        Ok(Enrolment { secret: field("secret")?, otpauth_uri: field("otpauth_uri")? })
    }

    /// Confirms an enrolment with a code.
    ///
    /// # Errors
    /// When the command fails.
    pub fn confirm(&self, name: &str, code: &str) -> Result<()> {
        self.cli_text(&["totp", "confirm", name, code], "").map(drop)
    }

    /// The configuration file.
    pub fn config_file(&self) -> PathBuf {
        self.root.join("mail2fa.toml")
    }

    /// What the daemon printed.
    pub fn log_file(&self) -> PathBuf {
        self.root.join("mail2fa.log")
    }

    /// What the daemon printed so far.
    pub fn log(&self) -> String {
        String::from_utf8_lossy(&std::fs::read(self.log_file()).unwrap_or_default()).into_owned()
    }

    /// The folder with all that mail2fa writes.
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// The socket that Postfix, or doveadm in its place, asks.
    pub fn client_socket(&self) -> &Path {
        &self.client_socket
    }

    /// The socket that Exim asks, beside the other one.
    pub fn exim_socket(&self) -> PathBuf {
        self.client_socket.with_file_name("exim")
    }
}

/// The program to test: `MAIL2FA_BIN`; for the quickstart what lies beside it; for tests what
/// `cargo build` makes of the workspace around, so that it is never an old one.
///
/// # Errors
/// When it cannot be built.
pub fn binary() -> Result<PathBuf> {
    static BUILT: OnceLock<Result<PathBuf, String>> = OnceLock::new();
    if let Some(given) = std::env::var_os("MAIL2FA_BIN") {
        return Ok(PathBuf::from(given));
    }
    let this = std::env::current_exe()?;
    if this.file_name().is_some_and(|name| name == "quickstart") {
        return Ok(this.with_file_name("mail2fa"));
    }
    BUILT
        .get_or_init(|| build().map_err(|error| format!("{error:#}")))
        .clone()
        .map_err(|error| anyhow!("mail2fa cannot be built: {error}"))
}

fn build() -> Result<PathBuf> {
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let output = Command::new(cargo)
        .args(["build", "--package", "mail2fa", "--bin", "mail2fa", "--message-format=json"])
        .current_dir(Path::new(env!("CARGO_MANIFEST_DIR")).join("../.."))
        .stdin(Stdio::null())
        .stderr(Stdio::inherit())
        .output()
        .context("cannot start cargo")?;
    ensure!(output.status.success(), "cargo build failed");
    String::from_utf8_lossy(&output.stdout)
        .lines()
        .filter_map(|line| serde_json::from_str::<serde_json::Value>(line).ok())
        .filter_map(|message| message["executable"].as_str().map(PathBuf::from))
        .next_back()
        .context("cargo named no program")
}
