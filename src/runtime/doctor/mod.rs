//! `mail2fa doctor`: does what is configured here, and at Dovecot, Postfix and Exim, keep the promise?
//!
//! It looks and changes nothing. Whether the daemon answers is asked by the command line, which knows how.
//! It logs nothing.

mod doors;
mod doveconf;
mod dovecot;
mod exim;
mod postfix;

use std::{
    os::unix::fs::{FileTypeExt, MetadataExt},
    path::{Path, PathBuf},
    process::Stdio,
    time::Duration,
};

use super::compose;
use crate::{
    base::limits::{CLOCK_LOST_SECONDS, DOCTOR_OUTPUT_BYTES, DOCTOR_SECONDS},
    config::{Config, ListenerConfig, ListenerKind},
    upstream::{Link, UpstreamError},
};

/// The protocol's minor version that an upstream is greeted with.
const MINOR: u32 = 2;

/// How it is with what was looked at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum State {
    /// As it should be.
    Good,
    /// It could not be looked at, or somebody who knows the machine has to judge it.
    Look,
    /// Logins fail, or a password alone opens what it should not.
    Bad,
}

/// What was found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// What was looked at: `listener`, `upstream`, `vouch`, `clock`, `dovecot`, `postfix`, `exim`.
    pub check: &'static str,
    /// Which of them.
    pub about: String,
    /// How it is.
    pub state: State,
    /// What it is, and what to do.
    pub what: String,
}

impl Finding {
    fn new(check: &'static str, about: impl Into<String>, state: State, what: String) -> Self {
        Self { check, about: about.into(), state, what }
    }

    /// Of a server whose configuration nothing can be said of.
    fn unseen(server: &'static str, why: &str) -> Self {
        Self::new(server, "configuration", State::Look, format!("was not looked at: {why}"))
    }
}

/// Which Dovecot, Postfix and Exim are asked.
#[derive(Clone, Debug, Default)]
pub struct Servers {
    /// Dovecot's configuration file; its own default if not given.
    pub dovecot: Option<PathBuf>,
    /// Postfix's configuration folder; its own default if not given.
    pub postfix: Option<PathBuf>,
    /// Exim's configuration file; its own default if not given.
    pub exim: Option<PathBuf>,
}

/// Looks at everything but the daemon itself.
pub async fn examine(config: &Config, servers: &Servers) -> Vec<Finding> {
    let mut found: Vec<Finding> = config.listeners.iter().map(listener).collect();
    found.extend(upstreams(config).await);
    found.extend(vouch(config));
    found.push(clock());
    found.push(synchronised().await);
    found.extend(dovecot::dovecot(config, servers.dovecot.as_deref()).await);
    found.extend(postfix::postfix(config, servers.postfix.as_deref()).await);
    found.extend(exim::exim(config, servers.exim.as_deref()).await);
    found
}

/// The socket of a door.
fn listener(listener: &ListenerConfig) -> Finding {
    let about = format!("{} ({})", listener.name, listener.socket.display());
    let finding = |state, what: String| Finding::new("listener", about.clone(), state, what);
    let metadata = match std::fs::symlink_metadata(&listener.socket) {
        Ok(metadata) if metadata.file_type().is_socket() => metadata,
        Ok(_) => return finding(State::Bad, "is no socket".into()),
        Err(error) => return finding(State::Bad, format!("cannot be seen: {error}")),
    };
    let mode = metadata.mode() & 0o7777;
    if mode != listener.mode {
        let what = format!(
            "has mode {mode:04o}, and {:04o} is configured; where systemd opens it, its socket unit says \
             which",
            listener.mode
        );
        let state = if mode & 0o002 == 0 { State::Look } else { State::Bad };
        return finding(state, what);
    }
    let owner = listener.owner.as_ref().filter(|owner| owner.uid != metadata.uid());
    let group = listener.group.as_ref().filter(|group| group.gid != metadata.gid());
    match (owner, group) {
        (Some(owner), _) => {
            let what = format!("belongs to user {}, not to {}", metadata.uid(), owner.name);
            finding(State::Bad, what)
        }
        (None, Some(group)) => {
            let what = format!("belongs to group {}, not to {}", metadata.gid(), group.name);
            finding(State::Bad, what)
        }
        (None, None) => finding(State::Good, format!("is there, mode {mode:04o}")),
    }
}

