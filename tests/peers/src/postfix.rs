//! A private Postfix: a submission port with AUTH, a relay port for Dovecot's submission service,
//! and delivery to Dovecot over LMTP.
//!
//! The settings that bring mail2fa in are the snippet `config/postfix-main.cf`, word for word but
//! for TLS, which the loopback needs not.

use std::os::unix::fs::{DirBuilderExt as _, PermissionsExt as _};
use std::path::PathBuf;
use std::process::Command;
use std::sync::Arc;

use anyhow::{Context, Result, ensure};

use crate::folder::Folder;
use crate::group::Group;
use crate::port::Port;
use crate::wait;

const SNIPPET: &str = include_str!("../../../config/postfix-main.cf");

/// Where the SASL socket is, below the queue folder; the snippet says the same.
const SASL_PATH: &str = "private/mail2fa";

/// The relay for notices on a Unix socket, as docs/notices.md describes it, below `public`.
const NOTICES: &str = "mail2fa-notices";

/// The ports of one instance. They are taken before it starts, since Dovecot and Postfix each
/// name a port of the other.
#[derive(Debug)]
pub struct Ports {
    submission: Port,
    relay: Port,
}

impl Ports {
    /// Takes two free ports.
    ///
    /// # Errors
    /// When there are none.
    pub fn take() -> Result<Self> {
        Ok(Self { submission: Port::take()?, relay: Port::take()? })
    }

    /// Where mail is accepted without a login.
    pub fn relay(&self) -> u16 {
        self.relay.number()
    }
}

/// A running instance. Dropping it stops it.
#[derive(Debug)]
pub struct Postfix {
    folder: Arc<Folder>,
    settings: PathBuf,
    queue: PathBuf,
    log: PathBuf,
    ports: Ports,
    group: Option<Group>,
}

impl Postfix {
    /// Writes the settings and starts. Mail for example.org goes to LMTP at `lmtp`.
    ///
    /// # Errors
    /// When Postfix is not installed or does not start.
    pub fn start(folder: &Arc<Folder>, ports: Ports, lmtp: u16) -> Result<Self> {
        ensure!(nix::unistd::geteuid().is_root(), "Postfix must be started as root");
        let settings = folder.sub("postfix")?;
        let queue = folder.sub("spool")?;
        let data = folder.sub("postfix-data")?;
        let user = nix::unistd::User::from_name("postfix")?.context("there is no user postfix")?;
        std::os::unix::fs::chown(&data, Some(user.uid.as_raw()), None)?;
        std::fs::set_permissions(&data, std::fs::Permissions::from_mode(0o700))?;
        let log = folder.path().join("postfix.log");
        let main = main_cf(&queue, &data, &log, lmtp);
        std::fs::write(settings.join("main.cf"), main)?;
        std::fs::write(settings.join("master.cf"), master_cf(&ports))?;
        // mail2fa puts its socket here, maybe before Postfix has made the folder itself.
        std::fs::DirBuilder::new().mode(0o700).create(queue.join("private"))?;
        std::os::unix::fs::chown(queue.join("private"), Some(user.uid.as_raw()), None)?;
        let mut postfix =
            Self { folder: Arc::clone(folder), settings, queue, log, ports, group: None };
        postfix.run()?;
        Ok(postfix)
    }

