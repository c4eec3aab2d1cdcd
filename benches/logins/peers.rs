//! The servers that are measured, each a process of its own.

use std::{
    io::{BufRead, BufReader, Write},
    os::unix::{
        fs::PermissionsExt,
        net::{UnixListener, UnixStream},
    },
    path::{Path, PathBuf},
    process::Command,
    time::Duration,
};

use anyhow::{Result, bail, ensure};

use crate::{accounts::Hashes, process::Server};

/// Dovecot 2.3's own auth service with a passwd-file, and its socket for clients.
pub fn dovecot(root: &Path, passwd_file: &Path) -> Result<(Server, PathBuf)> {
    let Ok(version) = Command::new("dovecot").arg("--version").output() else {
        bail!("dovecot is not installed: logins are compared with Dovecot 2.3 (dovecot-core)");
    };
    let version = String::from_utf8_lossy(&version.stdout).trim().to_owned();
    ensure!(version.starts_with("2.3."), "Dovecot 2.3 is needed, and this is {version}");
    ensure!(nix::unistd::geteuid().is_root(), "Dovecot must be started as root");
    let root = root.join("dovecot");
    std::fs::create_dir(&root)?;
    std::fs::set_permissions(&root, std::fs::Permissions::from_mode(0o755))?;
    let config = root.join("dovecot.conf");
    std::fs::write(&config, dovecot_settings(&root, passwd_file))?;
    let mut command = Command::new("dovecot");
    command.arg("-F").arg("-c").arg(&config);
    let mut server = Server::start("Dovecot", &mut command, root.join("output.log"))?;
    server.log = root.join("dovecot.log");
    let socket = root.join("run/auth-client");
    server.wait_for(&socket)?;
    println!("Dovecot {version}, auth service with a passwd-file, {{PLAIN}}, no auth cache");
    Ok((server, socket))
}

fn dovecot_settings(root: &Path, passwd_file: &Path) -> String {
    let (root, passwd_file) = (root.display(), passwd_file.display());
    format!(
        "base_dir = {root}/run\n\
         state_dir = {root}/state\n\
         log_path = {root}/dovecot.log\n\
         protocols =\n\
         ssl = no\n\
         disable_plaintext_auth = no\n\
         auth_mechanisms = plain login\n\
         auth_cache_size = 0\n\
         passdb {{\n  driver = passwd-file\n  args = {passwd_file}\n}}\n\
         userdb {{\n  driver = static\n  args = uid=65534 gid=65534 home=/nonexistent\n}}\n\
         service auth {{\n  unix_listener auth-client {{\n    mode = 0600\n  }}\n}}\n\
         service anvil {{\n  unix_listener anvil-auth-penalty {{\n    mode = 0\n  }}\n}}\n"
    )
}

/// mail2fa with one `client` listener.
pub struct Daemon<'a> {
    /// Folder of sockets and logs.
    pub root: &'a Path,
    /// Tells several apart.
    pub name: &'static str,
    pub store: &'a Path,
    pub key: &'a Path,
    pub hashes: Hashes,
    /// Dovecot's socket.
    pub upstream: &'a Path,
    /// Level of the log.
    pub log: &'a str,
    pub throttle: bool,
    pub audit: bool,
    /// `passwords.cache`.
    pub cache: &'a str,
}

impl Daemon<'_> {
    /// Starts it; gives its socket.
    pub fn start(&self) -> Result<(Server, PathBuf)> {
        let root = self.root.join(self.name);
        std::fs::create_dir(&root)?;
        let socket = root.join("client");
        let config = root.join("mail2fa.toml");
        std::fs::write(&config, self.settings(&root))?;
        let mut command = Command::new(std::env::current_exe()?);
        command.arg("--serve").arg(&config);
        let mut server = Server::start("mail2fa", &mut command, root.join("mail2fa.log"))?;
        server.wait_for(&socket)?;
        Ok((server, socket))
    }

    fn settings(&self, root: &Path) -> String {
        let (root, store, key) = (root.display(), self.store.display(), self.key.display());
        let passwords = match self.hashes {
            Hashes::Stored => "source = \"store\"".to_owned(),
            Hashes::Elsewhere => {
                format!("source = \"dovecot\"\nupstream = \"{}\"", self.upstream.display())
            }
        };
        let (level, throttle, cache) = (self.log, self.throttle, self.cache);
        let logins = if self.audit { "30d" } else { "off" };
        format!(
            "[store]\ndirectory = \"{store}\"\nkey_file = \"{key}\"\n\
             [passwords]\n{passwords}\ncache = \"{cache}\"\n\
             [throttle]\nenabled = {throttle}\n\
             [audit]\nlogins = \"{logins}\"\n\
             [control]\nsocket = \"{root}/control\"\n\
             [log]\ntarget = \"plain\"\nlevel = \"{level}\"\n\
             [[listener]]\nname = \"bench\"\nkind = \"client\"\nsocket = \"{root}/client\"\n"
        )
    }
}

/// A server that says OK to everything and does nothing else: what the load generator itself, the
/// sockets and the scheduler allow.
pub fn echo(root: &Path) -> Result<(Server, PathBuf)> {
    let socket = root.join("echo");
    let mut command = Command::new(std::env::current_exe()?);
    command.arg("--echo").arg(&socket);
    let mut server = Server::start("the echo server", &mut command, root.join("echo.log"))?;
    server.wait_for(&socket)?;
    Ok((server, socket))
}

/// The echo server's side.
pub fn serve_echo(socket: &Path) -> Result<()> {
    for stream in UnixListener::bind(socket)?.incoming() {
        let stream = stream?;
        // A client that went away is no concern.
        std::thread::spawn(move || answer_all(&stream));
    }
    Ok(())
}

fn answer_all(mut stream: &UnixStream) -> Result<()> {
    let spid = std::process::id();
    stream.write_all(
        format!("VERSION\t1\t2\nMECH\tPLAIN\tplaintext\nSPID\t{spid}\nCUID\t1\nCOOKIE\t00\nDONE\n")
            .as_bytes(),
    )?;
    let mut input = BufReader::with_capacity(65_536, stream);
    let mut output = Vec::new();
    let mut line = String::new();
    while input.read_line(&mut line)? > 0 {
        if let Some(rest) = line.strip_prefix("AUTH\t") {
            let id = rest.split('\t').next().unwrap_or_default();
            writeln!(output, "OK\t{id}\tuser=somebody@example.org")?;
        }
        line.clear();
        if input.buffer().is_empty() {
            stream.write_all(&output)?;
            output.clear();
        }
    }
    Ok(())
}

/// Processor time that a process has used so far, of all its threads, user and system.
pub fn cpu_time(pid: u32) -> Result<Duration> {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat"))?;
    // utime and stime are the 14th and 15th field (proc(5)); the second may hold spaces.
    let fields = stat.rsplit(") ").next().unwrap_or_default().split(' ').skip(11).take(2);
    let ticks = fields.map(str::parse::<u64>).sum::<Result<u64, _>>()?;
    // The kernel reports in hundredths of a second (USER_HZ) on all common platforms.
    Ok(Duration::from_millis(ticks * 10))
}