/// Whether Dovecot answers where it is asked.
async fn upstreams(config: &Config) -> Vec<Finding> {
    let mut paths: Vec<&Path> = config.passwords.upstream.as_deref().into_iter().collect();
    paths.extend(config.listeners.iter().filter_map(|listener| match &listener.kind {
        ListenerKind::Login { upstream } => Some(upstream.as_path()),
        ListenerKind::Client { temp_fail: _ } => None,
    }));
    let mut found = Vec::new();
    for path in paths {
        let greeted = Link::connect(path, MINOR, std::process::id()).await;
        found.push(upstream(path, &greeted));
    }
    found
}

fn upstream(path: &Path, greeted: &Result<Link, UpstreamError>) -> Finding {
    let finding =
        |state, what: String| Finding::new("upstream", path.display().to_string(), state, what);
    match greeted {
        Err(error) => finding(State::Bad, format!("does not answer: {error}")),
        Ok(link) => {
            let offers = &link.greeting().mechanisms;
            let names: Vec<&str> = offers.iter().map(|offer| offer.name.as_str()).collect();
            if names.iter().any(|name| name.eq_ignore_ascii_case("PLAIN")) {
                finding(State::Good, format!("answers, and offers {}", names.join(", ")))
            } else {
                finding(State::Bad, "does not offer PLAIN: add it to auth_mechanisms".into())
            }
        }
    }
}

/// Whether the secret can be read that Dovecot believes.
fn vouch(config: &Config) -> Option<Finding> {
    let path = config.passwords.vouch_secret_file.as_deref()?;
    let about = path.display().to_string();
    Some(match compose::vouch_secret(path) {
        Ok(_) => Finding::new("vouch", about, State::Good, "can be read".into()),
        Err(error) => Finding::new("vouch", about, State::Bad, error.to_string()),
    })
}

/// Whether the clock can be right.
fn clock() -> Finding {
    let finding = |state, what: String| Finding::new("clock", "time", state, what);
    match compose::clock().now() {
        Err(error) => finding(State::Bad, error.to_string()),
        Ok(now) if now.seconds() < CLOCK_LOST_SECONDS => {
            finding(State::Bad, "has lost its time: set it, no code is right".into())
        }
        Ok(now) => {
            let shown = std::time::UNIX_EPOCH + Duration::from_secs(now.seconds().min(1 << 36));
            let shown = humantime::format_rfc3339_seconds(shown);
            finding(State::Good, format!("shows {shown}; compare it with a clock that is right"))
        }
    }
}

/// Whether somebody sets it.
async fn synchronised() -> Finding {
    let finding = |state, what: &str| Finding::new("clock", "NTP", state, what.to_owned());
    let arguments = ["show", "--property=NTPSynchronized", "--value"];
    match said("timedatectl", None, &arguments).await.as_deref().map(str::trim) {
        Ok("yes") => finding(State::Good, "the clock is synchronised"),
        Ok("no") => {
            finding(State::Look, "the clock is not synchronised: codes fail when it is 30 s off")
        }
        Ok(_) | Err(_) => finding(
            State::Look,
            "it is not known whether the clock is synchronised (no timedatectl)",
        ),
    }
}

/// What a program prints, in bounded time; of a configuration that an option of it names, or of its usual one. Why
/// not, for a person.
async fn said(
    program: &str,
    configuration: Option<(&str, &Path)>,
    wanted: &[&str],
) -> Result<String, String> {
    let mut command = tokio::process::Command::new(program);
    if let Some((option, path)) = configuration {
        command.arg(option).arg(path);
    }
    command.args(wanted).stdin(Stdio::null()).kill_on_drop(true);
    let limit = Duration::from_secs(DOCTOR_SECONDS);
    let output = tokio::time::timeout(limit, command.output())
        .await
        .map_err(|_| format!("{program} did not end within {DOCTOR_SECONDS} s"))?
        .map_err(|error| format!("{program} cannot be run: {error}"))?;
    let text = |bytes: &[u8]| {
        let most = bytes.len().min(DOCTOR_OUTPUT_BYTES);
        String::from_utf8_lossy(bytes.get(..most).unwrap_or_default()).into_owned()
    };
    if output.status.success() {
        return Ok(text(&output.stdout));
    }
    let complaint = text(&output.stderr);
    Err(format!("{program}: {}", complaint.lines().next_back().unwrap_or("it failed").trim()))
}