    fn run(&mut self) -> Result<()> {
        let output = self.settings.join("output.log");
        let mut command = self.command(&["start-fg"]);
        command.env("MAIL_LOGTAG", "postfix");
        let mut group = Group::spawn(&self.folder, command, &output)?;
        let relay = self.relay();
        wait::until("Postfix to start", || {
            if let Some(status) = group.ended() {
                return Some(Err(anyhow::anyhow!("Postfix ended at once ({status})")));
            }
            // Its master opens all ports before it runs anything behind them. The other port is
            // left alone: smtpd ends when it finds no SASL socket.
            std::net::TcpStream::connect(("127.0.0.1", relay)).is_ok().then_some(Ok(()))
        })
        .and_then(|started| started)
        .with_context(|| self.folder.logs())?;
        let pid = std::fs::read_to_string(self.queue.join("pid/master.pid"))?;
        group.adopt(pid.trim().parse().context("master.pid is no number")?);
        self.group = Some(group);
        Ok(())
    }

    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new("postfix");
        command.arg("-c").arg(&self.settings).args(arguments);
        command
    }

    /// Stops it and starts it again.
    ///
    /// # Errors
    /// When it does not start again.
    pub fn restart(&mut self) -> Result<()> {
        self.stop();
        self.run()
    }

    /// Stops it; the ports stay reserved.
    pub fn stop(&mut self) {
        if let Some(group) = self.group.take() {
            group.stop();
        }
    }

    /// The port on which a login is needed.
    pub fn submission(&self) -> u16 {
        self.ports.submission.number()
    }

    /// The port that takes mail without a login.
    pub fn relay(&self) -> u16 {
        self.ports.relay()
    }

    /// The folder of its configuration.
    pub fn settings_folder(&self) -> &PathBuf {
        &self.settings
    }

    /// The socket that smtpd asks.
    pub fn sasl_socket(&self) -> PathBuf {
        self.queue.join(SASL_PATH)
    }

    /// The socket that takes notices.
    pub fn notice_socket(&self) -> PathBuf {
        self.queue.join("public").join(NOTICES)
    }

    /// Postfix's log.
    pub fn log_file(&self) -> &PathBuf {
        &self.log
    }
}

fn main_cf(
    queue: &std::path::Path,
    data: &std::path::Path,
    log: &std::path::Path,
    lmtp: u16,
) -> String {
    let (queue, data, log) = (queue.display(), data.display(), log.display());
    // Repeating a name in main.cf gives a warning, so the line itself is changed.
    let snippet = SNIPPET.replace("smtpd_tls_auth_only = yes", "smtpd_tls_auth_only = no");
    // smtpd ends when mail2fa is not there, and master would then wait a minute before it tries
    // again: service_throttle_time.
    format!(
        "compatibility_level = 3.6
queue_directory = {queue}
data_directory = {data}
maillog_file = {log}
maillog_file_prefixes = /tmp
multi_instance_enable = no
inet_interfaces = 127.0.0.1
inet_protocols = ipv4
mynetworks = 127.0.0.0/8
myhostname = mail.example.org
mydestination =
alias_maps =
alias_database =
local_recipient_maps =
disable_dns_lookups = yes
smtpd_peername_lookup = no
smtp_host_lookup = native
virtual_mailbox_domains = example.org
virtual_transport = lmtp:inet:127.0.0.1:{lmtp}
smtpd_relay_restrictions = permit_sasl_authenticated, reject
smtpd_client_connection_count_limit = 0
service_throttle_time = 1s
minimal_backoff_time = 1s
queue_run_delay = 1s
{snippet}"
    )
}

fn master_cf(ports: &Ports) -> String {
    let (submission, relay) = (ports.submission.number(), ports.relay.number());
    format!(
        "127.0.0.1:{submission} inet n - n - - smtpd
  -o syslog_name=postfix/submission
  -o smtpd_sasl_auth_enable=yes
127.0.0.1:{relay} inet n - n - - smtpd
  -o syslog_name=postfix/relay
  -o smtpd_relay_restrictions=permit_mynetworks,reject
{NOTICES} unix n - n - - smtpd
  -o syslog_name=postfix/notices
  -o smtpd_relay_restrictions=permit_mynetworks,reject
cleanup unix n - n - 0 cleanup
qmgr unix n - n 300 1 qmgr
rewrite unix - - n - - trivial-rewrite
bounce unix - - n - 0 bounce
defer unix - - n - 0 bounce
trace unix - - n - 0 bounce
verify unix - - n - 1 verify
lmtp unix - - n - - lmtp
smtp unix - - n - - smtp
error unix - - n - - error
retry unix - - n - - error
discard unix - - n - - discard
local unix - n n - - local
virtual unix - n n - - virtual
anvil unix - - n - 1 anvil
scache unix - - n - 1 scache
proxymap unix - - n - - proxymap
tlsmgr unix - - n 1000? 1 tlsmgr
postlog unix-dgram n - n - 1 postlogd
"
    )
}
