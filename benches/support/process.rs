//! A server that a benchmark starts: a process of its own, with a socket, stopped when it goes.
//!
//! What it serves is the benchmark's business.

use std::{
    fs::File,
    os::unix::net::UnixStream,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};

use anyhow::{Context, Result, bail, ensure};
use nix::{
    sys::signal::{Signal, kill},
    unistd::Pid,
};

/// How long it may take to serve.
const TO_START: Duration = Duration::from_secs(20);

/// How long it may take to end when it is asked to.
const TO_END: Duration = Duration::from_secs(5);

/// How often is looked.
const LOOK: Duration = Duration::from_millis(20);

/// A server that is stopped when this goes.
pub struct Server {
    child: Child,
    what: &'static str,
    /// What tells why it does not serve.
    pub log: PathBuf,
}

impl Server {
    /// Starts it, with its output in `log`.
    pub fn start(what: &'static str, command: &mut Command, log: PathBuf) -> Result<Self> {
        let output = File::create(&log)?;
        let child = command
            .stdin(Stdio::null())
            .stdout(output.try_clone()?)
            .stderr(output)
            .spawn()
            .with_context(|| format!("cannot start {what}"))?;
        Ok(Self { child, what, log })
    }

    /// Until connections to its socket are taken.
    pub fn wait_for(&mut self, socket: &Path) -> Result<()> {
        let begun = Instant::now();
        while UnixStream::connect(socket).is_err() {
            if let Some(status) = self.child.try_wait()? {
                bail!("{} ended at once ({status}):\n{}", self.what, self.said());
            }
            ensure!(
                begun.elapsed() < TO_START,
                "{} does not serve {}:\n{}",
                self.what,
                socket.display(),
                self.said()
            );
            std::thread::sleep(LOOK);
        }
        Ok(())
    }

    fn said(&self) -> String {
        std::fs::read_to_string(&self.log).unwrap_or_default()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        if let Ok(pid) = i32::try_from(self.child.id()) {
            let _ = kill(Pid::from_raw(pid), Signal::SIGTERM);
        }
        let begun = Instant::now();
        while begun.elapsed() < TO_END {
            if let Ok(Some(_)) = self.child.try_wait() {
                return;
            }
            std::thread::sleep(LOOK);
        }
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
