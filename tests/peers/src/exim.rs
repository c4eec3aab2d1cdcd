//! A private Exim: a submission port with AUTH, and delivery to Dovecot over LMTP.
//!
//! As a Debian package it replaces Postfix, so it runs in the Debian 13 tree. What brings mail2fa in
//! is the snippet `config/exim4-auth.conf`, word for word but for the socket and for TLS, which the
//! loopback needs not.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;

use anyhow::{Context, Result, ensure};

use crate::dovecot::{tree, trixie_tree};
use crate::folder::Folder;
use crate::group::Group;
use crate::port::Port;
use crate::wait;

const SNIPPET: &str = include_str!("../../../config/exim4-auth.conf");

/// A running instance. Dropping it stops it.
#[derive(Debug)]
pub struct Exim {
    folder: Arc<Folder>,
    root: PathBuf,
    port: Port,
    _group: Group,
}

impl Exim {
    /// Writes the settings and starts. It asks `socket`, which belongs to the machine's user postfix,
    /// and sends mail for example.org to LMTP at `lmtp`.
    ///
    /// # Errors
    /// When Exim is not in the tree or does not start.
    pub fn start(folder: &Arc<Folder>, socket: &Path, lmtp: u16) -> Result<Self> {
        ensure!(nix::unistd::geteuid().is_root(), "Exim must be started as root");
        let binary = trixie_tree()?.join("usr/sbin/exim4");
        ensure!(binary.exists(), "Exim is not in the Debian 13 tree: run tests/run");
        let root = folder.sub("exim")?;
        let spool = folder.sub("exim/spool")?;
        let owner = nix::unistd::User::from_name("postfix")?.context("there is no user postfix")?;
        for own in [&root, &spool] {
            std::os::unix::fs::chown(own, Some(owner.uid.as_raw()), Some(owner.gid.as_raw()))?;
        }
        let port = Port::take()?;
        let number = port.number();
        std::fs::write(root.join("exim.conf"), settings(&root, number, socket, lmtp)?)?;
        let command = in_tree(folder, &root, &owner)?;
        let mut group = Group::spawn(folder, command, &root.join("output.log"))?;
        wait::until("Exim to start", || {
            if let Some(status) = group.ended() {
                return Some(Err(anyhow::anyhow!("Exim ended at once ({status})")));
            }
            std::net::TcpStream::connect(("127.0.0.1", number)).is_ok().then_some(Ok(()))
        })
        .and_then(|started| started)
        .with_context(|| folder.logs())?;
        Ok(Self { folder: Arc::clone(folder), root, port, _group: group })
    }

    /// Its settings.
    pub fn settings_file(&self) -> PathBuf {
        self.root.join("exim.conf")
    }

    /// Puts `exim4` into a folder that stands in `PATH`.
    ///
    /// # Errors
    /// When it is not there.
    pub fn put_program(&self, bin: &Path) -> Result<()> {
        let (passwd, group) = (self.root.join("passwd"), self.root.join("group"));
        tree::put(self.folder.path(), [&passwd, &group], "exim4", bin)
    }

    /// The port on which a login is needed.
    pub fn submission(&self) -> u16 {
        self.port.number()
    }
}

/// The user that Debian's Exim runs under is unknown to this machine: in the tree it is another name
/// of `owner`.
fn in_tree(folder: &Folder, root: &Path, owner: &nix::unistd::User) -> Result<Command> {
    let own = |from: &str, line: String| -> Result<PathBuf> {
        let file = root.join(from);
        let known = std::fs::read_to_string(Path::new("/etc").join(from))?;
        let others = known.lines().filter(|line| !line.starts_with("Debian-exim:"));
        let lines: Vec<&str> = others.chain([line.as_str()]).collect();
        std::fs::write(&file, lines.join("\n") + "\n")?;
        Ok(file)
    };
    let (uid, gid) = (owner.uid, owner.gid);
    let passwd = own("passwd", format!("Debian-exim:x:{uid}:{gid}::/nonexistent:/bin/false"))?;
    let group = own("group", format!("Debian-exim:x:{gid}:"))?;
    let settings = root.join("exim.conf");
    let settings = settings.to_str().context("a path that is no text")?;
    let arguments = ["-C", settings, "-bdf"];
    tree::command_with_users(folder.path(), [&passwd, &group], "exim4", &arguments)
}

fn settings(root: &Path, port: u16, socket: &Path, lmtp: u16) -> Result<String> {
    let root = root.display();
    let snippet = SNIPPET
        .replace("/run/mail2fa-exim/auth", &socket.display().to_string())
        .replace("${if def:tls_in_cipher}", "yes");
    ensure!(snippet.matches("= yes").count() == 2, "the snippet has changed beyond recognition");
    // It delivers under its own user, since only root may name another configuration.
    Ok(format!(
        "spool_directory = {root}/spool
log_file_path = {root}/%s.log
pid_file_path = {root}/exim.pid
local_interfaces = 127.0.0.1
daemon_smtp_ports = {port}
primary_hostname = mail.example.org
host_lookup =
rfc1413_query_timeout = 0s
tls_advertise_hosts =
deliver_drop_privilege = true
keep_environment =
acl_smtp_rcpt = recipient

begin acl
recipient:
  accept authenticated = *
  deny

begin routers
dovecot:
  driver = manualroute
  domains = example.org
  route_list = * 127.0.0.1 byname
  self = send
  transport = lmtp

begin transports
lmtp:
  driver = smtp
  protocol = lmtp
  port = {lmtp}
  allow_localhost
  hosts_avoid_tls = *

begin retry
* * F,1m,1s

begin authenticators
{snippet}"
    ))
}
