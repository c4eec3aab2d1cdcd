//! A private Dovecot, of Debian 12 (2.3) or Debian 13 (2.4, in a tree of its own).
//!
//! It serves IMAP, POP3, ManageSieve, submission and LMTP on loopback ports. The settings that
//! bring mail2fa in are the snippets in `config/`, word for word but for the paths and the user.

mod settings;
pub(crate) mod tree;

use std::fmt::Write as _;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;
use std::thread::sleep;
use std::time::Duration;

use anyhow::{Context, Result, bail, ensure};

pub use self::tree::trixie_tree;
use crate::folder::Folder;
use crate::group::Group;
use crate::kerberos::Kerberos;
use crate::port::Port;
use crate::provider::Provider;
use crate::wait;

/// Which Dovecot.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Generation {
    /// The machine's own, of Debian 12.
    V23,
    /// Of Debian 13, in the tree that `tests/setup --trixie` makes.
    V24,
}

/// Where the passwords are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PasswordMode {
    /// In Dovecot's passwd-file; mail2fa relays.
    Dovecot,
    /// In mail2fa's own store; Dovecot takes mail2fa's word.
    Store,
}

/// Whom the login processes ask.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Doors {
    /// mail2fa.
    Mail2fa,
    /// Dovecot's auth service, as without mail2fa: what the harness itself is tested with, and
    /// what mail2fa is compared with.
    Direct,
}

/// The ports of one instance.
#[derive(Debug)]
pub(crate) struct Ports {
    imap: Port,
    pop3: Port,
    sieve: Port,
    submission: Port,
    lmtp: Port,
}

/// A running instance. Dropping it stops it.
#[derive(Debug)]
pub struct Dovecot {
    folder: Arc<Folder>,
    root: PathBuf,
    generation: Generation,
    ports: Ports,
    users: Vec<(String, String)>,
    group: Option<Group>,
}

/// The secret with which mail2fa vouches: for every login in [`PasswordMode::Store`], otherwise for
/// app passwords.
pub const VOUCH_SECRET: &str = "vouch0f6e2d1c4b5a69788796a5b4c3d2e1f0";

impl Dovecot {
    /// Writes the settings and starts. `relay` is the port to which the submission service hands
    /// mail on, `names` are settings that go before all others.
    ///
    /// # Errors
    /// When Dovecot is not installed or does not start.
    pub fn start(
        folder: &Arc<Folder>,
        generation: Generation,
        mode: PasswordMode,
        doors: Doors,
        relay: u16,
        names: &str,
    ) -> Result<Self> {
        ensure!(nix::unistd::geteuid().is_root(), "Dovecot must be started as root");
        let root = folder.sub("dovecot")?;
        folder.sub("dovecot/state")?;
        let mail = folder.sub("dovecot/mail")?;
        std::os::unix::fs::chown(&mail, Some(settings::MAIL_ID), Some(settings::MAIL_ID))?;
        let ports = Ports {
            imap: Port::take()?,
            pop3: Port::take()?,
            sieve: Port::take()?,
            submission: Port::take()?,
            lmtp: Port::take()?,
        };
        settings::write(&root, generation, mode, doors, &ports, relay, names)?;
        let mut dovecot = Self {
            folder: Arc::clone(folder),
            root,
            generation,
            ports,
            users: Vec::new(),
            group: None,
        };
        dovecot.write_users()?;
        dovecot.run()?;
        Ok(dovecot)
    }

    /// Puts mailboxes with their passwords into the passwd-file, with hashes of `scheme`, such as
    /// `PLAIN` or `SHA512-CRYPT`. A mailbox that is there gets the new password.
    ///
    /// # Errors
    /// When `doveadm pw` refuses.
    pub fn set_passwords(&mut self, logins: &[(&str, &str)], scheme: &str) -> Result<()> {
        for (name, password) in logins {
            let hash = if scheme == "PLAIN" {
                format!("{{PLAIN}}{password}")
            } else {
                self.hash(password, scheme)?
            };
            self.users.retain(|(known, _)| known != name);
            self.users.push(((*name).to_owned(), hash));
        }
        self.write_users()?;
        // Dovecot looks whether the file has changed once a second, by its time in seconds.
        sleep(Duration::from_millis(1_200));
        Ok(())
    }

    /// The hash that `doveadm pw` makes.
    ///
    /// # Errors
    /// When `doveadm pw` refuses.
    pub fn hash(&self, password: &str, scheme: &str) -> Result<String> {
        let output = self.doveadm(&["pw", "-s", scheme, "-p", password])?.output()?;
        ensure!(output.status.success(), "doveadm pw: {}", String::from_utf8_lossy(&output.stderr));
        Ok(String::from_utf8(output.stdout)?.trim().to_owned())
    }

    fn write_users(&self) -> Result<()> {
        let mut lines = String::new();
        for (name, hash) in &self.users {
            let _ = writeln!(lines, "{name}:{hash}");
        }
        // A new file each time, so that nobody reads half of it.
        let file = self.root.join("users");
        let new = self.root.join("users.new");
        std::fs::write(&new, lines)?;
        std::fs::set_permissions(&new, std::fs::Permissions::from_mode(0o644))?;
        std::fs::rename(&new, &file)?;
        Ok(())
    }

    /// Takes the tokens of this provider from now on.
    ///
    /// # Errors
    /// When it does not start again with that.
    pub fn believe(&mut self, provider: Provider) -> Result<()> {
        let more = provider.settings(&self.root, self.generation)?;
        self.restart_with(&more)
    }

