//! What is measured: a mail2fa with both kinds of listener, and a Dovecot auth made of a script, each a
//! process of its own.

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

use anyhow::{Context, Result, ensure};
use base64::{Engine, prelude::BASE64_STANDARD};

use crate::{
    kinds::{self, Door, Kind, PASSWORD, Source},
    process::Server,
};

/// How long the script takes for a password: the time of a quick hash.
const UPSTREAM_TAKES: Duration = Duration::from_millis(3);

/// Everything that is needed for one table.
pub struct Stand {
    /// Stopped in this order.
    _mail2fa: Server,
    _upstream: Server,
    folder: tempfile::TempDir,
}

impl Stand {
    pub fn start(source: Source, delay_ms: u64, each: usize) -> Result<Self> {
        let folder = tempfile::Builder::new().prefix("mail2fa-refusals-").tempdir()?;
        let root = folder.path();
        kinds::fill_store(&root.join("store"), &root.join("key"), source, each)?;
        let vouch = root.join("vouch");
        std::fs::write(&vouch, "0f1e2d3c4b5a69788796a5b4c3d2e1f0\n")?;
        std::fs::set_permissions(&vouch, std::fs::Permissions::from_mode(0o600))?;
        let (client, login) = (root.join("auth-client"), root.join("auth-login"));
        let upstream = start(root, "upstream", &[&"--upstream", &client, &login], &login)?;
        let config = root.join("mail2fa.toml");
        std::fs::write(&config, settings(root, source, delay_ms))?;
        let mail2fa =
            start(root, "mail2fa", &[&"--serve", &config], &root.join(Door::Login.name()))?;
        Ok(Self { _mail2fa: mail2fa, _upstream: upstream, folder })
    }

    pub fn socket(&self, door: Door) -> PathBuf {
        self.folder.path().join(door.name())
    }

    /// Whether each kind was refused for the reason it stands for; a few throttled ones may be tried as time
    /// goes by.
    pub fn check_reasons(&self, each: usize) -> Result<()> {
        // The log is written every 10 ms.
        std::thread::sleep(Duration::from_millis(100));
        let log = std::fs::read_to_string(self.folder.path().join("mail2fa.log"))?;
        for kind in Kind::ALL {
            let reason = format!("reason={} ", kind.reason());
            let logged = log.lines().filter(|line| line.contains(&reason)).count();
            let same = Kind::ALL.iter().filter(|other| other.reason() == kind.reason()).count();
            ensure!(
                logged >= same * each * 95 / 100,
                "{}: refused {logged} times as {}, of {}",
                kind.name(),
                kind.reason(),
                same * each
            );
        }
        Ok(())
    }
}

fn settings(root: &Path, source: Source, delay_ms: u64) -> String {
    let (root, source, memory) = (root.display(), source.name(), kinds::COST.memory_kib);
    let passes = kinds::COST.passes;
    format!(
        "[store]\ndirectory = \"{root}/store\"\nkey_file = \"{root}/key\"\n\
         [passwords]\nsource = \"{source}\"\nupstream = \"{root}/auth-client\"\n\
         vouch_secret_file = \"{root}/vouch\"\n\
         [passwords.hashing]\nmemory_kib = {memory}\npasses = {passes}\n\
         [enforcement.services]\npop3 = \"off\"\n\
         [control]\nsocket = \"{root}/control\"\n\
         [refusals]\ndelay = \"{delay_ms}ms\"\n\
         [log]\ntarget = \"plain\"\n\
         [[listener]]\nname = \"client\"\nkind = \"client\"\nsocket = \"{root}/client\"\n\
         [[listener]]\nname = \"login\"\nkind = \"login\"\nsocket = \"{root}/login\"\n\
         upstream = \"{root}/auth-login\"\n"
    )
}

/// This benchmark's own program as one of its servers.
fn start(
    root: &Path,
    what: &'static str,
    arguments: &[&dyn AsRef<std::ffi::OsStr>],
    socket: &Path,
) -> Result<Server> {
    let mut command = Command::new(std::env::current_exe()?);
    command.args(arguments);
    let mut server = Server::start(what, &mut command, root.join(format!("{what}.log")))?;
    server.wait_for(socket)?;
    Ok(server)
}

/// The script's side: knows all mailboxes but the unknown ones, and their one password.
pub fn serve_upstream(client: &Path, login: &Path) -> Result<()> {
    let client = UnixListener::bind(client)?;
    let login = UnixListener::bind(login)?;
    let accept = |listener: UnixListener| {
        for stream in listener.incoming().flatten() {
            // A client that went away is no concern.
            std::thread::spawn(move || answer_all(&stream));
        }
    };
    std::thread::spawn(move || accept(client));
    accept(login);
    Ok(())
}

fn answer_all(mut stream: &UnixStream) -> Result<()> {
    stream.write_all(
        b"VERSION\t1\t2\nMECH\tPLAIN\tplaintext\nMECH\tLOGIN\tplaintext\nMECH\tEXTERNAL\n\
          SPID\t4242\nCUID\t77\nCOOKIE\t00112233445566778899aabbccddeeff\nDONE\n",
    )?;
    let mut line = String::new();
    let mut input = BufReader::new(stream);
    while input.read_line(&mut line)? > 0 {
        if line.starts_with("AUTH\t") {
            let answer = answer(line.trim_end())?;
            let stream = stream.try_clone()?;
            std::thread::spawn(move || {
                std::thread::sleep(UPSTREAM_TAKES);
                (&stream).write_all(answer.as_bytes())
            });
        }
        line.clear();
    }
    Ok(())
}

fn answer(line: &str) -> Result<String> {
    let words: Vec<&str> = line.split('\t').collect();
    let id = words.get(1).context("no id")?;
    if let Some(name) = words.iter().find_map(|word| word.strip_prefix("cert_username=")) {
        return Ok(format!("OK\t{id}\tuser={name}\n"));
    }
    let response = words.iter().find_map(|word| word.strip_prefix("resp=")).unwrap_or_default();
    let message = String::from_utf8(BASE64_STANDARD.decode(response)?)?;
    let mut parts = message.split('\0').skip(1);
    let (name, password) = (parts.next().context("no name")?, parts.next().context("none")?);
    let known = !name.starts_with(&Kind::Unknown.mailbox(0)[..9]);
    let verdict = if known && password == PASSWORD { "OK" } else { "FAIL" };
    Ok(format!("{verdict}\t{id}\tuser={name}\n"))
}