    /// Takes the tickets of this realm from now on.
    ///
    /// # Errors
    /// When it does not start again with that. The tree of Debian 13 has no GSSAPI in it.
    pub fn trust(&mut self, realm: &Kerberos) -> Result<()> {
        ensure!(self.generation == Generation::V23, "only the machine's own Dovecot has GSSAPI");
        self.restart_with(&realm.settings())
    }

    fn restart_with(&mut self, more: &str) -> Result<()> {
        let file = self.settings_file();
        let text = std::fs::read_to_string(&file)?;
        std::fs::write(&file, text + more)?;
        self.restart()
    }

    fn run(&mut self) -> Result<()> {
        let log = self.log_file();
        let before = log_text(&log).matches("starting up for").count();
        let settings = self.settings_file();
        let command = self.inside("dovecot", &["-F", "-c", path_text(&settings)?])?;
        let mut group = Group::spawn(&self.folder, command, &self.root.join("output.log"))?;
        wait::until("Dovecot to start", || {
            if let Some(status) = group.ended() {
                return Some(Err(anyhow::anyhow!(
                    "Dovecot ended at once ({status})\n{}",
                    self.folder.logs()
                )));
            }
            let now = log_text(&log).matches("starting up for").count();
            (now > before).then_some(Ok(()))
        })
        .with_context(|| self.folder.logs())??;
        self.group = Some(group);
        Ok(())
    }

    /// Stops it and starts it again with the same ports and folders.
    ///
    /// # Errors
    /// When it does not start again.
    pub fn restart(&mut self) -> Result<()> {
        self.stop();
        self.run()
    }

    /// Stops it; the ports stay reserved for [`Self::restart`].
    pub fn stop(&mut self) {
        if let Some(group) = self.group.take() {
            group.stop();
        }
    }

    /// A `doveadm` command with this instance's settings.
    ///
    /// # Errors
    /// When the tree of Debian 13 is missing.
    pub fn doveadm(&self, arguments: &[&str]) -> Result<Command> {
        let settings = self.settings_file();
        let mut all = vec!["-c", path_text(&settings)?];
        all.extend_from_slice(arguments);
        self.inside("doveadm", &all)
    }

    /// The settings as Dovecot itself understood them (`doveconf -n`), to look things up in.
    ///
    /// # Errors
    /// When doveconf finds a mistake.
    pub fn doveconf(&self) -> Result<String> {
        let settings = self.settings_file();
        let output = self.inside("doveconf", &["-n", "-c", path_text(&settings)?])?.output()?;
        if !output.status.success() {
            bail!("doveconf: {}", String::from_utf8_lossy(&output.stderr));
        }
        Ok(String::from_utf8_lossy(&output.stdout).into_owned())
    }

    /// Puts a program of its installation into a folder that stands in `PATH`.
    ///
    /// # Errors
    /// When it is not there.
    pub fn put_program(&self, program: &str, bin: &Path) -> Result<()> {
        ensure!(self.generation == Generation::V24, "the machine's own is in PATH already");
        let users = [Path::new("/etc/passwd"), Path::new("/etc/group")];
        tree::put(self.folder.path(), users, program, bin)
    }

    fn inside(&self, program: &str, arguments: &[&str]) -> Result<Command> {
        match self.generation {
            Generation::V23 => {
                let mut command = Command::new(program);
                command.args(arguments);
                Ok(command)
            }
            Generation::V24 => tree::command(self.folder.path(), program, arguments),
        }
    }

    /// Its configuration file.
    pub fn settings_file(&self) -> PathBuf {
        self.root.join("dovecot.conf")
    }

    /// Dovecot's log.
    pub fn log_file(&self) -> PathBuf {
        self.root.join("dovecot.log")
    }

    /// The folder with its sockets (`base_dir`).
    pub fn base_dir(&self) -> PathBuf {
        self.root.join("run")
    }

    /// The folder with the mail of all mailboxes.
    pub fn mail_dir(&self) -> PathBuf {
        self.root.join("mail")
    }

    /// Where mail2fa serves the login processes.
    pub fn login_socket(&self) -> PathBuf {
        self.base_dir().join("login/mail2fa/login")
    }

    /// Where mail2fa finds Dovecot's auth service for the login processes.
    pub fn login_upstream(&self) -> PathBuf {
        self.base_dir().join("mail2fa-login")
    }

    /// Where mail2fa, or Postfix without it, finds Dovecot's auth service for password checks.
    pub fn client_upstream(&self) -> PathBuf {
        self.base_dir().join("mail2fa-client")
    }

    /// The file with the secret that mail2fa vouches with.
    pub fn vouch_secret_file(&self) -> PathBuf {
        self.root.join("vouch-secret")
    }

    /// Which Dovecot this is.
    pub fn generation(&self) -> Generation {
        self.generation
    }

    /// The IMAP port.
    pub fn imap(&self) -> u16 {
        self.ports.imap.number()
    }

    /// The POP3 port.
    pub fn pop3(&self) -> u16 {
        self.ports.pop3.number()
    }

    /// The ManageSieve port.
    pub fn sieve(&self) -> u16 {
        self.ports.sieve.number()
    }

    /// The submission port of Dovecot itself.
    pub fn submission(&self) -> u16 {
        self.ports.submission.number()
    }

    /// The LMTP port.
    pub fn lmtp(&self) -> u16 {
        self.ports.lmtp.number()
    }
}

fn log_text(file: &Path) -> String {
    String::from_utf8_lossy(&std::fs::read(file).unwrap_or_default()).into_owned()
}

fn path_text(path: &Path) -> Result<&str> {
    path.to_str().context("a path that is no text")
}
